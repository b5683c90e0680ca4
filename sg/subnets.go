package sg

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/cidrtrie"
	"github.com/sgsim/sgsim/sg/internal/match"
)

// An acls holds the compiled network ACLs and the subnets at whose borders they judge.
type acls struct {
	all     []*acl   // in topology order; replaced whole when their entries change
	subnets []subnet // by number; 0 stands for none that is known

	// The fields below never change, so copies share them.
	byID       map[NetworkACLID]uint32
	subnetByID map[SubnetID]uint32
	defaults   map[uint32]*acl // by VPC; only for their numbers
	cidrs      cidrtrie.Trie   // address to subnets
}

// A subnet is a compiled subnet. It needs no CIDR: interfaces and ACLs name it.
type subnet struct {
	id  SubnetID
	vpc uint32
	acl uint32 // its number plus 1; 0 where not known

	// open are the ACL's first entries by direction less 1 and IP version, if they allow
	// everything. Most packets need no more, which takes 2 ns a border instead of 6.
	open [2][2]*ruleInfo
}

// An acl is a compiled network ACL. It never changes.
type acl struct {
	id     NetworkACLID
	number uint32
	vpc    uint32
	rules  [2][]*ruleInfo // by Direction-1, ascending by number; the deny-all ones are last
	lists  [2]entryList
}

// An entryList holds what packets need of the entries of one direction. There are
// few, so they are tried one by one.
type entryList struct {
	entries [2][]entry // by IP version

	first *ruleInfo // stands for the first fragment that a later one follows
}

// An entry matches addresses, which are IPv6 or IPv4-mapped as headers have them.
type entry struct {
	hi, lo, maskHi, maskLo uint64
	match.Range
	rule *ruleInfo
}

// own returns a copy that can be changed in place.
func (a *acls) own() *acls {
	if a == nil {
		return nil
	}
	c := *a
	c.all, c.subnets = slices.Clone(a.all), slices.Clone(a.subnets)
	return &c
}

// acls compiles the network ACLs. Without any, subnets do not matter.
func (c *compiler) acls() {
	if len(c.t.NetworkACLs) == 0 {
		return
	}
	w := c.w
	a := &acls{
		subnets: make([]subnet, 1), subnetByID: map[SubnetID]uint32{},
		byID: map[NetworkACLID]uint32{}, defaults: map[uint32]*acl{},
	}
	w.acls = a
	var trie cidrtrie.Builder
	type block struct {
		vpc  uint32
		cidr netip.Prefix
	}
	seen := map[block]bool{} // of equal subnets the first one counts
	for i := range c.t.VPCs {
		v := &c.t.VPCs[i]
		for j := range v.Subnets {
			s := &v.Subnets[j]
			vpc := w.reach.VPC(string(v.ID))
			n := a.subnet(s.ID, vpc)
			for _, p := range s.CIDRs {
				if at := (block{vpc, p.Masked()}); checkCIDR(p) == nil && !seen[at] {
					seen[at] = true
					trie.Add(p.Masked(), n)
				}
			}
		}
	}
	a.cidrs, _, _ = trie.Trie(0)
	for i := range c.t.ENIs {
		in, e := &c.t.ENIs[i], &w.enis[i]
		e.transit = in.Type == "transit_gateway"
		switch {
		case in.Subnet != "":
			e.subnet = a.subnet(in.Subnet, e.vpc)
		case len(in.Addrs) > 0 && in.Addrs[0].IsValid():
			fam, b := flatAddr(in.Addrs[0])
			own, only, _ := a.containing(fam, &b, e.vpc)
			if e.subnet = own; e.vpc == 0 {
				e.subnet = only
			}
		}
	}
	for i := range c.t.NetworkACLs {
		c.acl(i)
	}
	c.associate()
	for i := range a.subnets[1:] {
		a.settle(&a.subnets[i+1])
	}
}

// settle gives a subnet that no ACL names the default one, and caches its ACL's first
// entries.
func (a *acls) settle(s *subnet) {
	if d := a.defaults[s.vpc]; s.acl == 0 && d != nil {
		s.acl = d.number + 1
	}
	s.open = [2][2]*ruleInfo{}
	if s.acl == 0 {
		return
	}
	for dir, l := range a.all[s.acl-1].lists {
		for v, entries := range l.entries { // the deny-all ones are always there
			if first := entries[0].rule; first.allow && first.rule.Protocol == AllProtocols && first.rule.Peer.CIDR.Bits() == 0 {
				s.open[dir][v] = first
			}
		}
	}
}

// subnet returns the number of a subnet, a new one if nobody named it before.
func (a *acls) subnet(id SubnetID, vpc uint32) uint32 {
	n, ok := a.subnetByID[id]
	if !ok {
		n = uint32(len(a.subnets))
		a.subnetByID[id] = n
		a.subnets = append(a.subnets, subnet{id: id, vpc: vpc})
	}
	if s := &a.subnets[n]; s.vpc == 0 {
		s.vpc = vpc
	}
	return n
}

// acl compiles the ACL of an index.
func (c *compiler) acl(i int) {
	in, a := &c.t.NetworkACLs[i], c.w.acls
	fail := func(err error) { c.fail(inACLs, i, string(in.ID), err) }
	fail(claim(a.byID, in.ID, uint32(i)))
	out := &acl{id: in.ID, number: uint32(i), vpc: c.w.reach.VPC(string(in.VPC))}
	if in.IsDefault {
		if a.defaults[out.vpc] != nil {
			fail(errTwoDefault)
		}
		a.defaults[out.vpc] = out
	}
	for _, dir := range [...]Direction{Ingress, Egress} {
		var rules []*ruleInfo
		taken := map[int]bool{}
		for n, e := range in.entriesOf(dir) {
			if e.isDenyAll() {
				continue
			}
			err := e.check()
			if err == nil && taken[e.Number] {
				err = fmt.Errorf("number %d: %w", e.Number, errNumberTaken)
			}
			if err != nil {
				c.failItem(Error{Part: inACLs, Index: i, ID: string(in.ID), Dir: dir, Item: n, Number: e.Number, Err: err})
				continue
			}
			taken[e.Number] = true
			rules = append(rules, compileEntry(in.ID, dir, n, e))
		}
		slices.SortFunc(rules, func(a, b *ruleInfo) int { return a.entry - b.entry })
		out.setRules(dir, append(rules, compileEntry(in.ID, dir, -1, denyAll(false)), compileEntry(in.ID, dir, -1, denyAll(true))))
	}
	a.all = append(a.all, out)
}

// associate gives subnets the ACLs that name them.
func (c *compiler) associate() {
	a := c.w.acls
	for i := range c.t.NetworkACLs {
		in := &c.t.NetworkACLs[i]
		seen := map[SubnetID]bool{}
		for n, id := range in.Subnets {
			fail := func(err error) {
				c.failItem(Error{Part: inACLs, Index: i, ID: string(in.ID), Item: n, Subnet: id, Err: err})
			}
			if id == "" {
				fail(errNoID)
				continue
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			s := &a.subnets[a.subnet(id, a.all[i].vpc)]
			switch {
			case s.acl != 0:
				fail(fmt.Errorf("%s: %w", a.all[s.acl-1].id, errTwoACLs))
			case s.vpc != a.all[i].vpc && a.all[i].vpc != 0:
				fail(errOtherVPC)
			}
			s.acl = uint32(i) + 1
		}
	}
}

// compileEntry returns a compiled entry.
func compileEntry(id NetworkACLID, dir Direction, index int, e ACLEntry) *ruleInfo {
	r := &ruleInfo{acl: id, dir: dir, index: index, rule: e.Rule(), entry: e.Number, allow: e.Allow, kind: peerCIDR4}
	if e.CIDR.Addr().Is6() {
		r.kind = peerCIDR6
	}
	return r
}

// setRules gives an ACL that nobody uses yet its entries for a direction, in order.
func (a *acl) setRules(dir Direction, rules []*ruleInfo) {
	l := entryList{first: &ruleInfo{acl: a.id, dir: dir, index: -1}}
	for _, r := range rules {
		p, v := r.rule.Peer.CIDR, 1
		net, bits := p.Addr().As16(), p.Bits()
		if r.kind == peerCIDR4 {
			v, bits = 0, bits+96
		}
		l.entries[v] = append(l.entries[v], entry{
			hi: binary.BigEndian.Uint64(net[:8]), maskHi: ^uint64(0) << (64 - min(bits, 64)),
			lo: binary.BigEndian.Uint64(net[8:]), maskLo: ^uint64(0) << (128 - max(bits, 64)),
			Range: r.rule.keys(), rule: r,
		})
	}
	a.rules[dir-1], a.lists[dir-1] = rules, l
}

// find returns the entry that decides about a packet whose other end is remote: the
// last one if no other matches.
func (l *entryList) find(h *packet.Header, remote *[16]byte) *ruleInfo {
	k, entries := match.KeyOf(h), l.entries[version(h.Family)]
	hi, lo := binary.BigEndian.Uint64(remote[:8]), binary.BigEndian.Uint64(remote[8:])
	for i := range entries {
		if e := &entries[i]; e.Has(k) && lo&e.maskLo == e.lo && hi&e.maskHi == e.hi {
			return e.rule
		}
	}
	return entries[len(entries)-1].rule
}

// version returns 0 for IPv4 and 1 for IPv6.
func version(f packet.Family) uint8 { return uint8(f) >> 1 & 1 }

// containing returns the subnet of a VPC that contains an address, the only subnet of
// any VPC that does, and all that do, some of them twice; 0 if there is none.
func (a *acls) containing(fam packet.Family, addr *[16]byte, vpc uint32) (own, only uint32, all []uint32) {
	short, long, host := a.cidrs.Lookup(fam, addr)
	if all = long; len(short)+len(host) > 0 { // hardly ever
		all = slices.Concat(short, long, host)
	}
	several := false
	for _, n := range all {
		if a.subnets[n].vpc == vpc && (own == 0 || n < own) {
			own = n
		}
		several = several || n != all[0]
	}
	if len(all) > 0 && !several {
		only = all[0]
	}
	return own, only, all
}

// subnetAt returns the subnet of an address as seen from a VPC: that of the only
// interface that has it, else what locate says.
func (w *world) subnetAt(fam packet.Family, addr *[16]byte, vpc uint32) uint32 {
	if all := w.members.Lookup(fam, addr); len(all) == 1 {
		return w.enis[all[0]].subnet
	}
	return w.locate(fam, addr, vpc)
}

// locate returns the subnet of an address that no interface has, as seen from a VPC:
// one there, else the only one of all VPCs, else the only one of VPCs that are peered
// with it; 0 if there is none.
func (w *world) locate(fam packet.Family, addr *[16]byte, vpc uint32) uint32 {
	own, only, all := w.acls.containing(fam, addr, vpc)
	if own != 0 || only != 0 {
		return max(own, only)
	}
	found := uint32(0)
	for _, n := range all {
		if w.reach.Peered(vpc, w.acls.subnets[n].vpc) {
			if found != 0 && found != n {
				return 0
			}
			found = n
		}
	}
	return found
}
