package cidrtrie

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// A Builder makes a Trie of many prefixes, and gives those their numbers that have
// none. The zero Builder is empty.
type Builder struct {
	four []item[uint32]
	six  []item[[2]uint64]
}

// An item is a prefix with a number, which is at name once it is known.
type item[A any] struct {
	addr   A
	number uint32
	bits   uint8
	name   *uint32 // nil where the number is given
}

// unnamed sorts behind all numbers that are given.
const unnamed = ^uint32(0)

// Add gives a prefix a number that it must not have already.
func (b *Builder) Add(p netip.Prefix, number uint32) { b.add(p, number, nil) }

// Name has *number set to a number that the prefix has, and no other, once the Trie is
// made. It is above those that are given.
func (b *Builder) Name(p netip.Prefix, number *uint32) { b.add(p, unnamed, number) }

func (b *Builder) add(p netip.Prefix, number uint32, name *uint32) {
	if p.Addr().Is4() {
		b.four = append(b.four, item[uint32]{word(p.Addr()), number, uint8(p.Bits()), name})
		return
	}
	a := p.Addr().As16()
	b.six = append(b.six, item[[2]uint64]{
		[2]uint64{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}, number, uint8(p.Bits()), name,
	})
}

// Trie returns the Trie, whose named prefixes have the numbers from next on, and how
// many these are. The Builder must not be used any more.
func (b *Builder) Trie(next uint32) (t Trie, named int) {
	first := next
	slices.SortFunc(b.four, func(x, y item[uint32]) int {
		if c := cmp.Compare(uint64(x.addr)<<8|uint64(x.bits), uint64(y.addr)<<8|uint64(y.bits)); c != 0 {
			return c
		}
		return cmp.Compare(x.number, y.number)
	})
	slices.SortFunc(b.six, func(x, y item[[2]uint64]) int {
		return cmp.Or(cmp.Compare(x.addr[0], y.addr[0]), cmp.Compare(x.addr[1], y.addr[1]),
			cmp.Compare(x.bits, y.bits), cmp.Compare(x.number, y.number))
	})
	b.four = number(b.four, &next)
	b.six = number(b.six, &next)
	t.addAll4(b.four)
	t.addAll6(b.six)
	return t, int(next - first)
}

// number gives names their numbers, and leaves one item for each.
func number[A comparable](items []item[A], next *uint32) []item[A] {
	left := items[:0]
	for _, it := range items {
		if it.name != nil {
			if last := len(left) - 1; last >= 0 && left[last].name != nil && left[last].addr == it.addr && left[last].bits == it.bits {
				*it.name = left[last].number
				continue
			}
			it.number = *next
			*it.name = *next
			*next++
		}
		left = append(left, it)
	}
	return left
}

// addAll4 fills an empty Trie. Items that share a node follow each other, but that short
// ones stand between.
func (t *Trie) addAll4(items []item[uint32]) {
	entries := make([]entry, 0, len(items)) // of all leaves
	nodes := make([]node, 0, len(items))
	cut := cutter{room: 1 << 12}
	for i := 0; i < len(items); {
		if it := &items[i]; it.bits < 16 {
			if t.short4 == nil {
				t.short4 = &node{}
			}
			t.short4.entries = append(t.short4.entries, entry{uint16(it.addr >> 16), it.bits, it.number})
			i++
			continue
		}
		block, from := items[i].addr>>16, len(entries)
		for ; i < len(items) && items[i].addr>>16 == block && items[i].bits >= 16; i++ {
			entries = append(entries, entry{uint16(items[i].addr), items[i].bits - 16, items[i].number})
		}
		nodes = append(nodes, node{entries: entries[from:len(entries):len(entries)]})
		n := &nodes[len(nodes)-1]
		cut.cut(n)
		t.long4.make(block << 16).set(n)
	}
	if t.short4 != nil {
		cut.cut(t.short4)
	}
}

// addAll6 fills an empty Trie. The nodes on the way to an item are those on the way to
// the one before, as far as they share bits.
func (t *Trie) addAll6(items []item[[2]uint64]) {
	if len(items) == 0 {
		return
	}
	t.root6 = &node{}
	all, way := []*node{t.root6}, [8]*node{t.root6}
	at := func(a [2]uint64, i int) uint16 { return uint16(a[i/4] >> (48 - 16*(i%4))) }
	before := items[0].addr
	for _, it := range items {
		for i := range 7 {
			if at(it.addr, i) != at(before, i) {
				clear(way[i+1:])
				break
			}
		}
		before = it.addr
		depth := min(int(it.bits), 127) / 16
		for i := range depth {
			if way[i+1] == nil {
				way[i+1] = &node{}
				way[i].kids, all = append(way[i].kids, kid{at(it.addr, i), way[i+1]}), append(all, way[i+1])
			}
		}
		way[depth].entries = append(way[depth].entries, entry{at(it.addr, depth), it.bits - uint8(16*depth), it.number})
	}
	cut := cutter{room: 1 << 12}
	for _, n := range all {
		cut.cut(n)
	}
}
