package packet

import "encoding/binary"

// A TunnelKind is a way to carry packets in UDP that AWS uses to hand copies and
// redirected packets to an instance. The zero TunnelKind is none.
type TunnelKind uint8

// The kinds that [Unwrap] opens.
const (
	VXLAN  TunnelKind = iota + 1 // RFC 7348, UDP port 4789: copies of Traffic Mirroring
	Geneve                       // RFC 8926, UDP port 6081: Gateway Load Balancers
)

// UDP destination ports.
const (
	portVXLAN  = 4789
	portGeneve = 6081
)

// String returns "vxlan", "geneve" or "-".
func (k TunnelKind) String() string {
	switch k {
	case VXLAN:
		return "vxlan"
	case Geneve:
		return "geneve"
	}
	return "-"
}

// A Tunnel is what one outer packet says of the packet inside it. It is comparable
// and owns its contents. The zero Tunnel is none.
type Tunnel struct {
	Kind TunnelKind

	// Outer is the header of the packet that carries the other. Traffic Mirroring
	// sends a copy from the primary address of the ENI at which it took it, so that
	// Outer.Src names the ENI of a copy; which direction the copy had there, the
	// addresses inside tell. (Amazon VPC Traffic Mirroring guide, "packet format" and
	// "How it works", read 2026-08.)
	Outer Header

	VNI uint32 // 24 bits: the VirtualNetworkId of the mirror session; 0 from a Gateway Load Balancer

	// What a Gateway Load Balancer says in its GENEVE options (class 0x0108, types 1,
	// 2 and 3, of 8, 8 and 4 bytes; aws-gateway-load-balancer-tunnel-handler); 0 where
	// it does not. An id is what stands in hexadecimal digits behind "eni-" and the
	// like.
	Endpoint   uint64 // the endpoint's ENI
	Attachment uint64
	Cookie     uint32 // the same for all packets of a connection
}

// Tunnel returns the kind of tunnel to whose port the packet goes: two comparisons
// for a packet of none. Whether it holds another is for [Unwrap] to see.
func (h *Header) Tunnel() TunnelKind {
	if h.Protocol != UDP {
		return 0
	}
	switch h.DstPort {
	case portVXLAN:
		return VXLAN
	case portGeneve:
		return Geneve
	}
	return 0
}

// Unwrap opens the tunnels around a packet and writes its header over h, which must
// be what [Decode] made of the same frame without an error. It is for captures of
// copies and for those of an appliance behind a Gateway Load Balancer: there nobody
// filtered the packet in the frame, but the one inside. Ask [Header.Tunnel] first
// where most packets are not in a tunnel.
//
// Unwrap opens as many tunnels as there are, from the outside in, but no more than
// fit into tunnels, and returns their number; what it opened is at their start. None
// is not an error, and leaves h as it was. A Gateway Load Balancer that is the target
// of a mirror session makes two, VXLAN inside GENEVE. Every header is kept, the
// last in h and the others as Tunnel.Outer, so a caller to whom the opened packet is
// a tunnel's own, such as that of an overlay network between two instances, still has
// the packet that they exchanged.
//
// A copy may end before the packet does: Traffic Mirroring cuts at the session's
// PacketLength and at the target's MTU. What is not there counts as cut off, as if
// the capture had done it; see [Header.Cut].
//
// The error is one of Decode's, about the innermost packet, or ErrTunnel: h then is
// the header of a datagram to the port of a tunnel that holds something else. ErrCut
// is also the answer where the tunnel's own header is cut; it counts as opened. For a
// link type that Decode does not read, ErrLinkType leaves h as it was.
//
// Unwrap does not allocate, keeps nothing of frame, and is safe for concurrent use.
func Unwrap(link LinkType, frame []byte, h *Header, tunnels []Tunnel) (n int, err error) {
	if h.Tunnel() == 0 {
		return 0, nil
	}
	b, next, err := linkStart(link, frame)
	if err != nil {
		return 0, err
	}
	for ; n < len(tunnels) && h.Tunnel() != 0; n++ {
		off, _, err := skipLink(next, b)
		if err != nil {
			return n, err
		}
		t := Tunnel{Kind: h.Tunnel(), Outer: *h}
		b, next, err = t.open(h.udpPayload(b[min(off, len(b)):]))
		if err == ErrTunnel {
			return n, err
		}
		tunnels[n] = t
		*h = Header{}
		if err == nil {
			err = h.decodeCopy(next, b)
		}
		if err != nil {
			return n + 1, err
		}
	}
	return n, nil
}

// udpPayload returns what there is of the payload of a UDP datagram. b starts with the
// IP header of which h was read.
func (h *Header) udpPayload(b []byte) []byte {
	// Decode counts the payload from the end of the UDP header.
	start := min(int64(h.Length)-int64(h.PayloadLen), int64(len(b)))
	end := min(int64(h.Captured), int64(len(b)))
	if start < 8 || start > end {
		return nil
	}
	if size := int64(binary.BigEndian.Uint16(b[start-4:])); size >= 8 {
		end = min(end, start-8+size)
	}
	return b[start:end]
}

// open reads the tunnel's header at the start of p, the payload of its datagram, and
// returns what is inside and what kind of header that begins with. The error is
// ErrCut where the header is not whole in the frame but was in the datagram.
func (t *Tunnel) open(p []byte) (inner []byte, next int, err error) {
	//	VXLAN                           GENEVE
	//	0 flags: 0x08, VNI is valid     0 version: 2 bits, words of options: 6 bits
	//	1 reserved                      1 flags: 0x80, a control message
	//	                                2 EtherType of what is inside
	//	4 VNI                           4 VNI
	//	7 reserved                      7 reserved
	//	8 Ethernet frame                8 options
	size := 8
	if len(p) > 0 && t.Kind == VXLAN && p[0]&0x08 == 0 ||
		len(p) > 0 && t.Kind == Geneve && p[0]>>6 != 0 ||
		len(p) > 1 && t.Kind == Geneve && p[1]&0x80 != 0 {
		return nil, 0, ErrTunnel
	}
	if len(p) > 0 && t.Kind == Geneve {
		size += int(p[0]&0x3f) * 4
	}
	if o := &t.Outer; len(p) < size && !o.MoreFrags && (o.Captured >= o.Length || int(o.PayloadLen) < size) {
		return nil, 0, ErrTunnel // the datagram has no more
	}
	if len(p) >= 8 {
		t.VNI = binary.BigEndian.Uint32(p[4:]) >> 8
	}
	if t.Kind == Geneve && len(p) > 8 {
		t.options(p[8:min(size, len(p))])
	}
	if len(p) < size {
		return nil, 0, ErrCut
	}
	if t.Kind == VXLAN {
		return p[8:], nextEthernet, nil
	}
	if next = int(binary.BigEndian.Uint16(p[2:])); next == etherTypeEthernet {
		next = nextEthernet
	} else if next <= maxLength { // such as 0, which is no EtherType
		next = nextNothing
	}
	return p[size:], next, nil
}

// etherTypeEthernet is transparent Ethernet bridging: an Ethernet frame follows.
const etherTypeEthernet = 0x6558

// options reads GENEVE options, each:
//
//	0 class
//	2 type
//	3 words of data: 5 bits
//	4 data
func (t *Tunnel) options(b []byte) {
	for len(b) >= 4 {
		size := 4 + int(b[3]&0x1f)*4
		if size > len(b) {
			return
		}
		const gateway = 0x0108 << 8
		switch id := binary.BigEndian.Uint32(b) >> 8; {
		case id == gateway|1 && size == 12:
			t.Endpoint = binary.BigEndian.Uint64(b[4:])
		case id == gateway|2 && size == 12:
			t.Attachment = binary.BigEndian.Uint64(b[4:])
		case id == gateway|3 && size == 8:
			t.Cookie = binary.BigEndian.Uint32(b[4:])
		}
		b = b[size:]
	}
}
