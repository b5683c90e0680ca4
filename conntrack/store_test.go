package conntrack

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// TestStoreForgets wants a table whose connections are gone to have no bucket left
// that a lookup would go past.
func TestStoreForgets(t *testing.T) {
	table, err := NewTable(Config{})
	require.NoError(t, err)
	for i := range uint32(40_000) {
		connect(t, table, i, i%2 == 0, testStart)
	}
	require.Equal(t, 40_000, table.Expire(testStart.Add(1000*time.Hour), math.MaxInt))
	for _, s := range []*store{&table.v4, &table.v6} {
		for _, info := range s.segments {
			require.Zero(t, info.entries)
			for _, b := range info.buckets {
				for at := uint32(0); at < bucketUnits; at += s.units {
					require.Equal(t, unit{}, b[at])
				}
			}
		}
	}
}

// TestLopsidedStore adds keys by whose hashes no bit tells two halves apart for a
// while, as a failed hash function would give them.
func TestLopsidedStore(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		hash := newHasher()
		s := newStore(v6, false, &hash)
		var keys []key
		h := clientHeader(0, v6, false, packet.ACK)
		for n := range uint32(1 << 20) {
			h.SrcPort, h.DstPort = uint16(n), uint16(n>>16)
			var k key
			k.ofPorts(1, &h)
			if x := hash.hash(&k); x>>58 == 0 || x>>58 == 0x3f {
				_, ok := s.add(x, &k)
				require.True(t, ok)
				keys = append(keys, k)
			}
		}
		require.Greater(t, len(keys), 20_000)
		require.Equal(t, len(keys), s.used)
		entries := 0
		for i, info := range s.segments {
			require.LessOrEqual(t, info.entries, s.fullAt(uint32(len(info.buckets))), "segment %d", i)
			entries += int(info.entries)
		}
		require.Equal(t, len(keys), entries)
		for i := range keys {
			u, rec := s.find(hash.hash(&keys[i]), &keys[i])
			require.NotNil(t, u)
			s.drop(rec)
			u, _ = s.find(hash.hash(&keys[i]), &keys[i])
			require.Nil(t, u)
		}
		require.Zero(t, s.used)
	}
}

// TestOneProtocolBesideAnother opens connections that differ in their protocol
// alone: their words are equal, and may be found in each other's place.
func TestOneProtocolBesideAnother(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		table, err := NewTable(Config{})
		require.NoError(t, err)
		h := clientHeader(1, v6, false, 0)
		h.SrcPort, h.DstPort = 0, 0
		for p := uint8(100); p < 250; p++ {
			h.Protocol = protocolOf(uint64(p))
			require.True(t, table.Commit(1, &h, testStart, uint32(p)))
		}
		for p := uint8(100); p < 250; p++ {
			h.Protocol = protocolOf(uint64(p))
			if r := table.Track(1, &h, testStart); r.Class() != Tracked || r.Tag() != uint32(p) {
				t.Fatalf("v6 %v, protocol %d: %+v", v6, p, r)
			}
		}
		h.Protocol = 99
		require.Equal(t, New, table.Track(1, &h, testStart).Class())
		require.Equal(t, 150, table.Len())
	}
}

// TestPrefetchChangesNothing hints at all sorts of packets, in a table large enough
// to take hints.
func TestPrefetchChangesNothing(t *testing.T) {
	table, err := NewTable(Config{})
	require.NoError(t, err)
	for i := range uint32(farEntries) {
		connect(t, table, i, i%2 == 0, testStart)
	}
	before := table.Clone()
	for i := range uint32(2000) {
		h := clientHeader(i, i%3 == 0, i%5 == 0, packet.ACK)
		if i%7 == 0 {
			h.Family = 0
		}
		table.Prefetch(1, &h)
	}
	require.Equal(t, before.Stats(), table.Stats())
	for i := range uint32(2000) {
		h := clientHeader(i, i%3 == 0, true, packet.ACK)
		require.Equal(t, before.Track(1, &h, testStart), table.Track(1, &h, testStart))
	}
}
