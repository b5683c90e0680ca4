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
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(done), "ns/pkt")
	b.ReportMetric(float64((after.Mallocs-before.Mallocs)*1000/uint64(done))/1000, "allocs/pkt")
}

// File reports ns/pkt and Mpkt/s of a benchmark whose operation is a whole
// capture of n packets.
func File(b *testing.B, n int) {
	ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(n)
	b.ReportMetric(ns, "ns/pkt")
	b.ReportMetric(1e3/ns, "Mpkt/s")
}
