package bench

import (
	"encoding/binary"
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
		if r := t.Track(zone, &h, start); r.State != conntrack.Established {
			tb.Fatal("connection", i, "is", r)
		}
	}
	return t
}

// BenchmarkTrack finds the connection of a segment and advances its TCP state, in
// both directions.
func BenchmarkTrack(b *testing.B) {
	for _, fam := range []packet.Family{packet.IPv4, packet.IPv6} {
		for _, n := range conns() {
			if fam == packet.IPv6 && n > 1_000_000 {
				continue
			}
			b.Run(fmt.Sprintf("impl=sgsim/family=%s/conns=%d", familyName(fam), n), func(b *testing.B) { benchTrack(b, fam, n) })
		}
	}
}

func benchTrack(b *testing.B, fam packet.Family, n int) {
	t := openTable(b, fam, n)
	ps := probesOf(fam, n, probes())
	fl := corpus.FlowN(fam, packet.TCP, 0)
	var h [2]packet.Header // from the client, from the server
	h[0], h[1] = fl.Header(false, packet.ACK), fl.Header(true, packet.ACK)
	low := uint64(binary.LittleEndian.Uint32(h[0].Src[8:])) // of the client's address
	now := start
	measure.Packets(b, len(ps), func(lo, hi int) {
		for _, p := range ps[lo:hi] {
			// Whole words, since the table reads whole words right after.
			addr := low | uint64(p.addr)<<32
			var hd *packet.Header
			if p.reply {
				hd = &h[1]
				binary.LittleEndian.PutUint64(hd.Dst[8:], addr)
				hd.DstPort = p.port
			} else {
				hd = &h[0]
				binary.LittleEndian.PutUint64(hd.Src[8:], addr)
				hd.SrcPort = p.port
			}
			now = now.Add(step)
			if r := t.Track(zone, hd, now); r.Class != conntrack.Tracked {
				b.Fatal("not tracked", r)
			}
		}
	})
}
