package load_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
)

// worlds returns what a plan finds and what it makes.
func worlds(t *testing.T, plan string) (before, after *sg.Topology) {
	t.Helper()
	read := func(stage func(*load.Loader)) *sg.Topology {
		l := load.New()
		stage(l)
		l.Add("plan.json", strings.NewReader(plan))
		topo, _, err := l.Topology()
		require.NoError(t, err)
		return topo
	}
	return read((*load.Loader).Before), read((*load.Loader).After)
}

// A plan alone tells both worlds, and what it replaces is the same thing in both: a group
// with its rules, an instance, what refers to them.
func TestStages(t *testing.T) {
	const groupBefore = `{"id": "sg-a", "name": "a"}`
	const instanceBefore = `{"id": "i-1", "primary_network_interface_id": "eni-1", "private_ip": "10.0.0.1", "vpc_security_group_ids": ["sg-a"]}`
	change := func(address, kind, before string, actions ...string) obj {
		return obj{"address": address, "mode": "managed", "type": kind, "change": obj{"actions": actions, "before": json.RawMessage(before)}}
	}
	plan := tfText{
		values: []string{
			`aws_security_group.a {"name": "a"}`,
			`aws_security_group.kept {"id": "sg-k", "name": "kept"}`,
			`aws_vpc_security_group_ingress_rule.r {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "10.0.0.0/8"}`,
			`aws_vpc_security_group_ingress_rule.k {"security_group_id": "sg-k", "ip_protocol": "tcp", "from_port": 80, "to_port": 80}`,
			`aws_instance.i {"private_ip": "10.0.0.2"}`,
		},
		config: []string{
			`aws_security_group.a`, `aws_security_group.kept`,
			`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id`,
			`aws_vpc_security_group_ingress_rule.k referenced_security_group_id=aws_security_group.a.id`,
			`aws_instance.i vpc_security_group_ids=aws_security_group.a.id`,
		},
		prior: []string{
			`aws_security_group.a ` + groupBefore,
			`aws_security_group.kept {"id": "sg-k", "name": "kept"}`,
			`aws_vpc_security_group_ingress_rule.r {"id": "sgr-1", "security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 21, "to_port": 21, "cidr_ipv4": "10.0.0.0/8"}`,
			`aws_vpc_security_group_ingress_rule.k {"id": "sgr-2", "security_group_id": "sg-k", "ip_protocol": "tcp", "from_port": 80, "to_port": 80, "referenced_security_group_id": "sg-a"}`,
			`aws_instance.i ` + instanceBefore,
		},
		changes: []map[string]any{
			change("aws_security_group.a", "aws_security_group", groupBefore, "delete", "create"),
			change("aws_instance.i", "aws_instance", instanceBefore, "create", "delete"),
		},
	}.plan()
	before, after := worlds(t, plan)
	for _, topo := range []*sg.Topology{before, after} {
		require.Len(t, topo.Groups, 2)
		assert.Equal(t, sg.GroupID("sg-a"), topo.Groups[0].ID)
		assert.Equal(t, sg.GroupID("sg-k"), topo.Groups[1].ID)
		require.Len(t, topo.Groups[1].Ingress, 1)
		assert.Equal(t, sg.GroupID("sg-a"), topo.Groups[1].Ingress[0].Peer.Group)
		require.Len(t, topo.ENIs, 1)
		assert.Equal(t, sg.ENIID("eni-1"), topo.ENIs[0].ID)
		assert.Equal(t, []sg.GroupID{"sg-a"}, topo.ENIs[0].Groups)
	}
	assert.Equal(t, "10.0.0.1", before.ENIs[0].Addrs[0].String())
	assert.Equal(t, "10.0.0.2", after.ENIs[0].Addrs[0].String())
	assert.Equal(t, "tcp 21 10.0.0.0/8", before.Groups[0].Ingress[0].String())
	assert.Equal(t, "tcp 22 10.0.0.0/8", after.Groups[0].Ingress[0].String())

	before, _ = worlds(t, tfText{values: []string{`aws_security_group.a {"name": "a"}`}, config: []string{`aws_security_group.a`}}.plan())
	assert.Empty(t, before.Groups)
}

// What is replaced keeps the addresses that AWS has yet to choose, unless it moves.
func TestStagesOfAddresses(t *testing.T) {
	const was = `{"id": "i-1", "primary_network_interface_id": "eni-1", "subnet_id": "s-1", "private_ip": "10.0.0.1", "ipv6_addresses": ["2001:db8::1"], "vpc_security_group_ids": ["sg-a"]}`
	for planned, want := range map[string][2]string{
		`{"subnet_id": "s-1", "vpc_security_group_ids": ["sg-a"]}`:                           {"[10.0.0.1 2001:db8::1]", "[10.0.0.1 2001:db8::1]"},
		`{"subnet_id": "s-1", "private_ip": "10.0.0.2", "vpc_security_group_ids": ["sg-a"]}`: {"[10.0.0.2 2001:db8::1]", "[2001:db8::1]"},
		`{"subnet_id": "s-2", "vpc_security_group_ids": ["sg-a"]}`:                           {"[]", "[]"},
		`{"vpc_security_group_ids": ["sg-a"]}`:                                               {"[]", "[]"},
	} {
		l := load.New()
		l.After()
		l.Add("plan.json", strings.NewReader(tfText{values: []string{`aws_instance.i ` + planned}, prior: []string{`aws_instance.i ` + was},
			changes: []map[string]any{{"address": "aws_instance.i", "mode": "managed", "type": "aws_instance",
				"change": obj{"actions": []string{"delete", "create"}, "before": json.RawMessage(was)}}}}.plan()))
		after, _, err := l.Topology()
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{fmt.Sprint(after.ENIs[0].Addrs), fmt.Sprint(l.Kept("eni-1"))}, planned)
	}
}

// The default ACL of a VPC is the same in both worlds, if the plan does not speak of it
// (NACL-77).
func TestStagesOfDefaultACL(t *testing.T) {
	values := []string{`aws_vpc.v {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "default_network_acl_id": "acl-d"}`, `aws_network_acl.n {"id": "acl-1", "vpc_id": "vpc-1"}`}
	before, after := worlds(t, tfText{values: values, prior: values}.plan())
	for _, topo := range []*sg.Topology{before, after} {
		require.Len(t, topo.NetworkACLs, 2)
		assert.Equal(t, sg.NetworkACLID("acl-d"), topo.NetworkACLs[1].ID)
		assert.Len(t, topo.NetworkACLs[1].Ingress, 1)
	}
}

// A part that a plan replaces (a rule, an entry of an ACL) is what it was before, and
// what it becomes after, and not both, where the whole shows the old one too.
func TestStagesOfParts(t *testing.T) {
	const (
		group = `aws_security_group.a {"id": "sg-a", "name": "a", "ingress": [{"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["10.0.0.0/8"]}]}`
		acl   = `aws_network_acl.n {"id": "acl-1", "vpc_id": "vpc-1", "ingress": [{"rule_no": 100, "action": "deny", "protocol": "6", "cidr_block": "10.0.0.0/8", "from_port": 22, "to_port": 22}]}`
		rule  = `{"id": "sgrule-1", "security_group_id": "sg-a", "type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8"]}`
		entry = `{"id": "nacl-1", "network_acl_id": "acl-1", "rule_number": 100, "egress": false, "protocol": "6", "rule_action": "deny", "cidr_block": "10.0.0.0/8", "from_port": 22, "to_port": 22}`
	)
	change := func(address, kind, before string) obj {
		return obj{"address": address, "mode": "managed", "type": kind, "change": obj{"actions": []string{"delete", "create"}, "before": json.RawMessage(before)}}
	}
	before, after := worlds(t, tfText{
		values: []string{
			group, acl,
			`aws_security_group_rule.r {"security_group_id": "sg-a", "type": "ingress", "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"]}`,
			`aws_network_acl_rule.e ` + strings.Replace(entry, "deny", "allow", 1),
		},
		config: []string{`aws_security_group.a`, `aws_network_acl.n`},
		prior:  []string{group, acl, `aws_security_group_rule.r ` + rule, `aws_network_acl_rule.e ` + entry},
		changes: []map[string]any{
			change("aws_security_group_rule.r", "aws_security_group_rule", rule),
			change("aws_network_acl_rule.e", "aws_network_acl_rule", entry),
		},
	}.plan())
	for topo, want := range map[*sg.Topology]string{before: "tcp 22 10.0.0.0/8", after: "tcp 443 10.0.0.0/8"} {
		require.Len(t, topo.Groups[0].Ingress, 1)
		assert.Equal(t, want, topo.Groups[0].Ingress[0].String())
		require.Len(t, topo.NetworkACLs[0].Ingress, 1)
		assert.Equal(t, topo == after, topo.NetworkACLs[0].Ingress[0].Allow)
	}
}
