package load

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// A builder puts together what several documents say of the same things. The
// first to say something of a group, list or ENI wins; lists are united.
type builder struct {
	problems
	unread bool // there are inputs that say nothing, for what is wrong with them

	groups  []*group
	groupOf map[sg.GroupID]*group

	lists  []*prefixList
	listOf map[sg.PrefixListID]*prefixList

	enis  []*eni
	eniOf map[sg.ENIID]*eni

	vpcs  []*vpc
	vpcOf map[sg.VPCID]*vpc

	peerings  []*peering
	peeringOf map[sg.PeeringID]*peering
}

func newBuilder() *builder {
	return &builder{
		groupOf:   make(map[sg.GroupID]*group),
		listOf:    make(map[sg.PrefixListID]*prefixList),
		eniOf:     make(map[sg.ENIID]*eni),
		vpcOf:     make(map[sg.VPCID]*vpc),
		peeringOf: make(map[sg.PeeringID]*peering),
	}
}

// A group is a security group under construction.
type group struct {
	sg.Group
	place    Place
	rules    [2][]rule // ingress, egress
	ruleOf   map[identity]int
	whole    bool      // all its rules were read, not only some
	listings []*cursor // the full lists of its rules that were read
}

type rule struct {
	sg.Rule
	place    Place
	listings []*cursor // those of its group that have it

	// Places in the group's rules of others that are the same.
	again int     // the next one; 0: there is none
	list  *cursor // of the first one: where they were read last,
	last  int     // and up to which
}

// An identity is what tells a rule from all others of its group (SG-51).
type identity struct {
	dir  sg.Direction
	rule sg.Rule // canonical
}

// group returns the group with an id, made where it is new.
func (b *builder) group(id sg.GroupID, at Place) *group {
	return once(b.groupOf, &b.groups, id, group{Group: sg.Group{ID: id}, place: at})
}

// once returns the thing with an id. Where there is none yet it is made, and is the
// last of all.
func once[K comparable, T any](of map[K]*T, all *[]*T, id K, x T) *T {
	if of[id] == nil {
		of[id] = &x
		*all = append(*all, &x)
	}
	return of[id]
}

// addRule adds a rule that was read at c. list is the list it is part of; in two lists
// equal rules are the same rule, in one they are two, which sg.Check finds. full says
// that list holds all rules of the group and direction.
func (b *builder) addRule(g *group, dir sg.Direction, r sg.Rule, c, list *cursor, full bool) {
	if r.Peer.Group == g.ID {
		r.Peer = sg.Self // however it is written (REF-07)
	}
	if r.Peer.Account == g.Account {
		r.Peer.Account = ""
	}
	key := identity{dir, r.Canonical(g.ID)}
	rules := &g.rules[dir-sg.Ingress]
	first, known := g.ruleOf[key]
	if !known {
		if g.ruleOf == nil {
			g.ruleOf = make(map[identity]int)
		}
		first = len(*rules)
		g.ruleOf[key] = first
		*rules = append(*rules, rule{Rule: r, place: c.place()})
	}
	i := first
	if known && (*rules)[first].list == list { // its second in this list is its second in others
		last := (*rules)[first].last
		if i = (*rules)[last].again; i == 0 {
			known, i = false, len(*rules)
			(*rules)[last].again = i
			*rules = append(*rules, rule{Rule: r, place: c.place()})
		}
	}
	(*rules)[first].list, (*rules)[first].last = list, i
	old := &(*rules)[i]
	if known {
		if old.ID != "" && r.ID != "" && old.ID != r.ID {
			b.warn(c.place(), codeDuplicate, "the same rule stands at line %d of %s already", old.place.Line, old.place.File)
			return
		}
		setDefault(&old.ID, r.ID)
		setDefault(&old.Description, r.Description)
		setDefault(&old.Peer.Account, r.Peer.Account)
		setDefault(&old.Peer.Peering, r.Peer.Peering)
	}
	if full {
		old.listings = append(old.listings, list)
	}
}

// setDefault sets what is not set yet.
func setDefault[T comparable](old *T, v T) { *old = cmp.Or(*old, v) }

// addNew appends the items that s does not hold yet.
func addNew[T comparable](s []T, items ...T) []T {
	for _, x := range items {
		if !slices.Contains(s, x) {
			s = append(s, x)
		}
	}
	return s
}

type prefixList struct {
	sg.PrefixList
	place   Place
	at      []Place // of each of Entries
	entries bool    // some document told them
	warned  bool    // that none did

	entryOf map[netip.Prefix]int // in Entries
}

func (b *builder) list(id sg.PrefixListID, at Place) *prefixList {
	return once(b.listOf, &b.lists, id, prefixList{PrefixList: sg.PrefixList{ID: id}, place: at})
}

func (l *prefixList) add(e sg.PrefixListEntry, at Place) {
	l.entries = true
	if i, known := l.entryOf[e.CIDR]; known {
		setDefault(&l.Entries[i].Description, e.Description)
		return
	}
	if l.entryOf == nil {
		l.entryOf = make(map[netip.Prefix]int)
	}
	l.entryOf[e.CIDR] = len(l.Entries)
	l.Entries = append(l.Entries, e)
	l.at = append(l.at, at)
}

type eni struct {
	sg.ENI
	place     Place
	undecided bool // AWS has yet to choose addresses
}

func (b *builder) eni(id sg.ENIID, at Place) *eni {
	return once(b.eniOf, &b.enis, id, eni{ENI: sg.ENI{ID: id}, place: at})
}

// merge adds what another source says of the interface.
func (e *eni) merge(o *sg.ENI) {
	e.Addrs = addNew(e.Addrs, o.Addrs...)
	e.Prefixes = addNew(e.Prefixes, o.Prefixes...)
	e.Public = addNew(e.Public, o.Public...)
	e.Groups = addNew(e.Groups, o.Groups...)
	setDefault(&e.Name, o.Name)
	setDefault(&e.VPC, o.VPC)
	setDefault(&e.Subnet, o.Subnet)
	setDefault(&e.Instance, o.Instance)
	setDefault(&e.Account, o.Account)
	setDefault(&e.Type, o.Type)
	setDefault(&e.Timeouts, o.Timeouts)
	e.NitroV6 = e.NitroV6 || o.NitroV6
}

type vpc struct {
	sg.VPC
	place    Place
	subnetOf map[sg.SubnetID]int // in Subnets
}

func (b *builder) vpc(id sg.VPCID, at Place) *vpc {
	return once(b.vpcOf, &b.vpcs, id, vpc{VPC: sg.VPC{ID: id}, place: at})
}

func (v *vpc) addSubnet(s sg.Subnet) {
	if i, known := v.subnetOf[s.ID]; known {
		v.Subnets[i].CIDRs = addNew(v.Subnets[i].CIDRs, s.CIDRs...)
		return
	}
	if v.subnetOf == nil {
		v.subnetOf = make(map[sg.SubnetID]int)
	}
	v.subnetOf[s.ID] = len(v.Subnets)
	v.Subnets = append(v.Subnets, s)
}

type peering struct {
	sg.Peering
	place   Place
	guessed bool // from a rule that names it, until something better comes
}

func (b *builder) peering(p sg.Peering, at Place, guessed bool) {
	old := b.peeringOf[p.ID]
	switch {
	case old == nil:
		old = &peering{p, at, guessed}
		b.peeringOf[p.ID] = old
		b.peerings = append(b.peerings, old)
	case old.guessed && !guessed:
		*old = peering{p, at, false}
	}
}
