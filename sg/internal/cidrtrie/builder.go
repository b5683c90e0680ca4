package cidrtrie

import (
	"cmp"
	"net/netip"
	"slices"
)

// A Builder makes a Trie of many prefixes, and numbers those without a number. The
// zero Builder is empty.
type Builder struct {
	items [tiers][]item
}

// An item is a prefix with a number, or with the place for it.
type item struct {
	key uint64 // of its block
	entry
	name *uint32 // nil if the number is given
}

// unnamed sorts after all given numbers.
const unnamed = ^uint32(0)

// Add adds a prefix with a number. It must not have that number already.
func (b *Builder) Add(p netip.Prefix, number uint32) { b.add(p, number, nil) }

// Name has the Builder number a prefix: once the Trie is made, *number is a number
// that no other prefix has, above all given ones.
func (b *Builder) Name(p netip.Prefix, number *uint32) { b.add(p, unnamed, number) }

func (b *Builder) add(p netip.Prefix, number uint32, name *uint32) {
	at, e := place(p, number)
	b.items[at.tier] = append(b.items[at.tier], item{at.key, e, name})
}

// Trie returns the Trie, whose named prefixes have the numbers from next on, and how
// many these are. The Builder must not be used afterwards.
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
