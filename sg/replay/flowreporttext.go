package replay

import (
	"fmt"
	"io"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// WriteText writes the report for people, at most 80 columns wide.
func (r *FlowReport) WriteText(w io.Writer, o TextOptions) error {
	t := reportText{names: o.names(), color: o.Color}
	t.flowTotals(r)
	t.flowAgreement(r)
	t.flowRules(r)
	t.flowTalkers(r)
	_, err := w.Write(t.b)
	return err
}

func (t *reportText) flowTotals(r *FlowReport) {
	span := ""
	if !r.First.IsZero() {
		span = fmt.Sprintf(", %s to %s", r.First.Format("2006-01-02 15:04:05"), r.Last.Format("2006-01-02 15:04:05"))
	}
	t.line(0, "%s of %d of %d interfaces%s", prose.Count(uint64(r.Log.Records), "record"), r.Interfaces, r.InPolicy, span)
	t.gaps(r)
	if r.Accepted.Records+r.Dropped.Records > 0 || len(r.Undecided) > 0 {
		t.b = fmt.Appendf(t.b, "  %-10s %10s %14s %16s  why\n", "", "records", "packets", "bytes")
	}
	row := func(v sg.Verdict, word string, c FlowCount, why string) {
		if c.Records > 0 {
			t.b = paint(append(t.b, "  "...), t.color, v, word, 10)
			t.b = fmt.Appendf(t.b, " %10d %14d %16d", c.Records, c.Packets, c.Bytes)
			if why != "" {
				t.b, _ = prose.Wrap(append(t.b, "  "...), why, 57, 57)
			}
			t.b = append(t.b, '\n')
		}
	}
	row(sg.Accept, "accepted", r.Accepted, "")
	row(sg.Drop, "dropped", r.Dropped, "")
	for _, u := range r.Undecided {
		row(sg.Unknown, "unknown", u.FlowCount, u.why())
	}
	t.openings(r)
}

func (u *UndecidedCount) why() string {
	if u.Undecided == NotGiven {
		return reasonWords(u.Reason)
	}
	return undecidedText[u.Undecided]
}

// gaps are what the log does not hold, or the topology does not.
func (t *reportText) gaps(r *FlowReport) {
	if r.Log.NoData > 0 {
		t.line(2, "%s of intervals without traffic (NODATA)", prose.Count(uint64(r.Log.NoData), "record"))
	}
	if r.Log.SkipData > 0 {
		t.line(2, "%.2f%% of them say that AWS left out others (SKIPDATA): nothing here is complete",
			100*float64(r.Log.SkipData)/float64(r.Log.Records))
	}
	if r.Log.Damaged > 0 {
		t.line(2, "%s could not be read", prose.Count(uint64(r.Log.Damaged), "line"))
	}
	if r.NotApplicable.Records > 0 {
		t.line(2, "%s of %s that the topology lacks", prose.Count(r.NotApplicable.Records, "record"), prose.Count(uint64(r.Strangers), "interface"))
	}
}

// openings are the sentences behind the totals.
func (t *reportText) openings(r *FlowReport) {
	if len(r.Openings) > 0 {
		var by []string
		for _, e := range r.Openings {
			by = append(by, fmt.Sprintf("%v in %d", e.Evidence, e.Records))
		}
		t.line(0, "what tells who opened connections: %s", strings.Join(by, ", "))
	}
	if r.PickedUp.Records > 0 {
		t.line(0, "%s of connections of which the log has no opening: they were picked up", prose.Count(r.PickedUp.Records, "record"))
	}
	if r.NoPkt > 0 {
		t.line(0, "%s without pkt-srcaddr and pkt-dstaddr: behind address translation their far ends are others", prose.Count(r.NoPkt, "record"))
	}
}

var undecidedText = [numUndecided]string{
	LacksFields:  "the log lacks fields",
	NoPlace:      "which interface and direction",
	NoOpener:     "who opened it",
	NoICMPType:   "rules ask for ICMP types",
	NoConnection: "rejected TCP without SYN",
	PastTimeout:  "answer past a timeout?",
	NotGroups:    "not by groups: reject-reason",
}

// agreed says how often AWS did what the groups do.
func (t *reportText) agreed(r *FlowReport) {
	n := r.Agreeing.Records + r.Disagreeing.Records
	if n == 0 {
		t.line(0, "no record was decided: is this the topology of the log?")
		return
	}
	t.line(0, "AWS did what these groups do in %d of %s that can be decided: %.4g%%",
		r.Agreeing.Records, prose.Count(n, "record"), 100*float64(r.Agreeing.Records)/float64(n))
}

func (t *reportText) flowAgreement(r *FlowReport) {
	t.agreed(r)
	if r.Disagreeing.Records == 0 {
		return
	}
	t.b = append(t.b, "disagreements\n     packets    records\n"...)
	const indent = 24
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		t.counted(d.Packets, d.Records, 10, indent, flowPacket(&d.Example))
		t.line(indent, "%s %s %s: %s", t.eni(d.ENI), d.Direction, flowPort(d), d.said())
		if d.FarEnds > 1 {
			t.line(indent, "and %s more", prose.Count(uint64(d.FarEnds-1), "far end"))
		}
		t.line(indent, "%s", t.cause(d))
		if s := t.behind(d); s != "" {
			t.line(indent, "%s", s)
		}
		t.line(indent, "first at %s", escape.Text(d.Position.String()))
	}
	if r.OtherDisagreements.Records > 0 {
		t.b = fmt.Appendf(t.b, "  %10d %10d  others\n", r.OtherDisagreements.Packets, r.OtherDisagreements.Records)
	}
}

// said is what AWS and the groups do.
func (d *Disagreement) said() string {
	switch {
	case d.Reason == sg.ACLDeny:
		return "AWS admitted, this network ACL denies"
	case d.Verdict == sg.Drop:
		return "AWS admitted, these groups drop"
	}
	return "AWS rejected, these groups admit"
}

// behind is the rule or the entry behind a disagreement, or the rule nearest to what no
// rule admits.
func (n *names) behind(d *Disagreement) string {
	switch acl := d.Rule.ACL(); {
	case acl != "":
		return escape.Text(string(acl)) + ": " + n.entryWords(d.Rule)
	case !d.Rule.IsZero():
		return fmt.Sprintf("rule: %s (%s)", n.ruleName(d.Rule), n.ruleWords(d.Rule))
	case len(d.Near) > 0:
		return "nearest: " + n.nearest(d.Near)
	}
	return ""
}

func flowPort(d *Disagreement) string {
	if d.Protocol.HasPorts() {
		return fmt.Sprintf("%v %d", d.Protocol, d.Port)
	}
	return d.Protocol.String()
}

// flowPacket is a packet that stands for others, whose ICMP type is not known.
func flowPacket(h *packet.Header) string {
	if h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6 {
		return fmt.Sprintf("%v %v > %v", h.Protocol, h.SrcAddr(), h.DstAddr())
	}
	return h.Tuple().String()
}

func (t *reportText) cause(d *Disagreement) string {
	switch d.Cause {
	case Changed:
		return fmt.Sprintf("rules were changed after %s: on the other side of it AWS did what these groups do", d.Change.Format("2006-01-02 15:04:05"))
	case Older:
		return "connections from before the log, which live by tracking: no rule would let them begin again"
	case UnknownAddress:
		return "the far end is no interface of the topology: a member of the group that a rule names?"
	case RuleNotGiven:
		return "a group or rule that the topology lacks"
	case ACLOrRule:
		return "a network ACL rejects it, or AWS does not have the rule"
	case ACLNotGiven:
		return "the network ACL has other entries, or the subnet another one"
	}
	return "none of the usual causes: a fault of the model? " + reasonWords(d.Reason)
}

func (t *reportText) flowRules(r *FlowReport) {
	if len(r.Rules) == 0 {
		return
	}
	t.line(0, "rules, with packets and bytes of what they admitted, and of its connections")
	t.ruleLines(r.ruleRows(), "packets           bytes", 30, "%14d %15d\n")
	unused := 0
	for i := range r.Rules {
		if r.Rules[i].Records == 0 {
			unused++
		}
	}
	if unused > 0 {
		t.line(2, "%s not used, as far as the log of %d of %d interfaces tells", pluralWere(uint64(unused), "rule"), r.Interfaces, r.InPolicy)
	}
}

func (t *reportText) flowTalkers(r *FlowReport) {
	if len(r.Rejected) == 0 {
		return
	}
	t.b = append(t.b, "rejected most\n     packets    records\n"...)
	for i := range r.Rejected {
		k := &r.Rejected[i]
		t.sender(k.Packets, k.Records, 10, 24, severalPorts(flowPacket(&k.First), k.SeveralPorts), fmt.Sprintf("%s %s, %s", t.eni(k.ENI), k.Direction, k.by()), k.Near)
	}
	if r.OtherRejects.Records > 0 {
		t.b = fmt.Appendf(t.b, "  %10d %10d  of others\n", r.OtherRejects.Packets, r.OtherRejects.Records)
	}
}

// by says who rejected the packets, as far as it is known.
func (k *FlowTalker) by() string {
	switch {
	case k.Reason == sg.ACLDeny:
		return reasonWords(k.Reason)
	case k.Verdict == sg.Drop:
		return "by the groups: " + reasonWords(k.Reason)
	case k.Verdict == sg.Unknown && k.Undecided == NotGiven:
		return "by whom is not known: " + reasonWords(k.Reason)
	case k.Verdict == sg.Unknown:
		return "by whom is not known: " + undecidedText[k.Undecided]
	}
	return "by a network ACL, or for lack of a rule that is given here"
}
