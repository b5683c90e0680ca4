package packet

import "errors"

// Errors of [Decode], one for each cause. Decode returns them unwrapped, so they
// compare with ==. If the IP header could be read, h is filled as far as the
// packet goes, whatever the error.
var (
	// ErrLinkType: the link type is not one that Decode reads. Package capture
	// knows more of them.
	ErrLinkType = errors.New("packet: link type not supported")

	// ErrTunnel, only from [Unwrap]: a datagram to a tunnel's port that does not
	// begin with a tunnel header.
	ErrTunnel = errors.New("packet: no tunnel header behind UDP")

	// ErrNotIP: the frame carries something else: ARP, spanning tree, PPP control.
	ErrNotIP = errors.New("packet: not an IP packet")

	// ErrCut: the capture cut the frame before addresses and protocol are known: in
	// the link header, the IP header, or a chain of IPv6 extension headers, where
	// only the addresses are known. The packet itself may have been fine. See
	// [Header.Cut] for a packet that was cut further on.
	ErrCut = errors.New("packet: cut by the capture before addresses and protocol")

	// ErrLinkHeader: the frame ends inside its link-layer header.
	ErrLinkHeader = errors.New("packet: frame ends inside its link header")

	// ErrIPVersion: the version in the IP header is not the one that the link
	// layer announced, or is neither 4 nor 6.
	ErrIPVersion = errors.New("packet: wrong IP version")

	// ErrIPHeader: the frame, not the capture, ends inside the IP header, or an IPv4
	// header length is below 20 bytes.
	ErrIPHeader = errors.New("packet: broken IP header")

	// ErrIPOverlap: the IPv4 total length ends inside the IPv4 header.
	ErrIPOverlap = errors.New("packet: IPv4 total length shorter than the header")

	// ErrIPLength: the IP packet claims more bytes than its frame had on the wire.
	ErrIPLength = errors.New("packet: IP length beyond the frame")

	// ErrFragment: a fragment that would end beyond 65535 bytes.
	ErrFragment = errors.New("packet: fragment ends beyond 65535 bytes")

	// ErrExtension: the chain of IPv6 extension headers runs past the packet, or
	// has more than 64 headers or 2048 bytes.
	ErrExtension = errors.New("packet: IPv6 extension headers run too far")

	// ErrTransport: the packet, not the capture, ends inside the transport header.
	ErrTransport = errors.New("packet: packet ends inside its transport header")

	// ErrTCPOffset: a TCP data offset below 20 bytes or beyond the segment.
	ErrTCPOffset = errors.New("packet: TCP data offset outside the segment")

	// ErrUDPLength: a UDP length below 8 bytes or beyond the IP packet.
	ErrUDPLength = errors.New("packet: UDP length outside the packet")
)
