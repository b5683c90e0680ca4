package packet

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A TextError says what is wrong with the text of a header or five-tuple, and
// where.
type TextError struct {
	Text   string // the whole input
	Offset int    // in Text, bytes
	Reason string
}

func (e *TextError) Error() string {
	return fmt.Sprintf("packet: %q: byte %d: %s", e.Text, e.Offset, e.Reason)
}

// ParseFiveTuple reads what [FiveTuple.String] writes; the protocol may be a
// number as well as a name. TCP and UDP need ports, ICMP needs type and code, and
// its identifier is 0 if not given. Errors are of type *[TextError].
func ParseFiveTuple(s string) (FiveTuple, error) {
	p := newParser(s)
	if p.take("-") {
		return FiveTuple{}, p.finish()
	}
	h := p.ends()
	p.require(&h)
	if err := p.finish(); err != nil {
		return FiveTuple{}, err
	}
	return h.Tuple(), nil
}

// ParseHeader reads what [Header.String] writes: a five-tuple, for TCP the flags
// ("S", "SA", "-" for none), and then any of these clauses.
//
//	seq 1  ack 2  win 502   TCP numbers
//	len 1460                payload behind the transport header, bytes
//	ttl 1                   TTL or hop limit, 64 if not given
//	frag 1480+              offset in bytes, "+" if more fragments follow
//	ipid 4711               IP identification
//	iplen 1512              IP length, if headers have options
//	captured 54             bytes of it that the capture holds, if not all
//	missing ports,flags     parts that are not there: ports, flags, icmp, icmpid, quote
//	about udp A:1 > B:2     the packet that an ICMP error quotes; last
//	about part of udp A > B the same, if the quote ends before the ports
//
// Later fragments, and headers whose ports, flags or ICMP type are missing, leave
// these out. ParseHeader("-") is the zero Header. Errors are of type *[TextError].
func ParseHeader(s string) (Header, error) {
	p := newParser(s)
	if p.take("-") {
		return Header{}, p.finish()
	}
	h := p.ends()
	p.clauses(&h)
	if err := p.finish(); err != nil {
		return Header{}, err
	}
	return h, nil
}

// parser reads words from left to right and keeps the first error.
type parser struct {
	text  string
	pos   int // of the next word
	start int // of the word read last
	err   error

	ports, typed, flagged bool // seen so far, for what is required
}

func newParser(s string) *parser { return &parser{text: s} }

func (p *parser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &TextError{Text: p.text, Offset: at, Reason: fmt.Sprintf(format, args...)}
	}
}

func (p *parser) word() string {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
	p.start = p.pos
	for p.pos < len(p.text) && p.text[p.pos] != ' ' {
		p.pos++
	}
	return p.text[p.start:p.pos]
}

// take skips the next word if it is w.
func (p *parser) take(w string) bool {
	back, start := p.pos, p.start
	if p.word() == w {
		return true
	}
	p.pos, p.start = back, start
	return false
}

func (p *parser) finish() error {
	if w := p.word(); w != "" {
		p.fail(p.start, "unexpected %q", w)
	}
	return p.err
}

func (p *parser) number(name string, bits int) uint32 {
	w := p.word()
	n, err := strconv.ParseUint(w, 10, bits)
	if err != nil {
		p.fail(p.start, "%s: want a number below 2^%d, got %q", name, bits, w)
	}
	return uint32(n)
}

// ends reads protocol, source, ">" and destination, and for ICMP type, code and
// identifier.
func (p *parser) ends() Header {
	proto, ok := ParseProtocol(p.word())
	if !ok {
		p.fail(p.start, "want tcp, udp, icmp, icmpv6 or another protocol by name or number, got %q", p.text[p.start:p.pos])
	}
	src, srcPort := p.end("source", proto)
	if w := p.word(); w != ">" {
		p.fail(p.start, "want > between source and destination, got %q", w)
	}
	dst, dstPort := p.end("destination", proto)
	at := p.start
	if p.err != nil {
		return Header{}
	}
	h := Header{Src: src.As16(), Dst: dst.As16(), Family: IPv6, Protocol: proto, HopLimit: defaultHopLimit}
	if src.Is4() {
		h.Family = IPv4
	}
	if src.Is4() != dst.Is4() {
		p.fail(at, "source and destination are of different families")
	}
	if (srcPort < 0) != (dstPort < 0) {
		p.fail(at, "a port on one side only: give both, 49152 say for a client's")
	}
	if srcPort >= 0 && dstPort >= 0 {
		h.SrcPort, h.DstPort, p.ports = uint16(srcPort), uint16(dstPort), true
	}
	if proto.isICMP() {
		p.icmp(&h)
	}
	return h
}

// end reads an address, with a port if one is allowed; -1 means no port.
func (p *parser) end(which string, proto Protocol) (a netip.Addr, port int) {
	w := p.word()
	a, err := netip.ParseAddr(w)
	port = -1
	if err != nil {
		ap, err := netip.ParseAddrPort(w)
		if i := strings.LastIndexByte(w, ':'); err != nil && i > 0 && isAddr(w[:i]) {
			p.fail(p.start+i+1, "%s: want a port below 65536, got %q", which, w[i+1:])
		} else if err != nil {
			p.fail(p.start, "%s: want an address such as 10.0.0.1:80 or [2001:db8::1]:80, got %q", which, w)
		} else if !proto.HasPorts() {
			p.fail(p.start, "%s: protocol %s has no ports", which, proto)
		}
		a, port = ap.Addr(), int(ap.Port())
	}
	if a.Zone() != "" {
		p.fail(p.start, "%s: address has a zone", which)
		a = a.WithZone("")
	}
	return a, port
}

// isAddr reports whether a text is an address, in brackets for IPv6.
func isAddr(s string) bool {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return err == nil && a.Is6() == (s[0] == '[')
}

// icmp reads "8/0 id 7".
func (p *parser) icmp(h *Header) {
	back := p.pos
	typ, code, ok := strings.Cut(p.word(), "/")
	if !ok {
		p.pos = back
		return
	}
	t, terr := strconv.ParseUint(typ, 10, 8)
	c, cerr := strconv.ParseUint(code, 10, 8)
	if terr != nil || cerr != nil {
		p.fail(p.start, "want ICMP type/code such as %s, got %q", h.Protocol.echo(), p.text[p.start:p.pos])
	}
	h.ICMPType, h.ICMPCode, p.typed = uint8(t), uint8(c), true
	if p.take("id") {
		h.ICMPID = uint16(p.number("id", 16))
	}
}

func parseFlags(s string) (TCPFlags, bool) {
	if s == "-" {
		return 0, true
	}
	var f TCPFlags
	for i := range len(s) {
		n := strings.IndexByte(flagLetters, s[i])
		if n < 0 {
			return 0, false
		}
		f |= 1 << n
	}
	return f, s != ""
}

// clauses reads what may follow the five-tuple of a header.
func (p *parser) clauses(h *Header) {
	h.HopLimit = defaultHopLimit
	var length, captured uint32
	var hasLength, hasCaptured bool
	seen := map[string]bool{}
	for first := true; p.err == nil; first = false {
		w := p.word()
		if w == "" {
			break
		}
		if f, ok := parseFlags(w); ok && first && h.Protocol == TCP {
			h.TCPFlags, p.flagged = f, true
			continue
		}
		if seen[w] {
			p.fail(p.start, "%q again", w)
		}
		seen[w] = true
		switch w {
		case "seq":
			h.Seq = p.number(w, 32)
		case "ack":
			h.Ack = p.number(w, 32)
		case "win":
			h.Window = uint16(p.number(w, 16))
		case "len":
			h.PayloadLen = p.number(w, 32)
		case "ttl":
			h.HopLimit = uint8(p.number(w, 8))
		case "frag":
			p.fragment(h)
		case "ipid":
			h.FragID = p.number(w, 32)
		case "iplen":
			length, hasLength = p.number(w, 32), true
		case "captured":
			captured, hasCaptured = p.number(w, 32), true
		case "missing":
			p.missing(h)
		case "about":
			p.about(h)
		default:
			p.fail(p.start, "unknown word %q", w)
		}
	}
	if h.Protocol == TCP && !p.flagged && !p.ports && h.hasTransport(MissingPorts) {
		p.fail(len(p.text), "tcp needs ports, as in 10.0.0.1:49152 > 10.0.0.2:443")
	}
	if h.Protocol == TCP && !p.flagged && h.hasTransport(MissingTCPFlags) {
		p.fail(len(p.text), "tcp needs flags such as S or SA, or - for none")
	}
	p.require(h)
	h.Length = h.plainLength()
	if hasLength {
		h.Length = length
	}
	h.Captured = h.Length
	if hasCaptured {
		h.Captured = captured
	}
}

// require fails if a header leaves out what its packet must have.
func (p *parser) require(h *Header) {
	at := len(p.text)
	switch {
	case p.err != nil:
	case h.Protocol.HasPorts() && !p.ports && h.hasTransport(MissingPorts):
		p.fail(at, "%s needs ports", h.Protocol)
	case h.Protocol.isICMP() && !p.typed && h.hasTransport(MissingICMP):
		p.fail(at, "%s needs type/code such as %s", h.Protocol, h.Protocol.echo())
	}
}

// echo returns the type and code of an echo request.
func (p Protocol) echo() string {
	if p == ICMPv6 {
		return "128/0"
	}
	return "8/0"
}

func (p *parser) fragment(h *Header) {
	w := p.word()
	digits, more := strings.CutSuffix(w, "+")
	n, err := strconv.ParseUint(digits, 10, 16)
	switch {
	case err != nil || n%8 != 0:
		p.fail(p.start, "frag: want an offset in bytes, a multiple of 8, got %q", w)
	case n == 0 && !more:
		p.fail(p.start, "frag 0 without + is not a fragment")
	}
	h.FragOffset, h.MoreFrags = uint16(n), more
}

func (p *parser) missing(h *Header) {
	w := p.word()
next:
	for part := range strings.SplitSeq(w, ",") {
		for i, name := range missingNames {
			if part == name {
				h.Missing |= 1 << i
				continue next
			}
		}
		p.fail(p.start, "missing: want some of %s, got %q", strings.Join(missingNames[:], ","), part)
	}
}

// about reads the quote of an ICMP error, which is the rest of the text.
func (p *parser) about(h *Header) {
	part := QuoteTuple
	if p.take("part") {
		part = QuoteAddresses
		if w := p.word(); w != "of" {
			p.fail(p.start, "want part of, got part %q", w)
		}
	}
	inner := parser{text: p.text, pos: p.pos}
	quoted := inner.ends()
	if part == QuoteTuple {
		inner.require(&quoted)
	} else if inner.ports || inner.typed {
		inner.fail(inner.start, "part of a quote has no ports and no ICMP type")
	}
	p.pos, p.start = inner.pos, inner.start
	if p.err == nil {
		p.err = inner.err
	}
	h.Quoted = Quote{Tuple: quoted.Tuple(), Part: part}
	if w := p.word(); w != "" {
		p.fail(p.start, "unexpected %q after the quote", w)
	}
}
