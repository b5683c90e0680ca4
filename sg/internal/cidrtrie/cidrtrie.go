// Package cidrtrie finds the numbers of all CIDRs that contain an address.
//
// A [Trie] holds pairs of a prefix and a number. One prefix may have several numbers
// (a rule's CIDR and two prefix lists, say), and one number several prefixes (a list).
//
// A node stands for 16 bits of an address. It cuts their 65,536 values into runs that
// lie in the same of its prefixes, and a lookup searches the runs by halves:
//
//	prefixes   10.0.0.0/18 (7)   10.0.16.0/20 (9)   10.0.128.0/17 (7)
//
//	           10.0.0.0   .16.0     .32.0   .64.0    .128.0
//	runs       | {7}      | {7, 9}  | {7}   | -      | {7}          |
//
// An IPv4 address meets two nodes, one of prefixes shorter than 16 bits and, through a
// table of leaves by the first 16 bits, one of the others. An IPv6 address meets up to
// eight, each found by halves in the one before.
//
// A Trie is a value: [Trie.With] and [Trie.Without] copy the nodes on the way to a
// prefix and share the rest, so older values stay as they were and may be read
// meanwhile.
package cidrtrie

import (
	"encoding/binary"
	"iter"
	mathbits "math/bits"
	"net/netip"
	"slices"
)

// A Trie holds prefixes with numbers. The zero Trie holds none. Reading it is safe for
// concurrent use.
type Trie struct {
	short4 *node // IPv4 prefixes shorter than 16 bits
	long4  top4  // the others
	root6  *node
}

// Lookup4 returns the numbers of the prefixes that contain an IPv4 address, those of
// prefixes shorter than 16 bits and those of the others. A number that several prefixes
// have may come several times. The slices must not be changed.
func (t *Trie) Lookup4(a uint32) (short, long []uint32) {
	short = t.short4.numbers(uint16(a >> 16))
	if l := t.long4.leaf(a); l != nil {
		long = l.numbers(uint16(a))
	}
	return short, long
}

// A Walk visits the numbers of the prefixes that contain an IPv6 address, shorter
// prefixes first. It is valid until the trie is dropped.
type Walk struct {
	n      *node
	hi, lo uint64 // what is left of the address
}

// Walk6 begins a walk for an IPv6 address, given as two words.
func (t *Trie) Walk6(hi, lo uint64) Walk { return Walk{t.root6, hi, lo} }

// Next returns the numbers that the next 16 bits add, and false behind the last.
func (w *Walk) Next() (numbers []uint32, ok bool) {
	if w.n == nil {
		return nil, false
	}
	v := uint16(w.hi >> 48)
	numbers = w.n.numbers(v)
	w.n = w.n.kid(v)
	w.hi, w.lo = w.hi<<16|w.lo>>48, w.lo<<16
	return numbers, true
}

// Longest returns the longest prefix with a number that contains an address.
func (t *Trie) Longest(a netip.Addr, number uint32) (netip.Prefix, bool) {
	best := -1
	for n, i, key := t.root(a), 0, a.AsSlice(); n != nil; i++ {
		v := binary.BigEndian.Uint16(key[2*i:])
		for lengths := n.lengths; lengths != 0; {
			bits := mathbits.Len32(lengths) - 1
			if n.has(entry{v &^ uint16(0xffff>>bits), uint8(bits), number}) {
				best = 16*i + bits
				break
			}
			lengths &^= 1 << bits
		}
		n = t.below(a, n, i, v)
	}
	p, err := a.Prefix(best)
	return p, err == nil
}

// root returns the node of the first 16 bits of addresses of a's family.
func (t *Trie) root(a netip.Addr) *node {
	if a.Is4() {
		if t.short4 == nil {
			return &node{} // the long ones are not among its children
		}
		return t.short4
	}
	return t.root6
}

// below returns the node that follows n, the i-th on the way to a, whose bits there
// are v.
func (t *Trie) below(a netip.Addr, n *node, i int, v uint16) *node {
	switch {
	case !a.Is4():
		return n.kid(v)
	case i == 0:
		if l := t.long4.leaf(word(a)); l != nil {
			return l.node
		}
	}
	return nil
}

func word(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// At returns the numbers of a prefix itself.
func (t *Trie) At(p netip.Prefix) (numbers []uint32) {
	depth, want := place(p, 0)
	n, key := t.root(p.Addr()), p.Addr().AsSlice()
	for i := 0; n != nil && i < depth; i++ {
		n = t.below(p.Addr(), n, i, binary.BigEndian.Uint16(key[2*i:]))
	}
	if n == nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(n.entries, want, compare)
	for ; i < len(n.entries) && n.entries[i].first == want.first && n.entries[i].bits == want.bits; i++ {
		numbers = append(numbers, n.entries[i].number)
	}
	return numbers
}

// All yields every prefix with each of its numbers, in no order.
func (t *Trie) All() iter.Seq2[netip.Prefix, uint32] {
	return func(yield func(netip.Prefix, uint32) bool) {
		var key [16]byte
		if !t.short4.all(key[:4], 0, yield) {
			return
		}
		for a := range uint32(1 << 16) {
			if l := t.long4.leaf(a << 16); l != nil {
				binary.BigEndian.PutUint16(key[:], uint16(a))
				if !l.node.all(key[:4], 1, yield) {
					return
				}
			}
		}
		t.root6.all(key[:], 0, yield)
	}
}

// With returns a Trie in which a prefix has a number. It must not have it already.
func (t Trie) With(p netip.Prefix, number uint32) Trie {
	return t.change(p, number, func(es []entry, e entry) []entry {
		i, _ := slices.BinarySearchFunc(es, e, compare)
		return slices.Insert(slices.Clip(es), i, e)
	})
}

// Without returns a Trie in which a prefix has a number no more. Nodes that have
// become empty stay.
func (t Trie) Without(p netip.Prefix, number uint32) Trie {
	return t.change(p, number, func(es []entry, e entry) []entry {
		i, found := slices.BinarySearchFunc(es, e, compare)
		if !found {
			return es
		}
		return slices.Delete(slices.Clone(es), i, i+1)
	})
}

// change copies the nodes on the way to a prefix and changes the entries of the last
// one with f, which keeps its argument as it is.
func (t Trie) change(p netip.Prefix, number uint32, f func([]entry, entry) []entry) Trie {
	depth, e := place(p, number)
	if p.Addr().Is4() && depth > 0 {
		t.long4 = t.long4.copied(word(p.Addr()))
		l := t.long4.leaf(word(p.Addr()))
		l.set(l.node.with(e, f))
		return t
	}
	if p.Addr().Is4() {
		t.short4 = t.short4.with(e, f)
		return t
	}
	key, slot := p.Addr().AsSlice(), &t.root6
	for i := range depth {
		n := &node{}
		if *slot != nil {
			*n = **slot
		}
		*slot, n.kids = n, slices.Clone(n.kids)
		slot = n.kidSlot(binary.BigEndian.Uint16(key[2*i:]))
	}
	*slot = (*slot).with(e, f)
	return t
}
