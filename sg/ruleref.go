package sg

import (
	"strconv"

	"github.com/sgsim/sgsim/packet"
)

// A RuleRef names one rule of a compiled policy, or one entry of a network ACL. It is
// comparable, small enough to be part of every Decision, and stays valid when its
// policy is replaced. The zero RuleRef names no rule.
type RuleRef struct{ r *ruleInfo }

// A ruleInfo is a compiled rule. It never changes.
type ruleInfo struct {
	group GroupID
	index int // in Group.Ingress or Group.Egress
	rule  Rule
	dir   Direction

	kind   peerKind
	unsure bool          // the list that it names has unknown entries
	family packet.Family // of that list, 0 if not known either
	peer   uint32        // its number; see peers

	// For a network ACL entry; group is empty then.
	acl   NetworkACLID
	entry int // its number; 0 stands for a remembered first fragment
	allow bool
}

// A peerKind says what a rule's peer is once names are looked up.
type peerKind uint8

const (
	peerNothing peerKind = iota // a stale reference, which matches nothing (REF-15), and has no number
	peerCIDR4
	peerCIDR6
	peerList
	peerGroup
)

// IsZero reports whether r names no rule.
func (r RuleRef) IsZero() bool { return r.r == nil }

var noRule = ruleInfo{index: -1}

func (r RuleRef) info() *ruleInfo {
	if r.r == nil {
		return &noRule
	}
	return r.r
}

// Group returns the rule's group, "" for an entry of a network ACL.
func (r RuleRef) Group() GroupID { return r.info().group }

// Direction returns whether it is an ingress or an egress rule.
func (r RuleRef) Direction() Direction { return r.info().dir }

// Index returns the rule's place in Group.Ingress or Group.Egress, or the entry's in
// NetworkACL.Ingress or Egress as it was compiled, and -1 for the zero RuleRef and for
// deny-all entries.
func (r RuleRef) Index() int { return r.info().index }

// Rule returns a copy of the rule, its CIDR without host bits.
func (r RuleRef) Rule() Rule { return r.info().rule }

// Name returns the rule's id if it has one, else its place: "ingress[3]". For a network
// ACL entry it returns the number, "ingress 100", or "ingress *" for AWS's own deny-all
// entry.
func (r RuleRef) Name() string {
	switch {
	case r.r == nil:
		return ""
	case r.r.acl != "":
		return r.r.entryName()
	case r.r.rule.ID != "":
		return string(r.r.rule.ID)
	}
	return r.r.dir.String() + "[" + strconv.Itoa(r.r.index) + "]"
}

// String returns group and name, "sg-web ingress[3]", or network ACL and name,
// "acl-1 egress 100".
func (r RuleRef) String() string {
	if r.r == nil {
		return ""
	}
	return string(r.r.group) + string(r.r.acl) + " " + r.Name()
}
