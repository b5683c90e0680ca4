package load

import (
	"cmp"
	"hash/maphash"
	"net/netip"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// A builder merges what several documents say about the same things. The first to
// say something about a group, list or ENI wins; lists are united.
type builder struct {
	problems

	planning bool               // a plan is being read, or a state that is preferred
	gone     map[string]*cursor // ids of what plans delete
	removed  map[removal]bool
	owned    map[string]owned // resources by kind and id

	seed       maphash.Seed
	listed     *cursor // rules of groups that only describe-security-group-rules has,
	listedDirs [2]bool // and which directions they have

	stage  stage
	unread bool // there are inputs that could not be read
	cut    bool // the listing being read has a next page that no input holds

	groupNames map[string][]sg.GroupID // made when all groups are read
	defaults   map[string]string       // ids of the default groups in listings, by those of VPCs

	groups     registry[sg.GroupID, *group]
	lists      registry[sg.PrefixListID, *prefixList]
	enis       registry[sg.ENIID, *eni]
	vpcs       registry[sg.VPCID, *vpc]
	acls       registry[sg.NetworkACLID, *networkACL]
	aclSubnets registry[sg.SubnetID, *association]
	peerings   registry[sg.PeeringID, *peering]
	gateways   registry[string, *gateway]
	attached   bool // the inputs list attachments to transit gateways, even if there are none
	associated bool // the inputs list associations of groups with VPCs, even if there are none

	typeOf       map[sg.InstanceID]string // types of instances
	typeTimeouts map[string]conntrack.Timeouts
}

func newBuilder() *builder {
	return &builder{
		gone: make(map[string]*cursor), removed: make(map[removal]bool), owned: make(map[string]owned),
		seed:     maphash.MakeSeed(),
		defaults: make(map[string]string), typeOf: make(map[sg.InstanceID]string), typeTimeouts: make(map[string]conntrack.Timeouts),
	}
}

// A group is a security group under construction.
type group struct {
	sg.Group
	origin
	whole        bool // all its rules were read, not only some
	standard     bool // the default group of its VPC, whatever it is called
	lacking      bool // some of its rules AWS or Terraform has yet to tell
	associations set[sg.VPCID]

	info     [2][]ruleInfo    // of each of its rules: ingress, egress
	ruleOf   map[uint64]int32 // index of a rule by the hash of its identity
	listings []*cursor        // the full lists of its rules that were read

	decided        *cursor // set if a plan manages it
	overruled      int     // number of rules of listings that the plans overruled
	firstOverruled *cursor
}

// associate adds a further VPC.
func (g *group) associate(v sg.VPCID) {
	if v != g.VPC {
		g.associations.add(&g.Associations, v)
	}
}

// A ruleInfo is what is known about a rule besides the rule itself.
type ruleInfo struct {
	at  *cursor
	nth int32  // of the equal ones in its list
	in  uint64 // bit i: listing i has it; further listings are not compared

	planned bool // so listings may lack it

	// For the first of equal rules: where they were read last, and how many of them
	// there.
	list *cursor
	seen int32
}

// An identity tells a rule from all others of its group (SG-51). Equal rules in two
// lists are the same rule; in one list they are two, which lint.Check finds.
type identity struct {
	dir  sg.Direction
	rule sg.Rule // canonical
	nth  int32
}

// group adds what a place says about a group, except its rules.
func (b *builder) group(p sg.Group, at *cursor) *group {
	g := b.groups.get(p.ID, &group{Group: sg.Group{ID: p.ID}, origin: origin{at}})
	setDefault(&g.Name, p.Name)
	setDefault(&g.Description, p.Description)
	if g.VPC != "" && p.VPC != "" && g.VPC != p.VPC {
		at.contradicts(g.at, "%s is in %s here, and in %s", p.ID, p.VPC, g.VPC)
	}
	setDefault(&g.VPC, p.VPC)
	setDefault(&g.Account, p.Account)
	g.associations.add(&g.Associations, p.Associations...)
	return g
}

// side returns the rules of one direction and what is known about them.
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

// own returns a rule of the group in a form that is the same for all inputs.
func (g *group) own(r sg.Rule) sg.Rule {
	if r.Peer.Group == g.ID {
		r.Peer = sg.Self // REF-07
	}
	if r.Peer.Account == g.Account {
		r.Peer.Account = ""
	}
	return r
}

// addRule adds a rule that was read at c, unless a plan has decided about it. list is the
// list that it is part of. full says that this list is the last of the group's listings.
func (b *builder) addRule(g *group, dir sg.Direction, r sg.Rule, c, list *cursor, full bool) {
	r = g.own(r)
	id := identity{dir: dir, rule: r.Canonical(g.ID)}
	rules, info := g.side(dir)
	first, hash, known := g.find(b.seed, id)
	decides := b.planning || g.decidedIn(c)
	if !known && !decides && (g.decided != nil || b.removes(g.ID, nil) && b.removes(g.ID, id)) {
		if g.overruled++; g.overruled == 1 {
			g.firstOverruled = c
		}
		return
	}
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
		*info = append(*info, ruleInfo{at: c, nth: id.nth, planned: decides, list: list, seen: 1})
	} else if old := &(*rules)[i]; old.ID != "" && r.ID != "" && old.ID != r.ID {
		at := (*info)[i].at.place()
		c.warn(codeDuplicate, "the same rule is already at line %d of %s", at.Line, at.File)
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

type prefixList struct {
	sg.PrefixList
	origin
	entries   registry[netip.Prefix, *piece[sg.PrefixListEntry]]
	complete  bool // some document had all of them
	lacking   bool // AWS has yet to choose some of its entries
	warned    bool // that no document did
	decided   bool // a plan manages it
	overruled bool // and overruled an entry of a listing
}

// list adds what a place says about a prefix list, except its entries.
func (b *builder) list(p sg.PrefixList, at *cursor) *prefixList {
	l := b.lists.get(p.ID, &prefixList{PrefixList: sg.PrefixList{ID: p.ID}, origin: origin{at}})
	setDefault(&l.Name, p.Name)
	if l.Family != 0 && p.Family != 0 && l.Family != p.Family {
		at.contradicts(l.at, "%s is of IPv%d here, and of IPv%d", p.ID, p.Family, l.Family)
	}
	setDefault(&l.Family, p.Family)
	setDefault(&l.MaxEntries, p.MaxEntries)
	setDefault(&l.Owner, p.Owner)
	return l
}

func (l *prefixList) add(e sg.PrefixListEntry, at *cursor) {
	old := l.entries.get(e.CIDR, &piece[sg.PrefixListEntry]{e, origin{at}})
	setDefault(&old.value.Description, e.Description)
}

type eni struct {
	sg.ENI
	origin
	undecided  bool     // AWS has yet to choose addresses
	named      []string // its groups by name or id
	unresolved string   // refers to further groups, which a plan leaves open
	byDefault  bool     // made without groups, it gets the default one of its VPC
	decided    *cursor  // set if a plan manages it
	listed     *cursor  // set if a listing or state has it
	stated     bool     // listed is a state, which may not tell everything

	exists       bool // Terraform says that AWS has it
	checkDecided bool // a plan says whether it checks source and destination

	kept          []netip.Addr // of Addrs, those from before it is replaced
	addrs, public set[netip.Addr]
	prefixes      set[netip.Prefix]
	groups        set[sg.GroupID]
}

func (b *builder) eni(id sg.ENIID, at *cursor) *eni {
	return b.enis.get(id, &eni{ENI: sg.ENI{ID: id}, origin: origin{at}})
}

func (e *eni) addPrefixes(p ...netip.Prefix) { e.prefixes.add(&e.Prefixes, p...) }
func (e *eni) addGroups(g ...sg.GroupID)     { e.groups.add(&e.Groups, g...) }

// addAddr adds the address at c, if there is one.
func (e *eni) addAddr(c *cursor) {
	if a, ok := c.addr(); ok {
		e.addrs.add(&e.Addrs, a)
	}
}

// addPublic is addAddr for an address outside the VPC.
func (e *eni) addPublic(c *cursor) {
	if a, ok := c.addr(); ok {
		e.public.add(&e.Public, a)
	}
}

// merge adds what another source says about the interface.
func (e *eni) merge(o *sg.ENI) {
	e.addrs.add(&e.Addrs, o.Addrs...)
	e.addPrefixes(o.Prefixes...)
	e.public.add(&e.Public, o.Public...)
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
	origin
	planned    bool // a plan manages it, now or once it is applied
	fresh      bool // and makes it,
	dualStack  bool // with an IPv6 block
	defaultACL sg.NetworkACLID
	cidrs      set[netip.Prefix]
	subnets    registry[sg.SubnetID, *subnet]
}

type subnet struct {
	sg.Subnet
	origin
	cidrs set[netip.Prefix]
}

// vpc adds what a place says about a VPC and its subnets.
func (b *builder) vpc(p sg.VPC, at *cursor) *vpc {
	v := b.vpcs.get(p.ID, &vpc{VPC: sg.VPC{ID: p.ID}, origin: origin{at}})
	setDefault(&v.Account, p.Account)
	v.Default = v.Default || p.Default
	v.cidrs.add(&v.CIDRs, p.CIDRs...)
	for _, in := range p.Subnets {
		s := v.subnets.get(in.ID, &subnet{Subnet: sg.Subnet{ID: in.ID}, origin: origin{at}})
		if old, now := ipv4Block(s.CIDRs), ipv4Block(in.CIDRs); old.IsValid() && now.IsValid() && old != now {
			at.contradicts(s.at, "%s has the block %s here, and %s", in.ID, now, old)
		}
		s.cidrs.add(&s.CIDRs, in.CIDRs...)
	}
	return v
}

// ipv4Block returns the IPv4 block of a subnet, which has but one.
func ipv4Block(blocks []netip.Prefix) netip.Prefix {
	for _, p := range blocks {
		if p.Addr().Is4() {
			return p
		}
	}
	return netip.Prefix{}
}

type peering struct {
	sg.Peering
	origin
	guessed bool // from a rule that names it, until a better source comes
}

func (b *builder) peering(p sg.Peering, at *cursor, guessed bool) {
	made := peering{p, origin{at}, guessed}
	switch old := b.peerings.get(p.ID, &made); {
	case old.guessed && !guessed:
		*old = made
	case !guessed && old.Active() != p.Active():
		at.contradicts(old.at, "%s is %s here, and %s", p.ID, cmp.Or(p.Status, "active"), cmp.Or(old.Status, "active"))
	}
}
