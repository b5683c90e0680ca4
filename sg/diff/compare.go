package diff

import (
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// compare finds what differs at the interfaces of a class in a direction and a family,
// because of one group after the other: what is so for one group is found again at
// other interfaces that carry it, whatever their other groups are. Network ACLs come last.
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
	if cl.acls == nil {
		return
	}
	if p := &cl.acls.parts[dir][fam]; len(p.added) > 0 {
		x := &differences{c: c, cl: cl, dir: dir, fam: fam, changed: p.added, near: p.near, free: free, earlier: earlier}
		x.compare()
		x.boxes(found)
		c.answers(cl, dir, fam, found)
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

// differences are those of one class, direction and family because of one group, or of
// network ACLs.
type differences struct {
	c        *comparer
	cl       *class
	dir, fam int
	changed  []entry    // what the group says in one world alone, or what ACLs let pass in one alone
	near                // what changed is about
	free     set        // addresses that no group filters
	earlier  []entry    // what others say so, whose differences are known already
	exempt   [2][]entry // what no group and no ACL is asked about, before and after, of services in changed
	said     [2][]entry // by all groups and settings
	answers  bool       // the packets are answers, about which ACLs alone are asked
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
	cuts := x.gather()
	for i, n := range cuts[:len(cuts)-1] {
		if x.services.has(num{0, uint64(n)}) {
			x.slab(n, cuts[i+1])
		}
	}
}

// gather fills in what is said near, and returns where the worlds begin to say something
// else, from the first of the services to the end of the last.
func (x *differences) gather() (cuts []uint32) {
	first, end := uint32(x.services[0].first.lo), uint32(x.services[len(x.services)-1].last.lo)+1
	for i, lists := range [...][]*list{x.cl.before, x.cl.after} {
		var far []entry // about other addresses
		size := 0.0
		for n, l := range lists {
			for _, e := range l.entries[x.dir][x.fam] {
				if e.first >= end {
					break // as all behind it
				}
				if e.end <= first || len(x.services) > 1 && !x.services.meets(set{e.services()}) {
					continue
				}
				if n == 0 {
					x.exempt[i] = append(x.exempt[i], e)
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
	for _, es := range [...][]entry{x.changed, x.earlier, x.exempt[0], x.exempt[1], x.said[0], x.said[1]} {
		for _, e := range es {
			cuts = append(cuts, e.first, e.end)
		}
	}
	for _, b := range x.cl.borders {
		cuts = b.cuts(x.dir, x.fam, first, end, cuts)
	}
	cuts = append(cuts, first, end)
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	i, _ := slices.BinarySearch(cuts, first)
	j, _ := slices.BinarySearch(cuts, end)
	return cuts[i : j+1]
}

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
	passing, blocked := x.cl.borders[world].split(x.dir, x.fam, first, x.without(x.exempt[world], false, first, end, all))
	sure := x.without(x.said[world], false, first, end, passing)
	maybe := x.without(x.said[world], true, first, end, sure)
	if unknown = sure.minus(maybe); len(blocked) > 0 {
		sure, maybe = or(sure, blocked), or(maybe, blocked)
	}
	return all.minus(sure), unknown, maybe
}

// without returns the addresses that no entry for the services lets pass, or may.
func (x *differences) without(es []entry, maybe bool, first, end uint32, left set) set {
	for _, e := range es {
		if e.maybe == maybe && e.covers(first, end) && len(left) > 0 {
			left = left.minus(x.c.names.all[e.peers])
		}
	}
	return left
}

// passes reports whether the groups of a world admit all members of a group, whatever their
// addresses: a rule names it, or every address is admitted. Where an ACL lets nothing pass,
// no member does.
func (x *differences) passes(world int, first, end uint32, group uint32) bool {
	var sets []set
	size, all := 0.0, x.c.names.whole[x.fam]
	open, _ := x.cl.borders[world].split(x.dir, x.fam, first, everything[x.fam])
	for i, es := range [...][]entry{x.exempt[world], x.said[world]} {
		for _, e := range es {
			if e.maybe || !e.covers(first, end) {
				continue
			}
			if e.group == group || e.peers == all {
				return i == 0 || len(open) > 0
			}
			sets = append(sets, x.c.names.all[e.peers])
			size += x.c.names.sizes[e.peers]
		}
	}
	return size >= x.c.names.sizes[all] && len(open) > 0 && slices.Equal(or(sets...), everything[x.fam])
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
