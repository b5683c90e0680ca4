package conntrack

import (
	"encoding/binary"

	"github.com/sgsim/sgsim/packet"
)

// Parts is the number of parts that packets are divided into by [Part].
const Parts = 64

// Part returns the part that a packet belongs to, below [Parts]: that of its
// unordered pair of addresses, or of the pair that an ICMP error quotes.
//
// What a table answers for a packet depends on packets of its part alone, because
// both directions of a connection, the fragments of a datagram, and the errors about
// a connection are in one part, and what is remembered within bounds is bounded for
// each. So several tables among which parts are divided answer as one would. Only a
// maximum of connections, [Config.MaxEntries] and [Table.Limit], counts all parts.
func Part(h *packet.Header) int {
	src, dst := &h.Src, &h.Dst
	if q := &h.Quoted; q.Part != packet.QuoteNone && !h.Fragment() {
		src, dst = &q.Tuple.Src, &q.Tuple.Dst
	}
	return int(fold((foldPart(src)+foldPart(dst))^mulPart1, mulPart3) >> 58)
}

// Odd constants with well-spread bits, from the fractions of the golden ratio and
// of pi. They are not keyed: the same capture is divided alike everywhere. Who
// chooses addresses of one part gains no more than their share of what is bounded.
const (
	mulPart1 = 0x9e3779b97f4a7c15
	mulPart2 = 0x243f6a8885a308d3
	mulPart3 = 0x13198a2e03707345
)

func foldPart(a *[16]byte) uint64 {
	return fold(binary.LittleEndian.Uint64(a[:8])^mulPart2, binary.LittleEndian.Uint64(a[8:])^mulPart1)
}
