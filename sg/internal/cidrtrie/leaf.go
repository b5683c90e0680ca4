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
// runs where they are few, as nearly always, so that a lookup waits for memory once. In
// a policy of 175,000 prefixes that took XX ns of YY.
type leaf struct {
	node   *node     // nil where there are no prefixes
	at     [7]uint32 // as those of a run
	starts [7]uint16 // 65,535 behind the last run, and never the start of one
	counts [7]uint8
	n      uint8 // runs in this leaf; 0 where only the node has them
}

// set gives the leaf its node.
func (l *leaf) set(n *node) {
	*l = leaf{node: n}
	if n == nil || len(n.runs) > len(l.at) {
		return
	}
	for i := range l.starts {
		l.starts[i] = 65535
	}
	for _, r := range n.runs {
		if r.count > 255 || r.start == 65535 {
			l.n = 0
			return
		}
		l.at[l.n], l.starts[l.n], l.counts[l.n] = r.at[0], r.start, uint8(r.count)
		l.n++
	}
}

// numbers returns the numbers of the entries that cover a value.
func (l *leaf) numbers(v uint16) []uint32 {
	if l.n == 0 {
		return l.node.numbers(v)
	}
	v = min(v, 65534) // which is in the same run as 65,535
	i := uint8(0)     // all starts are looked at, since nobody could predict which is the last
	for _, start := range l.starts[1:] {
		i += uint8((uint32(start) - uint32(v) - 1) >> 31) // 1 where start <= v
	}
	switch count := l.counts[i]; count {
	case 0:
		return nil
	case 1:
		return l.at[i:][:1]
	default:
		return l.node.lists[l.at[i]:][:count]
	}
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

// fill gives all leaves their nodes again, whose runs are complete now.
func (t top4) fill() {
	if t.pages == nil {
		return
	}
	for _, p := range t.pages {
		if p == nil {
			continue
		}
		for _, r := range p {
			if r == nil {
				continue
			}
			for i := range r {
				r[i].set(r[i].node)
			}
		}
	}
}
