package replay

import (
	"fmt"
	"io"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/duration"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/report"
)

// TextOptions say how texts for people look. The zero TextOptions are for a file.
type TextOptions struct {
	// Color marks verdicts with ANSI escapes, for terminals that show them.
	Color bool

	// ENIs and Groups are names to show instead of ids.
	ENIs   map[sg.ENIID]string
	Groups map[sg.GroupID]string
}

func (o *TextOptions) names() prose.Names { return prose.Names{ENIs: o.ENIs, Groups: o.Groups} }

// NamesOf returns the TextOptions that show the names of a topology: those that are of one
// ENI or group alone.
func NamesOf(t *sg.Topology) TextOptions {
	n := prose.NamesOf(t)
	return TextOptions{ENIs: n.ENIs, Groups: n.Groups}
}

// WriteText writes the report for people, at most 80 columns wide.
func (r *Report) WriteText(w io.Writer, o TextOptions) error {
	t := &report.Text{Names: o.names(), Color: o.Color}
	r.totals(t)
	r.remarks(t)
	r.rules(t)
	r.laterFragments(t)
	r.entries(t)
	r.talkers(t)
	_, err := w.Write(t.B)
	return err
}

// remarks are the sentences behind the totals.
func (r *Report) remarks(t *report.Text) {
	var cut, strangers, ambiguous uint64
	for _, n := range r.Reasons {
		switch n.Reason {
		case sg.Cut:
			cut += n.Packets
		case sg.NoInterface:
			strangers += n.Packets
		case sg.Ambiguous:
			ambiguous += n.Packets
		}
	}
	if cut > 0 { // with Ethernet, IPv6, TCP and what an ICMP error quotes, and again for a tunnel
		t.Line(0, "%s cut too short: capture at least 128 bytes of each, 256 of those in tunnels", report.Were(cut, "packet"))
	}
	if ambiguous > 0 {
		t.Line(0, "%s judged at no ENI; %s", report.Were(ambiguous, "packet"), prose.Flags(r.ambiguous))
	} else if strangers > 0 && r.Of(sg.NotApplicable).Packets == r.Packets {
		t.Line(0, "no packet met an ENI: is this the topology of the capture? -tap says where one was taken whose addresses do not tell")
	}
	r.disorder(t)
	r.Copies.say(t)
	if c := &r.Copies; c.Unwrapped > 0 && c.Placed+c.Strangers == 0 && strangers >= c.Unwrapped {
		t.Line(2, "tunnels of the hosts' own, as between containers, are judged as they are with -unwrap=false")
	}
	r.connections(t)
	r.Midstream.say(t)
}

func (r *Report) totals(t *report.Text) {
	span := ""
	if r.Packets > 0 && !r.First.IsZero() {
		span = " in " + length(r.Last.Sub(r.First))
	}
	t.Line(0, "%s%s, %s", prose.Count(r.Packets, "packet"), span, prose.Count(r.Bytes, "byte"))
	if r.Packets == 0 {
		return
	}
	t.Printf("  %-10s %10s %14s  why\n", "", "packets", "bytes")
	for _, n := range r.Reasons {
		t.Verdict(n.Verdict, fmt.Sprintf(" %10d %14d", n.Packets, n.Bytes), prose.Reason(n.Reason))
	}
}

func (r *Report) disorder(t *report.Text) {
	d := &r.Disorder
	if r.Packets > 0 && r.First.IsZero() {
		t.Line(0, "no packet has a time: all count as sent at once, and nothing timed out")
	}
	if d.Stray > 0 {
		t.Line(0, "%s far ahead of the packets before and after: no clock was moved", prose.Count(d.Stray, "timestamp"))
	}
	if d.Late > 0 {
		t.Line(0, "%s recorded with an earlier time than one before, by at most %s: the later time counts",
			report.Were(d.Late, "packet"), length(d.LateBy))
	}
	if d.Steps > 0 {
		t.Line(2, "the clock was set back by 10 s or more %s", prose.Count(d.Steps, "time"))
	}
	if r.Doubles.Packets > 0 {
		t.Line(0, "%s in more than one capture, and counted once", report.Were(r.Doubles.Packets, "packet"))
	}
}

func (c *Copies) say(t *report.Text) {
	if c.Unwrapped > 0 {
		t.Line(0, "%s taken out of a tunnel; %d judged at the interface that sent the copy",
			report.Were(c.Unwrapped, "packet"), c.Placed)
	}
	if c.Strangers > 0 {
		t.Line(2, "%s sent by no interface of the topology, so what is inside was judged at both ends, as in any other capture",
			report.Were(c.Strangers, "copy"))
	}
	if c.Doubles.Packets > 0 {
		t.Line(2, "%s of a packet that was there already, and not counted", report.Were(c.Doubles.Packets, "copy"))
	}
	if n := c.Inbound; n != (Inbound{}) {
		unknown := ""
		if n.Unknown > 0 {
			unknown = fmt.Sprintf(", and of %d it is not known", n.Unknown)
		}
		t.Line(2, "%s: AWS admitted them all; these groups admit %d and drop %d%s",
			prose.Count(n.Accepted+n.Dropped+n.Unknown, "inbound copy"), n.Accepted, n.Dropped, unknown)
	}
	if c.Closed > 0 {
		t.Line(0, "%s to a tunnel's port could not be unwrapped", prose.Count(c.Closed, "datagram"))
	}
}

func (r *Report) connections(t *report.Text) {
	with := ""
	if r.Entries != r.Connections {
		with = fmt.Sprintf(", with %s at the interfaces", prose.Count(r.Entries, "entry"))
	}
	t.Line(0, "%s opened%s", prose.Count(r.Connections, "connection"), with)
	if r.Entries > 0 {
		t.Line(2, "at most %s at a time", prose.Count(r.Peak, "entry"))
	}
}

func (m *Midstream) say(t *report.Text) {
	about := ""
	if m.Incomplete {
		about = "about "
	}
	dropped := func(c Count) string { return prose.Count(c.Packets, "packet") + " dropped" }
	if m.Open > 0 {
		cost := dropped(m.OpenDropped)
		if m.OpenPassed > 0 {
			passed := prose.Count(m.OpenPassed, "packet") + " let pass by rules"
			if cost += ", " + passed; m.OpenDropped.Packets == 0 {
				cost = passed
			}
		}
		t.Line(0, "%s%s open already when the capture began: %s", about, report.Were(m.Open, "TCP connection"), cost)
		if m.OpenPassed == 0 {
			t.Line(2, "-midstream pickup takes up such connections where a rule admits a packet of theirs")
		}
	}
	if m.Swapped > 0 {
		t.Line(0, "%s%s recorded out of order, the SYN-ACK before the SYN that it answers: %s",
			about, report.Were(m.Swapped, "TCP connection"), dropped(m.SwappedDropped))
	}
	if m.RefusedDropped.Packets > 0 {
		t.Line(0, "%s because the SYN of the connection was", dropped(m.RefusedDropped))
	}
	if m.Ended > 0 {
		t.Line(0, "%s%s went on after the end or the idle timeout: %s",
			about, prose.Count(m.Ended, "TCP connection"), dropped(m.EndedDropped))
	}
}

func (r *Report) rules(t *report.Text) {
	if len(r.Rules) == 0 {
		return
	}
	t.Line(0, "rules, with packets admitted, and packets carried on connections they opened")
	t.Rules(r.ruleRows(nil), "admitted     carried", 23, "%11d %11d\n")
}

func (r *Report) laterFragments(t *report.Text) {
	if r.Fragments > 0 && len(r.Rules) > 0 {
		t.Line(2, "no rule counts the %s that followed an admitted first one", prose.Count(r.Fragments, "later fragment"))
	}
}

// entries writes the hits of network ACLs. What had none is AWS's own entry or may be
// needed yet.
func (r *Report) entries(t *report.Text) {
	if len(r.ACLEntries) == 0 {
		t.Line(0, "network ACLs were not judged: the topology holds none")
		return
	}
	t.Line(0, "entries of network ACLs, with packets they decided about")
	last := ""
	for i := range r.ACLEntries {
		h := &r.ACLEntries[i]
		t.Heading(&last, escape.Text(string(h.Rule.ACL())), h.Rule.Direction())
		t.Line(4, "%-5s %11d  %s", prose.EntryName(h.Rule), h.Admitted, t.EntrySays(h.Rule))
	}
}

func (r *Report) talkers(t *report.Text) {
	if len(r.Talkers) == 0 {
		return
	}
	t.Printf("dropped most\n    packets     first\n")
	for i := range r.Talkers {
		k := &r.Talkers[i]
		place, why := k.dropped(&t.Names)
		t.Sender(k.Packets, k.Number, 9, 23, k.packet(), k.Senders, fmt.Sprintf("%s %s: %s", place, k.Direction, why), k.Near)
	}
	if r.OtherDrops.Packets > 0 {
		t.Printf("  %9d            of others\n", r.OtherDrops.Packets)
	}
}

// never says why a rule without packets could not have any, "" where it could.
func (h *RuleHits) never() string {
	switch {
	case h.Admitted > 0 || h.Never == "":
		return ""
	case h.Needless:
		return "not needed: " + escape.Text(prose.Plain(h.Never))
	}
	return "can never match: " + escape.Text(prose.Plain(h.Never))
}

// dropped is where packets of a talker were dropped, and why.
func (k *Talker) dropped(n *prose.Names) (place, why string) {
	switch acl := k.Entry.ACL(); {
	case acl != "":
		return escape.Text(string(acl)), n.EntryWords(k.Entry)
	case k.Refused:
		return n.ENIName(k.ENI), prose.Refused
	}
	return n.ENIName(k.ENI), prose.Reason(k.Reason)
}

// packet is the talker's first packet without what differs between them.
func (k *Talker) packet() string {
	h := k.First
	h.PayloadLen = 0
	return report.SeveralPorts(string(report.AppendPacket(nil, &h)), k.SeveralPorts)
}

func length(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.String()
	case d < time.Minute:
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return duration.Text(d)
}
