package graph

import (
	"cmp"
	"slices"
)

// Sizes of the drawing in pixels. They are even, so that middles are whole.
const (
	margin     = 24
	rowGap     = 22 // between two boxes of a column
	bendGap    = 30 // between two columns, where lines bend
	lineHeight = 18
	padding    = 12 // between a box and its text
	loopDepth  = 22 // of the line from a group to itself
	portGap    = 12 // between two lines at the side of a node
	maxSweeps  = 12
)

// mostBoxes bounds the places where edges pass columns: a ring of groups with edges
// across it has as many as groups times edges. With more, edges run straight from their
// texts to their ends, whatever is in between.
const mostBoxes = 200_000

// A layout places nodes in columns from left to right, and the texts of edges in
// columns between them, so that no text covers another. It is Sugiyama's method
// with whole numbers, so that every machine draws the same.
type layout struct {
	g       *Graph
	rank    []int    // of nodes: column 2*rank
	nodes   []*box   // by node
	chains  [][]*box // by edge: what it runs through from left to right, ends included
	back    []bool   // by edge: it runs from right to left
	columns [][]*box

	width, height int
}

// A box is a node, the text of an edge, or a place where an edge passes a column.
type box struct {
	column      int
	order       int
	want        int // where its neighbours pull it, in thousandths of an order
	x, y        int // of the upper left corner
	w, h        int
	body        int // the part of h without what hangs below a node
	left, right []*box
	exit, entry int // for an edge's text or passage: its place at the side of the node left or right of it
}

func (b *box) middle() int { return b.y + b.body/2 }

func newLayout(g *Graph) *layout {
	l := &layout{g: g, chains: make([][]*box, len(g.Edges)), back: make([]bool, len(g.Edges))}
	l.turn()
	l.setRanks()
	l.setBoxes()
	l.setOrder()
	l.setX()
	l.setY()
	return l
}

// turn finds the edges that close a cycle, which are then drawn from right to left.
func (l *layout) turn() {
	out := make([][]int, len(l.g.Nodes))
	balance := make([]int, len(l.g.Nodes))
	for i, e := range l.g.Edges {
		out[e.From] = append(out[e.From], i)
		balance[e.From]++
		balance[e.To]--
	}
	starts := make([]int, len(l.g.Nodes))
	for i := range starts {
		starts[i] = i
	}
	slices.SortStableFunc(starts, func(a, b int) int { return cmp.Compare(balance[b], balance[a]) })
	const open, done = 1, 2
	state := make([]uint8, len(l.g.Nodes))
	var visit func(int)
	visit = func(n int) {
		state[n] = open
		for _, i := range out[n] {
			switch to := l.g.Edges[i].To; state[to] {
			case open:
				l.back[i] = true
			case 0:
				visit(to)
			}
		}
		state[n] = done
	}
	for _, n := range starts {
		if state[n] == 0 {
			visit(n)
		}
	}
}

// ends returns the nodes of an edge from left to right.
func (l *layout) ends(i int) (left, right int) {
	e := &l.g.Edges[i]
	if l.back[i] {
		return e.To, e.From
	}
	return e.From, e.To
}

// setRanks puts each node to the right of all nodes that lead to it, and a node that
// nothing leads to next to the first node that it leads to.
func (l *layout) setRanks() {
	n := len(l.g.Nodes)
	l.rank = make([]int, n)
	waits, next := make([]int, n), make([][]int, n)
	for i, e := range l.g.Edges {
		if e.From != e.To {
			left, right := l.ends(i)
			next[left] = append(next[left], right)
			waits[right]++
		}
	}
	var ready, sources []int
	for i := range n {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	sources = ready
	for len(ready) > 0 {
		at := ready[0]
		ready = ready[1:]
		for _, to := range next[at] {
			l.rank[to] = max(l.rank[to], l.rank[at]+1)
			if waits[to]--; waits[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	for _, s := range sources {
		for i, to := range next[s] {
			if r := l.rank[to] - 1; i == 0 || r < l.rank[s] {
				l.rank[s] = r
			}
		}
	}
}

func (l *layout) setBoxes() {
	for i, n := range l.g.Nodes {
		w := width(n.Title, true)
		for _, line := range n.Lines {
			w = max(w, width(line, false))
		}
		b := &box{w: w + 2*padding, body: lineHeight*(1+len(n.Lines)) + padding}
		b.h = b.body
		l.nodes = append(l.nodes, b)
		l.put(b, 2*l.rank[i])
	}
	passed := 0
	for i := range l.g.Edges {
		left, right := l.ends(i)
		passed += 2 * (l.rank[right] - l.rank[left])
	}
	for i, e := range l.g.Edges {
		w, h := 0, 0
		for _, line := range clipped(l.g.label(&e)) {
			w, h = max(w, width(line, false)), h+lineHeight
		}
		if e.From == e.To { // its loop and text hang below the node
			n := l.nodes[e.From]
			n.w, n.h = max(n.w, w+2*padding), n.h+loopDepth+h
			l.chains[i] = []*box{n}
			continue
		}
		left, right := l.ends(i)
		from, to := l.nodes[left], l.nodes[right]
		chain := []*box{from}
		for c := from.column + 1; c < to.column; c++ {
			if passed > mostBoxes && len(chain) > 1 {
				break
			}
			b := &box{h: lineHeight - 10}
			if c == from.column+1 {
				b.w, b.h = w+8, h
			}
			b.body = b.h
			l.put(b, c)
			chain = append(chain, b)
		}
		chain = append(chain, to)
		for j, b := range chain[1:] {
			chain[j].right = append(chain[j].right, b)
			b.left = append(b.left, chain[j])
		}
		l.chains[i] = chain
	}
}

func (l *layout) put(b *box, column int) {
	for len(l.columns) <= column {
		l.columns = append(l.columns, nil)
	}
	b.column, b.order = column, len(l.columns[column])
	l.columns[column] = append(l.columns[column], b)
}

// sweeps is how many passes improve a drawing: fewer if it is too large for anybody to
// see the difference.
func (l *layout) sweeps() int {
	boxes := 0
	for _, c := range l.columns {
		boxes += len(c)
	}
	return max(1, min(maxSweeps, 100_000/max(1, boxes)))
}

// setOrder sorts each column by where its boxes' neighbours are, again and again,
// from both sides.
func (l *layout) setOrder() {
	sort := func(column []*box, near func(*box) []*box) {
		for _, b := range column {
			b.want = b.order * 1000
			if n := near(b); len(n) > 0 {
				sum := 0
				for _, o := range n {
					sum += o.order
				}
				b.want = sum * 1000 / len(n)
			}
		}
		slices.SortStableFunc(column, func(a, b *box) int { return cmp.Compare(a.want, b.want) })
		for i, b := range column {
			b.order = i
		}
	}
	for range l.sweeps() {
		for _, c := range l.columns {
			sort(c, func(b *box) []*box { return b.left })
		}
		for _, c := range slices.Backward(l.columns) {
			sort(c, func(b *box) []*box { return b.right })
		}
	}
	for _, n := range l.nodes { // lines leave a node in the order in which they arrive
		slices.SortStableFunc(n.left, func(a, b *box) int { return cmp.Compare(a.order, b.order) })
		slices.SortStableFunc(n.right, func(a, b *box) int { return cmp.Compare(a.order, b.order) })
		for i, b := range n.left {
			b.entry = i
		}
		for i, b := range n.right {
			b.exit = i
		}
	}
}

func (l *layout) setX() {
	x := margin
	for i, c := range l.columns {
		w := 0
		for _, b := range c {
			w = max(w, b.w)
		}
		for _, b := range c { // all boxes of a column are as wide as the widest
			b.x, b.w = x, w
		}
		x += w
		if i+1 < len(l.columns) {
			x += bendGap
		}
	}
	l.width = x + margin
}

// setY pulls boxes towards their neighbours as far as there is room.
func (l *layout) setY() {
	for _, c := range l.columns {
		y := 0
		for _, b := range c {
			b.y = y
			y += b.h + rowGap
		}
	}
	for range 2 * l.sweeps() {
		for _, c := range l.columns {
			settle(c)
		}
		for _, c := range slices.Backward(l.columns) {
			settle(c)
		}
	}
	top, bottom := 0, 0
	for i, b := range l.all() {
		if i == 0 {
			top, bottom = b.y, b.y+b.h
		}
		top, bottom = min(top, b.y), max(bottom, b.y+b.h)
	}
	for _, b := range l.all() {
		b.y += margin - top
	}
	l.height = bottom - top + 2*margin
}

func (l *layout) all() []*box { return slices.Concat(l.columns...) }

// settle moves the boxes of a column to the mean of their neighbours, in their order
// and without overlap, with the least sum of squared distances: it joins boxes that
// would overlap into blocks, which move as one.
func settle(column []*box) {
	type block struct{ first, n, sum int } // sum of the positions where its boxes want it to begin
	var blocks []block
	offset := make([]int, len(column)) // of a box if all are packed together
	for i, b := range column {
		if i > 0 {
			offset[i] = offset[i-1] + column[i-1].h + rowGap
		}
		want := b.y
		if n := len(b.left) + len(b.right); n > 0 {
			sum := 0
			for _, o := range b.left {
				sum += o.middle()
			}
			for _, o := range b.right {
				sum += o.middle()
			}
			want = sum/n - b.body/2
		}
		blocks = append(blocks, block{i, 1, want - offset[i]})
		for len(blocks) > 1 {
			last, before := blocks[len(blocks)-1], blocks[len(blocks)-2]
			if before.sum*last.n <= last.sum*before.n {
				break
			}
			blocks = blocks[:len(blocks)-1]
			blocks[len(blocks)-1] = block{before.first, before.n + last.n, before.sum + last.sum}
		}
	}
	for _, k := range blocks {
		for i := k.first; i < k.first+k.n; i++ {
			column[i].y = k.sum/k.n + offset[i]
		}
	}
}
