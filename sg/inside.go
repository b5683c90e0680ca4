package sg

import (
	"cmp"
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
	vpc    uint32 // that addresses are seen from
}

// Border returns the border of an ENI's subnet. It returns false where the policy lacks the
// ENI, or knows no network ACL there, so that none is judged.
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
func (b Border) ACL() NetworkACLID { return b.acl().id }

func (b Border) acl() *acl {
	a := b.s.w.acls
	return a.all[a.subnets[b.subnet].acl-1]
}

// Entries yields the entries of the ACL for a direction in the order in which they are
// asked, those that deny all included.
func (b Border) Entries(dir Direction) iter.Seq[RuleRef] {
	return func(yield func(RuleRef) bool) {
		for _, r := range b.acl().rules[dir-1] {
			if !yield(RuleRef{r}) {
				return
			}
		}
	}
}

// Inside returns the addresses within the subnet, as they are seen from the ENIs of the
// border: the ACL is not asked about packets from and to these (NACL-51). They are the
// fewest prefixes, ascending. An address of one ENI alone is where that is; any other is
// where the subnets' CIDRs say.
func (b Border) Inside() []netip.Prefix {
	c, in := b.s.subnetCIDRs, netipx.IPSetBuilder{}
	for _, p := range c.of[b.subnet] {
		b.locate(p, &in)
		for _, e := range slices.Concat(around(c.strays, p), within(c.strays, p)) {
			if e.subnet != b.subnet {
				in.RemovePrefix(e.Prefix)
				b.shared(e.Prefix, &in)
			}
		}
	}
	for _, p := range c.away[b.subnet] {
		in.AddPrefix(p)
		b.shared(p, &in)
	}
	set, err := in.IPSet()
	if err != nil {
		panic(err) // Compile has looked at all prefixes
	}
	return set.Prefixes()
}

// locate adds what of a prefix lies in the subnet by CIDRs alone, and removes the rest.
func (b Border) locate(p netip.Prefix, in *netipx.IPSetBuilder) {
	cuts := []netip.Addr{p.Addr()}
	for _, c := range within(b.s.subnetCIDRs.all, p) {
		if c.Bits() > p.Bits() {
			cuts = append(cuts, c.Addr(), netipx.PrefixLastIP(c.Prefix).Next())
		}
	}
	slices.SortFunc(cuts, netip.Addr.Compare)
	cuts = slices.Compact(cuts)
	for i, a := range cuts {
		if !p.Contains(a) {
			continue // behind its end
		}
		last := netipx.PrefixLastIP(p)
		if i+1 < len(cuts) && p.Contains(cuts[i+1]) {
			last = cuts[i+1].Prev()
		}
		if fam, flat := flatAddr(a); b.s.w.locate(fam, &flat, b.vpc) == b.subnet {
			in.AddRange(netipx.IPRangeFrom(a, last))
		} else {
			in.RemoveRange(netipx.IPRangeFrom(a, last))
		}
	}
}

// shared does locate for what in the prefix of an ENI is another's as well.
func (b Border) shared(p netip.Prefix, in *netipx.IPSetBuilder) {
	for _, e := range within(b.s.subnetCIDRs.shared, p) {
		b.locate(e.Prefix, in)
	}
}

// subnetCIDRs are the CIDRs of subnets, and where ENIs are somewhere else. The lists are
// ascending.
type subnetCIDRs struct {
	all    []inSubnet
	of     map[uint32][]netip.Prefix
	strays []inSubnet // of one ENI alone, where a CIDR may tell another subnet than the ENI
	away   map[uint32][]netip.Prefix
	shared []inSubnet // prefixes and addresses of several ENIs, without a subnet
}

type inSubnet struct {
	netip.Prefix
	subnet uint32
}

// within returns the prefixes that begin in p.
func within(all []inSubnet, p netip.Prefix) []inSubnet {
	i, _ := slices.BinarySearchFunc(all, p.Addr(), func(e inSubnet, a netip.Addr) int { return e.Addr().Compare(a) })
	j := i
	for j < len(all) && p.Contains(all[j].Addr()) {
		j++
	}
	return all[i:j]
}

// around returns the prefixes that p is a part of, but is not.
func around(all []inSubnet, p netip.Prefix) (found []inSubnet) {
	for bits := range p.Bits() {
		o := netip.PrefixFrom(p.Addr(), bits).Masked()
		for _, e := range within(all, netip.PrefixFrom(o.Addr(), o.Addr().BitLen())) {
			if e.Prefix == o {
				found = append(found, e)
			}
		}
	}
	return found
}

// subnetCIDRs returns those of the world; nothing where ACLs do not matter.
func (w *world) subnetCIDRs() (c subnetCIDRs) {
	if w.acls == nil {
		return c
	}
	c.of, c.away = map[uint32][]netip.Prefix{}, map[uint32][]netip.Prefix{}
	for p, n := range w.acls.cidrs.All() {
		c.all = append(c.all, inSubnet{p, n})
	}
	slices.SortFunc(c.all, byAddr)
	for _, e := range c.all {
		c.of[e.subnet] = append(c.of[e.subnet], e.Prefix)
	}
	for p, owners := range w.members.All() {
		if len(owners) > 1 {
			c.shared = append(c.shared, inSubnet{Prefix: p})
			continue
		}
		at := w.enis[owners[0]].subnet
		fam, flat := flatAddr(p.Addr())
		if _, only, _ := w.acls.containing(fam, &flat, 0); only == at && at != 0 && (p.IsSingleIP() || c.lies(p, at)) {
			continue // a CIDR tells the same, wherever it is seen from
		}
		c.strays = append(c.strays, inSubnet{p, at})
	}
	slices.SortFunc(c.strays, byAddr)
	for _, e := range c.strays {
		c.away[e.subnet] = append(c.away[e.subnet], e.Prefix)
	}
	slices.SortFunc(c.shared, byAddr)
	return c
}

// lies reports whether a prefix, whose first address does, lies in a subnet as a whole.
func (c *subnetCIDRs) lies(p netip.Prefix, subnet uint32) bool {
	return !slices.ContainsFunc(within(c.all, p), func(e inSubnet) bool { return e.subnet != subnet || e.Bits() > p.Bits() }) &&
		slices.ContainsFunc(c.of[subnet], func(o netip.Prefix) bool { return o.Bits() <= p.Bits() && o.Contains(p.Addr()) })
}

func byAddr(a, b inSubnet) int {
	return cmp.Or(a.Prefix.Compare(b.Prefix), cmp.Compare(a.subnet, b.subnet))
}
