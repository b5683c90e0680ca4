package sg

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// A hit is what match found. The zero hit is no rule.
type hit struct {
	rule      *ruleInfo
	member    uint32 // the ENI that a group peer was matched by
	untracked bool
}

// match finds the first rule in topology order that admits the packet at the ENI.
func (w *world) match(n *eni, dir Direction, h *packet.Header, via Via) hit {
	for _, g := range n.groups {
		for _, r := range w.groups[g].rules[dir-1] {
			if !r.covers(h) {
				continue
			}
			if m, ok := w.peerMatches(n, r, dir, h, via); ok {
				return hit{r, m, via&ViaTracked == 0 && w.untracked(n, dir, h)}
			}
		}
	}
	return hit{}
}

// covers reports whether protocol and ports, or type and code, are the rule's.
// Of a later fragment only rules for the whole protocol are known to cover it.
func (r *ruleInfo) covers(h *packet.Header) bool {
	switch p := r.rule.Protocol; {
	case p == AllProtocols:
		return true
	case p != ProtocolNumber(uint8(h.Protocol)):
		return false
	case p == TCP || p == UDP:
		if h.LaterFragment() {
			return r.rule.Ports == AllPorts
		}
		return r.rule.Ports.First() <= int(h.DstPort) && int(h.DstPort) <= r.rule.Ports.Last()
	case p == ICMP || p == ICMPv6 && r.rule.ICMP.set:
		m := r.rule.ICMP
		if h.LaterFragment() {
			return m == AllICMP
		}
		return (m.typ == -1 || m.typ == int32(h.ICMPType)) && (m.code == -1 || m.code == int32(h.ICMPCode))
	}
	return true
}

func (w *world) peerMatches(n *eni, r *ruleInfo, dir Direction, h *packet.Header, via Via) (member uint32, ok bool) {
	remote := &h.Src
	if dir == Egress {
		remote = &h.Dst
	}
	switch r.kind {
	case peerCIDR4, peerCIDR6:
		return 0, r.rule.Peer.CIDR.Contains(remoteAddr(dir, h))
	case peerList:
		return 0, slices.ContainsFunc(w.lists[r.peer].entries, func(p netip.Prefix) bool {
			return p.Contains(remoteAddr(dir, h))
		})
	case peerGroup:
		if via&ViaAppliance != 0 {
			return 0, false
		}
		first, all, ok := w.members.Lookup(h.Family, remote)
		if !ok {
			return 0, false
		}
		if all == nil {
			all = []uint32{first}
		}
		for _, m := range all {
			o := &w.enis[m]
			if slices.Contains(o.groups, r.peer) && w.paths.reach(n.vpc, o.vpc, w.groups[r.peer]) {
				return m, true
			}
		}
	}
	return 0, false
}

// untracked reports whether the packet, which a rule admits, belongs to a flow
// of the untracked class: as one that its initiator sends (CT-10), or as an
// answer to one (CT-18). A SYN without ACK is never an answer.
func (w *world) untracked(n *eni, dir Direction, h *packet.Header) bool {
	if h.Protocol != packet.TCP && h.Protocol != packet.UDP || h.LaterFragment() {
		return false
	}
	if w.untrackedFlow(n, dir, h.Family, h.Protocol, h.DstPort) {
		return true
	}
	if h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN {
		return false
	}
	return w.untrackedFlow(n, opposite(dir), h.Family, h.Protocol, h.SrcPort)
}

// untrackedFlow reports whether TCP or UDP flows that are opened in direction dir
// to a port are of the untracked class (CT-10): a rule admits them from or to the
// literal 0.0.0.0/0 or ::/0, and one of the opposite direction admits all ports
// of that protocol so. The rules may be of different groups (CT-15).
func (w *world) untrackedFlow(n *eni, dir Direction, f packet.Family, p packet.Protocol, port uint16) bool {
	opens, answers := false, false
	for _, g := range n.groups {
		for _, r := range w.groups[g].rules[dir-1] {
			opens = opens || r.anywhere(f, p, port, port)
		}
		for _, r := range w.groups[g].rules[opposite(dir)-1] {
			answers = answers || r.anywhere(f, p, 0, 65535)
		}
	}
	return opens && answers
}

// anywhere reports whether the rule admits the ports from first to last, for
// every address of the family.
func (r *ruleInfo) anywhere(f packet.Family, p packet.Protocol, first, last uint16) bool {
	kind := peerCIDR4
	if f == packet.IPv6 {
		kind = peerCIDR6
	}
	if r.kind != kind || r.rule.Peer.CIDR.Bits() != 0 {
		return false
	}
	switch r.rule.Protocol {
	case AllProtocols:
		return true
	case Protocol(p):
		return r.rule.Ports.First() <= int(first) && int(last) <= r.rule.Ports.Last()
	}
	return false
}

func opposite(dir Direction) Direction { return Ingress + Egress - dir }

// longestEntry returns the longest entry of a prefix list that contains a.
func (w *world) longestEntry(n uint32, a netip.Addr) netip.Prefix {
	var best netip.Prefix
	for _, p := range w.lists[n].entries {
		if p.Contains(a) && (!best.IsValid() || p.Bits() > best.Bits()) {
			best = p
		}
	}
	return best
}
