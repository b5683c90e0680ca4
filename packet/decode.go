package packet

import "encoding/binary"

// Decode reads a frame from its link header on and writes what it finds over all
// of h. length is what the frame measured on the wire, in bytes: where it exceeds
// len(frame) the capture cut the frame, and what is not there is named in
// h.Missing instead of being an error. A length below len(frame) is taken for
// len(frame).
//
// The error is nil or one of this package's Err values, unwrapped. After an error
// h holds what could be read: h.Family is set if there was an IP header, h.Length
// and the addresses if it was readable, ports and flags if the packet had them.
//
// Checksums are not looked at: a capture taken on the sending host sees them
// before the card has filled them in. For the same reason an IPv4 total length of
// zero, as segmentation offload leaves it, means the rest of the frame.
//
// Decode does not allocate, keeps nothing of frame, and is safe for concurrent use.
func Decode(link LinkType, frame []byte, length int, h *Header) error {
	*h = Header{}
	if length < len(frame) {
		length = len(frame)
	}
	if link == LinkEthernet && len(frame) >= 14 {
		switch binary.LittleEndian.Uint16(frame[12:]) {
		case 0x0008: // 0x0800, as a little-endian load sees it
			return h.ipv4(frame[14:], length-14)
		case 0xdd86:
			return h.ipv6(frame[14:], length-14)
		}
	}
	return h.decodeLink(link, frame, length)
}

func (h *Header) decodeLink(link LinkType, frame []byte, length int) error {
	off, family, err := skipLink(link, frame)
	cut := len(frame) < length
	switch {
	case err == ErrLinkHeader && cut:
		return ErrCut
	case err != nil:
		return err
	case off >= len(frame) && cut:
		h.Family = family
		return ErrCut
	case off >= len(frame):
		h.Family = family
		return ErrLinkHeader
	}
	b, wire := frame[off:], length-off
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

// ipv4 reads an IPv4 packet. b is what the frame holds of it and of any padding
// behind it, wire how many bytes of both there were on the wire.
func (h *Header) ipv4(b []byte, wire int) error {
	h.Family = IPv4
	if len(b) < 20 {
		return tooShort(b, wire)
	}
	words := b[0] - 0x45 // of options; wraps where version or length is wrong
	if words > 10 {
		if b[0]>>4 != 4 {
			return ErrIPVersion
		}
		return ErrIPHeader
	}
	header := 20 + int(words)*4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // segmentation offload
		total = wire
	}
	if total < header {
		return ErrIPOverlap
	}
	var err error
	if total > wire {
		err = ErrIPLength
	}
	if len(b) > total {
		b = b[:total]
	}
	h.Protocol, h.HopLimit = Protocol(b[9]), b[8]
	h.FragID = uint32(binary.BigEndian.Uint16(b[4:]))
	h.Length, h.Captured = uint32(total), uint32(len(b))
	// Whole words: a table that hashes the addresses as words would wait for
	// narrower stores to reach the cache.
	binary.LittleEndian.PutUint64(h.Src[8:], uint64(binary.LittleEndian.Uint32(b[12:]))<<32|0xffff0000)
	binary.LittleEndian.PutUint64(h.Dst[8:], uint64(binary.LittleEndian.Uint32(b[16:]))<<32|0xffff0000)
	if frag := binary.BigEndian.Uint16(b[6:]); frag&0x3fff != 0 {
		h.FragOffset, h.MoreFrags = frag<<3, frag&0x2000 != 0
	}
	// Options may be cut off; that leaves the transport header nothing.
	if terr := h.transport(b[min(header, len(b)):], total-header); err == nil {
		err = terr
	}
	return err
}

// ipv6 reads an IPv6 packet; b and wire are those of ipv4.
func (h *Header) ipv6(b []byte, wire int) error {
	h.Family = IPv6
	if len(b) < 40 {
		return tooShort(b, wire)
	}
	if b[0]>>4 != 6 {
		return ErrIPVersion
	}
	payload := int(binary.BigEndian.Uint16(b[4:]))
	if payload == 0 {
		payload = jumbo(b, wire)
	}
	total := 40 + payload
	var err error
	if total > wire {
		err = ErrIPLength
	}
	if len(b) > total {
		b = b[:total]
	}
	h.Protocol, h.HopLimit = Protocol(b[6]), b[7]
	h.Length, h.Captured = uint32(total), uint32(len(b))
	h.Src, h.Dst = [16]byte(b[8:]), [16]byte(b[24:])
	b = b[40:]
	if h.Protocol.isExtension() {
		cut := len(b) < payload
		c, ok := skipExtensions(h.Protocol, b)
		h.Protocol, h.FragOffset, h.MoreFrags, h.FragID = c.next, c.fragOffset, c.moreFrags, c.fragID
		switch {
		case ok:
		case err != nil:
			return err
		case cut && !c.tooLong:
			return ErrCut
		default:
			return ErrExtension
		}
		b, payload = b[c.length:], payload-c.length
	}
	if terr := h.transport(b, payload); err == nil {
		err = terr
	}
	return err
}

// tooShort names why an IP header is not whole.
func tooShort(b []byte, wire int) error {
	if len(b) < wire {
		return ErrCut
	}
	return ErrIPHeader
}

// transport reads the header behind IP. b is what the frame holds from there on,
// n how much the IP header claims.
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
		h.SrcPort, h.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		h.Seq, h.Ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
		h.TCPFlags, h.Window = TCPFlags(b[13]), binary.BigEndian.Uint16(b[14:])
		return h.tcpPayload(int(b[12]>>4)*4, n)
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

// tcpPayload takes a segment of n bytes apart at its data offset.
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
