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

// A Key is the secret of a table. The zero Key hashes everything to 0; [New] makes
// others.
type Key struct{ a, b uint64 }

// New draws a key.
func New() Key { return Key{rand.Uint64() | 1, rand.Uint64() | 1} }

// spread is 2^64 divided by the golden ratio.
const spread = 0x9e3779b97f4a7c15

// Hash32 hashes a number. Tables take the upper bits.
//
// One multiplication by a secret alone would do against chosen numbers. Now and then
// it sends numbers that follow each other, as addresses of a subnet do, to few places.
func (k *Key) Hash32(x uint32) uint64 {
	h := uint64(x) * k.a
	return (h ^ h>>32) * spread
}

// Hash128 hashes a number of two words.
func (k *Key) Hash128(hi, lo uint64) uint64 {
	x, y := bits.Mul64(hi^k.a, lo^k.b)
	h := x ^ y
	return (h ^ h>>32) * spread
}
