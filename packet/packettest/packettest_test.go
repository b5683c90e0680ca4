package packettest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// Frames come back from the decoder as the text that they were made from.
func TestFramesDecode(t *testing.T) {
	for _, text := range []string{
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432 S",
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432 FSRPAUEC seq 1 ack 2 win 3 len 10 ttl 5 ipid 6",
		"tcp [2001:db8::1]:1 > [2001:db8::2]:2 A len 1000",
		"udp 10.0.0.1:53 > 10.0.0.2:4000 len 100",
		"udp [2001:db8::1]:53 > [2001:db8::2]:4000 ttl 255",
		"udp 10.0.0.1:53 > 10.0.0.2:4000 len 1472 frag 0+ ipid 77",
		"udp 10.0.0.1 > 10.0.0.2 len 80 frag 1480 ipid 77",
		"udp [2001:db8::1]:53 > [2001:db8::2]:4000 len 1440 frag 0+ ipid 77000 iplen 1496",
		"udp 2001:db8::1 > 2001:db8::2 len 80 frag 1448 ipid 77000 iplen 128",
		"sctp 10.0.0.1:1 > 10.0.0.2:2",
		"dccp 10.0.0.1:1 > 10.0.0.2:2 len 4",
		"udplite 10.0.0.1:1 > 10.0.0.2:2 len 4",
		"icmp 10.0.0.1 > 10.0.0.2 8/0 id 7 len 56",
		"icmp 10.0.0.1 > 10.0.0.2 14/0 id 7",
		"icmpv6 2001:db8::1 > 2001:db8::2 128/0 id 7 len 56",
		"icmpv6 fe80::1 > ff02::1 135/0 ttl 255",
		"icmp 10.0.0.9 > 10.0.0.1 3/1 len 28 about udp 10.0.0.1:9 > 10.0.0.2:10",
		"icmp 10.0.0.9 > 10.0.0.1 11/0 len 28 about icmp 10.0.0.1 > 10.0.0.2 8/0 id 3",
		"icmp 10.0.0.9 > 10.0.0.1 3/4 len 20 about part of tcp 10.0.0.1 > 10.0.0.2",
		"icmp 10.0.0.9 > 10.0.0.1 3/2 len 20 about 50 10.0.0.1 > 10.0.0.2",
		"icmpv6 2001:db8::9 > 2001:db8::1 1/4 len 48 about udp [2001:db8::1]:1 > [2001:db8::2]:2",
		"gre 10.0.0.1 > 10.0.0.2 len 20",
		"ipv6-nonxt 2001:db8::1 > 2001:db8::2",
	} {
		want, err := packet.ParseHeader(text)
		require.NoError(t, err)
		for _, vlans := range [][]uint16{nil, {5}, {5, 6}, {5, 6, 7}} {
			frame := Ethernet(t, text, vlans...)
			var got packet.Header
			require.NoError(t, packet.Decode(packet.LinkEthernet, frame, len(frame), &got), text)
			assert.Equal(t, want.String(), got.String())
			assert.Equal(t, want, got)
		}
		var got packet.Header
		ip := IP(t, text)
		require.NoError(t, packet.Decode(packet.LinkRaw, ip, len(ip), &got), text)
		assert.Equal(t, want, got)
	}
	var h packet.Header
	assert.Equal(t, packet.ErrNotIP, packet.Decode(packet.LinkEthernet, ARP(t), 42, &h))
}

// Tunnels come back with what was put into them.
func TestTunnelsDecode(t *testing.T) {
	const ip4, ip6 = "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S len 5", "udp [2001:db8::1]:53 > [2001:db8::2]:4000 len 60"
	const from, from6 = "udp 10.0.0.9:4000 > 10.0.0.8:", "udp [2001:db8::9]:4000 > [2001:db8::8]:"
	gateway := packet.Tunnel{Kind: packet.Geneve, VNI: 3, Endpoint: 1 << 60, Attachment: 2, Cookie: 1 << 31}
	for name, c := range map[string]struct {
		frame []byte
		want  string
		t     packet.Tunnel
	}{
		"vxlan":            {VXLAN(t, from+"4789", 0xabcdef, Ethernet(t, ip4)), ip4, packet.Tunnel{Kind: packet.VXLAN, VNI: 0xabcdef}},
		"vxlan, IPv6":      {VXLAN(t, from6+"4789", 1, Ethernet(t, ip6, 7)), ip6, packet.Tunnel{Kind: packet.VXLAN, VNI: 1}},
		"geneve, Ethernet": {Geneve(t, from+"6081", packet.Tunnel{}, packet.LinkEthernet, Ethernet(t, ip6)), ip6, packet.Tunnel{Kind: packet.Geneve}},
		"geneve, IPv4":     {Geneve(t, from6+"6081", gateway, packet.LinkIPv4, IP(t, ip4)), ip4, gateway},
		"geneve, IPv6":     {Geneve(t, from+"6081", gateway, packet.LinkIPv6, IP(t, ip6)), ip6, gateway},
	} {
		var h packet.Header
		require.NoError(t, packet.Decode(packet.LinkEthernet, c.frame, len(c.frame), &h), name)
		c.t.Outer = h
		got := make([]packet.Tunnel, 2)
		n, err := packet.Unwrap(packet.LinkEthernet, c.frame, &h, got)
		require.NoError(t, err, name)
		assert.Equal(t, []packet.Tunnel{c.t}, got[:n], name)
		assert.Equal(t, c.want, h.String(), name)
	}
}
