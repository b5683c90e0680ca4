package packetlog_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// What these tests have in common with those of replay.
type script = replaytest.Script

var (
	began              = replaytest.Began
	addr, site, policy = replaytest.Addr, replaytest.Site, replaytest.Policy
	withACLs           = replaytest.WithACLs
	format, flowLog    = replaytest.Format, replaytest.FlowLog
	topologyOf         = replaytest.TopologyOf
)

// A packet that the output's format cannot hold is an error with its place.
func TestSplitNamesThePacket(t *testing.T) {
	var in bytes.Buffer
	w := capture.NewWriter(&in, capture.PcapNG, nil)
	data := packettest.Ethernet(t, "udp 10.0.1.10:53 > 10.0.2.20:4000 len 10")
	for i, at := range []time.Time{began, began.AddDate(100, 0, 0)} { // pcap ends in 2106
		require.NoError(t, w.WriteFrame(&capture.Frame{Number: i + 1, Time: at, LinkType: packet.LinkEthernet, Length: len(data), Data: data}))
	}
	require.NoError(t, w.Flush())
	for _, workers := range []int{1, 2} {
		f, err := capture.NewReader(bytes.NewReader(in.Bytes()), "in")
		require.NoError(t, err)
		o := replay.Options{Workers: workers, Observer: &packetlog.Split{Dropped: capture.NewWriter(io.Discard, capture.Pcap, nil)}}
		_, err = replay.Run(t.Context(), policy(t, site()), &o, script{}, f)
		var bad *packetlog.FrameError
		require.ErrorAs(t, err, &bad)
		assert.ErrorIs(t, err, capture.ErrTime)
		assert.Equal(t, 1, bad.Source)
		assert.Equal(t, 2, bad.Packet)
		record := 32 + (len(data)+3)&^3
		assert.EqualValues(t, in.Len()-record, bad.Offset)
		assert.Contains(t, err.Error(), fmt.Sprintf("byte %d: packet 2: ", bad.Offset))
	}
}

// What outputs keep of words is bounded, though names may be of any length.
func TestLongNames(t *testing.T) {
	const rules = 64
	topo := &sg.Topology{Groups: []sg.Group{{ID: sg.GroupID("sg-" + strings.Repeat("a", 1<<20))}}}
	topo.ENIs = []sg.ENI{{ID: "eni-web", Addrs: replaytest.Addr("10.0.1.10"), Groups: []sg.GroupID{topo.Groups[0].ID}}}
	for i := range rules {
		topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.SSH.From(sg.MustCIDR(fmt.Sprintf("192.0.2.%d/32", i))))
	}
	knock := replaytest.Header("tcp 192.0.2.0:1 > 10.0.1.10:22 S")
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, output := range map[string]replay.Observer{
		"text":      packetlog.NewText(io.Discard, replay.TextOptions{}),
		"jsonl":     packetlog.NewJSONL(io.Discard),
		"annotated": packetlog.NewAnnotated(io.Discard, topo, sg.Via{}),
	} {
		before := heap()
		r, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: output}, replaytest.Numbered(2*rules, func(i int, h *packet.Header) time.Duration {
			*h = knock
			h.Src[15] = byte(i)
			if i >= rules { // nearest is a rule for another port
				h.DstPort++
			}
			return 0
		}))
		require.NoError(t, err)
		assert.EqualValues(t, rules, r.Of(sg.Accept).Packets)
		assert.Less(t, max(heap(), before)-before, uint64(40<<20), name)
		runtime.KeepAlive(output)
	}
}

// untimed is a capture whose packets have no times.
type untimed script

func (u untimed) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		for f, err := range script(u).Frames() {
			f.Time = time.Time{}
			if !yield(f, err) {
				return
			}
		}
	}
}

// No output makes up a time.
func TestUntimed(t *testing.T) {
	var lines, log bytes.Buffer
	j := packetlog.NewJSONL(&lines)
	l, err := packetlog.NewFlowLog(&log, site(), packetlog.FlowLogOptions{Format: format(t, "${srcaddr} ${start} ${end} ${log-status}")})
	require.NoError(t, err)
	_, err = replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: replay.Observers(j, l)}, untimed{"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S"})
	require.NoError(t, err)
	require.NoError(t, j.Flush())
	require.NoError(t, l.Flush())
	assert.Regexp(t, `^{"packet":1,"src":`, lines.String())
	assert.Equal(t, "198.51.100.1 - - OK\n- - - NODATA\n", log.String())
}
