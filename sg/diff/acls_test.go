package diff_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/replay"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// aclWorld is a web server in a subnet whose ACL has the entries, beside a neighbour.
func aclWorld(t *testing.T, entries ...string) *sg.Topology {
	text := `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
group sg-1
rule sg-1 ingress tcp 443 0.0.0.0/0
eni eni-a 10.0.1.10 sg-1 vpc=vpc-1 subnet=subnet-a
eni eni-b 10.0.1.11 sg-1 vpc=vpc-1 subnet=subnet-a
acl acl-1 vpc=vpc-1 subnet=subnet-a
`
	for _, e := range entries {
		text += "aclentry acl-1 " + e + "\n"
	}
	topo, err := sgtest.ParseTopology("topology", text)
	require.NoError(t, err)
	return topo
}

// What an ACL opens and breaks is what the groups admit of it, with its entries as
// causes; within the subnet it is not asked.
func TestACLChanges(t *testing.T) {
	all := []string{"ingress 100 allow all 0.0.0.0/0", "egress 100 allow all 0.0.0.0/0"}
	for name, tt := range map[string]struct {
		before, after []string
		want          []string
	}{
		"denied before what is allowed": {all, append([]string{"ingress 90 deny all 10.0.0.0/8"}, all...), []string{
			"broken: ingress of eni-a, eni-b: tcp 443 from 10.0.0.0/8 but 10.0.1.0/24"}},
		"denied behind what is allowed":  {all, append([]string{"ingress 110 deny all 10.0.0.0/8"}, all...), []string{}},
		"denied, and no group admits it": {all, append([]string{"ingress 90 deny tcp 22 0.0.0.0/0"}, all...), []string{}},
		"allowed": {append([]string{"ingress 90 deny tcp 400-500 0.0.0.0/0"}, all...), all, []string{
			"opened: ingress of eni-a, eni-b: tcp 443 from 0.0.0.0/0 but 10.0.1.0/24"}},
		"no answer": {all, []string{all[0], "egress 100 allow tcp 443 0.0.0.0/0"}, []string{
			"unanswered: egress of eni-a, eni-b: answers tcp 1024-65535 to 0.0.0.0/0 but 10.0.1.0/24"}},
		"no answer to some ports": {all, []string{all[0], "egress 100 allow tcp 32768-61000 0.0.0.0/0"}, []string{
			"unanswered: egress of eni-a, eni-b: answers tcp 1024-32767, tcp 61001-65535 to 0.0.0.0/0 but 10.0.1.0/24"}},
	} {
		assert.Equal(t, tt.want, lines(t, aclWorld(t, tt.before...), aclWorld(t, tt.after...)), name)
	}
}

// Equal ACLs differ in nothing, however they are written.
func TestEqualACLs(t *testing.T) {
	egress := "egress 100 allow all 0.0.0.0/0"
	for name, w := range map[string][2][]string{
		"halves":    {{"ingress 100 allow all 0.0.0.0/0"}, {"ingress 100 allow all 0.0.0.0/1", "ingress 110 allow all 128.0.0.0/1"}},
		"numbers":   {{"ingress 100 allow tcp 443 10.0.0.0/8", "ingress 90 deny tcp 443 10.9.0.0/16"}, {"ingress 300 allow tcp 443 10.0.0.0/8", "ingress 7 deny tcp 443 10.9.0.0/16"}},
		"ports":     {{"ingress 100 allow tcp 0-65535 10.0.0.0/8"}, {"ingress 100 allow tcp 0-443 10.0.0.0/8", "ingress 99 allow tcp 300-65535 10.0.0.0/8"}},
		"useless":   {{"ingress 100 allow all 10.0.0.0/8"}, {"ingress 100 allow all 10.0.0.0/8", "ingress 110 deny all 10.9.0.0/16", "ingress 120 deny tcp 1-2 0.0.0.0/0"}},
		"hole":      {{"ingress 90 deny all 10.0.0.0/9", "ingress 100 allow all 10.0.0.0/8"}, {"ingress 100 allow all 10.128.0.0/9"}},
		"in subnet": {{"ingress 100 allow all 10.0.0.0/8"}, {"ingress 90 deny all 10.0.1.0/24", "ingress 100 allow all 10.0.0.0/8"}},
	} {
		for _, i := range []int{0, 1} {
			before, after := aclWorld(t, append(w[i], egress)...), aclWorld(t, append(w[1-i], egress)...)
			assert.Empty(t, lines(t, before, after), name)
			after.NetworkACLs[0].ID = "acl-2"
			assert.Empty(t, lines(t, before, after), name)
		}
	}
}

// Entries are causes, and an ACL that one side alone knows is said.
func TestACLCauses(t *testing.T) {
	before := aclWorld(t, "ingress 100 allow all 0.0.0.0/0", "egress 100 allow all 0.0.0.0/0")
	after := aclWorld(t, "ingress 100 allow all 0.0.0.0/0", "ingress 50 deny all 198.51.100.0/24", "ingress 60 deny tcp 1-100 198.51.0.0/16", "egress 100 allow tcp 1-1024 0.0.0.0/0")
	written := func(before, after *sg.Topology) string {
		var b bytes.Buffer
		d := diff.Policies(compile(t, before), compile(t, after))
		require.NoError(t, d.WriteText(&b, diff.TextOptions{}))
		require.NoError(t, diff.WriteJSON(&b, d, nil))
		return b.String()
	}
	s := written(before, after)
	assert.Contains(t, s, `
broken: ingress of eni-a, eni-b
  packets  tcp 443 from 198.51.100.0/24
  before   accept, sg-1: tcp 443 from 0.0.0.0/0, acl-1 ingress 100
  after    drop, acl-1 ingress 50
  try      tcp 198.51.100.7:40001 > 10.0.1.10:443 S
`)
	assert.Contains(t, s, `
unanswered: egress of eni-a, eni-b
  packets  answers tcp 1025-65535 to 0.0.0.0/0 but 10.0.1.0/24, 198.51.100.0/24
  before   accept, acl-1 egress 100
  after    drop, acl-1 egress *
  opened   tcp 203.0.113.7:40001 > 10.0.1.10:443 S
  try      tcp 10.0.1.10:443 > 203.0.113.7:40001 SA
`)
	assert.Contains(t, s, `"acl": "acl-1"`)
	assert.NotContains(t, s, "side alone")

	unknown := *before
	unknown.NetworkACLs = nil
	s = written(&unknown, after)
	assert.Contains(t, s, "known on only one side, so not judged on the other: the network ACL at eni-a,\n         eni-b\n")
	assert.Contains(t, s, "accept, sg-1: tcp 443 from 0.0.0.0/0\n")
}

// What captures tell of ACLs names the entry, in place of a group without a name.
func TestTrafficNamesEntries(t *testing.T) {
	p := compile(t, aclWorld(t, "ingress 90 deny all 10.9.0.0/16"))
	traffic := &diff.Traffic{Report: &replay.Report{}}
	for r := range p.ACLEntries() {
		traffic.Flows = append(traffic.Flows, diff.Flow{After: diff.Fate{Verdict: sg.Drop, Reason: sg.ACLDeny, Rule: r}})
		break
	}
	var b strings.Builder
	require.NoError(t, traffic.WriteText(&b, diff.TextOptions{}))
	assert.Contains(t, b.String(), "drop, acl_deny by acl-1 ingress 90")
	b.Reset()
	require.NoError(t, diff.WriteJSON(&b, diff.Policies(p, p), traffic))
	assert.Contains(t, b.String(), `"acl": "acl-1"`)
	assert.NotContains(t, b.String(), `"group": ""`)
}
