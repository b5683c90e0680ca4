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
	line  []byte            // of one packet
	why   []string          // of the same
	hops  map[hopKey]string // words, which are made once
	held  int               // bytes of hops

	numbers, seconds int // width of columns
}

// A hopKey is all that outputs say of a hop, without gaps, which cost time to hash.
type hopKey struct {
	enforcer  *sg.Enforcer
	rule      sg.RuleRef
	direction sg.Direction
	verdict   sg.Verdict
	reason    sg.Reason
	dir       conntrack.Direction
	refused   bool
}

// maxHeld bounds the words that an output keeps, in bytes: there may be as many as
// interfaces times rules, and names may be of any length.
const maxHeld = 16 << 20

// keep enters what was made for a key, of size bytes, into what is held. Beyond maxHeld all
// is forgotten first.
func keep[K comparable, V any](all map[K]V, key K, made V, held *int, size int) {
	if size += 128; *held+size > maxHeld {
		clear(all)
		*held = 0
	}
	all[key] = made
	*held += size
}

func keyOf(p *Packet, h *sg.Hop) hopKey {
	d := &h.Decision
	return hopKey{h.Enforcer, d.Rule, h.Direction, d.Verdict, d.Reason, d.Dir, p.Refused}
}

// hopIndent is where the lines of ENIs begin.
const hopIndent = 8

// NewText returns a Text that writes to w in large pieces.
func NewText(w io.Writer, o TextOptions) *Text {
	return &Text{
		w: bufio.NewWriterSize(w, bufferSize), names: o.names(), color: o.Color, hops: map[hopKey]string{},
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
func (t *Text) Words(p *Packet) (text string, why []string) {
	return string(appendPacket(nil, &p.Frame.Header)), t.appendWhy(nil, p)
}

// appendWhy appends what each ENI said, or why none met the packet.
func (t *Text) appendWhy(lines []string, p *Packet) []string {
	hops := p.Outcome.Hops()
	for i := range hops {
		lines = append(lines, t.said(p, &hops[i]))
	}
	if len(hops) == 0 {
		lines = append(lines, t.said(p, nil))
	}
	return lines
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
	t.line = appendPacket(t.line[:0], &p.Frame.Header)
	at := t.numbers + width + len("   verdict  ")
	b, _ = prose.Wrap(b, t.line, at, at)
	t.buf = append(b, '\n')
}

// said is what an ENI or a network ACL did and why, or why none met the packet where hop
// is nil, and what is wrong with the packet.
func (t *Text) said(p *Packet, hop *sg.Hop) string {
	var words string
	if hop == nil {
		words = prose.Reason(p.Outcome.Reason)
	} else {
		k := keyOf(p, hop)
		if words = t.hops[k]; words == "" {
			words = t.place(hop) + " " + hop.Direction.String() + ": " + t.reason(p, hop)
			keep(t.hops, k, words, &t.held, len(words))
		}
	}
	if p.Frame.Err != nil && p.Outcome.Reason != sg.NotIP && p.Outcome.Reason != sg.NoInterface {
		words += ": " + p.Frame.Err.Error()
	}
	return words
}

func (t *Text) place(hop *sg.Hop) string {
	if acl := hop.Decision.Rule.ACL(); acl != "" {
		return escape.Text(string(acl))
	}
	return t.names.ENIName(hop.Enforcer.ID())
}

// reason is why an ENI or a network ACL did what it did.
func (t *Text) reason(p *Packet, hop *sg.Hop) string {
	d := &hop.Decision
	if p.Refused && d.Verdict == sg.Drop {
		return refusedWords
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

// appendPacket appends what tells packets apart at a glance.
func appendPacket(b []byte, h *packet.Header) []byte {
	if !readable(h) {
		return append(b, '-')
	}
	return h.AppendBrief(b)
}

// refusedWords are for packets of connections whose SYN was dropped.
const refusedWords = "the SYN of its connection was dropped"

func padLeft(b, s []byte, width int) []byte { return append(prose.Blanks(b, width-len(s)), s...) }
