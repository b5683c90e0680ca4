package sgtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

func TestTraceIsAScenario(t *testing.T) {
	topo, err := sgtest.ParseTopology("t", "group sg-a\nrule sg-a ingress tcp 443 0.0.0.0/0\nrule sg-a egress tcp 443 sg-a\n"+
		"eni eni-1 10.0.0.1 sg-a\neni eni-2 10.0.0.2 sg-a\n")
	require.NoError(t, err)
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	opts := &sg.Options{Midstream: sg.MidstreamPass}
	fw := sg.NewFirewall(policy, opts)
	trace := sgtest.NewTrace(topo, opts)

	start, at := time.Unix(0, 0), 0*time.Second
	header := func(s string) *packet.Header {
		h, err := packet.ParseHeader(s)
		require.NoError(t, err)
		return &h
	}
	h := header("tcp 10.0.0.1:1000 > 10.0.0.2:443 S")
	o := fw.Forward(sg.Packet{Header: h, Time: start.Add(at)})
	trace.Forward(at, sg.Via{}, h, &o)
	at = 1500 * time.Millisecond
	h = header("tcp 10.0.0.1:1001 > 10.0.0.2:443 S")
	trace.Evaluate(at, "eni-1", sg.Egress, sg.Via{Appliance: true}, h,
		fw.ENI("eni-1").Evaluate(sg.Egress, sg.Packet{Header: h, Time: start.Add(at), Via: sg.Via{Appliance: true}}))
	at = 2 * time.Second
	require.NoError(t, fw.Revoke("sg-a", sg.Ingress, topo.Groups[0].Ingress[0], start.Add(at)))
	trace.Change(at, "revoke sg-a ingress "+topo.Groups[0].Ingress[0].String())
	h = header("tcp 10.0.0.1:1002 > 10.0.0.2:443 S")
	o = fw.Forward(sg.Packet{Header: h, Time: start.Add(at)})
	trace.Forward(at, sg.Via{}, h, &o)

	assert.Equal(t, `group sg-a
rule sg-a ingress tcp 443 0.0.0.0/0
rule sg-a egress tcp 443 sg-a
eni eni-1 10.0.0.1 sg-a
eni eni-2 10.0.0.2 sg-a
option midstream=pass

@0s forward tcp 10.0.0.1:1000 > 10.0.0.2:443 S                       accept  rule
    eni-1 egress   accept  rule sg-a egress[0]
    eni-2 ingress  accept  rule sg-a ingress[0]
@1.5s eni-1 egress via appliance tcp 10.0.0.1:1001 > 10.0.0.2:443 S  drop    no_rule
@2s revoke sg-a ingress tcp 443 0.0.0.0/0
@2s forward tcp 10.0.0.1:1002 > 10.0.0.2:443 S                       drop    no_rule
    eni-1 egress   accept  rule sg-a egress[0]
    eni-2 ingress  drop    no_rule
`, trace.String())
	assert.NoError(t, parse(t, trace.String()).Run())
}
