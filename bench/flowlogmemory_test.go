package bench

import (
	"flag"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/sg/flowlog"
)

var long = flag.Bool("long", false, "a flow log of a million records instead of a fifth of that")

// A flow log of any length is read in the same memory.
func TestFlowLogMemory(t *testing.T) {
	n := 200_000
	if *long {
		n = 1_000_000
	}
	limit := uint64(2 << 20) // bytes
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(corpus.WriteFlowLog(pw, flowlog.AllFields(5), uint64(n))) }()
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	r := flowlog.NewReader("log", pr, nil)
	o := flowlog.NewOpeners(1000)
	records := 0
	for rec, err := range r.Records() {
		require.NoError(t, err)
		o.Of(rec)
		if records++; records%(n/10) == 0 {
			require.Less(t, live(), before+limit, "after %d records", records)
		}
	}
	require.Equal(t, n, records)
}
