package packet

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeEthernet(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Window: 5, SYN: true, ACK: true, DataOffset: 5}
	udp := &layers.UDP{SrcPort: 53, DstPort: 4000}
	echo := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 7}
	payload := gopacket.Payload("abcd")
	for _, c := range []struct {
		frame []byte
		want  string
	}{
		{frame(t, ethernet(0x0800), v4(6), tcp, payload), "tcp 10.0.0.1:1 > 10.0.0.2:2 SA seq 3 ack 4 win 5 len 4"},
		{frame(t, ethernet(0x86dd), v6(6), tcp), "tcp [2001:db8::1]:1 > [2001:db8::2]:2 SA seq 3 ack 4 win 5"},
		{frame(t, ethernet(0x0800), v4(17), udp, payload), "udp 10.0.0.1:53 > 10.0.0.2:4000 len 4"},
		{frame(t, ethernet(0x86dd), v6(17), udp, payload), "udp [2001:db8::1]:53 > [2001:db8::2]:4000 len 4"},
		{frame(t, ethernet(0x0800), v4(1), echo, payload), "icmp 10.0.0.1 > 10.0.0.2 8/0 id 7 len 4"},
		{frame(t, ethernet(0x0800), v4(47), payload), "47 10.0.0.1 > 10.0.0.2 len 4"},
	} {
		var h Header
		require.NoError(t, Decode(LinkEthernet, c.frame, len(c.frame), &h), c.want)
		assert.Equal(t, c.want, h.String())
	}
	var h Header
	assert.Equal(t, ErrNotIP, Decode(LinkEthernet, frame(t, ethernet(0x0806), payload), 18, &h))
	assert.Equal(t, Header{}, h)
	assert.Equal(t, ErrLinkType, Decode(LinkType(9999), nil, 0, &h))
}
