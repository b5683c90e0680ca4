package sg

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRuleSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"tcp 443 10.0.0.5/8", "tcp 443 10.0.0.0/8 id=sgr-1 desc=x", true}, // SG-42, SG-43, SG-51
		{"all 0-0 10.0.0.0/8", "all 0-65535 10.0.0.0/8", true},             // SG-54
		{"50 0-0 10.0.0.0/8", "50 10.0.0.0/8", true},                       // SG-22
		{"icmpv6 ::/0", "icmpv6 -1/-1 ::/0", true},                         // SG-29
		{"tcp 443 sg-a peering=pcx-1", "tcp 443 sg-a", true},               //
		{"tcp 443 sg-a account=1", "tcp 443 sg-a", true},                   // REF-09: its id is unique
		{"tcp 22-22 10.0.0.0/8", "tcp 20-30 10.0.0.0/8", false},            // SG-55
		{"tcp 443 10.0.0.0/8", "tcp 443 10.1.0.0/16", false},               // SG-55
		{"tcp 443 10.0.0.0/8", "udp 443 10.0.0.0/8", false},                //
		{"icmp 8/0 0.0.0.0/0", "icmp 8/-1 0.0.0.0/0", false},               //
		{"tcp 443 0.0.0.0/0", "tcp 443 ::/0", false},                       // SG-40
		{"tcp 0-65535 0.0.0.0/0", "all 0.0.0.0/0", false},                  //
		{"tcp 443 sg-a", "tcp 443 pl-a", false},                            //
		{"icmp -1/-1 0.0.0.0/0", "icmp 0/0 0.0.0.0/0", false},              // SG-30
		{"tcp 443 2001:db8::1/32", "tcp 443 2001:db8:ffff::/32", true},     // SG-42
		{"tcp 443 1.2.3.4/0", "tcp 443 0.0.0.0/0", true},                   // SG-42
		{"tcp 443 sg-own", "tcp 443 self", true},                           // REF-07
		{"tcp 443 sg-other", "tcp 443 self", false},                        // REF-07
	} {
		a, err := ParseRule(c.a)
		require.NoError(t, err)
		b, err := ParseRule(c.b)
		require.NoError(t, err)
		assert.Equal(t, c.same, a.Same(b, "sg-own"), "%s and %s", c.a, c.b)
		assert.Equal(t, c.same, b.Same(a, "sg-own"), "%s and %s", c.b, c.a)
	}
}
