package diff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

// Of groups that no interface carries nothing is said but that their rules differ, or
// one of them is missing.
func TestUncarried(t *testing.T) {
	policy := func(carried sg.GroupID, groups ...sg.Group) *sg.Policy {
		p, err := sg.Compile(&sg.Topology{Groups: groups, ENIs: []sg.ENI{{ID: "eni-1", Groups: []sg.GroupID{carried}}}})
		require.NoError(t, err)
		return p
	}
	https, ssh := sg.HTTPS.From(sg.AnyIPv4), sg.SSH.From(sg.AnyIPv4)
	https.Description = "is no part of what a rule lets pass"
	before := policy("sg-used",
		sg.Group{ID: "sg-used"}, sg.Group{ID: "sg-same", Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4), ssh}},
		sg.Group{ID: "sg-other", Ingress: []sg.Rule{ssh}}, sg.Group{ID: "sg-gone", Egress: []sg.Rule{https}}, sg.Group{ID: "sg-empty"})
	after := policy("sg-used",
		sg.Group{ID: "sg-used"}, sg.Group{ID: "sg-same", Ingress: []sg.Rule{ssh, https}},
		sg.Group{ID: "sg-other", Egress: []sg.Rule{ssh}})
	d := diff.Policies(before, after)
	assert.Empty(t, d.Changes)
	assert.Equal(t, []sg.GroupID{"sg-gone", "sg-other"}, d.Uncarried)
	var b strings.Builder
	require.NoError(t, diff.WriteMarkdown(&b, d, nil, diff.TextOptions{}))
	assert.Equal(t, "**Security groups:** nothing was found to differ at an interface\n\n"+
		"no interface carries sg-gone, sg-other, whose rules differ: what they will let pass is not compared\n", b.String())
	assert.Empty(t, diff.Policies(policy("sg-other", sg.Group{ID: "sg-other", Ingress: []sg.Rule{ssh}}), policy("sg-used", sg.Group{ID: "sg-used"}, sg.Group{ID: "sg-other"})).Uncarried)
}
