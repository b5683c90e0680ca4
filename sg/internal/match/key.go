package match

import "github.com/sgsim/sgsim/packet"

// A Key is what rules tell packets apart by but for their addresses: the protocol,
// and in it the destination port, or the type and code of ICMP. It is one number, so
// that a rule covers a range:
//
//	 bits 17 to 25   bit 16   bits 0 to 15
//	+---------------+--------+------------------------------+
//	| protocol      | 0      | port; type << 8 | code; or 0 |
//	| protocol      | 1      | 0: the packet does not tell  |
//	+---------------+--------+------------------------------+
//
// A packet that does not tell (a later fragment, or one that the capture cut off) lies
// behind all ports of its protocol, so that a rule for all of them is one range, which
// covers it, and no narrower rule does.
type Key uint32

// A Range is the keys from First to Last, both included.
type Range struct{ First, Last Key }

// Has reports whether a key is in the range.
func (r Range) Has(k Key) bool { return r.First <= k && k <= r.Last }

const (
	untold = 1 << 16 // the packet does not tell
	perKey = 1 << 17 // keys of a protocol

	// foreignICMP is the protocol of ICMP packets in IPv6, which are none of ICMP's.
	foreignICMP = 256
)

// All is every key; AllOf those of one protocol; Ports those of ports or ICMP types
// and codes, from first to last.
var All = Range{0, (foreignICMP+1)*perKey - 1}

// AllOf returns all keys of a protocol.
func AllOf(p packet.Protocol) Range { return Range{Key(p) * perKey, Key(p)*perKey + untold} }

// Ports returns the keys of a protocol's ports, or of its types<<8 | codes.
func Ports(p packet.Protocol, first, last uint16) Range {
	return Range{Key(p)*perKey + Key(first), Key(p)*perKey + Key(last)}
}

// KeyOf returns the key of a packet.
func KeyOf(h *packet.Header) Key {
	k := Key(h.Protocol) * perKey
	switch h.Protocol {
	case packet.TCP, packet.UDP:
		if h.LaterFragment() || h.Missing&packet.MissingPorts != 0 {
			return k + untold
		}
		return k + Key(h.DstPort)
	case packet.ICMP, packet.ICMPv6:
		switch {
		case h.Protocol == packet.ICMP && h.Family == packet.IPv6:
			return foreignICMP * perKey
		case h.LaterFragment() || h.Missing&packet.MissingICMP != 0:
			return k + untold
		}
		return k + Key(h.ICMPType)<<8 + Key(h.ICMPCode)
	}
	return k
}

// A keySet holds ranges of keys in 512 bits, one cache line, and others with them. Ranges
// of few keys have a bit for each key in the first seven words; wide ones a bit for
// each 4,096 keys in the last.
type keySet [8]uint64

const few = 32 // keys that have bits of their own

func (s *keySet) add(r Range) {
	if r.Last-r.First < few {
		for k := r.First; k <= r.Last; k++ {
			s.setBit(keyBit(k))
		}
		return
	}
	first, last := r.First>>12, r.Last>>12
	if last-first >= 1024 {
		s[7] = ^uint64(0)
		return
	}
	for b := first; b <= last; b++ {
		s.setBit(blockBit(Key(b) << 12))
	}
}

func (s *keySet) setBit(i uint32) { s[i>>6] |= 1 << (i & 63) }

// has does not branch: nobody can predict which of the two finds the key.
func (s *keySet) has(k Key) bool {
	i, j := keyBit(k), blockBit(k)
	return (s[i>>6&7]>>(i&63)|s[7]>>(j&63))&1 != 0
}

// keyBit returns the bit of a key among the first 448.
func keyBit(k Key) uint32 { return uint32(uint64(uint32(k)*0x9e3779b1) * 448 >> 32) }

// blockBit returns the bit of a block of 4,096 keys among the last 64.
func blockBit(k Key) uint32 { return 448 + uint32(k>>12)*0x9e3779b1>>26 }
