package conntrack

import "github.com/sgsim/sgsim/packet"

// An icmpKind says what an ICMP message is to the table.
type icmpKind uint8

const (
	icmpOther     icmpKind = iota // neither asks nor answers
	icmpQuery                     // may open a connection
	icmpReply                     // belongs to the connection of its query
	icmpError                     // quotes a packet
	icmpDiscovery                 // neighbour or multicast listener discovery
)

// kindOf sorts the ICMP types (CTS-31, CTS-32, CTS-35 to CTS-37). Protocol and
// family of h agree.
func kindOf(p Profile, h *packet.Header) icmpKind {
	switch {
	case packet.IsQuery(h.Protocol, h.ICMPType):
		return icmpQuery
	case packet.IsError(h.Protocol, h.ICMPType):
		return icmpError
	}
	if _, ok := packet.ReplyType(h.Protocol, h.ICMPType); ok {
		return icmpReply
	}
	if h.Protocol == packet.ICMPv6 {
		switch h.ICMPType {
		case 130, 131, 132, 143, 151, 152:
			return icmpDiscovery
		case 133, 134, 135, 136:
			// Linux does not look at the hop limit here.
			if p == Linux || h.HopLimit == 255 {
				return icmpDiscovery
			}
		case 137:
			// Linux looks into a redirect for what it is about, AWS exempts it.
			if p == AWS && h.HopLimit == 255 {
				return icmpDiscovery
			}
		}
	}
	return icmpOther
}

// hasPorts reports whether the profile keys connections of the protocol by
// ports. AWS tracks address pairs of all but TCP and UDP (CTS-50).
func hasPorts(p Profile, proto packet.Protocol) bool {
	if p == Linux {
		return proto.HasPorts()
	}
	return proto == packet.TCP || proto == packet.UDP
}
