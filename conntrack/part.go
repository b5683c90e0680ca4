package conntrack

import (
	"encoding/binary"

	"github.com/sgsim/sgsim/packet"
)

// Parts is the number of parts into which [Part] divides packets.
const Parts = 64

// Part returns the part that a packet belongs to, from 0 to [Parts]-1. It depends
// on the packet's unordered pair of addresses, or on the pair that an ICMP error
// quotes.
//
// A table's answer for a packet depends only on packets of the same part: both
// directions of a connection, the fragments of a datagram and the errors about a
// connection are in one part, and every bound on what is remembered holds for each
// part separately. So several tables that divide the parts among them answer as one
// table would. Only maxima of connections, [Config.MaxEntries] and [Table.Limit],
// count all parts.
func Part(h *packet.Header) int {
	src, dst := &h.Src, &h.Dst
	if q := &h.Quoted; q.Part != packet.QuoteNone && !h.Fragment() {
		src, dst = &q.Tuple.Src, &q.Tuple.Dst
	}
	return int(fold((foldPart(src)+foldPart(dst))^mulPart1, mulPart3) >> 58)
}

// Odd constants with well-spread bits, from the fractions of the golden ratio and
// of pi. They are not secret, so the same capture is divided alike everywhere. An
// attacker who chooses addresses of one part can exhaust only the bounds of that
// part.
const (
	mulPart1 = 0x9e3779b97f4a7c15
	mulPart2 = 0x243f6a8885a308d3
	mulPart3 = 0x13198a2e03707345
)

func foldPart(a *[16]byte) uint64 {
	return fold(binary.LittleEndian.Uint64(a[:8])^mulPart2, binary.LittleEndian.Uint64(a[8:])^mulPart1)
}
