package bench

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// BenchmarkReplay takes a capture from the page cache to a report, every packet
// decided at the server's interface behind 300 rules. With cores=2 two workers
// judge, on two processors. Without out= decisions are counted and nothing is
// written; out=jsonl writes a line a packet to nowhere.
func BenchmarkReplay(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		for _, flows := range measure.Flows() {
			for _, cores := range []int{1, 2} {
				b.Run(fmt.Sprintf("impl=sgsim/size=%d/flows=%d/cores=%d", mix.Mean(), flows, cores), func(b *testing.B) {
					benchReplay(b, mix, flows, cores, nil)
				})
			}
		}
	}
	b.Run("impl=sgsim/size=64/flows=10000/cores=1/out=jsonl", func(b *testing.B) {
		benchReplay(b, corpus.Small, 10_000, 1, packetlog.NewJSONL(io.Discard))
	})
}

func benchReplay(b *testing.B, mix corpus.Mix, flows, cores int, out replay.Observer) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	path := measure.CaptureFile(b, mix, flows)
	p, err := sg.Compile(corpus.Server(300, corpus.Open))
	if err != nil {
		b.Fatal(err)
	}
	o := &replay.Options{Workers: cores, Observer: out}
	b.ReportAllocs()
	for b.Loop() {
		f, err := capture.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r, err := replay.Run(context.Background(), p, o, f)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		if got := r.Of(sg.Accept).Packets; got != uint64(measure.CapturePackets()) {
			b.Fatal("accepted", got)
		}
	}
	measure.File(b, measure.CapturePackets())
}
