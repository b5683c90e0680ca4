package sg

import (
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRuleText(t *testing.T) {
	for text, rule := range map[string]Rule{
		"tcp 443 0.0.0.0/0":             {Protocol: TCP, Ports: Port(443), Peer: AnyIPv4},
		"tcp 8000-8080 sg-web":          {Protocol: TCP, Ports: Ports(8000, 8080), Peer: FromGroup("sg-web")},
		"udp 53 pl-corp id=sgr-1":       {Protocol: UDP, Ports: Port(53), Peer: FromPrefixList("pl-corp"), ID: "sgr-1"},
		"icmp 8/-1 10.0.0.5/8":          {Protocol: ICMP, ICMP: ICMPTypeCode(8, -1), Peer: MustCIDR("10.0.0.5/8")},
		"icmp -1/-1 ::/0":               {Protocol: ICMP, ICMP: allICMP, Peer: AnyIPv6},
		"icmpv6 2001:db8::/32":          {Protocol: ICMPv6, Peer: MustCIDR("2001:db8::/32")},
		"all self desc=\"a \\\"b\\\"\"": {Protocol: AllProtocols, Peer: Self, Description: `a "b"`},
		"all -1 self":                   {Protocol: AllProtocols, Ports: Port(-1), Peer: Self},
		"tcp -1--1 self":                {Protocol: TCP, Ports: PortRange{-1, -1, true}, Peer: Self},
		"esp 0 10.0.0.0/8":              {Protocol: 50, Ports: Port(0), Peer: MustCIDR("10.0.0.0/8")},
		"0 10.0.0.0/8":                  {Protocol: ProtocolNumber(0), Peer: MustCIDR("10.0.0.0/8")},
		"none":                          {},
		"tcp 1 group=web pl=x account=1 peering=pcx-1": {Protocol: TCP, Ports: Port(1),
			Peer: Peer{Group: "web", PrefixList: "x", Account: "1", Peering: "pcx-1"}},
	} {
		got, err := ParseRule(text)
		require.NoError(t, err, text)
		assert.Equal(t, rule, got, text)
		if text != "tcp -1--1 self" { // one port has one form
			assert.Equal(t, text, rule.String())
		}
	}
	for text, want := range map[string]string{ // the console's names, and words for -1
		"icmp all 10.0.0.0/8":                "icmp -1/-1 10.0.0.0/8",
		"icmpv6 all ::/0":                    "icmpv6 -1/-1 ::/0",
		"icmp 8/all 10.0.0.0/8":              "icmp 8/-1 10.0.0.0/8",
		"https Anywhere-IPv4":                "tcp 443 0.0.0.0/0",
		"MySQL/Aurora anywhere-ipv6":         "tcp 3306 ::/0",
		`"All ICMP - IPv6" Anywhere-IPv6`:    "icmpv6 -1/-1 ::/0",
		`"All traffic" self id=sgr-1`:        "all self id=sgr-1",
		"dns(udp) 10.0.0.0/8 desc=resolvers": "udp 53 10.0.0.0/8 desc=resolvers",
	} {
		got, err := ParseRule(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.String())
	}
	for text, want := range map[string]string{
		"https 80 self":            `"80": a second one`,
		"tcp 1 ::/0 Anywhere-IPv4": `"Anywhere-IPv4": a second one`,
		"":                         "rule without a protocol",
		"id=x":                     "rule without a protocol",
		"sttp 1 self":              `protocol "sttp": neither a name that rules know nor a number from 0 to 255`,
		"256 self":                 `protocol "256": neither a name that rules know nor a number from 0 to 255`,
		"tcp 10.0.0/8":             `"10.0.0/8": not a CIDR block`,
		"tcp x/y":                  `"x/y": not an ICMP type and code`,
		"tcp web":                  `"web": neither ports nor a peer`,
		"tcp 1 2 self":             `"2": a second one`,
		"tcp all self":             `"all": neither ports nor a peer`,
		"icmp 8/all all self":      `"all": a second one`,
		"icmp all/8 self":          `"all/8": not an ICMP type and code`,
		"tcp 1 sg-a sg-b":          `"sg-b": a second one`,
		"tcp 1 self color=1":       `"color=1": a rule has no "color"`,
		"tcp \"":                   "column 5: quote without an end",
	} {
		_, err := ParseRule(text)
		assert.EqualError(t, err, want, text)
	}
}

func FuzzRuleText(f *testing.F) {
	f.Add("tcp 8000-8080 sg-web id=sgr-1 desc=\"x y\"")
	f.Add("icmp 8/-1 10.0.0.5/8")
	f.Add("tcp 2147483647-2147483648 ::ffff:1.2.3.4/100 group=\"a b\" pl=\"\"")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again != r {
			t.Fatalf("%q reads as %#v, prints %q, reads as %#v, %v", s, r, r, again, err)
		}
	})
}

func TestRuleTextExtremes(t *testing.T) {
	r := Rule{Protocol: TCP, Ports: Ports(math.MinInt32, math.MaxInt32), Peer: Peer{CIDR: netip.MustParsePrefix("::/0"), Group: "sg-a b"}}
	got, err := ParseRule(r.String())
	require.NoError(t, err)
	assert.Equal(t, r, got)
}
