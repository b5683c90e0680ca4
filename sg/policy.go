package sg

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// A Policy is a compiled [Topology]: the rules of its groups, an index of the
// prefix lists, and one of the addresses of its ENIs. It never changes after
// [Compile], so any number of goroutines may use it without locking. The zero
// Policy has no ENIs.
type Policy struct{ w *world }

var emptyWorld = func() *world {
	p, _ := Compile(&Topology{})
	return p.w
}()

func (p *Policy) world() *world {
	if p == nil || p.w == nil {
		return emptyWorld
	}
	return p.w
}

// A Match is the rule that admits a packet, and the part of its peer that holds
// the packet's other end.
type Match struct {
	Rule       RuleRef
	CIDR       netip.Prefix // of the rule, or the longest entry of its prefix list
	PrefixList PrefixListID // where the rule names one
	Member     ENIID        // the ENI that owns the address, where the rule names a group

	// Through: Member owns another address. The packet came through it with its
	// client's address; see Via.Through.
	Through bool

	// Untracked: the packet's flow is of the untracked class (CT-10), or the
	// packet answers such a flow (CT-18).
	Untracked bool
}

// Match reports whether a rule for dir admits a packet at an ENI, and which one. All groups
// of the ENI act as one rule set (SG-03); if several rules admit the packet, Match names
// the first in topology order. If the capture cut off the packet's ports or ICMP type, only
// rules for all of them admit it. Match ignores connections and exempt traffic. It does not
// allocate and is safe for concurrent use.
func (p *Policy) Match(id ENIID, dir Direction, h *packet.Header) (Match, bool) {
	w := p.world()
	n, ok := w.eniByID[id]
	if !ok {
		return Match{}, false
	}
	hit := w.admits(&w.enis[n], dir, h)
	if hit.rule == nil {
		return Match{}, false
	}
	return w.matchOf(&w.enis[n], hit, dir, h, Via{}), true
}

// Admits returns the rule that [Policy.Match] would name, and false if no rule admits the
// packet. It is faster, since it need not find the ENI or the part of the rule's peer
// that matched.
func (e *Enforcer) Admits(dir Direction, h *packet.Header) (RuleRef, bool) {
	if e == nil || e.eni == nil {
		return RuleRef{}, false
	}
	hit := e.f.w.admits(e.eni, dir, h)
	return RuleRef{hit.rule}, hit.rule != nil
}

// admits is match without the unknown.
func (w *world) admits(n *eni, dir Direction, h *packet.Header) hit {
	if dir != Ingress && dir != Egress {
		return hit{}
	}
	if hit := w.match(n, dir, h, Via{}); hit.unknown == NoReason {
		return hit
	}
	return hit{}
}

// matchOf returns a hit at an ENI as a Match.
func (w *world) matchOf(n *eni, hit hit, dir Direction, h *packet.Header, via Via) Match {
	m := Match{Rule: RuleRef{hit.rule}, Untracked: hit.untracked}
	switch hit.rule.kind {
	case peerCIDR4, peerCIDR6:
		m.CIDR = hit.rule.rule.Peer.CIDR
	case peerList:
		m.PrefixList = hit.rule.rule.Peer.PrefixList
		m.CIDR, _ = w.cidrs.Longest(remoteAddr(dir, h), hit.rule.peer)
	case peerGroup:
		m.Member, m.Through = w.member(n, hit.rule.peer, dir, h, via)
	}
	return m
}

// member returns the member of a group that owns the packet's remote address, or through
// which the packet came with its client's address; "" if there is none.
func (w *world) member(n *eni, group uint32, dir Direction, h *packet.Header, via Via) (id ENIID, through bool) {
	remote := remoteBytes(dir, h)
	if !via.Appliance { // REF-12
		for _, o := range w.ownersIn(via.VPC, w.members.Lookup(h.Family, remote)) {
			if o := &w.enis[o]; slices.Contains(o.groups(), group) && w.reaches(n, o, group, dir) == reach.Yes {
				return o.id, false
			}
		}
	}
	if i, ok := w.eniByID[via.Through]; ok && dir == Ingress && slices.Contains(w.enis[i].groups(), group) {
		return via.Through, true
	}
	return "", false
}

// remoteBytes returns the address of the packet's other end as the header holds it.
func remoteBytes(dir Direction, h *packet.Header) *[16]byte {
	remote := &h.Src
	if dir == Egress {
		remote = &h.Dst
	}
	return remote
}

// remoteAddr returns the address of the packet's other end.
func remoteAddr(dir Direction, h *packet.Header) netip.Addr {
	if dir == Ingress {
		return h.SrcAddr()
	}
	return h.DstAddr()
}

// ENIs yields the ENIs in topology order.
func (p *Policy) ENIs() iter.Seq[ENIID] {
	return func(yield func(ENIID) bool) {
		w := p.world()
		for i := range w.enis {
			if !yield(w.enis[i].id) {
				return
			}
		}
	}
}

// Rules yields every rule in topology order: group by group, ingress first.
func (p *Policy) Rules() iter.Seq[RuleRef] {
	return func(yield func(RuleRef) bool) {
		for _, g := range p.world().groups {
			if !yieldAll(yield, g.rules[:]...) {
				return
			}
		}
	}
}

// ACLEntries yields every entry of the network ACLs, ACL by ACL in topology order,
// ingress first, in the order in which they are asked, the deny-all ones included.
func (p *Policy) ACLEntries() iter.Seq[RuleRef] {
	return func(yield func(RuleRef) bool) {
		if acls := p.world().acls; acls != nil {
			for _, a := range acls.all {
				if !yieldAll(yield, a.rules[:]...) {
					return
				}
			}
		}
	}
}

func yieldAll(yield func(RuleRef) bool, lists ...[]*ruleInfo) bool {
	for _, rules := range lists {
		for _, r := range rules {
			if !yield(RuleRef{r}) {
				return false
			}
		}
	}
	return true
}

// GroupsOf yields the groups that an ENI carries, in topology order.
func (p *Policy) GroupsOf(id ENIID) iter.Seq[GroupID] {
	w := p.world()
	n, ok := w.eniByID[id]
	if !ok {
		return slices.Values([]GroupID(nil))
	}
	return slices.Values(w.known(&w.enis[n]))
}

// OwnerOf returns the VPC and the account of an ENI, each empty where the topology does not
// say it.
func (p *Policy) OwnerOf(id ENIID) (VPCID, AccountID) {
	w := p.world()
	n, ok := w.eniByID[id]
	if !ok {
		return "", ""
	}
	return w.enis[n].inVPC, w.enis[n].account
}

// TimeoutsOf returns the idle timeouts of an ENI in the AWS profile, defaults included. They
// are zero if the policy lacks the ENI.
func (p *Policy) TimeoutsOf(id ENIID) conntrack.Timeouts {
	w := p.world()
	n, ok := w.eniByID[id]
	if !ok {
		return conntrack.Timeouts{}
	}
	t := w.enis[n].timeouts
	return conntrack.Timeouts{
		TCPEstablished: cmp.Or(t.TCPEstablished, conntrack.DefaultTCPEstablished),
		UDP:            cmp.Or(t.UDP, conntrack.DefaultUDP),
		UDPStream:      cmp.Or(t.UDPStream, conntrack.DefaultUDPStream),
	}
}

// ENIByAddr returns the ENI that owns a private address, delegated prefixes
// included. It fails for addresses that no ENI owns, or ENIs of several VPCs.
func (p *Policy) ENIByAddr(a netip.Addr) (ENIID, bool) {
	w := p.world()
	f, b := flatAddr(a)
	all := w.members.Lookup(f, &b)
	if len(all) != 1 {
		return "", false
	}
	return w.enis[all[0]].id, true
}

// flatAddr returns an address as a Header holds it. An IPv4-mapped address counts
// as IPv4.
func flatAddr(a netip.Addr) (packet.Family, [16]byte) {
	a = a.Unmap()
	if a.Is4() {
		return packet.IPv4, a.As16()
	}
	return packet.IPv6, a.As16()
}
