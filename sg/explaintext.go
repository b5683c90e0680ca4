package sg

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/duration"
	"github.com/sgsim/sgsim/sg/internal/escape"
)

// String returns the explanation for people, several lines, each ending in a
// newline:
//
//	tcp 10.0.1.10:40001 > 10.0.2.20:3306 S: drop, no_rule
//	eni-web egress: accept, rule
//	  rule        sg-web egress[0]: all 0.0.0.0/0
//	  matched     10.0.2.20 in 0.0.0.0/0
//	eni-db ingress: drop, no_rule
//	  connection  none
//	  groups      sg-db
//	  nearest     sg-db ingress[0]: port 5432, packet had 3306
//
// After a drop follows what the next ENI would have decided, "had it come that far".
func (x *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", x.Header.String(), because(x.Verdict, x.Reason))
	for _, n := range x.Notes {
		fmt.Fprintf(&b, "  %-10s  %s\n", "note", escape.Text(n))
	}
	for i := range x.Hops {
		x.Hops[i].write(&b, x, "")
	}
	if x.Beyond != nil {
		x.Beyond.write(&b, x, ", had it come that far")
	}
	return b.String()
}

func because(v Verdict, r Reason) string {
	if r == NoReason {
		return v.String()
	}
	return v.String() + ", " + r.String()
}

func (hop *HopExplanation) write(b *strings.Builder, x *Explanation, behind string) {
	line := func(label, format string, args ...any) {
		fmt.Fprintf(b, "  %-10s  %s\n", label, escape.Text(fmt.Sprintf(format, args...)))
	}
	d := hop.Decision
	fmt.Fprintf(b, "%s %s: %s%s\n", escape.Text(hop.Place()), hop.Direction, because(d.Verdict, d.Reason), behind)
	switch {
	case d.Rule.ACL() != "":
		for _, n := range hop.Passed {
			line("passed", "%s", n)
		}
		if d.Rule.r.entry != 0 {
			line("entry", "%s: %s", d.Rule, d.Rule.Entry())
		}
	case x.Err != nil || d.Reason == BadDirection || d.Reason == Malformed:
		return
	case d.Reason == Exempt:
		line("exempt", "security groups do not filter this traffic: %s", hop.Enforcer.eni.exemptService(hop.Direction, x.Header))
		return
	case d.Reason == Unfiltered:
		line("unfiltered", "AWS attaches no security group to such an interface")
		return
	default:
		hop.writeENI(line, x.Header)
	}
	if d.Verdict == Drop || d.Verdict == Unknown {
		for _, n := range hop.Near {
			if len(n.Fails) > 0 {
				line("nearest", "%s", n)
			}
		}
	}
	for _, h := range hop.Hints {
		line("hint", "%s", h)
	}
}

// writeENI writes what an ENI's connections and rules say.
func (hop *HopExplanation) writeENI(line func(string, string, ...any), h *packet.Header) {
	d, m := &hop.Decision, &hop.Match
	switch {
	case hop.Conn != nil:
		hop.Conn.write(line, d.Verdict)
	case d.Reason == Tracked:
		line("fragment", "the first fragment of its datagram was admitted")
	default:
		line("connection", "none")
	}
	switch {
	case !m.Rule.IsZero() && !d.Reason.askedRules():
		line("not asked", "would match: %s: %s", m.Rule, m.Rule.unnamed())
	case !m.Rule.IsZero():
		line("rule", "%s: %s", m.Rule, m.Rule.unnamed())
		line("matched", "%s", m.what(remoteAddr(hop.Direction, h)))
		if m.Untracked && d.Reason == Untracked {
			line("untracked", "open to every address, and so are its answers: no connection is kept (CT-10)")
		}
	case len(hop.Groups) > 0 && (d.Verdict == Drop || d.Verdict == Unknown):
		ids := fmt.Sprint(hop.Groups)
		line("groups", "%s", ids[1:len(ids)-1])
	}
}

// askedRules reports whether the rules had a say in a decision: not if the packet's
// connection or datagram, or the packet itself, decides before they are asked.
func (r Reason) askedRules() bool {
	switch r {
	case ByRule, Untracked, NoRule, OutOfState, TableFull:
		return true
	}
	return false
}

// what says which part of the rule's peer the packet's other end matched.
func (m *Match) what(remote netip.Addr) string {
	switch {
	case m.PrefixList != "":
		return fmt.Sprintf("%s in %s, an entry of %s", remote, m.CIDR, m.PrefixList)
	case m.Through:
		return fmt.Sprintf("%s came through %s, a member of %s", remote, m.Member, m.Rule.peerGroup())
	case m.Member != "":
		return fmt.Sprintf("%s is %s, a member of %s", remote, m.Member, m.Rule.peerGroup())
	}
	return fmt.Sprintf("%s in %s", remote, m.CIDR)
}

func (r RuleRef) peerGroup() GroupID {
	if r.r.rule.Peer.Self {
		return r.r.group
	}
	return r.r.rule.Peer.Group
}

func (c *ConnExplanation) write(line func(string, string, ...any), v Verdict) {
	dir := "the original direction"
	if c.Dir == conntrack.Reply {
		dir = "a reply"
	}
	if c.Quoted {
		dir = "an ICMP error about it"
	}
	line("connection", "%s, %s, %s left; this is %s", c.Tuple, c.State, duration.Text(c.Remaining), dir)
	by := "by"
	if v == Unknown {
		by = "perhaps by"
	}
	if !c.Rule.IsZero() {
		line("admitted", "%s %s: %s", by, c.Rule, c.Rule.unnamed())
	}
}

// unnamed returns the rule without its id, for texts that begin with it.
func (r RuleRef) unnamed() Rule {
	rule := r.Rule()
	rule.ID = ""
	return rule
}

// String returns the rule and its failed fields: "sg-db ingress[0]: port 5432,
// packet had 3306". For a network ACL entry that would deny, it says that too.
func (n NearRule) String() string {
	var fs []string
	for _, f := range n.Fails {
		fs = append(fs, f.String())
	}
	s := n.Rule.String() + ": " + strings.Join(fs, "; ")
	if n.Rule.ACL() != "" && !n.Rule.r.allow {
		s += " (it would deny)"
	}
	return s
}

// String returns "port 5432, packet had 3306", followed by Why if it is set.
func (f Fail) String() string {
	s := fmt.Sprintf("%s %s, packet had %s", f.Field, f.Want, f.Got)
	if f.Why != "" {
		s += ": " + f.Why
	}
	return s
}
