package cidrtrie

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// A tier holds the prefixes of a family within a range of lengths.
type tier uint8

const (
	short4 tier = iota
	long4
	short6
	long6
	host
	tiers
)

// skip returns the number of leading bits that the addresses of one of the tier's
// blocks share.
func (t tier) skip() int { return [...]int{short4: 0, long4: 16, short6: 0, long6: 32, host: 64}[t] }

// A block is the addresses with the same leading bits, as many as its tier skips.
type block struct {
	tier tier
	key  uint64 // these bits
}

// words returns an address as two words, IPv4 in the upper half of the first.
func words(a netip.Addr) (hi, lo uint64) {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:])) << 32, 0
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// split returns the block of an address in the tier, and the address bits that
// follow, from the top of a word.
func (t tier) split(a netip.Addr) (b block, v uint64) {
	hi, lo := words(a)
	if t == host {
		return block{t, hi}, lo
	}
	skip := t.skip()
	return block{t, hi >> (64 - skip)}, hi << skip
}

// tierOf returns the tier of a prefix.
func tierOf(p netip.Prefix) tier {
	switch n := p.Bits(); {
	case p.Addr().Is4() && n < long4.skip():
		return short4
	case p.Addr().Is4():
		return long4
	case n < long6.skip():
		return short6
	case n <= host.skip():
		return long6
	}
	return host
}

// place returns the block of a prefix, and its entry there.
func place(p netip.Prefix, number uint32) (b block, e entry) {
	t := tierOf(p)
	b, v := t.split(p.Addr())
	e = entry{bits: uint8(p.Bits() - t.skip()), number: number}
	e.first = v &^ (^uint64(0) >> e.bits)
	return b, e
}

// prefix returns the prefix of an entry in the block.
func (b block) prefix(e entry) netip.Prefix {
	skip := b.tier.skip()
	hi, lo := b.key<<(64-skip)|e.first>>skip, uint64(0)
	if b.tier == host {
		hi, lo = b.key, e.first
	}
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], hi)
	binary.BigEndian.PutUint64(a[8:], lo)
	if b.tier <= long4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(a[:4])), skip+int(e.bits))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), skip+int(e.bits))
}

// node returns the node of a block, nil if there is none.
func (t *Trie) node(b block) *node {
	switch b.tier {
	case short4:
		return t.short4
	case short6:
		return t.short6
	case long6:
		return t.long6.node(b.key)
	case host:
		return t.host6.node(b.key)
	}
	if l := t.long4.at(uint16(b.key)); l != nil {
		return l.node
	}
	return nil
}

// set gives a block its node. It copies what leads to the node if that is shared with
// other values of the Trie.
func (t *Trie) set(b block, n *node, shared bool) {
	switch b.tier {
	case short4:
		t.short4 = n
	case long4:
		t.long4.make(uint16(b.key), shared).set(n)
	case short6:
		t.short6 = n
	case long6:
		t.long6.set(b.key, n, shared)
	case host:
		t.host6.set(b.key, n, shared)
	}
}

// nodes yields all nodes, in no order.
func (t *Trie) nodes() iter.Seq2[block, *node] {
	return func(yield func(block, *node) bool) {
		if t.short4 != nil && !yield(block{short4, 0}, t.short4) ||
			t.short6 != nil && !yield(block{short6, 0}, t.short6) {
			return
		}
		for i, l := range t.long4.all() {
			if l.node != nil && !yield(block{long4, uint64(i)}, l.node) {
				return
			}
		}
		for i, bs := range [...]*blocks{&t.long6, &t.host6} {
			for _, cell := range bs.top.all() {
				for _, c := range *cell {
					if !yield(block{long6 + tier(i), c.key}, c.node) {
						return
					}
				}
			}
		}
	}
}
