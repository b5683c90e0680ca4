package replay

import (
	"io"
	"net/netip"
	"strconv"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// TextOptions say how [Text] writes. The zero TextOptions are for a file.
type TextOptions struct {
	// Color marks verdicts with ANSI escapes, for terminals that show them.
	Color bool

	// ENIs and Groups are names to show instead of ids.
	ENIs   map[sg.ENIID]string
	Groups map[sg.GroupID]string
}

// A Text is an [Observer] that writes one line a packet for people: number,
// seconds since the first packet, the packet, the verdict, and at each ENI the
// rule or the connection that decided.
//
// Columns are as wide as the first hundred packets need, which are held back for
// that; a later line that needs more takes it. Call Flush at the end.
type Text struct {
	names
	color bool
	w     io.Writer
	buf   []byte
	began time.Time

	rows    []row // held back until the width is known
	width   int   // of the packet column; 0 until known
	scratch row
	rules   map[sg.RuleRef]ruleTexts
}

// ruleTexts are the texts of a rule: which it is, and also what it admits.
type ruleTexts struct{ name, full string }

type row struct {
	number  uint64
	time    time.Duration
	verdict sg.Verdict
	packet  []byte
	why     []byte
}

const (
	heldBack  = 100 // rows
	widestRow = 72  // of the packet column, so that one long line does not push all others out
)

// NewText returns a Text that writes to w in large pieces.
func NewText(w io.Writer, o TextOptions) *Text {
	return &Text{w: w, names: names{o.ENIs, o.Groups}, color: o.Color, rules: map[sg.RuleRef]ruleTexts{}}
}

// Observe implements [Observer].
func (t *Text) Observe(p *Packet) error {
	if t.began.IsZero() {
		t.began = p.Time
	}
	r := &t.scratch
	r.number, r.verdict, r.time = p.Number, p.Outcome.Verdict, p.Frame.Time.Sub(t.began)
	if p.Frame.Time.IsZero() {
		r.time = p.Time.Sub(t.began)
	}
	r.packet = appendPacket(r.packet[:0], &p.Frame.Header)
	r.why = t.appendWhy(r.why[:0], p)
	if t.width == 0 {
		t.rows = append(t.rows, *r)
		t.scratch = row{}
		if len(t.rows) < heldBack {
			return nil
		}
		return t.Flush()
	}
	t.appendRow(r)
	if len(t.buf) < flushAt {
		return nil
	}
	return t.write()
}

// Flush writes what is held back.
func (t *Text) Flush() error {
	if t.width == 0 && len(t.rows) > 0 {
		for i := range t.rows {
			t.width = max(t.width, min(len(t.rows[i].packet), widestRow))
		}
		t.buf = append(t.buf, "packet    seconds  "...)
		t.buf = pad(t.buf, "from > to", t.width)
		t.buf = append(t.buf, "  verdict  decided by\n"...)
		for i := range t.rows {
			t.appendRow(&t.rows[i])
		}
		t.rows = nil
	}
	return t.write()
}

func (t *Text) write() error {
	_, err := t.w.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

func (t *Text) appendRow(r *row) {
	var digits [32]byte
	b := padLeft(t.buf, strconv.AppendUint(digits[:0], r.number, 10), 6)
	b = padLeft(b, strconv.AppendFloat(digits[:0], r.time.Seconds(), 'f', 6, 64), 11)
	b = append(b, "  "...)
	b = pad(b, r.packet, t.width)
	b = append(b, "  "...)
	b = paint(b, t.color, verdictColor[r.verdict], verdictWord[r.verdict], 7)
	b = append(b, "  "...)
	b = append(b, r.why...)
	t.buf = append(b, '\n')
}

// verdictWord keeps the column narrow.
var verdictWord = [...]string{sg.Drop: "drop", sg.Accept: "accept", sg.NotApplicable: "-"}

// ANSI colours: red, green, and grey for what nobody judged.
var verdictColor = [...]string{sg.Drop: "31", sg.Accept: "32", sg.NotApplicable: "90"}

func paint(b []byte, on bool, color, s string, width int) []byte {
	if !on {
		return pad(b, s, width)
	}
	b = append(b, "\x1b["...)
	b = append(b, color...)
	b = append(b, 'm')
	b = append(b, s...)
	b = append(b, "\x1b[0m"...)
	return pad(b, "", width-len(s))
}

func pad[S string | []byte](b []byte, s S, width int) []byte {
	b = append(b, s...)
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	return b
}

func padLeft(b, s []byte, width int) []byte {
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	return append(b, s...)
}

// appendPacket appends what identifies a packet at a glance. The whole header is
// in Header.String; a table has no room for sequence numbers.
func appendPacket(b []byte, h *packet.Header) []byte {
	if !readable(h) {
		return append(b, '-')
	}
	b = append(b, h.Protocol.String()...)
	b = append(b, ' ')
	ports := h.Protocol.HasPorts() && !h.LaterFragment() && h.Missing&packet.MissingPorts == 0
	b = appendEnd(b, h.SrcAddr(), h.SrcPort, ports)
	b = append(b, " > "...)
	b = appendEnd(b, h.DstAddr(), h.DstPort, ports)
	switch {
	case h.LaterFragment():
	case h.Protocol == packet.TCP && h.Missing&packet.MissingTCPFlags == 0:
		b = append(b, ' ')
		b, _ = h.TCPFlags.AppendText(b) // String allocates
	case hasICMP(h):
		b = append(b, ' ')
		b = appendUint(b, uint64(h.ICMPType))
		b = append(b, '/')
		b = appendUint(b, uint64(h.ICMPCode))
	}
	if h.PayloadLen > 0 {
		b = append(b, " len "...)
		b = appendUint(b, uint64(h.PayloadLen))
	}
	if h.Fragment() {
		b = append(b, " frag "...)
		b = appendUint(b, uint64(h.FragOffset))
		if h.MoreFrags {
			b = append(b, '+')
		}
	}
	if h.Missing != 0 {
		b = append(b, " cut"...)
	}
	return b
}

func appendEnd(b []byte, a netip.Addr, port uint16, withPort bool) []byte {
	if withPort {
		return netip.AddrPortFrom(a, port).AppendTo(b)
	}
	return a.AppendTo(b)
}

func (t *Text) appendWhy(b []byte, p *Packet) []byte {
	hops := p.Outcome.Hops()
	if len(hops) == 0 {
		b = append(b, reasonWords(p.Outcome.Reason)...)
		if p.Frame.Err != nil && p.Outcome.Reason == sg.Malformed {
			b = append(b, ": "...)
			b = append(b, p.Frame.Err.Error()...)
		}
		return b
	}
	for i := range hops {
		if i > 0 {
			b = append(b, "; "...)
		}
		b = append(b, t.eni(hops[i].Enforcer.ID())...)
		b = append(b, ' ')
		b = append(b, hops[i].Direction.String()...)
		b = append(b, ": "...)
		b = t.appendDecision(b, &hops[i])
		if p.Frame.Err != nil {
			b = append(b, ": "...)
			b = append(b, p.Frame.Err.Error()...)
		}
	}
	return b
}

func (t *Text) appendDecision(b []byte, hop *sg.Hop) []byte {
	d := &hop.Decision
	switch d.Reason {
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
		b = append(b, reasonWords(d.Reason)...)
		if !d.Rule.IsZero() {
			b = append(b, ", though "...)
			b = append(b, t.rule(d.Rule).name...)
			b = append(b, " admits it"...)
		}
		return b
	}
	return append(b, reasonWords(d.Reason)...)
}

// rule returns the texts of a rule, which are made once.
func (t *Text) rule(r sg.RuleRef) ruleTexts {
	s, ok := t.rules[r]
	if !ok {
		s.name = t.ruleName(r)
		s.full = s.name + " (" + t.ruleWords(r) + ")"
		t.rules[r] = s
	}
	return s
}

var reasonText = map[sg.Reason]string{
	sg.ByRule:        "a rule admits it",
	sg.Tracked:       "tracked connection",
	sg.Untracked:     "a rule admits it, untracked",
	sg.Exempt:        "exempt, security groups do not filter it",
	sg.Related:       "ICMP error about a tracked connection",
	sg.NoRule:        "no rule admits it",
	sg.OutOfState:    "midstream, no SYN opened its connection",
	sg.BadFragment:   "fragment whose first is unknown, dropped or too short",
	sg.Malformed:     "malformed",
	sg.TableFull:     "connection table full",
	sg.Invalid:       "does not fit its connection",
	sg.Cut:           "the capture cut off what decides",
	sg.BadDirection:  "no direction",
	sg.NotIP:         "not an IP packet",
	sg.NoInterface:   "neither end is an ENI of the topology",
	sg.SameInterface: "both ends are the same ENI",
	sg.Ambiguous:     "its address belongs to several ENIs",
}

// reasonWords says a reason to people.
func reasonWords(r sg.Reason) string {
	if s, ok := reasonText[r]; ok {
		return s
	}
	return r.String()
}
