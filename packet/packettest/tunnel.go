package packettest

import (
	"encoding/binary"
	"testing"

	"github.com/google/gopacket/layers"

	"github.com/sgsim/sgsim/packet"
)

// VXLAN returns an Ethernet frame with a mirrored copy in it: inner, an Ethernet frame
// or the start of one, in a datagram between the addresses that outer names, as in
// "udp 10.0.0.9:4000 > 10.0.0.8:4789".
func VXLAN(tb testing.TB, outer string, vni uint32, inner []byte) []byte {
	tb.Helper()
	l := &layers.VXLAN{ValidIDFlag: true, VNI: vni}
	return carry(tb, outer, append(serialize(tb, l), inner...))
}

// Geneve returns an Ethernet frame with inner in it, a frame of link, which is
// [packet.LinkEthernet], [packet.LinkIPv4] or [packet.LinkIPv6]. t says what a Gateway
// Load Balancer would: VNI and, unless they are all 0, options.
func Geneve(tb testing.TB, outer string, t packet.Tunnel, link packet.LinkType, inner []byte) []byte {
	tb.Helper()
	types := map[packet.LinkType]layers.EthernetType{
		packet.LinkEthernet: layers.EthernetTypeTransparentEthernetBridging,
		packet.LinkIPv4:     layers.EthernetTypeIPv4,
		packet.LinkIPv6:     layers.EthernetTypeIPv6,
	}
	if types[link] == 0 {
		tb.Fatalf("%v in GENEVE", link)
	}
	b := make([]byte, 8) // gopacket does not write these
	binary.BigEndian.PutUint16(b[2:], uint16(types[link]))
	binary.BigEndian.PutUint32(b[4:], t.VNI<<8)
	if t.Endpoint != 0 || t.Attachment != 0 || t.Cookie != 0 {
		b[0] = 32 / 4
		b = binary.BigEndian.AppendUint64(append(b, 0x01, 0x08, 1, 2), t.Endpoint)
		b = binary.BigEndian.AppendUint64(append(b, 0x01, 0x08, 2, 2), t.Attachment)
		b = binary.BigEndian.AppendUint32(append(b, 0x01, 0x08, 3, 1), t.Cookie)
	}
	return carry(tb, outer, append(b, inner...))
}

// carry returns the Ethernet frame of a UDP datagram with payload.
func carry(tb testing.TB, header string, payload []byte) []byte {
	tb.Helper()
	h := parse(tb, header)
	if h.Protocol != packet.UDP || h.PayloadLen != 0 {
		tb.Fatalf("%q is not an empty UDP datagram", header)
	}
	h.PayloadLen = uint32(len(payload))
	b := ethernet(tb, &h)
	start := 14 + headerSize(&h) + 8
	if h.Family == packet.IPv4 {
		clear(b[start-2 : start]) // no checksum
	}
	copy(b[start:], payload)
	return b
}
