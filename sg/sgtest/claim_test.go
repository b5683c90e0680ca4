package sgtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// office has two subnets, an ACL at one of them, a node with addresses for its pods, and a
// server with a public address.
const office = `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/24
vpc vpc-2 10.2.0.0/16
subnet vpc-2 subnet-c 10.2.0.0/24
group sg-all vpc=vpc-1
rule sg-all ingress all 10.0.0.0/8
rule sg-all egress all 0.0.0.0/0
group sg-node vpc=vpc-1
rule sg-node ingress tcp 80 10.0.0.0/8
rule sg-node ingress gre 10.0.0.0/8
acl acl-b vpc=vpc-1 subnet=subnet-b
aclentry acl-b ingress 90 deny tcp 3389 0.0.0.0/0
aclentry acl-b ingress 91 allow icmp 13/0 0.0.0.0/0
aclentry acl-b ingress 92 allow tcp 0-65535 0.0.0.0/0
aclentry acl-b egress 100 allow all 0.0.0.0/0
acl acl-c vpc=vpc-2 subnet=subnet-c
eni a 10.0.1.10 sg-all vpc=vpc-1 subnet=subnet-a
eni b 10.0.2.20 sg-all vpc=vpc-1 subnet=subnet-b public=203.0.113.5
eni node 10.0.1.20 10.0.3.0/28 sg-node vpc=vpc-1 subnet=subnet-a
`

func newOffice(t *testing.T, opts *sg.Options) *sgtest.Network {
	t.Helper()
	topo, err := sgtest.ParseTopology("office", office)
	require.NoError(t, err)
	return sgtest.NewNetwork(t, topo, opts)
}

// Entries of network ACLs divide a range as rules do, and so do the rules of an interface
// that is named by a host or an address.
func TestClaimsFindEveryGap(t *testing.T) {
	n := newOffice(t, nil)
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Allows(tb, "a", "b", sg.MustTraffic("tcp/1-65535")) }), ":3389 S: drop, acl_deny")
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Denies(tb, "a", "b", sg.MustTraffic("icmp")) }), " 13/0 id")

	n.Host("pod", "10.0.3.6")
	for _, pod := range []string{"pod", "10.0.3.5"} {
		n.Host("out", "10.9.9.9")
		assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Denies(tb, "out", pod, sg.MustTraffic("tcp/1-100")) }), ":80 S: accept")
	}
	n.SetGroups(t, "10.0.3.5", "sg-all")
	n.Allows(t, "a", "pod", sg.SSH)
}
