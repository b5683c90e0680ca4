package diff_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
)

func TestHTML(t *testing.T) {
	before, err := sg.Compile(siteBefore)
	require.NoError(t, err)
	after, err := sg.Compile(siteAfter)
	require.NoError(t, err)
	traffic, err := diff.Replay(context.Background(), before, after, &diff.ReplayOptions{At: noon.Add(2 * time.Second)}, capturedPackets(t,
		timed{0, "tcp 10.0.1.10:40000 > 10.0.2.20:5432 S"}, timed{1, "tcp 10.0.2.20:5432 > 10.0.1.10:40000 SA"},
		timed{3, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"}, timed{4, "tcp 10.0.1.10:40000 > 10.0.2.20:5432 A"}))
	require.NoError(t, err)
	d := diff.Policies(before, after)
	write := func(traffic *diff.Traffic) *pagetest.Doc {
		var b, doc bytes.Buffer
		require.NoError(t, diff.WriteHTML(&b, d, traffic, &diff.PageOptions{
			TextOptions: diff.TextOptions{Groups: map[sg.GroupID]string{"sg-db": "</script><b>"}, ENIs: map[sg.ENIID]string{"eni-db": `" onclick="x`}},
			Before:      []string{"now.json"}, After: []string{"planned.json"}, Captures: []string{"<i>.pcap"},
		}))
		page := pagetest.Read(b.Bytes())
		assert.Empty(t, page.Problems)
		require.NoError(t, diff.WriteJSON(&doc, d, traffic))
		assert.JSONEq(t, doc.String(), string(page.JSON))
		return page
	}
	page := write(traffic)
	for _, want := range []string{
		"now.json → planned.json", "broken", "opened", "tcp 5432 from 10.0.1.0/24", "</script><b> (sg-db)", "Before: ", "After: ", "nearest",
		"4 captured packets judged by both, of <i>.pcap.", "Passing only because they are tracked", "tcp 10.0.1.10:40000 > 10.0.2.20:5432", "2026-03-01 12:00:00",
	} {
		assert.Contains(t, page.Text, want)
	}
	assert.NotContains(t, write(nil).Text, "Captured traffic")
	var b bytes.Buffer
	require.NoError(t, diff.WriteHTML(&b, d, traffic, nil))
	assert.Contains(t, pagetest.Read(b.Bytes()).Text, "tcp 5432 from 10.0.1.0/24")
}

// Page and JSON say when changes came, and which were too late to be met.
func TestWhenChangesCome(t *testing.T) {
	before, after := compile(t, siteBefore), compile(t, siteAfter)
	traffic, err := diff.Replay(context.Background(), before, after, &diff.ReplayOptions{
		At: noon.Add(2 * time.Second), Then: []diff.Step{{At: noon.Add(time.Hour), Policy: before}},
	}, capturedPackets(t, timed{0, "tcp 10.0.1.10:40000 > 10.0.2.20:5432 S"}, timed{3, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"}))
	require.NoError(t, err)
	var b, doc bytes.Buffer
	require.NoError(t, diff.WriteHTML(&b, diff.Policies(before, after), traffic, &diff.PageOptions{}))
	page := pagetest.Read(b.Bytes())
	assert.Contains(t, page.Text, "The change came at 2026-03-01 12:00:03.000 (UTC).")
	assert.Contains(t, page.Text, "The change of 2026-03-01 13:00:00.000 (UTC) comes after everything that was read: no packet met it.")
	assert.Regexp(t, `2026-03-01 12:00:00\.000\s*2026-03-01 12:00:03\.000`, page.Text, "since, and change")
	require.NoError(t, diff.WriteJSON(&doc, diff.Policies(before, after), traffic))
	assert.Contains(t, doc.String(), `"came": [
      "2026-03-01T12:00:03Z"
    ],
    "late": [
      "2026-03-01T13:00:00Z"
    ]`)
}
