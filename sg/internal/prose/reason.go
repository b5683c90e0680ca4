package prose

import "github.com/sgsim/sgsim/sg"

// Reason says a reason to people.
func Reason(r sg.Reason) string {
	if s, ok := reasonText[r]; ok {
		return s
	}
	return r.String()
}

// Refused is why the packets of a connection are dropped that could not begin.
const Refused = "the SYN of its connection was dropped"

var reasonText = map[sg.Reason]string{
	sg.ByRule:           "a rule admits it",
	sg.Tracked:          "tracked connection",
	sg.Untracked:        "a rule admits it, untracked",
	sg.Exempt:           "exempt, security groups do not filter it",
	sg.Related:          "ICMP error about a tracked connection",
	sg.NoRule:           "no rule admits it",
	sg.ACLAllow:         "a network ACL allows it",
	sg.ACLDeny:          "a network ACL denies it",
	sg.OutOfState:       "midstream, its connection is not open",
	sg.BadFragment:      "fragment whose first is unknown, dropped or too short",
	sg.Malformed:        "malformed",
	sg.TableFull:        "connection table full",
	sg.Invalid:          "does not fit its connection",
	sg.Cut:              "the capture cut off what decides",
	sg.MissingGroup:     "the ENI carries a group that the topology lacks",
	sg.MissingList:      "a rule names a prefix list whose entries are not known",
	sg.UnknownReference: "a rule names a group of another VPC, which may or may not be connected",
	sg.UnknownAddress:   "AWS has yet to choose the address of an end",
	sg.Unfiltered:       "AWS attaches no group to interfaces such as this one",
	sg.SourceDest:       "source/destination check: neither end is the ENI's",
	sg.BadDirection:     "no direction",
	sg.NotIP:            "not an IP packet",
	sg.NoInterface:      "neither end is an ENI of the topology",
	sg.SameInterface:    "both ends are the same ENI",
	sg.Ambiguous:        "its address belongs to several ENIs",
}
