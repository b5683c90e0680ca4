package match

import (
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// Covered returns the keys that a rule covers. protocol is -1 for all and 256 for
// number 0. The other two are the ports of TCP and UDP, or type and code of ICMP and
// ICMPv6, -1 for all (SG-20 to SG-31).
func Covered(protocol, firstPort, lastPort, typ, code int) Range {
	if protocol == -1 {
		return All
	}
	switch p := packet.Protocol(protocol); p { // 256 becomes 0
	case packet.TCP, packet.UDP:
		if firstPort != 0 || lastPort != 65535 {
			return Ports(p, uint16(firstPort), uint16(lastPort))
		}
		return AllOf(p)
	case packet.ICMP, packet.ICMPv6:
		if first := uint16(typ) << 8; typ >= 0 {
			if code >= 0 {
				return Ports(p, first|uint16(code), first|uint16(code))
			}
			return Ports(p, first, first|255)
		}
		return AllOf(p)
	default:
		return AllOf(p)
	}
}

// A Space numbers the services of a family's complete packets, without gaps and in the
// order of protocols: each port of TCP and UDP, each type and code of ICMP, and every
// other protocol as a whole, including the ICMP of the other family.
type Space struct {
	family packet.Family
	base   [257]uint32 // where the numbers of a protocol begin
}

// NewSpace returns the space of a family.
func NewSpace(f packet.Family) *Space {
	s := &Space{family: f}
	for p := range 256 {
		n := uint32(1)
		switch packet.Protocol(p) {
		case packet.TCP, packet.UDP, packet.ICMPv6:
			n = untold
		case packet.ICMP:
			if f == packet.IPv4 {
				n = untold
			}
		}
		s.base[p+1] = s.base[p] + n
	}
	return s
}

// Size returns how many numbers there are.
func (s *Space) Size() uint32 { return s.base[256] }

// Span returns the numbers that a range covers, from first up to end. The range is All
// or within one protocol.
func (s *Space) Span(r Range) (first, end uint32) {
	p := r.First / perProtocol
	switch {
	case r == All:
		return 0, s.Size()
	case packet.Protocol(p) == packet.ICMP && s.family == packet.IPv6:
		return 0, 0 // see foreignICMP
	}
	return s.base[p] + uint32(r.First%perProtocol), min(s.base[p]+uint32(r.Last%perProtocol)+1, s.base[p+1])
}

// Protocol returns the protocol that a number belongs to, and where the numbers of that
// protocol begin and end.
func (s *Space) Protocol(n uint32) (p packet.Protocol, first, end uint32) {
	i, _ := slices.BinarySearch(s.base[:], n+1) // the first that begins after n
	return packet.Protocol(i - 1), s.base[i-1], s.base[i]
}
