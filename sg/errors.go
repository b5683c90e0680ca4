package sg

import (
	"errors"
	"fmt"
)

// Kinds of the errors that Compile and the changes of a Firewall return. The text around
// them names the place, the offending value and the cause. [ErrorCode] gives the code
// that AWS would answer with.
var (
	ErrInvalid  = errors.New("invalid")        // a value that AWS does not have, or a combination that it refuses
	ErrExists   = errors.New("exists already") // a thing that must be new, or unique, is not
	ErrNotFound = errors.New("not found")      // the thing named does not exist
)

// The causes, by kind.
var (
	errNoID          = &cause{ErrInvalid, "", "no id"}
	errDuplicate     = &cause{ErrExists, "", "duplicate id"}
	errProtocol      = invalid("protocol neither a name nor from -1 to 255")                   // SG-20, SG-56
	errPorts         = invalid("port outside 0-65535, or first above last")                    // SG-24 to SG-26
	errICMP          = invalid("type or code outside -1 to 255")                               // SG-27 to SG-29
	errPeer          = &cause{ErrInvalid, "InvalidPermission.Malformed", "more than one peer"} // SG-50
	errCIDR          = invalid("not a CIDR block")                                             // SG-44
	errMapped        = invalid("IPv4 written as IPv6")
	errFamily        = invalid("family differs from that of the prefix list") // PL-02
	errMaxEntries    = invalid("maximum of entries below zero")               // PL-03
	errAddr          = invalid("not the address of an interface")
	errAddrInUse     = &cause{ErrExists, "InvalidIPAddress.InUse", "address belongs to another interface of the VPC"}
	errTimeout       = invalid("idle timeout out of range")                                       // CT-30 to CT-32
	errNoGroup       = &cause{ErrNotFound, "InvalidGroup.NotFound", "no such group"}              // SG-73
	errNoPrefixList  = &cause{ErrNotFound, "InvalidPrefixListID.NotFound", "no such prefix list"} // SG-81
	errNoENI         = &cause{ErrNotFound, "InvalidNetworkInterfaceID.NotFound", "no such interface"}
	errNoRule        = &cause{ErrNotFound, "InvalidPermission.NotFound", "no such rule"}                // SG-71
	errNoRuleID      = &cause{ErrNotFound, "InvalidSecurityGroupRuleId.NotFound", "no rule of this id"} // SG-58
	errDuplicateRule = &cause{ErrExists, "InvalidPermission.Duplicate", "rule exists already"}          // SG-70
	errNoEntry       = &cause{ErrNotFound, "InvalidParameterValue", "no such entry"}
	errEntryExists   = &cause{ErrExists, "InvalidParameterValue", "entry exists already"} // PL-03
	errNoNetworkACL  = &cause{ErrNotFound, "InvalidNetworkAclID.NotFound", "no such network ACL"}
	errNoACLEntry    = &cause{ErrNotFound, "InvalidNetworkAclEntry.NotFound", "no entry of this number"}
	errNumberTaken   = &cause{ErrExists, "NetworkAclEntryAlreadyExists", "another entry has this number"} // NACL-31
	errEntryNumber   = invalid("number outside 1-32766")                                                  // NACL-32
	errNoSubnet      = &cause{ErrNotFound, "InvalidSubnetID.NotFound", "no such subnet"}
	errNotAttached   = &cause{ErrNotFound, "", "interface does not carry the group"}
	errDirection     = &cause{ErrInvalid, "", "neither ingress nor egress"}

	errNoProtocol = invalid("no protocol")
	errNoPorts    = invalid("tcp and udp need ports")
	errNoICMP     = invalid("icmp needs type and code: icmp -1/-1 is all of it, icmp 8/-1 ping")
	errICMPCode   = invalid("all types demand all codes")
	errNoICMPv6   = invalid("icmpv6 needs type and code: icmpv6 -1/-1 is all of it, icmpv6 128/-1 ping") // NACL-44
	errTwoACLs    = invalid("it has another one")                                                        // NACL-37
	errOtherVPC   = invalid("it is in another VPC")
	errTwoDefault = &cause{ErrExists, "", "the VPC has another default network ACL"}
	errNoPeer     = &cause{ErrInvalid, "InvalidPermission.Malformed", "no peer"}
	errPeerOf     = &cause{ErrInvalid, "InvalidPermission.Malformed", "account and peering go with a group"}
	errNoFamily   = invalid("neither IPv4 nor IPv6")
)

// A cause is an error of a kind, with AWS's code for it, "" if there is none.
type cause struct {
	kind       error
	code, text string
}

func invalid(text string) error { return &cause{ErrInvalid, "InvalidParameterValue", text} }

func (e *cause) Error() string { return e.text }
func (e *cause) Unwrap() error { return e.kind }

// ErrorCode returns the code that AWS answers with for err or an error that it
// wraps, such as "InvalidGroup.NotFound", and "" if there is none. For joined
// errors it is the first code found.
func ErrorCode(err error) string {
	if c := (*cause)(nil); errors.As(err, &c) {
		return c.code
	}
	return ""
}

// An Error says which part of a topology could not be compiled. It unwraps to ErrInvalid,
// ErrExists or ErrNotFound.
//
//	sg-web: ingress rule 3: port range 443-80: port outside 0-65535, or first above last
type Error struct {
	Part  string // "group", "prefix list", "interface", "vpc", "peering" or "network acl"
	Index int    // in that list of the topology
	ID    string // of that element

	Dir    Direction // of the rule or network ACL entry, if it is about one; else zero
	Item   int       // index of the rule, entry or subnet in it; -1 if it is about the whole
	Number int       // of the network ACL entry
	Subnet SubnetID  // if it is about one

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

// place names a part of a topology by its id, or by kind and index if it has
// none.
func place(kind, id string, index int) string {
	if id != "" {
		return id
	}
	return fmt.Sprintf("%s %d", kind, index)
}
