package packet

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// seedFrames returns frames of every link type, written by gopacket where it can.
func seedFrames(t testing.TB) map[LinkType][][]byte {
	payload := gopacket.Payload("abcdefghijklmnop")
	var ips [][]byte // of both families
	add := func(ls ...gopacket.SerializableLayer) { ips = append(ips, frame(t, ls...)) }
	tcp := &layers.TCP{SrcPort: 443, DstPort: 40000, Seq: 1, Ack: 2, Window: 3, ACK: true, DataOffset: 5}
	udp := &layers.UDP{SrcPort: 53, DstPort: 4000}
	sctp := &layers.SCTP{SrcPort: 1, DstPort: 2}
	add(v4(6), tcp, payload)
	add(v4(17), udp, payload)
	add(v4(132), sctp, payload)
	add(v4(47), payload)
	add(v4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 7}, payload)
	add(v4(1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 1)}, v4(17), udp, payload)
	first, later, options := v4(17), v4(17), v4(6)
	first.Flags = layers.IPv4MoreFragments
	later.FragOffset = 185
	options.Options = []layers.IPv4Option{{OptionType: 7, OptionLength: 4, OptionData: []byte{0, 0}}}
	add(first, udp, payload)
	add(later, payload)
	add(options, tcp)
	add(v6(6), tcp, payload)
	add(v6(17), udp, payload)
	add(v6(58), &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}, payload)
	add(v6(58), &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(1, 4)}, gopacket.Payload{0, 0, 0, 0}, v6(17), udp, payload)
	add(v6(0), gopacket.Payload{60, 0, 1, 4, 0, 0, 0, 0}, gopacket.Payload{6, 0, 1, 4, 0, 0, 0, 0}, tcp)
	add(v6(43), gopacket.Payload{17, 2, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}, udp)
	add(v6(44), gopacket.Payload{17, 0, 0, 1, 0, 0, 0, 9}, udp, payload)
	add(v6(44), gopacket.Payload{17, 0, 5, 0xa8, 0, 0, 0, 9}, payload)
	add(v6(44), gopacket.Payload{17, 0, 0, 0, 0, 0, 0, 9}, udp, payload)
	add(v6(51), payload)

	frames := map[LinkType][][]byte{}
	for _, ip := range ips {
		ethertype, family := []byte{8, 0}, byte(2)
		if ip[0]>>4 == 6 {
			ethertype, family = []byte{0x86, 0xdd}, 30
		}
		ppp := []byte{0, 0x21}
		if family == 30 {
			ppp[1] = 0x57
		}
		put := func(link LinkType, header ...[]byte) {
			var b []byte
			for _, part := range header {
				b = append(b, part...)
			}
			frames[link] = append(frames[link], append(b, ip...))
		}
		mac := make([]byte, 12)
		put(LinkEthernet, mac, ethertype)
		put(LinkEthernet, mac, []byte{0x81, 0, 0, 5}, ethertype)
		put(LinkEthernet, mac, []byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6}, ethertype)
		put(LinkEthernet, mac, []byte{0x88, 0x47, 0, 1, 0, 9, 0, 2, 1, 9})
		put(LinkEthernet, mac, []byte{0x88, 0x47, 0, 2, 1, 9, 0, 0, 0, 0}, mac, ethertype)
		put(LinkEthernet, mac, binary.BigEndian.AppendUint16([]byte{0x88, 0x64, 0x11, 0, 0, 1}, uint16(len(ip)+2)), ppp)
		put(LinkEthernet, mac, binary.BigEndian.AppendUint16(nil, uint16(len(ip)+8)), []byte{0xaa, 0xaa, 3, 0, 0, 0}, ethertype)
		put(LinkRaw)
		put(linkRaw12)
		put(linkRaw14)
		put(map[byte]LinkType{2: LinkIPv4, 30: LinkIPv6}[family])
		put(LinkNull, []byte{family, 0, 0, 0})
		put(LinkLoop, []byte{0, 0, 0, family})
		put(LinkPPP, ppp)
		put(LinkPPP, []byte{0xff, 3}, ppp)
		put(LinkPPP, ppp[1:])
		put(LinkPPPHDLC, []byte{0xff, 3}, ppp)
		put(LinkPPPHDLC, []byte{0x0f, 0}, ethertype)
		put(LinkPPPHDLC, []byte{0x8f, 1}, ethertype)
		put(LinkPPPHDLC, []byte{0xff, 0x13}, ppp)
		put(LinkPPPD, []byte{1, 3}, ppp)
		put(LinkPPPDir, []byte{1, 0xff, 3}, ppp)
		put(LinkPPPoE, binary.BigEndian.AppendUint16([]byte{0x11, 0, 0, 1}, uint16(len(ip)+2)), ppp)
		put(LinkHDLC, []byte{0x0f, 0}, ethertype)
		put(LinkMPLS, []byte{0, 2, 1, 9})
		put(LinkSLL, []byte{0, 0, 0, 1, 0, 6}, mac[:8], ethertype)
		put(LinkNFLOG, nflog(binary.LittleEndian, map[byte]byte{2: 2, 30: 10}[family], ethertype, len(ip)))
		put(LinkNFLOG, nflog(binary.BigEndian, 7, ethertype, len(ip))) // of a bridge
		put(LinkSLL2, ethertype, make([]byte, 18))
	}
	return frames
}

// nflog returns what stands before a packet of size bytes in a netfilter log.
func nflog(order binary.AppendByteOrder, family byte, ethertype []byte, size int) []byte {
	b := []byte{family, 0, 0, 5}
	b = append(order.AppendUint16(order.AppendUint16(b, 8), 1), ethertype[0], ethertype[1], 0, 0)
	b = append(order.AppendUint16(order.AppendUint16(b, 5), 10), 0, 0, 0, 0) // an empty prefix, padded
	return order.AppendUint16(order.AppendUint16(b, uint16(4+size)), 9)
}

// frame serializes layers with gopacket, so that what is read was written by
// somebody else.
func frame(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ethernet(typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: typ}
}

func v4(p layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: net.IPv4(10, 0, 0, 1).To4(), DstIP: net.IPv4(10, 0, 0, 2).To4()}
}

func v6(p layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
}
