package sgtest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

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

var gre = sg.Traffic{Protocol: sg.ProtocolNumber(47)}

func newOffice(t *testing.T, opts *sg.Options) *sgtest.Network {
	t.Helper()
	topo, err := sgtest.ParseTopology("office", office)
	require.NoError(t, err)
	return sgtest.NewNetwork(t, topo, opts)
}

// repeats checks that the scenario of a failure does the same again.
func repeats(t *testing.T, said string) {
	t.Helper()
	_, text, ok := strings.Cut(said, "As a scenario:\n")
	require.True(t, ok, said)
	s, err := sgtest.ParseScenario("pasted", strings.ReplaceAll("\n"+text, "\n    ", "\n"))
	require.NoError(t, err, text)
	assert.NoError(t, s.Run(), said)
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

// What nobody knows neither holds nor does not.
func TestClaimsNotKnown(t *testing.T) {
	n := newOffice(t, nil)
	public := func(tb sgtest.TB) { n.Allows(tb, "a", "203.0.113.5", sg.HTTPS) }
	assert.Contains(t, failing(t, public), "it is not known whether a reaches 203.0.113.5 with HTTPS")
	assert.Contains(t, failing(t, public), "203.0.113.5 is a public address of b")
	conn := n.Dial(t, "a", "node", gre)
	n.Change(t, func(topo *sg.Topology) { topo.ENIs[2].Groups = []sg.GroupID{"sg-elsewhere"} })
	said := failing(t, func(tb sgtest.TB) { n.Matrix(tb, "from node:https\na no") })
	assert.Contains(t, said, "UNKNOWN(want-no)")
	repeats(t, said)
	conn.Alive(t)
	n.Clock.Advance(time.Hour)
	said = failing(t, func(tb sgtest.TB) { assert.False(t, conn.Dead(tb)) })
	assert.Contains(t, said, "is not known to work: a's packet may be lost")
	repeats(t, said)
	n.Change(t, func(topo *sg.Topology) { topo.ENIs = topo.ENIs[1:2] })
	said = failing(t, func(tb sgtest.TB) { assert.False(t, conn.Dead(tb)) })
	assert.Contains(t, said, "is not known to work: no security group sees a's packet")
}

// Each connection of a claim has the maximum for itself, and what earlier connections take
// is in the scenario.
func TestClaimsWithMaximum(t *testing.T) {
	n := newOffice(t, &sg.Options{MaxConnections: 2})
	n.Allows(t, "a", "b", sg.MustTraffic("tcp/3300-3388"))
	n.Denies(t, "a", "b", sg.MustTraffic("tcp/3389"))
	n.Dial(t, "a", "node", sg.HTTP)
	said := failing(t, func(tb sgtest.TB) { n.Allows(tb, "a", "node", sg.HTTP) })
	assert.Contains(t, said, "drop, table_full")
	repeats(t, said)
	n.Clock.Advance(6 * 24 * time.Hour)
	n.Listen(t, "node", 80)
	_, err := n.Dialer(t, "a").Dial("tcp", "node:80")
	require.NoError(t, err)
	said = failing(t, func(tb sgtest.TB) { n.Allows(tb, "a", "node", sg.HTTP) })
	assert.NotContains(t, said, "As a scenario", "it lacks the program's connection")
}

// Scenarios of failures have whatever decided.
func TestFailureScenarios(t *testing.T) {
	n := newOffice(t, nil)
	n.Dial(t, "a", "node", gre)
	n.Revoke(t, "sg-node", sg.Ingress, gre.From(sg.MustCIDR("10.0.0.0/8")))
	said := failing(t, func(tb sgtest.TB) { n.Denies(tb, "a", "node", gre) })
	assert.Contains(t, said, "a reaches node with gre, and should not")
	repeats(t, said)

	n.Authorize(t, "sg-node", sg.Ingress, sg.HTTPS.From(sg.AnyIPv4))
	n.Authorize(t, "sg-node", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4))
	conn := n.Dial(t, "a", "node", sg.HTTPS) // untracked: rules are asked about each packet
	n.Change(t, func(topo *sg.Topology) {
		topo.Groups[1].Ingress = slices.Insert(topo.Groups[1].Ingress, 0, sg.SSH.From(sg.AnyIPv4))
	})
	said = failing(t, func(tb sgtest.TB) { conn.Dead(tb) })
	repeats(t, said)
	assert.NotContains(t, said, "authorize", "changes before the first packet")
	n.Change(t, func(topo *sg.Topology) { topo.ENIs[2].Groups = []sg.GroupID{"sg-elsewhere"} })
	repeats(t, failing(t, func(tb sgtest.TB) { conn.Dead(tb) }))

	said = failing(t, func(tb sgtest.TB) { n.Allows(tb, "a", "10.2.0.7", sg.SSH) })
	assert.Contains(t, said, "acl-c ingress: drop")
	repeats(t, said)

	n = newOffice(t, &sg.Options{OnChange: sg.ChangeFlush})
	conn = n.Dial(t, "a", "node", sg.HTTP)
	n.Revoke(t, "sg-node", sg.Ingress, sg.HTTP.From(sg.MustCIDR("10.0.0.0/8")))
	repeats(t, failing(t, func(tb sgtest.TB) { conn.Alive(tb) }))
}

// A claim about traffic that cannot be does not hold, and a rule cannot be there twice.
func TestClaimsOfNothing(t *testing.T) {
	n := newOffice(t, nil)
	for want, what := range map[string]sg.Traffic{
		`traffic "": no protocol`:         {},
		"first above last":                {Protocol: sg.TCP, Ports: sg.Ports(10, 5)},
		"outside -1 to 255":               {Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(300, 0)},
		`"Protocol(300)": protocol 300: `: {Protocol: 300},
	} {
		assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Denies(tb, "a", "node", what) }), want)
	}
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Denies(tb, "", "node", sg.SSH) }), `"" is neither`)
	http := sg.HTTP.From(sg.MustCIDR("10.0.0.0/8"))
	assert.Contains(t, failing(t, func(tb sgtest.TB) { assert.False(t, n.Authorize(tb, "sg-node", sg.Ingress, http)) }), "already")
	n.Revoke(t, "sg-node", sg.Ingress, http)
	assert.Contains(t, failing(t, func(tb sgtest.TB) { assert.False(t, n.Revoke(tb, "sg-node", sg.Ingress, http)) }), "to revoke")
}

// Names are any text, in scenarios too.
func TestFailureScenarioNames(t *testing.T) {
	topo, err := sgtest.ParseTopology("names", `
group "my group"
rule "my group" egress all 0.0.0.0/0
rule "my group" ingress tcp 22 10.0.0.0/8
group "#none"
eni "eni a" 10.0.0.8 group="my group"
eni "eni b" 10.0.0.9 group="my group"
`)
	require.NoError(t, err)
	n := sgtest.NewNetwork(t, topo, nil)
	conn := n.Dial(t, "eni a", "eni b", sg.SSH)
	n.SetGroups(t, "eni b", "#none")
	n.Revoke(t, "my group", sg.Ingress, sg.SSH.From(sg.MustCIDR("10.0.0.0/8")))
	repeats(t, failing(t, func(tb sgtest.TB) { conn.Dead(tb) }))
	assert.NotPanics(t, func() { sgtest.NewNetwork(t, nil, nil) })
}
