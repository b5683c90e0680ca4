package sg

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// Sets tell what a policy's rules mean as sets of addresses, where [Policy.Match] tells
// whether one packet is in them. Make them with [Policy.Sets]. They never change and
// may be used by several goroutines.
type Sets struct {
	w       *world
	addrs   [][]netip.Prefix          // of each ENI, ascending
	members [][]uint32                // ENIs that carry a group, ascending
	entries map[uint32][]netip.Prefix // of prefix lists and CIDRs, by peer number

	places places
}

// Sets returns the sets of the policy. It visits every address, every membership and
// every CIDR of the policy once.
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

// A Setting is what decides at an ENI about packets without a connection, beside the
// groups that it carries and its own addresses. It is comparable: at ENIs with equal
// Settings of the same Sets, a rule admits the same.
type Setting struct {
	Unfiltered bool // AWS attaches no group to the ENI, so that all passes
	Incomplete bool // it carries groups that the policy lacks: what no known rule admits is unknown

	s      *Sets
	vpc    uint32
	exempt *exemptAddrs
}

// Setting returns the setting of an ENI, and false if the policy does not have it.
func (s *Sets) Setting(id ENIID) (Setting, bool) {
	n, ok := s.w.eniByID[id]
	if !ok {
		return Setting{}, false
	}
	e := &s.w.enis[n]
	return Setting{s: s, vpc: e.vpc, exempt: e.exempt, Unfiltered: e.unfiltered, Incomplete: e.incomplete}, true
}

// Exempt yields the addresses to and from which groups filter nothing (EX-01), of
// packets of any protocol: in no order, and some may come twice.
func (p Setting) Exempt() iter.Seq[netip.Addr] {
	if p.exempt == nil {
		return slices.Values(exemptEverywhere)
	}
	return slices.Values(slices.Concat(exemptEverywhere, p.exempt.addrs))
}

// A PeerSet is what the peer of a rule means at ENIs of a setting. It is comparable:
// equal ones are the same addresses.
type PeerSet struct {
	s    *Sets
	kind peerKind
	peer uint32

	vpc uint32 // of the ENI, and the rule's direction, where the peer is a group
	dir Direction

	unsure bool // entries of a prefix list are not known
	family packet.Family
}

// Peers returns what the peer of a rule of the policy means at ENIs of the setting.
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

// Group returns the group whose members the peer is, "" where it is no group or one
// that the rule cannot match.
func (p PeerSet) Group() GroupID {
	if p.kind != peerGroup {
		return ""
	}
	return p.s.w.groups[p.peer].id
}

// Addrs returns the addresses that the peer is, and those that it may be for all that
// the policy knows: in no order, and they may overlap. The slices must not be changed.
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

// Same reports whether peers of two policies are the same addresses, of groups of the same
// id. It may miss that where the order of interfaces differs, and is faster than Addrs.
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
