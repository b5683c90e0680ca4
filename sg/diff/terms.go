package diff

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/match"
)

// families are the two families, by their index in arrays.
var families = [2]packet.Family{packet.IPv4, packet.IPv6}

// spaces number the services of each family.
var spaces = [2]*match.Space{match.NewSpace(packet.IPv4), match.NewSpace(packet.IPv6)}

// everything is all addresses of each family.
var everything = [2]set{{{num{}, num{0, 1<<32 - 1}}}, {{num{}, num{1<<64 - 1, 1<<64 - 1}}}}

// covered returns the packets that a rule is about.
func covered(r sg.Rule) match.Range {
	typ, code := -1, -1
	if r.ICMP.IsSet() {
		typ, code = r.ICMP.Type(), r.ICMP.Code()
	}
	return match.Covered(int(r.Protocol), r.Ports.First(), r.Ports.Last(), typ, code)
}

// A term is what a rule says for one family: packets pass if their other end is in a
// set of addresses and their service is in a range.
type term struct {
	first, end uint32 // services, up to end
	peers      uint32 // number of the set
	group      uint32 // number of the group that the rule names, 0 if none
	maybe      bool   // it is not known whether packets pass
}

func (t term) compare(o term) int {
	return cmp.Or(cmp.Compare(t.first, o.first), cmp.Compare(t.end, o.end), cmp.Compare(t.peers, o.peers),
		cmp.Compare(t.group, o.group), cmp.Compare(btoi(t.maybe), btoi(o.maybe)))
}

// spanOf returns the services from first up to end.
func spanOf(first, end uint32) span { return span{num{0, uint64(first)}, num{0, uint64(end) - 1}} }

// services returns the services of a term.
func (t term) services() span { return spanOf(t.first, t.end) }

// meets reports whether the term is about any of some services.
func (t term) meets(services set) bool {
	i := services.from(num{0, uint64(t.first)})
	return i < len(services) && services[i].first.lo < uint64(t.end)
}

// covers reports whether the term is about all services from first up to end. It is about
// all or none of them if its ends are among the cuts.
func (t term) covers(first, end uint32) bool { return t.first <= first && end <= t.end }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// An entry is a term with the rule that says so.
type entry struct {
	term
	rule uint32 // its place in world.rules, 0 if there is no rule
}

// A list is what one group says at interfaces of one setting, or what the setting
// itself says, in the two lists exempt and others. It holds entries in the order of
// their terms, by direction and family. Entries are made only if something may differ:
// see [comparer.delta].
type list struct {
	number  uint32 // in its world
	group   uint32
	at      sg.Setting
	made    bool
	entries [2][2][]entry
	deltas  []*delta // to lists of the other world: nearly always to one
	free    [2]set   // the addresses of the list exempt
}

// The list numbers of a setting, among those of groups.
const (
	exempt     uint32 = iota // what passes, whatever the groups
	others                   // what else passes without a rule, or may
	firstGroup               // the first number of a group
)

// A world is a policy, split into lists as far as interfaces needed them.
type world struct {
	policy *sg.Policy
	sets   *sg.Sets
	names  *names
	rules  []sg.RuleRef             // a zero one, the policy's in order, then entries of ACLs
	byID   map[sg.GroupID][2]uint32 // where a group's rules begin and end
	lists  map[sg.Setting][]*list   // by the number of the group; nil if not needed yet
	count  uint32                   // of lists
	peers  map[sg.PeerSet]peers

	first   *world                    // of the second one
	inFirst map[sg.PeerSet]sg.PeerSet // the same in the first world, as far as known

	acls         map[sg.NetworkACLID]*acl
	borders      map[sg.Border]*border
	bordersByKey map[borderKey]*border
}

// names are what two worlds share: numbers for sets of addresses and groups.
type names struct {
	*sets
	groups   map[sg.GroupID]uint32
	groupIDs []sg.GroupID
	whole    [2]uint32 // the numbers of everything
	passing  set       // services that groups never filter: types of ICMPv6 in IPv6
	nothing  list      // of groups that a world does not have
	spans    budget    // that the slabs of ACLs may take
}

// peers are the sets of a peer, by family.
type peers struct {
	sure, maybe [2]uint32
	group       uint32
}

func newNames() *names {
	n := &names{sets: newSets(), groups: map[sg.GroupID]uint32{"": exempt}, groupIDs: []sg.GroupID{exempt: "", others: ""}, passing: passing(), nothing: list{made: true}}
	for f := range n.whole {
		n.whole[f] = n.number(everything[f])
	}
	return n
}

// passing returns the services in IPv6 that groups never filter, types of ICMPv6: an
// interface that admits nothing admits them.
func passing() (all set) {
	policy, err := sg.Compile(&sg.Topology{ENIs: []sg.ENI{{ID: "eni"}}})
	if err != nil {
		panic(err)
	}
	at := sg.NewFirewall(policy, nil).ENI("eni")
	for t := range 256 {
		h := packet.ICMPHeader(netip.IPv6Unspecified().Next(), netip.IPv6Unspecified().Next(), uint8(t), 0, 0)
		if at.Evaluate(sg.Ingress, sg.Packet{Header: &h}).Verdict == sg.Accept {
			first, end := spaces[1].Span(match.Covered(int(packet.ICMPv6), 0, 0, t, -1))
			all = append(all, term{first: first, end: end}.services())
		}
	}
	return normal(all)
}

func newWorld(p *sg.Policy, n *names) *world {
	w := &world{
		policy: p, sets: p.Sets(), names: n, byID: map[sg.GroupID][2]uint32{},
		rules: make([]sg.RuleRef, 1), lists: map[sg.Setting][]*list{}, peers: map[sg.PeerSet]peers{}, inFirst: map[sg.PeerSet]sg.PeerSet{},
		acls: map[sg.NetworkACLID]*acl{}, borders: map[sg.Border]*border{}, bordersByKey: map[borderKey]*border{},
	}
	for r := range p.Rules() {
		id, n := r.Group(), uint32(len(w.rules))
		if w.rules[n-1].Group() != id {
			w.byID[id] = [2]uint32{n, n}
		}
		w.byID[id] = [2]uint32{w.byID[id][0], n + 1}
		w.rules = append(w.rules, r)
	}
	return w
}

// groupNumber returns the number of a group.
func (n *names) groupNumber(id sg.GroupID) uint32 {
	i, ok := n.groups[id]
	if !ok {
		i = uint32(len(n.groupIDs))
		n.groups[id] = i
		n.groupIDs = append(n.groupIDs, id)
	}
	return i
}

// peersOf returns the sets of a rule's peer.
func (w *world) peersOf(p sg.PeerSet) peers {
	if same, ok := w.inFirst[p]; ok {
		return w.first.peersOf(same)
	}
	s, ok := w.peers[p]
	if !ok {
		sure, maybe := p.Addrs()
		for f := range families {
			s.sure[f] = w.names.number(addrsOf(sure, f == 0))
			s.maybe[f] = w.names.number(addrsOf(maybe, f == 0))
		}
		s.group = w.names.groupNumber(p.Group())
		w.peers[p] = s
	}
	return s
}

// said returns the lists of an interface, exempt and others first, and their groups;
// nothing if the world lacks the interface. It appends to the slices.
func (w *world) said(id sg.ENIID, lists []*list, groups []uint32) ([]*list, []uint32) {
	at, ok := w.sets.Setting(id)
	if !ok {
		return lists, groups
	}
	known := w.lists[at]
	add := func(n uint32) {
		for int(n) >= len(known) {
			known = append(known, nil)
		}
		if known[n] == nil {
			known[n] = &list{number: w.count, group: n, at: at}
			w.count++
		}
		lists, groups = append(lists, known[n]), append(groups, n)
	}
	add(exempt)
	add(others)
	for g := range w.policy.GroupsOf(id) {
		add(w.names.groupNumber(g))
	}
	w.lists[at] = known
	return lists, groups
}

// make makes the entries of lists of the world.
func (w *world) make(lists ...*list) {
	for _, l := range lists {
		if !l.made {
			l.made = true
			w.fill(l)
		}
	}
}

func (w *world) fill(l *list) {
	switch l.group {
	case exempt:
		w.exempt(l)
	case others:
		if l.at.Unfiltered || l.at.Incomplete {
			for f := range families {
				l.addBoth(f, term{end: spaces[f].Size(), peers: w.names.whole[f], maybe: !l.at.Unfiltered})
			}
		}
	}
	first, end := w.rulesOf(l)
	for n := first; n < end; n++ {
		ref := w.rules[n]
		p, keys := w.peersOf(l.at.Peers(ref)), covered(ref.Rule())
		e := entry{term{group: p.group}, n}
		for f := range families {
			e.first, e.end = spaces[f].Span(keys)
			if e.peers, e.maybe = p.sure[f], false; e.peers != 0 || e.group != 0 {
				l.add(ref.Direction(), f, e)
			}
			if e.peers, e.maybe = p.maybe[f], true; e.peers != 0 {
				l.add(ref.Direction(), f, e)
			}
		}
	}
	for d := range l.entries {
		for f := range families {
			slices.SortStableFunc(l.entries[d][f], func(a, b entry) int { return a.compare(b.term) })
			l.entries[d][f] = slices.Clip(l.entries[d][f])
		}
	}
}

// rulesOf returns where the rules of a list's group begin and end.
func (w *world) rulesOf(l *list) (first, end uint32) {
	at := w.byID[w.names.groupIDs[l.group]]
	return at[0], at[1]
}

func (l *list) add(dir sg.Direction, f int, e entry) {
	if e.first < e.end {
		l.entries[dir-sg.Ingress][f] = append(l.entries[dir-sg.Ingress][f], e)
	}
}

// addBoth adds a term without a rule to both directions.
func (l *list) addBoth(f int, t term) {
	l.add(sg.Ingress, f, entry{term: t})
	l.add(sg.Egress, f, entry{term: t})
}

// exempt adds what passes at interfaces of a setting, whatever the groups.
func (w *world) exempt(l *list) {
	for a := range l.at.Exempt() {
		f := btoi(a.Is6())
		l.free[f] = append(l.free[f], span{numOf(a), numOf(a)})
	}
	for f := range families {
		l.free[f] = normal(l.free[f])
		l.addBoth(f, term{end: spaces[f].Size(), peers: w.names.number(l.free[f])})
	}
	for _, s := range w.names.passing {
		l.addBoth(1, term{first: uint32(s.first.lo), end: uint32(s.last.lo) + 1, peers: w.names.whole[1]})
	}
}
