package packet

import "encoding/binary"

// nflogPayload finds the packet in a frame of LinkNFLOG: a message to a netfilter
// log group of a Linux host.
//
//	0 address family, as on Linux
//	1 version: 0
//	2 log group
//	4 values, each:    0 length of header and value, without padding
//	                   2 type
//	                   4 value, padded to a multiple of four
//
// Lengths and types are in the byte order of the capturing host. The first value
// shows which: types are small numbers.
func nflogPayload(frame []byte) (b []byte, next int, err error) {
	if len(frame) < 8 {
		return nil, 0, ErrLinkHeader
	}
	if frame[1] != 0 {
		return nil, 0, ErrNotIP
	}
	next = nextNothing
	switch frame[0] {
	case 2: // AF_INET
		next = nextIPv4
	case 10: // AF_INET6
		next = nextIPv6
	}
	var order binary.ByteOrder = binary.LittleEndian
	if frame[6] == 0 {
		order = binary.BigEndian
	}
	rest := frame[4:]
	for len(rest) >= 4 {
		size := int(order.Uint16(rest))
		if size < 4 {
			return nil, 0, ErrLinkHeader
		}
		value := rest[4:min(size, len(rest))]
		switch order.Uint16(rest[2:]) {
		case 1: // NFULA_PACKET_HDR: for families such as bridge, the EtherType
			if next == nextNothing && len(value) >= 2 {
				next = cookedNext(binary.BigEndian.Uint16(value))
			}
		case 9: // NFULA_PAYLOAD, from the IP header on
			return value, next, nil
		}
		rest = rest[min((size+3)&^3, len(rest)):]
	}
	if len(rest) == 0 { // a log configured to copy nothing
		return nil, 0, ErrCut
	}
	return nil, 0, ErrLinkHeader
}
