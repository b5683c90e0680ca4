package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const pending = `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/28
subnet vpc-1 subnet-6 10.0.3.0/28 2001:db8:0:3::/64
group sg-app vpc=vpc-1
group sg-db vpc=vpc-1
rule sg-app egress all 0.0.0.0/0
rule sg-app ingress tcp 80 2001:db8::/32
rule sg-db ingress tcp 5432 sg-app
rule sg-db ingress tcp 22 10.0.1.0/24
rule sg-db ingress tcp 9100 10.0.1.16/28
rule sg-db ingress udp 53 10.0.1.0/30
rule sg-db ingress udp 123 10.0.1.77/32
rule sg-db ingress tcp 25 10.0.0.0/9
eni other 10.0.1.4 10.0.1.77 sg-db vpc=vpc-1
eni app-0 sg-app vpc=vpc-1 subnet=subnet-a
eni app-1 sg-app vpc=vpc-1 subnet=subnet-a
eni six sg-app vpc=vpc-1 subnet=subnet-6
eni loose sg-app vpc=vpc-1
eni nowhere sg-app
eni db sg-db vpc=vpc-1 subnet=subnet-b
`

func TestStandIns(t *testing.T) {
	parse := func(text string) *sg.Topology {
		topo, err := sgtest.ParseTopology("t", text)
		require.NoError(t, err)
		return topo
	}
	before, after := parse(strings.Replace(pending, "eni db sg-db", "eni db 10.0.2.9 sg-db", 1)), parse(strings.ReplaceAll(pending, "eni app-1 ", "rule sg-db ingress tcp 99 10.0.2.0/29\nrule sg-db ingress tcp 99 10.0.2.8/29\neni app-2 "))
	all, notes := diff.StandIns(before, after)
	assert.False(t, all)
	assert.Equal(t, []string{
		"not known yet: addresses for which others stand here that no rule singles out, 10.0.1.5 for app-0, 10.0.1.6 for app-2, 10.0.3.4 for six, 10.0.0.4 for loose, and 2 more",
		"not known yet: the address of db, on which verdicts depend: rules that name their groups are not compared; -eni can give one",
	}, notes)
	for _, topo := range []*sg.Topology{before, after} {
		assert.Equal(t, "[10.0.1.5]", fmt.Sprint(topo.ENIs[1].Addrs), "the same before and after")
		_, err := sg.Compile(topo)
		assert.NoError(t, err)
	}
	all, notes = diff.StandIns(parse("eni a 10.0.0.1 managed\neni b managed type=efa-only"), parse("eni a 10.0.0.1 managed"))
	assert.True(t, all)
	assert.Empty(t, notes)
}
