package replay_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// captureOf is a capture file of frames.
func captureOf(t testing.TB, all ...[]byte) []byte {
	var out bytes.Buffer
	w := capture.NewWriter(&out, capture.Pcap, nil)
	for i, b := range all {
		f := capture.Frame{Number: i + 1, Time: began.Add(time.Duration(i) * time.Millisecond), LinkType: packet.LinkEthernet, Length: len(b), Data: b}
		require.NoError(t, w.WriteFrame(&f))
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

func file(t testing.TB, b []byte) *capture.File {
	f, err := capture.NewReader(bytes.NewReader(b), "capture")
	require.NoError(t, err)
	return f
}

// runCopies replays captures at the site with every number of workers, and returns
// the report and where and how each packet was judged: "eni-web egress accept".
func runCopies(t testing.TB, o replay.Options, captures ...[]byte) (*replay.Report, []string) {
	t.Helper()
	var report *replay.Report
	var want string
	for _, workers := range []int{1, 2, 5} {
		var b, text bytes.Buffer
		j := packetlog.NewJSONL(&b)
		o.Observer, o.Workers = replay.Observers(j, again{t, sg.NewFirewall(policy(t, site()), &o.Firewall), o.Via}), workers
		var sources []replay.Source
		for _, c := range captures {
			sources = append(sources, file(t, c))
		}
		r, err := replay.Run(t.Context(), policy(t, site()), &o, sources...)
		require.NoError(t, err)
		require.NoError(t, j.Flush())
		require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
		if report == nil {
			report, want = r, b.String()+text.String()
		}
		require.Equal(t, want, b.String()+text.String(), "%d workers", workers)
	}
	var out []string
	for l := range strings.Lines(want) {
		var p struct {
			Verdict, Reason string
			Hops            []struct{ ENI, Direction string }
		}
		if !strings.HasPrefix(l, "{") {
			break
		}
		require.NoError(t, json.Unmarshal([]byte(l), &p), l)
		line := p.Verdict + " " + p.Reason
		for _, h := range p.Hops {
			line += ", " + h.ENI + " " + h.Direction
		}
		out = append(out, line)
	}
	return report, out
}

// again lets a second firewall judge packets, and explain them before.
type again struct {
	testing.TB
	fw  *sg.Firewall
	via sg.Via
}

func (a again) Observe(p *replay.Packet) error {
	x, o := p.Explain(a.fw, a.via), p.Forward(a.fw, a.via)
	require.Equal(a, [2]sg.Verdict{p.Outcome.Verdict, p.Outcome.Verdict}, [2]sg.Verdict{x.Verdict, o.Verdict}, "packet %d", p.Number)
	require.Len(a, o.Hops(), len(p.Outcome.Hops()), "packet %d", p.Number)
	return nil
}

const (
	query     = "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"
	answer    = "tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA"
	atWeb     = "udp 10.0.1.10:4000 > 10.0.9.9:4789"
	atDB      = "udp 10.0.2.20:4000 > 10.0.9.9:4789"
	elsewhere = "udp 10.0.7.7:4000 > 10.0.9.9:4789"
)

// mirror is a copy of a packet, sent as outer says.
func mirror(t testing.TB, outer, inner string) []byte {
	return packettest.VXLAN(t, outer, 7, packettest.Ethernet(t, inner))
}

// A packet that is mirrored at both its ends is judged once at each of them, and a
// repetition is another packet.
func TestCopiesOfBothEnds(t *testing.T) {
	report, lines := runCopies(t, replay.Options{}, captureOf(t,
		mirror(t, atWeb, query), mirror(t, atDB, query),
		mirror(t, atWeb, query),
		mirror(t, atDB, answer), mirror(t, atWeb, answer),
	))
	assert.Equal(t, []string{
		"accept rule, eni-web egress", "accept rule, eni-db ingress",
		"accept tracked, eni-web egress",
		"accept tracked, eni-db egress", "accept tracked, eni-web ingress",
	}, lines)
	assert.Equal(t, replay.Copies{Unwrapped: 5, Placed: 5, Inbound: replay.Inbound{Accepted: 2}}, report.Copies)
}

// Where nobody knows who sent the copies, the second one of a packet does not count.
func TestCopiesFromUnknown(t *testing.T) {
	other := strings.Replace(elsewhere, "10.0.7.7", "10.0.7.8", 1)
	report, lines := runCopies(t, replay.Options{}, captureOf(t,
		mirror(t, elsewhere, query), mirror(t, other, query),
		mirror(t, elsewhere, query), mirror(t, elsewhere, query), mirror(t, other, query),
		mirror(t, atDB, query), mirror(t, elsewhere, answer), mirror(t, other, answer),
	))
	assert.Equal(t, []string{
		"accept rule, eni-web egress, eni-db ingress",
		"accept tracked, eni-web egress, eni-db ingress",
		"accept tracked, eni-web egress, eni-db ingress",
		"accept tracked, eni-db ingress",
		"accept tracked, eni-db egress, eni-web ingress",
	}, lines)
	assert.EqualValues(t, 3, report.Copies.Doubles.Packets)
	assert.EqualValues(t, 5, report.Packets)
	assert.EqualValues(t, 1, report.Copies.Placed)
	assert.EqualValues(t, 4, report.Copies.Strangers, "without the doubles")
	var text bytes.Buffer
	require.NoError(t, report.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "  4 copies were sent by no interface of the topology,")
	assert.Zero(t, report.Doubles)
}

// What two captures hold of the copies of one interface counts once.
func TestCopiesInTwoCaptures(t *testing.T) {
	both := captureOf(t, mirror(t, atWeb, query), mirror(t, atDB, query))
	report, lines := runCopies(t, replay.Options{}, both, both)
	assert.Equal(t, []string{"accept rule, eni-web egress", "accept rule, eni-db ingress"}, lines)
	assert.EqualValues(t, 2, report.Copies.Doubles.Packets)
}

// An inbound copy proves that AWS let the packet in, whatever these groups would do.
func TestCopiesThatContradict(t *testing.T) {
	report, lines := runCopies(t, replay.Options{}, captureOf(t,
		mirror(t, atDB, "tcp 10.0.1.10:40001 > 10.0.2.20:22 S"),
		mirror(t, atWeb, "tcp 10.0.1.10:40001 > 10.0.2.20:22 S"),
	))
	assert.Equal(t, []string{"drop no_rule, eni-db ingress", "drop no_rule, eni-web egress"}, lines)
	assert.Equal(t, replay.Inbound{Dropped: 1}, report.Copies.Inbound)
	var text bytes.Buffer
	require.NoError(t, report.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "1 inbound copy: AWS admitted them all; these groups admit 0 and drop 1\n")
}

// Copies that were cut before their addresses are not taken for an overlay network.
func TestCopiesCutShort(t *testing.T) {
	var in, text bytes.Buffer
	w := capture.NewWriter(&in, capture.Pcap, nil)
	b := mirror(t, atWeb, query)
	require.NoError(t, w.WriteFrame(&capture.Frame{Time: began, LinkType: packet.LinkEthernet, Length: len(b), Data: b[:80]}))
	require.NoError(t, w.Flush())
	report, lines := runCopies(t, replay.Options{}, in.Bytes())
	assert.Equal(t, []string{"not_applicable cut"}, lines)
	require.NoError(t, report.WriteText(&text, replay.TextOptions{}))
	assert.NotContains(t, text.String(), "tunnels of the hosts' own")
}

// A copy that was cut is judged where its ports are there, and not where they are
// not; datagrams that hold no tunnel stay what they are.
func TestCopiesCut(t *testing.T) {
	whole := mirror(t, atWeb, query)
	const headers = 14 + 20 + 8 + 8 + 14 + 20
	cut := func(b []byte, n int) []byte {
		// Mirroring cuts the datagram, not the capture: lengths are those of what is there.
		b = bytes.Clone(b[:n])
		b[16], b[17] = byte((n-14)>>8), byte(n-14)
		b[38], b[39] = byte((n-34)>>8), byte(n-34)
		return b
	}
	report, lines := runCopies(t, replay.Options{}, captureOf(t,
		cut(whole, headers+14), cut(whole, headers+2),
		packettest.Ethernet(t, "udp 192.0.2.1:1 > 10.0.2.20:4789 len 4"),
	))
	assert.Equal(t, []string{
		"accept rule, eni-web egress", "unknown cut, eni-web egress", "drop no_rule, eni-db ingress",
	}, lines)
	assert.EqualValues(t, 2, report.Copies.Unwrapped)
	assert.EqualValues(t, 1, report.Copies.Closed)
}

// What a Gateway Load Balancer redirects comes through an appliance: rules that name a
// group do not match (REF-12). A session that mirrors into one puts VXLAN inside.
func TestCopiesThroughGateway(t *testing.T) {
	gateway := "udp 10.0.8.1:4000 > 10.0.8.8:6081"
	report, lines := runCopies(t, replay.Options{}, captureOf(t,
		packettest.Geneve(t, gateway, packet.Tunnel{Cookie: 5}, packet.LinkIPv4, packettest.IP(t, query)),
		packettest.Geneve(t, gateway, packet.Tunnel{Cookie: 5}, packet.LinkIPv4, mirror(t, atDB, query)[14:]),
	))
	assert.Equal(t, []string{"drop no_rule, eni-web egress", "accept rule, eni-db ingress"}, lines)
	assert.EqualValues(t, 1, report.Copies.Placed)
}

// More tunnels than anybody builds are opened from the outside as far as four.
func TestCopiesTooDeep(t *testing.T) {
	b := packettest.Ethernet(t, query)
	for range 5 {
		b = packettest.VXLAN(t, elsewhere, 7, b)
	}
	report, lines := runCopies(t, replay.Options{}, captureOf(t, b))
	assert.Equal(t, []string{"not_applicable no_interface"}, lines)
	assert.Equal(t, replay.Copies{Unwrapped: 1, Strangers: 1, Closed: 1}, report.Copies)
}

// The groups see the datagrams of an overlay network, not what is inside.
func TestCopiesOfOverlay(t *testing.T) {
	pods := mirror(t, "udp 10.0.1.10:4000 > 10.0.2.20:4789", "tcp 172.16.0.1:1 > 172.16.0.2:2 S")
	_, lines := runCopies(t, replay.Options{}, captureOf(t, packettest.VXLAN(t, atWeb, 7, pods)))
	assert.Equal(t, []string{"drop no_rule, eni-web egress"}, lines)
	_, lines = runCopies(t, replay.Options{}, captureOf(t, pods))
	assert.Equal(t, []string{"not_applicable no_interface"}, lines)
	report, lines := runCopies(t, replay.Options{KeepTunnels: true}, captureOf(t, pods))
	assert.Equal(t, []string{"drop no_rule, eni-web egress"}, lines)
	assert.Zero(t, report.Copies)
}

// A place that is given stands over what the tunnel tells.
func TestCopiesPlaced(t *testing.T) {
	o := replay.Options{Place: func(_ int, f *capture.Frame) replay.Place {
		if f.Header.TCPFlags&packet.ACK != 0 {
			return replay.Place{}
		}
		return replay.Place{ENI: "eni-db", Direction: sg.Ingress}
	}}
	_, lines := runCopies(t, o, captureOf(t, mirror(t, atWeb, query), mirror(t, atWeb, answer)))
	assert.Equal(t, []string{"accept rule, eni-db ingress", "drop no_rule, eni-web ingress"}, lines)
}

// The verdicts of copies are those of the packets inside.
func TestCopiesOfInner(t *testing.T) {
	const cases = "../../../shared/cases/"
	if _, err := os.Stat(cases); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		capture string
		files   []string
	}{
		{"mirror/mirror.pcap", []string{"mirror/groups.json", "mirror/enis_mirror.json", "mirror/vpcs.json"}},
		{"captures/aws-mirror-vxlan.pcap", []string{"captures/topo3.json"}},
	} {
		t.Run(c.capture, func(t *testing.T) {
			for i := range c.files {
				c.files[i] = filepath.Join(cases, c.files[i])
			}
			topo, _, err := load.Files(c.files...)
			require.NoError(t, err)
			if len(topo.ENIs) == 0 {
				topo.ENIs = []sg.ENI{{ID: "web", Addrs: addr("10.0.1.10"), Groups: []sg.GroupID{"sg-b"}}}
			}
			judge := func(open func(f *capture.Frame)) (lines []string) {
				f, err := capture.Open(filepath.Join(cases, c.capture))
				require.NoError(t, err)
				defer f.Close()
				var all [][]byte
				for f, err := range f.Frames() {
					require.NoError(t, err)
					open(f)
					all = append(all, bytes.Clone(f.Data))
				}
				var b bytes.Buffer
				j := packetlog.NewJSONL(&b)
				_, err = replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: j}, file(t, captureOf(t, all...)))
				require.NoError(t, err)
				require.NoError(t, j.Flush())
				for l := range strings.Lines(b.String()) {
					_, verdict, _ := strings.Cut(l, `,"verdict"`)
					lines = append(lines, verdict)
				}
				return lines
			}
			inner := judge(func(f *capture.Frame) { f.Data = f.Data[50:] })
			copies := judge(func(*capture.Frame) {})
			assert.Equal(t, inner, copies)
			assert.Contains(t, strings.Join(copies, ""), `"drop"`)
			assert.Contains(t, strings.Join(copies, ""), `"accept"`)
		})
	}
}
