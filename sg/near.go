package sg

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// mostNear bounds the near rules of an explanation.
const mostNear = 5

// Near returns the ENI's rules for a direction that come nearest to admitting a packet
// that none of them admits, nearest first, at most five: the same as Explain, at less
// cost. It ignores connections and exemptions, changes nothing, and may be called from
// several goroutines as long as nobody changes the firewall's rules.
func (e *Enforcer) Near(dir Direction, p Packet) []NearRule {
	if e == nil || e.eni == nil || dir != Ingress && dir != Egress || p.Err != nil {
		return nil
	}
	var all []NearRule
	for _, g := range e.eni.groups() {
		for _, r := range e.f.w.groups[g].rules[dir-1] {
			all = append(all, NearRule{RuleRef{r}, e.f.w.fails(e.eni, r, dir, p.Header, p.Via)})
		}
	}
	return nearest(all)
}

// nearest sorts rules by how far they are from a packet, and returns the first few.
func nearest(all []NearRule) []NearRule {
	slices.SortStableFunc(all, func(a, b NearRule) int { return cmp.Compare(a.distance(), b.distance()) })
	return all[:min(len(all), mostNear)]
}

func (n *NearRule) distance() (d int) {
	for _, f := range n.Fails {
		d += distances[f.Field]
	}
	return d
}

// distances say how far a failed field puts a rule from a packet. What people
// most often get wrong is nearest.
var distances = map[string]int{
	"icmp code": 1, "port": 2, "icmp type": 2, "source": 3, "destination": 3, "protocol": 6,
}

// fails returns the fields of a rule at an ENI, or of a network ACL entry, that the
// packet does not fit.
func (w *world) fails(n *eni, r *ruleInfo, dir Direction, h *packet.Header, via Via) []Fail {
	fs, remote := r.failedMatch(h), remoteAddr(dir, h)
	f := Fail{Field: "source"}
	if dir == Egress {
		f.Field = "destination"
	}
	has := false
	switch r.kind {
	case peerCIDR4, peerCIDR6:
		if has = r.rule.Peer.CIDR.Contains(remote); r.rule.Peer.CIDR.Addr().Is4() != remote.Is4() {
			f.Why = "a rule covers one IP version only"
		}
	case peerList:
		_, has = w.cidrs.Longest(remote, r.peer)
		f.Why = "no entry of the list contains it"
		if r.unsure {
			f.Why = "no entry that is known contains it"
		}
	case peerNothing:
		f.Why = w.staleReason(r)
	case peerGroup:
		id, _ := w.member(n, r.peer, dir, h, via)
		if has = id != ""; !has {
			f.Why = w.failedMember(n, w.groups[r.peer], h, dir, via)
		}
	}
	if has {
		return fs
	}
	f.Want, f.Got = r.rule.Peer.String(), remote.String()
	return append(fs, f)
}

// failedMatch returns the fields of a rule, its peer aside, that the packet does not
// fit.
func (r *ruleInfo) failedMatch(h *packet.Header) (fs []Fail) {
	p := r.rule.Protocol
	switch {
	case p == AllProtocols:
	case p != ProtocolNumber(uint8(h.Protocol)):
		fs = append(fs, Fail{Field: "protocol", Want: p.String(), Got: h.Protocol.String()})
	case p == ICMP && h.Family == packet.IPv6:
		fs = append(fs, Fail{Field: "protocol", Want: p.String(), Got: p.String(), Why: "over IPv6, where only icmpv6 has a meaning (SG-41)"})
	case r.covers(h):
	case h.LaterFragment():
		fs = append(fs, failedNone(&r.rule, "a later fragment has none, and only a rule for all of them covers it"))
	case h.Missing&(packet.MissingPorts|packet.MissingICMP) != 0:
		fs = append(fs, failedNone(&r.rule, "the frame does not hold it, and only a rule for all of them covers it"))
	case p == TCP || p == UDP:
		fs = append(fs, Fail{Field: "port", Want: r.rule.Ports.String(), Got: strconv.Itoa(int(h.DstPort))})
	default:
		m := r.rule.ICMP
		if m.typ != -1 && m.typ != int32(h.ICMPType) {
			fs = append(fs, Fail{Field: "icmp type", Want: strconv.Itoa(m.Type()), Got: strconv.Itoa(int(h.ICMPType))})
		} else {
			fs = append(fs, Fail{Field: "icmp code", Want: strconv.Itoa(m.Code()), Got: strconv.Itoa(int(h.ICMPCode))})
		}
	}
	return fs
}

// failedNone says that a packet has no port, or type, that the rule could cover.
func failedNone(r *Rule, why string) Fail {
	f := Fail{Field: "port", Want: r.Ports.String(), Got: "none", Why: why}
	if r.Protocol == ICMP || r.Protocol == ICMPv6 {
		f.Field, f.Want = "icmp type", r.ICMP.String()
	}
	return f
}

// staleReason says why a rule's reference resolves to nothing.
func (w *world) staleReason(r *ruleInfo) string {
	p := r.rule.Peer
	if p.PrefixList != "" {
		return fmt.Sprintf("%s is not in the topology", p.PrefixList)
	}
	n, ok := w.named(p.Group)
	if !ok {
		return fmt.Sprintf("%s is not in the topology", p.Group)
	}
	return w.stale(&p, w.groups[w.groupByID[r.group]], w.groups[n])
}

// failedMember says why the packet's other end does not count as a member of g.
func (w *world) failedMember(n *eni, g *group, h *packet.Header, dir Direction, via Via) string {
	owners := w.ownersIn(via.VPC, w.members.Lookup(h.Family, remoteBytes(dir, h)))
	for _, m := range owners {
		o := &w.enis[m]
		if !slices.Contains(o.groups(), g.number) {
			continue
		}
		if via.Appliance {
			return fmt.Sprintf("it is %s, a member, but rules that name a group do not match on a path through an appliance (REF-12)", o.id)
		}
		connects := "no active peering within the Region connects (REF-08)"
		switch maybe := w.reach.Member(n.vpc, o.vpc, g.vpcs, dir == Ingress) == reach.Maybe; {
		case maybe && dir == Ingress:
			connects = "at most a transit gateway connects (REF-11)"
		case maybe:
			connects = "at most a peering connects (REF-08)"
		}
		return fmt.Sprintf("it is %s, a member, but in a VPC that %s", o.id, connects)
	}
	if len(owners) > 0 {
		return fmt.Sprintf("it is %s, which does not carry %s", w.enis[owners[0]].id, g.id)
	}
	if id, ok := w.public[remoteAddr(dir, h)]; ok {
		n := w.eniByID[id]
		if slices.Contains(w.enis[n].groups(), g.number) {
			return fmt.Sprintf("it is a public address of %s, a member, but rules that name a group match private addresses only (REF-01)", id)
		}
		return fmt.Sprintf("it is a public address of %s, which does not carry %s either", id, g.id)
	}
	members, without := 0, ""
	for i := range w.enis {
		if o := &w.enis[i]; slices.Contains(o.groups(), g.number) {
			members++
			if o.addr4 == 0 && o.addr6 == [16]byte{} {
				without = fmt.Sprintf(", of which %s has no address yet", o.id)
			}
		}
	}
	if members == 0 {
		return "the group has no members"
	}
	return fmt.Sprintf("it is not a private address of its members (%d%s)", members, without)
}
