package conntrack

import (
	"math/rand/v2"
	"testing"
)

// TestBounds moves the deaths of records about and wants the bounds to find all
// that are due, and nothing once they are corrected.
func TestBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const records = 3 << (2 * boundBits) // three levels
	deaths := make([]int64, records)
	var b bounds
	for rec := range uint32(records) {
		b.reach(rec)
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
