package packetlog_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

var long = flag.Bool("long", false, "large captures as well")

// An output is everything that one replay writes.
type output struct {
	jsonl, text, flowlog, report string
	accepted, dropped, annotated []byte
	packets                      replay.Report
}

func replayFile(t *testing.T, name string, topo *sg.Topology, o replay.Options) output {
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	f, err := capture.Open(name)
	require.NoError(t, err)
	defer f.Close()
	var jsonl, text, flowlog, report, accepted, dropped, annotated bytes.Buffer
	j := packetlog.NewJSONL(&jsonl)
	x := packetlog.NewText(&text, replay.TextOptions{})
	l, err := packetlog.NewFlowLog(&flowlog, topo, packetlog.FlowLogOptions{})
	require.NoError(t, err)
	s := &packetlog.Split{
		Accepted: capture.NewWriter(&accepted, f.Format(), f), Dropped: capture.NewWriter(&dropped, f.Format(), f),
	}
	a := packetlog.NewAnnotated(&annotated, topo, o.Via)
	o.Observer = replay.Observers(j, x, l, s, a)
	r, err := replay.Run(t.Context(), policy, &o, f)
	require.NoError(t, err)
	for _, flush := range []func() error{j.Flush, x.Flush, l.Flush, s.Accepted.Flush, s.Dropped.Flush, a.Flush} {
		require.NoError(t, flush())
	}
	require.NoError(t, r.WriteText(&report, replay.TextOptions{}))
	return output{
		jsonl.String(), text.String(), flowlog.String(), report.String(), accepted.Bytes(), dropped.Bytes(), annotated.Bytes(), *r,
	}
}

// Every capture replays to its end in every format, nothing is lost on the way,
// and the number of workers shows nowhere.
func TestSharedCaptures(t *testing.T) {
	for name, packets := range replaytest.Captures(t, *long) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			topo := topologyOf(t, name)
			got := replayFile(t, name, topo, replay.Options{})
			r := &got.packets
			assert.EqualValues(t, packets, r.Packets)
			assert.Equal(t, r.Packets, r.Of(sg.Accept).Packets+r.Of(sg.Drop).Packets+r.Of(sg.Unknown).Packets+r.Of(sg.NotApplicable).Packets)
			assert.Equal(t, packets, strings.Count(got.jsonl, "\n"))
			assert.Equal(t, packets, len(regexp.MustCompile(`(?m)^ *\d+ +-?\d+\.\d{6}  `).FindAllString(got.text, -1)))
			for line := range strings.Lines(got.text + got.report) {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
			}
			checkSplit(t, name, &got)
			checkAnnotated(t, name, got.annotated)
			for _, workers := range []int{2, 3, 7} {
				again := replayFile(t, name, topo, replay.Options{Workers: workers})
				assert.Equal(t, got.jsonl, again.jsonl, "%d workers", workers)
				assert.Equal(t, got.flowlog, again.flowlog, "%d workers", workers)
				assert.Equal(t, got.report, again.report, "%d workers", workers)
				assert.Equal(t, got.accepted, again.accepted, "%d workers", workers)
				assert.Equal(t, got.annotated, again.annotated, "%d workers", workers)
			}
		})
	}
}

// checkSplit compares the two written captures with the packets of the source
// that were judged.
func checkSplit(t *testing.T, name string, got *output) {
	accepted, dropped := frames(t, got.accepted), frames(t, got.dropped)
	f, err := capture.Open(name)
	require.NoError(t, err)
	defer f.Close()
	lines := strings.Split(got.jsonl, "\n")
	for f, err := range f.Frames() {
		require.NoError(t, err)
		var line struct{ Verdict string }
		require.NoError(t, json.Unmarshal([]byte(lines[f.Number-1]), &line))
		from := &accepted
		switch line.Verdict {
		case "drop":
			from = &dropped
		case "not_applicable", "unknown":
			continue
		}
		require.NotEmpty(t, *from)
		if f.Time.IsZero() { // files have no way to say that
			f.Time = time.Unix(0, 0).UTC()
		}
		require.Equal(t, (*from)[0], fmt.Sprintf("%v %v %d %x", f.Time, f.LinkType, f.Length, f.Data))
		*from = (*from)[1:]
	}
	assert.Empty(t, accepted)
	assert.Empty(t, dropped)
}

// checkAnnotated compares the annotated capture with its source: every packet is there,
// once or at two ends, with a comment.
func checkAnnotated(t *testing.T, name string, file []byte) {
	source, err := os.ReadFile(name)
	require.NoError(t, err)
	was, is := frames(t, source), frames(t, file)
	packets, _ := blocks(t, file)
	require.Len(t, packets, len(is))
	last := uint64(0)
	for i, p := range packets {
		require.Contains(t, []uint64{last, last + 1}, p.id)
		untimed := strings.Replace(was[p.id-1], "0001-01-01", "1970-01-01", 1) // the format has no other word for it
		require.Equal(t, untimed, is[i])
		require.Contains(t, p.comments, "|")
		last = p.id
	}
	assert.EqualValues(t, len(was), last)
}

func frames(t *testing.T, file []byte) []string {
	f, err := capture.NewReader(bytes.NewReader(file), "written")
	require.NoError(t, err)
	var out []string
	for f, err := range f.Frames() {
		require.NoError(t, err)
		out = append(out, fmt.Sprintf("%v %v %d %x", f.Time, f.LinkType, f.Length, f.Data))
	}
	return out
}
