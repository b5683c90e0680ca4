// Package report is what the reports of captures and of flow logs have in common: their
// sentences, their tables of rules, and what pages show of both.
package report

import (
	"cmp"
	"fmt"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A Text is a report for people in the making, at most 80 columns wide.
type Text struct {
	prose.Names
	Color bool
	B     []byte // what there is so far

	columns int // prose.Columns where it is 0
}

// Printf writes what has its columns already.
func (t *Text) Printf(format string, args ...any) { t.B = fmt.Appendf(t.B, format, args...) }

// Line writes a sentence on lines of its own, with an indent.
func (t *Text) Line(indent int, format string, args ...any) {
	t.B, _ = prose.WrapAt(cmp.Or(t.columns, prose.Columns), prose.Blanks(t.B, indent), fmt.Sprintf(format, args...), indent, indent+2)
	t.B = append(t.B, '\n')
}

// verdictWidth is that of the column of [Text.Verdict], with what is before it.
const verdictWidth = 12

// Verdict writes a row: a verdict, columns of counts, and why, which may be "".
func (t *Text) Verdict(v sg.Verdict, counts, why string) {
	t.B = append(AppendVerdict(append(t.B, "  "...), t.Color, v, Past[v], verdictWidth-2), counts...)
	if why != "" {
		at := verdictWidth + len(counts) + 2
		t.B, _ = prose.Wrap(append(t.B, "  "...), why, at, at)
	}
	t.B = append(t.B, '\n')
}

// Counted writes two counts of a width each, and words behind an indent.
func (t *Text) Counted(n, m uint64, width, indent int, words string) {
	t.Printf("  %*d %*d  ", width, n, width, m)
	t.B, _ = prose.Wrap(t.B, words, indent, indent+2)
	t.B = append(t.B, '\n')
}

// Sender writes two counts, a packet, how many senders it stands for, what became of it,
// and the rule that comes nearest to admitting it.
func (t *Text) Sender(n, m uint64, width, indent int, words string, senders int, said string, near []sg.NearRule) {
	t.Counted(n, m, width, indent, words)
	if senders > 1 {
		t.Line(indent, "%s", otherSenders(senders))
	}
	t.Line(indent, "%s", said)
	if len(near) > 0 {
		t.Line(indent, "nearest: %s", t.Nearest(near))
	}
}

// Heading writes what the rules or entries that follow are of, where last is another.
func (t *Text) Heading(last *string, of string, dir sg.Direction) {
	if of += " " + dir.String(); of != *last {
		*last = of
		t.Line(2, "%s", of)
	}
}

// Rules writes rules under the names of their groups, each with the last two of its counts
// in columns of a width together.
func (t *Text) Rules(rules []Rule, head string, width int, counts string) {
	t.Printf("%*s\n", prose.Columns, head)
	last := ""
	for i := range rules {
		x := &rules[i]
		t.Heading(&last, t.Group(x.Ref.Group()), x.Ref.Direction())
		var col int
		t.B, col = prose.WrapAt(prose.Columns-width, append(t.B, "    "...), escape.Text(x.Ref.Name())+"  "+t.RuleWords(x.Ref), 4, 6)
		if col > prose.Columns-width {
			t.B, col = append(t.B, '\n'), 0
		}
		t.B = prose.Blanks(t.B, prose.Columns-width-col)
		n := x.Counts[len(x.Counts)-2:]
		t.Printf(counts, n[0], n[1])
		if x.Never != "" {
			t.Line(6, "%s", x.Never)
		}
	}
}

// Past says of packets what became of them.
var Past = [...]string{sg.Accept: "accepted", sg.Drop: "dropped", sg.Unknown: "unknown", sg.NotApplicable: "not judged"}

// ANSI colours of verdicts: red, green, yellow, and grey for what nobody judged.
var colors = [...]string{sg.Drop: "31", sg.Accept: "32", sg.Unknown: "33", sg.NotApplicable: "90"}

// AppendVerdict appends a word for a verdict, in its colour if that is on, and fills up to
// a width.
func AppendVerdict(b []byte, color bool, v sg.Verdict, word string, width int) []byte {
	if color {
		b = append(append(append(append(append(b, "\x1b["...), colors[v]...), 'm'), word...), "\x1b[0m"...)
	} else {
		b = append(b, word...)
	}
	return prose.Blanks(b, width-len(word))
}

// Readable reports whether a frame holds an IP packet with readable addresses.
func Readable(h *packet.Header) bool { return h.Family != 0 && h.Length != 0 }

// AppendPacket appends a packet in brief, and "-" for one that is not readable.
func AppendPacket(b []byte, h *packet.Header) []byte {
	if !Readable(h) {
		return append(b, '-')
	}
	return h.AppendBrief(b)
}

// SeveralPorts is a packet that stands for others, which may have other ports.
func SeveralPorts(words string, several bool) string {
	if several {
		return words + " and other ports"
	}
	return words
}

// Were is a number with a noun and its verb: "1 rule was", "2 rules were".
func Were(n uint64, noun string) string {
	if n == 1 {
		return prose.Count(n, noun) + " was"
	}
	return prose.Count(n, noun) + " were"
}
