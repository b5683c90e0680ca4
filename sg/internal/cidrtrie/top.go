package cidrtrie

import (
	"iter"
	"slices"

	"github.com/sgsim/sgsim/sg/internal/keyed"
)

// A top maps 16 bits to cells. Sixteen consecutive cells are stored together, so that
// the level above them is small and stays in the caches.
type (
	top[C any]  struct{ pages *[256]*page[C] }
	page[C any] [16]*row[C]
	row[C any]  [16]C
)

// at returns a cell, nil if there is none.
func (t top[C]) at(i uint16) *C {
	if t.pages == nil {
		return nil
	}
	p := t.pages[i>>8]
	if p == nil {
		return nil
	}
	r := p[i>>4&15]
	if r == nil {
		return nil
	}
	return &r[i&15]
}

// make returns a cell, made if there is none. It copies the cell, and what leads to it,
// if they are shared with others.
func (t *top[C]) make(i uint16, shared bool) *C {
	p := own(&own(&t.pages, shared)[i>>8], shared)
	return &own(&p[i>>4&15], shared)[i&15]
}

// own allocates what p points to if it is nil, and copies it if it is shared.
func own[T any](p **T, shared bool) *T {
	switch {
	case *p == nil:
		*p = new(T)
	case shared:
		c := **p
		*p = &c
	}
	return *p
}

// all yields all cells, and some that nobody made.
func (t top[C]) all() iter.Seq2[uint16, *C] {
	return func(yield func(uint16, *C) bool) {
		for i := 0; t.pages != nil && i < 1<<16; i++ {
			if c := t.at(uint16(i)); c != nil && !yield(uint16(i), c) {
				return
			}
		}
	}
}

// blocks maps the keys of IPv6 blocks to their nodes. The input chooses the keys, so
// they are hashed with a secret.
type blocks struct {
	top    top[[]keyedNode]
	secret keyed.Key128
}

type keyedNode struct {
	key uint64
	*node
}

func (b *blocks) any() bool { return b.top.pages != nil }

// index returns the index of a key's cell, in which all keys with one hash are in
// sequence.
func (b *blocks) index(key uint64) uint16 { return uint16(b.secret.Hash(key, 0) >> 48) }

// node returns the node of a key, nil if there is none.
func (b *blocks) node(key uint64) *node {
	if cell := b.top.at(b.index(key)); cell != nil {
		for i := range *cell {
			if c := &(*cell)[i]; c.key == key {
				return c.node
			}
		}
	}
	return nil
}

// set gives a key its node.
func (b *blocks) set(key uint64, n *node, shared bool) {
	if !b.any() {
		b.secret = keyed.New128()
	}
	cell := b.top.make(b.index(key), shared)
	if shared {
		*cell = slices.Clone(*cell)
	}
	for i := range *cell {
		if c := &(*cell)[i]; c.key == key {
			c.node = n
			return
		}
	}
	*cell = append(*cell, keyedNode{key, n})
}
