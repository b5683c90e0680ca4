// Package keyed hashes numbers for tables with open addressing, by a secret that is
// drawn for each table: whoever chooses the numbers, in a topology or a packet, cannot
// choose where they fall. What is found in a table does not depend on the secret.
//
// Package hash/maphash does the same for any type and takes several times as long,
// which look-ups that every packet makes would feel.
package keyed

import (
	"math/bits"
	"math/rand/v2"
)

// A Key32 is the secret of a table of numbers. The zero Key32 hashes everything to 0;
// [New32] makes others.
type Key32 uint32

// New32 draws a key.
func New32() Key32 { return Key32(rand.Uint32() | 1) }

// A Key128 is the secret of a table of numbers of two words; see [Key32].
type Key128 struct{ a, b uint64 }

// New128 draws a key.
func New128() Key128 { return Key128{rand.Uint64(), rand.Uint64()} }

// spread is 2^64 divided by the golden ratio.
const spread = 0x9e3779b97f4a7c15

// Hash hashes a number. Tables take the upper bits.
//
// One multiplication by a secret alone would do against chosen numbers. Now and then
// it sends numbers that follow each other, as addresses of a subnet do, to few places.
func (k Key32) Hash(x uint32) uint64 {
	h := uint64(x) * uint64(k)
	return (h ^ h>>32) * spread
}

// Hash hashes a number of two words. Tables take the upper bits.
func (k *Key128) Hash(hi, lo uint64) uint64 {
	x, y := bits.Mul64(hi^k.a, lo^k.b)
	h := x ^ y
	return (h ^ h>>32) * spread
}
