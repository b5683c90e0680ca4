package diff

import (
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// compare finds what differs at the interfaces of a class in a direction and a family,
// because of one group after the other: what is so for one group is found again at
// other interfaces that carry it, whatever their other groups are. Network ACLs come last.
// It reports whether it found all.
func (c *comparer) compare(cl *class, dir, fam int, found func(found)) bool {
	var earlier []entry
	b := budget(mostWork)
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
		x := &differences{c: c, cl: cl, dir: dir, fam: fam, changed: slices.Concat(removed, added), near: near, free: free, earlier: earlier, budget: &b}
		x.compare()
		x.boxes(found)
		earlier = append(earlier, x.changed...)
	}
	if cl.acls == nil {
		return b > 0
	}
	if p := &cl.acls.parts[dir][fam]; len(p.added) > 0 {
		x := &differences{c: c, cl: cl, dir: dir, fam: fam, changed: p.added, near: p.near, free: free, earlier: earlier, budget: &b}
		x.compare()
		x.boxes(found)
		c.answers(cl, dir, fam, &b, found)
	}
	return b > 0
}

// mostWork bounds what is done for one class, direction and family, where rules overlap
// without end: a service by an address, or a 32nd of a span that differs. Interfaces of
// 1,000 rules, which AWS allows, stay below it.
const mostWork = 1 << 27

// A budget is the work that is left.
type budget int

// spend takes from the budget, and reports whether there was enough.
func (b *budget) spend(n int) bool {
	*b -= budget(n)
	return *b > 0
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
	full     bool       // what is said is all that is, about whatever addresses
	answers  bool       // the packets are answers, about which ACLs alone are asked
	rows     []row
	named    []namedRow
	*budget
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
				if !e.meets(x.services) {
					continue
				}
				if n == 0 {
					x.exempt[i] = append(x.exempt[i], e)
					continue
				}
				whole := e.peers == x.c.names.whole[x.fam]
				if len(x.groups) > 0 && !whole {
					size += x.c.names.sizes[e.peers]
				}
				if len(x.groups) > 0 && (whole || e.group != 0 && slices.Contains(x.groups, e.group)) || x.c.names.all[e.peers].meets(x.addrs) {
					x.said[i] = append(x.said[i], e)
				} else if len(x.groups) > 0 {
					far = append(far, e)
				}
			}
		}
		if len(x.groups) > 0 && size >= x.c.names.sizes[x.c.names.whole[x.fam]] { // all together they may admit every address
			x.said[i], x.full = append(x.said[i], far...), true
		}
	}
	cuts = make([]uint32, 0, 2*(1+len(x.changed)+len(x.earlier)+len(x.exempt[0])+len(x.exempt[1])+len(x.said[0])+len(x.said[1])))
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

var verdicts = [...]sg.Verdict{sg.Drop, sg.Accept, sg.Unknown}

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
