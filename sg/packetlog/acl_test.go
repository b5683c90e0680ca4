package packetlog_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// FL-05: the flow log has one record a packet at an interface, ACCEPT for the request
// and REJECT for the answer that the interface's groups admit and the ACL does not. What
// an ACL keeps from coming in is rejected at the interface it was for.
func TestFlowLogACL(t *testing.T) {
	got := flowLog(t, withACLs(t), packetlog.FlowLogOptions{Format: format(t, short)}, replaytest.WithoutAnswers)
	assert.Equal(t, ""+
		"eni-a 10.0.1.10 10.0.2.20 443 1 ACCEPT OK\n"+
		"eni-b 10.0.1.10 10.0.2.20 443 1 ACCEPT OK\n"+
		"eni-b 10.0.2.20 10.0.1.10 40000 1 REJECT OK\n"+
		"eni-b 10.0.1.99 10.0.2.20 443 1 REJECT OK\n", got)
}

// Text, JSON Lines and report name the ACL and the entry, though the flow log cannot
// (NACL-65).
func TestACLHops(t *testing.T) {
	var text, lines bytes.Buffer
	x, j := packetlog.NewText(&text, replay.TextOptions{}), packetlog.NewJSONL(&lines)
	topo := withACLs(t)
	_, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: x}, replaytest.WithoutAnswers)
	require.NoError(t, err)
	r, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: j}, replaytest.WithoutAnswers)
	require.NoError(t, err)
	require.NoError(t, x.Flush())
	require.NoError(t, j.Flush())
	assert.Contains(t, text.String(), `
        eni-a egress: sg-all egress[0] (tcp 443 to 10.0.0.0/8)
        acl-a egress: entry 100 allows all to 0.0.0.0/0
        acl-b ingress: entry 100 allows tcp 443 from 0.0.0.0/0
        eni-b ingress: sg-all ingress[0] (tcp 443 from 10.0.0.0/8)
`)
	assert.Contains(t, text.String(), `
        acl-a egress: entry 100 allows all to 0.0.0.0/0
        acl-b ingress: entry 90 denies all from 10.0.1.99/32
`)
	all := strings.Split(lines.String(), "\n")
	assert.Contains(t, all[1], `"verdict":"drop","reason":"acl_deny","hops":[{"eni":"eni-b","direction":"egress","verdict":"accept","reason":"tracked","group":"sg-all","rule":"ingress[0]"},`+
		`{"acl":"acl-b","direction":"egress","verdict":"drop","reason":"acl_deny","entry":"*"}]}`)

	hits := map[string]uint64{}
	for _, h := range r.ACLEntries {
		if h.Admitted > 0 {
			hits[h.Rule.String()] = h.Admitted
		}
	}
	assert.Equal(t, map[string]uint64{"acl-a egress 100": 2, "acl-b ingress 90": 1, "acl-b ingress 100": 1, "acl-b egress *": 1}, hits)
	text.Reset()
	require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "\n  acl-b ingress\n    90              1  denies all from 10.0.1.99/32\n    100             1  allows tcp 443 from 0.0.0.0/0\n")
	assert.Contains(t, text.String(), "acl-b egress: entry * denies all to 0.0.0.0/0\n")
	assert.NotContains(t, text.String(), "not judged")
}

// An annotated capture has the packet once for each interface that met it, with what the
// ACLs said among its comments, and once at none where an ACL kept it from them all.
func TestAnnotatedACL(t *testing.T) {
	var b bytes.Buffer
	topo := withACLs(t)
	a := packetlog.NewAnnotated(&b, topo, sg.Via{})
	_, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: a}, replaytest.WithoutAnswers)
	require.NoError(t, err)
	require.NoError(t, a.Flush())
	assert.Contains(t, b.String(), "acl-b egress: entry * denies all to 0.0.0.0/0")
	assert.Contains(t, b.String(), "drop, acl_deny")
}
