package load

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// A builder puts together what several documents say of the same things. The
// first to say something of a group, list or ENI wins; lists are united.
type builder struct {
	problems
	decisions
	seed       maphash.Seed
	listed     *cursor // rules of groups that only describe-security-group-rules tells,
	listedDirs [2]bool // and which directions they have

	stage  stage
	unread bool // there are inputs that say nothing, for what is wrong with them
	cut    bool // the listing that is being read goes on where no input does

	groupNames map[string][]sg.GroupID // made when all groups are read

	groups  []*group
	groupOf map[sg.GroupID]*group

	lists  []*prefixList
	listOf map[sg.PrefixListID]*prefixList

	enis  []*eni
	eniOf map[sg.ENIID]*eni

	vpcs  []*vpc
	vpcOf map[sg.VPCID]*vpc

	acls        []*networkACL
	aclOf       map[sg.NetworkACLID]*networkACL
	aclSubnets  []sg.SubnetID // in the order in which they were told
	aclOfSubnet map[sg.SubnetID]association

	peerings  []*peering
	peeringOf map[sg.PeeringID]*peering

	gateways  []*gateway
	gatewayOf map[string]*gateway
	attached  bool // attachments to transit gateways are told, be it that there are none

	typeOf       map[sg.InstanceID]string // of instance
	typeTimeouts map[string]conntrack.Timeouts
}

func newBuilder() *builder {
	return &builder{
		decisions: newDecisions(),
		seed:      maphash.MakeSeed(),
		groupOf:   make(map[sg.GroupID]*group),
		listOf:    make(map[sg.PrefixListID]*prefixList),
		eniOf:     make(map[sg.ENIID]*eni),
		vpcOf:     make(map[sg.VPCID]*vpc),
		peeringOf: make(map[sg.PeeringID]*peering),
		gatewayOf: make(map[string]*gateway),

		typeOf: make(map[sg.InstanceID]string), typeTimeouts: make(map[string]conntrack.Timeouts),

		aclOf:       make(map[sg.NetworkACLID]*networkACL),
		aclOfSubnet: make(map[sg.SubnetID]association),
	}
}

// A group is a security group under construction.
type group struct {
	sg.Group
	at           *cursor
	whole        bool // all its rules were read, not only some
	associations set[sg.VPCID]

	info     [2][]ruleInfo    // of each of its rules: ingress, egress
	ruleOf   map[uint64]int32 // index of a rule by the hash of its identity
	listings []*cursor        // the full lists of its rules that were read

	decided        *cursor // where a plan manages it
	overruled      int     // rules of listings that the plans left out
	firstOverruled *cursor
}

// A ruleInfo is what is known of a rule besides the rule.
type ruleInfo struct {
	at  *cursor
	nth int32  // of the equal ones in its list
	in  uint64 // bit i: listing i has it; more are not compared

	planned bool // so listings may lack it

	// Of the first of equal rules: where they were read last, and how many there.
	list *cursor
	seen int32
}

// An identity is what tells a rule from all others of its group (SG-51). In two lists
// equal rules are the same rule, in one they are two, which sg.Check finds.
type identity struct {
	dir  sg.Direction
	rule sg.Rule // canonical
	nth  int32
}

// group returns the group with an id, made where it is new.
func (b *builder) group(id sg.GroupID, at *cursor) *group {
	return once(b.groupOf, &b.groups, id, group{Group: sg.Group{ID: id}, at: at})
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

// side returns the rules of one direction and what is known of them.
func (g *group) side(dir sg.Direction) (*[]sg.Rule, *[]ruleInfo) {
	if dir == sg.Egress {
		return &g.Egress, &g.info[1]
	}
	return &g.Ingress, &g.info[0]
}

// find returns the index of a rule, and the hash that it has or may have.
func (g *group) find(seed maphash.Seed, id identity) (i int32, hash uint64, known bool) {
	rules, info := g.side(id.dir)
	for hash = maphash.Comparable(seed, id); ; hash++ {
		i, known = g.ruleOf[hash]
		if !known {
			return int32(len(*rules)), hash, false
		}
		if int(i) < len(*rules) && (*info)[i].nth == id.nth && (*rules)[i].Canonical(g.ID) == id.rule {
			return i, hash, true
		}
	}
}

// own returns a rule of the group as it is written in all inputs alike.
func (g *group) own(r sg.Rule) sg.Rule {
	if r.Peer.Group == g.ID {
		r.Peer = sg.Self // REF-07
	}
	if r.Peer.Account == g.Account {
		r.Peer.Account = ""
	}
	return r
}

// addRule adds a rule that was read at c. list is the list it is part of. full says
// that this is the last of the group's listings.
func (b *builder) addRule(g *group, dir sg.Direction, r sg.Rule, c, list *cursor, full bool) {
	r = g.own(r)
	id := identity{dir: dir, rule: r.Canonical(g.ID)}
	rules, info := g.side(dir)
	first, hash, known := g.find(b.seed, id)
	i := first
	if known {
		f := &(*info)[first]
		if f.list != list {
			f.list, f.seen = list, 0
		}
		if id.nth = f.seen; id.nth > 0 {
			i, hash, known = g.find(b.seed, id)
		}
		f.seen++
	}
	if !known {
		if g.ruleOf == nil {
			g.ruleOf = make(map[uint64]int32)
		}
		g.ruleOf[hash] = i
		*rules = append(*rules, r)
		*info = append(*info, ruleInfo{at: c, nth: id.nth, planned: b.planning || g.decidedIn(c), list: list, seen: 1})
	} else if old := &(*rules)[i]; old.ID != "" && r.ID != "" && old.ID != r.ID {
		at := (*info)[i].at.place()
		c.warn(codeDuplicate, "the same rule stands at line %d of %s already", at.Line, at.File)
		return
	} else {
		setDefault(&old.ID, r.ID)
		setDefault(&old.Description, r.Description)
		setDefault(&old.Peer.Account, r.Peer.Account)
		setDefault(&old.Peer.Peering, r.Peer.Peering)
	}
	if full {
		(*info)[i].in |= 1 << (len(g.listings) - 1)
	}
}

// setDefault sets what is not set yet.
func setDefault[T comparable](old *T, v T) { *old = cmp.Or(*old, v) }

// A set keeps the items of a list apart.
type set[T comparable] struct {
	has map[T]struct{} // nil: compared one by one
}

// add appends the items that the list does not hold yet.
func (s *set[T]) add(list *[]T, items ...T) {
	const few = 16
	for _, x := range items {
		if s.has == nil && len(*list) >= few {
			s.has = make(map[T]struct{}, 2*few)
			for _, old := range *list {
				s.has[old] = struct{}{}
			}
		}
		switch _, known := s.has[x]; {
		case known:
		case s.has != nil:
			s.has[x] = struct{}{}
			*list = append(*list, x)
		case !slices.Contains(*list, x):
			*list = append(*list, x)
		}
	}
}

// addNew appends the items that s does not hold yet, of which there are many only
// where items are.
func addNew[T comparable](s []T, items ...T) []T {
	new(set[T]).add(&s, items...)
	return s
}

type prefixList struct {
	sg.PrefixList
	at        *cursor
	entriesAt []*cursor // of each of Entries
	entries   bool      // some document told all of them
	lacking   bool      // some of its entries AWS has yet to tell
	warned    bool      // that none did
	decided   bool      // a plan manages it
	overruled bool      // and left out an entry of a listing

	entryOf map[netip.Prefix]int // in Entries
}

func (b *builder) list(id sg.PrefixListID, at *cursor) *prefixList {
	return once(b.listOf, &b.lists, id, prefixList{PrefixList: sg.PrefixList{ID: id}, at: at})
}

func (l *prefixList) add(e sg.PrefixListEntry, at *cursor) {
	if i, known := l.entryOf[e.CIDR]; known {
		setDefault(&l.Entries[i].Description, e.Description)
		return
	}
	if l.entryOf == nil {
		l.entryOf = make(map[netip.Prefix]int)
	}
	l.entryOf[e.CIDR] = len(l.Entries)
	l.Entries = append(l.Entries, e)
	l.entriesAt = append(l.entriesAt, at)
}

type eni struct {
	sg.ENI
	at        *cursor
	undecided bool     // AWS has yet to choose addresses
	named     []string // its groups by their names, or ids
	decided   *cursor  // where a plan manages it
	listed    *cursor  // where a listing or state has it
	stated    bool     // that is a state, which may not tell all

	checkDecided bool // a plan says whether it checks source and destination

	addrs, public set[netip.Addr]
	prefixes      set[netip.Prefix]
	groups        set[sg.GroupID]
}

func (b *builder) eni(id sg.ENIID, at *cursor) *eni {
	return once(b.eniOf, &b.enis, id, eni{ENI: sg.ENI{ID: id}, at: at})
}

func (e *eni) addAddrs(a ...netip.Addr)      { e.addrs.add(&e.Addrs, a...) }
func (e *eni) addPublic(a ...netip.Addr)     { e.public.add(&e.Public, a...) }
func (e *eni) addPrefixes(p ...netip.Prefix) { e.prefixes.add(&e.Prefixes, p...) }
func (e *eni) addGroups(g ...sg.GroupID)     { e.groups.add(&e.Groups, g...) }

// merge adds what another source says of the interface.
func (e *eni) merge(o *sg.ENI) {
	e.addAddrs(o.Addrs...)
	e.addPrefixes(o.Prefixes...)
	e.addPublic(o.Public...)
	e.addGroups(o.Groups...)
	setDefault(&e.Name, o.Name)
	setDefault(&e.VPC, o.VPC)
	setDefault(&e.Subnet, o.Subnet)
	setDefault(&e.Instance, o.Instance)
	setDefault(&e.Account, o.Account)
	setDefault(&e.Type, o.Type)
	setDefault(&e.Timeouts, o.Timeouts)
	e.NitroV6 = e.NitroV6 || o.NitroV6
	e.RequesterManaged = e.RequesterManaged || o.RequesterManaged
	e.NoSourceDestCheck = e.NoSourceDestCheck || o.NoSourceDestCheck && !e.checkDecided
}

type vpc struct {
	sg.VPC
	planned    bool // a plan manages it
	defaultACL sg.NetworkACLID
	at         *cursor
	cidrs      set[netip.Prefix]
	subnets    []*subnet
	subnetOf   map[sg.SubnetID]*subnet
}

type subnet struct {
	sg.Subnet
	cidrs set[netip.Prefix]
}

func (b *builder) vpc(id sg.VPCID, at *cursor) *vpc {
	return once(b.vpcOf, &b.vpcs, id, vpc{VPC: sg.VPC{ID: id}, at: at, subnetOf: make(map[sg.SubnetID]*subnet)})
}

func (v *vpc) addCIDRs(p ...netip.Prefix) { v.cidrs.add(&v.CIDRs, p...) }

func (v *vpc) addSubnet(id sg.SubnetID, cidrs ...netip.Prefix) {
	s := once(v.subnetOf, &v.subnets, id, subnet{Subnet: sg.Subnet{ID: id}})
	s.cidrs.add(&s.CIDRs, cidrs...)
}

type peering struct {
	sg.Peering
	at      *cursor
	guessed bool // from a rule that names it, until something better comes
}

func (b *builder) peering(p sg.Peering, at *cursor, guessed bool) {
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
