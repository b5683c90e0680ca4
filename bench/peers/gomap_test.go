package peers

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

// A flatKey is what a table keyed by value uses: no pointers, whole words.
type flatKey struct {
	src, dst [2]uint64
	ports    uint64 // and protocol
}

type netipKey struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	proto            packet.Protocol
}

func flatOf(t packet.FiveTuple) flatKey {
	le := binary.LittleEndian
	return flatKey{
		src:   [2]uint64{le.Uint64(t.Src[:]), le.Uint64(t.Src[8:])},
		dst:   [2]uint64{le.Uint64(t.Dst[:]), le.Uint64(t.Dst[8:])},
		ports: uint64(t.SrcPort)<<32 | uint64(t.DstPort)<<16 | uint64(t.Protocol),
	}
}

func netipOf(t packet.FiveTuple) netipKey {
	return netipKey{t.SrcAddr(), t.DstAddr(), t.SrcPort, t.DstPort, t.Protocol}
}

// conns are the table sizes of the lookup benchmarks.
func conns() []int {
	if testing.Short() {
		return []int{1_000, 10_000}
	}
	return []int{1_000, 10_000, 100_000, 1_000_000, 10_000_000}
}

// probes is how many lookups are drawn: enough that their entries do not stay in
// any cache.
func probes() int {
	if testing.Short() {
		return 1 << 12
	}
	return 1 << 20
}

// framesFor is the number of frames for n connections, as in package bench.
func framesFor(n int) int { return min(probes(), max(1<<14, n)) }

// BenchmarkTrack looks up a random connection, as conntrack.Table.Track does for
// a packet of the original direction.
func BenchmarkTrack(b *testing.B) {
	for _, n := range conns() {
		b.Run(fmt.Sprintf("impl=gomap/family=v4/conns=%d", n), func(b *testing.B) {
			m := map[flatKey]uint64{}
			benchMap(b, m, flatOf, n)
		})
		b.Run(fmt.Sprintf("impl=gomap-netip/family=v4/conns=%d", n), func(b *testing.B) {
			m := map[netipKey]uint64{}
			benchMap(b, m, netipOf, n)
		})
	}
}

func benchMap[K comparable](b *testing.B, m map[K]uint64, key func(packet.FiveTuple) K, n int) {
	tuple := func(i uint64) packet.FiveTuple {
		fl := corpus.FlowN(packet.IPv4, packet.TCP, i)
		h := fl.Header(false, packet.ACK)
		return h.Tuple()
	}
	for i := range n {
		m[key(tuple(uint64(i)))] = uint64(i) + 1
	}
	rng := rand.New(rand.NewPCG(7, 7))
	keys := make([]K, probes())
	for i := range keys {
		keys[i] = key(tuple(rng.Uint64N(uint64(n))))
	}
	measure.Packets(b, len(keys), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if m[keys[i]] == 0 {
				b.Fatal("connection not found")
			}
		}
	})
}
