package packet

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// decoders are the link types and how gopacket starts on them; nil where it
// cannot.
var decoders = []struct {
	link LinkType
	peer gopacket.Decoder
}{
	{LinkEthernet, layers.LinkTypeEthernet},
	{LinkRaw, layers.LinkTypeRaw},
	{LinkIPv4, layers.LayerTypeIPv4},
	{LinkIPv6, layers.LayerTypeIPv6},
	{LinkNull, layers.LinkTypeNull},
	{LinkLoop, layers.LinkTypeLoop},
	{LinkSLL, layers.LinkTypeLinuxSLL},
	{LinkSLL2, nil},
	{LinkPPP, layers.LinkTypePPP},
	{LinkPPPHDLC, nil},
	{LinkPPPoE, layers.LayerTypePPPoE},
	{LinkPPPD, nil},
	{LinkPPPDir, nil},
	{LinkHDLC, nil},
	{LinkMPLS, layers.LayerTypeMPLS},
	{LinkNFLOG, nil},
	{linkRaw12, layers.LinkTypeRaw},
	{linkRaw14, layers.LinkTypeRaw},
}

// FuzzDecode holds Decode against its own promises, and against gopacket wherever
// that decodes.
func FuzzDecode(f *testing.F) {
	for link, frames := range seedFrames(f) {
		for i, d := range decoders {
			if d.link == link {
				for _, b := range frames {
					f.Add(uint8(i), b, uint16(0))
					f.Add(uint8(i), b[:len(b)*2/3], uint16(len(b)-len(b)*2/3))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, frame []byte, cut uint16) {
		d := decoders[int(which)%len(decoders)]
		var h Header
		err := Decode(d.link, frame, len(frame)+int(cut), &h)
		checkHeader(t, &h, err)

		// What was in the header before must not shine through.
		dirty := Header{Family: 9, Protocol: 9, Seq: 9, Missing: 9, FragOffset: 9, Quoted: Quote{Part: 9}}
		dirty.Src[3], dirty.Dst[3] = 9, 9
		if again := Decode(d.link, frame, len(frame)+int(cut), &dirty); dirty != h || again != err {
			t.Fatalf("decoded twice: %v, %v; then %v, %v", h, err, dirty, again)
		}
		// The short way for common frames gives what the general way gives.
		var general Header
		if gerr := general.decodeLink(d.link, frame, len(frame)+int(cut)); general != h || gerr != err {
			t.Fatalf("decoded %v, %v; the general way %v, %v", h, err, general, gerr)
		}
		if d.peer != nil {
			comparePeer(t, &h, err, frame, d.peer)
		}
	})
}

// checkHeader fails where a decoded header contradicts itself.
func checkHeader(t *testing.T, h *Header, err error) {
	if err == nil && (h.Family != IPv4 && h.Family != IPv6 || h.Length < 20) {
		t.Fatalf("no error, but %v", h)
	}
	if h.Captured > h.Length || h.PayloadLen > h.Length {
		t.Fatalf("captured %d, payload %d of %d", h.Captured, h.PayloadLen, h.Length)
	}
	if h.Missing != 0 && h.Captured == h.Length && !h.MoreFrags && err == nil {
		t.Fatalf("missing %v of a whole packet", h.Missing)
	}
	if h.Cut() && (h.Missing == 0 || h.Captured == h.Length) {
		t.Fatalf("cut, but %v", h)
	}
	if h.LaterFragment() && (h.SrcPort|h.DstPort|h.ICMPID != 0 || h.TCPFlags != 0 || h.Missing != 0) {
		t.Fatalf("later fragment with a transport header: %v", h)
	}
	if h.Length == 0 {
		return
	}
	back, perr := ParseHeader(h.String())
	if perr != nil {
		t.Fatal(perr)
	}
	if back != *h {
		t.Fatalf("text %q: got %#v, want %#v", h.String(), back, *h)
	}
	tuple, perr := ParseFiveTuple(h.Tuple().String())
	if perr != nil || tuple != h.Tuple() {
		t.Fatalf("tuple %v: got %v, %v", h.Tuple(), tuple, perr)
	}
}

// comparePeer compares h with what gopacket makes of the frame.
func comparePeer(t *testing.T, h *Header, err error, frame []byte, peer gopacket.Decoder) {
	// Trap: gopacket's PPPoE believes its length field up to the slice's capacity.
	p := gopacket.NewPacket(slices.Clip(frame), peer, gopacket.DecodeOptions{NoCopy: true})
	ls := p.Layers()
	i := 0
	for ; i < len(ls); i++ {
		switch l := ls[i].(type) {
		case *layers.Ethernet:
			if i > 0 {
				return // a bridged frame inside a frame: a tunnel that is not entered
			}
			continue
		case *layers.Dot1Q, *layers.MPLS, *layers.PPP, *layers.Loopback, *layers.LinuxSLL:
			continue
		case *layers.PPPoE:
			// Trap: a session inside the EtherType of PPPoE discovery.
			if i > 0 && bytes.HasSuffix(ls[i-1].LayerContents(), []byte{0x88, 0x63}) {
				return
			}
			continue
		case *layers.LLC:
			// Trap: gopacket takes EtherType 0 for LLC, ignores the group bits and
			// the control field, and takes any SNAP organisation for Ethernet.
			if b := append(l.Contents, l.Payload...); len(b) < 6 || string(b[:6]) != "\xaa\xaa\x03\x00\x00\x00" {
				return
			}
			continue
		case *layers.SNAP:
			if l.Type <= maxLength {
				return
			}
			continue
		}
		break
	}
	if i == len(ls) {
		return
	}
	switch l := ls[i].(type) {
	case *layers.IPv4:
		// Trap: the version is not checked, and a header is a layer even if its
		// decoding failed.
		raw := append(l.Contents[:len(l.Contents):len(l.Contents)], l.Payload...)
		var again layers.IPv4
		if l.Version != 4 || again.DecodeFromBytes(raw, gopacket.NilDecodeFeedback) != nil {
			return
		}
		compareIPv4(t, h, err, l)
		compareTransport(t, h, l.NextLayerType(), l.Payload, len(l.Contents))
	case *layers.IPv6:
		// Trap: a packet with a jumbo option has its hop-by-hop header decoded
		// twice, and one without any payload is an error.
		if l.Version != 6 || l.Length == 0 || len(ls) > i+1 && l.HopByHop == nil && l.NextHeader == 0 {
			return
		}
		compareIPv6(t, h, err, l)
		compareChain(t, h, err, l, ls[i+1:])
	}
}

func compareIPv4(t *testing.T, h *Header, err error, l *layers.IPv4) {
	if h.Family != IPv4 || h.Length == 0 {
		t.Fatalf("gopacket reads IPv4, we %v, %v", h, err)
	}
	if [4]byte(l.SrcIP) != [4]byte(h.Src[12:]) || [4]byte(l.DstIP) != [4]byte(h.Dst[12:]) ||
		Protocol(l.Protocol) != h.Protocol || l.TTL != h.HopLimit || uint32(l.Id) != h.FragID ||
		l.FragOffset*8 != h.FragOffset || (l.Flags&layers.IPv4MoreFragments != 0) != h.MoreFrags {
		t.Fatalf("got %v, want %+v", h, l)
	}
	// Trap: for a total length of zero gopacket writes the frame's into 16 bits.
	if len(l.Contents)+len(l.Payload) <= int(l.Length) && binary.BigEndian.Uint16(l.Contents[2:]) != 0 && h.Length != uint32(l.Length) {
		t.Fatalf("length %d, want %d", h.Length, l.Length)
	}
}

func compareIPv6(t *testing.T, h *Header, err error, l *layers.IPv6) {
	if h.Family != IPv6 || h.Length == 0 {
		t.Fatalf("gopacket reads IPv6, we %v, %v", h, err)
	}
	if [16]byte(l.SrcIP) != h.Src || [16]byte(l.DstIP) != h.Dst || l.HopLimit != h.HopLimit || h.Length != 40+uint32(l.Length) {
		t.Fatalf("got %v, want %+v", h, l)
	}
}

// compareChain follows gopacket over the extension headers it decoded.
func compareChain(t *testing.T, h *Header, err error, l *layers.IPv6, rest []gopacket.Layer) {
	next, payload, used := l.NextHeader, l.Payload, 40
	for _, ext := range rest {
		switch e := ext.(type) {
		case *layers.IPv6HopByHop:
			next, payload, used = e.NextHeader, e.Payload, used+e.ActualLength
		case *layers.IPv6Routing:
			next, payload, used = e.NextHeader, e.Payload, used+e.ActualLength
		case *layers.IPv6Destination:
			next, payload, used = e.NextHeader, e.Payload, used+e.ActualLength
		case *layers.IPv6Fragment:
			// Trap: no fragment has a transport header, not even an atomic one.
			atomic := e.FragmentOffset == 0 && !e.MoreFragments
			if used+8 > int(h.Captured) || err == ErrExtension || atomic && Protocol(e.NextHeader).isExtension() {
				return
			}
			if h.FragOffset != e.FragmentOffset*8 || h.FragID != e.Identification || h.MoreFrags != e.MoreFragments {
				t.Fatalf("got %v, want %+v", h, e)
			}
			return
		default:
			// Trap: behind a hop-by-hop header gopacket reads as many bytes too far
			// as that header is long, into padding; and it knows no bound.
			if used > int(h.Captured) || err == ErrExtension || Protocol(next).isExtension() {
				return
			}
			if h.Protocol != Protocol(next) {
				t.Fatalf("protocol %v, want %v", h.Protocol, next)
			}
			compareTransport(t, h, next.LayerType(), payload, used)
			return
		}
	}
}

// compareTransport decodes the transport header afresh. Trap: in a whole packet it
// is followed by an error where gopacket took the payload for TLS because of port
// 443, which cannot be told from an error of the transport header itself; and the
// payload of any IPv4 fragment is opaque, even that of the first.
func compareTransport(t *testing.T, h *Header, typ gopacket.LayerType, b []byte, used int) {
	if used+len(b) > int(h.Captured) {
		b = b[:max(int(h.Captured)-used, 0)]
	}
	switch typ {
	case layers.LayerTypeTCP:
		var l layers.TCP
		if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
			return
		}
		if uint16(l.SrcPort) != h.SrcPort || uint16(l.DstPort) != h.DstPort || l.Seq != h.Seq || l.Ack != h.Ack ||
			l.Window != h.Window || l.SYN != (h.TCPFlags&SYN != 0) || l.ACK != (h.TCPFlags&ACK != 0) ||
			l.FIN != (h.TCPFlags&FIN != 0) || l.RST != (h.TCPFlags&RST != 0) || l.PSH != (h.TCPFlags&PSH != 0) ||
			l.URG != (h.TCPFlags&URG != 0) || l.ECE != (h.TCPFlags&ECE != 0) || l.CWR != (h.TCPFlags&CWR != 0) {
			t.Fatalf("got %v, want %+v", h, l)
		}
		// PPPoE has a length of its own, which gopacket cuts the packet to.
		if used+len(b) == int(h.Length) && h.PayloadLen != uint32(len(l.Payload)) {
			t.Fatalf("payload %d, want %d", h.PayloadLen, len(l.Payload))
		}
	case layers.LayerTypeUDP:
		var l layers.UDP
		if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
			return
		}
		if uint16(l.SrcPort) != h.SrcPort || uint16(l.DstPort) != h.DstPort {
			t.Fatalf("got %v, want %+v", h, l)
		}
	case layers.LayerTypeSCTP:
		var l layers.SCTP
		if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
			return
		}
		if uint16(l.SrcPort) != h.SrcPort || uint16(l.DstPort) != h.DstPort {
			t.Fatalf("got %v, want %+v", h, l)
		}
	case layers.LayerTypeICMPv4:
		var l layers.ICMPv4
		if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
			return
		}
		_, query := ReplyType(ICMP, l.TypeCode.Type())
		if l.TypeCode.Type() != h.ICMPType || l.TypeCode.Code() != h.ICMPCode || query && l.Id != h.ICMPID {
			t.Fatalf("got %v, want %+v", h, l)
		}
	case layers.LayerTypeICMPv6:
		var l layers.ICMPv6
		if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
			return
		}
		if l.TypeCode.Type() != h.ICMPType || l.TypeCode.Code() != h.ICMPCode {
			t.Fatalf("got %v, want %+v", h, l)
		}
	}
}

// FuzzText feeds the parsers: what they accept, they write back the same.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"-", "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S", "udp [2001:db8::1]:53 > [2001:db8::2]:4000",
		"icmp 10.0.0.1 > 10.0.0.2 8/0 id 7", "47 10.0.0.1 > 10.0.0.2 len 3 ttl 1",
		"udp 10.0.0.1 > 10.0.0.2 frag 1480+ ipid 7", "tcp 10.0.0.1 > 10.0.0.2 missing ports,flags",
		"icmp 10.0.0.9 > 10.0.0.1 3/1 about part of udp 10.0.0.1 > 10.0.0.2",
		"icmp 10.0.0.9 > 10.0.0.1 3/1 iplen 5 captured 4 about tcp 10.0.0.1:1 > 10.0.0.2:2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ParseHeader(s); err == nil {
			back, err := ParseHeader(h.String())
			if err != nil || back != h {
				t.Fatalf("%q: header %q: got %v, %v", s, h.String(), back, err)
			}
		} else if h != (Header{}) {
			t.Fatalf("%q: an error, and header %v", s, h)
		}
		if tuple, err := ParseFiveTuple(s); err == nil {
			back, err := ParseFiveTuple(tuple.String())
			if err != nil || back != tuple {
				t.Fatalf("%q: tuple %q: got %v, %v", s, tuple.String(), back, err)
			}
			if tuple.Reverse().Reverse() != tuple {
				t.Fatalf("%q: reversed twice: %v", s, tuple.Reverse().Reverse())
			}
		} else if tuple != (FiveTuple{}) {
			t.Fatalf("%q: an error, and tuple %v", s, tuple)
		}
	})
}
