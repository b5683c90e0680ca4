package diff

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/sgsim/sgsim/sg"
)

// A comparer compares two worlds, interface by interface.
type comparer struct {
	before, after *world
	names         *names
	classes       map[string]*class
	order         []*class
	borderings    map[bordering]*delta

	mu      sync.Mutex // for the fields below, while classes are compared
	boxSets *sets
	found   map[box][]*class

	left, most           budget // of the comparison, and for a class
	unjudged, unfinished []sg.ENIID

	// For the interface at hand, and reused for the next.
	class
	groups [2][]uint32
	key    []byte
}

// A class is the interfaces that have the same rules in both worlds.
type class struct {
	before, after []*list // only exempt traffic if the world lacks the interface
	families      [2]bool
	deltas        []*delta // the non-empty ones of its groups, in the order of group ids
	borders       bordering
	acls          *delta // of borders; nil if ACLs let the same pass
	enis          []sg.ENIID
	left          budget // for finding what differs
	naming        budget // for finding the rules behind it, however much the first took
	late          bool   // the work of the classes before it used up what the comparison has
}

// A delta is what a group says in only one of two worlds.
type delta struct {
	group  sg.GroupID // "" of settings
	after  *list      // nil if the group does not exist there
	differ bool
	parts  [2][2]part
}

// A part is the delta of one direction and family: entries that only one world has,
// and what they are about.
type part struct {
	changed []entry
	focus
}

// A focus is the services and addresses that entries are about, and the groups that they
// name.
type focus struct {
	services, addrs set
	groups          []uint32
}

// delta compares two lists of a group, of which one may be nil.
func (c *comparer) delta(group uint32, before, after *list) *delta {
	if before == nil {
		before = &c.names.nothing
	}
	for _, d := range before.deltas {
		if d.after == after {
			return d
		}
	}
	d := &delta{group: c.names.groupIDs[group], after: after}
	before.deltas = append(before.deltas, d)
	if c.alike(before, after) {
		return d
	}
	if after == nil {
		after = &c.names.nothing
	}
	c.before.make(before)
	c.after.make(after)
	for dir := range d.parts {
		for f := range families {
			p := &d.parts[dir][f]
			p.changed = append(lacking(before.entries[dir][f], after.entries[dir][f]), lacking(after.entries[dir][f], before.entries[dir][f])...)
			p.focus = c.focusOn(p.changed)
			d.differ = d.differ || len(p.services) > 0
		}
	}
	return d
}

// alike reports whether two lists of a group hold the same rules with the same peers in the
// same order. Nearly all do, which saves making the lists. Lists that are not alike may
// still mean the same.
func (c *comparer) alike(before, after *list) bool {
	if before == &c.names.nothing || after == nil || before.group < firstGroup {
		return false
	}
	i, end := c.before.rulesOf(before)
	j, last := c.after.rulesOf(after)
	if end-i != last-j {
		return false
	}
	for ; i < end; i, j = i+1, j+1 {
		a, b := c.before.rules[i], c.after.rules[j]
		r, s := a.Rule(), b.Rule()
		if a.Direction() != b.Direction() || covered(r) != covered(s) {
			return false
		}
		if same := r.Peer.CIDR.IsValid() && r.Peer == s.Peer; !same && !c.samePeers(before.at.Peers(a), after.at.Peers(b)) {
			return false
		}
	}
	return true
}

// samePeers reports whether peers of the two worlds are the same.
func (c *comparer) samePeers(before, after sg.PeerSet) bool {
	same, known := c.after.inFirst[after]
	if !known && before.Same(after) {
		same, c.after.inFirst[after] = before, before
	}
	return same == before
}

// focusOn returns what entries are about.
func (c *comparer) focusOn(es []entry) (n focus) {
	var services []span
	var addrs []set
	for _, e := range es {
		services, addrs = append(services, e.services()), append(addrs, c.names.all[e.peers])
		if e.group != 0 && !slices.Contains(n.groups, e.group) {
			n.groups = append(n.groups, e.group)
		}
	}
	n.services, n.addrs = normal(services), or(addrs...)
	return n
}

// lacking returns the entries of a whose terms b lacks.
func lacking(a, b []entry) (out []entry) {
	for _, e := range a {
		for len(b) > 0 && b[0].compare(e.term) < 0 {
			b = b[1:]
		}
		if len(b) == 0 || b[0].term != e.term {
			out = append(out, e)
		}
	}
	return out
}

// eni enters an interface into its class, if anything differs there.
func (c *comparer) eni(id sg.ENIID) {
	cl := &c.class
	cl.before, c.groups[0] = c.before.said(id, cl.before[:0], c.groups[0][:0])
	cl.after, c.groups[1] = c.after.said(id, cl.after[:0], c.groups[1][:0])
	cl.borders, cl.acls = bordering{c.before.border(id), c.after.border(id)}, nil
	both := len(cl.before) > 0 && len(cl.after) > 0
	if both && (cl.borders[0] == nil) != (cl.borders[1] == nil) {
		c.unjudged = append(c.unjudged, id)
	}
	if c.left <= 0 || cl.borders[0].tooLong() || cl.borders[1].tooLong() {
		c.unfinished = append(c.unfinished, id)
		return
	}
	if both {
		if d := c.bordersDelta(cl.borders); d.differ {
			cl.acls = d
		}
	}
	if len(cl.before) == 0 { // exempt traffic makes no difference
		cl.before, c.groups[0] = append(cl.before, cl.after[0]), append(c.groups[0], exempt)
	}
	if len(cl.after) == 0 {
		cl.after, c.groups[1] = append(cl.after, cl.before[0]), append(c.groups[1], exempt)
	}
	cl.deltas = cl.deltas[:0]
	note := func(d *delta) {
		if d.differ {
			cl.deltas = append(cl.deltas, d)
		}
	}
	for i, g := range c.groups[0] {
		var after *list
		if j := slices.Index(c.groups[1], g); j >= 0 {
			after = cl.after[j]
		}
		note(c.delta(g, cl.before[i], after))
	}
	for j, g := range c.groups[1] {
		if !slices.Contains(c.groups[0], g) {
			note(c.delta(g, nil, cl.after[j]))
		}
	}
	if len(cl.deltas) == 0 && cl.acls == nil {
		return
	}
	cl.families = c.familiesOf(id)
	c.setKey()
	known := c.classes[string(c.key)]
	if known == nil {
		slices.SortFunc(cl.deltas, func(a, b *delta) int { return cmp.Compare(a.group, b.group) })
		c.before.make(cl.before...)
		c.after.make(cl.after...)
		known = &class{
			before: slices.Clone(cl.before), after: slices.Clone(cl.after), families: cl.families,
			deltas: slices.Clone(cl.deltas), borders: cl.borders, acls: cl.acls, left: c.most, naming: c.most,
		}
		c.classes[string(c.key)] = known
		c.order = append(c.order, known)
	}
	known.enis = append(known.enis, id)
}

// spent returns the work that the class took.
func (c *comparer) spent(cl *class) budget { return 2*c.most - cl.left - cl.naming }

// setKey sets the key that distinguishes the class.
func (c *comparer) setKey() {
	cl := &c.class
	c.key = append(c.key[:0], byte(btoi(c.families[0])), byte(btoi(c.families[1])), byte(len(cl.before)))
	for _, b := range cl.borders {
		n := uint32(0)
		if b != nil {
			n = b.number
		}
		c.key = binary.NativeEndian.AppendUint32(c.key, n)
	}
	for _, lists := range [...][]*list{cl.before, cl.after} {
		numbers := make([]uint32, 0, 8)
		for _, l := range lists {
			numbers = append(numbers, l.number)
		}
		slices.Sort(numbers)
		for _, n := range numbers {
			c.key = binary.NativeEndian.AppendUint32(c.key, n)
		}
	}
}

// familiesOf returns the families of an interface's addresses, both if it has no
// address.
func (c *comparer) familiesOf(id sg.ENIID) (fs [2]bool) {
	for _, w := range [...]*world{c.before, c.after} {
		for _, a := range w.sets.Addrs(id) {
			fs[btoi(a.Addr().Is6())] = true
		}
	}
	if !fs[0] && !fs[1] {
		return [2]bool{true, true}
	}
	return fs
}
