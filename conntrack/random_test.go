package conntrack

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sgsim/sgsim/packet"
)

var randomSeeds = flag.Int("seeds", 500, "random runs of the table against the model, for each profile; without -long a fifth of them")

// A world draws packets from so few endpoints that connections meet.
type world struct {
	*rand.Rand
	addrs []netip.Addr
	now   time.Time
	seen  []packet.Header // to be quoted, answered and repeated
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0)}
	for _, a := range []string{"10.0.0.1", "10.0.0.2", "198.51.100.3", "2001:db8::1", "2001:db8::2", "::ffff:10.0.0.1"} {
		w.addrs = append(w.addrs, netip.MustParseAddr(a))
	}
	return w
}

func pick[T any](w *world, list ...T) T { return list[w.IntN(len(list))] }

// pass lets time go by, and sometimes backwards.
func (w *world) pass() {
	w.now = w.now.Add(pick(w, 0, 0, 0, 1, time.Millisecond, time.Second, 9*time.Second,
		10*time.Second, 29*time.Second, 30*time.Second-1, 30*time.Second, 60*time.Second, 119*time.Second,
		300*time.Second-1, 600*time.Second, -time.Second, 432_000*time.Second))
}

func (w *world) packet() packet.Header {
	if len(w.seen) > 0 && w.IntN(2) == 0 {
		h := pick(w, w.seen...)
		if w.IntN(2) == 0 {
			h = reversed(h)
		}
		return w.dress(h)
	}
	src, dst := pick(w, w.addrs[:3]...), pick(w, w.addrs[:3]...)
	if w.IntN(3) == 0 {
		src, dst = pick(w, w.addrs[3:5]...), pick(w, w.addrs[3:5]...)
	}
	sport, dport := pick(w, uint16(1000), 1001, 80), pick(w, uint16(80), 1000)
	var h packet.Header
	switch w.IntN(10) {
	case 0, 1, 2, 3:
		h = packet.TCPHeader(netip.AddrPortFrom(src, sport), netip.AddrPortFrom(dst, dport), packet.SYN)
	case 4, 5, 6:
		h = packet.UDPHeader(netip.AddrPortFrom(src, sport), netip.AddrPortFrom(dst, dport))
	case 7, 8:
		h = packet.ICMPHeader(src, dst, 8, uint8(w.IntN(2)), uint16(w.IntN(3)))
		if h.Family == packet.IPv6 {
			h.ICMPType = 128
		}
	default:
		h = packet.IPHeader(src, dst, pick(w, packet.GRE, packet.ESP, packet.SCTP, packet.DCCP, packet.UDPLite,
			packet.NoNext, packet.Protocol(0), packet.Protocol(255)))
		if h.Protocol.HasPorts() {
			h.SrcPort, h.DstPort = sport, dport
		}
	}
	if h.Protocol == packet.ICMP && h.Family == packet.IPv6 {
		h.Protocol = packet.ICMPv6
	}
	return w.dress(h)
}

// reversed turns a packet round.
func reversed(h packet.Header) packet.Header {
	t := h.Tuple().Reverse()
	h.Src, h.Dst = t.Src, t.Dst
	if h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6 {
		h.ICMPType, _, _ = t.ICMP()
		return h
	}
	h.SrcPort, h.DstPort = t.SrcPort, t.DstPort
	return h
}

// dress gives a packet what its connection is not known by.
func (w *world) dress(h packet.Header) packet.Header {
	if h.Protocol == packet.TCP {
		h.TCPFlags = pick(w, packet.SYN, packet.SYN, packet.SYN|packet.ACK, packet.SYN|packet.ACK, packet.ACK,
			packet.ACK, packet.ACK|packet.PSH, packet.FIN|packet.ACK, packet.FIN|packet.ACK, packet.RST,
			packet.RST|packet.ACK, packet.SYN|packet.FIN, 0, packet.FIN, packet.SYN|packet.ECE|packet.CWR, packet.TCPFlags(w.IntN(256)))
		h.Seq, h.Ack = pick(w, uint32(0), 1000, 1001, 1011, w.Uint32()), pick(w, uint32(0), 1000, 1001, 1011, w.Uint32())
		h.Window = pick(w, uint16(0), 1000, 65535)
		h.PayloadLen = pick(w, uint32(0), 0, 10, 1400)
	}
	switch w.IntN(40) {
	case 0:
		h.MoreFrags = true
		h.FragID = uint32(w.IntN(3))
	case 1, 2:
		h.FragOffset, h.FragID = 8, uint32(w.IntN(3))
		h.MoreFrags = w.IntN(2) == 0
	case 3:
		h.Missing = packet.Missing(1 << w.IntN(5))
	case 4, 5, 6:
		if len(w.seen) > 0 {
			q := pick(w, w.seen...)
			e := packet.IPHeader(pick(w, w.addrs...), q.SrcAddr(), packet.ICMP)
			e.Src, e.Dst, e.Family = q.Dst, q.Src, q.Family
			e.Protocol, e.ICMPType = packet.ICMP, pick(w, uint8(3), 4, 5, 11, 12)
			if q.Family == packet.IPv6 {
				e.Protocol, e.ICMPType = packet.ICMPv6, pick(w, uint8(1), 2, 3, 4, 100)
			}
			if w.IntN(8) == 0 {
				e.Dst[15]++
			}
			e.Quoted = packet.Quote{Tuple: q.Tuple(), Part: pick(w, packet.QuoteTuple, packet.QuoteTuple, packet.QuoteAddresses, packet.QuoteNone)}
			return e
		}
	case 7:
		if h.Protocol == packet.ICMPv6 || h.Protocol == packet.ICMP {
			h.ICMPType, h.HopLimit = uint8(w.IntN(256)), pick(w, uint8(255), 64)
		}
	}
	return h
}

// TestTableAgainstModel gives the same random calls to the table and to the
// model, and wants the same answers.
func TestTableAgainstModel(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"aws", Config{}},
		{"aws,pickup,max", Config{Pickup: true, MaxEntries: 5, Timeouts: Timeouts{TCPEstablished: 60 * time.Second}}},
		{"linux", Config{Profile: Linux, Pickup: true}},
		{"linux,max", Config{Profile: Linux, MaxEntries: 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seeds := *randomSeeds
			if !*long {
				seeds = (seeds + 4) / 5
			}
			if testing.Short() {
				seeds = min(seeds, 40)
			}
			for seed := range uint64(seeds) {
				if msg := compareRun(c.cfg, seed); msg != "" {
					t.Fatalf("seed %d: %s", seed, msg)
				}
			}
		})
	}
}

func compareRun(cfg Config, seed uint64) string {
	w := newWorld(seed)
	table, err := NewTable(cfg)
	if err != nil {
		return err.Error()
	}
	m := newModel(cfg)
	for step := range 400 {
		w.pass()
		z := pick(w, Zone(0), 1, 1, 2, nearZones+5)
		h := w.packet()
		what := fmt.Sprintf("step %d at %v zone %d %v flags %v", step, w.now.UTC(), z, h.Tuple(), h.TCPFlags)
		switch w.IntN(30) {
		case 0:
			to := Timeouts{TCPEstablished: pick(w, 0, 60*time.Second, 350*time.Second), UDP: pick(w, 0, 45*time.Second), UDPStream: pick(w, 0, 60*time.Second)}
			if e1, e2 := table.SetTimeouts(z, to), m.SetTimeouts(z, to); (e1 == nil) != (e2 == nil) {
				return fmt.Sprintf("%s: SetTimeouts: %v, want %v", what, e1, e2)
			}
		case 1:
			max, zones := w.IntN(4), pick(w, []Zone{0, 1}, []Zone{z}, []Zone{0, 1, 2, nearZones + 5})
			table.Limit(max, zones...)
			m.Limit(max, zones...)
		case 2:
			odd := func(e Entry) bool { return e.Tag&1 == 1 }
			zones := pick(w, nil, []Zone{z})
			if got, want := table.DeleteFunc(w.now, odd, zones...), m.DeleteFunc(w.now, odd, zones...); got != want {
				return fmt.Sprintf("%s: DeleteFunc: %d, want %d", what, got, want)
			}
		case 3:
			table.Expire(w.now, w.IntN(3))
			m.Expire(w.now, 0)
		case 4:
			table, m = table.Clone(), m.clone()
		case 5:
			if got, want := table.Commit(z, &h, w.now, uint32(step)), m.Commit(z, &h, w.now, uint32(step)); got != want {
				return fmt.Sprintf("%s: Commit: %v, want %v", what, got, want)
			}
		default:
			if w.IntN(3) == 0 {
				got, gotEntry := table.Peek(z, &h, w.now)
				want, wantEntry := m.Peek(z, &h, w.now)
				if answerOf(got) != want || gotEntry != wantEntry {
					return fmt.Sprintf("%s: Peek:\n got %+v %+v\nwant %+v %+v", what, answerOf(got), gotEntry, want, wantEntry)
				}
			}
			got, want := table.Track(z, &h, w.now), m.Track(z, &h, w.now)
			if answerOf(got) != want {
				return fmt.Sprintf("%s: Track:\n got %+v\nwant %+v", what, answerOf(got), want)
			}
			if got.Class() == New && w.IntN(4) > 0 {
				if got, want := table.Commit(z, &h, w.now, uint32(step)), m.Commit(z, &h, w.now, uint32(step)); got != want {
					return fmt.Sprintf("%s: Commit: %v, want %v", what, got, want)
				}
			}
			if h.Fragment() {
				accepted := w.IntN(2) == 0
				table.CommitFragment(z, &h, w.now, accepted)
				m.CommitFragment(z, &h, w.now, accepted)
			}
			if len(w.seen) < 20 {
				w.seen = append(w.seen, h)
			}
		}
		zones := pick(w, nil, nil, []Zone{z})
		got, want := slices.Collect(table.All(w.now, zones...)), slices.Collect(m.All(w.now, zones...))
		if !slices.Equal(got, want) {
			return fmt.Sprintf("%s: All:\n got %+v\nwant %+v", what, got, want)
		}
	}
	table.Expire(w.now, 1<<30)
	m.Expire(w.now, 1<<30)
	if got, want := table.Stats(), m.Stats(); got != want {
		return fmt.Sprintf("Stats:\n got %+v\nwant %+v", got, want)
	}
	if s := table.Stats(); s.Inserted != s.Expired+s.Deleted+uint64(s.Entries) || s.Entries != table.Len() {
		return fmt.Sprintf("Stats do not add up: %+v, %d", s, table.Len())
	}
	return ""
}
