package packet

// Protocol is an IP protocol number.
type Protocol uint8

// Protocols that packet filters treat by name. IANA, Assigned Internet Protocol
// Numbers.
const (
	ICMP    Protocol = 1
	IGMP    Protocol = 2
	TCP     Protocol = 6
	UDP     Protocol = 17
	DCCP    Protocol = 33
	GRE     Protocol = 47
	ESP     Protocol = 50
	AH      Protocol = 51
	ICMPv6  Protocol = 58
	NoNext  Protocol = 59
	SCTP    Protocol = 132
	UDPLite Protocol = 136
)

// HasPorts reports whether the transport header starts with two port numbers.
func (p Protocol) HasPorts() bool {
	switch p {
	case TCP, UDP, SCTP, DCCP, UDPLite:
		return true
	}
	return false
}

func (p Protocol) isICMP() bool { return p == ICMP || p == ICMPv6 }

// headerSize returns the size of a transport header without options, in bytes,
// and 0 if Decode does not look past the IP header.
func (p Protocol) headerSize() uint32 {
	switch p {
	case TCP:
		return 20
	case UDP, UDPLite, ICMP, ICMPv6:
		return 8
	case SCTP, DCCP:
		return 12
	}
	return 0
}
