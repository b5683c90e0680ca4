package cidrtrie

import (
	"encoding/binary"
	"net/netip"
)

// Leaves of IPv4 prefixes by their first two bytes. Sixteen leaves that follow each
// other lie together, so that what leads to them is small and stays in the caches:
// a lookup waits for memory once, for the leaf itself.
type (
	top4  [256]*page4
	page4 [16]*row4
	row4  [16]leaf4
)

// A leaf4 holds the IPv4 prefixes of 16 bits and more that share their first 16:
// up to six, or all in nodes for the third byte and the fourth. It is one cache
// line.
type leaf4 struct {
	entries [6]entry4
	deep    *node
	n       uint8
}

type entry4 struct {
	net  uint32 // host bits cleared
	bits uint8  // 16 to 32
	set  uint8
}

func (e entry4) contains(a uint32) bool { return (a^e.net)>>(32-e.bits) == 0 }

// isLong reports whether a prefix lies in a leaf.
func isLong(p netip.Prefix) bool { return p.Bits() >= 16 && p.Addr().Is4() }

func entry4Of(p netip.Prefix, set uint) entry4 {
	e := entry4{bits: uint8(p.Bits()), set: uint8(set)}
	e.net = word(p.Addr().As4()) &^ uint32(uint64(0xffffffff)>>e.bits)
	return e
}

func word(b [4]byte) uint32 { return binary.BigEndian.Uint32(b[:]) }

func (t *Trie) leaf(a uint32) *leaf4 {
	if t.long4 == nil {
		return nil
	}
	p := t.long4[a>>24]
	if p == nil {
		return nil
	}
	r := p[a>>20&15]
	if r == nil {
		return nil
	}
	return &r[a>>16&15]
}

func (l *leaf4) lookup(a uint32) uint64 {
	in := uint64(0)
	for _, e := range l.entries[:l.n] {
		if e.contains(a) {
			in |= 1 << e.set
		}
	}
	key := a << 16
	for n := l.deep; n != nil; key <<= 8 {
		b := uint8(key >> 24)
		in |= n.in(b)
		n = n.kid(b)
	}
	return in
}

func (l *leaf4) longest(a uint32, set uint) int {
	best := -1
	for _, e := range l.entries[:l.n] {
		if uint(e.set) == set && e.contains(a) {
			best = max(best, int(e.bits))
		}
	}
	if l.deep == nil {
		return best
	}
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], a)
	return l.deep.longest(key[:], 2, set)
}

func (l *leaf4) has(e entry4) bool {
	if l.deep == nil {
		for _, o := range l.entries[:l.n] {
			if o == e {
				return true
			}
		}
		return false
	}
	way, at := e.deep()
	n := l.deep
	for _, b := range way {
		if n = n.kid(b); n == nil {
			return false
		}
	}
	for _, o := range n.entries {
		if o == at {
			return true
		}
	}
	return false
}

// deep returns the way of an entry from the node of the third byte on, and what
// it is at the end of it. One of 16 bits ends in the third byte, all of which it
// covers.
func (e entry4) deep() ([]byte, entry) {
	third, fourth := uint8(e.net>>8), uint8(e.net)
	if e.bits <= 24 {
		return nil, entry{third, e.bits - 16, e.set}
	}
	return []byte{third}, entry{fourth, e.bits - 24, e.set}
}

// add puts in a new entry, in place.
func (t *top4) add(e entry4) {
	p := t[e.net>>24]
	if p == nil {
		p = &page4{}
		t[e.net>>24] = p
	}
	r := p[e.net>>20&15]
	if r == nil {
		r = &row4{}
		p[e.net>>20&15] = r
	}
	l := &r[e.net>>16&15]
	if l.deep == nil && int(l.n) < len(l.entries) {
		l.entries[l.n] = e
		l.n++
		return
	}
	for _, o := range append([]entry4{e}, l.entries[:l.n]...) {
		way, at := o.deep()
		l.deep = l.deep.change(way, at, add)
	}
	l.n, l.entries = 0, [6]entry4{}
}

// with returns a copy with a new entry.
func (t *top4) with(e entry4) *top4 {
	c := t.copied(e.net)
	c.add(e)
	return c
}

// without returns a copy without an entry that is there. Nodes stay nodes.
func (t *top4) without(e entry4) *top4 {
	c := t.copied(e.net)
	l := &c[e.net>>24][e.net>>20&15][e.net>>16&15]
	if l.deep != nil {
		way, at := e.deep()
		l.deep = l.deep.change(way, at, remove)
		return c
	}
	for i, o := range l.entries[:l.n] {
		if o == e {
			l.n--
			l.entries[i] = l.entries[l.n]
			l.entries[l.n] = entry4{}
		}
	}
	return c
}

// copied returns a copy of t whose leaf for the address can be changed.
func (t *top4) copied(a uint32) *top4 {
	if t == nil {
		return &top4{}
	}
	c := *t
	if c[a>>24] != nil {
		p := *c[a>>24]
		c[a>>24] = &p
		if r := p[a>>20&15]; r != nil {
			k := *r
			p[a>>20&15] = &k
		}
	}
	return &c
}
