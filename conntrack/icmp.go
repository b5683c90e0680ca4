package conntrack

import "github.com/sgsim/sgsim/packet"

// An icmpKind says how the table treats an ICMP message.
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
			// Linux looks at the packet that a redirect quotes; AWS exempts redirects.
			if p == AWS && h.HopLimit == 255 {
				return icmpDiscovery
			}
		}
	}
	return icmpOther
}

// hasPorts reports whether the profile keys connections of the protocol by ports.
// AWS tracks address pairs for all protocols but TCP and UDP (CTS-50).
func hasPorts(p Profile, proto packet.Protocol) bool {
	if p == Linux {
		return proto.HasPorts()
	}
	return proto == packet.TCP || proto == packet.UDP
}

// classifyICMP is classify for ICMP and ICMPv6.
func (t *Table) classifyICMP(z Zone, h *packet.Header, at int64) (r Result, done bool) {
	if (h.Protocol == packet.ICMP) != (h.Family == packet.IPv4) {
		return plain(Invalid, WhyFamily), true
	}
	if h.Missing&packet.MissingICMP != 0 {
		return plain(Invalid, WhyMissing), true
	}
	switch kindOf(t.profile, h) {
	case icmpDiscovery:
		return plain(Untracked, WhyNone), true
	case icmpOther:
		return t.untrackable(), true
	case icmpError:
		return t.related(z, h, at), true
	}
	if h.Missing&packet.MissingICMPID != 0 {
		return plain(Invalid, WhyMissing), true
	}
	return Result{}, false
}

// related finds the connection that an ICMP error is about. The error must go to where
// the quoted packet came from; who sends it does not matter (CTS-32). An error that is
// itself a fragment is about no connection, as its later fragments are of another
// [Part]. No error needs fragments: each is cut to a size that passes whole (RFC 1812,
// 4.3.2.3; RFC 4443, 2.4).
func (t *Table) related(z Zone, h *packet.Header, at int64) Result {
	q := &h.Quoted.Tuple
	if h.Quoted.Part != packet.QuoteTuple || h.Fragment() {
		if h.Missing&packet.MissingQuote != 0 {
			return plain(Invalid, WhyMissing)
		}
		return plain(Invalid, WhyQuote)
	}
	if q.Src != h.Dst || q.Family != h.Family {
		return plain(Invalid, WhyNoQuoted)
	}
	if q.Protocol == packet.ICMP || q.Protocol == packet.ICMPv6 {
		if _, ok := packet.ReplyType(q.Protocol, uint8(q.DstPort>>8)); !ok {
			return plain(Invalid, WhyNoQuoted)
		}
	}
	s, rec, dir := t.lookup(z, q.Reverse(), at)
	if s == nil {
		return plain(Invalid, WhyNoQuoted)
	}
	return about(Related, dir, WhyNone, s.head(rec)[wordMeta])
}
