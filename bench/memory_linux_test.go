package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// BenchmarkMemory fills a table and reports what it costs besides time:
// bytes a connection by resident memory, index included; what a forced garbage
// collection takes more with the table live than before it; and the longest
// single Commit while the table grew, in which the machine's own pauses are too.
// An operation is one connection opened.
func BenchmarkMemory(b *testing.B) {
	sizes := []int{100_000, 1_000_000, 10_000_000}
	if testing.Short() {
		sizes = []int{100_000}
	}
	for _, fam := range []packet.Family{packet.IPv4, packet.IPv6} {
		for _, n := range sizes {
			if fam == packet.IPv6 && n > 1_000_000 {
				continue
			}
			b.Run(fmt.Sprintf("impl=sgsim/family=%s/conns=%d", familyName(fam), n), func(b *testing.B) { benchMemory(b, fam, n) })
		}
	}
}

func benchMemory(b *testing.B, fam packet.Family, n int) {
	var perConn, gc, worst []float64
	for b.Loop() {
		debug.FreeOSMemory()
		before, idle := memoryOf(b, "RssAnon"), collection()
		t, err := conntrack.NewTable(conntrack.Config{})
		if err != nil {
			b.Fatal(err)
		}
		var longest time.Duration
		for i := range n {
			fl := corpus.FlowN(fam, packet.TCP, uint64(i))
			h := fl.Header(false, packet.SYN)
			at := time.Now()
			ok := t.Commit(zone, &h, start, 0)
			longest = max(longest, time.Since(at))
			if !ok {
				b.Fatal("no room")
			}
		}
		debug.FreeOSMemory()
		perConn = append(perConn, float64(memoryOf(b, "RssAnon")-before)/float64(n))
		gc = append(gc, float64(collection()-idle)/1e6)
		worst = append(worst, float64(longest)/1e3)
		if t.Len() != n {
			b.Fatal("connections", t.Len())
		}
		runtime.KeepAlive(t)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/conn")
	b.ReportMetric(middle(perConn), "B/conn")
	b.ReportMetric(middle(gc), "gc-ms")
	b.ReportMetric(middle(worst), "worst-us")
}

func middle(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// collection returns the median time of a forced garbage collection, in
// nanoseconds.
func collection() int64 {
	var ns []float64
	for range 5 {
		at := time.Now()
		runtime.GC()
		ns = append(ns, float64(time.Since(at)))
	}
	return int64(middle(ns))
}

// memoryOf returns a figure of the process's memory, in bytes: RssAnon is what is
// private to it, VmRSS all that is resident, VmHWM the peak of that.
func memoryOf(tb testing.TB, key string) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), key+":")
	field := strings.Fields(rest)
	if len(field) == 0 {
		tb.Skip("the kernel does not tell", key)
	}
	kib, err := strconv.ParseInt(field[0], 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kib << 10
}
