package bench

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

// BenchmarkFloor measures what the machine itself takes, whatever is run on it. What it
// takes for a case of another benchmark stands beside that, as impl=floor.
func BenchmarkFloor(b *testing.B) {
	sizes := []int{16 << 10, 1 << 20, 64 << 20, 512 << 20}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		lines := mapLines(b, size)
		b.Run(fmt.Sprintf("impl=machine/load=dependent/KiB=%d", size>>10), func(b *testing.B) { benchDependent(b, lines) })
		unmapLines(b, lines)
	}
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprintf("impl=machine/spin/cores=%d", cores), func(b *testing.B) { benchSpin(b, cores) })
	}
	for _, page := range []int{os.Getpagesize(), hugePage} {
		b.Run(fmt.Sprintf("impl=machine/touch/KiB=%d", page>>10), func(b *testing.B) { benchTouch(b, page) })
	}
}

// BenchmarkTrackFloor loads a line of memory as large as the table, for each packet: less
// finds no connection. impl=headers makes what BenchmarkTrack is given, which is counted
// to every implementation there.
func BenchmarkTrackFloor(b *testing.B) {
	loads(b, "family=v4/conns=%d")
	b.Run("impl=headers/family=v4/conns=10000", benchHeaders)
}

// BenchmarkEvaluateFloor is BenchmarkTrackFloor for frames.
func BenchmarkEvaluateFloor(b *testing.B) {
	loads(b, "path=established/hops=1/family=v4/proto=tcp/rules=300/conns=%d")
}

func loads(b *testing.B, name string) {
	for _, n := range measure.Conns() {
		lines := mapLines(b, max(os.Getpagesize(), 1<<bits.Len(uint(48*n-1)))) // bytes of a connection, and a power of two
		b.Run("impl=floor/"+fmt.Sprintf(name, n), func(b *testing.B) { benchIndependent(b, lines) })
		unmapLines(b, lines)
	}
}

// BenchmarkCaptureFloor loads the first byte of each packet of a file.
func BenchmarkCaptureFloor(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		b.Run(fmt.Sprintf("impl=floor/decode=yes/size=%d", mix.Mean()), func(b *testing.B) { benchWalkFile(b, mix, 10_000) })
	}
}

// BenchmarkReplayFloor is BenchmarkCaptureFloor for the captures that are replayed.
func BenchmarkReplayFloor(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		for _, flows := range measure.Flows() {
			b.Run(fmt.Sprintf("impl=floor/size=%d/flows=%d/cores=1", mix.Mean(), flows), func(b *testing.B) { benchWalkFile(b, mix, flows) })
		}
	}
}

// A line is a cache line that names another.
type line struct {
	next uint64
	_    [56]byte
}

const hugePage = 2 << 20

// mapMemory returns size bytes outside Go's heap, on pages of 2 MiB where they are
// wanted and the kernel grants them: what it does instead is its floor.
func mapMemory(b *testing.B, size int, huge bool) []byte {
	m, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		b.Fatal(err)
	}
	if huge {
		_ = syscall.Madvise(m, syscall.MADV_HUGEPAGE)
	}
	return m
}

// benchTouch touches pages for the first time, and reports the longest wait for one:
// that of most runs, in the middle.
func benchTouch(b *testing.B, page int) {
	size := 512 << 20 // as much as 10 million connections take
	if testing.Short() {
		size = 16 << 20
	}
	var worst []float64
	for b.Loop() {
		m := mapMemory(b, size, page == hugePage)
		longest := time.Duration(0)
		for at := 0; at < size; at += page {
			start := time.Now()
			m[at] = 1
			longest = max(longest, time.Since(start))
		}
		worst = append(worst, float64(longest))
		if err := syscall.Munmap(m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(middle(worst), "ns-worst")
}

// mapLines returns size bytes of memory in which the lines form one cycle in random
// order.
func mapLines(b *testing.B, size int) []line {
	m := mapMemory(b, size, true)
	lines := unsafe.Slice((*line)(unsafe.Pointer(&m[0])), size/64)
	for i := range lines {
		lines[i].next = uint64(i)
	}
	rng := rand.New(rand.NewPCG(9, 9)) // Sattolo's shuffle: one cycle
	for i := len(lines) - 1; i > 0; i-- {
		j := rng.IntN(i)
		lines[i].next, lines[j].next = lines[j].next, lines[i].next
	}
	return lines
}

func unmapLines(b *testing.B, lines []line) {
	if err := syscall.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&lines[0])), len(lines)*64)); err != nil {
		b.Fatal(err)
	}
}

func benchDependent(b *testing.B, lines []line) {
	i := uint64(0)
	for b.Loop() {
		i = lines[i].next
	}
	runtime.KeepAlive(i)
}

func benchIndependent(b *testing.B, lines []line) {
	mask := uint64(len(lines) - 1) // a power of two
	state, s := uint64(1), uint64(0)
	for b.Loop() {
		state = state*6364136223846793005 + 1442695040888963407
		s += lines[state>>33&mask].next
	}
	runtime.KeepAlive(s)
	measure.Per(b, "pkt", 1)
}

// benchSpin does arithmetic in registers, in as many goroutines as cores. Its
// time per operation falls by half with a second core if that is really there.
func benchSpin(b *testing.B, cores int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	const rounds = 1 << 20
	for b.Loop() {
		var wg sync.WaitGroup
		for range cores {
			wg.Go(func() {
				x := uint64(1)
				for range rounds / cores {
					x = x*6364136223846793005 + 1442695040888963407
				}
				runtime.KeepAlive(x)
			})
		}
		wg.Wait()
	}
}

func benchHeaders(b *testing.B) {
	s := newStream(packet.IPv4, 10_000, both)
	sum := uint16(0)
	measure.Packets(b, len(s.draws), func(lo, hi int) {
		for ; lo < hi; lo += ahead {
			for i := range s.next() {
				sum += s.headers[i].SrcPort
			}
		}
	})
	runtime.KeepAlive(sum)
}

// benchWalkFile maps a capture and reads the first byte of every packet's IP
// header: less is no reader.
func benchWalkFile(b *testing.B, mix corpus.Mix, flows int) {
	f, err := os.Open(measure.CaptureFile(b, mix, flows))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	s := uint64(0)
	for b.Loop() {
		m, err := syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
		if err != nil {
			b.Fatal(err)
		}
		for o := 24; o < len(m); {
			s += uint64(m[o+16+14])
			o += 16 + int(*(*uint32)(unsafe.Pointer(&m[o+8])))
		}
		if err := syscall.Munmap(m); err != nil {
			b.Fatal(err)
		}
	}
	runtime.KeepAlive(s)
	measure.File(b, measure.CapturePackets())
}
