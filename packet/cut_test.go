package packet

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the capture cut off is missing, not wrong; what is wrong is so however little
// of it was captured.
func TestDecodeCut(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Window: 5, SYN: true, DataOffset: 5}
	zeros := gopacket.Payload(make([]byte, 100))
	hops := gopacket.Payload{6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	segment := func() gopacket.Payload { return frame(t, ethernet(0x0800), v4(6), tcp, zeros) }
	segment6 := func() gopacket.Payload { return frame(t, ethernet(0x86dd), v6(6), tcp, zeros) }
	echo := frame(t, ethernet(0x0800), v4(1), gopacket.Payload{8, 0, 0, 0, 0, 7, 0, 1}, zeros)
	echo6 := frame(t, ethernet(0x86dd), v6(58), gopacket.Payload{128, 0, 0, 0, 0, 7, 0, 1}, zeros)
	icmpError := frame(t, ethernet(0x0800), v4(1), gopacket.Payload{3, 1, 0, 0, 0, 0, 0, 0}, v4(17), &layers.UDP{SrcPort: 1, DstPort: 2}, zeros)
	chain := func() gopacket.Payload { return frame(t, ethernet(0x86dd), v6(0), hops, tcp) }
	long := gopacket.Payload(bytes.Repeat([]byte{0, 0, 1, 4, 0, 0, 0, 0}, maxExtensions+2))
	// Whole packets that end before their transport header does.
	tiny := func(n int) gopacket.Payload { return edit(segment(), 16, 0, byte(20+n)) }
	part := func(n int) []byte { return edit(tiny(n), 20, 0x20) } // more fragments
	part6 := frame(t, ethernet(0x86dd), v6(44), gopacket.Payload{6, 0, 0, 1, 0, 0, 0, 9}, gopacket.Payload{0, 1, 0, 2, 0, 0, 0, 3})
	for name, c := range map[string]struct {
		frame []byte
		keep  int
		err   error
		cut   bool
		want  string // "" is no readable IP header
	}{
		"Ethernet":            {segment(), 13, ErrCut, false, ""},
		"nothing of IP":       {segment(), 14, ErrCut, false, ""},
		"IPv4 header":         {segment(), 14 + 19, ErrCut, false, ""},
		"IPv6 header":         {segment6(), 14 + 39, ErrCut, false, ""},
		"ports":               {segment(), 14 + 20, nil, true, "tcp 10.0.0.1 > 10.0.0.2 iplen 140 captured 20 missing ports,flags"},
		"ports in part":       {segment(), 14 + 23, nil, true, "tcp 10.0.0.1 > 10.0.0.2 iplen 140 captured 23 missing ports,flags"},
		"ports, IPv6":         {segment6(), 14 + 40, nil, true, "tcp 2001:db8::1 > 2001:db8::2 iplen 160 captured 40 missing ports,flags"},
		"ports of UDP":        {frame(t, ethernet(0x0800), v4(17), &layers.UDP{SrcPort: 1, DstPort: 2}, zeros), 14 + 20, nil, true, "udp 10.0.0.1 > 10.0.0.2 len 100 captured 20 missing ports"},
		"options":             {frame(t, ethernet(0x0800), optioned(v4(6)), tcp), 14 + 20, nil, true, "tcp 10.0.0.1 > 10.0.0.2 iplen 44 captured 20 missing ports,flags"},
		"flags":               {segment(), 14 + 24, nil, true, "tcp 10.0.0.1:1 > 10.0.0.2:2 iplen 140 captured 24 missing flags"},
		"flags, one byte":     {segment(), 14 + 33, nil, true, "tcp 10.0.0.1:1 > 10.0.0.2:2 iplen 140 captured 33 missing flags"},
		"window":              {segment(), 14 + 34, nil, false, "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 len 100 captured 34"},
		"payload":             {segment(), 14 + 40, nil, false, "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 win 5 len 100 captured 40"},
		"ICMP type":           {echo, 14 + 20, nil, true, "icmp 10.0.0.1 > 10.0.0.2 len 100 captured 20 missing icmp"},
		"ICMP code":           {echo, 14 + 21, nil, true, "icmp 10.0.0.1 > 10.0.0.2 len 100 captured 21 missing icmp"},
		"ICMP identifier":     {echo, 14 + 22, nil, true, "icmp 10.0.0.1 > 10.0.0.2 8/0 len 100 captured 22 missing icmpid"},
		"ICMPv6 type":         {echo6, 14 + 40, nil, true, "icmpv6 2001:db8::1 > 2001:db8::2 len 100 captured 40 missing icmp"},
		"quoted ports":        {icmpError, 14 + 28 + 20, nil, true, "icmp 10.0.0.1 > 10.0.0.2 3/1 len 128 captured 48 missing quote about part of udp 10.0.0.1 > 10.0.0.2"},
		"quote":               {icmpError, 14 + 28, nil, true, "icmp 10.0.0.1 > 10.0.0.2 3/1 len 128 captured 28 missing quote"},
		"chain":               {chain(), 14 + 40 + 8, ErrCut, false, "0 2001:db8::1 > 2001:db8::2 iplen 76 captured 48"},
		"start of a chain":    {chain(), 14 + 40, ErrCut, false, "0 2001:db8::1 > 2001:db8::2 iplen 76 captured 40"},
		"behind a chain":      {chain(), 14 + 40 + 16, nil, true, "tcp 2001:db8::1 > 2001:db8::2 iplen 76 captured 56 missing ports,flags"},
		"jumbo option":        {jumbogram(), 14 + 40 + 4, ErrCut, false, "0 2001:db8::1 > 2001:db8::2 iplen 65592 captured 44"},
		"header of jumbogram": {jumbogram(), 14 + 40, ErrCut, false, "0 2001:db8::1 > 2001:db8::2 iplen 65592 captured 40"},
		"first fragment":      {edit(segment(), 20, 0x20), 14 + 20, nil, true, "tcp 10.0.0.1 > 10.0.0.2 frag 0+ iplen 140 captured 20 missing ports,flags"},

		// Missing, but not by the capture.
		"tiny fragment, whole":      {part(8), 14 + 140, nil, false, "tcp 10.0.0.1:1 > 10.0.0.2:2 frag 0+ iplen 28 missing flags"},
		"tiny fragment, cut":        {part(8), 14 + 25, nil, false, "tcp 10.0.0.1:1 > 10.0.0.2:2 frag 0+ iplen 28 captured 25 missing flags"},
		"tiny fragment, no ports":   {part(8), 14 + 20, nil, false, "tcp 10.0.0.1 > 10.0.0.2 frag 0+ iplen 28 captured 20 missing ports,flags"},
		"tiny IPv6 fragment, whole": {part6, len(part6), nil, false, "tcp [2001:db8::1]:1 > [2001:db8::2]:2 frag 0+ ipid 9 iplen 56 missing flags"},
		"tiny IPv6 fragment, cut":   {part6, len(part6) - 1, nil, false, "tcp [2001:db8::1]:1 > [2001:db8::2]:2 frag 0+ ipid 9 iplen 56 captured 55 missing flags"},

		// Malformed all the same.
		"wrong version":       {edit(segment(), 14, 0x65), 14 + 5, ErrIPVersion, false, ""},
		"wrong version, IPv6": {edit(segment6(), 14, 0x45), 14 + 5, ErrIPVersion, false, ""},
		"no room for IPv4":    {segment()[:14+19], 14 + 10, ErrIPHeader, false, ""},
		"no room for IPv6":    {segment6()[:14+39], 14 + 10, ErrIPHeader, false, ""},
		"no room for IP":      {segment()[:14], 14, ErrIPHeader, false, ""},
		"no room for TCP":     {tiny(12), 14 + 20, ErrTransport, true, "tcp 10.0.0.1 > 10.0.0.2 iplen 32 captured 20 missing ports,flags"},
		"length beyond":       {edit(segment(), 16, 1, 0), 14 + 40, ErrIPLength, false, "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 win 5 len 216 captured 40"},
		"data offset":         {edit(segment(), 14+20+12, 0x40), 14 + 34, ErrTCPOffset, false, "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 iplen 140 captured 34"},
		"chain beyond":        {edit(chain(), 55, 9), 14 + 40 + 4, ErrExtension, false, "0 2001:db8::1 > 2001:db8::2 iplen 76 captured 44"},
		"chain of many":       {frame(t, ethernet(0x86dd), v6(0), long), 14 + 40 + 8*maxExtensions, ErrExtension, false, "0 2001:db8::1 > 2001:db8::2 iplen 568 captured 552"},
		"chain of much":       {edit(frame(t, ethernet(0x86dd), v6(0), gopacket.Payload(make([]byte, 4000))), 63, 255), 14 + 40 + 10, ErrExtension, false, "0 2001:db8::1 > 2001:db8::2 iplen 4040 captured 50"},
	} {
		var h Header
		assert.Equal(t, c.err, Decode(LinkEthernet, c.frame[:c.keep], len(c.frame), &h), name)
		assert.Equal(t, c.cut, h.Cut(), name)
		if c.want == "" {
			assert.Zero(t, h.Length, name)
		} else {
			assert.Equal(t, c.want, h.String(), name)
		}
	}
}

// A frame in order is never malformed for being cut, wherever that is, and what is
// known of it is right.
func TestEveryCut(t *testing.T) {
	for link, frames := range seedFrames(t) {
		for i, b := range frames {
			var whole Header
			require.NoError(t, Decode(link, b, len(b), &whole))
			for keep := range len(b) {
				var h Header
				err := Decode(link, b[:keep], len(b), &h)
				switch {
				case err != nil:
					require.Equal(t, ErrCut, err, "%v frame %d, %d bytes", link, i, keep)
				case h.Missing != 0:
					require.True(t, h.Cut(), "%v frame %d, %d bytes: %v", link, i, keep, h)
					fallthrough
				default:
					require.Equal(t, whole.Src, h.Src)
					require.Equal(t, whole.Protocol, h.Protocol)
					require.Equal(t, whole.Length, h.Length)
				}
				if err == nil && h.Missing == 0 {
					require.Equal(t, whole.Tuple(), h.Tuple(), "%v frame %d, %d bytes", link, i, keep)
				}
			}
		}
	}
}

// A log without a packet header, whose first value is a prefix.
func TestDecodeNFLOGFamilies(t *testing.T) {
	for family, ip := range map[byte][]byte{
		2:  frame(t, v4(47), gopacket.Payload("abcd")),
		10: frame(t, v6(47), gopacket.Payload("abcd")),
	} {
		b := append([]byte{family, 0, 0, 5, 5, 0, 10, 0, 0, 0, 0, 0, byte(4 + len(ip)), 0, 9, 0}, ip...)
		var h Header
		require.NoError(t, Decode(LinkNFLOG, b, len(b), &h))
		assert.EqualValues(t, len(ip), h.Length)
	}
}

// A log group that is told to copy some bytes of each packet, or none, cuts like a
// capture.
func TestDecodeNFLOGCopyRange(t *testing.T) {
	ip := frame(t, v4(6), &layers.TCP{SrcPort: 1, DstPort: 2, DataOffset: 5}, gopacket.Payload(make([]byte, 100)))
	for keep, want := range map[int]string{
		40: "tcp 10.0.0.1:1 > 10.0.0.2:2 - len 100 captured 40",
		20: "tcp 10.0.0.1 > 10.0.0.2 iplen 140 captured 20 missing ports,flags",
		19: "",
		0:  "",
	} {
		b := append(nflog(binary.LittleEndian, 2, []byte{8, 0}, keep), ip[:keep]...)
		b = append(b, make([]byte, -keep&3)...)
		var h Header
		err := Decode(LinkNFLOG, b, len(b), &h)
		if want == "" {
			assert.Equal(t, ErrCut, err, "%d bytes", keep)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, want, h.String())
	}
	b := nflog(binary.LittleEndian, 2, []byte{8, 0}, 0)
	b = b[:len(b)-4] // no payload at all
	var h Header
	assert.Equal(t, ErrCut, Decode(LinkNFLOG, b, len(b), &h))
}
