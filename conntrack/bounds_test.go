package conntrack

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
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

// TestWorkOfOneCall counts the blocks that calls look at in a table whose connections
// have all moved their death: Expire as many as its budget, a Commit at a maximum each
// once, and not again.
func TestWorkOfOneCall(t *testing.T) {
	const conns = 20_000
	start := time.Unix(1_800_000_000, 0)
	early, late := start.Add(40*time.Second), start.Add(60*time.Second) // all live, all are dead
	for _, text := range []string{"udp 10.0.0.1:1 > 10.0.0.2:2", "udp [2001:db8::1]:1 > [2001:db8::2]:2"} {
		h, err := packet.ParseHeader(text)
		require.NoError(t, err)
		for _, shared := range []bool{false, true} {
			table, err := NewTable(Config{MaxEntries: conns})
			require.NoError(t, err)
			if shared {
				table.max = 0
				table.Limit(conns, 1)
			}
			for n := range uint16(conns) {
				h.SrcPort = n
				require.True(t, table.Commit(1, &h, start, 0))
			}
			for n := range uint16(conns) {
				h.SrcPort = n
				table.Track(1, &h, start.Add(20*time.Second))
			}
			due := func(at time.Time) (n int) {
				for _, s := range [...]*store{&table.v4, &table.v6} {
					for _, bound := range s.bounds[0] {
						if bound <= at.UnixNano() {
							n++
						}
					}
				}
				return n
			}
			all := due(early)
			require.Greater(t, all, conns/64)
			require.Zero(t, table.Expire(early, 10))
			require.Equal(t, all-10, due(early), "Expire looks at as many blocks as its budget")

			h.SrcPort = conns
			require.False(t, table.Commit(1, &h, early, 0))
			require.Zero(t, due(early), "no block is looked at twice")
			all = due(late)
			require.Equal(t, 10, table.Expire(late, 10))
			require.True(t, table.Commit(1, &h, late, 0))
			// Where its segment happens to be full, it frees the dead of that as well.
			const segment = mostPages * pageBuckets * bucketUnits >> boundBits
			require.GreaterOrEqual(t, due(late), all-10-segment, "one of the dead makes room")
			table.Expire(late, math.MaxInt)
			require.Equal(t, 1, table.Len())
			require.Zero(t, due(late))
		}
	}
}
