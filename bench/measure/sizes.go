package measure

import (
	"os"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
)

// Sizes that -short cuts, so that every benchmark runs once in seconds and in
// little memory.

// Conns are the numbers of live connections that benchmarks go through.
func Conns() []int {
	if testing.Short() {
		return []int{1_000, 10_000}
	}
	return []int{1_000, 10_000, 100_000, 1_000_000, 10_000_000}
}

// Rules are the numbers of rules of one group that benchmarks go through.
func Rules() []int {
	if testing.Short() {
		return []int{10, 100}
	}
	return []int{10, 100, 300, 1000}
}

// Draws is the number of packets drawn for n connections: few enough for the
// second-level cache where the connections fit there too, else as many as the
// connections, so that packets and entries come from memory.
func Draws(n int) int {
	most := 1 << 20
	if testing.Short() {
		most = 1 << 12
	}
	return min(most, max(1<<14, n))
}

// Flows are the numbers of connections of the captures that are replayed.
func Flows() []int {
	if testing.Short() {
		return []int{10_000}
	}
	return []int{10_000, 200_000}
}

// CapturePackets is the number of packets of a capture.
func CapturePackets() int {
	if testing.Short() {
		return 20_000
	}
	return 2_000_000
}

// CaptureFile writes a capture, or finds it written, so that it lies in the page
// cache. SGSIM_BENCH_DIR names a directory that outlives the process, for runs of
// several; without it the file goes with the benchmark.
func CaptureFile(tb testing.TB, mix corpus.Mix, flows int) string {
	dir := os.Getenv("SGSIM_BENCH_DIR")
	if dir == "" {
		dir = tb.TempDir()
	}
	path, err := corpus.WriteCapture(dir, corpus.CaptureSpec{Packets: CapturePackets(), Flows: flows, Sizes: mix, Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return path
}
