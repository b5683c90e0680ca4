package replay

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer, o TextOptions) error {
	t := reportText{names: names{o.ENIs, o.Groups}, color: o.Color}
	t.totals(r)
	t.connections(r)
	t.midstream(&r.Midstream)
	t.rules(r)
	t.talkers(r)
	_, err := w.Write(t.b)
	return err
}

type reportText struct {
	names
	color bool
	b     []byte
}

func (t *reportText) printf(format string, args ...any) {
	t.b = fmt.Appendf(t.b, format, args...)
}

func (t *reportText) totals(r *Report) {
	t.printf("%s", plural(r.Packets, "packet"))
	if span := r.Last.Sub(r.First); r.Packets > 0 && !r.First.IsZero() {
		t.printf(" in %s", duration(span))
	}
	t.printf(", %s\n", plural(r.Bytes, "byte"))
	for _, n := range r.Reasons {
		t.printf("  ")
		word := "not judged"
		if n.Verdict != sg.NotApplicable {
			word = map[sg.Verdict]string{sg.Accept: "accepted", sg.Drop: "dropped"}[n.Verdict]
		}
		t.b = paint(t.b, t.color, verdictColor[n.Verdict], word, 10)
		t.printf(" %10d %-7s %13d bytes  %-18s %s\n", n.Packets, noun(n.Packets, "packet"), n.Bytes, n.Reason, reasonWords(n.Reason))
	}
	if r.Packets > 0 && r.Of(sg.NotApplicable).Packets == r.Packets {
		t.printf("no packet met an ENI: is this the topology of the capture? -tap says where one was taken whose addresses do not tell\n")
	}
}

func (t *reportText) connections(r *Report) {
	t.printf("%s opened", plural(r.Connections, "connection"))
	if r.Entries != r.Connections {
		t.printf(", with %s, one at each end in the topology", plural(r.Entries, "entry"))
	}
	t.printf("\n")
	if r.Entries == 0 {
		return
	}
	t.printf("  at most %s at a time\n", plural(r.Peak, "entry"))
}

func (t *reportText) midstream(m *Midstream) {
	about := ""
	if m.Incomplete {
		about = "about "
	}
	if m.Open > 0 {
		t.printf("%s%s open already when the capture began: ", about, pluralWere(m.Open, "TCP connection"))
		switch {
		case m.OpenDropped.Packets > 0 && m.OpenPassed > 0:
			t.printf("%s dropped, %s let pass by rules\n", plural(m.OpenDropped.Packets, "packet"), plural(m.OpenPassed, "packet"))
		case m.OpenPassed > 0:
			t.printf("%s let pass by rules\n", plural(m.OpenPassed, "packet"))
		default:
			t.printf("%s dropped\n", plural(m.OpenDropped.Packets, "packet"))
		}
		if m.OpenPassed == 0 {
			t.printf("  -midstream pickup takes up such connections where a rule admits a packet of theirs\n")
		}
	}
	if m.Ended > 0 {
		t.printf("%s%s after the end of their connection, or after its idle timeout: %s dropped\n",
			about, pluralWent(m.Ended, "TCP connection"), plural(m.EndedDropped.Packets, "packet"))
	}
}

func (t *reportText) rules(r *Report) {
	if len(r.Rules) == 0 {
		return
	}
	type line struct{ group, dir, name, words string }
	lines := make([]line, len(r.Rules))
	var widths [4]int
	for i, h := range r.Rules {
		l := line{t.group(h.Rule.Group()), h.Rule.Direction().String(), h.Rule.Name(), t.ruleWords(h.Rule)}
		if i > 0 && h.Rule.Group() == r.Rules[i-1].Rule.Group() {
			l.group = ""
			if h.Rule.Direction() == r.Rules[i-1].Rule.Direction() {
				l.dir = ""
			}
		}
		lines[i] = l
		for k, s := range []string{l.group, l.dir, l.name, l.words} {
			widths[k] = max(widths[k], min(len(s), 48))
		}
	}
	t.printf("rules, with the packets each admitted and those on connections it opened\n")
	for i, l := range lines {
		h := &r.Rules[i]
		t.printf("  %-*s %-*s %-*s %-*s %9d %11d", widths[0], l.group, widths[1], l.dir, widths[2], l.name, widths[3], l.words, h.Admitted, h.Carried)
		if h.Admitted == 0 {
			switch {
			case h.Needless:
				t.printf("  not needed: %s", h.Never)
			case h.Never != "":
				t.printf("  can never match: %s", h.Never)
			default:
				t.printf("  did not match here")
			}
		}
		t.b = append(trimRight(t.b), '\n')
	}
	if r.Fragments > 0 {
		t.printf("  no rule counts the %s that followed an admitted first one\n", plural(r.Fragments, "later fragment"))
	}
}

func (t *reportText) talkers(r *Report) {
	if len(r.Talkers) == 0 {
		return
	}
	t.printf("dropped most\n")
	for i := range r.Talkers {
		k := &r.Talkers[i]
		t.printf("  %9d %-7s  %s", k.Packets, noun(k.Packets, "packet"), talkerPacket(k))
		if k.ENI != "" {
			t.printf("  %s %s", t.eni(k.ENI), k.Direction)
		}
		t.printf(": %s", reasonWords(k.Reason))
		t.printf(" (first: packet %d)\n", k.Number)
		if len(k.Near) > 0 {
			t.printf("            nearest: %s: %s\n", t.ruleName(k.Near[0].Rule), fails(k.Near[0].Fails))
		}
	}
	if r.OtherDrops.Packets > 0 {
		t.printf("  %9d %-7s  of others\n", r.OtherDrops.Packets, noun(r.OtherDrops.Packets, "packet"))
	}
}

func fails(fs []sg.Fail) string {
	var words []string
	for _, f := range fs {
		words = append(words, f.String())
	}
	return strings.Join(words, "; ")
}

// talkerPacket is the talker's first packet without what differs between them.
func talkerPacket(k *Talker) string {
	h := k.First
	h.PayloadLen = 0
	b := appendPacket(nil, &h)
	if k.SeveralPorts {
		b = append(b, " and other ports"...)
	}
	return string(b)
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func plural(n uint64, word string) string {
	return fmt.Sprintf("%d %s", n, noun(n, word))
}

// noun returns the word for n of what word names.
func noun(n uint64, word string) string {
	if n == 1 {
		return word
	}
	if s, ok := strings.CutSuffix(word, "y"); ok {
		word = s + "ie"
	}
	return word + "s"
}

func pluralWere(n uint64, noun string) string {
	if n == 1 {
		return plural(n, noun) + " was"
	}
	return plural(n, noun) + " were"
}

func pluralWent(n uint64, noun string) string {
	return plural(n, noun) + " went on"
}

func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.String()
	case d < time.Minute:
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
