package lint

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/sg"
)

// Entries of a network ACL are compared with a bounded number of others, and those whose
// answers are looked for pass down what lies inside a block alone.
func TestWorkOfEntries(t *testing.T) {
	list := func(n int, bits int, allow bool) []sg.ACLEntry {
		entries := make([]sg.ACLEntry, n)
		for i := range entries {
			addr := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
			if bits == 0 {
				addr = netip.IPv4Unspecified()
			}
			entries[i] = sg.ACLEntry{Number: i + 1, Allow: allow, Protocol: sg.TCP, Ports: sg.Port(2 * i), CIDR: netip.PrefixFrom(addr, bits)}
		}
		return entries
	}
	compared := func(in, out []sg.ACLEntry) int {
		c := newChecker(&sg.Topology{NetworkACLs: []sg.NetworkACL{{ID: "acl-a", Ingress: in, Egress: out}}}, Quotas{})
		c.acls()
		return c.compared
	}
	// Each with all before it would be n*n/2, which is n*mostEntries here.
	const n = 2 * mostEntries
	assert.LessOrEqual(t, compared(list(n, 32, true), nil), n*mostEntries-mostEntries*mostEntries/2)
	// Whatever the ports, a block is asked for once, and then each entry once a bit.
	assert.Less(t, compared(list(500, 0, true), list(500, 32, false)), 500*500+2*33*500)
}
