package sg

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// Sets give the meaning of a policy's rules as sets of addresses, where [Policy.Match]
// only tells whether one packet is in them. Make them with [Policy.Sets]. They never
// change and may be used by several goroutines.
type Sets struct {
	w       *world
	addrs   [][]netip.Prefix          // of each ENI, ascending
	members [][]uint32                // ENIs that carry a group, ascending
	entries map[uint32][]netip.Prefix // of prefix lists and CIDRs, by peer number

	places places
}

// Sets returns the policy's sets. It visits every address, membership and CIDR of
// the policy once.
func (p *Policy) Sets() *Sets {
	w := p.world()
	s := &Sets{w: w, addrs: make([][]netip.Prefix, len(w.enis)), members: make([][]uint32, len(w.groups)), entries: map[uint32][]netip.Prefix{everyIPv4: {anyIPv4}, everyIPv6: {anyIPv6}}}
	for a, owners := range w.members.All() {
		for _, n := range owners {
			s.addrs[n] = append(s.addrs[n], a)
		}
	}
	for i := range w.enis {
		slices.SortFunc(s.addrs[i], netip.Prefix.Compare)
		for _, g := range w.enis[i].groups() {
			s.members[g] = append(s.members[g], uint32(i))
		}
	}
	for c, n := range w.cidrs.All() {
		s.entries[n] = append(s.entries[n], c)
	}
	for _, cidrs := range s.entries {
		slices.SortFunc(cidrs, netip.Prefix.Compare)
	}
	s.places = w.places()
	return s
}

// Addrs returns the private addresses and delegated prefixes of an ENI, ascending. The
// slice must not be changed.
func (s *Sets) Addrs(id ENIID) []netip.Prefix {
	n, ok := s.w.eniByID[id]
	if !ok {
		return nil
	}
	return s.addrs[n]
}

// A Setting is what decides at an ENI about packets without a connection, apart from
// its groups and addresses. It is comparable: at ENIs with equal Settings of the
// same Sets, a rule admits the same packets.
type Setting struct {
	Unfiltered bool // AWS attaches no group to the ENI, so everything passes
	Incomplete bool // it carries groups that the policy lacks: packets that no known rule admits are unknown

	s      *Sets
	vpc    uint32
	exempt *exemptAddrs
}

// Setting returns the setting of an ENI, and false if the policy lacks the ENI.
func (s *Sets) Setting(id ENIID) (Setting, bool) {
	n, ok := s.w.eniByID[id]
	if !ok {
		return Setting{}, false
	}
	e := &s.w.enis[n]
	return Setting{s: s, vpc: e.vpc, exempt: e.exempt, Unfiltered: e.unfiltered, Incomplete: e.incomplete}, true
}

// Exempt yields the addresses to and from which groups filter no packets of any
// protocol (EX-01), in no order; some may come twice.
func (p Setting) Exempt() iter.Seq[netip.Addr] {
	if p.exempt == nil {
		return slices.Values(exemptEverywhere)
	}
	return slices.Values(slices.Concat(exemptEverywhere, p.exempt.addrs))
}

// A PeerSet is the meaning of a rule's peer at ENIs of a setting. It is comparable:
// equal PeerSets are the same addresses.
type PeerSet struct {
	s    *Sets
	kind peerKind
	peer uint32

	vpc uint32 // of the ENI, and the rule's direction, where the peer is a group
	dir Direction

	unsure bool // the prefix list has unknown entries
	family packet.Family
}

// Peers returns the meaning of the peer of one of the policy's rules at ENIs of the
// setting.
func (p Setting) Peers(r RuleRef) PeerSet {
	if r.r == nil {
		return PeerSet{}
	}
	set := PeerSet{s: p.s, kind: r.r.kind, peer: r.r.peer, unsure: r.r.unsure, family: r.r.family}
	if set.kind == peerGroup {
		set.vpc, set.dir = p.vpc, r.r.dir
	}
	return set
}

// Group returns the group whose members the peer is, "" if it is not a group or the
// rule cannot match it.
func (p PeerSet) Group() GroupID {
	if p.kind != peerGroup {
		return ""
	}
	return p.s.w.groups[p.peer].id
}

// Addrs returns the addresses that the peer is sure to be, and those that it may be as
// far as the policy knows. They are in no order and may overlap. The slices must not
// be changed.
func (p PeerSet) Addrs() (sure, maybe []netip.Prefix) {
	switch p.kind {
	case peerCIDR4, peerCIDR6, peerList:
		sure = p.s.entries[p.peer]
	case peerGroup:
		members := p.s.members[p.peer]
		sure = make([]netip.Prefix, 0, 2*len(members))
		for _, n := range members {
			switch p.reaches(n) {
			case reach.Yes:
				sure = append(sure, p.s.addrs[n]...)
			case reach.Maybe:
				maybe = append(maybe, p.s.addrs[n]...)
			}
		}
	}
	if p.unsure && p.family != packet.IPv6 {
		maybe = append(maybe, anyIPv4)
	}
	if p.unsure && p.family != packet.IPv4 {
		maybe = append(maybe, anyIPv6)
	}
	return sure, maybe
}

// Same reports whether peers of two policies are the same addresses, of groups with the
// same id. It is faster than Addrs, but may return false for equal ones if the order of
// interfaces differs.
func (p PeerSet) Same(o PeerSet) bool {
	if p.kind != o.kind || p.unsure != o.unsure || p.family != o.family {
		return false
	}
	if p.kind != peerGroup {
		return p.kind == peerNothing || slices.Equal(p.s.entries[p.peer], o.s.entries[o.peer])
	}
	return p.Group() == o.Group() && slices.EqualFunc(p.s.members[p.peer], o.s.members[o.peer], func(n, m uint32) bool {
		return p.reaches(n) == o.reaches(m) && slices.Equal(p.s.addrs[n], o.s.addrs[m])
	})
}

// reaches reports whether a member of the group is reached.
func (p PeerSet) reaches(n uint32) reach.Answer {
	return p.s.w.reaches(&eni{vpc: p.vpc}, &p.s.w.enis[n], p.peer, p.dir)
}
