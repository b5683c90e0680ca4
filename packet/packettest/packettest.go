// Package packettest builds frames for tests. It writes them with gopacket's
// serializer, so that what package packet reads in a test was written by somebody
// else.
//
// What a frame should say is given as the text of a header, see
// [packet.ParseHeader]:
//
//	frame := packettest.Ethernet(t, "tcp 10.0.0.1:1025 > 10.0.0.2:443 S")
//	reply := packettest.Ethernet(t, "icmp 10.0.0.9 > 10.0.0.1 3/1 about udp 10.0.0.1:53 > 10.0.0.2:53")
//
// The functions fail the test where a text cannot be parsed or says what no packet
// can. Captures cut frames, so a frame with a short snap length is a shorter slice
// of one that is built here.
package packettest

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/sgsim/sgsim/packet"
)

// Ethernet returns an Ethernet frame with the packet that header describes, behind
// a VLAN tag for each of vlans, the outermost first; all but the innermost are
// 802.1ad tags. Frames shorter than 60 bytes are padded with zeros.
func Ethernet(tb testing.TB, header string, vlans ...uint16) []byte {
	tb.Helper()
	h := parse(tb, header)
	return ethernet(tb, &h, vlans...)
}

func ethernet(tb testing.TB, h *packet.Header, vlans ...uint16) []byte {
	tb.Helper()
	types := []layers.EthernetType{layers.EthernetTypeIPv4}
	if h.Family == packet.IPv6 {
		types[0] = layers.EthernetTypeIPv6
	}
	var tags []gopacket.SerializableLayer
	for i := len(vlans) - 1; i >= 0; i-- {
		tags = append(tags, &layers.Dot1Q{VLANIdentifier: vlans[i], Type: types[len(types)-1]})
		if types = append(types, layers.EthernetTypeQinQ); i == len(vlans)-1 {
			types[len(types)-1] = layers.EthernetTypeDot1Q
		}
	}
	stack := []gopacket.SerializableLayer{&layers.Ethernet{
		DstMAC:       net.HardwareAddr{2, 0, 0, 0, 0, 2},
		SrcMAC:       net.HardwareAddr{2, 0, 0, 0, 0, 1},
		EthernetType: types[len(types)-1],
	}}
	for i := len(tags) - 1; i >= 0; i-- {
		stack = append(stack, tags[i])
	}
	return serialize(tb, append(stack, gopacket.Payload(ip(tb, h)))...)
}

// IP returns the packet that header describes, without a link layer: a frame of
// [packet.LinkRaw].
func IP(tb testing.TB, header string) []byte {
	tb.Helper()
	h := parse(tb, header)
	return ip(tb, &h)
}

// ARP returns an Ethernet frame that is not IP.
func ARP(tb testing.TB) []byte {
	tb.Helper()
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	return serialize(tb,
		&layers.Ethernet{DstMAC: bytes.Repeat([]byte{0xff}, 6), SrcMAC: mac, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPRequest, SourceHwAddress: mac, SourceProtAddress: []byte{10, 0, 0, 1},
			DstHwAddress: make([]byte, 6), DstProtAddress: []byte{10, 0, 0, 2},
		})
}

func parse(tb testing.TB, header string) packet.Header {
	tb.Helper()
	h, err := packet.ParseHeader(header)
	if err != nil {
		tb.Fatal(err)
	}
	if h.Family == 0 {
		tb.Fatalf("%q is no packet", header)
	}
	return h
}

// ip serializes the packet of h: its IP header, a fragment header where IPv6 needs
// one, its transport header and its payload.
func ip(tb testing.TB, h *packet.Header) []byte {
	tb.Helper()
	t := h.Tuple()
	if h.Family == packet.IPv4 {
		l := &layers.IPv4{
			Version: 4, TTL: h.HopLimit, Protocol: layers.IPProtocol(h.Protocol), Id: uint16(h.FragID),
			FragOffset: h.FragOffset / 8, SrcIP: slice(t.SrcAddr()), DstIP: slice(t.DstAddr()),
		}
		if h.MoreFrags {
			l.Flags = layers.IPv4MoreFragments
		}
		return serialize(tb, append([]gopacket.SerializableLayer{l}, transport(tb, h, l)...)...)
	}
	l := &layers.IPv6{
		Version: 6, HopLimit: h.HopLimit, NextHeader: layers.IPProtocol(h.Protocol),
		SrcIP: slice(t.SrcAddr()), DstIP: slice(t.DstAddr()),
	}
	stack := []gopacket.SerializableLayer{l}
	if h.Fragment() || h.FragID != 0 {
		l.NextHeader = layers.IPProtocolIPv6Fragment
		word := h.FragOffset
		if h.MoreFrags {
			word |= 1
		}
		// gopacket does not write fragment headers.
		stack = append(stack, gopacket.Payload{
			byte(h.Protocol), 0, byte(word >> 8), byte(word),
			byte(h.FragID >> 24), byte(h.FragID >> 16), byte(h.FragID >> 8), byte(h.FragID),
		})
	}
	return serialize(tb, append(stack, transport(tb, h, l)...)...)
}

func slice(a netip.Addr) net.IP { return a.AsSlice() }

// transport returns the layers behind IP. Parts that h calls missing are left out,
// with all that comes behind them.
func transport(tb testing.TB, h *packet.Header, network gopacket.NetworkLayer) []gopacket.SerializableLayer {
	tb.Helper()
	payload := gopacket.Payload(make([]byte, h.PayloadLen))
	switch {
	case h.LaterFragment(), h.Missing&(packet.MissingPorts|packet.MissingICMP) != 0:
		return []gopacket.SerializableLayer{payload}
	case h.Missing != 0:
		tb.Fatalf("%v: cut the frame of a whole header instead", h)
	}
	switch h.Protocol {
	case packet.TCP:
		f := h.TCPFlags
		l := &layers.TCP{
			SrcPort: layers.TCPPort(h.SrcPort), DstPort: layers.TCPPort(h.DstPort), Seq: h.Seq, Ack: h.Ack, Window: h.Window,
			FIN: f&packet.FIN != 0, SYN: f&packet.SYN != 0, RST: f&packet.RST != 0, PSH: f&packet.PSH != 0,
			ACK: f&packet.ACK != 0, URG: f&packet.URG != 0, ECE: f&packet.ECE != 0, CWR: f&packet.CWR != 0,
		}
		check(tb, l.SetNetworkLayerForChecksum(network))
		return []gopacket.SerializableLayer{l, payload}
	case packet.UDP:
		l := &layers.UDP{SrcPort: layers.UDPPort(h.SrcPort), DstPort: layers.UDPPort(h.DstPort)}
		check(tb, l.SetNetworkLayerForChecksum(network))
		return []gopacket.SerializableLayer{l, payload}
	case packet.SCTP:
		return []gopacket.SerializableLayer{&layers.SCTP{SrcPort: layers.SCTPPort(h.SrcPort), DstPort: layers.SCTPPort(h.DstPort)}, payload}
	case packet.UDPLite, packet.DCCP:
		size := map[packet.Protocol]int{packet.UDPLite: 4, packet.DCCP: 8}[h.Protocol]
		rest := append(make([]byte, size), payload...) // gopacket does not write these
		return []gopacket.SerializableLayer{gopacket.Payload{byte(h.SrcPort >> 8), byte(h.SrcPort), byte(h.DstPort >> 8), byte(h.DstPort)}, gopacket.Payload(rest)}
	case packet.ICMP:
		l := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(h.ICMPType, h.ICMPCode), Id: h.ICMPID}
		return []gopacket.SerializableLayer{l, icmpPayload(tb, h, payload)}
	case packet.ICMPv6:
		l := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(h.ICMPType, h.ICMPCode)}
		check(tb, l.SetNetworkLayerForChecksum(network))
		id := gopacket.Payload{byte(h.ICMPID >> 8), byte(h.ICMPID), 0, 0}
		return []gopacket.SerializableLayer{l, id, icmpPayload(tb, h, payload)}
	}
	return []gopacket.SerializableLayer{payload}
}

// icmpPayload returns what an ICMP error quotes, and zeros behind it if h asks for a
// longer payload.
func icmpPayload(tb testing.TB, h *packet.Header, payload gopacket.Payload) gopacket.Payload {
	tb.Helper()
	if h.Quoted.Part == packet.QuoteNone {
		return payload
	}
	q := quoted(h.Quoted.Tuple)
	b := ip(tb, &q)
	if h.Quoted.Part == packet.QuoteAddresses {
		b = b[:headerSize(&q)]
	} else {
		b = b[:min(len(b), headerSize(&q)+8)]
	}
	return append(b, payload[min(len(b), len(payload)):]...)
}

// quoted returns the header of a packet with tuple t, as a constructor makes it.
func quoted(t packet.FiveTuple) packet.Header {
	h := packet.IPHeader(t.SrcAddr(), t.DstAddr(), t.Protocol)
	switch t.Protocol {
	case packet.ICMP, packet.ICMPv6:
		h.ICMPType, h.ICMPCode, h.ICMPID = t.ICMP()
	default:
		h.SrcPort, h.DstPort = t.SrcPort, t.DstPort
	}
	return h
}

func headerSize(h *packet.Header) int {
	if h.Family == packet.IPv6 {
		return 40
	}
	return 20
}

func serialize(tb testing.TB, ls ...gopacket.SerializableLayer) []byte {
	tb.Helper()
	buf := gopacket.NewSerializeBuffer()
	check(tb, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...))
	return bytes.Clone(buf.Bytes())
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
