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

	ErrProtocol   = coded("InvalidParameterValue", "protocol neither a name nor from -1 to 255") // SG-20, SG-56
	ErrPorts      = coded("InvalidParameterValue", "port outside 0-65535, or first above last")  // SG-24 to SG-26
	ErrICMP       = coded("InvalidParameterValue", "type or code outside -1 to 255")             // SG-27 to SG-29
	ErrPeer       = coded("InvalidPermission.Malformed", "more than one peer")                   // SG-50
	ErrCIDR       = coded("InvalidParameterValue", "not a CIDR block")                           // SG-44
	ErrMapped     = coded("InvalidParameterValue", "IPv4 written as IPv6")
	ErrFamily     = coded("InvalidParameterValue", "family differs from that of the prefix list") // PL-02
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
	ErrNoNetworkACL  = coded("InvalidNetworkAclID.NotFound", "no such network ACL")
	ErrNoACLEntry    = coded("InvalidNetworkAclEntry.NotFound", "no entry of this number")
	ErrNumberTaken   = coded("NetworkAclEntryAlreadyExists", "another entry has this number") // NACL-31
	ErrEntryNumber   = coded("InvalidParameterValue", "number outside 1-32766")               // NACL-32
	ErrNoSubnet      = coded("InvalidSubnetID.NotFound", "no such subnet")
	ErrSubnetACL     = coded("InvalidParameterValue", "subnet cannot have this network ACL") // NACL-37
	ErrNotAttached   = errors.New("interface does not carry the group")
	ErrDirection     = errors.New("neither ingress nor egress")
)

// Causes that count as one of those above.
var (
	errNoProtocol = variant(ErrProtocol, "no protocol")
	errNoPorts    = variant(ErrPorts, "tcp and udp need ports")
	errNoICMP     = variant(ErrICMP, "icmp needs type and code")
	errICMPCode   = variant(ErrICMP, "all types demand all codes")
	errNoICMPv6   = variant(ErrICMP, "icmpv6 needs type and code") // NACL-44
	errTwoACLs    = variant(ErrSubnetACL, "it has another one")
	errOtherVPC   = variant(ErrSubnetACL, "it is in another VPC")
	errTwoDefault = variant(ErrDuplicate, "the VPC has another default network ACL")
	errNoPeer     = variant(ErrPeer, "no peer")
	errPeerOf     = variant(ErrPeer, "account and peering go with a group")
	errNoFamily   = variant(ErrFamily, "neither IPv4 nor IPv6")
)

// A cause is an error with the code that AWS has for it.
type cause struct {
	code, text string
	is         error // what it counts as
}

func coded(code, text string) error { return &cause{code: code, text: text} }

func variant(of error, text string) error { return &cause{ErrorCode(of), text, of} }

func (e *cause) Error() string { return e.text }
func (e *cause) Unwrap() error { return e.is }

// ErrorCode returns the error code that AWS answers with where err or something
// it wraps has one, "InvalidGroup.NotFound" say, and "" otherwise. Of joined
// errors it is the first one's.
func ErrorCode(err error) string {
	if c := (*cause)(nil); errors.As(err, &c) {
		return c.code
	}
	return ""
}

// An Error says which part of a topology could not be compiled. It unwraps to one of
// this package's Err values where the cause is one of them.
//
//	sg-web: ingress rule 3: port range 443-80: port outside 0-65535, or first above last
type Error struct {
	Part  string // "group", "prefix list", "interface", "vpc", "peering" or "network acl"
	Index int    // in that list of the topology
	ID    string // of what stands there

	Dir    Direction // of the rule or entry of a network ACL, where it is about one; else zero
	Item   int       // the rule, entry or subnet in it; -1 where it is about the whole
	Number int       // of the entry of a network ACL
	Subnet SubnetID  // where it is about one

	Err error
}

// Values of Error.Part.
const (
	inGroups   = "group"
	inLists    = "prefix list"
	inENIs     = "interface"
	inVPCs     = "vpc"
	inPeerings = "peering"
	inACLs     = "network acl"
)

func (e *Error) Error() string {
	s := place(e.Part, e.ID, e.Index)
	switch {
	case e.Item < 0:
	case e.Part == inACLs && e.Dir != 0:
		s += fmt.Sprintf(": %s entry %d", e.Dir, e.Number)
	case e.Part == inACLs:
		s += ": " + place("subnet", string(e.Subnet), e.Item)
	case e.Dir != 0:
		s += fmt.Sprintf(": %s rule %d", e.Dir, e.Item)
	case e.Part == inLists:
		s += fmt.Sprintf(": entry %d", e.Item)
	case e.Part == inVPCs:
		s += ": " + place("subnet", string(e.Subnet), e.Item)
	}
	return s + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// place names a part of a topology by its id, or by its kind and index where it
// has none.
func place(kind, id string, index int) string {
	if id != "" {
		return id
	}
	return fmt.Sprintf("%s %d", kind, index)
}
