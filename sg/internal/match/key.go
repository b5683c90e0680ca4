package match

import "github.com/sgsim/sgsim/packet"

// A Key is what rules tell packets apart by, addresses aside: the protocol and its
// destination port, or ICMP type and code. It is one number, so that a rule covers a
// range:
//
//	 bits 17 to 25   bit 16   bits 0 to 15
//	+---------------+--------+------------------------------+
//	| protocol      | 0      | port; type << 8 | code; or 0 |
//	| protocol      | 1      | 0: the packet does not tell  |
//	+---------------+--------+------------------------------+
//
// A packet that does not tell (a later fragment, or one that the capture cut off)
// comes after all ports of its protocol. So a rule for all ports is one range that
// covers it, and no narrower rule covers it.
type Key uint32

// A Range is the keys from First to Last, both included.
type Range struct{ First, Last Key }

// Has reports whether a key is in the range.
func (r Range) Has(k Key) bool { return r.First <= k && k <= r.Last }

const (
	untold      = 1 << 16 // the packet does not tell
	perProtocol = 1 << 17 // keys of a protocol

	// foreignICMP is the protocol of ICMP packets in IPv6, which no rule for ICMP
	// matches.
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

// Told reports whether a key's packet tells its port or type, if its protocol has
// one. If it does not, ranges of the same protocol may or may not cover it.
func (k Key) Told() bool { return k&untold == 0 }

// SameProtocol reports whether a range is of the key's protocol. All is of no protocol.
func (r Range) SameProtocol(k Key) bool {
	return r.First/perProtocol == k/perProtocol && r.Last/perProtocol == k/perProtocol
}

// A keySet holds ranges of keys, and some more keys, in four cache lines; each key
// belongs to one line. Five words of a line have a bit for each key of a narrow range,
// by its hash. Three words are for wide ranges, with a bit for each 1,024 ports of TCP
// and of UDP, and for each other protocol. A single line gets too full with the ports of
// 300 rules: it let one in five uncovered keys pass, four lines let one in twenty.
type keySet [4]line

type line [8]uint64

const narrow = 32 // most keys of a range, or at one of its ends, with bits of their own

func (s *keySet) add(r Range) {
	if r.Last-r.First >= 4*perProtocol {
		for i := range s {
			s[i] = line{5: ^uint64(0), 6: ^uint64(0), 7: ^uint64(0)}
		}
		return
	}
	for k := r.First; k <= r.Last; {
		end := min(k|1023, r.Last) // of the block
		if end-k >= narrow {
			for i := range s {
				s[i].set(blockBit(k))
			}
			k = end + 1
			continue
		}
		for ; k <= end; k++ {
			line, bit := keyBit(k)
			s[line].set(bit)
		}
	}
}

func (l *line) set(i uint32) { l[i>>6] |= 1 << (i & 63) }

// has does not branch: which of the two finds the key cannot be predicted.
func (s *keySet) has(k Key) bool {
	n, i := keyBit(k)
	l, j := &s[n], blockBit(k)
	return (l[i>>6&7]>>(i&63)|l[j>>6&7]>>(j&63))&1 != 0
}

// keyBit returns the line of a key, and its bit among the first 320 there.
func keyBit(k Key) (line, bit uint32) {
	h := uint64(uint32(k)*0x9e3779b1) * 320
	return uint32(h) >> 30, uint32(h >> 32)
}

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
