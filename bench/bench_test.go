package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

// Sizes that -short cuts, so that every benchmark runs once in seconds and in
// little memory.

// conns are the table sizes that benchmarks go through.
func conns() []int {
	if testing.Short() {
		return []int{1_000, 10_000}
	}
	return []int{1_000, 10_000, 100_000, 1_000_000, 10_000_000}
}

// probes is the number of different packets a benchmark walks: enough that what
// they touch does not stay in any cache.
func probes() int {
	if testing.Short() {
		return 1 << 12
	}
	return 1 << 20
}

// framesFor is the number of frames drawn for n connections: few enough for the
// second-level cache where the connections fit there too, else as many as the
// connections, so that frames and entries come from memory.
func framesFor(n int) int { return min(probes(), max(1<<14, n)) }

// BenchmarkDecode reads frames that lie in the nearest caches.
func BenchmarkDecode(b *testing.B) {
	const n = 256
	for _, f := range []struct {
		name   string
		frames *corpus.Frames
	}{
		{"frame=tcp4/size=64", corpus.NewFrames(packet.IPv4, packet.TCP, 1<<20, n, 64, packet.ACK, 1)},
		{"frame=tcp4/size=512", corpus.NewFrames(packet.IPv4, packet.TCP, 1<<20, n, 512, packet.ACK, 1)},
		{"frame=tcp6/size=74", corpus.NewFrames(packet.IPv6, packet.TCP, 1<<20, n, 74, packet.ACK, 1)},
		{"frame=udp4/size=64", corpus.NewFrames(packet.IPv4, packet.UDP, 1<<20, n, 64, 0, 1)},
		{"frame=icmp4/size=64", corpus.NewFrames(packet.IPv4, packet.ICMP, 1<<20, n, 64, 0, 1)},
	} {
		b.Run("impl=sgsim/"+f.name, func(b *testing.B) {
			var h packet.Header
			measure.Packets(b, n, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					frame := f.frames.At(i)
					if err := packet.Decode(packet.LinkEthernet, frame, len(frame), &h); err != nil || h.Src == h.Dst {
						b.Fatal("wrong header", h, err)
					}
				}
			})
		})
	}
}

// A probe is a packet of a connection between a client and the server: the parts
// in which headers of one family differ.
type probe struct {
	addr  uint32 // low bits of the client's address, network order as it lies in memory
	port  uint16
	reply bool
}

// probesOf draws n packets of the first conns connections.
func probesOf(fam packet.Family, conns, n int) []probe {
	rng := rand.New(rand.NewPCG(7, 7))
	ps := make([]probe, n)
	for i := range ps {
		fl := corpus.FlowN(fam, packet.TCP, rng.Uint64N(uint64(conns)))
		a := fl.Client.Addr().As16()
		ps[i] = probe{
			addr:  uint32(a[12]) | uint32(a[13])<<8 | uint32(a[14])<<16 | uint32(a[15])<<24,
			port:  fl.Client.Port(),
			reply: rng.Uint64()&1 == 1,
		}
	}
	return ps
}

func familyName(f packet.Family) string { return fmt.Sprintf("v%d", f) }

// start is when the connections of the benchmarks are opened.
var start = corpus.Start

// step lies between packets: a million packets a second.
const step = time.Microsecond
