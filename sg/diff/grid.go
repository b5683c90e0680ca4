package diff

import (
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// A grid is what two worlds say about addresses by services. Its columns are addresses
// that no entry distinguishes, then the future members of each group that changed
// entries name. It visits one row after the other.
type grid struct {
	x      *differences
	begins []num    // of the columns of addresses, ascending
	cuts   []uint32 // where rows begin, and the end
	claims []claim
	counts [layers][]int32 // by column, the number of a layer's claims on it in the row
	open   [2][]bool       // by column, whether the border lets packets pass; nil if all pass
	slab   [2]*slab        // the row's slab, by world
}

// The layers of a grid. The last three are the first world's, each followed by
// the second world's.
const (
	asked  = iota // what is compared
	known         // the part of it that is already known
	always        // what passes, whatever groups and ACLs say
	_
	sure // what groups admit
	_
	maybe // what they may admit
	_
	layers
)

// A claim is what an entry says about rows, from one up to another.
type claim struct {
	term
	layer    int
	from, to int
	spans    [][2]int // columns, up to the second
}

// grid makes the grid for what is said near the entries that changed or, if there are
// none, near the addresses in question. It fills in what groups say there.
func (x *differences) grid() *grid {
	g := &grid{x: x}
	g.claim(asked, x.changed...)
	g.claim(known, x.earlier...)
	end := uint32(x.services[len(x.services)-1].last.lo) + 1
	for world, lists := range [...][]*list{x.cl.before, x.cl.after} {
		var far []entry // about other addresses
		size, whole := 0.0, x.c.names.whole[x.fam]
		for n, l := range lists {
			for _, e := range l.entries[x.dir][x.fam] {
				if e.first >= end {
					break // as are all after it
				}
				switch {
				case !e.meets(x.services):
				case n == 0:
					g.claim(always+world, e)
				case x.c.names.all[e.peers].meets(x.addrs), len(x.groups) > 0 && (e.peers == whole || slices.Contains(x.groups, e.group)):
					x.said[world] = append(x.said[world], e)
				case len(x.groups) > 0:
					far = append(far, e)
				}
				if len(x.groups) > 0 && n > 0 && e.peers != whole && e.meets(x.services) {
					size += x.c.names.sizes[e.peers]
				}
			}
		}
		if size >= x.c.names.sizes[whole] { // all together they may admit every address
			x.said[world], x.full = append(x.said[world], far...), true
		}
		g.claim(sure+world, x.said[world]...)
	}
	g.divide(uint32(x.services[0].first.lo), end)
	return g
}

func (g *grid) claim(layer int, es ...entry) {
	for _, e := range es {
		if !e.meets(g.x.services) {
			continue
		}
		c := claim{term: e.term, layer: layer}
		if e.maybe {
			c.group = 0
			if layer >= sure {
				c.layer += maybe - sure
			}
		}
		g.claims = append(g.claims, c)
	}
}

// divide makes rows of the services from first up to end, and columns.
func (g *grid) divide(first, end uint32) {
	x := g.x
	var bounds []num
	bound := func(s set) {
		for _, one := range g.focused(s) {
			bounds = append(bounds, one.first, one.last.next())
		}
	}
	peers := make([]uint32, 0, len(g.claims)) // numbers of sets
	g.cuts = append(make([]uint32, 0, 2*len(g.claims)+2), first, end)
	for _, c := range g.claims {
		peers, g.cuts = append(peers, c.peers), append(g.cuts, max(c.first, first), min(c.end, end))
	}
	for _, b := range x.cl.borders {
		if b != nil {
			g.cuts = b.cuts(x.dir, x.fam, first, end, g.cuts)
			bound(b.inside[x.fam])
			for _, s := range b.acl.slabs[x.dir][x.fam] {
				if s.first < end && s.end > first {
					bound(s.allowed)
				}
			}
		}
	}
	slices.Sort(g.cuts)
	g.cuts = slices.Compact(g.cuts)
	slices.Sort(peers)
	peers = slices.Compact(peers)
	for _, n := range peers {
		bound(x.c.names.all[n])
	}
	if len(x.changed) == 0 {
		bound(x.addrs)
	}
	x.spend(32 * (len(bounds) + len(g.cuts))) // to sort and place them
	bounds = append(bounds, num{})
	slices.SortFunc(bounds, num.compare)
	g.begins = slices.Compact(bounds)
	spans := make([][][2]int, len(peers))
	for i, n := range peers {
		spans[i] = g.columns(x.c.names.all[n])
	}
	for i := range g.claims {
		c := &g.claims[i]
		at, _ := slices.BinarySearch(peers, c.peers)
		c.spans = spans[at]
		if c.peers == x.c.names.whole[x.fam] && c.layer >= always {
			c.spans = [][2]int{{0, len(g.begins) + len(x.groups)}}
		} else if i := slices.Index(x.groups, c.group); i >= 0 {
			n := len(g.begins) + i
			c.spans = append(slices.Clip(c.spans), [2]int{n, n + 1})
		}
		c.from, _ = slices.BinarySearch(g.cuts, max(c.first, first))
		c.to, _ = slices.BinarySearch(g.cuts, min(c.end, end))
	}
	if len(x.changed) == 0 {
		g.claims = append(g.claims, claim{layer: asked, to: len(g.cuts), spans: g.columns(x.addrs)})
	}
	for i := range g.counts {
		g.counts[i] = make([]int32, len(g.begins)+len(x.groups))
	}
}

// focused returns the part of a set that the grid is about.
func (g *grid) focused(s set) set {
	if g.x.full {
		return s
	}
	return s.and(g.x.addrs)
}

// columns returns which columns are in a set.
func (g *grid) columns(s set) [][2]int { return columnsOf(g.focused(s), g.begins) }

// columnsOf returns which columns are in a set, from one up to another. The set begins and
// ends where columns do.
func columnsOf(s set, begins []num) [][2]int {
	out := make([][2]int, len(s))
	for i, one := range s {
		first, _ := slices.BinarySearchFunc(begins, one.first, num.compare)
		end, next := len(begins), one.last.next()
		if next != (num{}) {
			end, _ = slices.BinarySearchFunc(begins, next, num.compare)
		}
		out[i] = [2]int{first, end}
	}
	return out
}

// rows goes from row to row, until the caller stops or the work is used up.
func (g *grid) rows(yield func(first, end uint32) bool) {
	for row, first := range g.cuts[:len(g.cuts)-1] {
		if !g.x.spend(len(g.claims)) {
			return
		}
		for i := range g.claims {
			switch c := &g.claims[i]; {
			case c.from >= c.to:
			case c.from == row:
				g.count(c, 1)
			case c.to == row:
				g.count(c, -1)
			}
		}
		if !g.x.services.has(num{0, uint64(first)}) {
			continue
		}
		for world := range 2 {
			g.cross(world, first)
		}
		if !g.x.spend(len(g.begins)) || !yield(first, g.cuts[row+1]) {
			return
		}
	}
}

// count adds a claim, or removes it.
func (g *grid) count(c *claim, by int32) {
	for _, s := range c.spans {
		g.x.spend(s[1] - s[0]) // rows checks whether there was enough
		column := g.counts[c.layer][s[0]:s[1]]
		for i := range column {
			column[i] += by
		}
	}
}

// cross finds what the border of a world lets pass in a row.
func (g *grid) cross(world int, service uint32) {
	b := g.x.cl.borders[world]
	if b == nil || g.slab[world] == b.at(g.x.dir, g.x.fam, service) {
		return
	}
	g.slab[world] = b.at(g.x.dir, g.x.fam, service)
	open, none := make([]bool, len(g.counts[0])), true
	for _, s := range [...]set{b.inside[g.x.fam], g.slab[world].allowed} {
		for _, c := range g.columns(s) {
			for i := c[0]; i < c[1]; i++ {
				open[i] = true
			}
		}
		none = none && len(s) == 0
	}
	for i := len(g.begins); i < len(open); i++ {
		open[i] = !none // future members are anywhere
	}
	g.open[world] = open
}

// verdict returns the verdict on the packets of a column, as an index of verdicts.
func (g *grid) verdict(world, column int) int {
	switch {
	case g.counts[always+world][column] > 0:
		return 1
	case g.open[world] != nil && !g.open[world][column]:
		return 0
	case g.counts[sure+world][column] > 0:
		return 1
	case g.counts[maybe+world][column] > 0:
		return 2
	}
	return 0
}

// addrs returns the addresses in question that have a pair of verdicts in the row, for each
// pair.
func (g *grid) addrs() (all [len(verdicts)][len(verdicts)]set) {
	last := everything[g.x.fam][0].last
	for i := len(g.begins) - 1; i >= 0; i-- {
		first := g.begins[i]
		if g.counts[asked][i] > 0 && g.counts[known][i] == 0 {
			s := &all[g.verdict(0, i)][g.verdict(1, i)]
			if n := len(*s) - 1; n >= 0 && last.next() == (*s)[n].first {
				(*s)[n].first = first
			} else {
				*s = append(*s, span{first, last})
			}
		}
		last = first.previous()
	}
	for i := range all {
		for j := range all[i] {
			slices.Reverse(all[i][j])
		}
	}
	return all
}

// admits reports whether a world admits all future members of a group, whatever their
// addresses: a rule names it, or every address is admitted. If an ACL lets nothing pass, no
// member passes.
func (g *grid) admits(world, column int) bool {
	if v := g.verdict(world, column); v == 1 || g.open[world] != nil && !g.open[world][column] {
		return v == 1
	}
	for i := 0; i < len(g.begins) && g.x.full; i++ {
		if g.counts[always+world][i]+g.counts[sure+world][i] == 0 {
			return false
		}
	}
	return g.x.full
}

// compare fills the rows.
func (x *differences) compare() {
	g := x.grid()
	var last [len(verdicts)][len(verdicts)]set
	for first, end := range g.rows {
		all := g.addrs()
		for i := range all {
			for j, addrs := range all[i] {
				if len(x.own) > 0 && len(addrs.minus(x.own)) == 0 {
					addrs = nil
				}
				cost := 32
				if slices.Equal(addrs, last[i][j]) {
					cost = 1 // it widens an existing box
				}
				if i != j && len(addrs) > 0 && x.spend(cost*len(addrs)) {
					last[i][j] = addrs
					x.rows = append(x.rows, row{first, end, [2]sg.Verdict{verdicts[i], verdicts[j]}, addrs.filled(x.free)})
				}
			}
		}
		if !x.spend(8 * len(x.groups)) {
			break
		}
		for i, group := range x.groups {
			if at := len(g.begins) + i; g.counts[asked][at] > 0 && g.counts[known][at] == 0 {
				if before, after := g.admits(0, at), g.admits(1, at); before != after {
					x.named = append(x.named, namedRow{group, after, first, end})
				}
			}
		}
	}
}
