package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

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

func familyName(f packet.Family) string { return fmt.Sprintf("v%d", f) }

// start is when the connections of the benchmarks are opened.
var start = corpus.Start

// step lies between packets: a million packets a second. The clock is set forward
// for some of them at a time.
const step = time.Microsecond
