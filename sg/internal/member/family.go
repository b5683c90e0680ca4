package member

import (
	"iter"
	"slices"
)

// A family holds the addresses of IPv4 or IPv6, as keys, and the prefixes, as their
// first addresses.
type family[K comparable] struct {
	bits     int // of an address
	addrs    table[K]
	prefixes []byLength[K]  // the longest first
	hash     func(K) uint64 // of keys, for tables

	// lead clears all but the leading bits of a key, and hashes what is left.
	lead func(k K, bits int) (K, uint64)
}

type byLength[K comparable] struct {
	bits int
	table[K]
}

// find returns who owns an address, of which it is given the hash.
func (f *family[K]) find(hash uint64, k K) *owned {
	o := &f.addrs.find(hash, k).owned
	if len(f.prefixes) > 0 && o.n == 0 { // in this order: whether an address has an owner is hard to predict
		return f.around(k, 0)
	}
	return o
}

// around returns who owns the longest of the prefixes around a key, from the i-th
// length on.
func (f *family[K]) around(k K, i int) *owned {
	for ; i < len(f.prefixes); i++ {
		p := &f.prefixes[i]
		first, hash := f.lead(k, p.bits)
		if o := &p.find(hash, first).owned; o.n > 0 {
			return o
		}
	}
	return &nobody
}

// slot returns the place for the owners of a prefix, or of an address, whose first
// address is k. The caller gives it one.
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

// seal calls inherit with the owners of each prefix and address within another prefix,
// and those of that.
func (f *family[K]) seal(inherit func(o, around *owned)) {
	each := func(t *table[K], i int) {
		for s := range t.taken() {
			if o := f.around(s.key, i); o.n > 0 {
				inherit(&s.owned, o)
			}
		}
	}
	for i := len(f.prefixes) - 1; i >= 0; i-- { // from the shortest: those around are sealed
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
