package bench

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// BenchmarkFlowLog reads whole flow logs, header to end. The record of version 2
// has 14 fields and that of version 5 has 29.
func BenchmarkFlowLog(b *testing.B) {
	n := uint64(1_000_000)
	if testing.Short() {
		n = 10_000
	}
	for _, version := range []int{2, 5, 11} {
		var log bytes.Buffer
		require.NoError(b, corpus.WriteFlowLog(&log, flowlog.AllFields(version), n))
		b.Run(fmt.Sprintf("version=%d/in=text", version), func(b *testing.B) { readFlowLog(b, log.Bytes(), n) })
		if version != 5 {
			continue
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write(log.Bytes())
		require.NoError(b, err)
		require.NoError(b, z.Close())
		b.Run(fmt.Sprintf("version=%d/in=gzip", version), func(b *testing.B) { readFlowLog(b, packed.Bytes(), n) })
	}
}

func readFlowLog(b *testing.B, log []byte, n uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		var packets uint64
		r := flowlog.NewReader("log", io.Reader(bytes.NewReader(log)), nil)
		for rec, err := range r.Records() {
			if err != nil {
				b.Fatal(err)
			}
			packets += rec.Packets
		}
		if s := r.Stats(); s.Records != int(n) || s.Damaged != 0 || packets == 0 {
			b.Fatalf("read %+v of %d records", s, n)
		}
	}
	runtime.ReadMemStats(&after)
	records := float64(n) * float64(b.N)
	b.ReportMetric(records/b.Elapsed().Seconds()/1e6, "Mrec/s")
	b.ReportMetric(float64(len(log))*float64(b.N)/b.Elapsed().Seconds()/1e6, "MB/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/records, "allocs/rec")
}

// BenchmarkFlowLogOpeners asks who opened the connection of each record of a log
// that was read before; each has two.
func BenchmarkFlowLogOpeners(b *testing.B) {
	records := make([]flowlog.Record, 1<<15)
	for i := range records {
		corpus.FlowLogRecord(&records[i], uint64(i))
	}
	for b.Loop() {
		o := flowlog.NewOpeners(1 << 14)
		told := 0
		for i := range records {
			if o.Of(&records[i]).Evidence == flowlog.ByFlags {
				told++
			}
		}
		if told < len(records)*9/10 {
			b.Fatalf("flags told of %d of %d", told, len(records))
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(len(records)), "ns/rec")
}
