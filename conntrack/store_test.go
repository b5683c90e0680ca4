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
	for _, s := range table.v4.segments {
		require.Zero(t, s.entries)
		for _, b := range s.buckets {
			require.Equal(t, bucket{}, b)
		}
	}
	for _, s := range table.v6.index.dir {
		for i := range s.buckets {
			require.Equal(t, indexBucket{}.tags, s.bucket(i).tags)
		}
	}
}

// TestLopsidedIndex gives the index hashes of which no bit tells two halves apart for
// a while, as a failed hash function would.
func TestLopsidedIndex(t *testing.T) {
	hashes := make([]uint64, 20_000)
	x := newIndex()
	for i := range hashes {
		hashes[i] = uint64(i) * 0x9e3779b97f4a7c15 >> 6
		if i%2 == 0 {
			hashes[i] |= 0xfc << 56
		}
		x.insert(hashes[i], uint32(i), func(list []placed) {
			for j := range list {
				list[j].hash = hashes[list[j].rec]
			}
		})
	}
	entries := 0
	for _, info := range x.infos {
		entries += int(info.entries)
	}
	require.Equal(t, len(hashes), entries)
	for i, hash := range hashes {
		x.remove(hash, uint32(i))
	}
	for _, info := range x.infos {
		require.Zero(t, info.entries)
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
