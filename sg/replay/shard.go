package replay

import (
	"encoding/binary"
	"math/bits"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
)

// shards is the number of parts that packets are divided into, whatever the
// number of workers: worker i takes the shards whose number is i modulo the
// workers. What a replay remembers within bounds is bounded for each shard, so
// that it does not depend on the workers either.
const shards = 64

// shardOf divides frames by their unordered pair of addresses. Both directions
// of a connection, all fragments of a datagram, and an ICMP error with the
// connection it is about are in one shard.
func shardOf(f *capture.Frame) uint8 {
	src, dst := &f.Header.Src, &f.Header.Dst
	if q := &f.Header.Quoted; q.Part != packet.QuoteNone {
		src, dst = &q.Tuple.Src, &q.Tuple.Dst
	}
	return uint8(mix(foldAddr(src)+foldAddr(dst)) >> 58)
}

// pairHash hashes a five-tuple so that both directions have the same value.
func pairHash(t *packet.FiveTuple) uint64 {
	src := mix(foldAddr(&t.Src) ^ uint64(t.SrcPort)*mulPort)
	dst := mix(foldAddr(&t.Dst) ^ uint64(t.DstPort)*mulPort)
	return mix(src + dst + uint64(t.Protocol))
}

// Odd constants with well-spread bits, from the fractions of the golden ratio
// and of pi.
const (
	mulAddr = 0x9e3779b97f4a7c15
	mulPort = 0x243f6a8885a308d3
	mulMix  = 0x13198a2e03707345
)

func foldAddr(a *[16]byte) uint64 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(a[:8])^mulPort, binary.LittleEndian.Uint64(a[8:])^mulAddr)
	return hi ^ lo
}

func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^mulAddr, mulMix)
	return hi ^ lo
}
