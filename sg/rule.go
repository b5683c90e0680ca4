package sg

import (
	"net/netip"
	"strconv"

	"github.com/sgsim/sgsim/packet"
)

// A Rule admits packets of one protocol between the group's members and one
// peer. The zero Rule is an error in Compile, never "allow all".
type Rule struct {
	ID          RuleID // empty if unknown: describe-security-groups does not tell (SG-60)
	Protocol    Protocol
	Ports       PortRange // TCP and UDP, of the destination (SG-04); required there
	ICMP        ICMPMatch // ICMP, and ICMPv6 where it may be left out (SG-29)
	Peer        Peer
	Description string
}

// Protocol is the IP protocol of a rule. The zero Protocol is invalid; AWS
// refuses a rule without one (SG-56). Make others with [ProtocolNumber].
type Protocol int16

// Protocols that rules know by name (SG-20).
const (
	AllProtocols Protocol = -1
	ICMP         Protocol = 1
	TCP          Protocol = 6
	UDP          Protocol = 17
	ICMPv6       Protocol = 58

	hopOpt Protocol = 256 // protocol number 0, since 0 itself means unset
)

// ProtocolNumber returns the Protocol for an IP protocol number.
func ProtocolNumber(n uint8) Protocol {
	if n == 0 {
		return hopOpt
	}
	return Protocol(n)
}

// String returns the name or number of [packet.Protocol.String], "-1" for all protocols, and
// "" for the zero Protocol.
func (p Protocol) String() string {
	switch p {
	case 0:
		return ""
	case AllProtocols:
		return "-1"
	case hopOpt:
		return "0"
	}
	if p < 0 || p > 255 {
		return "Protocol(" + strconv.Itoa(int(p)) + ")"
	}
	return packet.Protocol(p).String()
}

// A PortRange is an inclusive range of TCP or UDP destination ports. The zero
// PortRange is unset; Port(0) is port zero alone (SG-24).
type PortRange struct {
	first, last int32
	set         bool
}

var (
	allPorts = Ports(0, 65535)
	allICMP  = ICMPTypeCode(-1, -1)
)

// Port returns the range of one port.
func Port(n int) PortRange { return Ports(n, n) }

// Ports returns the range from first to last, both included. Compile refuses a
// range outside 0 to 65535 and one whose first port is above its last.
func Ports(first, last int) PortRange {
	return PortRange{first: clamp32(first), last: clamp32(last), set: true}
}

func clamp32(n int) int32 { return int32(max(-1<<31, min(n, 1<<31-1))) }

// First and Last return the ends of the range; IsSet tells it from the zero one.
func (r PortRange) First() int  { return int(r.first) }
func (r PortRange) Last() int   { return int(r.last) }
func (r PortRange) IsSet() bool { return r.set }

// An ICMPMatch is an ICMP type and code, -1 standing for every one. The zero
// ICMPMatch is unset. A type of -1 demands a code of -1 (SG-28).
type ICMPMatch struct {
	typ, code int32
	set       bool
}

// ICMPTypeCode returns the match for a type and code; -1 means all (SG-27).
func ICMPTypeCode(typ, code int) ICMPMatch {
	return ICMPMatch{typ: clamp32(typ), code: clamp32(code), set: true}
}

// Type and Code return what is matched, -1 for all; IsSet tells it from the zero
// one.
func (m ICMPMatch) Type() int   { return int(m.typ) }
func (m ICMPMatch) Code() int   { return int(m.code) }
func (m ICMPMatch) IsSet() bool { return m.set }

// A Peer is a rule's source (ingress) or destination (egress): exactly one of
// CIDR, PrefixList, Group and Self (SG-50). The zero Peer is an error.
type Peer struct {
	CIDR       netip.Prefix // host bits are cleared (SG-42)
	PrefixList PrefixListID
	Group      GroupID
	Self       bool // the rule's own group (REF-07)

	// Account and Peering go with Group, for a group of another account or of
	// a peer VPC (REF-09, REF-13).
	Account AccountID
	Peering PeeringID
}

// Every address of one family. There is no peer for both: AWS wants two rules
// (SG-40).
var (
	AnyIPv4 = Peer{CIDR: netip.MustParsePrefix("0.0.0.0/0")}
	AnyIPv6 = Peer{CIDR: netip.MustParsePrefix("::/0")}
)

// Self is the rule's own group (REF-07).
var Self = Peer{Self: true}

// MustCIDR returns the peer for a CIDR block. It panics if s is not one; use
// netip.ParsePrefix and a Peer literal for input that may be wrong.
func MustCIDR(s string) Peer { return Peer{CIDR: netip.MustParsePrefix(s)} }

// FromGroup returns the peer for the members of a group, in either direction.
func FromGroup(id GroupID) Peer { return Peer{Group: id} }

// FromPrefixList returns the peer for the entries of a prefix list.
func FromPrefixList(id PrefixListID) Peer { return Peer{PrefixList: id} }
