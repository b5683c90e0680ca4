package packetlog

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
	"github.com/sgsim/sgsim/sg/replay"
)

// A Text is a [replay.Observer] that writes packets for people. The line of a packet has
// its number, seconds since the first packet, the verdict, and the packet; then comes
// a line for each ENI that met it, with the rule or the connection that decided:
//
//	packet     seconds  verdict  from > to
//	     1    0.000000  accept   tcp 198.51.100.7:50001 > 10.0.1.10:443 S
//	        web ingress: web-sg ingress[0] (tcp 443 from 0.0.0.0/0)
//
// Lines are at most 80 columns wide, and longer ones go on in the next between words.
// Columns grow with their numbers, but for timestamps that are stray as [replay.Disorder] says.
// Call Flush at the end.
type Text struct {
	names prose.Names
	color bool
	w     *bufio.Writer
	buf   []byte // of w, in Observe
	began time.Time
	line  []byte   // of one packet
	why   []string // of the same
	hops  hopTexts

	numbers, seconds int // width of columns
}

// hopIndent is where the lines of ENIs begin.
const hopIndent = 8

// NewText returns a Text that writes to w in large pieces.
func NewText(w io.Writer, o replay.TextOptions) *Text {
	return &Text{
		w: bufio.NewWriterSize(w, bufferSize), names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}, color: o.Color,
		numbers: len("packet"), seconds: len("9999.999999"),
	}
}

// Observe implements [replay.Observer].
func (t *Text) Observe(p *replay.Packet) error {
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
	t.why = t.appendWhy(t.why[:0], p)
	for _, words := range t.why {
		t.buf, _ = prose.Wrap(prose.Blanks(t.buf, hopIndent), words, hopIndent, hopIndent+2)
		t.buf = append(t.buf, '\n')
	}
	_, err := t.w.Write(t.buf)
	return err
}

// Flush writes what is buffered.
func (t *Text) Flush() error { return t.w.Flush() }

// Words returns what [Text.Observe] writes of a packet beside its columns, and writes
// nothing: the packet, and a line for each ENI that met it.
func (t *Text) Words(p *replay.Packet) (text string, why []string) {
	return string(report.AppendPacket(nil, &p.Frame.Header)), t.appendWhy(nil, p)
}

// appendWhy appends what each ENI said, or why none met the packet.
func (t *Text) appendWhy(lines []string, p *replay.Packet) []string {
	hops := p.Outcome.Hops()
	for i := range hops {
		lines = append(lines, t.said(p, &hops[i]))
	}
	if len(hops) == 0 {
		lines = append(lines, t.said(p, nil))
	}
	return lines
}

func (t *Text) appendLine(p *replay.Packet, since time.Duration) {
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
	t.line = report.AppendPacket(t.line[:0], &p.Frame.Header)
	at := t.numbers + width + len("   verdict  ")
	b, _ = prose.Wrap(b, t.line, at, at)
	t.buf = append(b, '\n')
}

// said is what an ENI or a network ACL did and why, or why none met the packet where hop
// is nil, and what is wrong with the packet.
func (t *Text) said(p *replay.Packet, hop *sg.Hop) string {
	var words string
	if p.Frame.Err == packet.ErrLinkType {
		words = "unsupported link type: " + p.Frame.LinkType.String()
	} else if hop == nil {
		words = prose.Reason(p.Outcome.Reason)
	} else {
		words = t.hops.of(p, hop, t.sayHop)
	}
	if p.Frame.Err != nil && p.Outcome.Reason != sg.NotIP && p.Outcome.Reason != sg.NoInterface {
		words += ": " + p.Frame.Err.Error()
	}
	return words
}

func (t *Text) sayHop(p *replay.Packet, hop *sg.Hop) string {
	var place string
	if acl := hop.Decision.Rule.ACL(); acl != "" {
		place = escape.Text(string(acl))
	} else {
		place = t.names.ENIName(hop.Enforcer.ID())
	}
	return place + " " + hop.Direction.String() + ": " + t.reason(p, hop)
}

// reason is why an ENI or a network ACL did what it did.
func (t *Text) reason(p *replay.Packet, hop *sg.Hop) string {
	d := &hop.Decision
	if p.Refused && d.Verdict == sg.Drop {
		return prose.Refused
	}
	words, ruled := prose.Reason(d.Reason), !d.Rule.IsZero()
	switch d.Reason {
	case sg.NoRule:
		return "no " + hop.Direction.String() + " rule admits it"
	case sg.ACLAllow, sg.ACLDeny:
		return t.names.EntryWords(d.Rule)
	case sg.Tracked:
		words = "tracked"
		if d.Dir == conntrack.Reply {
			words = "reply"
		}
		if ruled {
			words += ", opened by " + t.names.RuleName(d.Rule)
		}
	case sg.ByRule:
		if ruled {
			words = t.ruleInFull(d.Rule)
		}
	case sg.Untracked:
		words = t.ruleInFull(d.Rule) + ", untracked"
	case sg.OutOfState, sg.TableFull:
		if ruled {
			words += ", though " + t.names.RuleName(d.Rule) + " admits it"
		}
	}
	return words
}

func (t *Text) ruleInFull(r sg.RuleRef) string {
	return t.names.RuleName(r) + " (" + t.names.RuleWords(r) + ")"
}

// verdictWord keeps the column narrow.
var verdictWord = [...]string{sg.Drop: "drop", sg.Accept: "accept", sg.NotApplicable: "-", sg.Unknown: "unknown"}

func padLeft(b, s []byte, width int) []byte { return append(prose.Blanks(b, width-len(s)), s...) }
