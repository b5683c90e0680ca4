package sg

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTraffic(t *testing.T) {
	for s, want := range map[string]Traffic{
		"HTTPS":           HTTPS,
		"mysql/aurora":    MySQLAurora,
		"dns(udp)":        DNSUDP,
		"DNS (TCP)":       DNSTCP,
		"all-tcp":         AllTCP,
		"All ICMP - IPv6": AllICMPv6,
		"all":             AllTraffic,
		"icmp":            AllICMPv4,
		"tcp/443":         CustomTCP(Port(443)),
		"udp/1024-65535":  CustomUDP(Ports(1024, 65535)),
		"icmp/8/0":        CustomICMP(8, 0),
		"icmp/8":          CustomICMP(8, -1),
		"icmpv6/128/0":    CustomICMPv6(128, 0),
		"50":              {Protocol: 50},
	} {
		got, err := ParseTraffic(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
		again, err := ParseTraffic(got.String())
		require.NoError(t, err, s)
		assert.Equal(t, got, again, "%q prints as %q", s, got)
	}
	for _, s := range []string{"", "httpz", "tcp/x", "tcp/2-1", "tcp/65536", "tcp/", "icmp/256", "icmp/-1/0", "50/1", "all/1", "256"} {
		_, err := ParseTraffic(s)
		assert.Error(t, err, s)
	}
}

// Every name of the list is found again, and none hides another.
func TestPresetNames(t *testing.T) {
	for _, p := range presets {
		got, err := ParseTraffic(p.Name)
		require.NoError(t, err)
		assert.Equal(t, *p, got)
		assert.Equal(t, Rule{Protocol: p.Protocol, Ports: p.Ports, ICMP: p.ICMP, Peer: AnyIPv4}, p.From(AnyIPv4))
	}
}
