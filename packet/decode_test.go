package packet

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every frame of every link type reads as the packet that was put into it.
func TestDecodeLinkTypes(t *testing.T) {
	want := map[string]bool{}
	for _, b := range seedFrames(t)[LinkRaw] {
		var h Header
		require.NoError(t, Decode(LinkRaw, b, len(b), &h))
		want[h.String()] = true
	}
	require.Len(t, want, 19)
	seen := 0
	for link, frames := range seedFrames(t) {
		for i, b := range frames {
			var h Header
			assert.NoError(t, Decode(link, b, len(b), &h), "%v frame %d", link, i)
			assert.True(t, want[h.String()], "%v frame %d: %v", link, i, h)
			seen++
		}
	}
	require.Greater(t, seen, 400)
}

func TestDecode(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Window: 5, SYN: true, ACK: true, DataOffset: 5}
	udp := &layers.UDP{SrcPort: 53, DstPort: 4000}
	payload := gopacket.Payload("abcd")
	options := v4(6)
	options.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	unreachable := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 1)}
	unreachable6 := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(1, 4)}
	zero := gopacket.Payload(make([]byte, 4))
	for name, c := range map[string]struct {
		frame []byte
		want  string
	}{
		"padding": {frame(t, ethernet(0x0800), v4(6), tcp, payload), "tcp 10.0.0.1:1 > 10.0.0.2:2 SA seq 3 ack 4 win 5 len 4"},
		"options": {frame(t, ethernet(0x0800), options, tcp), "tcp 10.0.0.1:1 > 10.0.0.2:2 SA seq 3 ack 4 win 5 iplen 44"},
		"offload": {edit(frame(t, ethernet(0x0800), v4(6), tcp, gopacket.Payload(make([]byte, 100))), 16, 0, 0), "tcp 10.0.0.1:1 > 10.0.0.2:2 SA seq 3 ack 4 win 5 len 100"},
		"ESP":     {frame(t, ethernet(0x0800), v4(50), payload), "esp 10.0.0.1 > 10.0.0.2 len 4"},
		"AH is final": {frame(t, ethernet(0x86dd), v6(51), gopacket.Payload{6, 4, 0, 0}, tcp),
			"ah 2001:db8::1 > 2001:db8::2 len 24"},
		"atomic fragment": {frame(t, ethernet(0x86dd), v6(44), gopacket.Payload{17, 0, 0, 0, 0, 0, 0, 9}, udp, payload),
			"udp [2001:db8::1]:53 > [2001:db8::2]:4000 len 4 ipid 9 iplen 60"},
		"first fragment without flags": {frame(t, ethernet(0x0800), flagged(v4(6)), gopacket.Payload{0, 1, 0, 2, 0, 0, 0, 3}),
			"tcp 10.0.0.1:1 > 10.0.0.2:2 frag 0+ iplen 28 missing flags"},
		"jumbogram": {jumbogram(), "udp [2001:db8::1]:53 > [2001:db8::2]:4000 len 65536 iplen 65592"},
		"error": {frame(t, ethernet(0x0800), v4(1), unreachable, v4(17), udp, payload),
			"icmp 10.0.0.1 > 10.0.0.2 3/1 len 32 about udp 10.0.0.1:53 > 10.0.0.2:4000"},
		"error with four quoted bytes": {frame(t, ethernet(0x0800), v4(1), unreachable, v4(17), gopacket.Payload{0, 53, 0, 54}),
			"icmp 10.0.0.1 > 10.0.0.2 3/1 len 24 about udp 10.0.0.1:53 > 10.0.0.2:54"},
		"error with three quoted bytes": {frame(t, ethernet(0x0800), v4(1), unreachable, v4(17), gopacket.Payload{0, 53, 0}),
			"icmp 10.0.0.1 > 10.0.0.2 3/1 len 23 about part of udp 10.0.0.1 > 10.0.0.2"},
		"error about a later fragment": {frame(t, ethernet(0x0800), v4(1), unreachable, edit(frame(t, v4(17), udp), 7, 5)),
			"icmp 10.0.0.1 > 10.0.0.2 3/1 len 28 about part of udp 10.0.0.1 > 10.0.0.2"},
		"error about an echo": {frame(t, ethernet(0x0800), v4(1), unreachable, v4(1), gopacket.Payload{8, 0, 0, 0, 0, 7, 0, 1}),
			"icmp 10.0.0.1 > 10.0.0.2 3/1 len 28 about icmp 10.0.0.1 > 10.0.0.2 8/0 id 7"},
		"error about IPv6 in IPv4": {frame(t, ethernet(0x0800), v4(1), unreachable, v6(17), udp),
			"icmp 10.0.0.1 > 10.0.0.2 3/1 len 48"},
		"error about extension headers": {frame(t, ethernet(0x86dd), v6(58), unreachable6, zero, v6(0), gopacket.Payload{44, 0, 1, 4, 0, 0, 0, 0}, gopacket.Payload{17, 0, 0, 1, 0, 0, 0, 9}, udp),
			"icmpv6 2001:db8::1 > 2001:db8::2 1/4 len 64 about udp [2001:db8::1]:53 > [2001:db8::2]:4000"},
		"error about half an extension header": {frame(t, ethernet(0x86dd), v6(58), unreachable6, zero, v6(43), gopacket.Payload{17, 2, 0, 0}),
			"icmpv6 2001:db8::1 > 2001:db8::2 1/4 len 44 about part of ipv6-route 2001:db8::1 > 2001:db8::2"},
		"ICMP in IPv6": {frame(t, ethernet(0x86dd), v6(1), gopacket.Payload{8, 0, 0, 0, 0, 7, 0, 1}),
			"icmp 2001:db8::1 > 2001:db8::2 8/0 id 7"},
	} {
		var h Header
		require.NoError(t, Decode(LinkEthernet, c.frame, len(c.frame), &h), name)
		assert.Equal(t, c.want, h.String(), name)
	}
}

// One error for each cause, and all that is readable with it.
func TestDecodeErrors(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, DataOffset: 5}
	segment := func() []byte { return frame(t, v4(6), tcp, gopacket.Payload("abcd")) }
	datagram := func() []byte { return frame(t, v4(17), &layers.UDP{SrcPort: 1, DstPort: 2}, gopacket.Payload("abcd")) }
	last := v4(17)
	last.FragOffset = 0x1fff
	hops := bytes.Repeat([]byte{0, 0, 1, 4, 0, 0, 0, 0}, maxExtensions+1)
	ethernetFrame := func(typ layers.EthernetType) []byte { return frame(t, ethernet(typ), gopacket.Payload("abcd")) }
	for name, c := range map[string]struct {
		link   LinkType
		frame  []byte
		want   error
		header string // "" is no readable IP header
	}{
		"link type":            {LinkType(9999), segment(), ErrLinkType, ""},
		"ARP":                  {LinkEthernet, ethernetFrame(0x0806), ErrNotIP, ""},
		"spanning tree":        {LinkEthernet, edit(ethernetFrame(0x0800), 12, 0, 38, 0x42, 0x42, 3), ErrNotIP, ""},
		"PPPoE discovery":      {LinkEthernet, ethernetFrame(0x8863), ErrNotIP, ""},
		"PPP control":          {LinkPPP, []byte{0xff, 3, 0xc0, 0x21, 1, 1, 0, 4}, ErrNotIP, ""},
		"loopback family":      {LinkNull, []byte{0, 0, 0, 7, 1, 2}, ErrNotIP, ""},
		"cooked netlink":       {LinkSLL, make([]byte, 40), ErrNotIP, ""},
		"empty":                {LinkEthernet, nil, ErrLinkHeader, ""},
		"log of ARP":           {LinkNFLOG, append(nflog(binary.LittleEndian, 3, []byte{8, 6}, 4), 1, 2, 3, 4), ErrNotIP, ""},
		"log of version 1":     {LinkNFLOG, []byte{2, 1, 0, 0, 8, 0, 1, 0, 8, 0, 0, 0}, ErrNotIP, ""},
		"log of short values":  {LinkNFLOG, []byte{2, 0, 0, 0, 3, 0, 1, 0, 8, 0, 0, 0}, ErrLinkHeader, ""},
		"no room for a tag":    {LinkEthernet, edit(ethernetFrame(0x8100), 12, 0x81)[:16], ErrLinkHeader, ""},
		"nothing in it":        {LinkSLL2, append([]byte{8, 0}, make([]byte, 18)...), ErrLinkHeader, ""},
		"endless labels":       {LinkMPLS, make([]byte, 40), ErrLinkHeader, ""},
		"wrong version":        {LinkEthernet, edit(ethernetFrame(0x0800), 14, 0x65), ErrIPVersion, ""},
		"wrong version, IPv6":  {LinkIPv6, edit(frame(t, v6(6), tcp), 0, 0x45), ErrIPVersion, ""},
		"no version":           {LinkRaw, []byte{0x10, 0}, ErrIPVersion, ""},
		"short IPv4":           {LinkRaw, segment()[:19], ErrIPHeader, ""},
		"short IPv6":           {LinkRaw, frame(t, v6(6), tcp)[:39], ErrIPHeader, ""},
		"IPv4 header length":   {LinkRaw, edit(segment(), 0, 0x44), ErrIPHeader, ""},
		"total length inside":  {LinkRaw, edit(segment(), 2, 0, 19), ErrIPOverlap, ""},
		"total length beyond":  {LinkRaw, edit(segment(), 2, 0, 45), ErrIPLength, "tcp 10.0.0.1:1 > 10.0.0.2:2 - len 5 captured 44"},
		"payload beyond":       {LinkRaw, edit(frame(t, v6(6), tcp), 4, 1, 0), ErrIPLength, "tcp [2001:db8::1]:1 > [2001:db8::2]:2 - len 236 captured 60"},
		"ping of death":        {LinkRaw, frame(t, last, gopacket.Payload("abcdefgh")), ErrFragment, "udp 10.0.0.1 > 10.0.0.2 len 8 frag 65528"},
		"chain beyond":         {LinkRaw, frame(t, v6(0), gopacket.Payload{6, 9, 1, 4, 0, 0, 0, 0}), ErrExtension, "0 2001:db8::1 > 2001:db8::2 iplen 48"},
		"chain of many":        {LinkRaw, frame(t, v6(0), gopacket.Payload(hops)), ErrExtension, "0 2001:db8::1 > 2001:db8::2 iplen 560"},
		"half a TCP header":    {LinkRaw, frame(t, v4(6), gopacket.Payload{0, 1, 0, 2}), ErrTransport, "tcp 10.0.0.1:1 > 10.0.0.2:2 iplen 24 missing flags"},
		"half a UDP header":    {LinkRaw, frame(t, v4(17), gopacket.Payload{0, 1}), ErrTransport, "udp 10.0.0.1 > 10.0.0.2 iplen 22 missing ports"},
		"half an SCTP header":  {LinkRaw, frame(t, v4(132), gopacket.Payload{0, 1, 0, 2}), ErrTransport, "sctp 10.0.0.1:1 > 10.0.0.2:2 iplen 24"},
		"half an ICMP header":  {LinkRaw, frame(t, v4(1), gopacket.Payload{8, 0, 0, 0}), ErrTransport, "icmp 10.0.0.1 > 10.0.0.2 8/0 iplen 24 missing icmpid"},
		"data offset below":    {LinkRaw, edit(segment(), 32, 0x40), ErrTCPOffset, "tcp 10.0.0.1:1 > 10.0.0.2:2 - iplen 44"},
		"data offset beyond":   {LinkRaw, edit(segment(), 32, 0x70), ErrTCPOffset, "tcp 10.0.0.1:1 > 10.0.0.2:2 - iplen 44"},
		"UDP length below":     {LinkRaw, edit(datagram(), 24, 0, 7), ErrUDPLength, "udp 10.0.0.1:1 > 10.0.0.2:2 len 4"},
		"UDP length beyond":    {LinkRaw, edit(datagram(), 24, 0, 13), ErrUDPLength, "udp 10.0.0.1:1 > 10.0.0.2:2 len 4"},
		"no payload, IPv6":     {LinkRaw, edit(frame(t, v6(6), tcp), 4, 0, 0), ErrTransport, "tcp 2001:db8::1 > 2001:db8::2 iplen 40 missing ports,flags"},
		"total length of zero": {LinkRaw, edit(segment(), 2, 0, 0)[:20], ErrTransport, "tcp 10.0.0.1 > 10.0.0.2 iplen 20 missing ports,flags"},
	} {
		for _, size := range []int{len(c.frame), 0} { // a wire length below the frame's is the frame's
			var h Header
			assert.Equal(t, c.want, Decode(c.link, c.frame, size, &h), name)
			if c.header == "" {
				assert.Zero(t, h.Length, name)
			} else {
				assert.Equal(t, c.header, h.String(), name)
			}
		}
	}
}

// Ethernet is decoded twice over: common frames in one stretch, all in general.
func TestDecodeCommonFrames(t *testing.T) {
	for i, b := range seedFrames(t)[LinkEthernet] {
		for keep := range len(b) + 1 {
			for _, length := range []int{keep, len(b)} {
				var h, general Header
				err := Decode(LinkEthernet, b[:keep], length, &h)
				require.Equal(t, general.decodeLink(LinkEthernet, b[:keep], max(length, keep)), err, "frame %d, %d bytes", i, keep)
				require.Equal(t, general, h, "frame %d, %d bytes", i, keep)
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	frames := seedFrames(t)
	var h Header
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		for link, fs := range frames {
			for _, b := range fs {
				Decode(link, b, len(b), &h)
			}
		}
	}))
}

// The sizes that tables of tuples and queues of headers are laid out for.
func TestSizes(t *testing.T) {
	assert.EqualValues(t, 38, unsafe.Sizeof(FiveTuple{}))
	assert.EqualValues(t, 116, unsafe.Sizeof(Header{}))
}

// edit overwrites bytes of b from offset at on.
func edit(b []byte, at int, with ...byte) gopacket.Payload {
	copy(b[at:], with)
	return b
}

func flagged(ip *layers.IPv4) *layers.IPv4 {
	ip.Flags = layers.IPv4MoreFragments
	return ip
}

func optioned(ip *layers.IPv4) *layers.IPv4 {
	ip.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	return ip
}

// jumbogram is an IPv6 packet of 65592 bytes, whose length is in a hop-by-hop option.
func jumbogram() []byte {
	b := make([]byte, 14+40+8+8+65536)
	copy(b[12:], []byte{0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 0, 64})
	copy(b[22:], v6(0).SrcIP)
	copy(b[38:], v6(0).DstIP)
	copy(b[54:], []byte{17, 0, 0xc2, 4})
	binary.BigEndian.PutUint32(b[58:], 8+8+65536)
	copy(b[62:], []byte{0, 53, 0x0f, 0xa0, 0, 0})
	return b
}
