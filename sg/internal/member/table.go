package member

import (
	"math/bits"

	"github.com/sgsim/sgsim/sg/internal/keyed"
)

// Tables with open addressing and linear probing, at most half full. A value of
// zero marks a free slot; nothing is ever removed. Input chooses the addresses, so they
// are hashed by a secret.

type table4 struct {
	slots []slot4
	n     int
	key   keyed.Key32
	shift uint8 // of the hash, to an index into slots
}

type slot4 struct{ key, val uint32 }

func (t *table4) get(k uint32) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	for i := t.key.Hash(k) >> t.shift; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		// The key is the one, or the slot is free: one branch, because nobody
		// can predict which.
		if uint64(s.key^k)*uint64(s.val) == 0 {
			return s.val
		}
	}
}

// slot returns the value of k, to be set by the caller.
func (t *table4) slot(k uint32) *uint32 {
	if 2*(t.n+1) > len(t.slots) {
		t.reserve(2 * (t.n + 1))
	}
	for i := t.key.Hash(k) >> t.shift; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.val == 0 {
			s.key = k
			t.n++
			return &s.val
		}
		if s.key == k {
			return &s.val
		}
	}
}

func (t *table4) reserve(n int) {
	size := max(8, 1<<bits.Len(uint(2*n)))
	if size <= len(t.slots) {
		return
	}
	old := t.slots
	if old == nil {
		t.key = keyed.New32()
	}
	t.slots, t.n, t.shift = make([]slot4, size), 0, uint8(64-bits.TrailingZeros(uint(size)))
	for _, s := range old {
		if s.val != 0 {
			*t.slot(s.key) = s.val
		}
	}
}

type table6 struct {
	slots []slot6
	n     int
	key   keyed.Key128
	shift uint8
}

type slot6 struct {
	key key6
	val uint32
}

func (t *table6) get(k key6) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	for i := t.key.Hash(k.hi, k.lo) >> t.shift; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.key == k || s.val == 0 {
			return s.val
		}
	}
}

func (t *table6) slot(k key6) *uint32 {
	if 2*(t.n+1) > len(t.slots) {
		t.reserve(2 * (t.n + 1))
	}
	for i := t.key.Hash(k.hi, k.lo) >> t.shift; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.val == 0 {
			s.key = k
			t.n++
			return &s.val
		}
		if s.key == k {
			return &s.val
		}
	}
}

func (t *table6) reserve(n int) {
	size := max(8, 1<<bits.Len(uint(2*n)))
	if size <= len(t.slots) {
		return
	}
	old := t.slots
	if old == nil {
		t.key = keyed.New128()
	}
	t.slots, t.n, t.shift = make([]slot6, size), 0, uint8(64-bits.TrailingZeros(uint(size)))
	for _, s := range old {
		if s.val != 0 {
			*t.slot(s.key) = s.val
		}
	}
}
