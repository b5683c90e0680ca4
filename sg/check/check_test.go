package check_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/check"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

// A rule can match nothing for a list whose entries no file told of: of that the loader
// warns. What stands in the rule is a finding, with its place.
func TestFindings(t *testing.T) {
	l := load.New()
	l.Add("groups.json", strings.NewReader(`{"SecurityGroups": [{"GroupId": "sg-a", "GroupName": "a", "IpPermissions": [
 {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-untold"}]},
 {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]}]}`))
	l.Add("lists.json", strings.NewReader(`{"PrefixLists": [{"PrefixListId": "pl-untold", "PrefixListName": "offices", "AddressFamily": "IPv4"}]}`))
	topo, _, err := l.Topology()
	require.NoError(t, err)
	topo.PrefixLists[0].Incomplete = false

	require.Len(t, lint.Check(topo), 2)
	found := check.Findings(lint.Quotas{}, topo, l)
	require.Len(t, found, 1)
	assert.Equal(t, lint.Misleading, found[0].Kind)
	assert.Equal(t, lint.Subject{Group: "sg-a", Dir: sg.Ingress, Index: 1}, found[0].Subject)

	place := check.Place(l)
	assert.Equal(t, "groups.json:3", place(found[0].Subject).String())
	assert.Equal(t, "groups.json:1", place(lint.Subject{Group: "sg-a"}).String())
	assert.Zero(t, place(lint.Subject{ENI: "eni-none"}))
}
