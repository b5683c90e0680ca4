package replay_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/replay"
	"github.com/sgsim/sgsim/sg/sgtest"
)

func withACLs(t testing.TB) *sg.Topology {
	t.Helper()
	topo, err := sgtest.ParseTopology("topology", `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/24
group sg-all
rule sg-all ingress tcp 443 10.0.0.0/8
rule sg-all egress tcp 443 10.0.0.0/8
eni eni-a 10.0.1.10 sg-all vpc=vpc-1 subnet=subnet-a
eni eni-b 10.0.2.20 sg-all vpc=vpc-1 subnet=subnet-b
acl acl-a vpc=vpc-1 subnet=subnet-a
aclentry acl-a ingress 100 allow all 0.0.0.0/0
aclentry acl-a egress 100 allow all 0.0.0.0/0
acl acl-b vpc=vpc-1 subnet=subnet-b
aclentry acl-b ingress 90 deny all 10.0.1.99/32
aclentry acl-b ingress 100 allow tcp 443 0.0.0.0/0
aclentry acl-b egress 100 allow tcp 443 0.0.0.0/0
`)
	require.NoError(t, err)
	return topo
}

var withoutAnswers = script{
	"0 tcp 10.0.1.10:40000 > 10.0.2.20:443 S",
	"1 tcp 10.0.2.20:443 > 10.0.1.10:40000 SA",
	"2 tcp 10.0.1.99:40000 > 10.0.2.20:443 S",
}

// FL-05: the flow log has one record a packet at an interface, ACCEPT for the request
// and REJECT for the answer that the interface's groups admit and the ACL does not. What
// an ACL keeps from coming in is rejected at the interface it was for.
func TestFlowLogACL(t *testing.T) {
	got := flowLog(t, withACLs(t), replay.FlowLogOptions{Format: format(t, short)}, withoutAnswers)
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
	x, j := replay.NewText(&text, replay.TextOptions{}), replay.NewJSONL(&lines)
	topo := withACLs(t)
	_, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: x}, withoutAnswers)
	require.NoError(t, err)
	r, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: j}, withoutAnswers)
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

// A flow log of traffic that ACLs deny agrees with what its records are judged to be, and
// the verdict names the entry that the log cannot.
func TestFlowRecordsACL(t *testing.T) {
	topo, f := withACLs(t), flowlog.AllFields(5)
	log := flowLog(t, topo, replay.FlowLogOptions{Format: f}, withoutAnswers)
	reasons := map[string]int{}
	report, _ := judgeLog(t, topo, f, log, func(r *replay.FlowRecord) {
		assert.NotEqual(t, replay.Disagree, r.Agreement(), "%s: %v %v", f.AppendRecord(nil, r.Record), r.Verdict, r.Decision)
		reasons[r.Decision.String()]++
	})
	assert.Equal(t, map[string]int{
		"accept rule sg-all egress[0]": 1, "accept rule sg-all ingress[0]": 1,
		"drop acl_deny acl-b egress *": 1, "drop acl_deny acl-b ingress 90": 1,
	}, reasons)
	assert.Equal(t, uint64(4), report.Agreeing.Records)
}

// What AWS admitted and an ACL of the topology denies is a fault of the ACL as given.
func TestFlowRecordsACLNotGiven(t *testing.T) {
	topo, f := withACLs(t), flowlog.AllFields(5)
	bare := withACLs(t)
	bare.NetworkACLs = nil
	log := flowLog(t, bare, replay.FlowLogOptions{Format: f}, withoutAnswers)
	report, text := judgeLog(t, topo, f, log, nil)
	var causes []replay.Cause
	for _, d := range report.Disagreements {
		causes = append(causes, d.Cause)
	}
	assert.Equal(t, []replay.Cause{replay.ACLNotGiven, replay.ACLNotGiven}, causes)
	assert.Contains(t, text, "acl-b: entry * denies")
	assert.Contains(t, text, "acl-b: entry 90 denies all")
	assert.NotContains(t, text, "fault of the model")
}

// An annotated capture has the packet once for each interface that met it, with what the
// ACLs said among its comments, and once at none where an ACL kept it from them all.
func TestAnnotatedACL(t *testing.T) {
	var b bytes.Buffer
	topo := withACLs(t)
	a := replay.NewAnnotated(&b, topo, sg.Via{})
	_, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: a}, withoutAnswers)
	require.NoError(t, err)
	require.NoError(t, a.Flush())
	assert.Contains(t, b.String(), "acl-b egress: entry * denies all to 0.0.0.0/0")
	assert.Contains(t, b.String(), "drop, acl_deny")
}
