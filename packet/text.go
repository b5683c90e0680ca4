package packet

import (
	"net/netip"
	"strconv"
)

// defaultHopLimit is the hop limit of a header text that names none, and of the
// constructors.
const defaultHopLimit = 64

// String returns the text that [ParseFiveTuple] reads, for example
//
//	tcp 10.0.1.10:40001 > 10.0.2.20:5432
//	udp [2001:db8::1]:53 > [2001:db8::2]:4000
//	icmp 10.0.0.1 > 10.0.0.2 8/0 id 7
//	gre 10.0.0.1 > 10.0.0.2
//
// and "-" for the zero FiveTuple.
func (t FiveTuple) String() string { return string(t.append(nil)) }

// AppendText appends what String returns. The error is always nil.
func (t FiveTuple) AppendText(b []byte) ([]byte, error) { return t.append(b), nil }

// MarshalText returns what String returns. The error is always nil.
func (t FiveTuple) MarshalText() ([]byte, error) { return t.append(nil), nil }

// UnmarshalText is [ParseFiveTuple] into t.
func (t *FiveTuple) UnmarshalText(text []byte) error {
	parsed, err := ParseFiveTuple(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

func (t FiveTuple) append(b []byte) []byte {
	if t.Family != IPv4 && t.Family != IPv6 {
		return append(b, '-')
	}
	b = t.appendEnds(b, t.Protocol.HasPorts())
	if t.Protocol.isICMP() {
		b = appendICMP(b, t)
	}
	return b
}

func (t FiveTuple) appendEnds(b []byte, ports bool) []byte {
	b = append(b, t.Protocol.String()...)
	b = append(b, ' ')
	b = appendEnd(b, t.SrcAddr(), t.SrcPort, ports)
	b = append(b, " > "...)
	return appendEnd(b, t.DstAddr(), t.DstPort, ports)
}

func appendEnd(b []byte, a netip.Addr, port uint16, withPort bool) []byte {
	if withPort {
		return netip.AddrPortFrom(a, port).AppendTo(b)
	}
	return a.AppendTo(b)
}

func appendICMP(b []byte, t FiveTuple) []byte {
	typ, code, id := t.ICMP()
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(typ), 10)
	b = append(b, '/')
	b = strconv.AppendUint(b, uint64(code), 10)
	return appendNumber(b, "id", uint32(id), 0)
}

// appendNumber appends " name v", unless v is the default.
func appendNumber(b []byte, name string, v, otherwise uint32) []byte {
	if v == otherwise {
		return b
	}
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, ' ')
	return strconv.AppendUint(b, uint64(v), 10)
}

// String returns the text that [ParseHeader] reads. It loses nothing: fields
// without a clause have the values that this package's constructors set.
func (h Header) String() string { return string(h.append(nil)) }

// AppendText appends what String returns. The error is always nil.
func (h Header) AppendText(b []byte) ([]byte, error) { return h.append(b), nil }

// AppendBrief appends the text without numbers that do not tell where a packet comes
// from, goes to or belongs: TCP numbers, hop limit, identification and options.
// [ParseHeader] reads it too.
func (h Header) AppendBrief(b []byte) []byte {
	h.Seq, h.Ack, h.Window, h.HopLimit, h.FragID = 0, 0, 0, defaultHopLimit, 0
	h.Length = h.plainLength()
	h.Captured = h.Length
	return h.append(b)
}

// MarshalText returns what String returns. The error is always nil.
func (h Header) MarshalText() ([]byte, error) { return h.append(nil), nil }

// UnmarshalText is [ParseHeader] into h.
func (h *Header) UnmarshalText(text []byte) error {
	parsed, err := ParseHeader(string(text))
	if err == nil {
		*h = parsed
	}
	return err
}

func (h Header) append(b []byte) []byte {
	if h.Family != IPv4 && h.Family != IPv6 {
		return append(b, '-')
	}
	t := h.Tuple()
	b = t.appendEnds(b, h.Protocol.HasPorts() && h.hasTransport(MissingPorts))
	if h.Protocol.isICMP() && h.hasTransport(MissingICMP) {
		b = appendICMP(b, t)
	}
	if h.Protocol == TCP && h.hasTransport(MissingTCPFlags) {
		b = append(b, ' ')
		b = h.TCPFlags.append(b)
	}
	b = appendNumber(b, "seq", h.Seq, 0)
	b = appendNumber(b, "ack", h.Ack, 0)
	b = appendNumber(b, "win", uint32(h.Window), 0)
	b = appendNumber(b, "len", h.PayloadLen, 0)
	b = appendNumber(b, "ttl", uint32(h.HopLimit), defaultHopLimit)
	if h.Fragment() {
		b = append(b, " frag "...)
		b = strconv.AppendUint(b, uint64(h.FragOffset), 10)
		if h.MoreFrags {
			b = append(b, '+')
		}
	}
	b = appendNumber(b, "ipid", h.FragID, 0)
	b = appendNumber(b, "iplen", h.Length, h.plainLength())
	b = appendNumber(b, "captured", h.Captured, h.Length)
	if h.Missing != 0 {
		b = append(b, " missing "...)
		b = h.Missing.append(b)
	}
	switch h.Quoted.Part {
	case QuoteAddresses:
		b = append(b, " about part of "...)
		b = h.Quoted.Tuple.appendEnds(b, false)
	case QuoteTuple:
		b = append(b, " about "...)
		b = h.Quoted.Tuple.append(b)
	}
	return b
}

// hasTransport reports whether the packet should hold the part of the transport
// header that m names.
func (h Header) hasTransport(m Missing) bool { return !h.LaterFragment() && h.Missing&m == 0 }

// plainLength is the IP length of the packet if none of its headers has options.
func (h Header) plainLength() uint32 {
	n := 20 + h.PayloadLen
	if h.Family == IPv6 {
		n += 20
	}
	if h.LaterFragment() {
		return n
	}
	return n + h.Protocol.headerSize()
}

var missingNames = [...]string{"ports", "flags", "icmp", "icmpid", "quote"}

// String returns the names of the missing parts, "ports,flags", or "-" if nothing
// is missing.
func (m Missing) String() string { return string(m.append(nil)) }

func (m Missing) append(b []byte) []byte {
	if m == 0 {
		return append(b, '-')
	}
	first := true
	for i, name := range missingNames {
		if m&(1<<i) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		b, first = append(b, name...), false
	}
	return b
}
