package replay

import (
	"bufio"
	"io"
	"strconv"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/report"
)

// TextOptions say how [Text] writes. The zero TextOptions are for a file.
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

// A Text is an [Observer] that writes packets for people. The line of a packet has
// its number, seconds since the first packet, the verdict, and the packet; then comes
// a line for each ENI that met it, with the rule or the connection that decided:
//
//	packet     seconds  verdict  from > to
//	     1    0.000000  accept   tcp 198.51.100.7:50001 > 10.0.1.10:443 S
//	        web ingress: web-sg ingress[0] (tcp 443 from 0.0.0.0/0)
//
// Lines are at most 80 columns wide, and longer ones go on in the next between words.
// Columns grow with their numbers, but for timestamps that are stray as [Disorder] says.
// Call Flush at the end.
type Text struct {
	names prose.Names
	color bool
	w     *bufio.Writer
	buf   []byte // of w, in Observe
	began time.Time
	why   []byte // of one line
	rules map[sg.RuleRef]ruleTexts

	numbers, seconds int // width of columns
}

// ruleTexts are the texts of a rule: which it is, and also what it admits.
type ruleTexts struct{ name, full, acl string } // acl: the network ACL, of an entry

// hopIndent is where the lines of ENIs begin.
const hopIndent = 8

// NewText returns a Text that writes to w in large pieces.
func NewText(w io.Writer, o TextOptions) *Text {
	return &Text{
		w: bufio.NewWriterSize(w, bufferSize), names: o.names(), color: o.Color, rules: map[sg.RuleRef]ruleTexts{},
		numbers: len("packet"), seconds: len("9999.999999"),
	}
}

// Observe implements [Observer].
func (t *Text) Observe(p *Packet) error {
	t.buf = t.w.AvailableBuffer()
	if p.Number == 1 {
		t.buf = append(t.buf, "packet     seconds  verdict  from > to\n"...)
	}
	if t.began.IsZero() {
		t.began = p.Time
	}
	since := p.Frame.Time.Sub(t.began)
	if p.Frame.Time.IsZero() {
		since = p.Time.Sub(t.began)
	}
	t.appendLine(p, since)
	hops := p.Outcome.Hops()
	for i := range hops {
		t.appendWhy(p, &hops[i])
	}
	if len(hops) == 0 {
		t.appendWhy(p, nil)
	}
	_, err := t.w.Write(t.buf)
	return err
}

// Flush writes what is buffered.
func (t *Text) Flush() error { return t.w.Flush() }

// Words returns what [Text.Observe] writes of a packet beside its columns, and writes
// nothing: the packet, and a line for each ENI that met it.
func (t *Text) Words(p *Packet) (text string, why []string) {
	hops := p.Outcome.Hops()
	for i := range hops {
		why = append(why, string(t.appendHop(nil, p, &hops[i])))
	}
	if len(hops) == 0 {
		why = append(why, string(t.appendHop(nil, p, nil)))
	}
	return string(appendPacket(nil, &p.Frame.Header)), why
}

func (t *Text) appendLine(p *Packet, since time.Duration) {
	var digits [32]byte
	number := strconv.AppendUint(digits[:0], p.Number, 10)
	t.numbers = max(t.numbers, len(number))
	b := append(padLeft(t.buf, number, t.numbers), ' ')
	seconds := strconv.AppendFloat(digits[:0], since.Seconds(), 'f', 6, 64)
	width := max(t.seconds, len(seconds))
	if !p.Frame.Time.After(p.Time) {
		t.seconds = width
	}
	b = append(padLeft(b, seconds, width), "  "...)
	b = report.AppendVerdict(b, t.color, p.Outcome.Verdict, verdictWord[p.Outcome.Verdict], len("verdict"))
	b = append(b, "  "...)
	t.why = appendPacket(t.why[:0], &p.Frame.Header)
	at := t.numbers + width + len("   verdict  ")
	b, _ = prose.Wrap(b, t.why, at, at)
	t.buf = append(b, '\n')
}

// appendWhy appends the line of an ENI, of none where hop is nil.
func (t *Text) appendWhy(p *Packet, hop *sg.Hop) {
	t.why = t.appendHop(t.why[:0], p, hop)
	t.buf, _ = prose.Wrap(prose.Blanks(t.buf, hopIndent), t.why, hopIndent, hopIndent+2)
	t.buf = append(t.buf, '\n')
}

// appendHop appends what an ENI did and why, or why none met the packet where hop is
// nil, and what is wrong with the packet.
func (t *Text) appendHop(b []byte, p *Packet, hop *sg.Hop) []byte {
	if hop == nil {
		b = append(b, prose.Reason(p.Outcome.Reason)...)
	} else {
		place := ""
		if r := hop.Decision.Rule; r.ACL() != "" {
			place = t.rule(r).acl
		} else {
			place = t.names.ENIName(hop.Enforcer.ID())
		}
		b = append(append(b, place...), ' ')
		b = append(append(b, hop.Direction.String()...), ": "...)
		b = t.appendDecision(b, p, hop)
	}
	if p.Frame.Err != nil && p.Outcome.Reason != sg.NotIP && p.Outcome.Reason != sg.NoInterface {
		b = append(append(b, ": "...), p.Frame.Err.Error()...)
	}
	return b
}

// verdictWord keeps the column narrow.
var verdictWord = [...]string{sg.Drop: "drop", sg.Accept: "accept", sg.NotApplicable: "-", sg.Unknown: "unknown"}

// appendPacket appends what tells packets apart at a glance.
func appendPacket(b []byte, h *packet.Header) []byte {
	if !readable(h) {
		return append(b, '-')
	}
	return h.AppendBrief(b)
}

func (t *Text) appendDecision(b []byte, p *Packet, hop *sg.Hop) []byte {
	d := &hop.Decision
	if p.Refused && d.Verdict == sg.Drop {
		return append(b, refusedWords...)
	}
	switch d.Reason {
	case sg.ACLAllow, sg.ACLDeny:
		return append(b, t.rule(d.Rule).full...)
	case sg.ByRule:
		if d.Rule.IsZero() {
			return append(b, "a rule admits it"...)
		}
		return append(b, t.rule(d.Rule).full...)
	case sg.Untracked:
		b = append(b, t.rule(d.Rule).full...)
		return append(b, ", untracked"...)
	case sg.Tracked:
		if d.Dir == conntrack.Reply {
			b = append(b, "reply"...)
		} else {
			b = append(b, "tracked"...)
		}
		if !d.Rule.IsZero() {
			b = append(b, ", opened by "...)
			b = append(b, t.rule(d.Rule).name...)
		}
		return b
	case sg.NoRule:
		b = append(b, "no "...)
		b = append(b, hop.Direction.String()...)
		return append(b, " rule admits it"...)
	case sg.OutOfState, sg.TableFull:
		b = append(b, prose.Reason(d.Reason)...)
		if !d.Rule.IsZero() {
			b = append(b, ", though "...)
			b = append(b, t.rule(d.Rule).name...)
			b = append(b, " admits it"...)
		}
		return b
	}
	return append(b, prose.Reason(d.Reason)...)
}

// rule returns the texts of a rule, which are made once.
func (t *Text) rule(r sg.RuleRef) ruleTexts {
	s, ok := t.rules[r]
	if !ok {
		s.name = t.names.RuleName(r)
		s.full = s.name + " (" + t.names.RuleWords(r) + ")"
		if r.ACL() != "" {
			s.name, s.full, s.acl = prose.EntryName(r), t.names.EntryWords(r), escape.Text(string(r.ACL()))
		}
		t.rules[r] = s
	}
	return s
}

// refusedWords are for packets of connections whose SYN was dropped.
const refusedWords = "the SYN of its connection was dropped"

func padLeft(b, s []byte, width int) []byte { return append(prose.Blanks(b, width-len(s)), s...) }
