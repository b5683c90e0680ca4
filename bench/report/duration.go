package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// durations is how long benchmarks have run, with what they prepared, all rounds
// together.
type durations map[string]time.Duration

// longest returns the n that took longest, as text.
func (d durations) longest(n int) (s []string) {
	names := slices.SortedFunc(maps.Keys(d), func(a, b string) int { return -cmp.Compare(d[a], d[b]) })
	for _, name := range names[:min(n, len(names))] {
		s = append(s, fmt.Sprintf("%6s  %s", d[name].Round(time.Second), name))
	}
	return s
}

// watch returns a writer for the output of go test -v, which names a benchmark
// when it starts. It passes everything on to w.
func (d durations) watch(w io.Writer) *watch { return &watch{w: w, d: d, since: time.Now()} }

type watch struct {
	w       io.Writer
	d       durations
	line    []byte // the beginning of one
	running string // what was named last
	since   time.Time
}

func (t *watch) Write(p []byte) (int, error) {
	for chunk := range bytes.Lines(p) {
		t.line = append(t.line, chunk...)
		if !bytes.HasSuffix(chunk, []byte("\n")) {
			break
		}
		if f := strings.Fields(string(t.line)); len(f) == 1 && strings.HasPrefix(f[0], "Benchmark") {
			t.stop()
			t.running = benchName(f[0])
		}
		t.line = t.line[:0]
	}
	return t.w.Write(p)
}

// stop counts the time up to now to what was named last.
func (t *watch) stop() {
	now := time.Now()
	if t.running != "" {
		t.d[t.running] += now.Sub(t.since)
	}
	t.running, t.since = "", now
}
