package sgtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

func TestDiffers(t *testing.T) {
	parse := func(rules string) *sg.Topology {
		topology, err := sgtest.ParseTopology("vpc", "group sg-db\neni eni-db 10.0.2.20 sg-db\n"+rules)
		require.NoError(t, err)
		return topology
	}
	before, after := parse("rule sg-db ingress tcp 5432 10.0.0.0/8"), parse("rule sg-db ingress tcp 5432 10.0.0.0/9\nrule sg-db ingress tcp 22 10.0.0.0/8")
	assert.True(t, sgtest.Differs(t, before, after,
		"broken: ingress of eni-db: tcp 5432 from 10.128.0.0/9", "opened: ingress of eni-db: tcp 22 from 10.0.0.0/8"))
	assert.True(t, sgtest.Differs(t, before, parse("rule sg-db ingress tcp 5432 10.0.0.0/9\nrule sg-db ingress tcp 5432 10.128.0.0/9")))

	var r recorder
	assert.False(t, sgtest.Differs(&r, before, after, "opened: ingress of eni-db: tcp 22 from 10.0.0.0/8", "opened: ingress of eni-db: udp 53 from 10.0.0.0/8"))
	assert.Equal(t, []string{`the topologies do not differ as claimed
not claimed: broken: ingress of eni-db: tcp 5432 from 10.128.0.0/9
    for example tcp 10.128.0.4:40001 > 10.0.2.20:5432 S
not so: opened: ingress of eni-db: udp 53 from 10.0.0.0/8
`}, r.said)
}
