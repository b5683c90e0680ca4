package flowlog

import (
	"net/netip"

	"github.com/sgsim/sgsim/packet"
)

// A Record is one line of a flow log: the traffic of one five-tuple through one
// interface, in one direction and one aggregation interval, or the note that
// there was none.
//
// It is a plain, comparable value. Fields that the log lacks, or has as "-", are
// zero; Fields tells such a zero from one that was written. Strings are those of
// the log; tag values are percent-encoded there.
type Record struct {
	// Fields are those that have a value. When a record is written, all others are
	// "-", and so are empty strings, zero addresses and zero words.
	Fields FieldSet

	Version     uint8
	AccountID   string
	InterfaceID string // "" if AWS has none: see ResourceID

	// SrcAddr and DstAddr have, on the interface's own side, its primary address,
	// whatever the packet had (FL-06). See [Record.Src] and [Record.Dst].
	SrcAddr, DstAddr netip.Addr
	SrcPort, DstPort uint16 // 0 for ICMP, whose type and code no field has
	Protocol         packet.Protocol
	Packets, Bytes   uint64
	Start, End       int64 // of the first and last packet, Unix seconds, up to 60 s off
	Action           Action
	Status           Status

	VPCID, SubnetID, InstanceID string
	TCPFlags                    packet.TCPFlags // ORed: FIN 1, SYN 2, RST 4, SYN-ACK 18 (FL-07)
	Type                        string          // IPv4, IPv6, EFA
	PktSrcAddr, PktDstAddr      netip.Addr      // of the packet

	Region, AZID                   string
	SublocationType, SublocationID string

	PktSrcAWSService, PktDstAWSService string
	Direction                          Direction // at the interface; it does not tell who opened
	TrafficPath                        uint8     // of egress; 1 stays in the VPC

	ECSClusterARN, ECSClusterName                   string
	ECSContainerInstanceARN, ECSContainerInstanceID string
	ECSContainerID, ECSSecondContainerID            string
	ECSServiceName, ECSTaskDefinitionARN            string
	ECSTaskARN, ECSTaskID                           string

	RejectReason     string // BPA: block public access; EC: encryption controls
	ResourceID       string // a regional NAT gateway, if InterfaceID is empty
	EncryptionStatus uint8  // 0 clear, 1 Nitro, 2 TLS on TCP 443, 3 both

	InstanceTag, InstanceTag2   string
	InterfaceTag, InterfaceTag2 string
	ASGTag, ASGTag2             string

	// InterfaceType and those of the next hop. The next hop is the other interface
	// of a flow: the receiver of egress, the sender of ingress.
	InterfaceType                string
	NextHopInterfaceID           string
	NextHopSubnetID, NextHopAZID string
	NextHopVPCID                 string
	NextHopInterfaceType         string
}

// Has reports whether the record has a value for f.
func (r *Record) Has(f Field) bool { return r.Fields.Has(f) }

// Src returns the source address of the packets: PktSrcAddr, or SrcAddr if the
// log has no pkt-srcaddr.
func (r *Record) Src() netip.Addr { return either(r.PktSrcAddr, r.SrcAddr) }

// Dst returns the destination address of the packets: PktDstAddr, or DstAddr if
// the log has no pkt-dstaddr.
func (r *Record) Dst() netip.Addr { return either(r.PktDstAddr, r.DstAddr) }

func either(a, b netip.Addr) netip.Addr {
	if a.IsValid() {
		return a
	}
	return b
}

// Tuple returns protocol, [Record.Src], [Record.Dst] and ports. It is the zero
// FiveTuple if the record lacks two addresses of one family, or a protocol.
// Records of ICMP tell neither type, code nor identifier: their tuple has zeros.
func (r *Record) Tuple() packet.FiveTuple {
	src, dst := r.Src(), r.Dst()
	if !src.IsValid() || src.BitLen() != dst.BitLen() || !r.Has(FieldProtocol) {
		return packet.FiveTuple{}
	}
	t := packet.FiveTuple{
		Src: src.As16(), Dst: dst.As16(), SrcPort: r.SrcPort, DstPort: r.DstPort,
		Protocol: r.Protocol, Family: packet.IPv6,
	}
	if src.Is4() {
		t.Family = packet.IPv4
	}
	return t
}

// An Action is what AWS did with the packets of a record. AWS does not say
// whether a security group or a network ACL rejected them (FL-03).
type Action uint8

// The zero Action is that of a record without one, such as NODATA.
const (
	Accept Action = iota + 1
	Reject
)

var actions = [...]string{"-", "ACCEPT", "REJECT"}

// String returns the word in the log.
func (a Action) String() string { return wordOf(actions[:], uint8(a)) }

// A Status is the log-status of a record (FL-04).
type Status uint8

// The zero Status is that of a log without the field.
const (
	OK       Status = iota + 1
	NoData          // nothing passed the interface in the interval
	SkipData        // AWS left out an unknown number of records of the interval
)

var statuses = [...]string{"-", "OK", "NODATA", "SKIPDATA"}

// String returns the word in the log.
func (s Status) String() string { return wordOf(statuses[:], uint8(s)) }

// A Direction is that of the packets, seen from the interface.
type Direction uint8

// The zero Direction is that of a log without the field.
const (
	Ingress Direction = iota + 1
	Egress
)

var directions = [...]string{"-", "ingress", "egress"}

// String returns the word in the log.
func (d Direction) String() string { return wordOf(directions[:], uint8(d)) }

func wordOf(words []string, i uint8) string {
	if int(i) >= len(words) {
		i = 0
	}
	return words[i]
}
