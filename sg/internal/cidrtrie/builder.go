package cidrtrie

import (
	"cmp"
	"net/netip"
	"slices"
)

// A Builder makes a Trie of many prefixes, and numbers those without a number. The
// zero Builder is empty.
type Builder struct {
	items []item
	named int // of the items
}

// An item is a prefix. It has no pointers, so that sorting is not slowed by the
// garbage collector's write barriers.
type item struct {
	key   uint64 // of its block
	tier  tier   // of its block
	named bool   // until it has a number, entry.number is its place among the named
	entry
}

// Grow makes room for n more prefixes.
func (b *Builder) Grow(n int) { b.items = slices.Grow(b.items, n) }

// Add adds a prefix with a number. It must not have that number already.
func (b *Builder) Add(p netip.Prefix, number uint32) {
	at, e := place(p, number)
	b.items = append(b.items, item{at.key, at.tier, false, e})
}

// Name adds a prefix for the Builder to number. It gets a number that no other prefix has;
// the same prefix gets the same number again.
func (b *Builder) Name(p netip.Prefix) {
	at, e := place(p, uint32(b.named))
	b.items = append(b.items, item{at.key, at.tier, true, e})
	b.named++
}

// Trie returns the Trie, the numbers of the prefixes given to Name, in that order, and the
// number after the last of these. They begin at next, which must be above all numbers
// given to Add. The Builder must not be used afterwards.
func (b *Builder) Trie(next uint32) (t Trie, numbers []uint32, end uint32) {
	slices.SortFunc(b.items, compareItems)
	items, numbers, end := b.number(next)
	entries := make([]entry, 0, len(items)) // of all nodes
	cut := cutter{room: 1 << 12}
	for i := 0; i < len(items); {
		at, from := block{items[i].tier, items[i].key}, len(entries)
		for ; i < len(items) && items[i].tier == at.tier && items[i].key == at.key; i++ {
			entries = append(entries, items[i].entry)
		}
		n := &node{entries: slices.Clip(entries[from:])}
		cut.cut(n)
		t.set(at, n, false)
	}
	return t, numbers, end
}

// compareItems sorts by block, then as compare does, and of one prefix the named last.
func compareItems(x, y item) int {
	switch {
	case x.key != y.key: // nearly always
		return cmp.Compare(x.key, y.key)
	case x.tier != y.tier:
		return cmp.Compare(x.tier, y.tier)
	case x.first == y.first && x.bits == y.bits && x.named != y.named:
		if x.named {
			return 1
		}
		return -1
	}
	return compare(x.entry, y.entry)
}

// number gives named prefixes their numbers, and leaves one item for each.
func (b *Builder) number(next uint32) (left []item, numbers []uint32, end uint32) {
	left, numbers = b.items[:0], make([]uint32, b.named)
	for _, it := range b.items {
		if it.named {
			name := &numbers[it.number]
			if last := len(left) - 1; last >= 0 && left[last].named && left[last].key == it.key && left[last].tier == it.tier &&
				left[last].first == it.first && left[last].bits == it.bits {
				*name = left[last].number
				continue
			}
			*name, it.number = next, next
			next++
		}
		left = append(left, it)
	}
	return left, numbers, next
}
