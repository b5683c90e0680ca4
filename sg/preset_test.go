package sg

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTraffic(t *testing.T) {
	for s, want := range map[string]Traffic{
		"HTTPS":           HTTPS,
		"mysql/aurora":    onePort("MySQL/Aurora", TCP, 3306),
		"dns(udp)":        onePort("DNS (UDP)", UDP, 53),
		"DNS (TCP)":       onePort("DNS (TCP)", TCP, 53),
		"all-tcp":         presets[1],
		"All ICMP - IPv6": presets[4],
		"all":             AllTraffic,
		"icmp":            presets[3],
		"tcp/443":         {Protocol: TCP, Ports: Port(443)},
		"udp/1024-65535":  {Protocol: UDP, Ports: Ports(1024, 65535)},
		"icmp/8/0":        {Protocol: ICMP, ICMP: ICMPTypeCode(8, 0)},
		"tcp 30000-32768": {Protocol: TCP, Ports: Ports(30000, 32768)},
		"icmp 8/-1":       {Protocol: ICMP, ICMP: ICMPTypeCode(8, -1)},
		"icmp/8":          {Protocol: ICMP, ICMP: ICMPTypeCode(8, -1)},
		"icmpv6/128/0":    {Protocol: ICMPv6, ICMP: ICMPTypeCode(128, 0)},
		"50":              {Protocol: 50},
	} {
		got, err := ParseTraffic(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
		again, err := ParseTraffic(got.String())
		require.NoError(t, err, s)
		assert.Equal(t, got, again, "%q prints as %q", s, got)
	}
	for _, s := range []string{"", "httpz", "tcp/x", "tcp/2-1", "tcp/65536", "tcp/", "icmp/256", "icmp/-1/0", "50/1", "all/1", "256", "tcp 1 2", " tcp 1", "all web"} {
		_, err := ParseTraffic(s)
		assert.Error(t, err, s)
	}
	_, err := ParseTraffic("httpz 80")
	assert.EqualError(t, err, `traffic "httpz 80": neither a name of the console's nor protocol and ports, as in tcp/443 or udp/1024-65535`)
}

// Every name of the list is found again, and none hides another.
func TestPresetNames(t *testing.T) {
	for _, p := range presets {
		got, err := ParseTraffic(p.Name)
		require.NoError(t, err)
		assert.Equal(t, p, got)
		assert.Equal(t, Rule{Protocol: p.Protocol, Ports: p.Ports, ICMP: p.ICMP, Peer: AnyIPv4}, p.From(AnyIPv4))
	}
}
