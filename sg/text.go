package sg

import "github.com/sgsim/sgsim/sg/internal/enum"

var (
	verdictText   = [...]string{"drop", "accept", "not_applicable", "unknown"}
	directionText = [...]string{"", "ingress", "egress"}
	reasonText    = [...]string{
		"", "rule", "tracked", "untracked", "exempt", "related", "unfiltered", "acl_allow",
		"no_rule", "midstream", "fragment", "malformed", "table_full", "invalid", "source_dest_check", "bad_direction", "acl_deny",
		"cut", "missing_group", "missing_prefix_list", "unknown_reference", "unknown_address",
		"not_ip", "no_interface", "same_interface", "ambiguous_interface",
	}
)

// String returns "drop", "accept", "not_applicable" or "unknown".
func (v Verdict) String() string { return enum.Text(verdictText[:], "Verdict", v) }

// String returns "ingress" or "egress", and "" for the zero Direction.
func (d Direction) String() string { return enum.Text(directionText[:], "Direction", d) }

// String returns the text form that stands beside each Reason.
func (r Reason) String() string { return enum.Text(reasonText[:], "Reason", r) }

// String returns verdict, reason and the rule where there is one: "drop no_rule",
// "accept tracked sg-web egress[0]".
func (d Decision) String() string {
	s := d.Verdict.String()
	if d.Reason != NoReason {
		s += " " + d.Reason.String()
	}
	if !d.Rule.IsZero() {
		s += " " + d.Rule.String()
	}
	return s
}

// String returns where the packet was, and the decision: "eni-web egress: accept
// rule sg-web egress[0]", "acl-1 ingress: drop acl_deny acl-1 ingress *".
func (h Hop) String() string {
	return h.Place() + " " + h.Direction.String() + ": " + h.Decision.String()
}

// Place returns the ENI or the network ACL that judged.
func (h Hop) Place() string {
	if acl := h.Decision.Rule.ACL(); acl != "" {
		return string(acl)
	}
	return string(h.Enforcer.ID())
}

// String returns the outcome with the hops behind it: "drop no_rule (eni-web egress:
// accept rule sg-web egress[0]; eni-db ingress: drop no_rule)".
func (o Outcome) String() string {
	s := Decision{Verdict: o.Verdict, Reason: o.Reason}.String()
	for i, h := range o.Hops() {
		s += [...]string{" (", "; "}[min(i, 1)] + h.String()
	}
	if o.n > 0 {
		s += ")"
	}
	return s
}

// MarshalText returns the text form.
func (v Verdict) MarshalText() ([]byte, error) { return enum.Marshal(verdictText[:], v) }

// UnmarshalText reads the text form.
func (v *Verdict) UnmarshalText(b []byte) error { return enum.Unmarshal(verdictText[:], b, v) }

// MarshalText returns the text form.
func (d Direction) MarshalText() ([]byte, error) { return enum.Marshal(directionText[:], d) }

// UnmarshalText reads the text form.
func (d *Direction) UnmarshalText(b []byte) error { return enum.Unmarshal(directionText[:], b, d) }

// MarshalText returns the text form.
func (r Reason) MarshalText() ([]byte, error) { return enum.Marshal(reasonText[:], r) }

// UnmarshalText reads the text form.
func (r *Reason) UnmarshalText(b []byte) error { return enum.Unmarshal(reasonText[:], b, r) }
