package packet

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestProtocolNames(t *testing.T) {
	for n := range 256 {
		p := Protocol(n)
		for _, text := range []string{p.String(), p.Number()} {
			got, ok := ParseProtocol(text)
			assert.True(t, ok, text)
			assert.Equal(t, p, got, text)
		}
		assert.NotContains(t, p.String(), " ")
		assert.NotContains(t, p.String(), "/", "which stands before ports")
	}
	for text, want := range map[string]Protocol{
		"icmp6": ICMPv6, "ICMPv6": ICMPv6, "ipv6-icmp": ICMPv6, "SCTP": SCTP, "gre": GRE, "esp": ESP, "ah": AH, "rdp": 27, "ipv6": 41, "hopopt": 0, "a/n": 107,
	} {
		got, ok := ParseProtocol(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", "256", "-1", "all", "tcpx", "https"} {
		_, ok := ParseProtocol(text)
		assert.False(t, ok, text)
	}
	assert.Equal(t, []string{"icmpv6", "sctp", "27", "41", "61", "255", "rohc", "143"},
		[]string{ICMPv6.String(), SCTP.String(), Protocol(27).String(), Protocol(41).String(), Protocol(61).String(), Protocol(255).String(), Protocol(142).String(), Protocol(143).String()})
}
