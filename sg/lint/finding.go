package lint

import (
	"fmt"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/enum"
)

// A Finding is something in a topology that AWS would refuse, or that its author
// may not have meant. Compile accepts it all the same, and packets are judged as
// it is written. Findings are comparable.
type Finding struct {
	Kind     Kind
	Severity Severity
	Code     string // the error code that AWS answers with; empty if AWS would accept it, or the code is not known

	Subject         // what it is about
	Other   Subject // the rule that says the same or more, or the group in question; zero if there is none

	Text   string // what is wrong, without the place
	Advice string // what to do about it; may be empty
}

// A Subject is what a finding is about: a rule, a group, an interface, a prefix list, a
// network ACL or one of its entries, or a subnet. Fields that are empty do not apply; the
// zero Subject is the topology as a whole.
type Subject struct {
	Group      sg.GroupID
	Dir        sg.Direction
	Index      int // the rule's place in Group.Ingress or Group.Egress; counts only if Dir is set
	ENI        sg.ENIID
	PrefixList sg.PrefixListID
	ACL        sg.NetworkACLID
	Number     int // of the entry in ACL; counts only if Dir is set
	Subnet     sg.SubnetID
}

// String names the subject: "sg-web ingress[3]", "eni-db", "pl-corp", "acl-1 egress 100",
// "subnet-a", and "" for the topology as a whole.
func (s Subject) String() string {
	switch {
	case s.ACL != "" && s.Dir != 0:
		return fmt.Sprintf("%s %s %d", s.ACL, s.Dir, s.Number)
	case s.ACL != "":
		return string(s.ACL)
	case s.Subnet != "":
		return string(s.Subnet)
	case s.Dir != 0:
		return fmt.Sprintf("%s %s[%d]", s.Group, s.Dir, s.Index)
	case s.Group != "":
		return string(s.Group)
	case s.ENI != "":
		return string(s.ENI)
	}
	return string(s.PrefixList)
}

// String returns subject, kind and text on one line, with the error code if there
// is one.
func (f Finding) String() string {
	s := f.Subject.String()
	if s != "" {
		s += ": "
	}
	s += f.Kind.String() + ": " + f.Text
	if f.Code != "" {
		s += " (" + f.Code + ")"
	}
	return s
}

// Kind says what sort of finding it is. Its text form is stable.
type Kind uint8

// Kinds of findings, with their text forms.
const (
	QuotaExceeded Kind = 1 + iota // "quota": a limit of AWS is exceeded
	Stale                         // "stale": a rule names a group that it cannot reach (REF-13)
	Dangling                      // "dangling": it names something that the topology does not have
	NeverMatches                  // "never": no real packet can match the rule, or none can now
	DuplicateRule                 // "duplicate": the same rule twice, in canonical form (SG-43, SG-51)
	Shadowed                      // "shadowed": another rule of the group admits everything that this one does
	Misleading                    // "misleading": the rule means less than it seems to
	Misplaced                     // "misplaced": AWS does not allow this combination
	Contrary                      // "contrary": an earlier entry of the network ACL decides the opposite for everything that this one matches
	Blocked                       // "blocked": a network ACL keeps out answers or errors that what it allows needs (NACL-20, NACL-21)
	Unjudged                      // "unjudged": the network ACL of a subnet is not in the topology
)

var kindText = [...]string{
	"", "quota", "stale", "dangling", "never", "duplicate", "shadowed", "misleading", "misplaced",
	"contrary", "blocked", "unjudged",
}

// String returns the text form that stands beside each kind.
func (k Kind) String() string { return enum.Text(kindText[:], "Kind", k) }

// MarshalText returns the text form.
func (k Kind) MarshalText() ([]byte, error) { return enum.Marshal(kindText[:], k) }

// UnmarshalText reads the text form.
func (k *Kind) UnmarshalText(b []byte) error { return enum.Unmarshal(kindText[:], b, k) }

// severity returns the default severity of findings of a kind.
func (k Kind) severity() Severity {
	switch k {
	case QuotaExceeded, Misplaced:
		return Error
	case Misleading, Unjudged:
		return Note
	}
	return Warning
}

// Severity says how bad a finding is; worse ones compare greater. Its text form is
// stable.
type Severity uint8

// Severities, with their text forms.
const (
	Note    Severity = 1 + iota // "note": legal, and perhaps intended
	Warning                     // "warning": it cannot work as written, or adds nothing
	Error                       // "error": AWS refuses it
)

var severityText = [...]string{"", "note", "warning", "error"}

// String returns the text form that stands beside each severity.
func (s Severity) String() string { return enum.Text(severityText[:], "Severity", s) }

// MarshalText returns the text form.
func (s Severity) MarshalText() ([]byte, error) { return enum.Marshal(severityText[:], s) }

// UnmarshalText reads the text form.
func (s *Severity) UnmarshalText(b []byte) error { return enum.Unmarshal(severityText[:], b, s) }
