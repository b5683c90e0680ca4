package cidrtrie

// A top4 leads from the first 16 bits of IPv4 addresses to leaves. Sixteen leaves that
// follow each other lie together, so that what leads to them is small and stays in the
// caches.
type (
	top4  struct{ pages *[256]*page4 }
	page4 [16]*row4
	row4  [16]leaf
)

// A leaf is one cache line: the node of an IPv4 block of 16 bits, and a copy of its
// runs where they are few, as nearly always, so that a lookup waits for memory once.
type leaf struct {
	node   *node     // nil where there are no prefixes
	pool   [8]uint32 // the numbers of run i are pool[ends[i]:ends[i+1]]
	starts [7]uint16 // 65,535 behind the last run, and never the start of one
	ends   [8]uint8
	full   bool // whether the leaf has all runs
}

// set gives the leaf its node.
func (l *leaf) set(n *node) {
	*l = leaf{node: n}
	if n == nil || len(n.runs) > len(l.starts) {
		return
	}
	for i := range l.starts {
		l.starts[i] = 65535
	}
	used := 0
	for i := range n.runs {
		numbers := n.list(&n.runs[i])
		if n.runs[i].start == 65535 || used+len(numbers) > len(l.pool) {
			return
		}
		used += copy(l.pool[used:], numbers)
		l.starts[i], l.ends[i+1] = n.runs[i].start, uint8(used)
	}
	l.full = true
}

// numbers returns the numbers of the entries that cover a value.
func (l *leaf) numbers(v uint16) []uint32 {
	if !l.full {
		return l.node.numbers(v)
	}
	v = min(v, 65534) // which is in the same run as 65,535
	i := 0            // all starts are looked at, since nobody could predict which is the last
	for _, start := range l.starts[1:] {
		i += int((uint32(start) - uint32(v) - 1) >> 31) // 1 where start <= v
	}
	return l.pool[l.ends[i]:l.ends[i+1]]
}

// leaf returns the leaf of an address, nil where there is none.
func (t top4) leaf(a uint32) *leaf {
	if t.pages == nil {
		return nil
	}
	p := t.pages[a>>24]
	if p == nil {
		return nil
	}
	r := p[a>>20&15]
	if r == nil {
		return nil
	}
	return &r[a>>16&15]
}

// make returns the leaf of an address, which it makes in place.
func (t *top4) make(a uint32) *leaf {
	if t.pages == nil {
		t.pages = &[256]*page4{}
	}
	p := &t.pages[a>>24]
	if *p == nil {
		*p = &page4{}
	}
	r := &(*p)[a>>20&15]
	if *r == nil {
		*r = &row4{}
	}
	return &(*r)[a>>16&15]
}

// copied returns a copy in which the leaf of an address may be set.
func (t top4) copied(a uint32) top4 {
	c := top4{&[256]*page4{}}
	if t.pages != nil {
		*c.pages = *t.pages
	}
	p, r := &page4{}, &row4{}
	if old := c.pages[a>>24]; old != nil {
		*p = *old
	}
	c.pages[a>>24] = p
	if old := p[a>>20&15]; old != nil {
		*r = *old
	}
	p[a>>20&15] = r
	return c
}
