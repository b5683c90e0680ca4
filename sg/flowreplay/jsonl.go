package flowreplay

import (
	"bufio"
	"io"
	"strconv"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

// A JSONL writes one JSON object for each record, on a line of its own:
//
//	{"file":"a.log.gz","line":7,"start":1780315200,"end":1780315259,"src":"198.51.100.7",
//	 "dst":"10.0.1.10","protocol":"tcp","src_port":50001,"dst_port":22,"packets":3,"bytes":180,
//	 "action":"reject","eni":"eni-web","direction":"ingress","opener":"source","evidence":"flags",
//	 "verdict":"accept","reason":"rule","group":"sg-web","rule":"sgr-ssh","agreement":"disagree"}
//
// Keys come in this order. What a record lacks is absent, and so are ports of protocols
// without; eni and direction where they are not known; reason unless something was
// judged; group and rule without a rule; agreement unless both sides decided. Before it,
// "picked_up" is true where [Record.PickedUp] is, and "undecided" says why a verdict
// is unknown, in a word of [Undecided.String]. action is absent in records without
// traffic, of which "status" tells.
//
// Call [NewJSONL], and Flush at the end.
type JSONL struct{ w *bufio.Writer }

// NewJSONL returns a JSONL that writes to w in large pieces.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{bufio.NewWriterSize(w, 64<<10)} }

// Flush writes what is buffered.
func (j *JSONL) Flush() error { return j.w.Flush() }

// Observe writes a record; it is for [Options.Observe].
func (j *JSONL) Observe(r *Record) error {
	b := escape.AppendJSON(append(j.w.AvailableBuffer(), `{"file":`...), r.Position.File)
	b = strconv.AppendInt(append(b, `,"line":`...), int64(r.Position.Line), 10)
	number := func(f flowlog.Field, key string, n int64) {
		if r.Has(f) {
			b = strconv.AppendInt(append(append(append(b, `,"`...), key...), `":`...), n, 10)
		}
	}
	word := func(key, value string) {
		if value != "" && value != "-" {
			b = escape.AppendJSON(append(append(append(b, `,"`...), key...), `":`...), value)
		}
	}
	number(flowlog.FieldStart, "start", r.Start)
	number(flowlog.FieldEnd, "end", r.End)
	if src := r.Src(); src.IsValid() {
		word("src", src.String())
	}
	if dst := r.Dst(); dst.IsValid() {
		word("dst", dst.String())
	}
	if r.Has(flowlog.FieldProtocol) {
		word("protocol", jsondoc.Protocol(r.Protocol))
	}
	if r.Protocol.HasPorts() {
		number(flowlog.FieldSrcPort, "src_port", int64(r.SrcPort))
		number(flowlog.FieldDstPort, "dst_port", int64(r.DstPort))
	}
	if r.Has(flowlog.FieldPackets) {
		b = strconv.AppendUint(append(b, `,"packets":`...), r.Packets, 10)
	}
	if r.Has(flowlog.FieldBytes) {
		b = strconv.AppendUint(append(b, `,"bytes":`...), r.Bytes, 10)
	}
	word("action", [...]string{"", "accept", "reject"}[r.Action])
	if r.Action == 0 {
		word("status", r.Status.String())
	}
	word("eni", string(r.ENI))
	if r.Direction != 0 {
		word("direction", r.Direction.String())
	}
	if r.Opening.By != 0 {
		word("opener", [...]string{"", "source", "destination"}[r.Opening.By])
		word("evidence", r.Opening.Evidence.String())
	}
	word("verdict", r.Verdict.String())
	if r.Verdict != sg.NotApplicable {
		word("reason", r.Decision.Reason.String())
	}
	if ref := r.Decision.Rule; !ref.IsZero() {
		word("group", string(ref.Group()))
		word("rule", ref.Name())
	}
	if r.PickedUp {
		b = append(b, `,"picked_up":true`...)
	}
	if r.Undecided != 0 {
		word("undecided", r.Undecided.String())
	}
	word("agreement", [...]string{"", "agree", "disagree"}[r.Agreement()])
	_, err := j.w.Write(append(b, "}\n"...))
	return err
}
