package sg

import (
	"iter"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// A Border is the edge of an ENI's subnet, where a network ACL judges. It is comparable:
// at ENIs with equal Borders of the same Sets, the ACL decides the same.
type Border struct {
	s      *Sets
	subnet uint32
	vpc    uint32 // from which addresses are seen
}

// Border returns the border of an ENI's subnet. It returns false if the policy lacks the
// ENI, or knows no network ACL there, so that none judges.
func (s *Sets) Border(id ENIID) (Border, bool) {
	n, ok := s.w.eniByID[id]
	if !ok || s.w.acls == nil {
		return Border{}, false
	}
	e := &s.w.enis[n]
	at := &s.w.acls.subnets[e.subnet]
	b := Border{s, e.subnet, e.vpc}
	if b.vpc == 0 {
		b.vpc = at.vpc
	}
	return b, at.acl > 0
}

// ACL returns the network ACL that judges at the border.
func (b Border) ACL() NetworkACLID { return b.s.w.acls.of(b.subnet).id }

// Entries yields the ACL's entries for a direction in the order in which they are
// asked, the deny-all ones included.
func (b Border) Entries(dir Direction) iter.Seq[RuleRef] {
	return func(yield func(RuleRef) bool) { yieldAll(yield, b.s.w.acls.of(b.subnet).rules[dir-1]) }
}

// Inside returns the addresses within the subnet, as seen from the ENIs of the border,
// as the fewest prefixes, ascending. The ACL is not asked about packets from and to
// these (NACL-51). An address of exactly one ENI is in that ENI's subnet; the subnets'
// CIDRs place all others.
func (b Border) Inside() []netip.Prefix {
	in := netipx.IPSetBuilder{}
	for _, p := range b.s.places.of[b.subnet] {
		cuts := []netip.Addr{p.Addr()}
		for _, c := range within(b.s.places.all, p) {
			cuts = append(cuts, c.Addr(), netipx.PrefixLastIP(c).Next())
		}
		slices.SortFunc(cuts, netip.Addr.Compare)
		cuts = slices.DeleteFunc(slices.Compact(cuts), func(a netip.Addr) bool { return !p.Contains(a) })
		for i, first := range cuts {
			last := netipx.PrefixLastIP(p)
			if i+1 < len(cuts) {
				last = cuts[i+1].Prev()
			}
			if fam, flat := flatAddr(first); b.s.w.subnetAt(fam, &flat, b.vpc) == b.subnet {
				in.AddRange(netipx.IPRangeFrom(first, last))
			}
		}
	}
	set, err := in.IPSet()
	if err != nil {
		panic(err) // Compile has checked all prefixes
	}
	return set.Prefixes()
}

// places tell in which subnet an address is: from one start or end of a prefix to the
// next, the subnet is the same.
type places struct {
	all []netip.Prefix            // CIDRs of subnets, and prefixes and addresses of ENIs, ascending
	of  map[uint32][]netip.Prefix // the prefixes that put an address into a subnet
}

// within returns the prefixes that begin in p.
func within(all []netip.Prefix, p netip.Prefix) []netip.Prefix {
	i, _ := slices.BinarySearchFunc(all, p.Addr(), func(c netip.Prefix, a netip.Addr) int { return c.Addr().Compare(a) })
	j := i
	for j < len(all) && p.Contains(all[j].Addr()) {
		j++
	}
	return all[i:j]
}

// places returns the places of the world; nil if ACLs do not matter.
func (w *world) places() (c places) {
	if w.acls == nil {
		return c
	}
	c.of = map[uint32][]netip.Prefix{}
	for p, n := range w.acls.cidrs.All() {
		c.all = append(c.all, p)
		c.of[n] = append(c.of[n], p)
	}
	for p, owners := range w.members.All() {
		at := w.enis[owners[0]].subnet
		if len(owners) > 1 {
			at = 0
		}
		fam, flat := flatAddr(p.Addr())
		if _, only, _ := w.acls.containing(fam, &flat, 0); at != 0 && only == at && p.IsSingleIP() {
			continue // a CIDR tells the same, wherever it is seen from
		}
		c.all = append(c.all, p)
		c.of[at] = append(c.of[at], p)
	}
	slices.SortFunc(c.all, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return c
}
