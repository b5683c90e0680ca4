package sg

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/cidrtrie"
	"github.com/sgsim/sgsim/sg/internal/member"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// Compile turns a topology into a policy and keeps nothing of it. It returns all
// errors at once, joined in topology order, each an *[Error]; of more than a thousand
// the first thousand, and how many there are.
//
// A rule that names a group or prefix list which the topology does not have is
// stale, not wrong: it matches nothing (REF-15). [Check] lists such rules.
//
// A nil topology is an empty one.
func Compile(t *Topology) (*Policy, error) {
	if t == nil {
		t = &Topology{}
	}
	c := compiler{
		t: t,
		w: &world{
			groupByID: make(map[GroupID]uint32, len(t.Groups)),
			eniByID:   make(map[ENIID]uint32, len(t.ENIs)),
			listByID:  make(map[PrefixListID]uint32, len(t.PrefixLists)),
			members:   member.New(),
			reach:     reach.New(),
		},
	}
	c.names()
	c.gateways()
	c.lists()
	c.groups()
	c.peers()
	exempt := c.vpcs()
	c.enis(exempt)
	c.acls()
	if c.errs != nil {
		return nil, c.joined()
	}
	return &Policy{c.w}, nil
}

// mostErrors bounds how many errors are listed.
const mostErrors = 1000

// joined returns the errors in topology order. Names were looked at before what bears
// them.
func (c *compiler) joined() error {
	order := []string{inGroups, inLists, inENIs, inVPCs, inPeerings, inACLs}
	slices.SortStableFunc(c.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Part), slices.Index(order, b.Part)), cmp.Compare(a.Index, b.Index))
	})
	var errs []error
	for _, e := range c.errs[:min(len(c.errs), mostErrors)] {
		errs = append(errs, e)
	}
	if n := len(c.errs) - len(errs); n > 0 {
		errs = append(errs, fmt.Errorf("and %d more errors", n))
	}
	return errors.Join(errs...)
}

type compiler struct {
	t    *Topology
	w    *world
	trie cidrtrie.Builder
	errs []*Error
}

// peers makes the trie of CIDRs and list entries, and counts the rules that name each
// CIDR.
func (c *compiler) peers() {
	trie, named := c.trie.Trie(everyIPv6 + 1)
	c.w.cidrs = peers{Trie: trie, uses: make([]uint32, 2+named)}
	for _, g := range c.w.groups {
		for _, rules := range g.rules {
			for _, r := range rules {
				if r.peer >= firstCIDR {
					c.w.cidrs.uses[r.peer-firstCIDR]++
				}
			}
		}
	}
}

// fail notes an error about a part of the topology as a whole.
func (c *compiler) fail(part string, index int, id string, err error) {
	c.failItem(Error{Part: part, Index: index, ID: id, Item: -1, Err: err})
}

func (c *compiler) failItem(e Error) { c.errs = append(c.errs, &e) }

// names numbers groups, prefix lists and VPCs, which the rest refers to.
func (c *compiler) names() {
	for i := range c.t.PrefixLists {
		id := c.t.PrefixLists[i].ID
		if err := claim(c.w.listByID, id, uint32(i)); err != nil {
			c.fail(inLists, i, string(id), err)
		}
	}
	for i := range c.t.Groups {
		id := c.t.Groups[i].ID
		if err := claim(c.w.groupByID, id, uint32(i)); err != nil {
			c.fail(inGroups, i, string(id), err)
		}
	}
	peerings := map[PeeringID]bool{}
	for i := range c.t.Peerings {
		p := &c.t.Peerings[i]
		if err := claim(peerings, p.ID, true); err != nil {
			c.fail(inPeerings, i, string(p.ID), err)
			continue
		}
		c.w.reach.Peer(string(p.ID), string(p.Requester), string(p.Accepter), p.Active(), p.SameRegion())
	}
}

// gateways says which VPCs transit gateways connect.
func (c *compiler) gateways() {
	for _, g := range c.t.TransitGateways {
		vpcs := map[string]reach.Answer{}
		for _, a := range g.Attachments {
			vpcs[string(a.VPC)] = reach.Option(a.Referencing)
		}
		c.w.reach.Gateway(reach.Option(g.Referencing), vpcs)
	}
}

// claim enters an id that must be there and must be new.
func claim[K ~string, V any](m map[K]V, id K, v V) error {
	if id == "" {
		return ErrNoID
	}
	if _, ok := m[id]; ok {
		return ErrDuplicate
	}
	m[id] = v
	return nil
}

func (c *compiler) groups() {
	w := c.w
	w.groups = make([]*group, len(c.t.Groups))
	for i := range c.t.Groups {
		in := &c.t.Groups[i]
		w.groups[i] = &group{id: in.ID, number: uint32(i), account: in.Account, vpcs: reach.VPCs(w.reach, in.VPC, in.Associations), incomplete: in.Incomplete}
	}
	for i := range c.t.Groups {
		in, g := &c.t.Groups[i], w.groups[i]
		infos := make([]ruleInfo, len(in.Ingress)+len(in.Egress))
		refs := make([]*ruleInfo, len(infos))
		for n := range infos {
			infos[n].dir, infos[n].index = Ingress, n
			rules := in.Ingress
			if n >= len(in.Ingress) {
				infos[n].dir, infos[n].index = Egress, n-len(in.Ingress)
				rules = in.Egress
			}
			r := &infos[n]
			refs[n] = r
			r.group, r.rule, r.number = in.ID, rules[r.index], w.rules
			w.rules++
			if err := r.rule.check(); err != nil {
				for _, e := range split(err) {
					c.failItem(Error{Part: inGroups, Index: i, ID: string(in.ID), Dir: r.dir, Item: r.index, Err: e})
				}
				continue
			}
			w.resolve(r, g)
			if r.kind == peerCIDR4 || r.kind == peerCIDR6 {
				switch {
				case r.rule.Peer.CIDR.Bits() > 0:
					c.trie.Name(r.rule.Peer.CIDR, &r.peer)
				case r.kind == peerCIDR4:
					r.peer = everyIPv4
				default:
					r.peer = everyIPv6
				}
				g.mayUntrack = g.mayUntrack || r.mayUntrack()
			}
		}
		n := len(in.Ingress)
		g.rules = [2][]*ruleInfo{refs[:n:n], refs[n:]}
	}
}

// split undoes errors.Join.
func split(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

// resolve clears host bits and looks up what the rule's peer names, but not the number
// of a CIDR. What is not there leaves the rule stale.
func (w *world) resolve(r *ruleInfo, own *group) {
	p := &r.rule.Peer
	if p.CIDR.IsValid() {
		p.CIDR = p.CIDR.Masked() // SG-42
	}
	switch {
	case p.CIDR.IsValid() && p.CIDR.Addr().Is4():
		r.kind = peerCIDR4
	case p.CIDR.IsValid():
		r.kind = peerCIDR6
	case p.PrefixList != "":
		n, ok := w.listByID[p.PrefixList]
		r.unsure = !ok || w.lists[n].incomplete
		if ok {
			r.kind, r.peer, r.family = peerList, firstList+n, w.lists[n].family
		}
	case p.Self:
		r.kind, r.peer = peerGroup, own.number
	case p.Group != "":
		n, ok := w.groupByID[p.Group]
		if !ok || w.stale(p, own, w.groups[n]) != "" {
			return // REF-15
		}
		r.kind, r.peer = peerGroup, n
	}
}

// stale says why a rule of a group that names another matches nothing, and "" where it
// may match.
func (w *world) stale(p *Peer, own, named *group) string {
	switch {
	case p.Account != "" && named.account != "" && named.account != p.Account:
		return fmt.Sprintf("%s belongs to account %s", named.id, named.account)
	case w.reach.Names(own.vpcs, named.vpcs, string(p.Peering)) != reach.NoGap: // REF-13
		return fmt.Sprintf("peering %s is not active, or not within the Region", p.Peering)
	}
	return ""
}

func (c *compiler) lists() {
	c.w.lists = make([]list, len(c.t.PrefixLists))
	for i := range c.t.PrefixLists {
		in := &c.t.PrefixLists[i]
		l := &c.w.lists[i]
		*l = list{id: in.ID, incomplete: in.Incomplete}
		switch in.Family {
		case 0:
		case packet.IPv4, packet.IPv6:
			l.family, l.said = in.Family, true
		default:
			c.fail(inLists, i, string(in.ID), fmt.Errorf("family %d: %w", in.Family, errNoFamily))
		}
		if in.MaxEntries < 0 {
			c.fail(inLists, i, string(in.ID), fmt.Errorf("%d: %w", in.MaxEntries, ErrMaxEntries))
		}
		seen := make(map[netip.Prefix]bool, len(in.Entries))
		for n := range in.Entries {
			p := in.Entries[n].CIDR
			err := checkCIDR(p)
			if err == nil {
				err = l.checkFamily(p)
			}
			if err != nil {
				c.failItem(Error{Part: inLists, Index: i, ID: string(in.ID), Item: n, Err: err})
				continue
			}
			if p = p.Masked(); !seen[p] {
				seen[p] = true
				l.entries++
				c.trie.Add(p, firstList+uint32(i))
			}
		}
	}
}

// checkFamily refuses an entry of the other family; the first one settles it
// where the list does not say (PL-02).
func (l *list) checkFamily(c netip.Prefix) error {
	f := packet.IPv6
	if c.Addr().Is4() {
		f = packet.IPv4
	}
	if l.family == 0 {
		l.family = f
	}
	if f != l.family {
		return fmt.Errorf("%s: %w", c, ErrFamily)
	}
	return nil
}

// vpcs returns the exempt addresses by VPC.
func (c *compiler) vpcs() map[VPCID]*exemptAddrs {
	exempt := make(map[VPCID]*exemptAddrs, len(c.t.VPCs))
	subnets := map[SubnetID]bool{}
	for i := range c.t.VPCs {
		v := &c.t.VPCs[i]
		fail := func(s SubnetID, n int, err error) {
			c.failItem(Error{Part: inVPCs, Index: i, ID: string(v.ID), Item: n, Subnet: s, Err: err})
		}
		if err := claim(exempt, v.ID, nil); err != nil {
			fail("", -1, err)
		}
		bad := false
		check := func(s SubnetID, n int, cidrs []netip.Prefix) {
			for _, p := range cidrs {
				if err := checkCIDR(p); err != nil {
					bad = true
					fail(s, n, err)
				}
			}
		}
		check("", -1, v.CIDRs)
		for n := range v.Subnets {
			s := &v.Subnets[n]
			if err := claim(subnets, s.ID, true); err != nil {
				fail(s.ID, n, err)
			}
			check(s.ID, n, s.CIDRs)
		}
		if !bad {
			exempt[v.ID] = newExemptAddrs(v)
		}
	}
	return exempt
}

func (c *compiler) enis(exempt map[VPCID]*exemptAddrs) {
	w := c.w
	w.enis = make([]eni, len(c.t.ENIs))
	infos := make([]eniInfo, len(c.t.ENIs))
	var groups []uint32
	sets := groupSets{seed: maphash.MakeSeed(), byHash: map[uint64]*groupSet{}}
	for i := range c.t.ENIs {
		in := &c.t.ENIs[i]
		fail := func(err error) { c.fail(inENIs, i, string(in.ID), err) }
		if err := claim(w.eniByID, in.ID, uint32(i)); err != nil {
			fail(err)
		}
		e := &w.enis[i]
		infos[i] = eniInfo{id: in.ID, timeouts: in.Timeouts, instance: in.Instance, keepsClients: slices.Contains(keepsClients, in.Type), groupless: in.MayLackGroups(), checked: !in.NoSourceDestCheck && len(in.Addrs) > 0}
		*e = eni{
			eniInfo: &infos[i], vpc: w.reach.VPC(string(in.VPC)), exempt: exempt[in.VPC],
			tracked: slices.Contains(trackedTypes, in.Type), unfiltered: len(in.Groups) == 0 && in.MayLackGroups(),
		}
		if in.NitroV6 && e.timeouts.TCPEstablished == 0 {
			e.timeouts.TCPEstablished = conntrack.NitroV6TCPEstablished
		}
		if in.Timeouts != (conntrack.Timeouts{}) {
			if err := checkTimeouts(in.Timeouts); err != nil {
				fail(err)
			}
		}
		c.addrs(uint32(i), in, fail)

		groups = groups[:0]
		for _, id := range in.Groups {
			n, ok := w.groupByID[id]
			if !ok || w.groups[n].incomplete {
				e.missing, e.incomplete = append(e.missing, id), true
			}
			if ok {
				groups = append(groups, n)
			}
		}
		slices.Sort(groups)
		s := sets.of(slices.Compact(groups))
		e.setGroups(s)
	}
	w.sets = sets.n
	w.members.Seal()
	if w.members.Shared() {
		c.overlaps()
	}
}

// groupSets keeps one groupSet for each list of groups.
type groupSets struct {
	seed   maphash.Seed
	byHash map[uint64]*groupSet
	n      int
	room   []groupSet // for the next ones
	names  []uint32   // for their numbers
}

// of returns the set of a list, of which it keeps nothing. Lists of one hash, which
// nobody can choose, get sets of their own.
func (s *groupSets) of(groups []uint32) *groupSet {
	h := uint64(len(groups))
	for _, g := range groups {
		h = maphash.Comparable(s.seed, [2]uint64{h, uint64(g)})
	}
	if set := s.byHash[h]; set != nil && slices.Equal(set.numbers, groups) {
		return set
	}
	const some = 1024
	if len(s.room) == 0 {
		s.room = make([]groupSet, some)
	}
	if len(s.names) < len(groups) {
		s.names = make([]uint32, max(8*some, len(groups)))
	}
	set := &s.room[0]
	s.room = s.room[1:]
	copy(s.names, groups)
	set.numbers, s.names = s.names[:len(groups):len(groups)], s.names[len(groups):]
	s.n++
	set.index, s.byHash[h] = s.n, set
	return set
}

// overlaps refuses an ENI with an address or prefix that another one of the same VPC
// has too, in part or as a whole: whose packets are meant, nobody could tell. ENIs
// without a VPC are taken to be in one. An ENI gets one such error.
func (c *compiler) overlaps() {
	type owned struct {
		netip.Prefix
		eni int
	}
	var all []owned
	for i := range c.t.ENIs {
		for _, a := range c.t.ENIs[i].Addrs {
			if checkAddr(a) == nil {
				all = append(all, owned{netip.PrefixFrom(a, a.BitLen()), i})
			}
		}
		for _, p := range c.t.ENIs[i].Prefixes {
			if checkCIDR(p) == nil {
				all = append(all, owned{p.Masked(), i})
			}
		}
	}
	vpc := func(o owned) uint32 { return c.w.enis[o.eni].vpc }
	slices.SortFunc(all, func(a, b owned) int {
		return cmp.Or(cmp.Compare(vpc(a), vpc(b)), a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()), cmp.Compare(a.eni, b.eni))
	})
	refused := map[int]bool{}
	var around []owned // each within the one before
	for _, o := range all {
		for len(around) > 0 && (vpc(around[len(around)-1]) != vpc(o) || !around[len(around)-1].Contains(o.Addr())) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			other := around[len(around)-1]
			if other.eni != o.eni && !refused[o.eni] {
				refused[o.eni] = true
				what, is := o.String(), "in a prefix"
				switch same := o.Bits() == other.Bits(); {
				case o.IsSingleIP() && same:
					what, is = o.Addr().String(), "also an address"
				case o.IsSingleIP():
					what = o.Addr().String()
				case same:
					is = "also a prefix"
				}
				c.fail(inENIs, o.eni, string(c.t.ENIs[o.eni].ID), fmt.Errorf("%s is %s of %s: %w", what, is, c.t.ENIs[other.eni].ID, ErrAddrInUse))
			}
		}
		around = append(around, o)
	}
}

// addrs enters the addresses of an ENI.
func (c *compiler) addrs(n uint32, in *ENI, fail func(error)) {
	w := c.w
	for _, a := range in.Addrs {
		if err := checkAddr(a); err != nil {
			fail(err)
			continue
		}
		w.members.Add(a, n)
	}
	for _, p := range in.Prefixes {
		if err := checkCIDR(p); err != nil {
			fail(err)
			continue
		}
		w.members.AddPrefix(p, n)
	}
	for _, a := range in.Public {
		if err := checkAddr(a); err != nil {
			fail(err)
			continue
		}
		if w.public == nil {
			w.public = map[netip.Addr]ENIID{}
		}
		w.public[a] = in.ID
	}
}
