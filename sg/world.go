package sg

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/member"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// A world is everything that decides about packets, except connections: what a
// Policy holds, and what a Firewall copies before it changes anything. Groups,
// prefix lists, ENIs and VPCs go by their numbers in topology order.
type world struct {
	groups []*group // replaced whole when their rules change
	enis   []eni
	lists  []list
	cidrs  peers
	sets   int    // of groups that Compile made
	epoch  uint64 // counts changes of rules; see matcher

	acls *acls // nil without network ACLs

	// The fields below never change, so copies share them.
	groupByID map[GroupID]uint32
	partial   []bool             // by group: there may be further rules
	strangers map[GroupID]uint32 // groups that ENIs carry and the topology lacks: their members are known, their rules are not
	eniByID   map[ENIID]uint32
	listByID  map[PrefixListID]uint32
	members   *member.Index        // address to ENI
	public    map[netip.Addr]ENIID // for explanations; rules never see these
	reach     *reach.Map
}

// A group is a compiled group.
type group struct {
	id      GroupID
	number  uint32
	account AccountID
	vpcs    []uint32       // its own and those it is associated with; none: its own is not known
	rules   [2][]*ruleInfo // by Direction-1

	mayUntrack bool // whether one of the rules may
}

// any reports whether one of the group's rules is such.
func (g *group) any(such func(*ruleInfo) bool) bool {
	return slices.ContainsFunc(g.rules[0], such) || slices.ContainsFunc(g.rules[1], such)
}

// An eni is a compiled ENI: one cache line with what packets need.
type eni struct {
	*eniInfo
	exempt *exemptAddrs // of its VPC
	set    *groupSet
	fast   atomic.Pointer[matcher] // that of the set, once a packet has asked here
	vpc    uint32
	few    [5]uint32 // its groups, if there are at most five: packets from a member need nothing else of it
	count  uint16    // of groups

	unfiltered bool // AWS attaches no group to it
	incomplete bool // it carries groups that are not known, or not all their rules
	tracked    bool // whatever the rules are (CT-14)
}

// An eniInfo is the part of an ENI that packets do not need. It never changes.
type eniInfo struct {
	location
	id       ENIID
	timeouts conntrack.Timeouts
	instance InstanceID
	inVPC    VPCID
	account  AccountID
	missing  []GroupID // that it carries and the topology lacks, in whole or in part
	transit  bool      // a transit gateway attachment

	keepsClients bool // packets may come through it with their client's address

	// groupless: if it carries no group, AWS attaches none.
	groupless bool

	// checked: packets at this ENI must not have an address of another ENI in place of
	// its own.
	checked bool
}

// A groupSet is a list of groups that ENIs carry, with its matcher. ENIs that are
// compiled together share it.
type groupSet struct {
	numbers  []uint32                 // ascending and distinct; never changed
	compiled atomic.Pointer[compiled] // nil until a packet asks
	index    int                      // from 1 among those of Compile; 0 for one that belongs to a single ENI
}

// groups returns the numbers of the ENI's groups, ascending and distinct.
func (e *eni) groups() []uint32 {
	if int(e.count) > len(e.few) {
		return e.set.numbers
	}
	return e.few[:e.count]
}

// setGroups gives the ENI its groups.
func (e *eni) setGroups(s *groupSet) {
	e.set, e.count, e.few = s, uint16(min(len(s.numbers), 1<<16-1)), [5]uint32{}
	copy(e.few[:], s.numbers)
	e.fast.Store(nil)
}

// carried returns the groups that an ENI carries, in topology order, then those that
// the topology lacks.
func (w *world) carried(e *eni) []GroupID {
	ids := w.known(e)
	for _, id := range e.missing {
		if _, known := w.groupByID[id]; !known {
			ids = append(ids, id)
		}
	}
	return ids
}

// known returns those that the topology has.
func (w *world) known(e *eni) []GroupID {
	ids := make([]GroupID, 0, len(e.groups())+len(e.missing)+1)
	for _, g := range e.groups() {
		if id := w.groups[g].id; !w.isStranger(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *world) isStranger(id GroupID) bool {
	_, ok := w.strangers[id]
	return ok
}

// named returns the number of a group that a rule names.
func (w *world) named(id GroupID) (n uint32, ok bool) {
	if n, ok = w.groupByID[id]; !ok {
		n, ok = w.strangers[id]
	}
	return n, ok
}

// numbersOf appends the numbers of groups to an empty slice, ascending and distinct, and
// returns those that the topology lacks, in whole or in part.
func (w *world) numbersOf(ids []GroupID, to []uint32) (numbers []uint32, missing []GroupID) {
	to = slices.Grow(to, len(ids))
	for _, id := range ids {
		n, known := w.groupByID[id]
		if !known || w.partial[n] {
			missing = append(missing, id)
		}
		if !known {
			n, known = w.strangers[id]
		}
		if known {
			to = append(to, n)
		}
	}
	slices.Sort(to)
	return slices.Compact(to), missing
}

// A list is a compiled prefix list.
type list struct {
	id      PrefixListID
	family  packet.Family // 0 while it has no entry and the topology does not say
	said    bool          // the topology says the family
	entries int           // distinct ones

	incomplete bool // there may be other entries
}

// own returns a copy of w that can be changed in place. Its matchers are its own.
func (w *world) own() *world {
	c := *w
	c.groups = slices.Clone(w.groups)
	c.lists = slices.Clone(w.lists)
	c.cidrs.uses = slices.Clone(w.cidrs.uses)
	c.cidrs.free = slices.Clone(w.cidrs.free)
	c.acls = w.acls.own()
	c.enis = make([]eni, len(w.enis))
	copies := make([]groupSet, w.sets+1)
	for i := range w.enis {
		e, n := &w.enis[i], &c.enis[i]
		s := &copies[e.set.index]
		if e.set.index == 0 {
			s = &groupSet{}
		}
		s.numbers, s.index = e.set.numbers, e.set.index
		n.eniInfo, n.exempt, n.vpc = e.eniInfo, e.exempt, e.vpc
		n.unfiltered, n.incomplete, n.tracked = e.unfiltered, e.incomplete, e.tracked
		n.setGroups(s)
	}
	return &c
}
