package packet

import "net/netip"

// A FiveTuple is one direction of a connection: its protocol, addresses and ports.
//
// It is comparable, 38 bytes, and holds no pointers, so it serves as a map key.
// Addresses are written as in [Header]. Ports are zero for protocols without
// them. For ICMP and ICMPv6, SrcPort is the identifier and DstPort is the type
// in the high and the code in the low byte: see ICMP.
type FiveTuple struct {
	Src, Dst         [16]byte
	SrcPort, DstPort uint16
	Protocol         Protocol
	Family           Family
}

// ICMP returns type, code and identifier of an ICMP or ICMPv6 tuple.
func (t FiveTuple) ICMP() (typ, code uint8, id uint16) {
	return uint8(t.DstPort >> 8), uint8(t.DstPort), t.SrcPort
}

// SrcAddr returns the source address; the zero Addr if Family is 0.
func (t FiveTuple) SrcAddr() netip.Addr { return addr(t.Family, t.Src) }

// DstAddr returns the destination address; the zero Addr if Family is 0.
func (t FiveTuple) DstAddr() netip.Addr { return addr(t.Family, t.Dst) }

// Reverse returns the tuple that replies carry: addresses and ports swapped. An
// ICMP query becomes its reply and a reply its query, with code and identifier
// kept; other ICMP types have no counterpart and keep their type. Reverse of
// Reverse is the tuple again.
func (t FiveTuple) Reverse() FiveTuple {
	t.Src, t.Dst = t.Dst, t.Src
	if t.Protocol == ICMP || t.Protocol == ICMPv6 {
		if typ, ok := ReplyType(t.Protocol, uint8(t.DstPort>>8)); ok {
			t.DstPort = uint16(typ)<<8 | t.DstPort&0xff
		}
		return t
	}
	t.SrcPort, t.DstPort = t.DstPort, t.SrcPort
	return t
}
