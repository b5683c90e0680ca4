package diff

import "github.com/sgsim/sgsim/sg"

// compare finds what differs at the interfaces of a class in one direction and family. It
// goes group by group, since other interfaces with that group give the same result,
// whatever their other groups. Network ACLs come last.
func (c *comparer) compare(cl *class, dir, fam int, found func(found)) {
	var earlier []entry
	free, own := cl.free(fam), set(nil)
	if len(cl.enis) == 1 { // what it sends to itself passes no group
		own = c.before.own(cl.enis[0], fam).and(c.after.own(cl.enis[0], fam))
	}
	compare := func(d *delta) bool {
		p := &d.parts[dir][fam]
		if len(p.changed) == 0 {
			return false
		}
		x := &differences{c: c, cl: cl, dir: dir, fam: fam, changed: p.changed, focus: p.focus, free: free, own: own, earlier: earlier, budget: &cl.left}
		x.compare()
		x.boxes(found)
		earlier = append(earlier, x.changed...)
		return true
	}
	for _, d := range cl.deltas {
		compare(d)
	}
	if cl.acls != nil && compare(cl.acls) {
		c.answers(cl, dir, fam, found)
	}
}

// mostWork bounds the work of a comparison, since rules may overlap without end. classWork
// bounds what one class may take of it to find what differs, and once more to find the
// rules behind that. A unit takes about ten nanoseconds: the work is the number of rules
// and spans of addresses looked at for each service, and 32 for each span of a set written.
// 1,000 rules, which AWS allows at an interface, take up to 2^25 units, or 2^27 if some
// name a group of thousands of members. An account of 100,000 interfaces, of whose network
// ACLs ten change, takes 2^33.
const (
	mostWork  = 1 << 34
	classWork = 1 << 28
)

// A budget is the work that is left.
type budget int64

// spend takes from the budget, and reports whether there was enough.
func (b *budget) spend(n int) bool {
	*b -= budget(n)
	return *b > 0
}

// free returns the addresses that pass in both worlds, whatever the groups.
func (cl *class) free(fam int) set {
	return cl.before[0].free[fam].and(cl.after[0].free[fam])
}

// differences are those of one class, direction and family that come from one group,
// or from network ACLs.
type differences struct {
	c        *comparer
	cl       *class
	dir, fam int
	changed  []entry    // what the group says, or ACLs let pass, in only one world
	focus               // what changed is about
	free     set        // addresses that no group filters
	own      set        // addresses of the only interface
	earlier  []entry    // the same of groups whose differences are already known
	said     [2][]entry // by all groups and settings near changed, before and after
	full     bool       // said holds all entries, about whatever addresses
	answers  bool       // the packets are answers, which only ACLs judge
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

// A namedRow is a group whose members pass in only one world, for some services.
type namedRow struct {
	group      uint32
	opens      bool
	first, end uint32
}

var verdicts = [...]sg.Verdict{sg.Drop, sg.Accept, sg.Unknown}

// members returns the addresses of a group, from the entries of the world that
// admits them, and whether the group has any in the other family.
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
