package bench

import (
	"fmt"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet/capture"
)

// BenchmarkCapture reads a file of the page cache from its first packet to its
// last. decode=yes is what [capture.File.Frames] gives, headers decoded.
func BenchmarkCapture(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		b.Run(fmt.Sprintf("impl=sgsim/decode=yes/size=%d", mix.Mean()), func(b *testing.B) {
			path := measure.CaptureFile(b, mix, 10_000)
			b.ReportAllocs()
			for b.Loop() {
				f, err := capture.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for frame, err := range f.Frames() {
					if err != nil || frame.Err != nil {
						b.Fatal(err, frame.Err)
					}
					n++
				}
				if n != measure.CapturePackets() {
					b.Fatal("packets", n)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			measure.File(b, measure.CapturePackets())
		})
	}
}
