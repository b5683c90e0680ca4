package flowreplay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/replay"
)

// WriteText writes the report for people, at most 80 columns wide.
func (r *Report) WriteText(w io.Writer, o replay.TextOptions) error {
	t := &report.Text{Names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}, Color: o.Color}
	r.totals(t)
	r.agreement(t)
	r.undecided(t)
	r.disagreements(t)
	r.rules(t)
	r.rejected(t)
	_, err := w.Write(t.B)
	return err
}

func (r *Report) totals(t *report.Text) {
	span := ""
	if !r.First.IsZero() {
		span = fmt.Sprintf(", %s to %s", r.First.Format(time.DateTime), r.Last.Format(time.DateTime))
	}
	t.Line(0, "%s, %s%s", prose.Count(r.Log.Records, "record"), r.interfaces(), span)
	r.gaps(t, 2)
	if r.Accepted.Records+r.Dropped.Records > 0 || len(r.Undecided) > 0 {
		t.Printf("  %-10s %10s %14s %16s  why\n", "", "records", "packets", "bytes")
	}
	row := func(v sg.Verdict, c Count, why string) {
		if c.Records > 0 {
			t.Verdict(v, fmt.Sprintf(" %10d %14d %16d", c.Records, c.Packets, c.Bytes), why)
		}
	}
	row(sg.Accept, r.Accepted, "")
	row(sg.Drop, r.Dropped, "")
	for _, u := range r.Undecided {
		row(sg.Unknown, u.Count, undecidedWords(u.Undecided, u.Reason))
	}
	r.openings(t)
}

// interfaces says whose records the log has.
func (r *Report) interfaces() string {
	if r.Interfaces == 0 {
		return "none of an interface of the topology"
	}
	return fmt.Sprintf("of %d of the topology's %s", r.Interfaces, prose.Count(r.InPolicy, "interface"))
}

// gaps are what the log does not hold, or the topology does not.
func (r *Report) gaps(t *report.Text, indent int) {
	if n := r.Log.NoData; n > 0 {
		say := "say"
		if n == 1 {
			say = "says"
		}
		t.Line(indent, "%s %s that there was no traffic (NODATA)", prose.Count(n, "record"), say)
	}
	if r.Log.SkipData > 0 {
		t.Line(indent, "%.2f%% of them say that AWS left out others (SKIPDATA): nothing here is complete",
			100*float64(r.Log.SkipData)/float64(r.Log.Records))
	}
	if r.Log.Damaged > 0 {
		t.Line(indent, "%s could not be read", prose.Count(r.Log.Damaged, "line"))
	}
	if r.NotApplicable.Records > 0 {
		t.Line(indent, "%s of %s that the topology lacks", prose.Count(r.NotApplicable.Records, "record"), prose.Count(r.Strangers, "interface"))
	}
}

// openings are the sentences behind the totals.
func (r *Report) openings(t *report.Text) {
	if len(r.Openings) > 0 {
		var by []string
		for _, e := range r.Openings {
			by = append(by, fmt.Sprintf("%s (%d)", evidenceText[e.Evidence], e.Records))
		}
		slices.Reverse(by) // the strongest first
		t.Line(0, "what tells which end opened a connection, and in how many records: %s", strings.Join(by, "; "))
	}
	switch {
	case r.Interfaces == 0:
	case r.ACLInterfaces == 0:
		t.Line(0, "network ACLs were not judged: the topology has none for the log's interfaces")
	default:
		t.Line(0, "network ACLs were judged at %d of the log's %s", r.ACLInterfaces, prose.Count(r.Interfaces, "interface"))
	}
	if r.PickedUp.Records > 0 {
		t.Line(0, "%s of connections of which the log has no opening: they were picked up", prose.Count(r.PickedUp.Records, "record"))
	}
	if r.NoPkt > 0 {
		t.Line(0, "%s without pkt-srcaddr and pkt-dstaddr: behind address translation their far ends are others", prose.Count(r.NoPkt, "record"))
	}
}

var undecidedText = [numUndecided]string{
	LacksFields:  "fields are missing",
	NoPlace:      "in or out is not known",
	NoOpener:     "client is not known",
	NoICMPType:   "ICMP type is not known",
	NoFlags:      "no tcp-flags in the log",
	NoConnection: "rejected TCP without SYN",
	PastTimeout:  "answer after a timeout?",
	NotGroups:    "not by groups: reject-reason",
	Fragments:    "fragments?",
}

// undecidedMeans says the same at length.
var undecidedMeans = [numUndecided]string{
	LacksFields:  "the record lacks what is judged: addresses, ports, protocol, start or action",
	NoPlace:      "the record has no flow-direction, and its addresses do not tell whether its packets came in or went out",
	NoOpener:     "nothing tells which end is the client, and the groups let only one of the two open the connection",
	NoICMPType:   "rules admit some types of ICMP, and no flow log tells the type",
	NoFlags:      "AWS rejected TCP that the groups admit, and without tcp-flags (version 3) nothing tells whether it was a SYN",
	NoConnection: "AWS rejected TCP without a SYN, which the groups admit only in a connection: it may have ended before, or not begun",
	PastTimeout:  "AWS rejected answers in a connection that may have timed out: times in flow logs are up to a minute off",
	NotGroups:    "AWS rejected it for what its reject-reason says, and not because of groups",
	Fragments:    "both ports are 0, as those of later fragments, which go the way of their first",
}

// means says at length why the records could not be decided.
func (u *UndecidedCount) means() string {
	if u.Undecided == NotGiven {
		return "the topology does not tell: " + prose.Reason(u.Reason)
	}
	return undecidedMeans[u.Undecided]
}

// evidenceText says what tells which end opened a connection.
var evidenceText = map[flowlog.Evidence]string{
	0:                     "nothing",
	flowlog.ByOrder:       "the order of its records",
	flowlog.BySmallerPort: "a guess, that the smaller port, or that of NFS, is the server's",
	flowlog.ByPorts:       "its ports, of which one alone is 32768 or above",
	flowlog.ByOtherRecord: "tcp-flags of another of its records",
	flowlog.ByAddress:     "a multicast or broadcast address",
	flowlog.ByFlags:       "its tcp-flags",
}

func undecidedWords(why Undecided, reason sg.Reason) string {
	if why == NotGiven {
		return prose.Reason(reason)
	}
	return undecidedText[why]
}

// agreement says how often AWS did what the groups do.
func (r *Report) agreement(t *report.Text) {
	n := r.Agreeing.Records + r.Disagreeing.Records
	if n == 0 {
		t.Line(0, "no record was decided: %s", r.whyNone())
		return
	}
	t.Line(0, "AWS did what these groups do in %d of %s that can be decided: %.4g%%",
		r.Agreeing.Records, prose.Count(n, "record"), 100*float64(r.Agreeing.Records)/float64(n))
	if r.Unknown.Records > 0 {
		var why []string
		for _, u := range r.Undecided {
			why = append(why, fmt.Sprintf("%s (%d)", undecidedWords(u.Undecided, u.Reason), u.Records))
		}
		t.Line(0, "%s could not be decided: %s", prose.Count(r.Unknown.Records, "record"), strings.Join(why, ", "))
	}
}

// mostUndecided is how many causes are explained.
const mostUndecided = 5

// undecided explains the causes of most records that could not be decided.
func (r *Report) undecided(t *report.Text) {
	if len(r.Undecided) == 0 {
		return
	}
	most := slices.Clone(r.Undecided)
	slices.SortStableFunc(most, func(a, b UndecidedCount) int { return cmp.Compare(b.Records, a.Records) })
	t.Printf("not decided\n     records\n")
	const indent = 14
	for i := range most {
		u := &most[i]
		if i == mostUndecided {
			t.Printf("              and other causes, in the table above\n")
			break
		}
		t.Printf("  %10d  ", u.Records)
		t.B, _ = prose.Wrap(t.B, u.means(), indent, indent+2)
		t.B = append(t.B, '\n')
		t.Line(indent, "for example %s: %s", escape.Text(u.Position.String()), escape.Text(u.Example))
	}
}

// whyNone says why no record was decided.
func (r *Report) whyNone() string {
	flags := uint64(0)
	for _, u := range r.Undecided {
		if u.Undecided == NoFlags {
			flags = u.Records
		}
	}
	switch {
	case r.Unknown.Records <= r.NotApplicable.Records:
		return "is this the topology of the log?"
	case 2*flags > r.Unknown.Records:
		return "the log lacks tcp-flags (version 3), which tells rejected SYNs from other packets"
	}
	return "the table says why"
}

func (r *Report) disagreements(t *report.Text) {
	if r.Disagreeing.Records == 0 {
		return
	}
	t.Printf("disagreements\n     packets    records\n")
	const indent = 24
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		t.Counted(d.Packets, d.Records, 10, indent, packetWords(&d.Example))
		t.Line(indent, "%s %s %s: %s", t.ENIName(d.ENI), d.Direction, d.port(), d.said())
		if d.FarEnds > 1 {
			t.Line(indent, "and %s more", prose.Count(d.FarEnds-1, "far end"))
		}
		t.Line(indent, "%s", d.causeWords())
		if s := d.behind(&t.Names); s != "" {
			t.Line(indent, "%s", s)
		}
		t.Line(indent, "first at %s", escape.Text(d.Position.String()))
	}
	if r.OtherDisagreements.Records > 0 {
		t.Printf("  %10d %10d  others\n", r.OtherDisagreements.Packets, r.OtherDisagreements.Records)
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
func (d *Disagreement) behind(n *prose.Names) string {
	switch {
	case d.Rule.ACL() != "":
		return entryWords(n, d.Rule)
	case !d.Rule.IsZero():
		return fmt.Sprintf("rule: %s (%s)", n.RuleName(d.Rule), n.RuleWords(d.Rule))
	case len(d.Near) > 0:
		return "nearest: " + n.Nearest(d.Near)
	}
	return ""
}

// entryWords names an entry as sgsim explain does, and says what it is.
func entryWords(n *prose.Names, entry sg.RuleRef) string {
	return escape.Text(entry.String()) + " " + n.EntrySays(entry)
}

func (d *Disagreement) port() string {
	if d.Protocol.HasPorts() {
		return fmt.Sprintf("%v %d", d.Protocol, d.Port)
	}
	return d.Protocol.String()
}

// packetWords is a packet that stands for others, whose ICMP type is not known.
func packetWords(h *packet.Header) string {
	if isICMP(h.Protocol) {
		return fmt.Sprintf("%v %v > %v", h.Protocol, h.SrcAddr(), h.DstAddr())
	}
	return h.Tuple().String()
}

func (d *Disagreement) causeWords() string {
	switch d.Cause {
	case Changed:
		return fmt.Sprintf("rules were changed after %s: on the other side of it AWS did what these groups do", d.Change.Format(time.DateTime))
	case Older:
		return "connections from before the log, which live by tracking: no rule would let them begin again"
	case UnknownAddress:
		return "the far end is no interface of the topology: a member of the group that a rule names?"
	case RuleNotGiven:
		return "a group or rule that the topology lacks"
	case ACLOrRule:
		return "a network ACL rejects it, or AWS does not have the rule"
	case RuleNotInAWS:
		return "AWS does not have the rule, " + allowed(d.Entry)
	case ACLNotGiven:
		return "the network ACL has other entries, or the subnet another one"
	}
	return "none of the usual causes: a fault of the model? " + prose.Reason(d.Reason)
}

// allowed says why the network ACL of the topology has not rejected packets.
func allowed(entry sg.RuleRef) string {
	if entry.IsZero() {
		return "and no network ACL is asked about it, as within a subnet"
	}
	return "or the subnet has another network ACL: in the one given, " + escape.Text(entry.String()) + " allows it"
}

func (r *Report) rules(t *report.Text) {
	if len(r.Rules) == 0 {
		return
	}
	t.Line(0, "rules, with packets and bytes of what they admitted, and of its connections")
	t.Rules(r.ruleRows(), "packets           bytes", 30, "%14d %15d\n")
	unused := uint64(0)
	for i := range r.Rules {
		if r.Rules[i].Records == 0 {
			unused++
		}
	}
	if unused > 0 {
		t.Line(2, "%s not used, %s", report.Were(unused, "rule"), r.asFar())
	}
}

// asFar says what rules without records may have admitted all the same.
func (r *Report) asFar() string {
	s := fmt.Sprintf("as far as the log of %d of %d interfaces tells", r.Interfaces, r.InPolicy)
	if n := r.Unknown.Records; n > 0 {
		s += fmt.Sprintf(", of which %s could not be decided", prose.Count(n, "record"))
	}
	return s
}

func (r *Report) ruleRows() []report.Rule {
	rows := make([]report.Rule, len(r.Rules))
	for i, n := range r.Rules {
		rows[i] = report.Rule{Ref: n.Rule, Packets: n.Packets, Counts: []uint64{n.Records, n.Packets, n.Bytes}}
	}
	return rows
}

func (r *Report) rejected(t *report.Text) {
	if len(r.Rejected) == 0 {
		return
	}
	t.Printf("rejected most\n     packets    records\n")
	for i := range r.Rejected {
		k := &r.Rejected[i]
		t.Sender(k.Packets, k.Records, 10, 24, k.packet(), k.Senders, fmt.Sprintf("%s %s, %s", t.ENIName(k.ENI), k.Direction, k.by()), k.Near)
	}
	if r.OtherRejects.Records > 0 {
		t.Printf("  %10d %10d  of others\n", r.OtherRejects.Packets, r.OtherRejects.Records)
	}
}

func (k *Talker) packet() string { return report.SeveralPorts(packetWords(&k.First), k.SeveralPorts) }

// by says who rejected the packets, as far as it is known.
func (k *Talker) by() string {
	switch {
	case k.Reason == sg.ACLDeny:
		return "by a network ACL: " + escape.Text(k.Entry.String()) + " denies it"
	case k.Verdict == sg.Drop:
		return "by the groups: " + prose.Reason(k.Reason)
	case k.Verdict == sg.Unknown:
		return "by whom is not known: " + undecidedWords(k.Undecided, k.Reason)
	}
	if k.acl {
		return "AWS does not have a rule that is given here, " + allowed(k.Entry)
	}
	return "by a network ACL, or for lack of a rule that is given here"
}
