package packet

import "encoding/binary"

// Decode reads a frame from its link header on and overwrites all of h with what
// it finds. length is the frame's length on the wire, in bytes. If it exceeds
// len(frame), the capture cut the frame, and what is missing is named in
// h.Missing instead of being an error. A length below len(frame) counts as
// len(frame).
//
// The error is nil or one of this package's Err values, unwrapped. After an error
// h holds what could be read: h.Family is set if there was an IP header, h.Length
// and the addresses if it was readable, ports and flags if the packet had them.
//
// Decode ignores checksums: a capture taken on the sending host sees them before
// the network card has filled them in. For the same reason an IPv4 total length
// of zero, as segmentation offload leaves it, means the rest of the frame.
//
// Decode does not allocate, keeps nothing of frame, and is safe for concurrent use.
func Decode(link LinkType, frame []byte, length int, h *Header) error {
	*h = Header{}
	length = max(length, len(frame))
	if link != LinkEthernet || len(frame) < 54 {
		return h.decodeLink(link, frame, length)
	}
	// Nearly all traffic is whole TCP segments and UDP datagrams over IPv4 without
	// options, straight behind an Ethernet header. They are read here, with one check
	// of the frame's length; decodeLink gives the same result, but takes twice the
	// time. One load of four bytes covers EtherType, version and header length.
	f := (*[54]byte)(frame)
	total := int(binary.BigEndian.Uint16(f[16:]))
	if binary.LittleEndian.Uint32(f[12:])&0xffffff != 0x450008 || total > length-14 ||
		binary.LittleEndian.Uint16(f[20:])&0xff3f != 0 { // fragments
		return h.decodeLink(link, frame, length)
	}
	switch Protocol(f[23]) {
	case TCP:
		offset := int(f[46]>>4) * 4
		if offset < 20 || offset > total-20 {
			return h.decodeLink(link, frame, length)
		}
		h.TCPFlags = TCPFlags(f[47])
		h.Seq, h.Ack = binary.BigEndian.Uint32(f[38:]), binary.BigEndian.Uint32(f[42:])
		h.Window = binary.BigEndian.Uint16(f[48:])
		h.PayloadLen = uint32(total - 20 - offset)
	case UDP:
		size := int(binary.BigEndian.Uint16(f[38:]))
		if size < 8 || size > total-20 {
			return h.decodeLink(link, frame, length)
		}
		h.PayloadLen = uint32(total - 28)
	default:
		return h.decodeLink(link, frame, length)
	}
	h.Family, h.Protocol, h.HopLimit = IPv4, Protocol(f[23]), f[22]
	h.SrcPort, h.DstPort = binary.BigEndian.Uint16(f[34:]), binary.BigEndian.Uint16(f[36:])
	h.FragID = uint32(binary.BigEndian.Uint16(f[18:]))
	h.Length, h.Captured = uint32(total), uint32(min(total, len(frame)-14))
	putIPv4(&h.Src, f[26:])
	putIPv4(&h.Dst, f[30:])
	return nil
}

// putIPv4 writes the address at the start of b in its IPv4-mapped form over a zero
// address. It writes a whole word: a table that hashes addresses as words would
// wait for narrower stores to reach the cache.
func putIPv4(a *[16]byte, b []byte) {
	binary.LittleEndian.PutUint64(a[8:], uint64(binary.LittleEndian.Uint32(b))<<32|0xffff0000)
}

// decodeLink decodes any frame into a zero h.
func (h *Header) decodeLink(link LinkType, frame []byte, length int) error {
	if link == LinkEthernet && len(frame) >= 14 {
		switch binary.BigEndian.Uint16(frame[12:]) {
		case nextIPv4:
			return h.ipv4(frame[14:], length-14)
		case nextIPv6:
			return h.ipv6(frame[14:], length-14)
		}
	}
	b, next, err := linkStart(link, frame)
	cut := len(frame) < length
	if err == nil && link == LinkNFLOG {
		return h.decodeCopy(next, b)
	}
	off, family := 0, Family(0)
	if err == nil {
		off, family, err = skipLink(next, b)
	}
	switch {
	case (err == ErrLinkHeader || err == errUnclear) && cut:
		return ErrCut
	case err == errUnclear:
		return ErrNotIP
	case err != nil:
		return err
	}
	wire := length - (len(frame) - len(b)) - off
	b = b[min(off, len(b)):]
	h.Family = family
	switch {
	case len(b) > 0:
		return h.decodeIP(family, b, wire)
	case wire > 0:
		return ErrCut
	}
	return ErrLinkHeader
}

// decodeCopy decodes a frame inside another packet into a zero h: a copy that its
// maker may have cut without saying so. Missing bytes count as cut off, never as
// broken. next is what comes first in b.
func (h *Header) decodeCopy(next int, b []byte) error {
	off, family, err := skipLink(next, b)
	switch {
	case err == ErrLinkHeader, err == errUnclear:
		return ErrCut
	case err != nil:
		return err
	}
	b = b[min(off, len(b)):]
	if h.Family = family; len(b) == 0 {
		return ErrCut
	}
	return h.decodeIP(family, b, max(len(b), announced(b)))
}

// announced returns the length of the IP packet at the start of b according to its
// own header, which counts as 20 or 40 bytes if it is not whole.
func announced(b []byte) int {
	switch v := Family(b[0] >> 4); {
	case v == IPv4 && len(b) < 20:
		return 20
	case v == IPv4:
		return int(binary.BigEndian.Uint16(b[2:]))
	case v == IPv6 && len(b) < 40:
		return 40
	case v == IPv6:
		return 40 + int(binary.BigEndian.Uint16(b[4:]))
	}
	return 0
}

// decodeIP decodes an IP packet. b is what the frame holds of it and of any padding
// after it, at least a byte; wire is how many bytes of both were on the wire. A
// family of 0 lets the packet tell.
func (h *Header) decodeIP(family Family, b []byte, wire int) error {
	if family == 0 {
		family = Family(b[0] >> 4)
	}
	switch family {
	case IPv4:
		return h.ipv4(b, wire)
	case IPv6:
		return h.ipv6(b, wire)
	}
	return ErrIPVersion
}

// ipv4 is decodeIP for IPv4.
func (h *Header) ipv4(b []byte, wire int) error {
	h.Family = IPv4
	if len(b) < 20 {
		return h.tooShort(b, wire, 20)
	}
	ip := (*[20]byte)(b)
	words := ip[0] - 0x45 // of options; wraps where version or length is wrong
	if words > 10 {
		if ip[0]>>4 != 4 {
			return ErrIPVersion
		}
		return ErrIPHeader
	}
	header := 20 + int(words)*4
	total := int(binary.BigEndian.Uint16(ip[2:]))
	if total == 0 { // segmentation offload
		total = wire
	}
	if total < header {
		return ErrIPOverlap
	}
	b = b[:min(len(b), total)]
	h.Protocol, h.HopLimit = Protocol(ip[9]), ip[8]
	h.FragID = uint32(binary.BigEndian.Uint16(ip[4:]))
	h.Length, h.Captured = uint32(total), uint32(len(b))
	putIPv4(&h.Src, ip[12:])
	putIPv4(&h.Dst, ip[16:])
	if frag := binary.BigEndian.Uint16(ip[6:]); frag&0x3fff != 0 {
		h.FragOffset, h.MoreFrags = frag<<3, frag&0x2000 != 0
	}
	// Options may be cut off; then nothing is left of the transport header.
	b = b[min(header, len(b)):]
	if total > wire {
		h.transport(b, total-header)
		return ErrIPLength
	}
	return h.transport(b, total-header)
}

// ipv6 is decodeIP for IPv6.
func (h *Header) ipv6(b []byte, wire int) error {
	h.Family = IPv6
	if len(b) < 40 {
		return h.tooShort(b, wire, 40)
	}
	if b[0]>>4 != 6 {
		return ErrIPVersion
	}
	ip := (*[40]byte)(b)
	payload := int(binary.BigEndian.Uint16(ip[4:]))
	if payload == 0 {
		payload = jumbo(b, wire)
	}
	total := 40 + payload
	b = b[:min(len(b), total)]
	h.Protocol, h.HopLimit = Protocol(ip[6]), ip[7]
	h.Length, h.Captured = uint32(total), uint32(len(b))
	h.Src, h.Dst = [16]byte(ip[8:24]), [16]byte(ip[24:40])
	b = b[40:]
	if h.Protocol.isExtension() {
		e, ok := skipExtensions(h.Protocol, b)
		h.Protocol, h.FragOffset, h.MoreFrags, h.FragID = e.next, e.fragOffset, e.moreFrags, e.fragID
		switch {
		case ok:
		case total > wire:
			return ErrIPLength
		case len(b) < payload && e.end <= payload && !e.tooLong:
			return ErrCut
		default:
			return ErrExtension
		}
		b, payload = b[e.length:], payload-e.length
	}
	if total > wire {
		h.transport(b, payload)
		return ErrIPLength
	}
	return h.transport(b, payload)
}

// tooShort returns why an IP header of size bytes is not whole.
func (h *Header) tooShort(b []byte, wire, size int) error {
	switch {
	case len(b) > 0 && Family(b[0]>>4) != h.Family:
		return ErrIPVersion
	case wire < size: // the frame had no more
		return ErrIPHeader
	}
	return ErrCut
}

// transport reads the header after IP. b is what the frame holds from there on, n
// how much the IP header claims.
func (h *Header) transport(b []byte, n int) error {
	if h.FragOffset != 0 {
		h.PayloadLen = uint32(n)
		if int(h.FragOffset)+n > 65535 {
			return ErrFragment
		}
		return nil
	}
	switch h.Protocol {
	case TCP:
		if len(b) < 20 {
			return h.shortTransport(b, n, 20)
		}
		t := (*[20]byte)(b)
		h.SrcPort, h.DstPort = binary.BigEndian.Uint16(t[0:]), binary.BigEndian.Uint16(t[2:])
		h.Seq, h.Ack = binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:])
		h.TCPFlags, h.Window = TCPFlags(t[13]), binary.BigEndian.Uint16(t[14:])
		return h.tcpPayload(int(t[12]>>4)*4, n)
	case UDP:
		if len(b) < 8 {
			return h.shortTransport(b, n, 8)
		}
		h.SrcPort, h.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		h.PayloadLen = uint32(n - 8)
		length := int(binary.BigEndian.Uint16(b[4:]))
		switch {
		case length == 0 && n > 65535: // a jumbogram, RFC 2675
		case length < 8, length > n && !h.MoreFrags:
			return ErrUDPLength
		}
		return nil
	case ICMP, ICMPv6:
		return h.icmp(b, n)
	case SCTP, DCCP:
		return h.ports(b, n, 12)
	case UDPLite:
		return h.ports(b, n, 8)
	}
	h.PayloadLen = uint32(n)
	return nil
}

// tcpPayload splits a segment of n bytes at its data offset.
func (h *Header) tcpPayload(offset, n int) error {
	if offset < 20 || offset > n && !h.MoreFrags {
		return ErrTCPOffset
	}
	h.PayloadLen = uint32(max(n-offset, 0))
	return nil
}

// ports reads a header of size bytes that starts with two ports.
func (h *Header) ports(b []byte, n, size int) error {
	if len(b) < size {
		return h.shortTransport(b, n, size)
	}
	h.SrcPort, h.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	h.PayloadLen = uint32(n - size)
	return nil
}

// shortTransport reads what there is of a transport header of size bytes, not all
// of which is in b.
func (h *Header) shortTransport(b []byte, n, size int) error {
	if len(b) >= 4 {
		h.SrcPort, h.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	} else {
		h.Missing |= MissingPorts
	}
	var err error
	switch {
	case h.Protocol == TCP && len(b) >= 14:
		h.Seq, h.Ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
		h.TCPFlags = TCPFlags(b[13])
		if len(b) >= 16 {
			h.Window = binary.BigEndian.Uint16(b[14:])
		}
		err = h.tcpPayload(int(b[12]>>4)*4, n)
	case h.Protocol == TCP:
		h.Missing |= MissingTCPFlags
	case n > size:
		h.PayloadLen = uint32(n - size)
	}
	if n < size && !h.MoreFrags {
		return ErrTransport
	}
	return err
}

// icmp reads an ICMP or ICMPv6 message.
func (h *Header) icmp(b []byte, n int) error {
	if n > 8 {
		h.PayloadLen = uint32(n - 8)
	}
	if len(b) < 2 {
		h.Missing |= MissingICMP
	} else {
		h.ICMPType, h.ICMPCode = b[0], b[1]
		_, query := ReplyType(h.Protocol, h.ICMPType)
		switch {
		case query && len(b) >= 6:
			h.ICMPID = binary.BigEndian.Uint16(b[4:])
		case query:
			h.Missing |= MissingICMPID
		case IsError(h.Protocol, h.ICMPType):
			h.Quoted.decode(h.Protocol, b[min(8, len(b)):])
			if h.Quoted.Part != QuoteTuple && len(b) < n {
				h.Missing |= MissingQuote
			}
		}
	}
	if n < 8 && !h.MoreFrags {
		return ErrTransport
	}
	return nil
}
