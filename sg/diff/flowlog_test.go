package diff_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// siteLog is the flow log that AWS would write of a capture.
func siteLog(t *testing.T, ps packets) *flowlog.Reader {
	format, err := flowlog.ParseFormat("${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags} ${flow-direction}")
	require.NoError(t, err)
	var b bytes.Buffer
	w, err := packetlog.NewFlowLog(&b, siteBefore, packetlog.FlowLogOptions{Format: format, Interval: time.Minute})
	require.NoError(t, err)
	_, err = replay.Run(t.Context(), compile(t, siteBefore), &replay.Options{Observer: w}, ps)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	return flowlog.NewReader("site.log", &b, &flowlog.Options{Formats: []flowlog.Format{format}})
}

// Records fare as their packets do; what a log cannot tell stays unknown.
func TestReplayLog(t *testing.T) {
	r, err := diff.ReplayLog(context.Background(), compile(t, siteBefore), compile(t, siteAfter), nil, siteLog(t, siteCapture(t)))
	require.NoError(t, err)
	require.NotNil(t, r.Log)
	assert.Nil(t, r.Report)
	var b strings.Builder
	require.NoError(t, r.WriteText(&b, diff.TextOptions{}))
	assert.Contains(t, b.String(), "broken, ")
	assert.Contains(t, b.String(), " records of flow logs: ")
	require.NotEmpty(t, r.Flows)
	broken := map[string]uint64{}
	opened := map[string]uint64{}
	for _, f := range r.Flows {
		switch {
		case f.Breaks():
			broken[string(f.Before.ENI)+" "+f.Protocol.String()] += f.Connections
		case f.Opens():
			opened[string(f.After.ENI)] += f.Connections
		}
		assert.Equal(t, "site.log", f.Position.File)
		assert.NotZero(t, f.Records)
	}
	assert.Equal(t, map[string]uint64{"eni-db tcp": 2, "eni-web tcp": 1}, broken)
	assert.Equal(t, map[string]uint64{"eni-db": 1}, opened)

	same, err := diff.ReplayLog(context.Background(), compile(t, siteBefore), compile(t, siteBefore), nil, siteLog(t, siteCapture(t)))
	require.NoError(t, err)
	assert.Empty(t, same.Flows)

	// A rule for one type of ICMP decides nothing about a record of ICMP.
	ping := site(sg.Rule{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(8, -1), Peer: sg.AnyIPv4})
	r, err = diff.ReplayLog(context.Background(), compile(t, siteBefore), compile(t, ping), nil, siteLog(t, capturedPackets(t, timed{0, "icmp 192.0.2.9 > 10.0.2.20 8/0"})))
	require.NoError(t, err)
	require.Len(t, r.Flows, 1)
	assert.Equal(t, []any{sg.Drop, sg.Unknown, flowreplay.NoICMPType}, []any{r.Flows[0].Before.Verdict, r.Flows[0].After.Verdict, r.Flows[0].After.Undecided})
	b.Reset()
	require.NoError(t, r.WriteText(&b, diff.TextOptions{}))
	assert.Contains(t, b.String(), "0 connections broken, 0 connections opened, 1 unknown\n         before or after")
	assert.Contains(t, b.String(), "unknown, no_icmp_type")
}

// Records may tell any number of packets; a sum that does not fit is the most that does.
func TestReplayLogCounts(t *testing.T) {
	line := "2 - eni-db 10.0.1.10 10.0.2.20 40001 5432 6 %d 40 1767225600 1767225660 ACCEPT OK\n"
	log := flowlog.NewReader("site.log", strings.NewReader(fmt.Sprintf(line+line, uint64(math.MaxUint64), 2)), nil)
	r, err := diff.ReplayLog(t.Context(), compile(t, siteBefore), compile(t, siteAfter), nil, log)
	require.NoError(t, err)
	require.Len(t, r.Flows, 1)
	assert.Equal(t, []uint64{math.MaxUint64, 2}, []uint64{r.Flows[0].Packets, r.Flows[0].Records})
}

// A change in the course of a log leaves connections that live on only because they are tracked.
func TestReplayLogChange(t *testing.T) {
	ps := capturedPackets(t,
		timed{0, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"},
		timed{0, "tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA"},
		timed{1, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 A len 100"},
		timed{130, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 A len 100"},
		timed{131, "tcp 10.0.1.10:40002 > 10.0.2.20:5432 S"},
	)
	r, err := diff.ReplayLog(context.Background(), compile(t, siteBefore), compile(t, siteAfter), &diff.ReplayOptions{At: noon.Add(time.Minute)}, siteLog(t, ps))
	require.NoError(t, err)
	require.Len(t, r.Kept, 1)
	assert.Equal(t, []any{sg.ENIID("eni-db"), "tcp 10.0.1.10:40001 > 10.0.2.20:5432", noon}, []any{r.Kept[0].ENI, r.Kept[0].Tuple.String(), r.Kept[0].Since})
	require.Len(t, r.Flows, 1)
	assert.Equal(t, "tcp 10.0.1.10:40002 > 10.0.2.20:5432 S", r.Flows[0].First.String())
}

// So does the end of a long record of a connection of which only the server sent much.
func TestReplayLogDownload(t *testing.T) {
	log := flowlog.NewReader("site.log", strings.NewReader(`interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action tcp-flags flow-direction
eni-db 10.0.1.10 10.0.2.20 40001 5432 6 10 524 1767225600 1767226190 ACCEPT 2 ingress
eni-db 10.0.2.20 10.0.1.10 5432 40001 6 10 9000 1767225600 1767226190 ACCEPT 18 egress
eni-db 10.0.1.10 10.0.2.20 40001 5432 6 10 524 1767226200 1767226210 ACCEPT 0 ingress
`), nil)
	r, err := diff.ReplayLog(t.Context(), compile(t, siteBefore), compile(t, siteAfter), &diff.ReplayOptions{At: time.Unix(1767226195, 0)}, log)
	require.NoError(t, err)
	assert.Len(t, r.Kept, 1)
	assert.Empty(t, r.Flows)
}
