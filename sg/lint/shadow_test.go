package lint

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
)

func TestAdmitsAll(t *testing.T) {
	for _, tt := range []struct {
		a, b   string
		ab, ba bool
	}{
		{"tcp 443 10.0.0.0/8", "tcp 443 10.1.0.0/16", true, false},
		{"tcp 443 10.0.0.0/8", "tcp 443 11.0.0.0/16", false, false},
		{"tcp 443 0.0.0.0/0", "tcp 443 ::/0", false, false},
		{"tcp 400-500 10.0.0.0/8", "tcp 443 10.0.0.0/8", true, false},
		{"tcp 400-500 10.0.0.0/8", "tcp 443-501 10.0.0.0/8", false, false},
		{"tcp 400-500 10.1.0.0/16", "tcp 443 10.0.0.0/8", false, false},
		{"tcp 443 10.0.0.0/8", "udp 443 10.0.0.0/8", false, false},
		{"tcp 10.0.0.0/8", "tcp 443 10.0.0.0/8", false, false}, // Compile refuses it
		{"all sg-b", "udp 53 sg-b", true, false},
		{"all sg-b", "udp 53 sg-c", false, false},
		{"all self", "all sg-b", false, false},
		{"tcp 1 pl-a", "tcp 1 pl-b", false, false},
		{"icmp -1/-1 pl-a", "icmp 8/0 pl-a", true, false},
		{"icmp 8/-1 pl-a", "icmp 8/0 pl-a", true, false},
		{"icmp 8/-1 pl-a", "icmp 0/0 pl-a", false, false},
		{"icmpv6 ::/0", "icmpv6 128/0 ::/0", true, false},
		{"50 10.0.0.0/8", "50 10.0.0.0/9", true, false},
		{"none 10.0.0.0/8", "none 10.0.0.0/9", false, false},
	} {
		rs := rules(t, tt.a, tt.b)
		a, b := rs[0].Canonical("sg-x"), rs[1].Canonical("sg-x")
		assert.Equal(t, tt.ab, admitsAll(&a, &b), "%s admits all of %s", tt.a, tt.b)
		assert.Equal(t, tt.ba, admitsAll(&b, &a), "%s admits all of %s", tt.b, tt.a)
	}
}

// A group of more rules than AWS allows is compared with the first of them.
func TestCheckManyRules(t *testing.T) {
	const n = 5000
	g := sg.Group{ID: "sg-a", Ingress: rules(t, "tcp 0-65535 192.0.0.0/20")}
	for i := range n {
		host := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 32)
		g.Ingress = append(g.Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(443), Peer: sg.Peer{CIDR: host}})
	}
	counts := map[Kind]int{}
	for _, f := range Check(&sg.Topology{Groups: []sg.Group{g}}) {
		counts[f.Kind]++
	}
	require.Equal(t, map[Kind]int{QuotaExceeded: 1, Shadowed: 1 << 12}, counts)
}
