package conntrack

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/sgsim/sgsim/packet"
)

// A key identifies a connection whichever of its two directions it was made
// from: the endpoints are in a fixed order, and reversed tells whether the packet
// travelled against it. Both directions thus cost one lookup, and the entry is
// stored once.
//
// An endpoint is an address with its port; of ICMP queries, the asker with the
// identifier, then the asked with type and code of the query. All ICMP keys are
// in that order.
//
//	word   IPv4                           IPv6
//	0      low addr 32 | low port 16 |    low addr, first half
//	           high addr, upper 16
//	1      high addr, lower 16 |          low addr, second half
//	           high port 16 | zone 32
//	2                                     high addr, first half
//	3                                     high addr, second half
//	4                                     low port 16 | high port 16 | zone 32
type key struct {
	w        [5]uint64
	proto    packet.Protocol
	v6       bool
	reversed bool
	land     bool // both endpoints are the same: every later packet is a reply (CTS-59)
}

// keyOf returns the key of a tuple. Ports of protocols that the table does not
// key by ports must be zero.
func keyOf(z Zone, t *packet.FiveTuple, k *key) {
	k.proto = t.Protocol
	sport, dport := t.SrcPort, t.DstPort
	src, dst := &t.Src, &t.Dst
	icmp := t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6
	if icmp && !packet.IsQuery(t.Protocol, uint8(dport>>8)) {
		typ, _ := packet.ReplyType(t.Protocol, uint8(dport>>8))
		dport = uint16(typ)<<8 | dport&0xff
		src, dst = dst, src
		k.reversed = true
	}
	if k.v6 = t.Family == packet.IPv6; !k.v6 {
		a, b := endpoint4(src, sport), endpoint4(dst, dport)
		if !icmp {
			k.land, k.reversed = a == b, b < a
			a, b = min(a, b), max(a, b)
		}
		k.w[0], k.w[1] = words4(z, a, b)
		return
	}
	a0, a1 := binary.BigEndian.Uint64(src[:8]), binary.BigEndian.Uint64(src[8:])
	b0, b1 := binary.BigEndian.Uint64(dst[:8]), binary.BigEndian.Uint64(dst[8:])
	if !icmp {
		equal := a0 == b0 && a1 == b1
		k.land = equal && sport == dport
		k.reversed = b0 < a0 || b0 == a0 && b1 < a1 || equal && dport < sport
		if k.reversed {
			a0, a1, b0, b1, sport, dport = b0, b1, a0, a1, dport, sport
		}
	}
	k.w = [5]uint64{a0, a1, b0, b1, uint64(sport)<<48 | uint64(dport)<<32 | uint64(z)}
}

// endpoint4 is an IPv4 address with its port in 48 bits.
func endpoint4(addr *[16]byte, port uint16) uint64 {
	return uint64(binary.BigEndian.Uint32(addr[12:]))<<16 | uint64(port)
}

// words4 are the words of an IPv4 key with a before b.
func words4(z Zone, a, b uint64) (w0, w1 uint64) {
	return a<<16 | b>>32, b<<32 | uint64(z)
}

// tuple is the reverse of keyOf: the tuple of the direction that reversed says.
func (k *key) tuple() packet.FiveTuple {
	t := packet.FiveTuple{Protocol: k.proto, Family: packet.IPv4}
	if k.v6 {
		t.Family = packet.IPv6
		binary.BigEndian.PutUint64(t.Src[:8], k.w[0])
		binary.BigEndian.PutUint64(t.Src[8:], k.w[1])
		binary.BigEndian.PutUint64(t.Dst[:8], k.w[2])
		binary.BigEndian.PutUint64(t.Dst[8:], k.w[3])
		t.SrcPort, t.DstPort = uint16(k.w[4]>>48), uint16(k.w[4]>>32)
	} else {
		put := func(a *[16]byte, endpoint uint64) {
			a[10], a[11] = 0xff, 0xff
			binary.BigEndian.PutUint32(a[12:], uint32(endpoint>>16))
		}
		a, b := k.w[0]>>16, k.w[0]<<32&(1<<48-1)|k.w[1]>>32
		put(&t.Src, a)
		put(&t.Dst, b)
		t.SrcPort, t.DstPort = uint16(a), uint16(b)
	}
	if k.reversed {
		t.Src, t.Dst, t.SrcPort, t.DstPort = t.Dst, t.Src, t.DstPort, t.SrcPort
	}
	return t
}

func (k *key) zone() Zone {
	if k.v6 {
		return Zone(k.w[4])
	}
	return Zone(k.w[1])
}

// A hasher holds the secret of a table. It is drawn at random so that nobody can
// prepare a capture whose connections all collide; where a connection lies shows
// in no answer, so results do not depend on it.
type hasher [5]uint64

func newHasher() (s hasher) {
	for i := range s {
		s[i] = rand.Uint64() | 1
	}
	return s
}

// hash4 folds two multiplications: every bit of the key reaches every bit of the
// hash.
func (s *hasher) hash4(w0, w1 uint64, p packet.Protocol) uint64 {
	h := fold(w0^s[0], w1^s[1])
	return fold(h^uint64(p)^s[2], s[3])
}

func (s *hasher) hash6(w *[5]uint64, p packet.Protocol) uint64 {
	h := fold(w[0]^s[0], w[1]^s[1]) ^ fold(w[2]^s[2], w[3]^s[3])
	return fold(h^w[4]^uint64(p)<<56, s[4])
}

func (s *hasher) hash(k *key) uint64 {
	if k.v6 {
		return s.hash6(&k.w, k.proto)
	}
	return s.hash4(k.w[0], k.w[1], k.proto)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
