// Package cidrtrie finds the numbers of all CIDRs that contain an address.
//
// A [Trie] holds pairs of a prefix and a number. One prefix may have several numbers
// (a rule's CIDR and two prefix lists, say), and one number several prefixes (a list).
//
// The prefixes of a family are in two or three tiers, by length, and in a tier each
// block of addresses has a node. A node cuts its block into runs of addresses that
// are in the same prefixes, and a look-up does a binary search in the runs:
//
//	tier           prefixes       a node for each
//	short          below /16      -                   IPv4
//	long           /16 to /32     /16
//	short          below /32      -                   IPv6
//	long           /32 to /64     /32
//	host           /65 to /128    /64
//
//	prefixes   10.0.0.0/18 (7)   10.0.16.0/20 (9)   10.0.128.0/17 (7)
//
//	           10.0.0.0   .16.0     .32.0   .64.0    .128.0
//	runs       | {7}      | {7, 9}  | {7}   | -      | {7}          |
//
// A Trie is a value: [Trie.With] and [Trie.Without] copy the node of a prefix and the
// path to it and share the rest, so older values stay as they were and may be read
// meanwhile.
package cidrtrie

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// A Trie holds prefixes with numbers. The zero Trie holds none. Reading it is safe for
// concurrent use.
type Trie struct {
	short4, short6 *node
	long4          top[leaf]
	long6, host6   blocks
}

// Lookup returns the numbers of the prefixes that contain an address, as a
// packet.Header holds it, by tier; IPv4 has two. A number that several prefixes have
// may occur several times. The slices must not be changed.
func (t *Trie) Lookup(f packet.Family, a *[16]byte) (short, long, host []uint32) {
	if f == packet.IPv6 {
		hi := binary.BigEndian.Uint64(a[:8])
		long = t.long6.node(hi >> 32).numbers(hi << 32)
		if t.host6.any() {
			host = t.host6.node(hi).numbers(binary.BigEndian.Uint64(a[8:]))
		}
		return t.short6.numbers(hi), long, host
	}
	a4 := binary.BigEndian.Uint32(a[12:])
	if l := t.long4.at(uint16(a4 >> 16)); l != nil {
		long = l.numbers(uint16(a4))
	}
	return t.short4.numbers(uint64(a4) << 32), long, nil
}

// Longest returns the longest prefix with a number that contains an address.
func (t *Trie) Longest(a netip.Addr, number uint32) (netip.Prefix, bool) {
	last := host
	if a.Is4() {
		last = long4
	}
	for tier := last; ; tier-- {
		b, v := tier.split(a)
		if bits, ok := t.node(b).longest(v, number); ok {
			p, err := a.Prefix(tier.skip() + bits)
			return p, err == nil
		}
		if tier == short4 || tier == short6 {
			return netip.Prefix{}, false
		}
	}
}

// At returns the numbers of a prefix itself.
func (t *Trie) At(p netip.Prefix) (numbers []uint32) {
	b, want := place(p, 0)
	n := t.node(b)
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
		for b, n := range t.nodes() {
			for _, e := range n.entries {
				if !yield(b.prefix(e), e.number) {
					return
				}
			}
		}
	}
}

// With returns a Trie in which a prefix has a number. It must not have it already.
func (t Trie) With(p netip.Prefix, number uint32) Trie {
	return t.change(p, number, func(es []entry, e entry) []entry {
		i, _ := slices.BinarySearchFunc(es, e, compare)
		return slices.Insert(slices.Clip(es), i, e)
	})
}

// Without returns a Trie in which a prefix no longer has a number. It must have it
// before. Nodes that become empty stay.
func (t Trie) Without(p netip.Prefix, number uint32) Trie {
	return t.change(p, number, func(es []entry, e entry) []entry {
		i, _ := slices.BinarySearchFunc(es, e, compare)
		return slices.Delete(slices.Clone(es), i, i+1)
	})
}

// change changes the entries of a prefix's node, in a copy, with f, which must not
// modify its argument.
func (t Trie) change(p netip.Prefix, number uint32, f func([]entry, entry) []entry) Trie {
	b, e := place(p, number)
	var es []entry
	if n := t.node(b); n != nil {
		es = n.entries
	}
	c := &node{entries: f(es, e)}
	new(cutter).cut(c)
	t.set(b, c, true)
	return t
}
