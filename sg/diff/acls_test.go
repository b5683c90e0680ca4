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

// Network ACLs are not compared, and a difference of them is never "nothing differs".
func TestACLsDiffer(t *testing.T) {
	const text = `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
group sg-1
eni eni-a 10.0.1.10 sg-1 vpc=vpc-1 subnet=subnet-a
acl acl-1 vpc=vpc-1 subnet=subnet-a
aclentry acl-1 ingress 100 allow all 0.0.0.0/0
aclentry acl-1 ingress 90 deny all 10.9.0.0/16
`
	world := func(text string) *sg.Policy {
		topo, err := sgtest.ParseTopology("topology", text)
		require.NoError(t, err)
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	before := world(text)
	d := diff.Policies(before, world(strings.ReplaceAll(text, "acl-1", "acl-2"))) // the same, by another id
	assert.Empty(t, d.ACLs)

	d = diff.Policies(before, world(strings.Replace(text, "deny", "allow", 1)))
	assert.Equal(t, []sg.ENIID{"eni-a"}, d.ACLs)
	assert.Empty(t, d.Changes)
	var b bytes.Buffer
	require.NoError(t, d.WriteText(&b, diff.TextOptions{}))
	assert.NotContains(t, b.String(), "nothing differs")
	assert.Contains(t, b.String(), "network ACLs have other entries at eni-a")

	// What captures tell of them names the entry, in place of a group without a name.
	traffic := &diff.Traffic{Report: &replay.Report{}}
	for r := range before.ACLEntries() {
		traffic.Flows = append(traffic.Flows, diff.Flow{After: diff.Fate{Verdict: sg.Drop, Reason: sg.ACLDeny, Rule: r}})
		break
	}
	b.Reset()
	require.NoError(t, traffic.WriteText(&b, diff.TextOptions{}))
	assert.Contains(t, b.String(), "drop, acl_deny by acl-1 ingress 90")
	b.Reset()
	require.NoError(t, diff.WriteJSON(&b, d, traffic))
	assert.Contains(t, b.String(), `"acl": "acl-1"`)
	assert.NotContains(t, b.String(), `"group": ""`)
}
