package sg

import "github.com/sgsim/sgsim/conntrack"

// Verdict is what happens to a packet. The zero Verdict is Drop.
type Verdict uint8

// Verdicts. A security group never answers a packet it drops (SG-05).
const (
	Drop Verdict = iota
	Accept
	NotApplicable // no ENI of the topology ever judges the packet
	Unknown       // what is known of topology and packet does not decide
)

// Direction is the direction of a packet as its ENI sees it. The zero Direction
// is invalid: a packet evaluated with it is dropped for BadDirection.
type Direction uint8

// Directions.
const (
	Ingress Direction = 1 + iota
	Egress
)

// Reason says why a packet got its verdict. Its text form is stable: it is what
// the JSON output carries.
type Reason uint8

// Reasons, with their text forms.
const (
	NoReason Reason = iota // "": the zero Decision

	// Accepted.
	ByRule     // "rule": a rule admits it; a tracked flow was opened, or the packet cannot be tracked
	Tracked    // "tracked": it belongs to a tracked connection, or follows an admitted first fragment, untracked ones included (CTS-43)
	Untracked  // "untracked": a rule admits it, and its flow is of the untracked class (CT-10)
	Exempt     // "exempt": security groups do not filter it (EX-01)
	Related    // "related": an ICMP error about a tracked connection, with RelatedICMP
	Unfiltered // "unfiltered": AWS attaches no group to interfaces such as this one

	// Dropped.
	NoRule       // "no_rule": no rule of its direction admits it
	OutOfState   // "midstream": a rule admits it, but TCP without SYN opens nothing (CT-41)
	BadFragment  // "fragment": first fragment unknown, dropped, or too short (CTS-43)
	Malformed    // "malformed": the packet contradicts itself
	TableFull    // "table_full": the tracked-connection maximum is reached (CT-63)
	Invalid      // "invalid": Linux profile: the packet does not fit its connection (CTS-15)
	SourceDest   // "source_dest_check": neither end is the interface's, which checks that
	BadDirection // "bad_direction": the caller gave no direction

	// Unknown.
	Cut              // "cut": the capture cut off what the decision needs
	MissingGroup     // "missing_group": no known rule admits it, and the ENI carries a group that the topology lacks in whole or part
	MissingList      // "missing_prefix_list": a rule may admit it that names a prefix list whose entries are not known
	UnknownReference // "unknown_reference": a rule may admit it that names a group in a VPC which a transit gateway may connect (REF-11)

	// Not applicable; the reason of a damaged packet where no address tells of an ENI.
	NotIP         // "not_ip": ARP and other frames without an IP packet
	NoInterface   // "no_interface": neither end is an ENI of the topology; a drop at an Enforcer without one
	SameInterface // "same_interface": both ends are the same ENI
	Ambiguous     // "ambiguous_interface": an address belongs to ENIs of several VPCs, and no other end tells which or could judge alone
)

// A Decision is what one ENI does with one packet, and why. It is small and
// comparable; the zero Decision is a drop.
type Decision struct {
	Verdict Verdict
	Reason  Reason
	Dir     conntrack.Direction // of the packet in its connection; zero without one
	State   conntrack.State     // of the connection, after the packet

	// Rule admitted the packet, or the first packet of its connection; for
	// midstream and table_full, it would have. Otherwise it is the zero RuleRef.
	Rule RuleRef
}
