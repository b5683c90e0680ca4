package bench

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// A flatKey is what a table keyed by value uses: 40 bytes, no pointers, whole
// words.
type flatKey struct {
	a, b [2]uint64 // addresses
	rest uint64    // ports, zone, protocol
}

// flatOf returns the key of one direction.
func flatOf(h *packet.Header) flatKey {
	le := binary.LittleEndian
	return flatKey{
		a:    [2]uint64{le.Uint64(h.Src[:]), le.Uint64(h.Src[8:])},
		b:    [2]uint64{le.Uint64(h.Dst[:]), le.Uint64(h.Dst[8:])},
		rest: restOf(h.SrcPort, h.DstPort, h.Protocol),
	}
}

func restOf(a, b uint16, p packet.Protocol) uint64 {
	return uint64(a)<<48 | uint64(b)<<32 | uint64(zone)<<8 | uint64(p)
}

// eitherOf returns the same key for both directions, that of the packet from the
// higher port, without a branch on the direction.
func eitherOf(h *packet.Header) flatKey {
	k := flatOf(h)
	swap := uint64(int64(uint64(h.SrcPort)-uint64(h.DstPort)) >> 63)
	x, y := (k.a[0]^k.b[0])&swap, (k.a[1]^k.b[1])&swap
	p := (h.SrcPort ^ h.DstPort) & uint16(swap)
	k.a[0], k.a[1], k.b[0], k.b[1] = k.a[0]^x, k.a[1]^y, k.b[0]^x, k.b[1]^y
	k.rest = restOf(h.SrcPort^p, h.DstPort^p, h.Protocol)
	return k
}

// An entry is what a tracker that is a map keeps of a connection.
type entry struct {
	expires int64 // Unix nanoseconds
	rule    uint32
	state   conntrack.State
}

// goMap returns a map with n established connections.
func goMap(n int) map[flatKey]entry {
	m := map[flatKey]entry{}
	expires := start.Add(conntrack.DefaultTCPEstablished).UnixNano()
	for i := range n {
		fl := corpus.FlowN(packet.IPv4, packet.TCP, uint64(i))
		h := fl.Header(false, packet.ACK)
		m[flatOf(&h)] = entry{expires, uint32(i), conntrack.Established}
	}
	return m
}

// benchGoMap looks the connection of a segment up, nothing else; all segments are
// of the original direction.
func benchGoMap(b *testing.B, m map[flatKey]entry) {
	s := newStream(packet.IPv4, len(m), original)
	measure.Packets(b, len(s.draws), func(lo, hi int) {
		for ; lo < hi; lo += ahead {
			headers := s.next()
			for i := range headers {
				if m[flatOf(&headers[i])].expires == 0 {
					b.Fatal("connection not found")
				}
			}
		}
	})
}

// benchGoMapTracking does for a segment of an established connection what
// [conntrack.Table.Track] does: finds it in either direction, sees whether it is
// dead, tests the flags, and keeps the new time of its death.
func benchGoMapTracking(b *testing.B, m map[flatKey]entry) {
	s := newStream(packet.IPv4, len(m), both)
	now := start
	measure.Packets(b, len(s.draws), func(lo, hi int) {
		for ; lo < hi; lo += ahead {
			headers := s.next()
			now = now.Add(ahead * step)
			for i := range headers {
				h := &headers[i]
				at := now.UnixNano()
				k := eitherOf(h)
				e, ok := m[k]
				if !ok || at >= e.expires || e.state != conntrack.Established {
					b.Fatal("connection not found, or dead")
				}
				if h.TCPFlags&(packet.SYN|packet.FIN|packet.RST) == 0 {
					e.expires = at + int64(conntrack.DefaultTCPEstablished)
					m[k] = e
				}
			}
		}
	})
}

// A netipKey is what one writes first.
type netipKey struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	proto            packet.Protocol
}

func netipOf(h *packet.Header) netipKey {
	return netipKey{h.SrcAddr(), h.DstAddr(), h.SrcPort, h.DstPort, h.Protocol}
}

func benchGoMapNetip(b *testing.B, n int) {
	m := map[netipKey]uint64{}
	for i := range n {
		fl := corpus.FlowN(packet.IPv4, packet.TCP, uint64(i))
		h := fl.Header(false, packet.ACK)
		m[netipOf(&h)] = uint64(i) + 1
	}
	s := newStream(packet.IPv4, n, original)
	measure.Packets(b, len(s.draws), func(lo, hi int) {
		for ; lo < hi; lo += ahead {
			headers := s.next()
			for i := range headers {
				if m[netipOf(&headers[i])] == 0 {
					b.Fatal("connection not found")
				}
			}
		}
	})
}
