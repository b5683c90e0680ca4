package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/replay"
)

// BenchmarkReplayMemoryOnce replays captures that come out of a pipe, made while
// they are read, and reports how much the process's memory grew at its peak: the
// table, the buffers, the report and what the collector had not yet taken. The
// policy and what makes the capture were there before. GB is the capture's size,
// 1e9 bytes; it must not tell, and the connections must.
func BenchmarkReplayMemoryOnce(b *testing.B) {
	sizes, flows := []float64{1, 20}, 1_000_000
	if testing.Short() {
		sizes, flows = []float64{0.01, 0.1}, 10_000
	}
	for _, gb := range sizes {
		b.Run(fmt.Sprintf("impl=sgsim/size=%d/flows=%d/GB=%g", corpus.IMIX.Mean(), flows, gb), func(b *testing.B) {
			benchReplayMemory(b, flows, int64(gb*1e9))
		})
	}
}

func benchReplayMemory(b *testing.B, flows int, bytes int64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p, err := sg.Compile(corpus.Server(300, corpus.Open))
	if err != nil {
		b.Fatal(err)
	}
	var feed *corpus.Feed
	var grown int64
	for b.Loop() {
		feed = corpus.NewFeed(corpus.CaptureSpec{Packets: 1 << 16, Flows: flows, Sizes: corpus.IMIX, Seed: 1}, bytes)
		debug.FreeOSMemory()
		forgetPeak(b)
		before := memoryOf(b, "VmRSS")
		f, err := capture.NewReader(feed, "feed")
		if err != nil {
			b.Fatal(err)
		}
		r, err := replay.Run(context.Background(), p, nil, f)
		if err != nil {
			b.Fatal(err)
		}
		grown = memoryOf(b, "VmHWM") - before
		if got := r.Of(sg.Accept).Packets; got != uint64(feed.Packets()) {
			b.Fatal("accepted", got, "of", feed.Packets())
		}
	}
	b.ReportMetric(float64(grown)/1e6, "MB-peak")
	b.ReportMetric(float64(grown)/float64(flows), "B/conn")
}

// forgetPeak makes the process's peak of memory what it is now.
func forgetPeak(tb testing.TB) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		tb.Skip("the kernel does not reset VmHWM:", err)
	}
}
