package sgtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Trace records what was done to a firewall, as a scenario: pasted into a file
// it does the same again. The zero Trace has no topology; make one with
// [NewTrace]. A Trace is for one goroutine at a time.
type Trace struct {
	head  string
	lines []traceLine
}

type traceLine struct {
	left, right string
	rows        []string
}

// NewTrace starts a trace of a firewall with the topology and options; nil
// options are the defaults.
func NewTrace(t *sg.Topology, o *sg.Options) *Trace {
	head := FormatTopology(t)
	if o != nil {
		if s := FormatOptions(o); s != "" {
			head += "option " + s + "\n"
		}
	}
	return &Trace{head: head}
}

// Evaluate adds a packet at one ENI and the decision about it. at is the time
// since the start.
func (t *Trace) Evaluate(at time.Duration, eni sg.ENIID, dir sg.Direction, via sg.Via, h *packet.Header, d sg.Decision) {
	t.lines = append(t.lines, traceLine{
		left:  fmt.Sprintf("@%s %s %s %s%s", at, eni, dir, formatVia(via), h),
		right: FormatDecision(d),
	})
}

// Forward adds a packet through both ends.
func (t *Trace) Forward(at time.Duration, via sg.Via, h *packet.Header, o *sg.Outcome) {
	t.lines = append(t.lines, traceLine{
		left:  fmt.Sprintf("@%s forward %s%s", at, formatVia(via), h),
		right: formatOutcome(o),
		rows:  formatHops(o),
	})
}

// Change adds a change in the words of a scenario, such as
// "revoke sg-web ingress tcp 22 203.0.113.1/32".
func (t *Trace) Change(at time.Duration, change string) {
	t.lines = append(t.lines, traceLine{left: fmt.Sprintf("@%s %s", at, change)})
}

// String returns the scenario.
func (t *Trace) String() string {
	col := 0
	for _, l := range t.lines {
		if l.right != "" {
			col = max(col, len(l.left)+2)
		}
	}
	var b strings.Builder
	b.WriteString(t.head)
	if t.head != "" && len(t.lines) > 0 {
		b.WriteByte('\n')
	}
	for _, l := range t.lines {
		b.WriteString(l.left)
		if l.right != "" {
			b.WriteString(strings.Repeat(" ", col-len(l.left)) + l.right)
		}
		b.WriteByte('\n')
		for _, row := range l.rows {
			b.WriteString("    " + row + "\n")
		}
	}
	return b.String()
}

// FormatDecision returns a decision as a scenario shows it: verdict, reason, the
// direction in a connection if there is one, and the rule if there is one.
//
//	accept  rule sg-web ingress[0]
//	accept  tracked reply sg-web ingress[0]
//	drop    no_rule
func FormatDecision(d sg.Decision) string {
	s := fmt.Sprintf("%-6s  %s", d.Verdict, d.Reason)
	if d.Reason == sg.Tracked || d.Reason == sg.Related || d.Reason == sg.Invalid {
		switch d.Dir {
		case conntrack.Original:
			s += " original"
		case conntrack.Reply:
			s += " reply"
		}
	}
	if !d.Rule.IsZero() {
		s += " " + d.Rule.String()
	}
	return strings.TrimRight(s, " ")
}

func formatOutcome(o *sg.Outcome) string {
	return strings.TrimRight(fmt.Sprintf("%-6s  %s", o.Verdict, o.Reason), " ")
}

func formatHops(o *sg.Outcome) []string {
	width := 0
	for _, hop := range o.Hops() {
		width = max(width, len(hop.Place()))
	}
	var rows []string
	for _, hop := range o.Hops() {
		rows = append(rows, fmt.Sprintf("%-*s %-7s  %s", width, hop.Place(), hop.Direction, FormatDecision(hop.Decision)))
	}
	return rows
}
