package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample is what two rounds print.
const sample = `goos: linux
cpu: AMD EPYC
BenchmarkTrack
BenchmarkTrack/impl=gomap/family=v4/conns=1000
BenchmarkTrack/impl=gomap/family=v4/conns=1000         	    3291	        31.0 ns/pkt
BenchmarkTrack/impl=sgsim/family=v4/conns=1000         	    3291	         0 allocs/pkt	        10.0 ns/pkt
BenchmarkTrack/impl=sgsim/family=v4/conns=1000         	    3291	         0 allocs/pkt	        20.0 ns/pkt
BenchmarkTrack/impl=sgsim/family=v4/conns=10000        	    3291	         0 allocs/pkt	        12.0 ns/pkt
BenchmarkTrack/impl=gomap/family=v4/conns=1000         	    3291	        29.0 ns/pkt
BenchmarkDecode/impl=sgsim/frame=tcp4/size=64          	    3291	       7.125 ns/pkt
BenchmarkDecode/impl=hand/frame=tcp4/size=64           	    3291	       6.000 ns/pkt
BenchmarkMemory/impl=sgsim/family=v4/conns=1000000     	       1	  55.20 B/conn	 3060000 ns-gc	 1000 ns/conn
--- FAIL: BenchmarkMemory/impl=gomap/family=v4
`

func sampled(t *testing.T) *runner {
	r := &runner{commit: "abc", rounds: 2}
	r.results, r.cpu = read([]byte(sample))
	require.Len(t, r.results, 6)
	return r
}

func TestMarkdown(t *testing.T) {
	text := sampled(t).markdown()
	assert.Contains(t, text, "| machine | AMD EPYC, ")
	assert.Contains(t, text, "## Track\n\n| case | sgsim | gomap |\n|---|---|---|\n"+
		"| family=v4/conns=1000 | 15.0 ns -33% +33%, 0 allocs/pkt | 30.0 ns ~ x2.00 |\n"+
		"| family=v4/conns=10000 | 12.0 ns +0% +0%, 0 allocs/pkt | |\n")
	assert.Contains(t, text, "| family=v4/conns=1000000 | 1.00 µs +0% +0%, 55.2 B/conn, 3.06 ms-gc |\n")
	assert.NotContains(t, text, "## Replay")
}

// Where all rounds agree on which is faster, the ratio is sure.
func TestCompare(t *testing.T) {
	own := &result{impl: "sgsim", unit: "sec/pkt", samples: map[string][]float64{"sec/pkt": {10e-9, 11e-9, 12e-9, 13e-9, 14e-9}}}
	peer := &result{impl: "peer", unit: "sec/pkt", samples: map[string][]float64{"sec/pkt": {20e-9, 24e-9, 22e-9, 23e-9, 21e-9}}}
	assert.Equal(t, "22.0 ns x1.83", peer.cell(own))
	peer.samples["sec/pkt"][0] = 10e-9
	peer.samples["sec/pkt"][1] = 11e-9
	assert.Equal(t, "22.0 ns ~ x1.83", peer.cell(own))
}

func TestReadme(t *testing.T) {
	r := sampled(t)
	const head, foot = "head\n<!-- bench: written by bench/report -->\n", "<!-- /bench -->\nfoot\n"
	text, err := r.readme(head + "old\n" + foot)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(text, head) && strings.HasSuffix(text, foot), text)
	assert.NotContains(t, text, "old")
	assert.Contains(t, text, "commit abc")
	assert.Contains(t, text, "\n| read the headers of a TCP/IPv4 frame | 7.12 ns | hand 6.00 ns |\n")
	assert.Contains(t, text, "| 55.2 B |  |\n")
	_, err = r.readme("no markers")
	assert.ErrorContains(t, err, "no marker lines")
	old, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, err = r.readme(string(old))
	assert.NoError(t, err)
}

func TestGrowthIsXML(t *testing.T) {
	for _, r := range []results{nil, sampled(t).results} {
		svg, err := growth(r)
		require.NoError(t, err)
		assert.Equal(t, len(r) > 0, strings.Contains(svg, "sgsim, table alone"))
		d := xml.NewDecoder(strings.NewReader(svg))
		for err == nil {
			_, err = d.Token()
		}
		assert.True(t, errors.Is(err, io.EOF), err)
	}
}

// The report knows every benchmark there is, and no other.
func TestNames(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range []string{"..", "../peers"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, f := range files {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func (Benchmark\w+)`).FindAllStringSubmatch(string(text), -1) {
				found[strings.TrimPrefix(ending.ReplaceAllString(m[1], "$1"), "Benchmark")] = true
			}
		}
	}
	for _, n := range names {
		assert.True(t, found[n], n)
		delete(found, n)
	}
	assert.Empty(t, found)
}

// A run measures this tree and an older commit in turn, leaves nothing behind, and
// writes no page into the repository if it is of a part.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two test binaries")
	}
	if exec.Command("git", "rev-parse", "HEAD").Run() != nil {
		t.Skip("no repository")
	}
	t.Setenv("TMPDIR", t.TempDir())
	r := &runner{began: time.Now(), rounds: 2, quick: true, only: "Decode/impl=sgsim/frame=tcp4", base: "HEAD", root: output(".", "git", "rev-parse", "--show-toplevel")}
	require.NoError(t, r.report(t.Context()))
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Len(t, left, 1)
	raw, err := os.ReadFile(filepath.Join(os.TempDir(), left[0].Name(), "raw.txt"))
	require.NoError(t, err)
	results, _ := read(raw)
	for _, impl := range []string{"sgsim", output(".", "git", "rev-parse", "--short=12", "HEAD")} {
		c := results.find("Decode", impl, "frame=tcp4/size=64")
		require.NotNil(t, c, impl)
		assert.Len(t, c.samples["sec/pkt"], 2)
	}
	assert.NotContains(t, output(".", "git", "worktree", "list"), os.TempDir())
}

// What Ctrl-C leaves is as many rounds as are whole.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &runner{began: time.Now(), rounds: 3, binaries: []binary{{path: "true", dir: "."}}}
	assert.ErrorIs(t, r.run(ctx), context.Canceled)
	assert.Zero(t, r.rounds)
}
