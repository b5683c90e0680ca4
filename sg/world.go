package sg

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg/internal/cidrtrie"
	"github.com/sgsim/sgsim/sg/internal/member"
)

// A world is everything that decides about packets but connections: what a
// Policy holds, and what a Firewall copies before it changes anything. Groups,
// prefix lists, ENIs and VPCs go by their numbers in topology order.
type world struct {
	groups []*group   // replaced whole when their rules change
	fronts [2][]front // of the groups, by Direction-1
	enis   []eni
	tries  []cidrtrie.Trie // list i is set i%64 of trie i/64
	lists  []list

	rules uint32 // numbers given to rules so far

	// What follows never changes, so that copies share it.
	groupByID map[GroupID]uint32
	eniByID   map[ENIID]uint32
	listByID  map[PrefixListID]uint32
	members   *member.Index        // address to ENI
	public    map[netip.Addr]ENIID // for explanations; rules never see these
	paths     *paths
}

// A group is a compiled group.
type group struct {
	id      GroupID
	number  uint32
	account AccountID
	vpcs    []uint32       // its own and those it is associated with; none: its own is not said
	rules   [2][]*ruleInfo // by Direction-1
}

// An eni is a compiled ENI: one cache line with what packets need.
type eni struct {
	*eniInfo
	exempt *exemptAddrs // of its VPC
	marks  uint64       // of its groups; see mark
	vpc    uint32
	count  uint32    // of groups
	few    [8]uint32 // its groups, if they are no more
}

// An eniInfo is what packets do not need of an ENI. It never changes.
type eniInfo struct {
	id       ENIID
	timeouts conntrack.Timeouts
	instance InstanceID
	many     []uint32 // its groups, if they are more than eni.few holds
	tracked  bool     // whatever the rules are (CT-14)
}

// groups returns the numbers of the ENI's groups, ascending and distinct. They
// lie within the eni.
func (e *eni) groups() []uint32 {
	if int(e.count) > len(e.few) {
		return e.many
	}
	return e.few[:e.count]
}

// setGroups keeps nothing of groups.
func (e *eni) setGroups(groups []uint32) {
	e.count, e.marks, e.few = uint32(len(groups)), 0, [8]uint32{}
	if copy(e.few[:], groups) < len(groups) {
		info := *e.eniInfo
		info.many = slices.Clone(groups)
		e.eniInfo = &info
	}
	for _, g := range groups {
		e.marks |= mark(g)
	}
}

// mark returns a bit that stands for a group, and for others too.
func mark(group uint32) uint64 { return 1 << (group & 63) }

// A list is a compiled prefix list.
type list struct {
	id      PrefixListID
	family  Family // 0 while it has no entry and nobody said
	said    bool   // the topology says the family
	entries int    // distinct ones
}

// own returns a copy of w that can be changed in place.
func (w *world) own() *world {
	c := *w
	c.groups = slices.Clone(w.groups)
	c.enis = slices.Clone(w.enis)
	c.lists = slices.Clone(w.lists)
	c.tries = slices.Clone(w.tries)
	for i := range c.fronts {
		c.fronts[i] = slices.Clone(w.fronts[i])
	}
	return &c
}

// paths says which VPCs reach each other, so that rules of one may name groups
// whose members are in the other (REF-08). VPC 0 stands for "not said", which
// reaches all, and so does a group whose VPC is not said.
type paths struct {
	vpcs     map[VPCID]uint32
	active   map[[2]uint32]bool // VPCs with an active peering; true: within a Region (REF-10)
	peerings map[PeeringID]bool // true: active and within a Region
}

func (p *paths) number(id VPCID) uint32 {
	if id == "" {
		return 0
	}
	n, ok := p.vpcs[id]
	if !ok {
		n = uint32(len(p.vpcs)) + 1
		p.vpcs[id] = n
	}
	return n
}

// peered reports whether the peering that a rule of g names is active, or another
// one between the same VPCs is (REF-14).
func (p *paths) peered(id PeeringID, g, named *group) bool {
	if p.peerings[id] {
		return true
	}
	for _, a := range g.vpcs {
		for _, b := range named.vpcs {
			if p.active[[2]uint32{a, b}] {
				return true
			}
		}
	}
	return false
}

// reach reports whether a rule at an ENI in VPC a that names g matches members
// of g in VPC b.
func (p *paths) reach(a, b uint32, g *group) bool {
	if a == b || a == 0 || b == 0 || len(g.vpcs) == 0 || p.active[[2]uint32{a, b}] {
		return true
	}
	// REF-19: a group with associations connects the VPCs it is used in.
	return slices.Contains(g.vpcs, a) && slices.Contains(g.vpcs, b)
}
