package load_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/load"
)

const nine = `"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": [], "ipv6_cidr_blocks": [], "prefix_list_ids": [], "security_groups": [], "self": false, "description": ""`

// inline is a rule inside a group, with some of its nine keys.
func inline(set string) string {
	out := nine
	for pair := range strings.SplitSeq(set, ";") {
		k, v, _ := strings.Cut(pair, "=")
		i := strings.Index(out, `"`+k+`": `)
		end := strings.Index(out[i:], `, "`)
		if end < 0 {
			end = len(out) - i
		}
		if v == "" { // unknown
			out = out[:i] + strings.TrimPrefix(out[i+end:], ", ")
			continue
		}
		out = out[:i] + `"` + k + `": ` + v + out[i+end:]
	}
	return "{" + out + "}"
}

func TestTerraformState(t *testing.T) {
	for _, tc := range []struct {
		name     string
		in       tfText
		want     string
		warnings []string
	}{
		{
			name: "IN-20 modules within modules",
			in: tfText{values: []string{
				`aws_security_group.a {"id": "sg-a"}`,
				`module.x["k.y"].aws_security_group.b[0] {"id": "sg-b"}`,
				`module.x["k.y"].module.z[1].aws_security_group.c["q"] {"id": "sg-c"}`,
				`data.aws_security_group.d {"id": "sg-d"}`,
			}},
			want: "group sg-a\ngroup sg-b\ngroup sg-c\n",
		},
		{
			name: "IN-22 IN-23 rules inside a group",
			in: tfText{values: []string{
				`aws_security_group.a {"id": "sg-a", "name": "a", "description": "A", "vpc_id": "vpc-1", "owner_id": "1", "arn": "x", "tags": null,
					"ingress": [` + inline(`protocol="tcp";from_port=80;to_port=81;cidr_blocks=["10.0.0.0/8", "192.0.2.0/24"];ipv6_cidr_blocks=["::/0"];security_groups=["sg-b", "2/sg-c", "sg-a"];description="d"`) + `,
						` + inline(`self=true;prefix_list_ids=["pl-1"]`) + `],
					"egress": [` + inline(`cidr_blocks=["0.0.0.0/0"]`) + `]}`,
				`aws_default_security_group.d {"id": "sg-d", "name": "default", "ingress": [], "egress": []}`,
				`data.aws_prefix_list.s3 {"id": "pl-1", "name": "com.amazonaws.eu-central-1.s3", "cidr_blocks": ["192.0.2.0/25"]}`,
			}},
			want: `prefixlist pl-1 name=com.amazonaws.eu-central-1.s3 owner=AWS
entry pl-1 192.0.2.0/25
group sg-a name=a desc=A vpc=vpc-1 account=1
rule sg-a ingress tcp 80-81 10.0.0.0/8 desc=d
rule sg-a ingress tcp 80-81 192.0.2.0/24 desc=d
rule sg-a ingress tcp 80-81 ::/0 desc=d
rule sg-a ingress tcp 80-81 sg-b desc=d
rule sg-a ingress tcp 80-81 sg-c account=2 desc=d
rule sg-a ingress tcp 80-81 self desc=d
rule sg-a ingress all pl-1
rule sg-a ingress all self
rule sg-a egress all 0.0.0.0/0
group sg-d name=default
`,
		},
		{
			name: "IN-23 SG-24 SG-22 port zero, and ports that do not matter",
			in: tfText{values: []string{`aws_security_group.a {"id": "sg-a", "egress": [],
				"ingress": [` + inline(`protocol="tcp";cidr_blocks=["10.0.0.0/8"]`) + `,` + inline(`protocol="50";cidr_blocks=["10.0.0.0/8"]`) + `,` +
				inline(`protocol="icmp";from_port=8;to_port=-1;cidr_blocks=["10.0.0.0/8"]`) + `]}`}},
			want: "group sg-a\nrule sg-a ingress tcp 0 10.0.0.0/8\nrule sg-a ingress esp 10.0.0.0/8\nrule sg-a ingress icmp 8/-1 10.0.0.0/8\n",
		},
		{
			name: "IN-24 rules of their own, also listed by their group",
			in: tfText{values: []string{
				`aws_security_group.a {"id": "sg-a", "egress": [], "ingress": [` + inline(`protocol="tcp";from_port=22;to_port=22;cidr_blocks=["10.0.0.0/8"]`) + `]}`,
				`aws_security_group_rule.r {"id": "sgrule-1", "type": "ingress", "security_group_id": "sg-a", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8"],
					"ipv6_cidr_blocks": null, "prefix_list_ids": null, "source_security_group_id": null, "self": false, "description": null, "security_group_rule_id": "sgr-1"}`,
				`aws_security_group_rule.s {"id": "sgrule-2", "type": "egress", "security_group_id": "sg-a", "protocol": "all", "from_port": 0, "to_port": 65535, "cidr_blocks": ["0.0.0.0/0", "10.0.0.0/8"],
					"ipv6_cidr_blocks": ["::/0"], "prefix_list_ids": [], "source_security_group_id": "3/sg-x", "self": true, "security_group_rule_id": ""}`,
			}},
			want: `group sg-a
rule sg-a ingress tcp 22 10.0.0.0/8 id=sgr-1
rule sg-a egress all 0.0.0.0/0
rule sg-a egress all 10.0.0.0/8
rule sg-a egress all ::/0
rule sg-a egress all sg-x account=3
rule sg-a egress all self
`,
		},
		{
			name: "IN-25 rules with one peer",
			in: tfText{values: []string{
				`aws_security_group.a {"id": "sg-a"}`,
				`aws_vpc_security_group_ingress_rule.a {"id": "sgr-1", "security_group_rule_id": "sgr-1", "security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr_ipv4": "10.0.0.0/8", "cidr_ipv6": null, "prefix_list_id": null, "referenced_security_group_id": null}`,
				`aws_vpc_security_group_ingress_rule.b {"security_group_rule_id": "sgr-2", "security_group_id": "sg-a", "ip_protocol": "-1", "from_port": null, "to_port": null, "cidr_ipv6": "2001:db8::/32"}`,
				`aws_vpc_security_group_ingress_rule.c {"security_group_rule_id": "sgr-3", "security_group_id": "sg-a", "ip_protocol": "icmpv6", "from_port": null, "to_port": null, "cidr_ipv6": "::/0"}`,
				`aws_vpc_security_group_egress_rule.d {"security_group_rule_id": "sgr-4", "security_group_id": "sg-a", "ip_protocol": "17", "from_port": 53, "to_port": 53, "referenced_security_group_id": "2/sg-b", "description": "dns"}`,
			}},
			want: `group sg-a
rule sg-a ingress tcp 1-2 10.0.0.0/8 id=sgr-1
rule sg-a ingress all 2001:db8::/32 id=sgr-2
rule sg-a ingress icmpv6 -1/-1 ::/0 id=sgr-3
rule sg-a egress udp 53 sg-b account=2 id=sgr-4 desc=dns
`,
		},
		{
			name: "IN-26 REF-18 further VPCs of a group",
			in:   tfText{values: []string{`aws_security_group.a {"id": "sg-a", "vpc_id": "vpc-1"}`, `aws_vpc_security_group_vpc_association.x {"security_group_id": "sg-a", "vpc_id": "vpc-2"}`}},
			want: "group sg-a vpc=vpc-1 associated=vpc-2\n",
		},
		{
			name: "IN-27 interfaces, their attachments and instances",
			in: tfText{values: []string{
				`aws_network_interface.a {"id": "eni-1", "subnet_id": "subnet-1", "private_ip": "10.0.0.5", "private_ips": ["10.0.0.4", "10.0.0.5"], "private_ip_list": ["10.0.0.5", "10.0.0.4"],
					"ipv6_addresses": ["2001:db8::5"], "ipv6_address_list": ["2001:db8::5"], "ipv4_prefixes": ["10.0.0.16/28"], "ipv6_prefixes": [], "security_groups": ["sg-a"],
					"interface_type": "efa", "owner_id": "1", "source_dest_check": true, "attachment": [{"instance": "i-1", "device_index": 1}], "tags": {"Name": "n"}}`,
				`aws_network_interface_sg_attachment.a {"network_interface_id": "eni-1", "security_group_id": "sg-b"}`,
				`aws_instance.a {"id": "i-2", "primary_network_interface_id": "eni-2", "private_ip": "10.0.0.6", "secondary_private_ips": ["10.0.0.7"], "ipv6_addresses": ["2001:db8::6"], "public_ip": "192.0.2.1",
					"vpc_security_group_ids": ["sg-b"], "subnet_id": "subnet-1", "network_interface": []}`,
				`aws_instance.b {"id": "i-3", "primary_network_interface_id": "eni-1", "private_ip": "10.0.0.5", "public_ip": "", "vpc_security_group_ids": ["sg-a", "sg-b"], "subnet_id": "subnet-1",
					"network_interface": [{"device_index": 0, "network_interface_id": "eni-1"}]}`,
				`aws_security_group.a {"id": "sg-a", "vpc_id": "vpc-1"}`, `aws_security_group.b {"id": "sg-b", "vpc_id": "vpc-1"}`,
			}},
			want: `group sg-a vpc=vpc-1
group sg-b vpc=vpc-1
eni eni-1 10.0.0.5 10.0.0.4 2001:db8::5 10.0.0.16/28 sg-a sg-b name=n vpc=vpc-1 subnet=subnet-1 instance=i-1 account=1 type=efa
eni eni-2 10.0.0.6 10.0.0.7 2001:db8::6 sg-b public=192.0.2.1 vpc=vpc-1 subnet=subnet-1 instance=i-2
`,
			warnings: []string{"1.json:1: values.root_module.resources[0].values (aws_network_interface.a): " + noVPC},
		},
		{
			name: "IN-28 prefix lists and entries of their own",
			in: tfText{values: []string{
				`aws_ec2_managed_prefix_list_entry.x {"id": "pl-1,10.1.0.0/16", "prefix_list_id": "pl-1", "cidr": "10.1.0.0/16", "description": "one"}`,
				`aws_ec2_managed_prefix_list.a {"id": "pl-1", "name": "a", "address_family": "IPv4", "max_entries": 9, "owner_id": "1", "entry": [{"cidr": "10.0.0.0/16", "description": ""}, {"cidr": "10.1.0.0/16", "description": "one"}]}`,
				`data.aws_ec2_managed_prefix_list.b {"id": "pl-2", "name": "com.amazonaws.global.cloudfront.origin-facing", "owner_id": "AWS", "entries": [{"cidr": "192.0.2.0/24", "description": ""}]}`,
			}},
			want: `prefixlist pl-1 name=a family=ipv4 max=9 owner=1
entry pl-1 10.1.0.0/16 desc=one
entry pl-1 10.0.0.0/16
prefixlist pl-2 name=com.amazonaws.global.cloudfront.origin-facing owner=AWS
entry pl-2 192.0.2.0/24
`,
		},
		{
			name: "EX-02 VPCs, subnets and peerings",
			in: tfText{values: []string{
				`aws_vpc.a {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "ipv6_cidr_block": "", "owner_id": "1"}`,
				`aws_vpc_ipv4_cidr_block_association.a {"vpc_id": "vpc-1", "cidr_block": "10.1.0.0/16"}`,
				`aws_vpc_ipv6_cidr_block_association.a {"vpc_id": "vpc-1", "ipv6_cidr_block": "2001:db8::/56"}`,
				`aws_default_vpc.b {"id": "vpc-2", "cidr_block": "172.31.0.0/16"}`,
				`aws_subnet.a {"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24", "ipv6_cidr_block": "2001:db8:0:1::/64"}`,
				`data.aws_vpc.c {"id": "vpc-3", "cidr_block": "10.3.0.0/16", "default": false}`,
				`data.aws_subnet.c {"id": "subnet-3", "vpc_id": "vpc-3", "cidr_block": "10.3.1.0/24"}`,
				`aws_vpc_peering_connection.p {"id": "pcx-1", "vpc_id": "vpc-1", "peer_vpc_id": "vpc-3", "accept_status": "active"}`,
			}},
			want: `vpc vpc-1 10.0.0.0/16 10.1.0.0/16 2001:db8::/56 account=1
subnet vpc-1 subnet-1 10.0.1.0/24 2001:db8:0:1::/64
vpc vpc-2 172.31.0.0/16 default
vpc vpc-3 10.3.0.0/16
subnet vpc-3 subnet-3 10.3.1.0/24
peering pcx-1 vpc-1 vpc-3 status=active
`,
		},
		{
			name: "the VPC of an interface is that of its subnet",
			in: tfText{values: []string{`aws_vpc.a {"id": "vpc-1", "cidr_block": "10.0.0.0/16"}`, `aws_subnet.a {"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"}`,
				`aws_network_interface.a {"id": "eni-1", "subnet_id": "subnet-1", "private_ip": "10.0.1.4"}`}},
			want: "vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.1.0/24\neni eni-1 10.0.1.4 vpc=vpc-1 subnet=subnet-1\n",
		},
		{
			name: "what is left out",
			in: tfText{values: []string{
				`aws_s3_bucket.c {"id": "c"}`,
				`aws_lb.d {"security_groups": ["sg-a"]}`, `aws_lambda_function.e {"vpc_config": [{"security_group_ids": ["sg-a"]}]}`,
				`aws_network_interface.f {"id": "eni-1", "source_dest_check": false, "private_ip": "10.0.0.1"}`,
			}},
			want: "eni eni-1 10.0.0.1 no-source-dest-check\n",
			warnings: []string{
				"1.json:1: values.root_module.resources[1].values (aws_lb.d): has groups, but Terraform does not tell the interfaces of an aws_lb: add describe-network-interfaces or interfaces by hand",
				"1.json:1: values.root_module.resources[2].values (aws_lambda_function.e): has groups, but Terraform does not tell the interfaces of an aws_lambda_function: add describe-network-interfaces or interfaces by hand",
			},
		},
		{
			name:     "SG-45 host bits",
			in:       tfText{values: []string{`aws_security_group.a {"id": "sg-a", "ingress": [` + inline(`cidr_blocks=["10.0.0.1/8"]`) + `], "egress": []}`}},
			want:     "group sg-a\nrule sg-a ingress all 10.0.0.0/8\n",
			warnings: []string{`1.json:1: values.root_module.resources[0].values.ingress[0].cidr_blocks[0] (aws_security_group.a): "10.0.0.1/8" has host bits, which Terraform refuses: taken as 10.0.0.0/8 (InvalidParameterValue)`},
		},
		{
			name: "rules of a group that is elsewhere",
			in:   tfText{values: []string{`aws_vpc_security_group_ingress_rule.a {"security_group_rule_id": "sgr-1", "security_group_id": "sg-a", "ip_protocol": "-1", "cidr_ipv4": "10.0.0.0/8"}`}},
			want: "group sg-a incomplete\nrule sg-a ingress all 10.0.0.0/8 id=sgr-1\n",
			warnings: []string{
				"1.json:1: values.root_module.resources[0].values (aws_vpc_security_group_ingress_rule.a): only these rules of sg-a are known: add describe-security-groups"},
		},
		{
			name: "SG-51 one rule twice",
			in: tfText{values: []string{`aws_security_group.a {"id": "sg-a"}`,
				`aws_vpc_security_group_ingress_rule.a {"security_group_id": "sg-a", "ip_protocol": "-1", "cidr_ipv4": "10.0.0.0/8"}`,
				`aws_vpc_security_group_ingress_rule.b {"security_group_id": "sg-a", "ip_protocol": "-1", "cidr_ipv4": "10.0.0.0/8"}`}},
			want: "group sg-a\nrule sg-a ingress all 10.0.0.0/8\nrule sg-a ingress all 10.0.0.0/8\n",
		},
		{
			name:     "an empty state",
			in:       tfText{more: obj{"values": nil}},
			warnings: []string{"1.json:1: format_version: the state is empty"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.in.state())
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.text)
			assert.Equal(t, tc.warnings, got.warnings)
		})
	}
}

func TestTerraformErrors(t *testing.T) {
	const at = "1.json:1: values.root_module.resources[0].values"
	one := func(r string) string { return tfText{values: []string{r}}.state() }
	for _, tc := range []struct{ name, in, want string }{
		{"IN-21 format of another time", `{"format_version": "2.0"}`, "1.json:1: format_version: format \"2.0\" of `terraform show -json` is not known: want 0.x or 1.x"},
		{"a raw state of an old version", `{"version": 3, "terraform_version": "0.11.4", "serial": 1, "lineage": "x", "modules": []}`, "1.json:1: version: version \"3\" of a raw Terraform state is not known: give the output of `terraform show -json`"},
		{"a plan cut down", `{"format_version": "1.2", "resource_changes": [{}]}`, "1.json:1: resource_changes: a plan without its planned_values, which say what is there once it is applied: give the output of `terraform show -json`, all of it"},
		{"a plan without changes cut down", `{"format_version": "1.2", "resource_changes": []}`, "1.json:1: resource_changes: a plan without its planned_values, which say what is there once it is applied: give the output of `terraform show -json`, all of it"},
		{"a plan emptied", `{"format_version": "1.2", "planned_values": {"root_module": {}}, "resource_changes": [{"mode": "managed", "change": {"actions": ["create"], "after": {}}}]}`,
			"1.json:1: resource_changes: a plan without its planned_values, which say what is there once it is applied: give the output of `terraform show -json`, all of it"},
		{"a log", `{"@level": "info", "@message": "Terraform 1.11.4"}`, "1.json:1: @level: Terraform's log of a run: save the plan with -out and give the output of `terraform show -json` of it"},
		{"SG-44", one(`aws_security_group.a {"id": "sg-a", "ingress": [` + inline(`cidr_blocks=["10.0.0.0"]`) + `]}`),
			at + `.ingress[0].cidr_blocks[0] (aws_security_group.a): "10.0.0.0" is not a CIDR block: it has no prefix length (InvalidParameterValue)`},
		{"SG-20", one(`aws_security_group.a {"id": "sg-a", "ingress": [` + inline(`protocol="tpc"`) + `]}`), at + `.ingress[0].protocol (aws_security_group.a): unknown protocol "tpc" (InvalidParameterValue)`},
		{"IN-24 no direction", one(`aws_security_group_rule.a {"security_group_id": "sg-a", "type": "in"}`), at + ".type (aws_security_group_rule.a): neither ingress nor egress"},
		{"IN-24 no group", one(`aws_security_group_rule.a {"type": "ingress"}`), at + ".security_group_id (aws_security_group_rule.a): is missing (MissingParameter)"},
		{"IN-25 no peer", one(`aws_vpc_security_group_egress_rule.a {"security_group_id": "sg-a", "ip_protocol": "-1"}`),
			at + " (aws_vpc_security_group_egress_rule.a): has no peer: one of cidr_ipv4, cidr_ipv6, prefix_list_id, referenced_security_group_id (InvalidParameterValue)"},
		{"IN-25 two peers", one(`aws_vpc_security_group_egress_rule.a {"security_group_id": "sg-a", "ip_protocol": "-1", "cidr_ipv4": "10.0.0.0/8", "cidr_ipv6": "::/0"}`),
			at + " (aws_vpc_security_group_egress_rule.a): has several peers: such a rule has one (InvalidParameterValue)"},
		{"IN-27 bad address", one(`aws_network_interface.a {"id": "eni-1", "private_ips": ["x"]}`), at + `.private_ips[0] (aws_network_interface.a): "x" is not an IP address (InvalidParameterValue)`},
		{"IN-28 bad family", one(`aws_ec2_managed_prefix_list.a {"id": "pl-1", "address_family": "IPv5"}`), at + `.address_family (aws_ec2_managed_prefix_list.a): "IPv5" is neither IPv4 nor IPv6 (InvalidParameterValue)`},
		{"SG-74 no group behind the account", one(`aws_security_group.a {"id": "sg-a", "ingress": [` + inline(`security_groups=["1/"]`) + `]}`),
			at + `.ingress[0].security_groups (aws_security_group.a): "1/" names no group (InvalidGroupId.Malformed)`},
		{"no address", `{"format_version": "1.0", "values": {"root_module": {"resources": [{"mode": "managed"}]}}}`, "1.json:1: values.root_module.resources[0].address: is missing (MissingParameter)"},
		{"values of a wrong type", `{"format_version": "1.0", "values": {"root_module": {"resources": [{"address": "x", "mode": "managed", "values": 3}]}}}`, at + " (x): is a number, want an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.in)
			require.NotEmpty(t, got.errors)
			assert.Equal(t, tc.want, got.errors[0])
		})
	}
}

// An interface of a plan gets its address by hand.
func TestPlanWithInterfaceByHand(t *testing.T) {
	doc := tfText{
		values: []string{`aws_security_group.web {"name": "web"}`, `aws_instance.web {"subnet_id": "subnet-1"}`},
		config: []string{`aws_security_group.web name="web"`, `aws_instance.web vpc_security_group_ids=aws_security_group.web.id`},
	}.plan()
	got := read(doc)
	assert.Equal(t, []string{"1.json:1: planned_values.root_module.resources[1].values (aws_instance.web): AWS chooses the addresses of aws_instance.web when the plan is applied: " +
		"until then packets belong there only if they name the interface, unless addresses are given by hand, id=aws_instance.web,addr=..."}, got.warnings)

	got = read(tfText{values: []string{`aws_instance.a {"subnet_id": "subnet-1"}`, `aws_instance.b {}`, `aws_network_interface.c {}`}}.plan())
	assert.Len(t, got.warnings, 4) // three about default groups
	assert.Contains(t, got.warnings[3], "AWS chooses the addresses of aws_instance.a and 2 more when the plan is applied")

	l := load.New()
	l.Add("1.json", strings.NewReader(doc))
	e, err := load.ParseENI("id=aws_instance.web,addr=10.0.1.10")
	require.NoError(t, err)
	l.AddENI("interface "+string(e.ID), e)
	got = must(t, resultOf(l.Topology()))
	assert.Equal(t, "group aws_security_group.web name=web\neni aws_instance.web 10.0.1.10 group=aws_security_group.web subnet=subnet-1 instance=aws_instance.web\n", got.text)
}
