// Package cidrtrie finds all the sets of CIDRs that an address is in.
//
// A [Trie] holds up to 64 sets, numbered from 0, of prefixes of both families.
// One walk answers for all sets at once with a word of 64 bits.
//
// Each step of the walk is a node for one byte of the address:
//
//  10. node of the first byte
//     /    \
//     10.0.   10.7.      nodes of the second byte
//     /
//     10.0.1.              prefixes of 17 to 24 bits lie here
//
// A node cuts the 256 values of its byte into runs that lie in the same sets:
//
//	byte   0        64      65      128            255
//	sets   |   -    |  {3}  |   -   |    {3, 9}     |
//	bits   1        1       1       1
//
// The runs' starts are bits of a word array, so that the number of bits up to a
// byte is the index of its run; children are found the same way.
//
// IPv4 prefixes of 16 bits and more, nearly all there are, lie in leaves of six by
// their first two bytes instead, so that most lookups end in one cache line. Only
// where more share those bytes do nodes follow.
//
// A Trie is a value: [Trie.With] and [Trie.Without] copy the few nodes on the way
// and share the rest, so older values stay as they were and may be read meanwhile.
package cidrtrie

import (
	"math/bits"
	"net/netip"
	"slices"
)

// Sets is how many sets a Trie can hold.
const Sets = 64

// A Trie holds sets of prefixes. The zero Trie holds none. Reading it is safe for
// concurrent use.
type Trie struct {
	root4, root6 *node
	long4        *top4 // prefixes of 16 bits and more
}

type node struct {
	kidBits, runBits bitmap
	kids             []*node  // in order of their bytes
	runs             []uint64 // in order of their starts; none if entries is empty
	entries          []entry  // what runs are made of; no two equal
}

// An entry is a prefix that ends within the byte of its node.
type entry struct {
	first uint8 // the byte, host bits cleared
	bits  uint8 // of the byte: 0 to 8, and 0 at the root only
	set   uint8
}

// last returns the last byte that the entry covers.
func (e entry) last() uint8 { return e.first | uint8(0xff>>e.bits) }

// Lookup4 returns the sets that have a prefix which contains the IPv4 address, as
// a mask.
func (t *Trie) Lookup4(a uint32) uint64 {
	in := uint64(0)
	for n, key := t.root4, a; n != nil; key <<= 8 {
		b := uint8(key >> 24)
		in |= n.in(b)
		n = n.kid(b)
	}
	if l := t.leaf(a); l != nil {
		in |= l.lookup(a)
	}
	return in
}

// Lookup6 is Lookup4 for an IPv6 address, given as two words.
func (t *Trie) Lookup6(hi, lo uint64) uint64 {
	in := uint64(0)
	for n, left := t.root6, 16; n != nil; left-- {
		b := uint8(hi >> 56)
		in |= n.in(b)
		n = n.kid(b)
		hi <<= 8
		if left == 9 {
			hi = lo
		}
	}
	return in
}

func (n *node) in(b uint8) uint64 {
	if len(n.runs) == 0 {
		return 0
	}
	return n.runs[n.runBits.rank(b)-1]
}

func (n *node) kid(b uint8) *node {
	if !n.kidBits.has(b) {
		return nil
	}
	return n.kids[n.kidBits.rank(b)-1]
}

// Longest returns the longest prefix of a set that contains an address.
func (t *Trie) Longest(a netip.Addr, set uint) (netip.Prefix, bool) {
	best := -1
	if a.Is4() {
		b := a.As4()
		best = t.root4.longest(b[:], 0, set)
		if l := t.leaf(word(b)); l != nil {
			best = max(best, l.longest(word(b), set))
		}
	} else {
		b := a.As16()
		best = t.root6.longest(b[:], 0, set)
	}
	if best < 0 {
		return netip.Prefix{}, false
	}
	p, _ := a.Prefix(best)
	return p, true
}

// longest returns the length of the longest prefix of a set that contains the
// key, which n is the node of byte depth for; -1 if there is none.
func (n *node) longest(key []byte, depth int, set uint) int {
	best := -1
	for ; n != nil; depth++ {
		b := key[depth]
		for _, e := range n.entries {
			if uint(e.set) == set && e.first <= b && b <= e.last() {
				best = max(best, 8*depth+int(e.bits))
			}
		}
		n = n.kid(b)
	}
	return best
}

// Has reports whether the prefix itself is in a set.
func (t *Trie) Has(p netip.Prefix, set uint) bool {
	if isLong(p) {
		e := entry4Of(p, set)
		l := t.leaf(e.net)
		return l != nil && l.has(e)
	}
	key, n := t.key(p.Addr())
	depth, e := place(key, p.Bits(), set)
	for _, b := range key[:depth] {
		if n == nil {
			return false
		}
		n = n.kid(b)
	}
	return n != nil && slices.Contains(n.entries, e)
}

// With returns a Trie with the prefix in a set.
func (t Trie) With(p netip.Prefix, set uint) Trie {
	if isLong(p) {
		e := entry4Of(p, set)
		if l := t.leaf(e.net); l == nil || !l.has(e) {
			t.long4 = t.long4.with(e)
		}
		return t
	}
	return t.change(p, set, add)
}

func add(n *node, e entry) {
	if !slices.Contains(n.entries, e) {
		n.entries = append(slices.Clip(n.entries), e)
	}
}

// Without returns a Trie without the prefix in a set.
func (t Trie) Without(p netip.Prefix, set uint) Trie {
	if isLong(p) {
		e := entry4Of(p, set)
		if l := t.leaf(e.net); l != nil && l.has(e) {
			t.long4 = t.long4.without(e)
		}
		return t
	}
	return t.change(p, set, remove)
}

func remove(n *node, e entry) {
	if i := slices.Index(n.entries, e); i >= 0 {
		n.entries = slices.Delete(slices.Clone(n.entries), i, i+1)
	}
}

// change copies the nodes on the way to a prefix and applies f to the last one.
// Nodes that have become empty stay.
func (t Trie) change(p netip.Prefix, set uint, f func(*node, entry)) Trie {
	key, root := t.key(p.Addr())
	depth, e := place(key, p.Bits(), set)
	t.setRoot(p.Addr(), root.change(key[:depth], e, f))
	return t
}

// change returns a copy of n with f applied to the node at the end of a way.
func (n *node) change(way []byte, e entry, f func(*node, entry)) *node {
	top := n.copied()
	n = top
	for _, b := range way {
		n.kids = slices.Clone(n.kids)
		n = n.descend(b, (*node).copied)
	}
	f(n, e)
	n.cut()
	return top
}

// descend puts the copy of the child for b, or a new one, in its place, and
// returns it.
func (n *node) descend(b uint8, copied func(*node) *node) *node {
	if n.kidBits.has(b) {
		kid := &n.kids[n.kidBits.rank(b)-1]
		*kid = copied(*kid)
		return *kid
	}
	n.kidBits.set(b)
	kid := &node{}
	n.kids = slices.Insert(n.kids, n.kidBits.rank(b)-1, kid)
	return kid
}

// copied returns a copy of n, of nil too, whose slices are still those of n.
func (n *node) copied() *node {
	if n == nil {
		return &node{}
	}
	c := *n
	return &c
}

// cut makes the runs anew from the entries.
func (n *node) cut() {
	n.runs, n.runBits = nil, bitmap{}
	if len(n.entries) == 0 {
		return
	}
	var in [256]uint64
	for _, e := range n.entries {
		for b := int(e.first); b <= int(e.last()); b++ {
			in[b] |= 1 << e.set
		}
	}
	for b, s := range in {
		if b == 0 || s != in[b-1] {
			n.runBits.set(uint8(b))
			n.runs = append(n.runs, s)
		}
	}
}

func (t *Trie) key(a netip.Addr) ([]byte, *node) {
	if a.Is4() {
		return a.AsSlice(), t.root4
	}
	return a.AsSlice(), t.root6
}

func (t *Trie) setRoot(a netip.Addr, n *node) {
	if a.Is4() {
		t.root4 = n
	} else {
		t.root6 = n
	}
}

// place returns the depth of the node where a prefix lies and its entry there.
func place(key []byte, bits int, set uint) (int, entry) {
	depth := max(0, bits-1) / 8
	e := entry{bits: uint8(bits - 8*depth), set: uint8(set)}
	e.first = key[depth] &^ (0xff >> e.bits)
	return depth, e
}

// A Builder makes a Trie of many prefixes. The zero Builder is empty.
type Builder struct{ t Trie }

// Add puts a prefix in a set, where it must not be already.
func (b *Builder) Add(p netip.Prefix, set uint) {
	if isLong(p) {
		if b.t.long4 == nil {
			b.t.long4 = &top4{}
		}
		b.t.long4.add(entry4Of(p, set))
		return
	}
	key, n := b.t.key(p.Addr())
	if n == nil {
		n = &node{}
		b.t.setRoot(p.Addr(), n)
	}
	depth, e := place(key, p.Bits(), set)
	for _, c := range key[:depth] {
		n = n.descend(c, func(n *node) *node { return n })
	}
	n.entries = append(n.entries, e)
}

// Trie returns the Trie. The Builder must not be used any more.
func (b *Builder) Trie() Trie {
	b.t.root4.cutAll()
	b.t.root6.cutAll()
	return b.t
}

func (n *node) cutAll() {
	if n == nil {
		return
	}
	n.cut()
	for _, k := range n.kids {
		k.cutAll()
	}
}

// A bitmap is a set of bytes that knows how many of them lie below each quarter.
type bitmap struct {
	words [4]uint64
	below [4]uint8
}

func (m *bitmap) has(b uint8) bool { return m.words[b>>6]>>(b&63)&1 != 0 }

// rank returns how many bytes of the set are at most b.
func (m *bitmap) rank(b uint8) int {
	return int(m.below[b>>6]) + bits.OnesCount64(m.words[b>>6]<<(63-b&63))
}

func (m *bitmap) set(b uint8) {
	m.words[b>>6] |= 1 << (b & 63)
	for i := b>>6 + 1; i < 4; i++ {
		m.below[i]++
	}
}
