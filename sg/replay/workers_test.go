package replay_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/replay"
)

var long = flag.Bool("long", false, "every number of workers beyond every bound")

// What is remembered within bounds does not depend on the number of workers: each
// capture is more than some bound holds.
func TestWorkersBeyondBounds(t *testing.T) {
	syn, synAck := replaytest.Header("tcp 10.0.1.10:1 > 10.0.2.20:5432 S"), replaytest.Header("tcp 10.0.2.20:1 > 10.0.1.10:5432 SA")
	query := replaytest.Header("udp 198.51.100.1:1 > 10.0.1.10:53 len 24 frag 0+ ipid 7")
	later := replaytest.Header("udp 198.51.100.1 > 10.0.1.10 len 24 frag 32 ipid 7")
	knock, next := replaytest.Header("tcp 192.0.2.1:1 > 10.0.1.10:1 S"), 0
	source := func(h *packet.Header, i int) { binary.BigEndian.PutUint32(h.Src[12:], 0xc6336400+uint32(i)*7) }
	const half = 70_000
	for _, c := range []struct {
		name   string
		source replay.Source
		max    int                       // of connections
		bound  func(*replay.Report) bool // was passed
	}{
		{"fragments", replaytest.Numbered(2*half, func(i int, h *packet.Header) time.Duration {
			*h = query
			if i >= half {
				*h = later
			}
			source(h, i%half)
			h.FragID = uint32(i % half)
			return time.Microsecond
		}), 0, func(r *replay.Report) bool { return 0 < r.Fragments && r.Fragments < half }},
		{"talkers", replaytest.Numbered(half, func(i int, h *packet.Header) time.Duration {
			for *h = knock; i%8 > 0 && conntrack.Part(h) != 0; next++ {
				source(h, next)
			}
			return time.Microsecond
		}), 0, func(r *replay.Report) bool { return r.OtherDrops.Packets > 0 && r.Draw(site(), nil).MoreDrops }},
		{"connections", replaytest.Numbered(270_000, func(i int, h *packet.Header) time.Duration {
			if *h = syn; i%3 == 1 {
				*h = synAck
			}
			h.SrcPort, h.DstPort = uint16(i), uint16(i>>16)+5000
			return time.Millisecond
		}), 0, func(r *replay.Report) bool { return r.Midstream.Incomplete }},
		{"maximum", replaytest.Numbered(half, func(i int, h *packet.Header) time.Duration {
			*h = replaytest.Header("tcp 198.51.100.1:1 > 10.0.1.10:443 S")
			h.SrcPort, h.Src[15] = uint16(i), byte(i>>16)
			return time.Microsecond
		}), half / 2, func(r *replay.Report) bool { return r.Of(sg.Drop).Packets == half/2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			topo := site()
			topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.MustTraffic("DNS (UDP)").From(sg.AnyIPv4))
			p := policy(t, topo)
			var want string
			numbers := []int{1, 7}
			if *long {
				numbers = []int{1, 2, 7, 64}
			}
			for _, workers := range numbers {
				var got []byte
				next = 0
				o := replay.Options{Workers: workers, Firewall: sg.Options{MaxConnections: c.max}, Observer: observe(func(p *replay.Packet) error {
					refused := byte('0')
					if p.Refused {
						refused = '1'
					}
					got = append(got, '0'+byte(p.Outcome.Verdict), '0'+byte(p.Outcome.Reason), refused)
					return nil
				})}
				r, err := replay.Run(t.Context(), p, &o, c.source)
				require.NoError(t, err)
				require.True(t, c.bound(r), "the capture is too small: %+v", r)
				var text strings.Builder
				require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
				if text.Write(got); want == "" {
					want = text.String()
				}
				assert.True(t, want == text.String(), "%d workers", workers)
			}
		})
	}
}

// An ICMP error that is a fragment is with its later fragments, not with the
// connection that it quotes.
func TestWorkersFragmentedErrors(t *testing.T) {
	topo := site()
	topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(3, -1), Peer: sg.AnyIPv4})
	var want []sg.Reason
	for _, workers := range []int{1, 64} {
		var got []sg.Reason
		o := replay.Options{Workers: workers, Firewall: sg.Options{RelatedICMP: true}, Observer: observe(func(p *replay.Packet) error {
			got = append(got, p.Outcome.Reason)
			return nil
		})}
		_, err := replay.Run(t.Context(), policy(t, topo), &o, replaytest.Numbered(3*100, func(i int, h *packet.Header) time.Duration {
			client := fmt.Sprintf("198.51.100.%d", i/3)
			opened := replaytest.Header("tcp " + client + ":9 > 10.0.1.10:443 S")
			switch i % 3 {
			case 0:
				*h = opened
			case 1:
				*h = replaytest.Header(fmt.Sprintf("icmp 203.0.113.%d > 10.0.1.10 3/4", i/3))
				t := opened.Tuple()
				h.Quoted = packet.Quote{Tuple: t.Reverse(), Part: packet.QuoteTuple}
				h.MoreFrags, h.FragID = true, 7
			case 2:
				*h = replaytest.Header(fmt.Sprintf("icmp 203.0.113.%d > 10.0.1.10 frag 24 ipid 7 len 9", i/3))
			}
			return time.Microsecond
		}))
		require.NoError(t, err)
		if want == nil {
			want = got
		}
		assert.Equal(t, want, got, "%d workers", workers)
	}
	assert.Equal(t, []sg.Reason{sg.ByRule, sg.ByRule, sg.Tracked}, want[:3])
}
