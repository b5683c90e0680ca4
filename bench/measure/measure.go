// Package measure holds the loops that benchmarks of sgsim and of its peers have
// in common, so that both are timed the same way.
package measure

import (
	"runtime"
	"testing"
)

// batch is the number of packets between two calls of b.Loop, whose few
// nanoseconds would else be counted to each packet.
const batch = 256

// Packets calls body for the packets from lo to hi-1, for all n of them again and
// again, and reports ns/pkt and allocs/pkt. An operation is a batch.
func Packets(b *testing.B, n int, body func(lo, hi int)) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	lo, done := 0, 0
	for b.Loop() {
		hi := min(lo+batch, n)
		body(lo, hi)
		done += hi - lo
		if lo = hi; lo == n {
			lo = 0
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(0, "ns/op") // a batch is nobody's unit
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(done), "ns/pkt")
	b.ReportMetric(float64((after.Mallocs-before.Mallocs)*1000/uint64(done))/1000, "allocs/pkt")
}

// File reports ns/pkt of a benchmark whose operation is a whole capture of n packets.
func File(b *testing.B, n int) {
	Per(b, "pkt", n)
}

// Per reports the time of each of the n parts of an operation, in place of its own.
func Per(b *testing.B, part string, n int) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+part)
}
