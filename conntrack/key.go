package conntrack

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/sgsim/sgsim/packet"
)

// A key identifies a connection, whichever direction it was made from: the
// endpoints are in a fixed order, and reversed tells whether the packet travelled
// against it. So each direction needs only one lookup, and the entry is stored
// once.
//
// An endpoint is an address with its port. For ICMP queries the endpoints are the
// asker with the identifier, then the address asked with type and code of the
// query. All ICMP keys are in that order.
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
	reversed uint64 // 0 or 1
	land     uint64 // 1: both endpoints are the same, and every later packet is a reply (CTS-59)
	proto    packet.Protocol
	v6       bool
}

// ofPorts fills in the key of a segment or datagram.
func (k *key) ofPorts(z Zone, h *packet.Header) {
	k.proto = h.Protocol
	if k.v6 = h.Family == packet.IPv6; k.v6 {
		k.reversed, k.land = order6(z, &h.Src, &h.Dst, h.SrcPort, h.DstPort, &k.w)
		return
	}
	k.w[0], k.w[1], k.reversed, k.land = order4(z, endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort))
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
		k.reversed = 1
	}
	switch k.v6 = t.Family == packet.IPv6; {
	case icmp && k.v6:
		words6(z, src, dst, sport, dport, &k.w)
		return
	case icmp:
		k.w[0], k.w[1] = words4(z, endpoint4(src, sport), endpoint4(dst, dport))
		return
	case k.v6:
		k.reversed, k.land = order6(z, src, dst, sport, dport, &k.w)
	default:
		k.w[0], k.w[1], k.reversed, k.land = order4(z, endpoint4(src, sport), endpoint4(dst, dport))
	}
}

// endpoint4 is an IPv4 address with its port in 48 bits.
func endpoint4(addr *[16]byte, port uint16) uint64 {
	return uint64(binary.BigEndian.Uint32(addr[12:]))<<16 | uint64(port)
}

// words4 are the words of an IPv4 key with a before b.
func words4(z Zone, a, b uint64) (w0, w1 uint64) {
	return a<<16 | b>>32, b<<32 | uint64(z)
}

// order4 returns the words of an IPv4 key with the lower endpoint first. reversed
// is 1 if that is b, and land if they are equal.
func order4(z Zone, a, b uint64) (w0, w1, reversed, land uint64) {
	w0, w1 = words4(z, min(a, b), max(a, b))
	return w0, w1, (b - a) >> 63, ((a ^ b) - 1) >> 63
}

// words6 are the words of an IPv6 key with src before dst.
func words6(z Zone, src, dst *[16]byte, sport, dport uint16, w *[5]uint64) {
	w[0], w[1] = binary.BigEndian.Uint64(src[:8]), binary.BigEndian.Uint64(src[8:])
	w[2], w[3] = binary.BigEndian.Uint64(dst[:8]), binary.BigEndian.Uint64(dst[8:])
	w[4] = uint64(sport)<<48 | uint64(dport)<<32 | uint64(z)
}

// order6 is order4 for IPv6. It compares by subtraction and swaps by exclusive
// or: which endpoint is lower changes with every packet, and a branch on it would
// be predicted wrongly half the time.
func order6(z Zone, src, dst *[16]byte, sport, dport uint16, w *[5]uint64) (reversed, land uint64) {
	a0, a1, a2 := binary.BigEndian.Uint64(src[:8]), binary.BigEndian.Uint64(src[8:]), uint64(sport)
	b0, b1, b2 := binary.BigEndian.Uint64(dst[:8]), binary.BigEndian.Uint64(dst[8:]), uint64(dport)
	_, borrow := bits.Sub64(b2, a2, 0)
	_, borrow = bits.Sub64(b1, a1, borrow)
	_, reversed = bits.Sub64(b0, a0, borrow)
	d0, d1, d2 := a0^b0, a1^b1, a2^b2
	if d0|d1|d2 == 0 {
		land = 1
	}
	d0, d1, d2 = d0&-reversed, d1&-reversed, d2&-reversed
	w[0], w[1] = a0^d0, a1^d1
	w[2], w[3] = b0^d0, b1^d1
	w[4] = (a2^d2)<<48 | (b2^d2)<<32 | uint64(z)
	return reversed, land
}

// direction returns the direction of the key's packet in the connection with the
// meta word.
func (k *key) direction(meta uint64) Direction { return directionOf(k.reversed, k.land, meta) }

// directionOf is direction for the parts of a key. It has no branch, because the
// branch could not be predicted.
func directionOf(reversed, land, meta uint64) Direction {
	return Original + Direction((meta>>reversedShift^reversed|land)&1)
}

// tuple is the inverse of keyOf: it returns the tuple of the direction that reversed
// gives.
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
	if k.reversed != 0 {
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
// prepare a capture whose connections all collide. No answer depends on where a
// connection lies, so results stay the same.
type hasher [5]uint64

func newHasher() (s hasher) {
	for i := range s {
		s[i] = rand.Uint64() | 1
	}
	return s
}

// hash4 folds two multiplications: every bit of the key reaches every bit of the
// hash. With one, consecutive ports gather in one half of a segment.
func (s *hasher) hash4(w0, w1 uint64, p packet.Protocol) uint64 {
	h := fold(w0^s[0], w1^s[1])
	return fold(h^uint64(p)^s[2], s[3])
}

func (s *hasher) hash6(w *[5]uint64, p packet.Protocol) uint64 {
	h := fold(w[0]^s[0], w[1]^s[1]) ^ fold(w[2]^s[2], w[3]^s[3])
	h = fold(h^w[4]^uint64(p)<<56, s[4])
	return fold(h^s[1], s[0]) // once more, or the ports alone would be multiplied by a constant
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
