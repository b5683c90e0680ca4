// Package packet turns the bytes of a frame into a [Header]: a small comparable
// value with everything a stateful packet filter looks at, and nothing else.
//
// [Decode] reads a frame from its link layer on and never allocates. For a frame
// that it cannot read it returns one of this package's errors; no input makes it
// panic. It never enters a tunnel: the header is that of the outermost IP packet,
// because that is what a security group sees. Captures of mirrored copies are the
// exception, for which there is [Unwrap].
//
//	var h packet.Header
//	err := packet.Decode(packet.LinkEthernet, frame, len(frame), &h)
//
// Headers can also be made without bytes: [TCPHeader], [UDPHeader], [ICMPHeader]
// and [ParseHeader] make them for tests and for questions on a command line.
//
// The package depends only on the standard library. Package capture reads files
// and calls the decoder.
package packet

import "net/netip"

// Family is an IP version. The zero Family means no IP header was read.
type Family uint8

// The two families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// A Header is what a frame says from its outermost IP header on.
//
// It is comparable, holds no pointers and owns its contents. Numbers are in host
// byte order; lengths are bytes. A field that the protocol does not have is zero.
// A field that the protocol has but the frame does not hold is zero too, and named
// in Missing. The zero Header is not a packet: its Family is 0.
type Header struct {
	// Src and Dst are the addresses as netip.Addr.As16 writes them: an IPv4
	// address in its IPv4-mapped form. Only Family tells the families apart, so
	// an IPv6 packet with a mapped address is never taken for IPv4.
	Src, Dst [16]byte

	Family   Family
	Protocol Protocol // after the extension headers that Decode skips
	HopLimit uint8    // TTL or hop limit
	TCPFlags TCPFlags

	SrcPort, DstPort uint16 // TCP and UDP, and SCTP, DCCP and UDP-Lite
	Seq, Ack         uint32 // TCP
	Window           uint16 // TCP, unscaled

	ICMPType, ICMPCode uint8  // ICMP and ICMPv6
	ICMPID             uint16 // identifier of an ICMP or ICMPv6 query

	FragOffset uint16 // bytes
	MoreFrags  bool
	Missing    Missing
	FragID     uint32 // identification; in IPv6 only of fragments

	Length     uint32 // of the IP packet, as its header says
	Captured   uint32 // how much of Length the frame holds
	PayloadLen uint32 // after the transport header, according to Length

	// Quoted is the packet that an ICMP error is about, as far as it is quoted.
	Quoted Quote
}

// Missing names the parts of a header that the frame does not hold. Either the
// capture cut them off (Captured < Length), or a first fragment was too short, so
// that they are in the next one; [Header.Cut] tells which. Later fragments have no
// transport header, so nothing is missing from them. The zero value means that
// nothing is missing.
type Missing uint8

// Parts that can be missing after a short snap length or in a short first fragment.
const (
	MissingPorts    Missing = 1 << iota // SrcPort, DstPort
	MissingTCPFlags                     // TCPFlags, Seq, Ack, Window as well
	MissingICMP                         // ICMPType, ICMPCode
	MissingICMPID                       // ICMPID
	MissingQuote                        // Quoted, or part of it
)

// A Quote is the start of a packet inside an ICMP error.
type Quote struct {
	Tuple FiveTuple // of the quoted packet, in the direction it travelled
	Part  QuotePart // how much of Tuple is known
}

// QuotePart says how much of a quoted packet an ICMP error holds.
type QuotePart uint8

// From nothing to a whole five-tuple.
const (
	QuoteNone      QuotePart = iota // not an error, or the quoted IP header is unreadable
	QuoteAddresses                  // addresses and protocol: a later fragment, or too few bytes
	QuoteTuple                      // ports, or ICMP type, code and identifier, as well
)

// Cut reports whether something is Missing because of the capture: the packet may
// have been fine, and nobody can tell what a filter did with it. Cut reports false
// if a first fragment is too short; that packet was like this on the wire. (If a
// first fragment has IP options as well and the capture cut it, so that the two
// cannot be told apart, Cut reports true.)
//
// Ask it only about well-formed packets. Those for which [Decode] returns an error
// are malformed, however little of them was captured, except for [ErrCut]: the
// capture cut the frame before its header could be read.
func (h *Header) Cut() bool {
	if h.Missing == 0 || h.Captured >= h.Length {
		return false
	}
	if !h.MoreFrags {
		return true
	}
	ip, need := uint32(20), uint32(0)
	if h.Family == IPv6 {
		ip = 48 // with a fragment header
	}
	switch {
	case h.Missing&MissingTCPFlags != 0:
		need = 14
	case h.Missing&MissingPorts != 0:
		need = 4
	case h.Missing&MissingICMP != 0:
		need = 2
	case h.Missing&MissingICMPID != 0:
		need = 6
	}
	return h.Length >= ip+need
}

// Fragment reports whether the packet is a fragment, the first one included.
// An IPv6 atomic fragment (offset zero, no more fragments) is an ordinary packet.
func (h *Header) Fragment() bool { return h.MoreFrags || h.FragOffset != 0 }

// LaterFragment reports whether the packet is a fragment other than the first, so
// that ports and flags are unknown.
func (h *Header) LaterFragment() bool { return h.FragOffset != 0 }

// SrcAddr returns the source address; the zero Addr if Family is 0.
func (h *Header) SrcAddr() netip.Addr { return addr(h.Family, h.Src) }

// DstAddr returns the destination address; the zero Addr if Family is 0.
func (h *Header) DstAddr() netip.Addr { return addr(h.Family, h.Dst) }

func addr(f Family, a [16]byte) netip.Addr {
	switch f {
	case IPv4:
		return netip.AddrFrom4([4]byte(a[12:]))
	case IPv6:
		return netip.AddrFrom16(a)
	}
	return netip.Addr{}
}

// Tuple returns the packet's five-tuple. For ICMP and ICMPv6 that is type, code
// and identifier; for protocols without ports, the addresses and the protocol.
func (h *Header) Tuple() FiveTuple {
	t := FiveTuple{Src: h.Src, Dst: h.Dst, Family: h.Family, Protocol: h.Protocol}
	switch h.Protocol {
	case ICMP, ICMPv6:
		t.SrcPort = h.ICMPID
		t.DstPort = uint16(h.ICMPType)<<8 | uint16(h.ICMPCode)
	default:
		t.SrcPort, t.DstPort = h.SrcPort, h.DstPort
	}
	return t
}

// TCPHeader returns the header of a TCP segment without payload. Both addresses
// must be of one family; an IPv4-mapped address counts as IPv4. If they are not,
// TCPHeader returns the zero Header.
func TCPHeader(src, dst netip.AddrPort, flags TCPFlags) Header {
	h := IPHeader(src.Addr(), dst.Addr(), TCP)
	if h.Family != 0 {
		h.SrcPort, h.DstPort, h.TCPFlags = src.Port(), dst.Port(), flags
		h.setLength(20, 0)
	}
	return h
}

// UDPHeader returns the header of an empty UDP datagram; see [TCPHeader] for
// the addresses.
func UDPHeader(src, dst netip.AddrPort) Header {
	h := IPHeader(src.Addr(), dst.Addr(), UDP)
	if h.Family != 0 {
		h.SrcPort, h.DstPort = src.Port(), dst.Port()
		h.setLength(8, 0)
	}
	return h
}

// ICMPHeader returns the header of an ICMP message, or of an ICMPv6 message if
// the addresses are IPv6; see [TCPHeader] for the addresses. id is the identifier
// of a query and 0 for other types.
func ICMPHeader(src, dst netip.Addr, typ, code uint8, id uint16) Header {
	h := IPHeader(src, dst, ICMP)
	if h.Family == IPv6 {
		h.Protocol = ICMPv6
	}
	if h.Family != 0 {
		h.ICMPType, h.ICMPCode, h.ICMPID = typ, code, id
		h.setLength(8, 0)
	}
	return h
}

// IPHeader returns the header of a packet of any protocol, without ports; see
// [TCPHeader] for the addresses.
func IPHeader(src, dst netip.Addr, proto Protocol) Header {
	src, dst = src.Unmap(), dst.Unmap()
	if !src.IsValid() || src.BitLen() != dst.BitLen() {
		return Header{}
	}
	h := Header{Src: src.As16(), Dst: dst.As16(), Family: IPv4, Protocol: proto, HopLimit: 64}
	if src.Is6() {
		h.Family = IPv6
	}
	h.setLength(0, 0)
	return h
}

func (h *Header) setLength(transport, payload uint32) {
	h.PayloadLen = payload
	h.Length = 20 + transport + payload
	if h.Family == IPv6 {
		h.Length += 20
	}
	h.Captured = h.Length
}
