package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// BenchmarkMemory fills a table and reports what it costs besides time:
// bytes a connection by resident memory, index included; what a forced garbage
// collection takes more with the table live than before it; and the longest
// single insert while the table grew, by the clock, in which the machine's own
// pauses are too, and by the processor time of sixteen inserts in a row, in which
// there are only its own and the kernel's work for it. An operation is one
// connection opened.
func BenchmarkMemory(b *testing.B) {
	sizes := []int{100_000, 1_000_000, 10_000_000}
	if testing.Short() {
		sizes = []int{100_000}
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("impl=sgsim/family=v4/conns=%d", n), func(b *testing.B) { benchMemory(b, packet.IPv4, n, newTable) })
		if n > 1_000_000 {
			continue
		}
		b.Run(fmt.Sprintf("impl=gomap-tracking/family=v4/conns=%d", n), func(b *testing.B) { benchMemory(b, packet.IPv4, n, newMap) })
		b.Run(fmt.Sprintf("impl=sgsim/family=v6/conns=%d", n), func(b *testing.B) { benchMemory(b, packet.IPv6, n, newTable) })
	}
}

// A filler opens connections and tells how many there are.
type filler struct {
	insert func(*packet.Header) bool
	len    func() int
}

func newTable(b *testing.B) filler {
	t, err := conntrack.NewTable(conntrack.Config{})
	if err != nil {
		b.Fatal(err)
	}
	return filler{func(h *packet.Header) bool { return t.Commit(zone, h, start, 0) }, t.Len}
}

func newMap(*testing.B) filler {
	m := map[flatKey]entry{}
	return filler{func(h *packet.Header) bool {
		m[eitherOf(h)] = entry{state: conntrack.SynSent}
		return true
	}, func() int { return len(m) }}
}

func benchMemory(b *testing.B, fam packet.Family, n int, empty func(*testing.B) filler) {
	runtime.LockOSThread() // whose processor time is asked for
	defer runtime.UnlockOSThread()
	var perConn, gc, worst, worstCPU []float64
	for b.Loop() {
		debug.FreeOSMemory()
		before, idle := memoryOf(b, "RssAnon"), collection()
		t := empty(b)
		var longest, longestCPU time.Duration
		cpu := threadTime(b)
		for i := range n {
			fl := corpus.FlowN(fam, packet.TCP, uint64(i))
			h := fl.Header(false, packet.SYN)
			at := time.Now()
			ok := t.insert(&h)
			longest = max(longest, time.Since(at))
			if !ok {
				b.Fatal("no room")
			}
			if i%16 == 15 {
				now := threadTime(b)
				longestCPU = max(longestCPU, now-cpu)
				cpu = now
			}
		}
		debug.FreeOSMemory()
		perConn = append(perConn, float64(memoryOf(b, "RssAnon")-before)/float64(n))
		gc = append(gc, float64(collection()-idle))
		worst = append(worst, float64(longest))
		worstCPU = append(worstCPU, float64(longestCPU))
		if t.len() != n {
			b.Fatal("connections", t.len())
		}
	}
	measure.Per(b, "conn", n)
	b.ReportMetric(middle(perConn), "B/conn")
	b.ReportMetric(middle(gc), "ns-gc")
	b.ReportMetric(middle(worst), "ns-worst")
	b.ReportMetric(middle(worstCPU), "ns-worst-cpu/16")
}

// threadTime is the processor time that the thread has had.
func threadTime(tb testing.TB) time.Duration {
	const threadClock = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		tb.Fatal("clock_gettime:", errno)
	}
	return time.Duration(t.Nano())
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
