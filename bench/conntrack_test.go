package bench

import (
	"fmt"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// zone is the zone of the server.
const zone conntrack.Zone = 1

// openTable returns a table with n established TCP connections.
func openTable(tb testing.TB, fam packet.Family, n int) *conntrack.Table {
	t, err := conntrack.NewTable(conntrack.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		fl := corpus.FlowN(fam, packet.TCP, uint64(i))
		h := fl.Header(false, packet.SYN)
		if !t.Commit(zone, &h, start, 0) {
			tb.Fatal("no room")
		}
		h = fl.Header(true, packet.SYN|packet.ACK)
		t.Track(zone, &h, start)
		h = fl.Header(false, packet.ACK)
		if r := t.Track(zone, &h, start); r.State() != conntrack.Established {
			tb.Fatal("connection", i, "is", r)
		}
	}
	return t
}

// BenchmarkTrack finds the connection of a TCP segment and advances its state, in
// both directions, beside Go maps that do the same and that do less, on the same
// segments. Making the headers is counted to all alike.
func BenchmarkTrack(b *testing.B) {
	for _, fam := range []packet.Family{packet.IPv4, packet.IPv6} {
		for _, n := range measure.Conns() {
			if fam == packet.IPv6 && n > 1_000_000 {
				continue
			}
			name := fmt.Sprintf("/family=%s/conns=%d", familyName(fam), n)
			var t *conntrack.Table // of both cases
			opened := func(b *testing.B) *conntrack.Table {
				if t == nil {
					t = openTable(b, fam, n)
				}
				return t
			}
			b.Run("impl=sgsim"+name, func(b *testing.B) { benchTrack(b, fam, opened(b)) })
			if n >= 10_000 {
				b.Run(fmt.Sprintf("impl=sgsim%s/prefetch=%d", name, batch), func(b *testing.B) { benchTrackBatch(b, fam, opened(b)) })
			}
			t = nil
			if fam == packet.IPv6 {
				continue
			}
			var m map[flatKey]entry // of both cases
			filled := func() map[flatKey]entry {
				if m == nil {
					m = goMap(n)
				}
				return m
			}
			b.Run("impl=gomap-tracking"+name, func(b *testing.B) { benchGoMapTracking(b, filled()) })
			b.Run("impl=gomap"+name, func(b *testing.B) { benchGoMap(b, filled()) })
			if n <= 1_000_000 {
				b.Run("impl=gomap-netip"+name, func(b *testing.B) { benchGoMapNetip(b, n) })
			}
		}
	}
}

func benchTrack(b *testing.B, fam packet.Family, t *conntrack.Table) {
	s := newStream(fam, t.Len(), both)
	now := start
	measure.Packets(b, len(s.draws), func(lo, hi int) {
		for ; lo < hi; lo += ahead {
			headers := s.next()
			now = now.Add(ahead * step)
			for i := range headers {
				if r := t.Track(zone, &headers[i], now); r.Class() != conntrack.Tracked {
					b.Fatal("not tracked", r)
				}
			}
		}
	})
}

// batch is how many packets a table is told of ahead.
const batch = 32

// benchTrackBatch is benchTrack for segments that come several at a time.
func benchTrackBatch(b *testing.B, fam packet.Family, t *conntrack.Table) {
	s := newStream(fam, t.Len(), both)
	now := start
	measure.Packets(b, len(s.draws), func(lo, hi int) {
		for ; lo < hi; lo += ahead {
			headers := s.next()
			now = now.Add(ahead * step)
			for at := 0; at < ahead; at += batch {
				some := headers[at : at+batch]
				for i := range some {
					t.Prefetch(zone, &some[i])
				}
				for i := range some {
					if r := t.Track(zone, &some[i], now); r.Class() != conntrack.Tracked {
						b.Fatal("not tracked", r)
					}
				}
			}
		}
	})
}
