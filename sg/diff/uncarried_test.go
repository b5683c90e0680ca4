package diff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/sgtest"
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

// A new interface shows all that its group lets pass, and hides what its change breaks at
// interfaces that the input lacks.
func TestUnshared(t *testing.T) {
	compare := func(before, after string) *diff.Diff {
		var p [2]*sg.Policy
		for i, text := range [...]string{before, after} {
			topo, err := sgtest.ParseTopology("t", text)
			require.NoError(t, err)
			p[i], err = sg.Compile(topo)
			require.NoError(t, err)
		}
		return diff.Policies(p[0], p[1])
	}
	const was, is = "group sg-app\nrule sg-app ingress tcp 8080 10.0.0.0/8\n", "group sg-app\nrule sg-app ingress tcp 8443 10.0.0.0/8\n"
	for _, tt := range []struct {
		before, after string
		unshared      bool
	}{
		{was, is + "eni app 10.0.0.1 sg-app\n", true},
		{was + "eni app 10.0.0.1 sg-app\n", is, true},
		{was + "eni old 10.0.0.2 sg-app\n", is + "eni app 10.0.0.1 sg-app\n", true},
		{was, "group sg-app\neni app 10.0.0.1 sg-app\n", true}, // all rules revoked
		{was + "eni old 10.0.0.2 sg-app\n", is + "eni old 10.0.0.2 sg-app\neni app 10.0.0.1 sg-app\n", false},
		{"", is + "eni app 10.0.0.1 sg-app\n", false}, // a new group has no other interfaces
		{was, was + "eni app 10.0.0.1 sg-app\n", false},
		{was, is, false},
	} {
		d := compare(tt.before, tt.after)
		assert.Equal(t, tt.unshared, len(d.Unshared) > 0, tt)
		assert.False(t, tt.unshared && len(d.Uncarried) > 0)
	}
	var b strings.Builder
	require.NoError(t, compare(was, is+"eni app 10.0.0.1 sg-app\n").WriteText(&b, diff.TextOptions{}))
	assert.Contains(t, strings.Join(strings.Fields(b.String()), " "), "new: app only interfaces that are new or gone carry sg-app, whose rules differ: what that changes for others is not compared")
}
