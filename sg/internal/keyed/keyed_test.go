package keyed

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// longest returns the longest run of taken slots in a half full table of these hashes.
func longest(hashes []uint64, shift int) (most int) {
	taken := make([]bool, 1<<(64-shift))
	for _, h := range hashes {
		i := h >> shift
		for taken[i] {
			i = (i + 1) % uint64(len(taken))
		}
		taken[i] = true
	}
	run := 0
	for _, t := range append(slices.Clone(taken), taken[:1000]...) {
		if run++; !t {
			run = 0
		}
		most = max(most, run)
	}
	return most
}

// Numbers in any even order fall apart, and those that collide with one key do not
// with others.
func TestRuns(t *testing.T) {
	const n, shift = 1 << 12, 64 - 13
	for range 50 {
		k, k6 := New32(), New128()
		for _, step := range []uint32{1, 2, 16, 256, 65536, 0x9e3779b1, 0xfffffff} {
			var four, six []uint64
			for i := range uint32(n) {
				four = append(four, k.Hash(0x0a000000+i*step))
				six = append(six, k6.Hash(0x20010db8<<32, uint64(i)*uint64(step)))
			}
			assert.Less(t, longest(four, shift), 400, "step %#x", step)
			assert.Less(t, longest(six, shift), 400, "step %#x", step)
		}
	}
	k, other := New32(), New32()
	var chosen []uint64
	for x := uint32(0); len(chosen) < 1<<10; x++ {
		if k.Hash(x)>>54 == 0 {
			chosen = append(chosen, other.Hash(x))
		}
	}
	assert.Less(t, longest(chosen, 64-11), 300)
}

func BenchmarkHash32(b *testing.B) {
	k, h := New32(), uint64(0)
	for b.Loop() {
		h = k.Hash(uint32(h))
	}
}

func BenchmarkHash128(b *testing.B) {
	k, h := New128(), uint64(0)
	for b.Loop() {
		h = k.Hash(h, h)
	}
}
