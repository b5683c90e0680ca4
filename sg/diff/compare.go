package diff

import (
	"encoding/binary"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// A comparer compares two worlds, interface by interface.
type comparer struct {
	before, after *world
	names         *names
	deltas        map[[2]*list]*delta
	classes       map[string]*class
	order         []*class
	found         map[box][]sg.ENIID
}

// A class is interfaces at which the same is said in both worlds.
type class struct {
	before, after  []*list // nil where the world does not have the interface
	families       [2]bool
	removed, added [2][2][]entry // that are not in the list that takes the place of theirs
	enis           []sg.ENIID
}

// A delta is the entries of each of two lists that the other does not have.
type delta struct {
	removed, added [2][2][]entry
	none           bool
}

// delta compares two lists, of which one may be nil.
func (c *comparer) delta(before, after *list) *delta {
	d := c.deltas[[2]*list{before, after}]
	if d != nil {
		return d
	}
	d = &delta{none: true}
	c.deltas[[2]*list{before, after}] = d
	if before == nil {
		before = &list{}
	}
	if after == nil {
		after = &list{}
	}
	for dir := range d.removed {
		for f := range families {
			d.removed[dir][f] = lacking(before.entries[dir][f], after.entries[dir][f])
			d.added[dir][f] = lacking(after.entries[dir][f], before.entries[dir][f])
			d.none = d.none && len(d.removed[dir][f])+len(d.added[dir][f]) == 0
		}
	}
	return d
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

// listsOf returns what is said at an interface, and by which group: the setting comes
// first. It returns nothing where the world does not have the interface.
func (w *world) listsOf(id sg.ENIID) (lists []*list, ids []sg.GroupID) {
	at, ok := w.sets.Setting(id)
	if !ok {
		return nil, nil
	}
	lists, ids = append(lists, w.list("", at)), append(ids, "")
	for g := range w.policy.GroupsOf(id) {
		lists, ids = append(lists, w.list(g, at)), append(ids, g)
	}
	return lists, ids
}

// eni enters an interface into its class, if anything at all is said differently there.
func (c *comparer) eni(id sg.ENIID) {
	cl := &class{}
	var ids [2][]sg.GroupID
	cl.before, ids[0] = c.before.listsOf(id)
	cl.after, ids[1] = c.after.listsOf(id)
	var deltas []*delta
	for i, g := range ids[0] {
		var to *list
		if j := slices.Index(ids[1], g); j >= 0 {
			to = cl.after[j]
		}
		if d := c.delta(cl.before[i], to); !d.none {
			deltas = append(deltas, d)
		}
	}
	for j, g := range ids[1] {
		if !slices.Contains(ids[0], g) {
			if d := c.delta(nil, cl.after[j]); !d.none {
				deltas = append(deltas, d)
			}
		}
	}
	if len(deltas) == 0 {
		return
	}
	cl.families = c.familiesOf(id)
	key := c.key(cl)
	if known := c.classes[key]; known != nil {
		known.enis = append(known.enis, id)
		return
	}
	cl.enis = []sg.ENIID{id}
	for _, d := range deltas {
		for dir := range d.removed {
			for f := range families {
				cl.removed[dir][f] = append(cl.removed[dir][f], d.removed[dir][f]...)
				cl.added[dir][f] = append(cl.added[dir][f], d.added[dir][f]...)
			}
		}
	}
	c.classes[key] = cl
	c.order = append(c.order, cl)
}

// key returns what tells a class from others.
func (c *comparer) key(cl *class) string {
	var key []byte
	for _, lists := range [][]*list{cl.before, cl.after} {
		places := make([]uint32, 0, 8)
		for _, l := range lists {
			places = append(places, l.place)
		}
		slices.Sort(places)
		for _, p := range places {
			key = binary.NativeEndian.AppendUint32(key, p)
		}
		key = binary.NativeEndian.AppendUint32(key, 1<<32-1)
	}
	return string(append(key, byte(btoi(cl.families[0])), byte(btoi(cl.families[1]))))
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

// compare finds what differs at the interfaces of a class in a direction and a family.
func (c *comparer) compare(cl *class, dir, fam int) *differences {
	changed := append(unknownTo(cl.removed[dir][fam], cl.after, dir, fam), unknownTo(cl.added[dir][fam], cl.before, dir, fam)...)
	if len(changed) == 0 {
		return nil
	}
	x := &differences{c: c, cl: cl, dir: dir, fam: fam}
	from, end := changed[0].first, changed[0].end
	var cuts []uint32
	for _, e := range changed {
		cuts = append(cuts, e.first, e.end)
		from, end = min(from, e.first), max(end, e.end)
		if e.group != 0 && !e.maybe && !slices.Contains(x.groups, e.group) {
			x.groups = append(x.groups, e.group)
		}
	}
	for i, lists := range [...][]*list{cl.before, cl.after} {
		for _, l := range lists {
			for _, e := range l.entries[dir][fam] {
				if e.first < end && e.end > from {
					x.said[i] = append(x.said[i], e)
					cuts = append(cuts, max(from, e.first), min(end, e.end))
				}
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i, cut := range cuts[:len(cuts)-1] {
		x.slab(cut, cuts[i+1], changed)
	}
	return x
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

// differences are those of one class, direction and family.
type differences struct {
	c        *comparer
	cl       *class
	dir, fam int
	said     [2][]entry // before and after, near what changed
	groups   []uint32   // that something is said of in one world alone
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

// slab compares services that no rule tells apart.
func (x *differences) slab(first, end uint32, changed []entry) {
	var sets []set
	groups := false
	for _, e := range changed {
		if e.first <= first && end <= e.end {
			sets = append(sets, x.c.names.all[e.peers])
			groups = groups || e.group != 0
		}
	}
	if len(sets) == 0 {
		return
	}
	all := sets[0]
	if len(sets) > 1 {
		all = or(sets...)
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
					x.rows = append(x.rows, row{first, end, [2]sg.Verdict{verdicts[i], verdicts[j]}, both})
				}
			}
		}
	}
	if !groups {
		return
	}
	for _, g := range x.groups {
		if before, after := x.passes(0, first, end, g), x.passes(1, first, end, g); before != after {
			x.named = append(x.named, namedRow{g, after, first, end})
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
			if e.maybe == maybe && e.first <= first && end <= e.end && len(drop) > 0 {
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
		if e.maybe || first < e.first || e.end < end {
			continue
		}
		if e.group == group || e.peers == x.c.names.whole[x.fam] {
			return true
		}
		sets = append(sets, x.c.names.all[e.peers])
		size += x.c.names.all[e.peers].size()
	}
	whole := everything[x.fam]
	return size >= whole.size() && slices.Equal(or(sets...), whole)
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
