package load

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/internal/errlist"
)

// stepsOf returns what following the references of a plan cost.
func stepsOf(t *testing.T, plan any) (int, *problems) {
	t.Helper()
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	b := newBuilder()
	src := &source{name: "plan.json", p: &b.problems}
	docs, bad := src.read(string(text))
	require.Nil(t, bad)
	root := &cursor{src: src, n: docs[0]}
	d := b.tfDoc(root.field(terraformKey), true)
	d.read()
	return d.steps, &b.problems
}

type obj = map[string]any

// A rules plan has n groups and n rules; references of the rules lead through more
// modules.
func rulesPlan(n int, references []string, modules obj) obj {
	const group, rule = "aws_security_group", "aws_vpc_security_group_ingress_rule"
	values := []obj{}
	for i := range n {
		values = append(values,
			obj{"address": fmt.Sprintf("%s.g[%q]", group, fmt.Sprint(i)), "mode": "managed", "type": group, "name": "g", "index": fmt.Sprint(i), "values": obj{}},
			obj{"address": fmt.Sprintf("%s.r[%q]", rule, fmt.Sprint(i)), "mode": "managed", "type": rule, "name": "r", "index": fmt.Sprint(i),
				"values": obj{"ip_protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_ipv4": "10.0.0.0/8"}})
	}
	config := obj{"module_calls": modules, "resources": []obj{
		{"mode": "managed", "type": group, "name": "g", "for_each_expression": obj{}},
		{"mode": "managed", "type": rule, "name": "r", "for_each_expression": obj{}, "expressions": obj{"security_group_id": obj{"references": references}}},
	}}
	return obj{terraformKey: "1.2", "planned_values": obj{"root_module": obj{"resources": values}}, "configuration": obj{"root_module": config}}
}

// multiplying is a chain of modules, each of whose outputs refers to all of the
// next.
func multiplying(depth, fan int) (modules obj, references []string) {
	for i := range fan {
		references = append(references, fmt.Sprintf("module.m.o%d", i))
	}
	module := obj{}
	for range depth {
		outputs := obj{}
		for i := range fan {
			outputs[fmt.Sprintf("o%d", i)] = obj{"expression": obj{"references": references}}
		}
		module = obj{"outputs": outputs, "module_calls": obj{"m": obj{"module": module}}}
	}
	return obj{"m": obj{"module": module}}, references
}

// Twice the input costs twice the steps.
func TestReferencesAreLinear(t *testing.T) {
	for _, tc := range []struct {
		name string
		plan func(n int) obj
	}{
		{"one instance each", func(n int) obj { return rulesPlan(n, []string{"aws_security_group.g", "each.key"}, nil) }},
		{"any instance", func(n int) obj { return rulesPlan(n, []string{"aws_security_group.g"}, nil) }},
		{"nothing there", func(n int) obj { return rulesPlan(n, []string{"aws_x.y.z"}, nil) }},
		{"outputs that multiply", func(n int) obj {
			modules, refs := multiplying(n/100, 10)
			return rulesPlan(n, refs, modules)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			once, _ := stepsOf(t, tc.plan(1000))
			twice, _ := stepsOf(t, tc.plan(2000))
			assert.Less(t, twice, 5*once/2)
			assert.Less(t, once, 20*1000, "a few for each of the rules")
			assert.Positive(t, once)
		})
	}
}

// What a plan cannot tell in bounded time is an error, said once.
func TestReferencesAreBounded(t *testing.T) {
	refs := []string{"each.key"}
	for i := range 3000 {
		refs = append(refs, fmt.Sprintf("aws_x.y%d.z", i))
	}
	steps, found := stepsOf(t, rulesPlan(3000, refs, nil))
	assert.Greater(t, steps, maxSteps)
	require.Len(t, found.errs, 1)
	assert.EqualError(t, found.errs[0], "plan.json:1: format_version: the references of this plan take more than 5000000 steps to follow: they multiply")
}

// Nothing that may come many times is compared with all others.
func TestSet(t *testing.T) {
	var s set[int]
	var list []int
	for i := range 40 {
		s.add(&list, i, i/2)
		assert.Len(t, list, i+1)
		assert.Equal(t, i >= 15, s.has != nil, i)
	}
}

// All lists that one thing may have many of are sets.
func TestListsAreSets(t *testing.T) {
	many := func(one string) string {
		var items []string
		for i := range 50 {
			items = append(items, strings.ReplaceAll(one, "#", fmt.Sprint(i)))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	l := New()
	l.Add("x", strings.NewReader(`{"SecurityGroups": `+many(`{"GroupId": "sg-#"}`)+`,
		"SecurityGroupVpcAssociations": `+many(`{"GroupId": "sg-0", "VpcId": "vpc-#"}`)+`,
		"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": `+many(`{"GroupId": "sg-#"}`)+`,
			"PrivateIpAddresses": `+many(`{"PrivateIpAddress": "10.0.0.#", "Association": {"PublicIp": "192.0.2.#"}}`)+`,
			"Ipv4Prefixes": `+many(`{"Ipv4Prefix": "10.1.#.0/28"}`)+`}],
		"Vpcs": [{"VpcId": "vpc-1", "CidrBlockAssociationSet": `+many(`{"CidrBlock": "10.#.0.0/16"}`)+`}],
		"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "Ipv6CidrBlockAssociationSet": `+many(`{"Ipv6CidrBlock": "2001:db8:#::/64"}`)+`}]}`))
	_, _, err := l.Topology()
	require.NoError(t, err)
	e, v := l.built.enis.of["eni-1"], l.built.vpcs.of["vpc-1"]
	assert.Len(t, l.built.groups.of["sg-0"].associations.has, 50)
	assert.Len(t, e.addrs.has, 50)
	assert.Len(t, e.public.has, 50)
	assert.Len(t, e.prefixes.has, 50)
	assert.Len(t, e.groups.has, 50)
	assert.Len(t, v.cidrs.has, 50)
	assert.Len(t, v.subnets.of["subnet-1"].cidrs.has, 50)
}

func TestManyProblems(t *testing.T) {
	l := New()
	const n = 2500
	l.Add("x", strings.NewReader(`{"SecurityGroups": [`+strings.Repeat(`{}, `, n)+`{}], "Vpcs": [`+strings.Repeat("0,\n", 1000)+`0]}`))
	_, _, err := l.Topology()
	errs := errlist.Of(err)
	require.Len(t, errs, maxProblems+1)
	assert.EqualError(t, errs[0], "x:1: SecurityGroups[0].GroupId: is missing (MissingParameter)")
	assert.EqualError(t, errs[maxProblems], "2502 more errors")

	l = New()
	l.Add("x", strings.NewReader(`{"StaleSecurityGroupSet": []}`+strings.Repeat("\n"+`{"StaleSecurityGroupSet": []}`, n-1)))
	_, warnings, err := l.Topology()
	require.NoError(t, err)
	require.Len(t, warnings, maxProblems+1)
	assert.Equal(t, "1500 more warnings", warnings[maxProblems].String())
}

// Attachments that may be there are VPCs of other accounts times gateways, so bounded.
func TestUnlistedAttachments(t *testing.T) {
	const n = 400
	items := func(one string) string {
		var all []string
		for i := range n {
			all = append(all, strings.ReplaceAll(one, "#", fmt.Sprint(i)))
		}
		return strings.Join(all, ",")
	}
	l := New()
	l.Add("x", strings.NewReader(`{"TransitGatewayVpcAttachments": [`+items(`{"TransitGatewayId": "tgw-#", "VpcId": "own"}`)+`],
		"Vpcs": [{"VpcId": "own", "OwnerId": "1"}, `+items(`{"VpcId": "vpc-#", "OwnerId": "2"}`)+`]}`))
	topo, warnings, err := l.Topology()
	require.NoError(t, err)
	require.Len(t, topo.TransitGateways, n)
	assert.Len(t, topo.TransitGateways[0].Attachments, 1)
	assert.Contains(t, fmt.Sprint(warnings), "400 VPCs of other accounts may be attached to 400 transit gateways")
}
