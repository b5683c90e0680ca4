package cidrtrie

import (
	"cmp"
	"net/netip"
	"slices"
)

// A Builder makes a Trie of many prefixes, and gives those their numbers that have
// none. The zero Builder is empty.
type Builder struct {
	items [tiers][]item
}

// An item is a prefix with a number, which is at name once it is known.
type item struct {
	key uint64 // of its block
	entry
	name *uint32 // nil where the number is given
}

// unnamed sorts behind all numbers that are given.
const unnamed = ^uint32(0)

// Add gives a prefix a number that it must not have already.
func (b *Builder) Add(p netip.Prefix, number uint32) { b.add(p, number, nil) }

// Name has *number set to a number that the prefix has, and no other, once the Trie is
// made. It is above those that are given.
func (b *Builder) Name(p netip.Prefix, number *uint32) { b.add(p, unnamed, number) }

func (b *Builder) add(p netip.Prefix, number uint32, name *uint32) {
	at, e := place(p, number)
	b.items[at.tier] = append(b.items[at.tier], item{at.key, e, name})
}

// Trie returns the Trie, whose named prefixes have the numbers from next on, and how
// many these are. The Builder must not be used any more.
func (b *Builder) Trie(next uint32) (t Trie, named int) {
	first := next
	cut := cutter{room: 1 << 12}
	for of, items := range b.items {
		slices.SortFunc(items, func(x, y item) int {
			if x.key != y.key {
				return cmp.Compare(x.key, y.key)
			}
			return compare(x.entry, y.entry)
		})
		items = number(items, &next)
		entries := make([]entry, 0, len(items)) // of all nodes
		for i := 0; i < len(items); {
			key, from := items[i].key, len(entries)
			for ; i < len(items) && items[i].key == key; i++ {
				entries = append(entries, items[i].entry)
			}
			n := &node{entries: slices.Clip(entries[from:])}
			cut.cut(n)
			t.set(block{tier(of), key}, n, false)
		}
	}
	return t, int(next - first)
}

// number gives names their numbers, and leaves one item for each.
func number(items []item, next *uint32) []item {
	left := items[:0]
	for _, it := range items {
		if it.name != nil {
			if last := len(left) - 1; last >= 0 && left[last].name != nil && left[last].key == it.key &&
				left[last].first == it.first && left[last].bits == it.bits {
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
