package packet

import (
	"encoding/binary"
	"errors"
)

// LinkType says how frames begin, by its number in capture files (tcpdump.org,
// Link-Layer Header Types).
type LinkType uint16

// Link types that [Decode] reads, in addition to the obsolete numbers 12 and 14
// for raw IP.
const (
	LinkNull     LinkType = 0   // BSD loopback, family in the byte order of the host
	LinkEthernet LinkType = 1   // Ethernet II and 802.3
	LinkPPP      LinkType = 9   // PPP, with or without address and control
	LinkPPPHDLC  LinkType = 50  // PPP in HDLC framing, or Cisco HDLC
	LinkPPPoE    LinkType = 51  // PPPoE session without Ethernet
	LinkRaw      LinkType = 101 // IPv4 or IPv6
	LinkHDLC     LinkType = 104 // Cisco HDLC
	LinkLoop     LinkType = 108 // OpenBSD loopback, family in network byte order
	LinkSLL      LinkType = 113 // Linux cooked capture
	LinkPPPD     LinkType = 166 // PPP whose address byte is a direction
	LinkPPPDir   LinkType = 204 // PPP behind a direction byte
	LinkMPLS     LinkType = 219 // MPLS label stack
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkNFLOG    LinkType = 239 // Linux netfilter log
	LinkSLL2     LinkType = 276 // Linux cooked capture, version 2

	linkRaw12 LinkType = 12
	linkRaw14 LinkType = 14
)

// What may come next in a frame: an EtherType, or one of these.
const (
	nextIPv4     = 0x0800
	nextVLAN     = 0x8100
	nextIPv6     = 0x86dd
	nextPPPType  = 0x880b
	nextMPLS     = 0x8847
	nextMPLSUp   = 0x8848 // upstream-assigned label
	nextPPPoE    = 0x8864 // session; discovery carries no IP
	nextQinQ     = 0x88a8
	nextOldQinQ  = 0x9100
	maxLength    = 1500 // an EtherType up to here is a length, and LLC follows
	nextEthernet = 1 << 16
	nextLLC      = nextEthernet + 1
	nextPPP      = nextEthernet + 2
	nextHDLC     = nextEthernet + 3
	nextIP       = nextEthernet + 4 // either version
	nextFamily   = nextEthernet + 5 // BSD address family
	nextNothing  = nextEthernet + 6 // not IP, whatever it is
	nextUnclear  = nextEthernet + 7 // the same, or there are too few bytes to tell
)

// linkStart returns what the frame holds after the header that only captures have,
// and what kind of header comes first there.
func linkStart(link LinkType, frame []byte) (b []byte, next int, err error) {
	switch link {
	case LinkEthernet:
		return frame, nextEthernet, nil
	case LinkRaw, linkRaw12, linkRaw14:
		return frame, nextIP, nil
	case LinkIPv4:
		return frame, nextIPv4, nil
	case LinkIPv6:
		return frame, nextIPv6, nil
	case LinkNull, LinkLoop:
		return frame, nextFamily, nil
	case LinkPPP, LinkPPPD, LinkPPPHDLC:
		return frame, nextPPP, nil
	case LinkPPPDir:
		if len(frame) >= 1 {
			return frame[1:], nextPPP, nil
		}
	case LinkPPPoE:
		return frame, nextPPPoE, nil
	case LinkHDLC:
		return frame, nextHDLC, nil
	case LinkMPLS:
		return frame, nextMPLS, nil
	case LinkSLL:
		if len(frame) >= 16 {
			return frame[16:], cookedNext(binary.BigEndian.Uint16(frame[14:])), nil
		}
	case LinkSLL2:
		if len(frame) >= 20 {
			return frame[20:], cookedNext(binary.BigEndian.Uint16(frame)), nil
		}
	case LinkNFLOG:
		return nflogPayload(frame)
	default:
		return nil, 0, ErrLinkType
	}
	return nil, 0, ErrLinkHeader
}

// errUnclear means ErrCut for a frame that the capture cut, else ErrNotIP.
var errUnclear = errors.New("packet: too few bytes to tell")

// skipLink walks the link headers at the start of b, the first of which is next. It
// returns the offset of the IP header after them and the family that they announce,
// 0 if only the IP header tells.
func skipLink(next int, b []byte) (off int, family Family, err error) {
	// Every round consumes at least a byte, so b bounds the loop.
	for {
		if next == nextIPv4 {
			return off, IPv4, nil
		}
		if next == nextIPv6 {
			return off, IPv6, nil
		}
		if next == nextIP {
			return off, 0, nil
		}
		if off > len(b) {
			return 0, 0, ErrLinkHeader
		}
		n, following := linkHeader(next, b[off:])
		switch {
		case following == nextNothing:
			return 0, 0, ErrNotIP
		case following == nextUnclear:
			return 0, 0, errUnclear
		case n == 0:
			return 0, 0, ErrLinkHeader
		}
		off, next = off+n, following
	}
}

// linkHeader returns the length of the link header at the start of b, and what
// follows it. The length is 0 if b is too short for it.
func linkHeader(kind int, b []byte) (n, next int) {
	switch kind {
	case nextEthernet:
		if len(b) >= 14 {
			return 14, int(binary.BigEndian.Uint16(b[12:]))
		}
	case nextVLAN, nextQinQ, nextOldQinQ:
		if len(b) >= 4 {
			return 4, int(binary.BigEndian.Uint16(b[2:]))
		}
	case nextMPLS, nextMPLSUp:
		return mplsHeader(b)
	case nextPPPoE:
		if len(b) >= 6 {
			return 6, nextPPP
		}
	case nextPPP, nextPPPType:
		return pppHeader(b)
	case nextHDLC:
		if len(b) >= 4 {
			return 4, int(binary.BigEndian.Uint16(b[2:]))
		}
	case nextFamily:
		if len(b) >= 4 {
			return 4, familyNext(binary.LittleEndian.Uint32(b))
		}
	case nextLLC:
		return llcHeader(b)
	default:
		if kind <= maxLength {
			return llcHeader(b)
		}
		return 0, nextNothing
	}
	return 0, 0
}

// llcHeader reads 802.2: SNAP with an EtherType, or IP's own service point.
func llcHeader(b []byte) (n, next int) {
	if len(b) < 3 {
		return 0, 0
	}
	switch [3]byte(b) {
	case [3]byte{0xaa, 0xaa, 3}:
		if len(b) < 8 {
			return 0, 0
		}
		// Encapsulated Ethernet, or the same across a bridge (802.1H).
		if oui := [3]byte(b[3:]); oui == [3]byte{} || oui == [3]byte{0, 0, 0xf8} {
			if typ := int(binary.BigEndian.Uint16(b[6:])); typ > maxLength {
				return 8, typ
			}
		}
	case [3]byte{6, 6, 3}:
		return 3, nextIPv4
	}
	return 0, nextNothing
}

// mplsHeader skips a label stack. The payload has no type field: as in routers
// and analysers, its first nibble decides, or it is an Ethernet pseudowire (RFC
// 4448) with or without control word.
func mplsHeader(b []byte) (n, next int) {
	for {
		if len(b) < n+4 {
			return 0, 0
		}
		bottom := b[n+2]&1 != 0
		n += 4
		if bottom {
			break
		}
	}
	b = b[n:]
	if len(b) == 0 {
		return 0, 0
	}
	switch b[0] >> 4 {
	case 4:
		return n, nextIPv4
	case 6:
		return n, nextIPv6
	}
	if isEthernet(b) {
		return n, nextEthernet
	}
	if b[0]>>4 == 0 && len(b) > 4 && isEthernet(b[4:]) {
		return n + 4, nextEthernet
	}
	if len(b) < 18 {
		return 0, nextUnclear
	}
	return 0, nextNothing
}

// isEthernet reports whether b looks like an Ethernet frame that may carry IP.
func isEthernet(b []byte) bool {
	if len(b) < 14 {
		return false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case nextIPv4, nextIPv6, nextVLAN, nextQinQ, nextOldQinQ, nextMPLS, nextMPLSUp, nextPPPoE:
		return true
	}
	return false
}

// pppHeader skips the optional address and control bytes, or a Cisco HDLC header
// instead, and the protocol, which may be compressed to one byte.
func pppHeader(b []byte) (n, next int) {
	if len(b) < 4 {
		return 0, 0
	}
	switch {
	case b[0] == 0xff, b[0] <= 1 && b[1] == 3: // address, or a direction in its place
		n = 2
	case b[0] == 0x0f, b[0] == 0x8f: // no PPP protocol: Cisco's unicast and multicast
		return linkHeader(nextHDLC, b)
	}
	proto := int(b[n])
	n++
	if proto&1 == 0 {
		proto = proto<<8 | int(b[n])
		n++
	}
	switch proto {
	case 0x21:
		return n, nextIPv4
	case 0x57:
		return n, nextIPv6
	case 0x281, 0x283:
		return n, nextMPLS
	}
	return 0, nextNothing
}

// familyNext maps the address family in front of a loopback packet. Its byte
// order is that of the capturing host, and so is the number for IPv6: 24 on
// NetBSD and OpenBSD, 28 on FreeBSD, 30 on Darwin, 23 on Windows, 10 on Linux.
func familyNext(v uint32) int {
	if v > 0xffff {
		v = v>>24 | v>>8&0xff00
	}
	switch v {
	case 2, nextIPv4:
		return nextIPv4
	case 10, 23, 24, 28, 30, nextIPv6:
		return nextIPv6
	}
	return nextNothing
}

// cookedNext maps the protocol of a Linux cooked header, an EtherType or one of
// the kernel's numbers below them.
func cookedNext(v uint16) int {
	switch {
	case v == 4: // 802.2 without its 802.3 header
		return nextLLC
	case v <= maxLength:
		return nextNothing
	}
	return int(v)
}
