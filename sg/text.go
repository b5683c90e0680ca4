package sg

import "strconv"

var (
	verdictText   = [...]string{"drop", "accept", "not_applicable"}
	directionText = [...]string{"", "ingress", "egress"}
	reasonText    = [...]string{
		"", "rule", "tracked", "untracked", "exempt", "related",
		"no_rule", "midstream", "fragment", "malformed", "table_full", "invalid", "cut", "bad_direction",
		"not_ip", "no_interface", "same_interface", "ambiguous_interface",
	}
)

// String returns "drop", "accept" or "not_applicable".
func (v Verdict) String() string { return text(verdictText[:], "Verdict", v) }

// String returns "ingress" or "egress", and "" for the zero Direction.
func (d Direction) String() string { return text(directionText[:], "Direction", d) }

// String returns the text form that stands beside each Reason.
func (r Reason) String() string { return text(reasonText[:], "Reason", r) }

func text[T ~uint8](names []string, kind string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return kind + "(" + strconv.Itoa(int(v)) + ")"
}
