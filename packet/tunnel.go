package packet

import "encoding/binary"

// A TunnelKind is a way to carry packets in UDP, used by AWS to deliver mirrored
// and redirected packets to an instance. The zero TunnelKind is none.
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

// A Tunnel is what one outer packet says about the packet inside it. It is
// comparable and owns its contents. The zero Tunnel is none.
type Tunnel struct {
	Kind TunnelKind

	// Outer is the header of the packet that carries the other. Traffic Mirroring
	// sends a copy from the primary address of the ENI where it was taken, so
	// Outer.Src names that ENI; the addresses inside tell the direction there.
	// (Amazon VPC Traffic Mirroring guide, "packet format" and "How it works", read
	// 2026-08.)
	Outer Header

	VNI uint32 // 24 bits: the VirtualNetworkId of the mirror session; 0 from a Gateway Load Balancer

	// What a Gateway Load Balancer says in its GENEVE options (class 0x0108, types 1,
	// 2 and 3, of 8, 8 and 4 bytes; aws-gateway-load-balancer-tunnel-handler); 0 if it
	// does not. An id is the hexadecimal number after "eni-" and the like.
	Endpoint   uint64 // the endpoint's ENI
	Attachment uint64
	Cookie     uint32 // the same for all packets of a connection
}

// Tunnel returns the kind of tunnel whose port the packet goes to. For other
// packets it takes two comparisons. Whether there is a packet inside is for
// [Unwrap] to find out.
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

// Unwrap opens the tunnels around a packet and writes the inner header over h,
// which must be what [Decode] read from the same frame without an error. It is for
// captures of mirrored copies and of an appliance behind a Gateway Load Balancer:
// there AWS filtered the packet inside, not the one in the frame. Ask
// [Header.Tunnel] first if most packets are not in a tunnel.
//
// Unwrap opens the tunnels from the outside in, at most len(tunnels) of them, stores
// them in tunnels and returns their number. If there are none, that is not an error,
// and h stays as it was. A Gateway Load Balancer that is the target of a mirror
// session makes two, VXLAN inside GENEVE. Every header is kept, the last in h and the
// others as Tunnel.Outer. So if the opened tunnel turns out to be the user's own,
// such as that of an overlay network between two instances, the caller still has the
// packet that they exchanged.
//
// A copy may end before the packet does: Traffic Mirroring cuts at the session's
// PacketLength and at the target's MTU. Missing bytes count as cut off by the
// capture; see [Header.Cut].
//
// The error is one of Decode's, about the innermost packet, or ErrTunnel: then h is
// the header of a datagram to a tunnel's port that holds something else. If the
// tunnel's own header is cut, the error is ErrCut, and the tunnel counts as opened.
// For a link type that Decode does not read, the error is ErrLinkType, and h stays as
// it was.
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

// udpPayload returns what b holds of a UDP datagram's payload. b starts with the IP
// header that h was read from.
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
// returns what is inside and the kind of header it begins with. The error is ErrCut
// if the header was whole in the datagram but is not in the frame.
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
