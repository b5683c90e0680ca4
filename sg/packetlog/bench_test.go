package packetlog_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// conversations are packets of established connections between the two ENIs of
// the site, each of which meets two ENIs.
func conversations(conns int) []capture.Frame {
	var s script
	for i := range conns {
		port := 1024 + i
		s = append(s,
			fmt.Sprintf("0 tcp 10.0.1.10:%d > 10.0.2.20:5432 S", port),
			fmt.Sprintf("0 tcp 10.0.2.20:5432 > 10.0.1.10:%d SA", port),
			fmt.Sprintf("0 tcp 10.0.1.10:%d > 10.0.2.20:5432 A", port),
			fmt.Sprintf("0 tcp 10.0.2.20:5432 > 10.0.1.10:%d A len 500", port))
	}
	var out []capture.Frame
	for f, err := range s.Frames() {
		if err != nil {
			panic(err)
		}
		out = append(out, *f)
	}
	return out
}

// BenchmarkRun judges decoded packets at both ends, and writes what an observer
// makes of them to nowhere. What reading a file costs comes on top: see bench.
func BenchmarkRun(b *testing.B) {
	frames := conversations(1000)
	for _, out := range []string{"none", "jsonl", "text", "flowlog"} {
		b.Run("out="+out+"/hops=2/conns=1000", func(b *testing.B) {
			o := &replay.Options{}
			switch out {
			case "jsonl":
				o.Observer = packetlog.NewJSONL(io.Discard)
			case "text":
				o.Observer = packetlog.NewText(io.Discard, replay.TextOptions{})
			case "flowlog":
				f, err := packetlog.NewFlowLog(io.Discard, site(), packetlog.FlowLogOptions{})
				if err != nil {
					b.Fatal(err)
				}
				o.Observer = f
			}
			p := policy(b, site())
			const packets = 100_000
			b.ReportAllocs()
			for b.Loop() {
				r, err := replay.Run(context.Background(), p, o, replaytest.Loop(frames, packets))
				if err != nil || r.Of(sg.Accept).Packets != packets {
					b.Fatal(r.Of(sg.Accept), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packets, "ns/pkt")
		})
	}
}
