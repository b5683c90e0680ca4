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

func loaded(t *testing.T, inputs map[string]string) (*sg.Topology, *load.Loader) {
	t.Helper()
	l := load.New()
	for name, text := range inputs {
		l.Add(name, strings.NewReader(text))
	}
	topo, _, err := l.Topology()
	require.NoError(t, err)
	return topo, l
}

const listed = `{"SecurityGroups": [{"GroupId": "sg-a", "GroupName": "a", "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-1"}]},
  {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "PrefixListIds": [{"PrefixListId": "pl-2"}]}]}]}`

// What a rule means is found whether or not its list's entries are there; that these are
// missing is a fault of the input, and none of the rule.
func TestUnsuppliedEntries(t *testing.T) {
	const icmp = `{"SecurityGroups": [{"GroupId": "sg-a", "GroupName": "a", "IpPermissions": [
  {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "PrefixListIds": [{"PrefixListId": "pl-1"}]}]}]}`
	const list = `{"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": "IPv6", "MaxEntries": 5}]}`
	for name, c := range map[string]struct {
		inputs map[string]string
		want   []string
	}{
		"listed, not told": {map[string]string{"groups.json": listed}, nil},
		"listed, none":     {map[string]string{"groups.json": listed, "pl-2=e.json": `{"Entries": []}`}, []string{"pl-2 has no entries now"}},
		"icmp, not told":   {map[string]string{"groups.json": icmp, "lists.json": list}, []string{"icmp with an IPv6 peer: ping over IPv6 is icmpv6"}},
		"icmp, told": {map[string]string{"groups.json": icmp, "lists.json": list, "pl-1=e.json": `{"Entries": [{"Cidr": "2001:db8::/32"}]}`},
			[]string{"icmp with an IPv6 peer: ping over IPv6 is icmpv6"}},
	} {
		topo, _ := loaded(t, c.inputs)
		var never []string
		for _, f := range lint.Check(topo) {
			if f.Kind == lint.NeverMatches {
				never = append(never, f.Text)
			}
		}
		assert.Equal(t, c.want, never, name)
	}
}

// Each subject has the place at which its file tells of it; what no file does has none.
func TestPlace(t *testing.T) {
	_, l := loaded(t, map[string]string{
		"groups.json": listed,
		"enis.json": `{"NetworkInterfaces": [
  {"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1", "Groups": [{"GroupId": "sg-a"}]}]}`,
		"acls.json": `{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "Entries": [
  {"RuleNumber": 100, "Protocol": "6", "RuleAction": "allow", "Egress": false, "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 1, "To": 2}},
  {"RuleNumber": 200, "Protocol": "-1", "RuleAction": "deny", "Egress": true, "CidrBlock": "0.0.0.0/0"}]}]}`,
	})
	place := check.Place(l)
	for _, c := range []struct {
		subject lint.Subject
		want    string
	}{
		{lint.Subject{Group: "sg-a"}, "groups.json:1"},
		{lint.Subject{Group: "sg-a", Dir: sg.Ingress, Index: 1}, "groups.json:3"},
		{lint.Subject{ENI: "eni-1"}, "enis.json:2"},
		{lint.Subject{ACL: "acl-1", Dir: sg.Egress, Number: 200}, "acls.json:3"},
		{lint.Subject{ACL: "acl-1"}, "acls.json:1"},
		{lint.Subject{Group: "sg-b"}, ""},
		{lint.Subject{}, ""},
	} {
		at := place(c.subject)
		assert.Equal(t, c.want, at.String(), "%v", c.subject)
	}
}
