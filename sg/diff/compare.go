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

	mu      sync.Mutex // of what follows, while classes are compared
	boxSets *sets
	found   map[box][]sg.ENIID

	// Of the interface at hand, and used again for the next.
	class
	groups [2][]uint32
	key    []byte
}

// A class is interfaces at which the same is said in both worlds.
type class struct {
	before, after []*list // only what is exempt where the world does not have the interface
	families      [2]bool
	deltas        []*delta // those of its groups that are not empty, in the order of the groups' ids
	enis          []sg.ENIID
}

// A delta is what a group says in one of two worlds alone.
type delta struct {
	group  sg.GroupID // "" of settings
	after  *list      // nil where the group is not there
	differ bool
	parts  [2][2]part
}

// A part is that of one direction and family: entries of one world that the other does
// not have, and what they are about.
type part struct {
	removed, added []entry
	near
}

// near is the services and addresses that entries are about, and the groups they name.
type near struct {
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
	if after == nil {
		after = &c.names.nothing
	}
	for dir := range d.parts {
		for f := range families {
			p := &d.parts[dir][f]
			p.removed = lacking(before.entries[dir][f], after.entries[dir][f])
			p.added = lacking(after.entries[dir][f], before.entries[dir][f])
			p.near = c.near(p.removed, p.added)
			d.differ = d.differ || len(p.services) > 0
		}
	}
	return d
}

// near returns what entries are about.
func (c *comparer) near(removed, added []entry) (n near) {
	var services []span
	var addrs []set
	for _, es := range [...][]entry{removed, added} {
		for _, e := range es {
			services, addrs = append(services, e.services()), append(addrs, c.names.all[e.peers])
			if e.group != 0 && !slices.Contains(n.groups, e.group) {
				n.groups = append(n.groups, e.group)
			}
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

// eni enters an interface into its class, if anything at all is said differently there.
func (c *comparer) eni(id sg.ENIID) {
	cl := &c.class
	cl.before, c.groups[0] = c.before.said(id, cl.before[:0], c.groups[0][:0])
	cl.after, c.groups[1] = c.after.said(id, cl.after[:0], c.groups[1][:0])
	if len(cl.before) == 0 { // what is exempt makes no difference
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
	if len(cl.deltas) == 0 {
		return
	}
	cl.families = c.familiesOf(id)
	c.setKey()
	known := c.classes[string(c.key)]
	if known == nil {
		slices.SortFunc(cl.deltas, func(a, b *delta) int { return cmp.Compare(a.group, b.group) })
		known = &class{slices.Clone(cl.before), slices.Clone(cl.after), cl.families, slices.Clone(cl.deltas), nil}
		c.classes[string(c.key)] = known
		c.order = append(c.order, known)
	}
	known.enis = append(known.enis, id)
}

// setKey sets the key to what tells the class from others.
func (c *comparer) setKey() {
	cl := &c.class
	c.key = append(c.key[:0], byte(btoi(c.families[0])), byte(btoi(c.families[1])), byte(len(cl.before)))
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

// familiesOf returns the families that an interface has addresses of: both where it has
// none at all.
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

// compare finds what differs at the interfaces of a class in a direction and a family,
// because of one group after the other: what is so for one group is found again at
// other interfaces that carry it, whatever their other groups are.
func (c *comparer) compare(cl *class, dir, fam int, found func(found)) {
	var earlier []entry
	free := cl.free(fam)
	for _, d := range cl.deltas {
		p := &d.parts[dir][fam]
		removed, added := unknownTo(p.removed, cl.after, dir, fam), unknownTo(p.added, cl.before, dir, fam)
		if len(removed)+len(added) == 0 {
			continue
		}
		near := p.near
		if len(removed) < len(p.removed) || len(added) < len(p.added) {
			near = c.near(removed, added)
		}
		x := &differences{c: c, cl: cl, dir: dir, fam: fam, changed: slices.Concat(removed, added), near: near, free: free, earlier: earlier}
		x.compare()
		x.boxes(found)
		earlier = append(earlier, x.changed...)
	}
}

// free returns the addresses that pass in both worlds whatever the groups are.
func (cl *class) free(fam int) set {
	return cl.before[0].free[fam].and(cl.after[0].free[fam])
}

// unknownTo returns the entries whose terms no list has.
func unknownTo(es []entry, lists []*list, dir, fam int) (out []entry) {
	for _, e := range es {
		if !has(lists, dir, fam, e.term) {
			out = append(out, e)
		}
	}
	return out
}

// differences are those of one class, direction and family because of one group.
type differences struct {
	c        *comparer
	cl       *class
	dir, fam int
	changed  []entry    // what the group says in one world alone
	near                // what changed is about
	free     set        // addresses that no group filters
	earlier  []entry    // what others say so, whose differences are known already
	said     [2][]entry // by all groups, before and after, of services in changed
	rows     []row
	named    []namedRow
}

// A row is what differs for some services.
type row struct {
	first, end uint32
	verdicts   [2]sg.Verdict // before and after
	addrs      set
}

// A namedRow is a group whose members pass in one world alone, for some services.
type namedRow struct {
	group      uint32
	opens      bool
	first, end uint32
}

// compare fills the rows.
func (x *differences) compare() {
	first, end := uint32(x.services[0].first.lo), uint32(x.services[len(x.services)-1].last.lo)+1
	var cuts []uint32
	for i, lists := range [...][]*list{x.cl.before, x.cl.after} {
		var far []entry // about other addresses
		size := 0.0
		for _, l := range lists {
			for _, e := range l.entries[x.dir][x.fam] {
				if e.first >= end {
					break // as all behind it
				}
				if e.end <= first || len(x.services) > 1 && !x.services.meets(set{e.services()}) {
					continue
				}
				size += x.c.names.sizes[e.peers]
				if e.group != 0 && slices.Contains(x.groups, e.group) || x.c.names.all[e.peers].meets(x.addrs) {
					x.said[i] = append(x.said[i], e)
				} else if len(x.groups) > 0 {
					far = append(far, e)
				}
			}
		}
		if size >= x.c.names.sizes[x.c.names.whole[x.fam]] { // all together they may admit every address
			x.said[i] = append(x.said[i], far...)
		}
	}
	for _, es := range [...][]entry{x.changed, x.earlier, x.said[0], x.said[1]} {
		for _, e := range es {
			cuts = append(cuts, e.first, e.end)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i, n := range cuts[:len(cuts)-1] {
		if x.services.has(num{0, uint64(n)}) {
			x.slab(n, cuts[i+1])
		}
	}
}

// services returns the services of a term.
func (t term) services() span { return span{num{0, uint64(t.first)}, num{0, uint64(t.end) - 1}} }

// covers reports whether the term is about all services of a slab. It is about all or
// none.
func (t term) covers(first, end uint32) bool { return t.first <= first && end <= t.end }

// slab compares services that no rule tells apart.
func (x *differences) slab(first, end uint32) {
	var sets []set
	for _, e := range x.changed {
		if e.covers(first, end) {
			sets = append(sets, x.c.names.all[e.peers])
		}
	}
	all := or(sets...)
	for _, e := range x.earlier {
		if e.covers(first, end) {
			all = all.minus(x.c.names.all[e.peers])
		}
	}
	if len(all) > 0 {
		accept0, unknown0, drop0 := x.split(0, first, end, all)
		accept1, unknown1, drop1 := x.split(1, first, end, all)
		for i, a := range [...]set{drop0, accept0, unknown0} {
			for j, b := range [...]set{drop1, accept1, unknown1} {
				if i == j || len(a) == 0 || len(b) == 0 {
					continue
				}
				if both := a.and(b); len(both) > 0 {
					x.rows = append(x.rows, row{first, end, [2]sg.Verdict{verdicts[i], verdicts[j]}, both.filled(x.free)})
				}
			}
		}
	}
	var seen []uint32
	for _, e := range x.changed {
		if e.group == 0 || e.maybe || !e.covers(first, end) || slices.Contains(seen, e.group) {
			continue
		}
		seen = append(seen, e.group)
		if slices.ContainsFunc(x.earlier, func(o entry) bool { return o.group == e.group && !o.maybe && o.covers(first, end) }) {
			continue
		}
		if before, after := x.passes(0, first, end, e.group), x.passes(1, first, end, e.group); before != after {
			x.named = append(x.named, namedRow{e.group, after, first, end})
		}
	}
}

var verdicts = [...]sg.Verdict{sg.Drop, sg.Accept, sg.Unknown}

// split divides addresses by what becomes of their packets in a world.
func (x *differences) split(world int, first, end uint32, all set) (accept, unknown, drop set) {
	drop = all
	for _, maybe := range [...]bool{false, true} {
		before := drop
		for _, e := range x.said[world] {
			if e.maybe == maybe && e.covers(first, end) && len(drop) > 0 {
				drop = drop.minus(x.c.names.all[e.peers])
			}
		}
		if maybe {
			unknown = before.minus(drop)
		} else {
			accept = before.minus(drop)
		}
	}
	return accept, unknown, drop
}

// passes reports whether a world admits all members of a group, whatever their
// addresses: a rule names it, or every address is admitted.
func (x *differences) passes(world int, first, end uint32, group uint32) bool {
	var sets []set
	size := 0.0
	for _, e := range x.said[world] {
		if e.maybe || !e.covers(first, end) {
			continue
		}
		if e.group == group || e.peers == x.c.names.whole[x.fam] {
			return true
		}
		sets = append(sets, x.c.names.all[e.peers])
		size += x.c.names.sizes[e.peers]
	}
	return size >= x.c.names.sizes[x.c.names.whole[x.fam]] && slices.Equal(or(sets...), everything[x.fam])
}

// members returns the addresses of a group, as the entries of the world that admits
// them have it, and whether the group has any in another family.
func (x *differences) members(group uint32, world int) (s set, elsewhere bool) {
	for _, l := range [...][]*list{x.cl.before, x.cl.after}[world] {
		for f := range families {
			for _, e := range l.entries[x.dir][f] {
				switch {
				case e.group != group || e.peers == 0:
				case f == x.fam:
					if !e.maybe {
						s = x.c.names.all[e.peers]
					}
				default:
					elsewhere = true
				}
			}
		}
	}
	return s, elsewhere
}
