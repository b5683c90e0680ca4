package diff_test

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A timed packet, seconds after noon.
type timed struct {
	second int
	text   string
}

// packets is a capture of packets.
type packets []*capture.Frame

func capturedPackets(t testing.TB, all ...timed) (ps packets) {
	for i, p := range all {
		data := packettest.Ethernet(t, p.text)
		f := &capture.Frame{Time: noon.Add(time.Duration(p.second) * time.Second), Number: i + 1, LinkType: packet.LinkEthernet, Length: len(data), Data: data}
		f.Err = packet.Decode(f.LinkType, data, len(data), &f.Header)
		ps = append(ps, f)
	}
	return ps
}

func (ps packets) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		for _, f := range ps {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// A database behind a rule that goes, and a web server with flows that no table tracks.
var (
	siteBefore = site(sg.Rule{Protocol: sg.TCP, Ports: sg.Port(5432), Peer: sg.MustCIDR("10.0.1.0/24")}, sg.HTTP.From(sg.AnyIPv4))
	siteAfter  = site(sg.Rule{Protocol: sg.TCP, Ports: sg.Port(22), Peer: sg.MustCIDR("10.0.1.0/24")})
)

func site(db sg.Rule, web ...sg.Rule) *sg.Topology {
	return &sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-db", Ingress: []sg.Rule{db}},
			{ID: "sg-web", Ingress: web, Egress: []sg.Rule{{Protocol: sg.AllProtocols, Peer: sg.AnyIPv4}}},
		},
		ENIs: []sg.ENI{
			{ID: "eni-db", Addrs: mustip.Addrs("10.0.2.20"), Groups: []sg.GroupID{"sg-db"}},
			{ID: "eni-web", Addrs: mustip.Addrs("10.0.1.10"), Groups: []sg.GroupID{"sg-web"}},
		},
	}
}

func siteCapture(t testing.TB) packets {
	return capturedPackets(t,
		timed{0, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"},
		timed{0, "tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA"},
		timed{1, "tcp 198.51.100.7:50001 > 10.0.1.10:80 S"},
		timed{1, "tcp 10.0.1.10:80 > 198.51.100.7:50001 SA"},
		timed{5, "tcp 198.51.100.7:50001 > 10.0.1.10:80 A len 10"},
		timed{15, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 A len 10"}, // tracked
		timed{16, "tcp 198.51.100.7:50001 > 10.0.1.10:80 A len 10"},
		timed{20, "tcp 10.0.1.10:40002 > 10.0.2.20:5432 S"},
		timed{21, "tcp 10.0.1.10:40003 > 10.0.2.20:22 S"},
		timed{22, "tcp 10.0.1.10:40002 > 10.0.2.20:5432 S"},
	)
}

// Connections that are open at the change live on where they are tracked and die where
// they are not; what comes later is refused, or let in.
func TestReplayChangeInMidCapture(t *testing.T) {
	r, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, siteAfter), &diff.ReplayOptions{At: noon.Add(10 * time.Second)}, siteCapture(t))
	require.NoError(t, err)
	require.Len(t, r.Flows, 3)

	refused, died, opened := r.Flows[0], r.Flows[1], r.Flows[2]
	assert.Equal(t, []any{uint64(8), uint64(2), uint64(1), false, true}, []any{refused.Number, refused.Packets, refused.Connections, refused.Died, refused.Breaks()})
	assert.Equal(t, "sg-db ingress[0]", refused.Before.Rule.String())
	assert.Equal(t, diff.Fate{Verdict: sg.Drop, Reason: sg.NoRule, ENI: "eni-db", Direction: sg.Ingress}, refused.After)
	assert.Equal(t, []any{uint64(7), true, sg.Untracked}, []any{died.Number, died.Died, died.Before.Reason})
	assert.Equal(t, []any{uint64(9), true}, []any{opened.Number, opened.Opens()})

	require.Len(t, r.Kept, 1)
	k := r.Kept[0]
	assert.Equal(t, []any{sg.ENIID("eni-db"), "tcp 10.0.1.10:40001 > 10.0.2.20:5432", noon, false}, []any{k.ENI, k.Tuple.String(), k.Since, k.Closed})
	assert.Equal(t, noon.Add(15*time.Second+432_000*time.Second), k.Expires)
	assert.Empty(t, r.Ended)
}

// Without a time, the second policy is in force from the start.
func TestReplayFromTheStart(t *testing.T) {
	r, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, siteAfter), nil, siteCapture(t))
	require.NoError(t, err)
	require.Len(t, r.Flows, 3)
	assert.Equal(t, []any{uint64(1), uint64(5), uint64(2)}, []any{r.Flows[0].Number, r.Flows[0].Packets, r.Flows[0].Connections})
	assert.Empty(t, r.Kept)

	same, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, siteBefore), nil, siteCapture(t))
	require.NoError(t, err)
	assert.Empty(t, same.Flows)
}

// A mirrored copy is judged after the change where it was before: at the interface that
// sent it, whatever the other end would say.
func TestReplayMirrored(t *testing.T) {
	ps := capturedPackets(t, timed{0, "udp 10.0.2.20:4000 > 10.0.9.9:4789"})
	f := ps[0]
	f.Data = packettest.VXLAN(t, "udp 10.0.2.20:4000 > 10.0.9.9:4789", 7, packettest.Ethernet(t, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"))
	f.Length = len(f.Data)
	require.NoError(t, packet.Decode(f.LinkType, f.Data, f.Length, &f.Header))
	silent := site(siteBefore.Groups[0].Ingress[0])
	silent.Groups[1].Egress = nil
	p := compile(t, silent)
	r, err := diff.Replay(context.Background(), p, p, nil, ps)
	require.NoError(t, err)
	assert.EqualValues(t, 1, r.Report.Of(sg.Accept).Packets)
	assert.Empty(t, r.Flows)
}

// Two configurations of one policy are compared as two policies are.
func TestReplayTwoConfigurations(t *testing.T) {
	p := compile(t, siteBefore)
	midstream := capturedPackets(t, timed{0, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 A len 10"})
	r, err := diff.Replay(context.Background(), p, p, &diff.ReplayOptions{After: sg.Options{Midstream: sg.MidstreamPass}}, midstream)
	require.NoError(t, err)
	require.Len(t, r.Flows, 1)
	assert.Equal(t, []any{sg.OutOfState, sg.ByRule}, []any{r.Flows[0].Before.Reason, r.Flows[0].After.Reason})
}

// What differs from its first packet on did not die, though a later step is still to come.
func TestReplayDiffersBeforeLaterStep(t *testing.T) {
	r, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, siteAfter), &diff.ReplayOptions{
		Then: []diff.Step{{At: noon.Add(time.Hour), Policy: compile(t, siteBefore)}},
	}, siteCapture(t))
	require.NoError(t, err)
	require.NotEmpty(t, r.Flows)
	for _, f := range r.Flows {
		assert.False(t, f.Died, "packet %d", f.Number)
	}
}

// A connection that one interface let out and the other not in is kept at the one, and
// nobody says since when.
func TestReplayKeptHalfWay(t *testing.T) {
	after := *siteBefore
	after.Groups = slices.Clone(after.Groups)
	after.Groups[1].Egress = nil
	half := capturedPackets(t,
		timed{0, "tcp 10.0.1.10:40001 > 10.0.2.20:22 S"},
		timed{20, "tcp 198.51.100.7:50001 > 10.0.1.10:80 S"},
	)
	r, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, &after), &diff.ReplayOptions{At: noon.Add(10 * time.Second)}, half)
	require.NoError(t, err)
	require.Len(t, r.Kept, 1)
	assert.Equal(t, sg.ENIID("eni-web"), r.Kept[0].ENI)
	assert.Zero(t, r.Kept[0].Since)
	var text, json, page bytes.Buffer
	d := diff.Policies(compile(t, siteBefore), compile(t, &after))
	require.NoError(t, r.WriteText(&text, diff.TextOptions{}))
	require.NoError(t, diff.WriteJSON(&json, d, r))
	require.NoError(t, diff.WriteHTML(&page, d, r, &diff.PageOptions{}))
	for _, b := range []bytes.Buffer{text, json, page} {
		assert.Contains(t, b.String(), "40001")
		assert.NotContains(t, b.String(), "0001-01-01")
	}
}

// An interface that goes takes its connections with it.
func TestReplayEnded(t *testing.T) {
	gone := *siteBefore
	gone.ENIs = gone.ENIs[1:]
	r, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, &gone), &diff.ReplayOptions{At: noon.Add(10 * time.Second)}, siteCapture(t))
	require.NoError(t, err)
	require.Len(t, r.Ended, 1)
	assert.Equal(t, []any{sg.ENIID("eni-db"), noon.Add(15 * time.Second)}, []any{r.Ended[0].ENI, r.Ended[0].Expires})
	var text bytes.Buffer
	require.NoError(t, r.WriteText(&text, diff.TextOptions{}))
	assert.Contains(t, text.String(), "until 2026-03-01T12:00:15Z; opened by")
}

// Any number of workers gives the same bytes.
func TestReplayWorkers(t *testing.T) {
	var all []string
	for _, workers := range []int{1, 4} {
		before, after := compile(t, siteBefore), compile(t, siteAfter)
		r, err := diff.Replay(context.Background(), before, after, &diff.ReplayOptions{At: noon.Add(10 * time.Second), Workers: workers}, siteCapture(t))
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, diff.WriteJSON(&b, diff.Policies(before, after), r))
		require.NoError(t, diff.WriteMarkdown(&b, diff.Policies(before, after), r, diff.TextOptions{}))
		require.NoError(t, r.WriteText(&b, diff.TextOptions{}))
		all = append(all, b.String())
	}
	assert.Equal(t, all[0], all[1])
	assert.Contains(t, all[0], "passing only because they are tracked: 1 connection")
}

// Worlds follow on each other, and a time of day is the first one in the capture.
func TestReplayWorldsWithTimes(t *testing.T) {
	at := func(s string) time.Time {
		day, err := time.Parse(time.TimeOnly, s)
		require.NoError(t, err)
		return day
	}
	before, after := compile(t, siteBefore), compile(t, siteAfter)
	o := &diff.ReplayOptions{At: at("12:00:10"), Then: []diff.Step{{At: at("12:00:21"), Policy: before}, {At: at("12:00:22"), Policy: after}}}
	r, err := diff.Replay(context.Background(), before, after, o, siteCapture(t))
	require.NoError(t, err)
	var numbers []uint64
	for _, f := range r.Flows {
		numbers = append(numbers, f.Number)
	}
	assert.Equal(t, []uint64{8, 7}, numbers) // not 9: the rules of before are back then
	assert.EqualValues(t, 2, r.Flows[0].Packets)
	require.Len(t, r.Kept, 2)
	assert.Equal(t, []time.Time{noon.Add(15 * time.Second), noon.Add(22 * time.Second)}, []time.Time{r.Kept[0].Changed, r.Kept[1].Changed})
	var b bytes.Buffer
	require.NoError(t, r.WriteText(&b, diff.TextOptions{}))
	assert.Contains(t, b.String(), "  from 2026-03-01T12:00:15Z on\n")

	// One before the first packet is that of the next day, which the capture does not reach.
	r, err = diff.Replay(context.Background(), before, after, &diff.ReplayOptions{At: at("11:59:59")}, siteCapture(t))
	require.NoError(t, err)
	assert.Empty(t, r.Flows)
}

// A connection that begins anew from the same port is another one: it did not die with the
// change, and began when it did.
func TestReplayPortUsedAgain(t *testing.T) {
	r, err := diff.Replay(context.Background(), compile(t, siteBefore), compile(t, siteAfter), &diff.ReplayOptions{At: noon.Add(10 * time.Second)}, capturedPackets(t,
		timed{0, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"},
		timed{1, "tcp 10.0.2.20:5432 > 10.0.1.10:40001 RA"},
		timed{0, "tcp 10.0.1.10:40002 > 10.0.2.20:5432 S"},
		timed{1, "tcp 10.0.2.20:5432 > 10.0.1.10:40002 RA"},
		timed{5, "tcp 10.0.1.10:40002 > 10.0.2.20:5432 S"},
		timed{6, "tcp 10.0.2.20:5432 > 10.0.1.10:40002 SA"},
		timed{20, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"},
	))
	require.NoError(t, err)
	require.Len(t, r.Flows, 1)
	assert.False(t, r.Flows[0].Died, "a SYN opens a connection of its own")
	require.NotEmpty(t, r.Kept)
	for _, k := range r.Kept {
		assert.Equal(t, noon.Add(5*time.Second), k.Since.UTC(), "%s at %s", k.Tuple, k.ENI)
	}
}
