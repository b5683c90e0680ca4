package load_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/sg/load"
)

func change(kind, action string, before obj) obj {
	return obj{"type": kind, "change": obj{"actions": []string{action}, "before": before}}
}

const liveVPC = `{"Vpcs": [{"VpcId": "v", "CidrBlock": "10.0.0.0/16"}]}`

// liveENI is describe-network-interfaces of one interface of v.
func liveENI(id, addr string, groups ...string) string {
	return encode(obj{"NetworkInterfaces": []obj{{"NetworkInterfaceId": id, "VpcId": "v", "PrivateIpAddress": addr, "Groups": func() []obj {
		var out []obj
		for _, g := range groups {
			out = append(out, obj{"GroupId": g})
		}
		return out
	}()}}}, nil)
}

// What a plan manages is as the plan says, whatever listings have; they tell the
// rest. The order of the files does not matter.
func TestPlanDecides(t *testing.T) {
	groups := func(rules string) string {
		return `{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "v", "IpPermissions": [` + rules + `]}]}`
	}
	const ssh, web = `{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "admins"}]}`,
		`{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}`
	before := obj{"id": "sgr-22", "security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "10.0.0.0/8"}
	rule22 := change("aws_vpc_security_group_ingress_rule", "delete", before)
	const values = "planned_values.root_module.resources[0].values"
	for _, tc := range []struct {
		name     string
		plan     tfText
		live     []string
		want     []string
		warnings []string
	}{
		{
			name:     "a group that it manages has its rules and no others",
			plan:     tfText{values: []string{`aws_security_group.a {"id": "sg-a", "name": "web", "ingress": [` + inline(`protocol="tcp";from_port=80;to_port=80;cidr_blocks=["10.0.0.0/8"]`) + `]}`}},
			live:     []string{groups(ssh + "," + web), `{"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-80", "GroupId": "sg-a", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "10.0.0.0/8"}]}`},
			want:     []string{"group sg-a name=web vpc=v", "sg-a ingress tcp 80 10.0.0.0/8 id=sgr-80"},
			warnings: []string{"1.json:1: SecurityGroups[0].IpPermissions[0].IpRanges[0]: sg-a: this rule is left out, since the plan decides and lists no such rule"},
		},
		{
			name:     "of a group that it does not manage it takes the rules that it deletes",
			plan:     tfText{values: []string{}, changes: []map[string]any{rule22}},
			live:     []string{groups(ssh + "," + web)},
			want:     []string{"group sg-a vpc=v", "sg-a ingress tcp 80 10.0.0.0/8"},
			warnings: []string{"1.json:1: SecurityGroups[0].IpPermissions[0].IpRanges[0]: sg-a: this rule is left out, since the plan decides and lists no such rule"},
		},
		{
			name: "and adds its own, those included that it changes",
			plan: tfText{values: []string{`aws_vpc_security_group_ingress_rule.r {"security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 23, "to_port": 23, "cidr_ipv4": "10.0.0.0/8"}`},
				changes: []map[string]any{change("aws_vpc_security_group_ingress_rule", "update", before)}},
			live:     []string{groups(ssh + "," + web)},
			want:     []string{"group sg-a vpc=v", "sg-a ingress tcp 23 10.0.0.0/8", "sg-a ingress tcp 80 10.0.0.0/8"},
			warnings: []string{"1.json:1: SecurityGroups[0].IpPermissions[0].IpRanges[0]: sg-a: this rule is left out, since the plan decides and lists no such rule"},
		},
		{
			name: "what it deletes is gone",
			plan: tfText{changes: []map[string]any{change("aws_security_group", "delete", obj{"id": "sg-a"}), change("aws_network_interface", "delete", obj{"id": "eni-1"}), change("aws_instance", "delete", obj{"id": "i-1", "primary_network_interface_id": "eni-2"})}},
			live: []string{groups(ssh), liveENI("eni-1", "10.0.0.1", "sg-a"), liveENI("eni-2", "10.0.0.2", "sg-a")},
			warnings: []string{
				"1.json:1: SecurityGroups[0]: left out: the plan at plan.json:1: resource_changes[0] deletes sg-a",
				"2.json:1: NetworkInterfaces[0]: left out: the plan at plan.json:1: resource_changes[1] deletes eni-1",
				"3.json:1: NetworkInterfaces[0]: left out: the plan at plan.json:1: resource_changes[2] deletes eni-2",
			},
		},
		{
			name:     "an interface that it manages has its groups and addresses",
			plan:     tfText{values: []string{`aws_network_interface.n {"id": "eni-1", "private_ips": ["10.0.0.1"], "security_groups": ["sg-b"]}`, `aws_security_group.b {"id": "sg-b"}`}},
			live:     []string{liveENI("eni-1", "10.0.0.9", "sg-gone"), liveVPC},
			want:     []string{"group sg-b", "eni eni-1 10.0.0.1 sg-b vpc=v"},
			warnings: []string{"1.json:1: NetworkInterfaces[0]: eni-1 has different groups here than at plan.json:1: " + values + " (aws_network_interface.n), which decides"},
		},
		{
			name: "what it does not tell of one comes from the listing",
			plan: tfText{values: []string{`aws_instance.i {"id": "i-1", "primary_network_interface_id": "eni-1", "vpc_security_group_ids": ["sg-b"]}`, `aws_security_group.b {"id": "sg-b"}`}},
			live: []string{liveENI("eni-1", "10.0.0.9", "sg-b"), liveVPC},
			want: []string{"group sg-b", "eni eni-1 10.0.0.9 sg-b vpc=v instance=i-1"},
		},
		{
			name: "the entries of a prefix list, which may be resources of their own",
			plan: tfText{values: []string{`aws_ec2_managed_prefix_list.l {"id": "pl-1", "address_family": "IPv4", "max_entries": 9, "entry": [{"cidr": "10.0.0.0/8", "description": ""}, {"cidr": "10.2.0.0/16", "description": ""}]}`},
				changes: []map[string]any{change("aws_ec2_managed_prefix_list_entry", "delete", obj{"id": "e", "prefix_list_id": "pl-1", "cidr": "10.2.0.0/16"}),
					change("aws_ec2_managed_prefix_list_entry", "delete", obj{"id": "f", "prefix_list_id": "pl-2", "cidr": "10.3.0.0/16"})}},
			live: []string{`{"PrefixLists": [{"PrefixListId": "pl-2", "Cidrs": ["10.3.0.0/16", "10.4.0.0/16"]}, {"PrefixListId": "pl-1", "Cidrs": ["10.2.0.0/16", "10.9.0.0/16", "10.0.0.0/8"]}]}`},
			want: []string{"entry pl-1 10.0.0.0/8", "entry pl-2 10.4.0.0/16"},
			warnings: []string{
				"1.json:1: PrefixLists[0].Cidrs[0]: pl-2: what the plan does not have is left out from here on, since it decides",
				"1.json:1: PrefixLists[1].Cidrs[0]: pl-1: what the plan does not have is left out from here on, since it decides",
			},
		},
		{
			name:     "a peering that it deletes is gone",
			plan:     tfText{changes: []map[string]any{change("aws_vpc_peering_connection", "delete", obj{"id": "pcx-1"})}},
			live:     []string{`{"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "RequesterVpcInfo": {"VpcId": "v"}, "AccepterVpcInfo": {"VpcId": "w"}}]}`},
			warnings: []string{"1.json:1: VpcPeeringConnections[0]: left out: the plan at plan.json:1: resource_changes[0] deletes pcx-1"},
		},
		{
			name: "REF-13 VPCs that it parts are parted, whatever else speaks of the peering",
			plan: tfText{values: []string{`aws_vpc_peering_connection_accepter.a {"id": "pcx-1", "vpc_peering_connection_id": "pcx-1", "auto_accept": true, "vpc_id": "w", "peer_vpc_id": "v"}`},
				changes: []map[string]any{change("aws_vpc_peering_connection", "delete", obj{"id": "pcx-1", "vpc_id": "v", "peer_vpc_id": "w"})}},
			live: []string{`{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "v", "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [
				{"GroupId": "sg-b", "VpcId": "w", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"}]}]}]}`},
			want: []string{"peering pcx-1 v w status=deleted", "group sg-a vpc=v", "sg-a ingress all sg-b peering=pcx-1"},
		},
		{
			name: "groups are attached and detached",
			plan: tfText{values: []string{`aws_security_group.b {"id": "sg-b"}`, `aws_network_interface_sg_attachment.x {"network_interface_id": "eni-1", "security_group_id": "sg-b"}`},
				changes: []map[string]any{change("aws_network_interface_sg_attachment", "delete", obj{"network_interface_id": "eni-1", "security_group_id": "sg-old"})}},
			live: []string{liveENI("eni-1", "10.0.0.9", "sg-old"), liveVPC},
			want: []string{"group sg-b", "eni eni-1 10.0.0.9 sg-b vpc=v"},
		},
		{
			name: "groups are detached from what the plan shows as it was",
			plan: tfText{
				values: []string{`aws_network_interface.n {"id": "eni-1", "private_ips": ["10.0.0.1"], "security_groups": ["sg-a", "sg-old"]}`, `aws_security_group.a {"id": "sg-a"}`,
					`aws_instance.i {"primary_network_interface_id": "eni-2", "private_ip": "10.0.0.2", "vpc_security_group_ids": ["sg-a", "sg-old"]}`, `aws_security_group.old {"id": "sg-old"}`},
				config: []string{`aws_network_interface.n`, `aws_instance.i vpc_security_group_ids=var.ids`},
				changes: []map[string]any{change("aws_network_interface_sg_attachment", "delete", obj{"network_interface_id": "eni-1", "security_group_id": "sg-old"}),
					change("aws_network_interface_sg_attachment", "delete", obj{"network_interface_id": "eni-2", "security_group_id": "sg-old"})},
			},
			want: []string{"group sg-a", "group sg-old", "eni eni-1 10.0.0.1 sg-a", "eni eni-2 10.0.0.2 sg-a sg-old instance=aws_instance.i"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := "plan.json|" + tc.plan.plan()
			got := read(append(tc.live, plan)...)
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.lines("group ", "rule ", "eni ", "peering ", "entry "))
			assert.Equal(t, tc.warnings, got.warnings)
		})
	}
}

// Two inputs that say two things of one interface or group are refused.
func TestContradictions(t *testing.T) {
	state := tfText{values: []string{`aws_security_group.a {"id": "sg-a", "ingress": []}`, `aws_network_interface.n {"id": "eni-1", "private_ips": ["10.0.0.1"], "security_groups": ["sg-a"]}`}}
	rule := func(cidr string) string {
		return group(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "`+cidr+`"}]}`, "")
	}
	for _, tc := range []struct {
		name string
		in   []string
		want []string
	}{
		{"addresses", []string{liveENI("eni-1", "10.0.0.1"), liveENI("eni-1", "10.0.0.2")},
			[]string{"2.json:1: NetworkInterfaces[0]: eni-1 has different addresses here than at 1.json:1: NetworkInterfaces[0]: give the newer of the two, or prefer one (-prefer FILE)"}},
		{"groups", []string{rule("10.0.0.0/8"), liveENI("eni-1", "10.0.0.1", "sg-a"), liveENI("eni-1", "10.0.0.1")},
			[]string{"3.json:1: NetworkInterfaces[0]: eni-1 has different groups here than at 2.json:1: NetworkInterfaces[0]: give the newer of the two, or prefer one (-prefer FILE)"}},
		{"a state and a listing", []string{"state.json|" + state.state(), liveENI("eni-1", "10.0.0.2", "sg-a")},
			[]string{"2.json:1: NetworkInterfaces[0]: eni-1 has different addresses here than at state.json:1: values.root_module.resources[1].values (aws_network_interface.n): give the newer of the two, or prefer one (-prefer FILE)"}},
		{"rules of two listings", []string{rule("10.0.0.0/8"), rule("10.0.0.0/9")},
			[]string{"1.json:1: SecurityGroups[0].IpPermissions[0].IpRanges[0]: sg-a has this rule here, but not at 2.json:1: SecurityGroups[0]: were they printed at different times: give the newer of the two, or prefer one (-prefer FILE)",
				"2.json:1: SecurityGroups[0].IpPermissions[0].IpRanges[0]: sg-a has this rule here, but not at 1.json:1: SecurityGroups[0]: were they printed at different times: give the newer of the two, or prefer one (-prefer FILE)"}},
		{"a state and its plan", []string{"state.json|" + state.state(), "plan.json|" + state.plan()},
			[]string{"state.json:1: values.root_module.resources[0].values (aws_security_group.a): is in plan.json:1: planned_values.root_module.resources[0].values (aws_security_group.a) too: these are two states of the same resources. Give one of them; to compare, run once with each"}},
		{"the parts of one whole", []string{rule("10.0.0.0/8"), rule("10.0.0.0/8"), liveENI("eni-1", "10.0.0.1", "sg-a"), liveENI("eni-1", "10.0.0.1", "sg-a"), liveENI("eni-2", "10.0.0.2", "sg-a"), liveVPC}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, read(tc.in...).errors) })
	}
}

// A warning stands where what it is about is said.
func TestPlaceOfMissingGroup(t *testing.T) {
	l := load.New()
	l.Add("plan.json", strings.NewReader(tfText{values: []string{`aws_security_group.b {"id": "sg-b"}`, `aws_network_interface_sg_attachment.x {"network_interface_id": "eni-1", "security_group_id": "sg-b"}`}}.plan()))
	l.Add("enis.json", strings.NewReader(liveENI("eni-1", "10.0.0.1", "sg-x")))
	_, warnings, err := l.Topology()
	assert.NoError(t, err)
	var said []string
	for _, w := range warnings {
		said = append(said, w.String())
	}
	assert.Contains(t, strings.Join(said, "\n"), `enis.json:1: NetworkInterfaces[0]: eni-1 carries sg-x, which no input holds`)
}

// What decides and is said twice has to be the same, unless a plan or a preferred input
// is one of the two.
func TestSaidTwice(t *testing.T) {
	const give = ": give the newer of the two, or prefer one (-prefer FILE)"
	for _, tc := range []struct{ name, a, b, want, at string }{
		{"the VPC of a group", `{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-1"}]}`, `{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-2"}]}`,
			"SecurityGroups[0]: sg-a is in vpc-2 here, and in vpc-1", "SecurityGroups[0]"},
		{"the subnet of an interface", `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "Groups": [{"GroupId": "sg-a"}]}]}`,
			`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-2", "Groups": [{"GroupId": "sg-a"}]}]}`, "NetworkInterfaces[0]: eni-1 has a different subnet here than", "NetworkInterfaces[0]"},
		{"the status of a peering", `{"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "RequesterVpcInfo": {"VpcId": "a"}, "AccepterVpcInfo": {"VpcId": "b"}, "Status": {"Code": "active"}}]}`,
			`{"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "RequesterVpcInfo": {"VpcId": "a"}, "AccepterVpcInfo": {"VpcId": "b"}, "Status": {"Code": "deleted"}}]}`,
			"VpcPeeringConnections[0]: pcx-1 is deleted here, and active", "VpcPeeringConnections[0]"},
		{"the family of a prefix list", `{"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": "IPv4"}]}`, `{"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": "IPv6"}]}`,
			"PrefixLists[0]: pl-1 is of IPv6 here, and of IPv4", "PrefixLists[0]"},
		{"the block of a subnet", `{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}]}`, `{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24"}]}`,
			"Subnets[0]: subnet-1 has the block 10.0.2.0/24 here, and 10.0.1.0/24", "Subnets[0]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, []string{"2.json:1: " + tc.want + " at 1.json:1: " + tc.at + give}, read(tc.a, tc.b).errors)
			assert.Empty(t, read(tc.a, tc.a).errors)
			l := load.New()
			l.Prefer("2.json")
			l.Add("1.json", strings.NewReader(tc.a))
			l.Add("2.json", strings.NewReader(tc.b))
			got := resultOf(l.Topology())
			assert.Empty(t, got.errors)
			assert.NotEmpty(t, got.warnings)
		})
	}
	plan := tfText{values: []string{`aws_security_group.a {"id": "sg-a", "vpc_id": "vpc-1"}`}}.plan()
	got := read(plan, `{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-2"}]}`)
	assert.Empty(t, got.errors)
	assert.Equal(t, []string{"2.json:1: SecurityGroups[0]: sg-a is in vpc-2 here, and in vpc-1 at 1.json:1: planned_values.root_module.resources[0].values (aws_security_group.a), which decides"}, got.warnings)
}
