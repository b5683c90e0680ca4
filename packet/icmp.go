package packet

// ReplyType returns the ICMP or ICMPv6 type that answers typ, or that typ
// answers: echo, timestamp, information and address mask for ICMP, echo and
// node information for ICMPv6. ok is false for all other types. Linux tracks
// the same pairs (CTS-31, CTS-35).
func ReplyType(p Protocol, typ uint8) (reply uint8, ok bool) {
	switch {
	case p == ICMP && (typ == 8 || typ == 0):
		return typ ^ 8, true
	case p == ICMP && typ >= 13 && typ <= 18:
		return (typ - 13) ^ 1 + 13, true
	case p == ICMPv6 && (typ == 128 || typ == 129 || typ == 139 || typ == 140):
		if typ >= 139 {
			return (typ - 139) ^ 1 + 139, true
		}
		return typ ^ 1, true
	}
	return 0, false
}

// IsQuery reports whether typ is a query that has a ReplyType, so that it may
// open a connection.
func IsQuery(p Protocol, typ uint8) bool {
	switch p {
	case ICMP:
		return typ == 8 || typ == 13 || typ == 15 || typ == 17
	case ICMPv6:
		return typ == 128 || typ == 139
	}
	return false
}

// IsError reports whether typ is an ICMP error, which quotes the packet it is
// about: 3, 4, 5, 11 and 12 for ICMP, below 128 for ICMPv6.
func IsError(p Protocol, typ uint8) bool {
	switch p {
	case ICMP:
		return typ == 3 || typ == 4 || typ == 5 || typ == 11 || typ == 12
	case ICMPv6:
		return typ < 128
	}
	return false
}
