package bench

import (
	"fmt"
	"os"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet/capture"
)

// packets is the number of packets of a capture.
func packets() int {
	if testing.Short() {
		return 20_000
	}
	return 2_000_000
}

// captureFile writes a capture, or finds it written, so that it lies in the page
// cache. SGSIM_BENCH_DIR names a directory that outlives the process, for runs of
// several; without it the file goes with the benchmark.
func captureFile(tb testing.TB, mix corpus.Mix, flows int) string {
	dir := os.Getenv("SGSIM_BENCH_DIR")
	if dir == "" {
		dir = tb.TempDir()
	}
	path, err := corpus.WriteCapture(dir, corpus.CaptureSpec{Packets: packets(), Flows: flows, Sizes: mix, Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// BenchmarkCapture reads a file of the page cache from its first packet to its
// last. decode=yes is what [capture.File.Frames] gives, headers decoded.
func BenchmarkCapture(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		b.Run(fmt.Sprintf("impl=sgsim/decode=yes/size=%d", mix.Mean()), func(b *testing.B) {
			path := captureFile(b, mix, 10_000)
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
				if n != packets() {
					b.Fatal("packets", n)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			measure.File(b, packets())
		})
	}
}
