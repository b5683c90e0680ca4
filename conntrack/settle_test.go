package conntrack

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// TestSettle opens twelve times as many connections as are alive together. Whether the
// dead ones are freed now and then or when their memory is needed, a miss must not look
// at many buckets, and buckets must know how many records passed them.
func TestSettle(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	secret := hasher{rng.Uint64() | 1, rng.Uint64() | 1, rng.Uint64() | 1, rng.Uint64() | 1, rng.Uint64() | 1}
	for _, expire := range []bool{false, true} {
		for _, v6 := range []bool{false, true} {
			table, err := NewTable(Config{})
			require.NoError(t, err)
			table.hash = secret // so that the count of buckets is the same in every run
			const alive = 1 << 14
			now := testStart
			for i := range uint32(12 * alive) {
				now = now.Add(2 * time.Minute / alive) // SYN_SENT lasts 2 minutes
				h := clientHeader(i, v6, false, packet.SYN)
				require.True(t, table.Commit(1, &h, now, 0))
				if expire && i%256 == 0 {
					table.Expire(now, 1<<20)
				}
			}
			s := &table.v4
			if v6 {
				s = &table.v6
			}
			buckets, visits := 0, 0
			for _, info := range s.segments {
				list := info.buckets
				buckets += len(list)
				passed := make([]uint64, len(list))
				for at := range s.taken(list) {
					for i := home(list, s.hashAt(&list[at/bucketUnits], at%bucketUnits)); i != at/bucketUnits; i = next(list, i) {
						passed[i]++
					}
				}
				for i := range list {
					require.Equal(t, passed[i], list[i][0][wordMeta]&metaPassed/metaPassedOne)
					for j := uint32(i); ; j = next(list, j) {
						visits++
						if passed[j] == 0 {
							break
						}
					}
				}
			}
			require.Less(t, visits, 3*buckets, "IPv6 %v, expire %v", v6, expire)
		}
	}
}
