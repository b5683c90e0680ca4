package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sample = `goos: linux
BenchmarkDecode
BenchmarkDecode/impl=sgsim/frame=tcp4/size=64
BenchmarkDecode/impl=sgsim/frame=tcp4/size=64-2         	    3291	     2560 ns/op	         0 allocs/pkt	        10.5 ns/pkt
BenchmarkDecode/impl=hand/frame=tcp4/size=64
BenchmarkDecode/impl=hand/frame=tcp4/size=64            	    3291	     1280 ns/op	         0 allocs/pkt	         7.0 ns/pkt
BenchmarkEvaluateKernel/impl=nftables/path=new/rules=10
    nftables_linux_test.go:42: nft is not installed
--- SKIP: BenchmarkEvaluateKernel/impl=nftables/path=new/rules=10
BenchmarkTrack/impl=sgsim/family=v4/conns=10000
    conntrack_test.go:77: not tracked {}
--- FAIL: BenchmarkTrack/impl=sgsim/family=v4/conns=10000
PASS
`

func TestParse(t *testing.T) {
	r, skipped := results{}, map[string]string{}
	failed := r.parse(sample, skipped)
	assert.Equal(t, []string{"Track/impl=sgsim/family=v4/conns=10000: not tracked {}"}, failed)
	assert.Equal(t, map[string]string{"Evaluate/impl=nftables/path=new/rules=10": "nft is not installed"}, skipped)
	r.parse(strings.ReplaceAll(sample, "10.5 ns/pkt", "20.5 ns/pkt"), skipped)
	s, ok := r.ns("Decode/impl=sgsim/frame=tcp4/size=64")
	assert.True(t, ok)
	assert.Equal(t, stat{15.5, 10.5, 20.5}, s)
	s, ok = ratio("Decode/impl=sgsim/frame=tcp4/size=64", "Decode/impl=hand/frame=tcp4/size=64")(r)
	assert.True(t, ok)
	assert.InDelta(t, 15.5/7, s.median, 1e-9)
	assert.InDelta(t, 1.5, s.min, 1e-9)
}

func fixed(v float64) measure { return func(results) (stat, bool) { return stat{v, v, v}, true } }

func missing(results) (stat, bool) { return stat{}, false }

func TestOutcome(t *testing.T) {
	slow := results{"Floor/load=dependent/KiB=16": {"ns/op": {1.5 * 2.6}}} // the only yardstick measured
	tests := []struct {
		g    goal
		v    float64
		want string
	}{
		{goal{most: 30}, 30, "reached"},
		{goal{most: 30}, 45, "missed, by 1.50 x"},
		{goal{most: 30, wish: 20}, 20, "reached, and the hoped-for 20"},
		{goal{most: 30, why: "waits"}, 60, "missed, by 2 x<br>why: *waits*"},
		{goal{most: 30, pace: core}, 60, "missed, by 2 x, 1.33 x at this pace"},
		{goal{most: 30, pace: core}, 45, "missed, by 1.50 x; reached at this pace"},
		{goal{least: 8, pace: core}, 4, "missed, by 2 x, 1.33 x at this pace"},
		{goal{most: 30, parts: []part{{"decoding", fixed(9), "ns"}, {"waiting", missing, "ns"}}}, 60, "missed, by 2 x<br>in the same run: decoding 9 ns"},
		{goal{beside: true}, 60, ""},
		{goal{most: 0}, 0, "reached"},
		{goal{most: 0}, 1, "missed"},
		{goal{least: 8}, 8.1, "reached"},
		{goal{least: 8}, 4, "missed, by 2 x"},
	}
	for _, tt := range tests {
		tt.g.measure = fixed(tt.v)
		assert.Equal(t, strings.Replace(tt.want, "by 2 x", "by 2.00 x", 1), tt.g.outcome(slow))
	}
	assert.Equal(t, "not measured", goal{most: 1, measure: missing}.outcome(slow))
}

// Time is counted to the benchmark that was named last, however the output is cut
// into pieces.
func TestDurations(t *testing.T) {
	d := durations{}
	var out strings.Builder
	w := d.watch(&out)
	for _, r := range sample {
		_, err := w.Write([]byte(string(r)))
		require.NoError(t, err)
	}
	w.stop()
	assert.Equal(t, sample, out.String())
	assert.Contains(t, d, "Decode/impl=hand/frame=tcp4/size=64")
	assert.Len(t, d, 5)
	d = durations{"a": 2 * time.Second, "b": 61 * time.Second, "c": time.Second}
	assert.Equal(t, []string{"  1m1s  b", "    2s  a"}, d.longest(2))
}

func TestProfileOf(t *testing.T) {
	assert.Equal(t, profile{"x",
		[]share{{"conntrack.(*Table).Track", 31.25}, {"runtime.memmove", 4.5}, {"bench.BenchmarkTrack", 0}, {"bench.wrapper", 0}},
		[]share{{"bench.wrapper", 38.5}},
	}, profileOf("x", `File: bench.test
Showing top 3 nodes out of 9
      flat  flat%   sum%        cum   cum%
         0     0%     0%      1.60s   100%  github.com/sgsim/sgsim/bench.BenchmarkTrack
         0     0%     0%      0.61s 38.50%  bench.wrapper
     0.50s 31.25% 31.25%      0.60s 37.50%  github.com/sgsim/sgsim/conntrack.(*Table).Track (inline)
     0.07s  4.5% 35.75%      0.07s  4.5%  runtime.memmove
`))
}

// every is a result for each benchmark that the charts name.
func every() results {
	r := results{}
	for _, c := range charts {
		for i, s := range c.series {
			for j, x := range c.xs {
				r[fmt.Sprintf(s.pattern, x)] = map[string][]float64{"ns/pkt": {float64(10 * (i + 1) * (j + 1))}}
			}
		}
	}
	return r
}

// Every goal that a machine may miss has a reason to give, and every reason has its
// text, which holds no figure: those are measured.
func TestReasons(t *testing.T) {
	used := map[reason]bool{}
	for _, g := range goals {
		if g.unit == "" || g.beside {
			continue // allocations are nobody's but the code's
		}
		assert.Contains(t, reasons, g.why, g.what)
		used[g.why] = true
	}
	for r, text := range reasons {
		assert.True(t, used[r], r)
		assert.NotRegexp(t, `[0-9]`, text)
	}
}

func TestPaces(t *testing.T) {
	r := results{}
	_, ok := core.factor(r)
	assert.False(t, ok)
	for i, then := range []float64{2.6, 10.3} { // the first two of core
		r[fmt.Sprintf("Floor/load=dependent/KiB=%d", []int{16, 1024}[i])] = map[string][]float64{"ns/op": {float64(i+1) * then}}
	}
	f, ok := core.factor(r)
	assert.True(t, ok)
	assert.InDelta(t, 1.5, f, 1e-9)
}

func TestDocument(t *testing.T) {
	r := every()
	text := document{header: header{machine: machine{CPU: "cpu"}, Profiles: []profile{{"Decode/x", []share{{"a", 31.2}}, nil}}}, results: r, skipped: map[string]string{"Replay/impl=tcpdump": "not installed"}}.markdown()
	assert.Contains(t, text, "| path=new/hops=1/family=v4/proto=tcp/rules=1000 |")
	assert.Contains(t, text, "| Decode/x | 31% a |  |")
	assert.Len(t, document{}.unmeasured(), len(goals))
	assert.Contains(t, text, "- Replay/impl=tcpdump: not installed")
	for _, g := range goals {
		assert.Contains(t, text, "| "+g.what+" |")
	}
	for line := range strings.Lines(text) { // every table is rectangular
		if strings.HasPrefix(line, "|") {
			assert.True(t, strings.HasSuffix(line, "|\n"), line)
		}
	}
}

func TestGrowthIsXML(t *testing.T) {
	for _, r := range []results{{}, every()} {
		svg := growth(r)
		assert.NotContains(t, svg, "%!")
		assert.NotContains(t, svg, "NaN")
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else {
				require.NoError(t, err)
			}
		}
	}
}

// No name of a series leaves the picture, or stands on another.
func TestChartLabelsFit(t *testing.T) {
	r := every()
	for name := range r {
		r[name]["ns/pkt"][0] *= 10_000 // as wide as a figure gets
	}
	for _, c := range charts {
		var w strings.Builder
		c.draw(&w, r)
		at, found := -1000.0, 0
		for line := range strings.Lines(w.String()) {
			_, text, ok := strings.Cut(line, fmt.Sprintf(`<text x="%d" y="`, labelAt))
			if !ok {
				continue
			}
			var y float64
			_, err := fmt.Sscanf(text, `%f"`, &y)
			require.NoError(t, err)
			text = text[strings.IndexByte(text, '>')+1 : strings.IndexByte(text, '<')]
			assert.LessOrEqual(t, labelAt+letter*len(text), chartWidth, text)
			assert.GreaterOrEqual(t, y-at, 12.0, text)
			at = y
			found++
		}
		assert.Equal(t, len(c.series), found)
	}
}

func TestReplaceBetweenMarkers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.WriteFile(path, []byte("head\n"+markerBegin+"\nold\n"+markerEnd+"\nfoot\n"), 0o644))
	require.NoError(t, replaceBetweenMarkers(path, "new\n"))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "head\n"+markerBegin+"\nnew\n"+markerEnd+"\nfoot\n", string(b))
	require.NoError(t, os.WriteFile(path, []byte("no markers"), 0o644))
	assert.ErrorContains(t, replaceBetweenMarkers(path, "new\n"), "no marker lines")
}

// The README has the lines between which the command writes.
func TestReadmeHasMarkers(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	assert.Contains(t, string(b), markerBegin+"\n")
	assert.Contains(t, string(b), markerEnd)
}

// What a run has measured can be written out again.
func TestSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw.txt")
	h := header{machine{CPU: "cpu", Commit: "abc", Rounds: 3}, []profile{{"Decode", []share{{"a", 31.2}}, nil}}}
	require.NoError(t, save(path, h, []byte(sample)))
	d, err := saved(path)
	require.NoError(t, err)
	assert.Equal(t, h, d.header)
	s, ok := d.results.ns("Decode/impl=hand/frame=tcp4/size=64")
	assert.True(t, ok)
	assert.InDelta(t, 7.0, s.median, 1e-9)
	require.NoError(t, os.WriteFile(path, []byte("something else"), 0o644))
	_, err = saved(path)
	assert.Error(t, err)
}
