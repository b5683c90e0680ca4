package member

import (
	"iter"
	"slices"
)

// A family holds the addresses of IPv4 or IPv6, as keys, and the prefixes, by their
// first addresses.
type family[K comparable] struct {
	bits     int // of an address
	addrs    table[K]
	prefixes []byLength[K]  // the longest first
	hash     func(K) uint64 // of keys, for tables

	// lead clears all but the leading bits of a key, and hashes the result.
	lead func(k K, bits int) (K, uint64)
}

type byLength[K comparable] struct {
	bits int
	table[K]
}

// around returns the owners of the longest prefix around a key, from the i-th
// length on.
func (f *family[K]) around(k K, i int) *owned {
	for ; i < len(f.prefixes); i++ {
		p := &f.prefixes[i]
		first, hash := f.lead(k, p.bits)
		if o := &p.find(hash, first).owned; o.n > 0 {
			return o
		}
	}
	return &unowned
}

// slot returns the place for the owners of the prefix or address that begins at k.
// The caller adds an owner.
func (f *family[K]) slot(k K, bits int) *owned {
	if bits == f.bits {
		return f.addrs.slot(k, f.hash)
	}
	i, found := slices.BinarySearchFunc(f.prefixes, bits, func(e byLength[K], n int) int { return n - e.bits })
	if !found {
		f.prefixes = slices.Insert(f.prefixes, i, byLength[K]{bits: bits})
	}
	return f.prefixes[i].slot(k, f.hash)
}

// seal calls inherit with the owners of each prefix and address inside another prefix,
// and the owners of that prefix.
func (f *family[K]) seal(inherit func(o, around *owned)) {
	each := func(t *table[K], i int) {
		for s := range t.taken() {
			if o := f.around(s.key, i); o.n > 0 {
				inherit(&s.owned, o)
			}
		}
	}
	for i := len(f.prefixes) - 1; i >= 0; i-- { // from the shortest, so that those around are sealed
		each(&f.prefixes[i].table, i+1)
	}
	each(&f.addrs, 0)
}

// all yields everything that has owners, in no order, with its length in bits.
func (f *family[K]) all() iter.Seq2[*slot[K], int] {
	return func(yield func(*slot[K], int) bool) {
		for _, p := range append([]byLength[K]{{f.bits, f.addrs}}, f.prefixes...) {
			for s := range p.taken() {
				if !yield(s, p.bits) {
					return
				}
			}
		}
	}
}
