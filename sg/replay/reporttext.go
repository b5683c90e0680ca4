package replay

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/duration"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// WriteText writes the report for people, at most 80 columns wide.
func (r *Report) WriteText(w io.Writer, o TextOptions) error {
	t := reportText{names: o.names(), color: o.Color}
	t.totals(r)
	t.remarks(r)
	t.rules(r)
	t.laterFragments(r)
	t.entries(r)
	t.talkers(r)
	_, err := w.Write(t.b)
	return err
}

type reportText struct {
	names
	color   bool
	columns int // prose.Columns where it is 0
	b       []byte
}

// line writes a sentence on lines of its own, with an indent.
func (t *reportText) line(indent int, format string, args ...any) {
	t.b, _ = prose.WrapAt(cmp.Or(t.columns, prose.Columns), prose.Blanks(t.b, indent), fmt.Sprintf(format, args...), indent, indent+2)
	t.b = append(t.b, '\n')
}

// remarks are the sentences behind the totals.
func (t *reportText) remarks(r *Report) {
	if r.Packets > 0 && r.Of(sg.NotApplicable).Packets == r.Packets {
		t.line(0, "no packet met an ENI: is this the topology of the capture? -tap says where one was taken whose addresses do not tell")
	}
	t.disorder(r)
	t.copies(&r.Copies)
	t.connections(r)
	t.midstream(&r.Midstream)
}

func (t *reportText) totals(r *Report) {
	span := ""
	if r.Packets > 0 && !r.First.IsZero() {
		span = " in " + length(r.Last.Sub(r.First))
	}
	t.line(0, "%s%s, %s", prose.Count(r.Packets, "packet"), span, prose.Count(r.Bytes, "byte"))
	if r.Packets == 0 {
		return
	}
	t.b = fmt.Appendf(t.b, "  %-10s %10s %14s  why\n", "", "packets", "bytes")
	for _, n := range r.Reasons {
		t.b = paint(append(t.b, "  "...), t.color, n.Verdict, verdictPast[n.Verdict], 10)
		t.b = fmt.Appendf(t.b, " %10d %14d  ", n.Packets, n.Bytes)
		t.b, _ = prose.Wrap(t.b, reasonWords(n.Reason), 40, 40)
		t.b = append(t.b, '\n')
	}
}

var verdictPast = [...]string{sg.Accept: "accepted", sg.Drop: "dropped", sg.Unknown: "unknown", sg.NotApplicable: "not judged"}

func (t *reportText) disorder(r *Report) {
	d := &r.Disorder
	if d.Stray > 0 {
		t.line(0, "%s far ahead of the packets before and after: no clock was moved", prose.Count(d.Stray, "timestamp"))
	}
	if d.Late > 0 {
		t.line(0, "%s recorded with an earlier time than one before, by at most %s: the later time counts",
			pluralWere(d.Late, "packet"), length(d.LateBy))
	}
	if d.Steps > 0 {
		t.line(2, "the clock was set back by 10 s or more %s", prose.Count(d.Steps, "time"))
	}
	if r.Doubles.Packets > 0 {
		t.line(0, "%s in more than one capture, and counted once", pluralWere(r.Doubles.Packets, "packet"))
	}
}

func (t *reportText) copies(c *Copies) {
	if c.Unwrapped > 0 {
		t.line(0, "%s taken out of a tunnel; %d judged at the interface that sent the copy",
			pluralWere(c.Unwrapped, "packet"), c.Placed)
	}
	if c.Doubles.Packets > 0 {
		t.line(2, "%s of a packet that was there already, and not counted", pluralWere(c.Doubles.Packets, "copy"))
	}
	if n := c.Inbound; n != (Inbound{}) {
		t.line(2, "%s: AWS admitted them all; these groups admit %d and drop %d, and of %d it is not known",
			prose.Count(n.Accepted+n.Dropped+n.Unknown, "inbound copy"), n.Accepted, n.Dropped, n.Unknown)
	}
	if c.Closed > 0 {
		t.line(0, "%s to a tunnel's port could not be unwrapped", prose.Count(c.Closed, "datagram"))
	}
}

func (t *reportText) connections(r *Report) {
	with := ""
	if r.Entries != r.Connections {
		with = fmt.Sprintf(", with %s, one at each end in the topology", prose.Count(r.Entries, "entry"))
	}
	t.line(0, "%s opened%s", prose.Count(r.Connections, "connection"), with)
	if r.Entries > 0 {
		t.line(2, "at most %s at a time", prose.Count(r.Peak, "entry"))
	}
}

func (t *reportText) midstream(m *Midstream) {
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
		t.line(0, "%s%s open already when the capture began: %s", about, pluralWere(m.Open, "TCP connection"), cost)
		if m.OpenPassed == 0 {
			t.line(2, "-midstream pickup takes up such connections where a rule admits a packet of theirs")
		}
	}
	if m.Swapped > 0 {
		t.line(0, "%s%s recorded out of order, the SYN-ACK before the SYN that it answers: %s",
			about, pluralWere(m.Swapped, "TCP connection"), dropped(m.SwappedDropped))
	}
	if m.RefusedDropped.Packets > 0 {
		t.line(0, "%s because the SYN of the connection was", dropped(m.RefusedDropped))
	}
	if m.Ended > 0 {
		t.line(0, "%s%s went on after the end of their connection, or after its idle timeout: %s",
			about, prose.Count(m.Ended, "TCP connection"), dropped(m.EndedDropped))
	}
}

// countsWidth is that of the two columns of counts behind each rule.
const countsWidth = 23

func (t *reportText) rules(r *Report) {
	if len(r.Rules) == 0 {
		return
	}
	t.line(0, "rules, with packets admitted, and packets carried on connections they opened")
	t.ruleLines(r.ruleRows(), "admitted     carried", countsWidth, "%11d %11d\n")
}

// ruleLines writes rules under the names of their groups, each with its counts in
// columns of a width together.
func (t *reportText) ruleLines(rows []ruleRow, head string, width int, counts string) {
	t.b = fmt.Appendf(t.b, "%*s\n", prose.Columns, head)
	last := ""
	for i := range rows {
		x := &rows[i]
		t.heading(&last, t.Group(x.rule.Group()), x.rule.Direction())
		var col int
		t.b, col = prose.WrapAt(prose.Columns-width, append(t.b, "    "...), escape.Text(x.rule.Name())+"  "+t.ruleWords(x.rule), 4, 6)
		if col > prose.Columns-width {
			t.b, col = append(t.b, '\n'), 0
		}
		n := x.counts[len(x.counts)-2:]
		t.b = fmt.Appendf(prose.Blanks(t.b, prose.Columns-width-col), counts, n[0], n[1])
		if x.never != "" {
			t.line(6, "%s", x.never)
		}
	}
}

// heading writes what the rules or entries that follow are of, where last is another.
func (t *reportText) heading(last *string, of string, dir sg.Direction) {
	if of += " " + dir.String(); of != *last {
		*last = of
		t.line(2, "%s", of)
	}
}

func (t *reportText) laterFragments(r *Report) {
	if r.Fragments > 0 && len(r.Rules) > 0 {
		t.line(2, "no rule counts the %s that followed an admitted first one", prose.Count(r.Fragments, "later fragment"))
	}
}

// entries writes the hits of network ACLs. What had none is AWS's own entry or may be
// needed yet.
func (t *reportText) entries(r *Report) {
	if len(r.ACLEntries) == 0 {
		t.line(0, "network ACLs were not judged: the topology holds none")
		return
	}
	t.line(0, "entries of network ACLs, with packets they decided about")
	last := ""
	for i := range r.ACLEntries {
		h := &r.ACLEntries[i]
		t.heading(&last, escape.Text(string(h.Rule.ACL())), h.Rule.Direction())
		t.line(4, "%-5s %11d  %s", entryName(h.Rule), h.Admitted, t.entrySays(h.Rule))
	}
}

func (t *reportText) talkers(r *Report) {
	if len(r.Talkers) == 0 {
		return
	}
	t.b = append(t.b, "dropped most\n    packets     first\n"...)
	for i := range r.Talkers {
		k := &r.Talkers[i]
		place, why := t.dropped(k)
		t.sender(k.Packets, k.Number, 9, 23, talkerPacket(k), fmt.Sprintf("%s %s: %s", place, k.Direction, why), k.Near)
	}
	if r.OtherDrops.Packets > 0 {
		t.b = fmt.Appendf(t.b, "  %9d            of others\n", r.OtherDrops.Packets)
	}
}

// sender writes two counts of a width each and, behind an indent, a packet, what became
// of it, and the rules that come nearest to admitting it.
func (t *reportText) sender(n, m uint64, width, indent int, words, said string, near []sg.NearRule) {
	t.counted(n, m, width, indent, words)
	t.line(indent, "%s", said)
	if len(near) > 0 {
		t.line(indent, "nearest: %s", t.nearest(near))
	}
}

func (t *reportText) counted(n, m uint64, width, indent int, words string) {
	t.b = fmt.Appendf(t.b, "  %*d %*d  ", width, n, width, m)
	t.b, _ = prose.Wrap(t.b, words, indent, indent+2)
	t.b = append(t.b, '\n')
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
func (n *names) dropped(k *Talker) (place, why string) {
	switch acl := k.Entry.ACL(); {
	case acl != "":
		return escape.Text(string(acl)), n.entryWords(k.Entry)
	case k.Refused:
		return n.eni(k.ENI), refusedWords
	}
	return n.eni(k.ENI), reasonWords(k.Reason)
}

// nearest is the first of the rules that come near, with what fails, "" where there is
// none.
func (n *names) nearest(near []sg.NearRule) string {
	if len(near) == 0 {
		return ""
	}
	var words []string
	for _, f := range near[0].Fails {
		words = append(words, escape.Text(prose.Plain(f.String())))
	}
	return n.ruleName(near[0].Rule) + ": " + strings.Join(words, "; ")
}

// talkerPacket is the talker's first packet without what differs between them.
func talkerPacket(k *Talker) string {
	h := k.First
	h.PayloadLen = 0
	return severalPorts(string(appendPacket(nil, &h)), k.SeveralPorts)
}

func severalPorts(words string, several bool) string {
	if several {
		return words + " and other ports"
	}
	return words
}

func pluralWere(n uint64, noun string) string {
	if n == 1 {
		return prose.Count(n, noun) + " was"
	}
	return prose.Count(n, noun) + " were"
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
