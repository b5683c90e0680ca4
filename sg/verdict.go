package sg

import "github.com/sgsim/sgsim/conntrack"

// Verdict is what happens to a packet. The zero Verdict is Drop.
type Verdict uint8

// Verdicts. A security group never answers a packet it drops (SG-05).
const (
	Drop Verdict = iota
	Accept
	NotApplicable // no ENI of the topology judges the packet
	Unknown       // what is known of the topology and the packet does not decide
)

// Direction is the direction of a packet as its ENI sees it. The zero Direction
// is invalid: a packet evaluated with it is dropped with reason BadDirection.
type Direction uint8

// Directions.
const (
	Ingress Direction = 1 + iota
	Egress
)

// Opposite returns Egress for Ingress and Ingress for Egress. The opposite of an invalid
// Direction is invalid.
func (d Direction) Opposite() Direction { return Ingress + Egress - d }

// Reason says why a packet got its verdict. Its text form is stable: it is what
// the JSON output carries.
type Reason uint8

// Reasons, with their text forms.
const (
	NoReason Reason = iota // "": the zero Decision

	// Accepted.
	ByRule     // "rule": a rule admits it, and it opened a tracked flow or cannot be tracked
	Tracked    // "tracked": it belongs to a tracked connection, or follows an admitted first fragment, untracked ones included (CTS-43)
	Untracked  // "untracked": a rule admits it, and its flow is of the untracked class (CT-10)
	Exempt     // "exempt": security groups do not filter it (EX-01)
	Related    // "related": an ICMP error about a tracked connection, with RelatedICMP
	Unfiltered // "unfiltered": AWS attaches no group to interfaces such as this one
	ACLAllow   // "acl_allow": an entry of the network ACL allows it

	// Dropped.
	NoRule       // "no_rule": no rule of its direction admits it
	OutOfState   // "midstream": a rule admits it, but TCP without SYN opens nothing (CT-41)
	BadFragment  // "fragment": first fragment unknown, dropped, or too short (CTS-43)
	Malformed    // "malformed": the packet contradicts itself
	TableFull    // "table_full": the tracked-connection maximum is reached (CT-63)
	Invalid      // "invalid": Linux profile: the packet does not fit its connection (CTS-15)
	SourceDest   // "source_dest_check": neither end is an address of the interface, which checks that
	BadDirection // "bad_direction": the caller gave no direction
	ACLDeny      // "acl_deny": an entry of the network ACL denies it, which includes the final deny-all one (NACL-03)

	// Unknown.
	Cut              // "cut": the capture cut off what the decision needs
	MissingGroup     // "missing_group": no known rule admits it, and the ENI carries a group that is missing from the topology, in whole or in part
	MissingList      // "missing_prefix_list": it may be admitted by a rule that names a prefix list with unknown entries
	UnknownReference // "unknown_reference": it may be admitted by a rule that names a group in another VPC, if a transit gateway (REF-11) or a peering (REF-08) connects the two
	UnknownAddress   // "unknown_address": AWS has yet to choose the address of an end, and rules tell those apart that it may choose

	// Not applicable; also the reason of a damaged packet if no address names an ENI.
	NotIP         // "not_ip": ARP and other frames without an IP packet
	NoInterface   // "no_interface": neither end is an ENI of the topology; a drop at an Enforcer without one
	SameInterface // "same_interface": both ends are the same ENI
	Ambiguous     // "ambiguous_interface": an address belongs to ENIs of several VPCs, and the other end neither tells which nor can judge alone
)

// A Decision is what one ENI, or one network ACL, does with one packet, and why. It is small and
// comparable; the zero Decision is a drop.
type Decision struct {
	Verdict Verdict
	Reason  Reason
	Dir     conntrack.Direction // of the packet in its connection; zero without one
	State   conntrack.State     // of the connection, after the packet

	// Rule admitted the packet, or the first packet of its connection; for midstream
	// and table_full, it would have. For a network ACL it is the entry that decided.
	// Otherwise it is the zero RuleRef.
	Rule RuleRef
}
