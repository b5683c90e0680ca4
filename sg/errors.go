package sg

import (
	"errors"
	"fmt"
)

// Causes of the errors that Compile and the changes of a Firewall return. The
// text around them names the place and the offending value; use errors.Is to
// tell them apart and [ErrorCode] for the code that AWS would answer with.
var (
	ErrNoID      = errors.New("no id")
	ErrDuplicate = errors.New("duplicate id")

	ErrNoProtocol = coded("InvalidParameterValue", "no protocol")                                // SG-56
	ErrProtocol   = coded("InvalidParameterValue", "protocol neither a name nor from -1 to 255") // SG-20
	ErrNoPorts    = coded("InvalidParameterValue", "tcp and udp need ports")                     // SG-24
	ErrPortRange  = coded("InvalidParameterValue", "port outside 0-65535, or first above last")  // SG-25, SG-26
	ErrNoICMP     = coded("InvalidParameterValue", "icmp needs type and code")                   // SG-29
	ErrICMP       = coded("InvalidParameterValue", "type or code outside -1 to 255")             // SG-27
	ErrICMPCode   = coded("InvalidParameterValue", "all types demand all codes")                 // SG-28
	ErrNoPeer     = coded("InvalidPermission.Malformed", "no peer")                              // SG-50
	ErrManyPeers  = coded("InvalidPermission.Malformed", "more than one peer")                   // SG-50
	ErrPeerOf     = coded("InvalidPermission.Malformed", "account and peering go with a group")  // SG-50
	ErrCIDR       = coded("InvalidParameterValue", "not a CIDR block")                           // SG-44
	ErrMapped     = coded("InvalidParameterValue", "IPv4 written as IPv6")
	ErrFamily     = coded("InvalidParameterValue", "family differs from that of the prefix list") // PL-02
	ErrNoFamily   = coded("InvalidParameterValue", "neither IPv4 nor IPv6")                       // PL-02
	ErrMaxEntries = coded("InvalidParameterValue", "maximum of entries below zero")               // PL-03
	ErrAddr       = coded("InvalidParameterValue", "not the address of an interface")
	ErrAddrInUse  = coded("InvalidIPAddress.InUse", "address belongs to another interface of the VPC")
	ErrTimeout    = coded("InvalidParameterValue", "idle timeout out of range") // CT-30 to CT-32

	ErrNoGroup       = coded("InvalidGroup.NotFound", "no such group")              // SG-73
	ErrNoPrefixList  = coded("InvalidPrefixListID.NotFound", "no such prefix list") // SG-81
	ErrNoENI         = coded("InvalidNetworkInterfaceID.NotFound", "no such interface")
	ErrNoRule        = coded("InvalidPermission.NotFound", "no such rule")                // SG-71
	ErrNoRuleID      = coded("InvalidSecurityGroupRuleId.NotFound", "no rule of this id") // SG-58
	ErrDuplicateRule = coded("InvalidPermission.Duplicate", "rule exists already")        // SG-70
	ErrNoEntry       = coded("InvalidParameterValue", "no such entry")
	ErrEntryExists   = coded("InvalidParameterValue", "entry exists already") // PL-03
	ErrNotAttached   = errors.New("interface does not carry the group")
	ErrDirection     = errors.New("neither ingress nor egress")
)

// A codedError is a cause that AWS has an error code for.
type codedError struct{ code, text string }

func coded(code, text string) error { return &codedError{code, text} }

func (e *codedError) Error() string { return e.text }

// ErrorCode returns the error code that AWS answers with where err or something
// it wraps has one, "InvalidGroup.NotFound" say, and "" otherwise. Of joined
// errors it is the first one's.
func ErrorCode(err error) string {
	if c := (*codedError)(nil); errors.As(err, &c) {
		return c.code
	}
	return ""
}

// A RuleError says which rule could not be compiled.
type RuleError struct {
	Group      GroupID
	GroupIndex int // in Topology.Groups
	Dir        Direction
	Index      int // in Group.Ingress or Group.Egress
	Err        error
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("%s: %s rule %d: %v", place("group", string(e.Group), e.GroupIndex), e.Dir, e.Index, e.Err)
}

func (e *RuleError) Unwrap() error { return e.Err }

// A GroupError says which group could not be compiled.
type GroupError struct {
	Group GroupID
	Index int // in Topology.Groups
	Err   error
}

func (e *GroupError) Error() string {
	return place("group", string(e.Group), e.Index) + ": " + e.Err.Error()
}

func (e *GroupError) Unwrap() error { return e.Err }

// A PrefixListError says which prefix list, or which of its entries, could not
// be compiled.
type PrefixListError struct {
	PrefixList PrefixListID
	Index      int // in Topology.PrefixLists
	Entry      int // in PrefixList.Entries; -1 for the list itself
	Err        error
}

func (e *PrefixListError) Error() string {
	s := place("prefix list", string(e.PrefixList), e.Index)
	if e.Entry >= 0 {
		s += fmt.Sprintf(": entry %d", e.Entry)
	}
	return s + ": " + e.Err.Error()
}

func (e *PrefixListError) Unwrap() error { return e.Err }

// An ENIError says which interface could not be compiled.
type ENIError struct {
	ENI   ENIID
	Index int // in Topology.ENIs
	Err   error
}

func (e *ENIError) Error() string {
	return place("interface", string(e.ENI), e.Index) + ": " + e.Err.Error()
}

func (e *ENIError) Unwrap() error { return e.Err }

// A VPCError says which VPC or subnet could not be compiled.
type VPCError struct {
	VPC   VPCID
	Index int // in Topology.VPCs
	Err   error

	Subnet      SubnetID
	SubnetIndex int // in VPC.Subnets; -1 for the VPC itself
}

func (e *VPCError) Error() string {
	s := place("vpc", string(e.VPC), e.Index)
	if e.SubnetIndex >= 0 {
		s += ": " + place("subnet", string(e.Subnet), e.SubnetIndex)
	}
	return s + ": " + e.Err.Error()
}

func (e *VPCError) Unwrap() error { return e.Err }

// A PeeringError says which peering could not be compiled.
type PeeringError struct {
	Peering PeeringID
	Index   int // in Topology.Peerings
	Err     error
}

func (e *PeeringError) Error() string {
	return place("peering", string(e.Peering), e.Index) + ": " + e.Err.Error()
}

func (e *PeeringError) Unwrap() error { return e.Err }

// place names a part of a topology by its id, or by its kind and index where it
// has none.
func place(kind, id string, index int) string {
	if id != "" {
		return id
	}
	return fmt.Sprintf("%s %d", kind, index)
}
