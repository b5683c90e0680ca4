package packet

import "encoding/binary"

// decode reads the packet that an ICMP error quotes. Four bytes of its transport
// header are enough for ports; ICMP needs eight. Lengths and checksums of the
// quoted headers are ignored (CTS-32, CTS-36).
func (q *Quote) decode(p Protocol, b []byte) {
	t := &q.Tuple
	var later bool
	switch {
	case p == ICMP && len(b) >= 20 && b[0]-0x45 <= 10:
		t.Family, t.Protocol = IPv4, Protocol(b[9])
		putIPv4(&t.Src, b[12:])
		putIPv4(&t.Dst, b[16:])
		later = binary.BigEndian.Uint16(b[6:])&0x1fff != 0
		header := int(b[0]&0xf) * 4
		if header > len(b) {
			later = true // options not quoted whole
		}
		b = b[min(header, len(b)):]
	case p == ICMPv6 && len(b) >= 40 && b[0]>>4 == 6:
		t.Family = IPv6
		t.Src, t.Dst = [16]byte(b[8:]), [16]byte(b[24:])
		e, ok := skipExtensions(Protocol(b[6]), b[40:])
		t.Protocol = e.next
		later = !ok || e.fragOffset != 0
		b = b[40+e.length:]
	default:
		return
	}
	q.Part = QuoteAddresses
	if later {
		return
	}
	switch {
	case t.Protocol.HasPorts():
		if len(b) < 4 {
			return
		}
		t.SrcPort, t.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case t.Protocol == ICMP || t.Protocol == ICMPv6:
		if len(b) < 8 {
			return
		}
		t.DstPort = binary.BigEndian.Uint16(b)
		if _, query := ReplyType(t.Protocol, b[0]); query {
			t.SrcPort = binary.BigEndian.Uint16(b[4:])
		}
	}
	q.Part = QuoteTuple
}
