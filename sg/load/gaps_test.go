package load_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
)

// What Terraform's documents hint at, or leave open.
func TestTerraformGaps(t *testing.T) {
	const planned = "1.json:1: planned_values.root_module.resources"
	for _, tc := range []struct {
		name     string
		plan     tfText
		want     []string
		warnings []string
	}{
		{
			name: "groups of an instance by their names",
			plan: tfText{values: []string{`aws_security_group.web {"name": "web"}`, `aws_instance.i {"private_ip": "10.0.0.1", "security_groups": ["web"]}`},
				config: []string{`aws_security_group.web`, `aws_instance.i security_groups=aws_security_group.web.name`}},
			want: []string{"eni aws_instance.i 10.0.0.1 group=aws_security_group.web instance=aws_instance.i"},
		},
		{
			name: "by names that are unknown",
			plan: tfText{values: []string{`aws_security_group.web {}`, `aws_instance.i {"private_ip": "10.0.0.1"}`},
				config: []string{`aws_security_group.web`, `aws_instance.i security_groups=aws_security_group.web.name`}},
			want: []string{"eni aws_instance.i 10.0.0.1 group=aws_security_group.web instance=aws_instance.i"},
		},
		{
			name: "ids count where both are there",
			plan: tfText{values: []string{`aws_security_group.web {"id": "sg-a", "name": "web"}`, `aws_instance.i {"private_ip": "10.0.0.1", "security_groups": ["other"], "vpc_security_group_ids": ["sg-a"]}`}},
			want: []string{"eni aws_instance.i 10.0.0.1 sg-a instance=aws_instance.i"},
		},
		{
			name:     "the VPC of a default subnet",
			plan:     tfText{values: []string{`aws_default_subnet.a {"availability_zone": "eu-west-1a"}`}},
			warnings: []string{planned + "[0].values.vpc_id (aws_default_subnet.a): a plan does not tell the VPC of aws_default_subnet.a: left out"},
		},
		{
			name: "a peer in another Region",
			plan: tfText{values: []string{`aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "a", "peer_vpc_id": "b", "peer_region": "us-east-1", "accept_status": "active"}`,
				`aws_vpc_peering_connection.q {"id": "pcx-2", "vpc_id": "a", "peer_vpc_id": "c", "peer_region": "us-east-1", "region": "us-east-1", "accept_status": "active"}`}},
			want: []string{`peering pcx-1 a b status=active requester-region="not us-east-1" accepter-region=us-east-1`,
				"peering pcx-2 a c status=active requester-region=us-east-1 accepter-region=us-east-1"},
		},
		{
			name: "what carries groups and is not modelled, once a kind",
			plan: tfText{values: []string{`aws_launch_template.a {"vpc_security_group_ids": ["sg-a"]}`, `aws_launch_template.b {"vpc_security_group_ids": ["sg-a"]}`,
				`aws_msk_cluster.m {"broker_node_group_info": [{"security_groups": ["sg-a"]}]}`, `aws_rds_cluster.n {}`, `aws_emr_cluster.e {"ec2_attributes": [{"emr_managed_master_security_group": "sg-a"}]}`,
				`aws_lb.none {"security_groups": [], "enable_security_group_logs": false}`, `terraform_data.t {"input": {"security_group": "sg-a"}}`,
				`aws_vpc_security_group_rules_exclusive.x {"security_group_id": "sg-a", "ingress_rule_ids": []}`,
				`aws_ec2_transit_gateway_vpc_attachment_accepter.a {"id": "a-1", "security_group_referencing_support": "enable"}`,
				`aws_vpc_endpoint.i {"security_group_ids": ["sg-a"], "cidr_blocks": []}`},
				config: []string{`aws_rds_cluster.n vpc_security_group_ids=aws_security_group.x.id`}},
			warnings: []string{
				planned + "[0].values (aws_launch_template.a): has groups, but Terraform does not tell the interfaces of an aws_launch_template: add describe-network-interfaces or interfaces by hand",
				planned + "[2].values (aws_msk_cluster.m): has groups, but Terraform does not tell the interfaces of an aws_msk_cluster: add describe-network-interfaces or interfaces by hand",
				planned + "[3].values (aws_rds_cluster.n): has groups, but Terraform does not tell the interfaces of an aws_rds_cluster: add describe-network-interfaces or interfaces by hand",
				planned + "[4].values (aws_emr_cluster.e): has groups, but Terraform does not tell the interfaces of an aws_emr_cluster: add describe-network-interfaces or interfaces by hand",
				planned + "[9].values (aws_vpc_endpoint.i): has groups, but Terraform does not tell the interfaces of an aws_vpc_endpoint: add describe-network-interfaces or interfaces by hand",
			},
		},
		{
			name: "what Terraform forgets stays",
			plan: tfText{values: []string{`aws_instance.i {"private_ip": "10.0.0.1", "vpc_security_group_ids": ["sg-a"]}`},
				changes: []obj{{"address": "module.gone.aws_network_interface.n", "module_address": "module.gone", "mode": "managed", "type": "aws_network_interface", "name": "n",
					"change": obj{"actions": []string{"forget"}, "before": obj{"id": "eni-1", "private_ip": "10.0.0.2", "security_groups": []string{"sg-a"}}}},
					{"address": "aws_security_group.a", "mode": "managed", "type": "aws_security_group", "name": "a", "change": obj{"actions": []string{"forget"}, "before": obj{"id": "sg-a"}}}}},
			want: []string{"eni aws_instance.i 10.0.0.1 sg-a instance=aws_instance.i", "eni eni-1 10.0.0.2 sg-a"},
		},
		{
			name: "an interface for EFA alone never has an address",
			plan: tfText{values: []string{`aws_network_interface.e {"id": "eni-1", "interface_type": "efa-only", "private_ip": "", "private_ips": [], "security_groups": ["sg-a"]}`,
				`aws_security_group.a {"id": "sg-a", "ingress": [], "egress": []}`}},
			want: []string{"eni eni-1 sg-a type=efa-only"},
		},
		{
			name: "a plan that is not all",
			plan: tfText{more: obj{"complete": false, "errored": true, "deferred_changes": []obj{{"reason": "instance_count_unknown"}}}},
			warnings: []string{
				"1.json:1: errored: Terraform stopped with an error while it planned: resources are missing",
				"1.json:1: complete: Terraform says that it will take a further plan after this one: what that changes is not here",
				"1.json:1: deferred_changes: Terraform defers these changes to a later plan: they are left out",
			},
		},
		{
			name: "a plan that is all",
			plan: tfText{more: obj{"complete": true, "errored": false, "deferred_changes": []obj{}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.plan.plan())
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.lines("eni ", "peering "))
			assert.Equal(t, tc.warnings, got.warnings)
		})
	}
}

// Data sources tell interfaces that no resource does. A plan may add groups to them, and
// remove them.
func TestTerraformFoundInterfaces(t *testing.T) {
	found := []string{
		`data.aws_network_interface.n {"id": "eni-n", "description": "ELB net/n", "interface_type": "network_load_balancer", "private_ip": "10.0.0.9", "private_ips": ["10.0.0.9"],
			"security_groups": ["sg-n"], "vpc_id": "v", "association": [{"public_ip": "203.0.113.9"}]}`,
		`data.aws_instance.i {"id": "i-1", "instance_type": "m8i.large", "network_interface_id": "eni-i", "private_ip": "10.0.0.5", "secondary_private_ips": ["10.0.0.6"], "vpc_security_group_ids": ["sg-old", "sg-i"],
			"tags": {"Name": "web"}}`,
		`data.aws_network_interface.of_resource {"id": "eni-r", "private_ip": "10.0.0.8", "security_groups": ["sg-old"]}`,
		`data.aws_network_interface.gone {"id": "eni-g", "private_ip": "10.0.0.7", "security_groups": ["sg-i"]}`,
		`data.aws_network_interface.later {}`,
	}
	resource := `module.m.aws_network_interface.r {"id": "eni-r", "private_ips": ["10.0.0.88"], "security_groups": ["sg-i"]}`
	got := read(tfText{values: append(found, resource)}.state())
	assert.Empty(t, got.errors)
	assert.Equal(t, []string{
		"eni eni-r 10.0.0.88 sg-i",
		`eni eni-n 10.0.0.9 sg-n public=203.0.113.9 name="ELB net/n" vpc=v type=network_load_balancer`,
		"eni eni-i 10.0.0.5 10.0.0.6 sg-old sg-i name=web instance=i-1 nitro-v6",
		"eni eni-g 10.0.0.7 sg-i",
	}, got.lines("eni "))
	got = read(tfText{
		values: []string{resource, `aws_network_interface_sg_attachment.a {"network_interface_id": "eni-i", "security_group_id": "sg-new"}`}, prior: found,
		changes: []map[string]any{change("aws_network_interface", "delete", obj{"id": "eni-g"}),
			change("aws_network_interface_sg_attachment", "delete", obj{"network_interface_id": "eni-i", "security_group_id": "sg-old"})},
	}.plan())
	assert.Empty(t, got.errors)
	assert.Equal(t, []string{
		"eni eni-i 10.0.0.5 10.0.0.6 sg-new sg-i name=web instance=i-1 nitro-v6",
		"eni eni-r 10.0.0.88 sg-i",
		`eni eni-n 10.0.0.9 sg-n public=203.0.113.9 name="ELB net/n" vpc=v type=network_load_balancer`,
	}, got.lines("eni "))
}

// Rules that a plan defers may admit more.
func TestTerraformDeferredRules(t *testing.T) {
	deferred := func(kind string, after obj) obj {
		return obj{"reason": "instance_count_unknown", "resource_change": obj{"address": kind + `.r["*"]`, "mode": "managed", "type": kind, "name": "r", "change": obj{"actions": []string{"create"}, "after": after}}}
	}
	const rule = "aws_vpc_security_group_ingress_rule"
	got := read(tfText{
		values: []string{`aws_security_group.a {"id": "sg-a"}`, `aws_security_group.b {"id": "sg-b"}`, `aws_security_group.c {}`},
		config: []string{rule + `.r security_group_id=aws_security_group.c.id`},
		more: obj{"deferred_changes": []obj{
			deferred(rule, obj{"security_group_id": "sg-a"}), deferred(rule, obj{"ip_protocol": "tcp"}), deferred("aws_eip", obj{"security_group_id": "sg-b"}),
		}},
	}.plan())
	assert.Empty(t, got.errors)
	assert.Equal(t, []string{"group sg-a incomplete", "group sg-b", "group aws_security_group.c incomplete"}, got.lines("group "))
}

// AWS prints a dead peering without its id (REF-13).
func TestStalePeering(t *testing.T) {
	got := must(t, read(group(`{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-b", "VpcId": "vpc-b", "PeeringStatus": "deleted"}]}`, "")))
	assert.Equal(t, []string{"sg-a ingress all sg-b peering=deleted-with-vpc-b"}, got.lines("rule "))
	got = must(t, read(`{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-a", "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-b", "VpcId": "vpc-b", "PeeringStatus": "deleted"}]}]}]}`))
	assert.Equal(t, []sg.Peering{{ID: "deleted-with-vpc-b", Requester: "vpc-a", Accepter: "vpc-b", Status: "deleted"}}, got.topo.Peerings)
	got = read(`{"SecurityGroupRules": [{"GroupId": "sg-a", "IsEgress": true, "IpProtocol": "-1", "ReferencedGroupInfo": {"GroupId": "sg-b", "VpcId": "vpc-b", "PeeringStatus": "deleted"}}]}`)
	assert.Empty(t, got.errors)
	assert.Equal(t, []sg.Peering{{ID: "deleted-with-vpc-b", Requester: "vpc of sg-a", Accepter: "vpc-b", Status: "deleted"}}, got.topo.Peerings, "rules alone do not tell the VPC of their group")
}

// What a plan does not tell of a group or an interface leaves verdicts unknown, and never
// drops what AWS may let in.
func TestTerraformLeavesOpen(t *testing.T) {
	const rule = `{"ip_protocol": "tcp", "from_port": 443, "to_port": 443`
	for _, tc := range []struct {
		name           string
		values, config []string
		want           []string
	}{
		{"rules inside a group", []string{`aws_security_group.a {"egress": []}`}, []string{`aws_security_group.a ingress=local.rules`}, []string{"group aws_security_group.a incomplete"}},
		{"a CIDR block inside a group", []string{`aws_security_group.a {"ingress": [` + inline(`cidr_blocks=[null]`) + `]}`}, []string{`aws_security_group.a ingress=aws_eip.e.public_ip`},
			[]string{"group aws_security_group.a incomplete"}},
		{"a port", []string{`aws_security_group.a {"ingress": [` + inline(`from_port=`) + `]}`}, []string{`aws_security_group.a ingress=var.p`}, []string{"group aws_security_group.a incomplete"}},
		{"a group inside a group", []string{`aws_security_group.a {"ingress": [` + inline(`security_groups=`) + `]}`}, []string{`aws_security_group.a ingress.security_groups=local.x`},
			[]string{"group aws_security_group.a incomplete"}},
		{"which of its rules names which group", []string{`aws_security_group.a {"ingress": [` + inline(`security_groups=;protocol="tcp";from_port=1;to_port=1`) + `, ` + inline(`security_groups=`) + `], "vpc_id": "vpc-1"}`, `aws_security_group.b {}`, `aws_security_group.c {}`},
			[]string{`aws_security_group.a ingress.security_groups=aws_security_group.b.id,aws_security_group.c.id`, `aws_security_group.b`, `aws_security_group.c`},
			[]string{"group aws_security_group.a vpc=vpc-1 incomplete", "group aws_security_group.b", "group aws_security_group.c"}},
		{"the CIDR block of a rule", []string{`aws_security_group.a {}`, `aws_vpc_security_group_ingress_rule.r ` + rule + `}`},
			[]string{`aws_security_group.a`, `aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id cidr_ipv4=aws_eip.e.public_ip`}, []string{"group aws_security_group.a incomplete"}},
		{"the group of a rule", []string{`aws_security_group.a {}`, `aws_security_group.b {"vpc_id": "vpc-1"}`, `aws_vpc_security_group_ingress_rule.r ` + rule + `}`},
			[]string{`aws_security_group.a`, `aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=local.x`},
			[]string{"group aws_security_group.a incomplete", "group aws_security_group.b vpc=vpc-1"}},
		{"the lists of a rule", []string{`aws_security_group.a {}`, `aws_security_group_rule.r {"type": "egress", "protocol": "-1", "from_port": 0, "to_port": 0, "self": false}`},
			[]string{`aws_security_group.a`, `aws_security_group_rule.r security_group_id=aws_security_group.a.id prefix_list_ids=local.x`}, []string{"group aws_security_group.a incomplete"}},
		{"all groups of an instance", []string{`aws_instance.i {"private_ip": "10.0.0.1"}`}, []string{`aws_instance.i vpc_security_group_ids=local.x`},
			[]string{"group local.x incomplete", "eni aws_instance.i 10.0.0.1 group=local.x instance=aws_instance.i"}},
		{"its groups by name", []string{`aws_instance.i {"private_ip": "10.0.0.1"}`}, []string{`aws_instance.i security_groups=local.x`},
			[]string{"group local.x incomplete", "eni aws_instance.i 10.0.0.1 group=local.x instance=aws_instance.i"}},
		{"some groups of an interface", []string{`aws_security_group.a {}`, `aws_network_interface.n {"private_ips": ["10.0.0.1"], "security_groups": ["sg-old", null, null]}`},
			[]string{`aws_security_group.a`, `aws_network_interface.n security_groups=aws_security_group.a.id,local.x`},
			[]string{"group aws_security_group.a", "group \"aws_security_group.a.id, local.x\" incomplete", "eni aws_network_interface.n 10.0.0.1 sg-old group=aws_security_group.a group=\"aws_security_group.a.id, local.x\""}},
		{"nothing of an interface", []string{`aws_security_group.a {}`, `aws_network_interface.n {"private_ips": ["10.0.0.1"], "security_groups": [null]}`},
			[]string{`aws_security_group.a`, `aws_network_interface.n security_groups=aws_security_group.a.id`},
			[]string{"group aws_security_group.a", "eni aws_network_interface.n 10.0.0.1 group=aws_security_group.a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tfText{values: tc.values, config: tc.config}.plan())
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.lines("group ", "eni "))
		})
	}
}

// Groups given by hand are those that the plan does not tell.
func TestTerraformGroupsByHand(t *testing.T) {
	for name, config := range map[string]string{"left open": `aws_instance.i vpc_security_group_ids=local.x`, "the default one": `aws_instance.i`} {
		t.Run(name, func(t *testing.T) {
			l := load.New()
			l.Add("plan.json", strings.NewReader(tfText{values: []string{`aws_instance.i {"private_ip": "10.0.0.1"}`}, config: []string{config}}.plan()))
			l.Add("groups.json", strings.NewReader(`{"SecurityGroups": [{"GroupId": "sg-a"}]}`))
			e, err := load.ParseENI("aws_instance.i sg-a")
			require.NoError(t, err)
			l.AddENI("interface "+string(e.ID), e)
			got := resultOf(l.Topology())
			assert.Equal(t, []string{"group sg-a", "eni aws_instance.i 10.0.0.1 sg-a instance=aws_instance.i"}, got.lines("group ", "eni "))
		})
	}
}

// A plan that leaves a whole list open tells what stands in it by references alone, some
// of which lead to ids that are known (IN-21).
func TestTerraformKnownBesideNew(t *testing.T) {
	base := tfText{values: []string{`aws_security_group.a {}`, `aws_instance.i {"private_ip": "10.0.0.1"}`},
		prior: []string{`data.terraform_remote_state.net {"outputs": {"base": "sg-base", "all": ["sg-x", "1/sg-y"], "by": {"k": ["sg-z"]}}}`, `data.aws_security_groups.d {"ids": ["sg-d"]}`},
		vars:  obj{"one": obj{"value": "sg-1"}, "many": obj{"value": []string{"sg-2", "web", "sg-3"}}, "other": obj{"value": "web"}}}
	for refs, want := range map[string]string{
		"var.one":   "group=aws_security_group.a sg-1",
		"var.many":  "group=aws_security_group.a sg-2 sg-3",
		"var.other": "group=aws_security_group.a",
		"data.terraform_remote_state.net.outputs.base":           "group=aws_security_group.a sg-base",
		"data.terraform_remote_state.net.outputs.all[1]":         "group=aws_security_group.a group=1/sg-y",
		`data.terraform_remote_state.net.outputs.by["k"]`:        "group=aws_security_group.a sg-z",
		"data.terraform_remote_state.net.outputs.all[9].further": "group=aws_security_group.a group=data.terraform_remote_state.net.outputs",
		"data.aws_security_groups.d.ids":                         "group=aws_security_group.a sg-d",
	} {
		t.Run(refs, func(t *testing.T) {
			base.config = []string{`aws_security_group.a`, `aws_instance.i vpc_security_group_ids=aws_security_group.a.id,` + refs}
			got := read(base.plan())
			assert.Empty(t, got.errors)
			words := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(got.lines("eni ")[0], "eni aws_instance.i 10.0.0.1 "), " instance=aws_instance.i"))
			slices.Sort(words)
			sorted := strings.Fields(want)
			slices.Sort(sorted)
			assert.Equal(t, sorted, words)
		})
	}
}

// Terraform writes peer_region into the state of every peering, so that it says another
// Region only where the own one is told to differ, or is not told (REF-10).
func TestTerraformPeerRegion(t *testing.T) {
	const peering = `aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "vpc-a", "peer_vpc_id": "vpc-b", "peer_region": "eu-west-1", "accept_status": "active"`
	region := func(of string) obj {
		return obj{"configuration": obj{"root_module": obj{"resources": []obj{{"mode": "managed", "type": "aws_vpc_peering_connection", "name": "p", "provider_config_key": "m:aws.eu",
			"expressions": obj{"peer_region": obj{}}}}}, "provider_config": obj{"aws.eu": obj{"expressions": obj{"region": obj{"constant_value": of}}}}}}
	}
	for _, tc := range []struct {
		name string
		text string
		want string
	}{
		{"the ARN of the VPC", tfText{values: []string{peering + "}", `aws_vpc.a {"id": "vpc-a", "arn": "arn:aws:ec2:eu-west-1:1:vpc/vpc-a"}`}}.state(), "eu-west-1"},
		{"the ARN of a group in it", tfText{values: []string{peering + "}", `aws_security_group.a {"id": "sg-a", "vpc_id": "vpc-a", "arn": "arn:aws-cn:ec2:cn-north-1:1:security-group/sg-a"}`}}.state(), "cn-north-1"},
		{"the ARN of another VPC", tfText{values: []string{peering + "}", `aws_vpc.b {"id": "vpc-b", "arn": "arn:aws:ec2:eu-west-1:1:vpc/vpc-b"}`}}.state(), `"not eu-west-1"`},
		{"the provider", tfText{values: []string{peering + "}"}, more: region("eu-west-1")}.plan(), "eu-west-1"},
		{"another provider", tfText{values: []string{peering + "}"}, more: region("eu-north-1")}.plan(), "eu-north-1"},
		{"a configuration without it", tfText{values: []string{peering + "}"}, config: []string{`aws_vpc_peering_connection.p vpc_id=aws_vpc.a.id`}}.plan(), "eu-west-1"},
		{"a configuration with it", tfText{values: []string{peering + "}"}, config: []string{`aws_vpc_peering_connection.p peer_region=var.r`}}.plan(), `"not eu-west-1"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.text)
			assert.Empty(t, got.errors)
			assert.Equal(t, []string{"peering pcx-1 vpc-a vpc-b status=active requester-region=" + tc.want + " accepter-region=eu-west-1"}, got.lines("peering "))
		})
	}
}

func TestTerraformPeeringAccepter(t *testing.T) {
	const accepter = `aws_vpc_peering_connection_accepter.p {"id": "pcx-1", "vpc_peering_connection_id": "pcx-1", "vpc_id": "vpc-b", "peer_vpc_id": "vpc-a", "peer_region": "eu-west-1", "accept_status": "active"}`
	got := read(tfText{values: []string{accepter}}.state())
	assert.Equal(t, []string{"peering pcx-1 vpc-b vpc-a status=active"}, got.lines("peering "))
	got = read(tfText{values: []string{`aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "vpc-a", "peer_vpc_id": "vpc-b", "accept_status": "pending-acceptance"}`, accepter}}.state())
	assert.Equal(t, []string{"peering pcx-1 vpc-a vpc-b status=active"}, got.lines("peering "), "the other side was read before it was accepted")
	got = read(tfText{values: []string{`data.aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "vpc-a", "peer_vpc_id": "vpc-b", "status": "active"}`,
		`aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "vpc-a", "peer_vpc_id": "vpc-b", "accept_status": "pending-acceptance"}`}}.state())
	assert.Equal(t, []string{"peering pcx-1 vpc-a vpc-b status=active"}, got.lines("peering "), "one state contradicts itself only in when it was read")
	got = read(tfText{prior: []string{`data.aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "vpc-a", "peer_vpc_id": "vpc-b", "status": "deleted"}`}}.plan())
	assert.Equal(t, []string{"peering pcx-1 vpc-a vpc-b status=deleted"}, got.lines("peering "))
	got = read(tfText{values: []string{`aws_vpc_peering_connection_accepter.p {"auto_accept": true}`}, config: []string{`aws_vpc_peering_connection_accepter.p vpc_peering_connection_id=var.x`}}.plan())
	assert.Empty(t, got.errors)
	assert.Empty(t, got.lines("peering "))
}

// A mount target of EFS tells its interface.
func TestTerraformMountTarget(t *testing.T) {
	const target = `aws_efs_mount_target.m {"id": "fsmt-1", "network_interface_id": "eni-1", "ip_address": "10.0.0.1", "subnet_id": "subnet-1", "security_groups": ["sg-a"]}`
	got := read(tfText{values: []string{`aws_security_group.a {"id": "sg-a"}`, target}}.state())
	assert.Equal(t, []string{"eni eni-1 10.0.0.1 sg-a subnet=subnet-1"}, got.lines("eni "))
	got = read(tfText{values: []string{`aws_security_group.a {}`, `aws_efs_mount_target.m {"subnet_id": "subnet-1"}`},
		config: []string{`aws_efs_mount_target.m security_groups=aws_security_group.a.id`}}.plan())
	assert.Equal(t, []string{"eni aws_efs_mount_target.m group=aws_security_group.a subnet=subnet-1"}, got.lines("eni "))
	got = read(tfText{changes: []map[string]any{change("aws_efs_mount_target", "delete", obj{"id": "fsmt-1", "network_interface_id": "eni-1"})}}.plan(), liveENI("eni-1", "10.0.0.1", "sg-a"))
	assert.Empty(t, got.lines("eni "))
}

// Which rules an exclusive list takes away, its plan does not tell.
func TestTerraformExclusiveRules(t *testing.T) {
	const kind = "aws_vpc_security_group_rules_exclusive"
	for action, warned := range map[string]int{"create": 1, "update": 1, "no-op": 0, "delete": 0} {
		got := read(tfText{values: []string{`aws_security_group.a {"id": "sg-a"}`}, changes: []map[string]any{change(kind, action, obj{"security_group_id": "sg-a"})}}.plan())
		assert.Len(t, got.warnings, warned, action)
	}
}
