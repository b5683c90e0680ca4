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
	untold      = 1 << 16 // the packet does not tell
	perProtocol = 1 << 17 // keys of a protocol

	// foreignICMP is the protocol of ICMP packets in IPv6, which are none of ICMP's.
	foreignICMP = 256
)

// All is every key.
var All = Range{0, (foreignICMP+1)*perProtocol - 1}

// AllOf returns all keys of a protocol.
func AllOf(p packet.Protocol) Range { return Range{Key(p) * perProtocol, Key(p)*perProtocol + untold} }

// Ports returns the keys of a protocol's ports, or of its types<<8 | codes.
func Ports(p packet.Protocol, first, last uint16) Range {
	return Range{Key(p)*perProtocol + Key(first), Key(p)*perProtocol + Key(last)}
}

// KeyOf returns the key of a packet.
func KeyOf(h *packet.Header) Key {
	k := Key(h.Protocol) * perProtocol
	switch h.Protocol {
	case packet.TCP, packet.UDP:
		if h.LaterFragment() || h.Missing&packet.MissingPorts != 0 {
			return k + untold
		}
		return k + Key(h.DstPort)
	case packet.ICMP, packet.ICMPv6:
		switch {
		case h.Protocol == packet.ICMP && h.Family == packet.IPv6:
			return foreignICMP * perProtocol
		case h.LaterFragment() || h.Missing&packet.MissingICMP != 0:
			return k + untold
		}
		return k + Key(h.ICMPType)<<8 + Key(h.ICMPCode)
	}
	return k
}

// A keySet holds ranges of keys, and some more, in 512 bits, one cache line: five
// words with a bit for each key of a narrow range, by its hash, and three for wide
// ones, with a bit for each 1,024 ports of TCP, of UDP, and for each other protocol.
type keySet [8]uint64

const narrow = 32 // keys of a range, or at one of its ends, that have bits of their own

func (s *keySet) add(r Range) {
	if r.Last-r.First >= 4*perProtocol {
		*s = keySet{5: ^uint64(0), 6: ^uint64(0), 7: ^uint64(0)}
		return
	}
	for k := r.First; k <= r.Last; {
		end := min(k|1023, r.Last) // of the block
		if end-k >= narrow {
			s.set(blockBit(k))
			k = end + 1
			continue
		}
		for ; k <= end; k++ {
			s.set(keyBit(k))
		}
	}
}

func (s *keySet) set(i uint32) { s[i>>6] |= 1 << (i & 63) }

// has does not branch: nobody can predict which of the two finds the key.
func (s *keySet) has(k Key) bool {
	i, j := keyBit(k), blockBit(k)
	return (s[i>>6&7]>>(i&63)|s[j>>6&7]>>(j&63))&1 != 0
}

// keyBit returns the bit of a key among the first 320.
func keyBit(k Key) uint32 { return uint32(uint64(uint32(k)*0x9e3779b1) * 320 >> 32) }

// blockBit returns the bit of a key's block among the last 192.
func blockBit(k Key) uint32 {
	switch p := k / perProtocol; p {
	case Key(packet.TCP):
		return 5*64 + uint32(k>>10&63)
	case Key(packet.UDP):
		return 6*64 + uint32(k>>10&63)
	default:
		return 7*64 + uint32(p&63)
	}
}
