package flowlog

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"

	"github.com/sgsim/sgsim/packet"
)

// A Field is one of the fields that AWS defines for flow logs of versions 2 to 11.
// The constants are in the order of AWS's list. The zero Field is none of them.
type Field uint8

// Version 2, in the order of the default record (FL-01).
const (
	FieldVersion Field = iota + 1
	FieldAccountID
	FieldInterfaceID
	FieldSrcAddr
	FieldDstAddr
	FieldSrcPort
	FieldDstPort
	FieldProtocol
	FieldPackets
	FieldBytes
	FieldStart
	FieldEnd
	FieldAction
	FieldLogStatus
)

// Versions 3, 4 and 5 (FL-02).
const (
	FieldVPCID Field = iota + FieldLogStatus + 1
	FieldSubnetID
	FieldInstanceID
	FieldTCPFlags
	FieldType
	FieldPktSrcAddr
	FieldPktDstAddr

	FieldRegion
	FieldAZID
	FieldSublocationType
	FieldSublocationID

	FieldPktSrcAWSService
	FieldPktDstAWSService
	FieldFlowDirection
	FieldTrafficPath
)

// Versions 7 to 11. Version 6, that of Transit Gateway flow logs, has none.
const (
	FieldECSClusterARN Field = iota + FieldTrafficPath + 1
	FieldECSClusterName
	FieldECSContainerInstanceARN
	FieldECSContainerInstanceID
	FieldECSContainerID
	FieldECSSecondContainerID
	FieldECSServiceName
	FieldECSTaskDefinitionARN
	FieldECSTaskARN
	FieldECSTaskID

	FieldRejectReason
	FieldResourceID
	FieldEncryptionStatus

	FieldInstanceTag
	FieldInstanceTag2
	FieldInterfaceTag
	FieldInterfaceTag2
	FieldASGTag
	FieldASGTag2
	FieldInterfaceType
	FieldNextHopInterfaceID
	FieldNextHopSubnetID
	FieldNextHopAZID
	FieldNextHopVPCID
	FieldNextHopInterfaceType

	numFields
)

// fields has for each field its name, the version that introduced it, and how to
// read and write it.
var fields = [numFields]struct {
	name    string
	version int
	column
}{
	FieldVersion:     {"version", 2, number(8, func(r *Record) *uint8 { return &r.Version })},
	FieldAccountID:   {"account-id", 2, text(func(r *Record) *string { return &r.AccountID })},
	FieldInterfaceID: {"interface-id", 2, text(func(r *Record) *string { return &r.InterfaceID })},
	FieldSrcAddr:     {"srcaddr", 2, addr(func(r *Record) *netip.Addr { return &r.SrcAddr })},
	FieldDstAddr:     {"dstaddr", 2, addr(func(r *Record) *netip.Addr { return &r.DstAddr })},
	FieldSrcPort:     {"srcport", 2, number(16, func(r *Record) *uint16 { return &r.SrcPort })},
	FieldDstPort:     {"dstport", 2, number(16, func(r *Record) *uint16 { return &r.DstPort })},
	FieldProtocol:    {"protocol", 2, number(8, func(r *Record) *packet.Protocol { return &r.Protocol })},
	FieldPackets:     {"packets", 2, number(64, func(r *Record) *uint64 { return &r.Packets })},
	FieldBytes:       {"bytes", 2, number(64, func(r *Record) *uint64 { return &r.Bytes })},
	FieldStart:       {"start", 2, seconds(func(r *Record) *int64 { return &r.Start })},
	FieldEnd:         {"end", 2, seconds(func(r *Record) *int64 { return &r.End })},
	FieldAction:      {"action", 2, word(func(r *Record) *Action { return &r.Action }, actions[:])},
	FieldLogStatus:   {"log-status", 2, word(func(r *Record) *Status { return &r.Status }, statuses[:])},

	FieldVPCID:      {"vpc-id", 3, text(func(r *Record) *string { return &r.VPCID })},
	FieldSubnetID:   {"subnet-id", 3, text(func(r *Record) *string { return &r.SubnetID })},
	FieldInstanceID: {"instance-id", 3, text(func(r *Record) *string { return &r.InstanceID })},
	FieldTCPFlags:   {"tcp-flags", 3, number(8, func(r *Record) *packet.TCPFlags { return &r.TCPFlags })},
	FieldType:       {"type", 3, text(func(r *Record) *string { return &r.Type })},
	FieldPktSrcAddr: {"pkt-srcaddr", 3, addr(func(r *Record) *netip.Addr { return &r.PktSrcAddr })},
	FieldPktDstAddr: {"pkt-dstaddr", 3, addr(func(r *Record) *netip.Addr { return &r.PktDstAddr })},

	FieldRegion:          {"region", 4, text(func(r *Record) *string { return &r.Region })},
	FieldAZID:            {"az-id", 4, text(func(r *Record) *string { return &r.AZID })},
	FieldSublocationType: {"sublocation-type", 4, text(func(r *Record) *string { return &r.SublocationType })},
	FieldSublocationID:   {"sublocation-id", 4, text(func(r *Record) *string { return &r.SublocationID })},

	FieldPktSrcAWSService: {"pkt-src-aws-service", 5, text(func(r *Record) *string { return &r.PktSrcAWSService })},
	FieldPktDstAWSService: {"pkt-dst-aws-service", 5, text(func(r *Record) *string { return &r.PktDstAWSService })},
	FieldFlowDirection:    {"flow-direction", 5, word(func(r *Record) *Direction { return &r.Direction }, directions[:])},
	FieldTrafficPath:      {"traffic-path", 5, number(8, func(r *Record) *uint8 { return &r.TrafficPath })},

	FieldECSClusterARN:           {"ecs-cluster-arn", 7, text(func(r *Record) *string { return &r.ECSClusterARN })},
	FieldECSClusterName:          {"ecs-cluster-name", 7, text(func(r *Record) *string { return &r.ECSClusterName })},
	FieldECSContainerInstanceARN: {"ecs-container-instance-arn", 7, text(func(r *Record) *string { return &r.ECSContainerInstanceARN })},
	FieldECSContainerInstanceID:  {"ecs-container-instance-id", 7, text(func(r *Record) *string { return &r.ECSContainerInstanceID })},
	FieldECSContainerID:          {"ecs-container-id", 7, text(func(r *Record) *string { return &r.ECSContainerID })},
	FieldECSSecondContainerID:    {"ecs-second-container-id", 7, text(func(r *Record) *string { return &r.ECSSecondContainerID })},
	FieldECSServiceName:          {"ecs-service-name", 7, text(func(r *Record) *string { return &r.ECSServiceName })},
	FieldECSTaskDefinitionARN:    {"ecs-task-definition-arn", 7, text(func(r *Record) *string { return &r.ECSTaskDefinitionARN })},
	FieldECSTaskARN:              {"ecs-task-arn", 7, text(func(r *Record) *string { return &r.ECSTaskARN })},
	FieldECSTaskID:               {"ecs-task-id", 7, text(func(r *Record) *string { return &r.ECSTaskID })},

	FieldRejectReason:     {"reject-reason", 8, text(func(r *Record) *string { return &r.RejectReason })},
	FieldResourceID:       {"resource-id", 9, text(func(r *Record) *string { return &r.ResourceID })},
	FieldEncryptionStatus: {"encryption-status", 10, number(8, func(r *Record) *uint8 { return &r.EncryptionStatus })},

	FieldInstanceTag:          {"instance-tag", 11, text(func(r *Record) *string { return &r.InstanceTag })},
	FieldInstanceTag2:         {"instance-tag-2", 11, text(func(r *Record) *string { return &r.InstanceTag2 })},
	FieldInterfaceTag:         {"interface-tag", 11, text(func(r *Record) *string { return &r.InterfaceTag })},
	FieldInterfaceTag2:        {"interface-tag-2", 11, text(func(r *Record) *string { return &r.InterfaceTag2 })},
	FieldASGTag:               {"asg-tag", 11, text(func(r *Record) *string { return &r.ASGTag })},
	FieldASGTag2:              {"asg-tag-2", 11, text(func(r *Record) *string { return &r.ASGTag2 })},
	FieldInterfaceType:        {"interface-type", 11, text(func(r *Record) *string { return &r.InterfaceType })},
	FieldNextHopInterfaceID:   {"next-hop-interface-id", 11, text(func(r *Record) *string { return &r.NextHopInterfaceID })},
	FieldNextHopSubnetID:      {"next-hop-subnet-id", 11, text(func(r *Record) *string { return &r.NextHopSubnetID })},
	FieldNextHopAZID:          {"next-hop-az-id", 11, text(func(r *Record) *string { return &r.NextHopAZID })},
	FieldNextHopVPCID:         {"next-hop-vpc-id", 11, text(func(r *Record) *string { return &r.NextHopVPCID })},
	FieldNextHopInterfaceType: {"next-hop-interface-type", 11, text(func(r *Record) *string { return &r.NextHopInterfaceType })},
}

var byName = func() map[string]Field {
	m := make(map[string]Field, numFields)
	for f := Field(1); f < numFields; f++ {
		m[fields[f].name] = f
	}
	return m
}()

// String returns AWS's name of the field.
func (f Field) String() string {
	if f == 0 || f >= numFields {
		return "field " + strconv.Itoa(int(f))
	}
	return fields[f].name
}

// Version returns the version of flow logs that introduced the field; 0 for the zero
// Field.
func (f Field) Version() int {
	if f >= numFields {
		return 0
	}
	return fields[f].version
}

// A FieldSet is a set of fields. The zero FieldSet is empty.
type FieldSet uint64

// Fields returns the set of the given fields.
func Fields(list ...Field) FieldSet {
	var s FieldSet
	for _, f := range list {
		s |= 1 << f
	}
	return s
}

// Has reports whether f is in the set.
func (s FieldSet) Has(f Field) bool { return s>>f&1 != 0 }

// Len returns the number of fields in the set.
func (s FieldSet) Len() int { return bits.OnesCount64(uint64(s)) }

// A column reads one field of a record from text and writes it. read never gets
// the dash; blank empties the field instead. Without a value, append returns b
// unchanged.
type column struct {
	read   func(r *Record, s string, in *interner) error
	blank  func(r *Record)
	append func(b []byte, r *Record) []byte
}

func text(at func(*Record) *string) column {
	return column{
		read: func(r *Record, s string, in *interner) error {
			p := at(r)
			if *p == s { // in most columns, the previous record had the same
				return nil
			}
			if !plain(s) {
				return fmt.Errorf("%q has control characters", s)
			}
			*p = in.intern(s)
			return nil
		},
		blank:  func(r *Record) { *at(r) = "" },
		append: func(b []byte, r *Record) []byte { return appendText(b, *at(r)) },
	}
}

// plain reports whether s has neither blanks nor ASCII control characters.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// appendText appends s as one field other than the dash. AWS's values are that
// already; made-up IDs may be anything.
func appendText(b []byte, s string) []byte {
	if plain(s) && s != "-" {
		return append(b, s...)
	}
	for i := range len(s) {
		if c := s[i : i+1]; plain(c) && s != "-" {
			b = append(b, c...)
		} else {
			b = fmt.Appendf(b, "%%%02X", c)
		}
	}
	return b
}

func addr(at func(*Record) *netip.Addr) column {
	return column{
		read: func(r *Record, s string, _ *interner) (err error) {
			*at(r), err = parseAddr(s)
			return err
		},
		blank: func(r *Record) { *at(r) = netip.Addr{} },
		append: func(b []byte, r *Record) []byte {
			return at(r).AppendTo(b) // nothing for the zero Addr
		},
	}
}

func number[T ~uint8 | ~uint16 | ~uint64](size int, at func(*Record) *T) column {
	return column{
		read: func(r *Record, s string, _ *interner) error {
			n, ok := parseUint(s, size)
			if !ok {
				return fmt.Errorf("%q is no number of %d bits", s, size)
			}
			*at(r) = T(n)
			return nil
		},
		blank:  func(r *Record) { *at(r) = 0 },
		append: func(b []byte, r *Record) []byte { return strconv.AppendUint(b, uint64(*at(r)), 10) },
	}
}

func seconds(at func(*Record) *int64) column {
	return column{
		read: func(r *Record, s string, _ *interner) error {
			n, ok := parseUint(s, 63)
			if !ok {
				signed, err := strconv.ParseInt(s, 10, 64) // captures from before 1970 exist
				if err != nil {
					return fmt.Errorf("%q is no time in seconds", s)
				}
				n = uint64(signed)
			}
			*at(r) = int64(n)
			return nil
		},
		blank:  func(r *Record) { *at(r) = 0 },
		append: func(b []byte, r *Record) []byte { return strconv.AppendInt(b, *at(r), 10) },
	}
}

// word is a field with few values: words, numbered from 1.
func word[T ~uint8](at func(*Record) *T, words []string) column {
	return column{
		read: func(r *Record, s string, _ *interner) error {
			for i, w := range words[1:] {
				if s == w {
					*at(r) = T(i + 1)
					return nil
				}
			}
			return fmt.Errorf("%q is none of %q", s, words[1:])
		},
		blank: func(r *Record) { *at(r) = 0 },
		append: func(b []byte, r *Record) []byte {
			if v := *at(r); v != 0 && int(v) < len(words) {
				return append(b, words[v]...)
			}
			return b
		},
	}
}
