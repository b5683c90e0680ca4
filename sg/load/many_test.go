package load_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/load"
)

// Much on one line, as Terraform prints it, takes no longer for each thing than a
// little does: where places were counted from the start of the line, and entries
// and subnets found by looking at all others, this took minutes.
func TestMuchOnOneLine(t *testing.T) {
	const n = 30_000
	many := func(one string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.NewReplacer("HI", strconv.Itoa(i>>8), "LO", strconv.Itoa(i&255)).Replace(one))
		}
		return b.String()
	}
	l := load.New()
	l.Add("groups.json", strings.NewReader(group(many(`{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.HI.LO.0/24"}]}`), "")))
	l.Add("lists.json", strings.NewReader(`{"PrefixLists": [{"PrefixListId": "pl-1", "Cidrs": [`+many(`"10.HI.LO.0/24"`)+`]}]}`))
	l.Add("subnets.json", strings.NewReader(`{"Subnets": [`+many(`{"VpcId": "vpc-1", "CidrBlock": "10.HI.LO.0/24", "SubnetId": "subnet-HI-LO"}`)+`]}`))
	topo, _, err := l.Topology()
	require.NoError(t, err)
	assert.Len(t, topo.Groups[0].Ingress, n)
	assert.Len(t, topo.PrefixLists[0].Entries, n)
	assert.Len(t, topo.VPCs[0].Subnets, n)
}
