package conntrack

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBounds moves the deaths of records about and wants the bounds to find all
// that are due, and nothing once they are corrected.
func TestBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const records = 3 << (2 * boundBits) // three levels
	deaths := make([]int64, records)
	var b bounds
	for rec := range uint32(records) {
		b.extend(rec)
		deaths[rec] = int64(1 + r.IntN(1_000_000))
		b.lower(rec, deaths[rec])
	}
	for now := int64(0); now < 1_000_000; now += 9_973 {
		for range 500 {
			rec := uint32(r.IntN(records))
			at := int64(1 + r.IntN(1_000_000))
			if at < deaths[rec] {
				b.lower(rec, at)
			}
			deaths[rec] = at
		}
		for b.first() <= now {
			block, low := b.due(now), int64(never)
			for i := range uint32(1 << boundBits) {
				if at := &deaths[block<<boundBits+i]; *at <= now {
					*at = never
				} else {
					low = min(low, *at)
				}
			}
			b.set(block, low)
		}
		for rec, at := range deaths {
			if at <= now {
				t.Fatalf("at %d record %d, dead since %d, is not found", now, rec, at)
			}
		}
	}
}

// TestIndexForgets wants an index without entries to have no bucket left that a
// lookup would go past.
func TestIndexForgets(t *testing.T) {
	x := newIndex()
	hashes := make([]uint64, 20_000)
	r := rand.New(rand.NewPCG(3, 4))
	for rec := range hashes {
		hashes[rec] = r.Uint64()
		ok := x.insert(hashes[rec], uint32(rec), func(list []placed) {
			for i := range list {
				list[i].hash = hashes[list[i].rec]
			}
		})
		require.True(t, ok)
	}
	for rec, hash := range hashes {
		x.remove(hash, uint32(rec))
	}
	for _, s := range x.dir {
		for i := range s.buckets {
			require.Equal(t, bucket{}.tags, s.bucket(i).tags)
		}
	}
}
