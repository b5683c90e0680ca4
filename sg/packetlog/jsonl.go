package packetlog

import (
	"bufio"
	"io"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/replay"
)

// A JSONL is a [replay.Observer] that writes one JSON object a packet, each on a line
// of its own:
//
//	{"packet":2,"time":"2026-03-01T12:00:00.000210000Z","src":"10.0.1.10","dst":"198.51.100.7",
//	 "protocol":"tcp","src_port":443,"dst_port":50001,"verdict":"accept","reason":"tracked",
//	 "hops":[{"eni":"eni-web","direction":"egress","verdict":"accept","reason":"tracked",
//	 "group":"sg-web","rule":"sgr-web-https"}]}
//
// Keys come in this order. time is absent where the capture has none, src, dst and
// protocol where the frame has no readable IP header, the ports and icmp_type and
// icmp_code where the protocol has none, or the packet does not hold them. Of a packet
// that was taken out of tunnels, "tunnels" follows, from the outside in, each like
// {"kind":"vxlan","src":"10.0.1.10","dst":"10.0.9.9","vni":7}. hops are in the order the
// packet met them and empty where no ENI judged it; group and rule are absent
// where no rule had a part in the decision. A network ACL on the way is a hop with acl
// in place of eni, and with the number of its entry, "*" for AWS's own, as entry in
// place of group and rule. The texts of verdict and reason are those of [sg.Verdict] and
// [sg.Reason].
//
// The zero JSONL is not usable; call [NewJSONL], and Flush at the end.
type JSONL struct {
	w     *bufio.Writer
	clock timeText

	hops hopTexts // quoting a name costs more than the rest of the line

	decision []byte // from the verdict to hops, of the last packet
	verdict  sg.Verdict
	reason   sg.Reason
}

// NewJSONL returns a JSONL that writes to w in large pieces.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{w: bufio.NewWriterSize(w, bufferSize)} }

// Observe implements [replay.Observer].
func (j *JSONL) Observe(p *replay.Packet) error {
	b := append(j.w.AvailableBuffer(), `{"packet":`...)
	b = appendUint(b, p.Number)
	if !p.Frame.Time.IsZero() {
		b = append(b, `,"time":"`...)
		b = j.clock.append(b, p.Frame.Time)
		b = append(b, '"')
	}

	h := &p.Frame.Header
	if report.Readable(h) {
		b = append(b, `,"src":"`...)
		b = appendAddr(b, h.Family, &h.Src)
		b = append(b, `","dst":"`...)
		b = appendAddr(b, h.Family, &h.Dst)
		b = append(b, `","protocol":"`...)
		b = append(b, jsondoc.Protocol(h.Protocol)...)
		b = append(b, '"')
		switch {
		case hasPorts(h):
			b = append(b, `,"src_port":`...)
			b = appendUint(b, uint64(h.SrcPort))
			b = append(b, `,"dst_port":`...)
			b = appendUint(b, uint64(h.DstPort))
		case hasICMP(h):
			b = append(b, `,"icmp_type":`...)
			b = appendUint(b, uint64(h.ICMPType))
			b = append(b, `,"icmp_code":`...)
			b = appendUint(b, uint64(h.ICMPCode))
		}
	}

	if len(p.Tunnels) > 0 {
		b = appendTunnels(b, p.Tunnels)
	}
	if o := &p.Outcome; o.Verdict != j.verdict || o.Reason != j.reason || j.decision == nil {
		j.verdict, j.reason = o.Verdict, o.Reason
		j.decision = append(appendDecision(j.decision[:0], o.Verdict, o.Reason), `,"hops":[`...)
	}
	b = append(b, j.decision...)
	hops := p.Outcome.Hops()
	for i := range hops {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, j.hops.of(p, &hops[i], hopJSON)...)
	}
	_, err := j.w.Write(append(b, "]}\n"...))
	return err
}

// Flush writes what is buffered.
func (j *JSONL) Flush() error { return j.w.Flush() }

func hopJSON(_ *replay.Packet, hop *sg.Hop) string {
	var b []byte
	d := &hop.Decision
	acl := d.Rule.ACL()
	if acl != "" {
		b = escape.AppendJSON([]byte(`{"acl":`), string(acl))
	} else {
		b = escape.AppendJSON([]byte(`{"eni":`), string(hop.Enforcer.ID()))
	}
	b = append(append(append(b, `,"direction":"`...), hop.Direction.String()...), '"')
	b = appendDecision(b, d.Verdict, d.Reason)
	switch {
	case acl != "":
		b = escape.AppendJSON(append(b, `,"entry":`...), prose.EntryName(d.Rule))
	case !d.Rule.IsZero():
		b = escape.AppendJSON(append(b, `,"group":`...), string(d.Rule.Group()))
		b = escape.AppendJSON(append(b, `,"rule":`...), d.Rule.Name())
	}
	return string(append(b, '}'))
}

func appendDecision(b []byte, v sg.Verdict, r sg.Reason) []byte {
	b = append(append(b, `,"verdict":"`...), v.String()...)
	return append(append(append(b, `","reason":"`...), r.String()...), '"')
}

func appendTunnels(b []byte, ts []packet.Tunnel) []byte {
	b = append(b, `,"tunnels":[`...)
	for i := range ts {
		if i > 0 {
			b = append(b, ',')
		}
		o := &ts[i].Outer
		b = append(append(append(b, `{"kind":"`...), ts[i].Kind.String()...), `","src":"`...)
		b = append(appendAddr(b, o.Family, &o.Src), `","dst":"`...)
		b = append(appendAddr(b, o.Family, &o.Dst), `","vni":`...)
		b = append(appendUint(b, uint64(ts[i].VNI)), '}')
	}
	return append(b, ']')
}

// hasPorts reports whether the packet holds TCP or UDP ports.
func hasPorts(h *packet.Header) bool {
	return (h.Protocol == packet.TCP || h.Protocol == packet.UDP) &&
		!h.LaterFragment() && h.Missing&packet.MissingPorts == 0
}

// hasICMP reports whether the packet holds an ICMP type and code.
func hasICMP(h *packet.Header) bool {
	return (h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6) &&
		!h.LaterFragment() && h.Missing&packet.MissingICMP == 0
}

func appendAddr(b []byte, f packet.Family, a *[16]byte) []byte {
	if f != packet.IPv4 {
		return netip.AddrFrom16(*a).AppendTo(b)
	}
	b = append(appendSmall(b, uint32(a[12])), '.')
	b = append(appendSmall(b, uint32(a[13])), '.')
	b = append(appendSmall(b, uint32(a[14])), '.')
	return appendSmall(b, uint32(a[15]))
}

// appendUint appends n in base ten, three digits at a time. strconv copies the digits once
// more, which makes a line a tenth slower.
func appendUint(b []byte, n uint64) []byte {
	if n < 1000 {
		return appendSmall(b, uint32(n))
	}
	return append3(appendUint(b, n/1000), uint32(n%1000))
}

// appendSmall appends n, which is below 1000.
func appendSmall(b []byte, n uint32) []byte {
	switch {
	case n < 10:
		return append(b, byte('0'+n))
	case n < 100:
		return append(b, byte('0'+n/10), byte('0'+n%10))
	}
	return append3(b, n)
}

// append3 appends the three digits of n, which is below 1000.
func append3(b []byte, n uint32) []byte {
	return append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

// A timeText writes times as RFC 3339 in UTC with nine digits of a second. It
// keeps the text of the last second, which most packets share.
type timeText struct {
	second int64
	text   []byte // "2026-03-01T12:00:00"
}

func (c *timeText) append(b []byte, t time.Time) []byte {
	if s := t.Unix(); s != c.second || c.text == nil {
		c.second = s
		c.text = t.UTC().AppendFormat(c.text[:0], "2006-01-02T15:04:05")
	}
	n := uint32(t.Nanosecond())
	b = append(append(b, c.text...), '.')
	return append(append3(append3(append3(b, n/1e6), n/1000%1000), n%1000), 'Z')
}
