package load_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a plan does not know yet is followed through its configuration (IN-21).
func TestTerraformPlan(t *testing.T) {
	const rule = `{"ip_protocol": "-1", "from_port": null, "to_port": null}`
	const at = "1.json:1: planned_values.root_module"
	for _, tc := range []struct {
		name     string
		in       tfText
		want     []string // rules and interfaces
		warnings []string
	}{
		{
			name: "IN-21 new groups refer to each other",
			in: tfText{
				values: []string{`aws_security_group.a {"name": "a"}`, `aws_security_group.b {"name": "b"}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a name="a"`, `aws_security_group.b name="b"`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=aws_security_group.b.id`},
			},
			want: []string{"aws_security_group.a ingress all group=aws_security_group.b"},
		},
		{
			name: "IN-21 known ids need no configuration",
			in: tfText{values: []string{`aws_security_group.a {"id": "sg-a"}`,
				`aws_vpc_security_group_ingress_rule.r {"ip_protocol": "-1", "from_port": null, "to_port": null, "security_group_id": "sg-a", "cidr_ipv4": "10.0.0.0/8", "cidr_ipv6": null}`}},
			want: []string{"sg-a ingress all 10.0.0.0/8"},
		},
		{
			name: "IN-21 references of Terraform before 1.0, without attributes",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a`, `aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a referenced_security_group_id=aws_security_group.a`},
			},
			want: []string{"aws_security_group.a ingress all self"},
		},
		{
			name: "count.index picks the instance",
			in: tfText{
				values: []string{`aws_security_group.a[0] {}`, `aws_security_group.a[1] {}`, `aws_vpc_security_group_ingress_rule.r[1] ` + rule},
				config: []string{`aws_security_group.a count="2"`, `aws_vpc_security_group_ingress_rule.r count="2" security_group_id=aws_security_group.a,count.index referenced_security_group_id=aws_security_group.a[0].id`},
			},
			want: []string{`aws_security_group.a[1] ingress all group=aws_security_group.a[0]`},
		},
		{
			name: "each.key picks the instance",
			in: tfText{
				values: []string{`aws_security_group.a["x.y"] {}`, `aws_security_group.a["z"] {}`, `aws_vpc_security_group_ingress_rule.r["z"] ` + rule},
				config: []string{`aws_security_group.a for_each=var.x`, `aws_vpc_security_group_ingress_rule.r for_each=var.x security_group_id=aws_security_group.a,each.key referenced_security_group_id=aws_security_group.a["x.y"].id`},
			},
			want: []string{`"aws_security_group.a[\"z\"]" ingress all group="aws_security_group.a[\"x.y\"]"`},
		},
		{
			name: "for_each over the resources themselves",
			in: tfText{
				values: []string{`aws_security_group.a["x"] {}`, `aws_security_group.a["z"] {}`, `aws_vpc_security_group_ingress_rule.r["x"] ` + rule},
				config: []string{`aws_security_group.a`, `aws_vpc_security_group_ingress_rule.r for_each=aws_security_group.a security_group_id=each.value.id referenced_security_group_id=each.value.id`},
			},
			want: []string{`"aws_security_group.a[\"x\"]" ingress all self`},
		},
		{
			name: "a variable names the instance",
			in: tfText{
				values: []string{`aws_security_group.a["x"] {}`, `aws_security_group.a["z"] {}`, `aws_vpc_security_group_ingress_rule.r ` + rule,
					`module.m.aws_security_group.b["x"] {}`, `module.m.aws_security_group.b["z"] {}`, `module.m.aws_vpc_security_group_ingress_rule.s ` + rule},
				config: []string{`aws_security_group.a`, `aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a,var.which referenced_security_group_id=aws_security_group.a,var.which`,
					`module.m which="x"`, `module.m.aws_security_group.b`, `module.m.aws_vpc_security_group_ingress_rule.s security_group_id=aws_security_group.b,var.which referenced_security_group_id=aws_security_group.b,var.which`},
				vars: obj{"which": obj{"value": "z"}},
			},
			want: []string{`"aws_security_group.a[\"z\"]" ingress all self`, `"module.m.aws_security_group.b[\"x\"]" ingress all self`},
		},
		{
			name: "arguments and outputs of modules",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `module.m.aws_security_group.b {}`, `module.m.aws_vpc_security_group_ingress_rule.r ` + rule, `aws_vpc_security_group_egress_rule.s ` + rule},
				config: []string{`aws_security_group.a`, `module.m peer=aws_security_group.a.id`, `module.m.aws_security_group.b`, `module.m output group=aws_security_group.b.id`,
					`module.m.aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.b.id referenced_security_group_id=var.peer`,
					`aws_vpc_security_group_egress_rule.s security_group_id=aws_security_group.a.id referenced_security_group_id=module.m.group`},
			},
			want: []string{`aws_security_group.a egress all group=module.m.aws_security_group.b`, `module.m.aws_security_group.b ingress all group=aws_security_group.a`},
		},
		{
			name: "instances of modules",
			in: tfText{
				values: []string{`aws_security_group.a["x"] {}`, `aws_security_group.a["z"] {}`,
					`module.m["x"].aws_security_group.b {}`, `module.m["x"].aws_vpc_security_group_ingress_rule.r ` + rule,
					`module.m["z"].aws_security_group.b {}`, `module.m["z"].aws_vpc_security_group_ingress_rule.r ` + rule,
					`aws_vpc_security_group_egress_rule.s["x"] ` + rule, `aws_vpc_security_group_egress_rule.t ` + rule},
				config: []string{`aws_security_group.a`, `module.m for_each=var.all peer=aws_security_group.a,each.key`, `module.m.aws_security_group.b`, `module.m output group=aws_security_group.b.id`,
					`module.m.aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.b.id referenced_security_group_id=var.peer`,
					`aws_vpc_security_group_egress_rule.s security_group_id=aws_security_group.a,each.key referenced_security_group_id=module.m,each.key`,
					`aws_vpc_security_group_egress_rule.t security_group_id=aws_security_group.a["x"].id referenced_security_group_id=module.m["z"].group`},
			},
			want: []string{
				`"aws_security_group.a[\"x\"]" egress all group="module.m[\"x\"].aws_security_group.b"`,
				`"aws_security_group.a[\"x\"]" egress all group="module.m[\"z\"].aws_security_group.b"`,
				`"module.m[\"x\"].aws_security_group.b" ingress all group="aws_security_group.a[\"x\"]"`,
				`"module.m[\"z\"].aws_security_group.b" ingress all group="aws_security_group.a[\"z\"]"`,
			},
		},
		{
			name: "a module of modules, with nothing of its own",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `module.m.module.n.aws_security_group.b {}`, `aws_vpc_security_group_ingress_rule.r ` + rule, `aws_vpc_security_group_ingress_rule.s ` + rule},
				config: []string{`aws_security_group.a`, `module.m`, `module.m.module.n`, `module.m.module.n.aws_security_group.b`, `module.m.module.n output id=aws_security_group.b.id`, `module.m output id=module.n.id`,
					`module.void in=aws_security_group.a.id`, `module.void output out=var.in`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=module.m.id`,
					`aws_vpc_security_group_ingress_rule.s security_group_id=aws_security_group.a.id referenced_security_group_id=module.void.out`},
			},
			want: []string{`aws_security_group.a ingress all group=module.m.module.n.aws_security_group.b`, `aws_security_group.a ingress all self`},
		},
		{
			name: "arguments of other resources",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_instance.i {"private_ip": "10.0.0.1"}`, `aws_network_interface.n {"private_ips": ["10.0.0.2"]}`, `aws_network_interface_sg_attachment.x {}`,
					`aws_security_group.b {}`, `terraform_data.t {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a`, `aws_security_group.b`, `aws_instance.i vpc_security_group_ids=aws_security_group.a.id`, `aws_network_interface.n security_groups=aws_instance.i.vpc_security_group_ids`,
					`aws_network_interface_sg_attachment.x network_interface_id=aws_instance.i.primary_network_interface_id security_group_id=terraform_data.t.input`, `terraform_data.t input=aws_security_group.b.id`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=aws_vpc_security_group_ingress_rule.r.security_group_id`},
			},
			want: []string{`aws_security_group.a ingress all self`,
				`eni aws_instance.i 10.0.0.1 group=aws_security_group.a group=aws_security_group.b instance=aws_instance.i`,
				`eni aws_network_interface.n 10.0.0.2 group=aws_security_group.a`},
		},
		{
			name: "an instance with an interface of its own",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_network_interface.n {"private_ips": ["10.0.0.2"]}`, `aws_instance.i {"network_interface": [{"device_index": 0}]}`,
					`aws_instance.j {"primary_network_interface": [{}]}`},
				config: []string{`aws_security_group.a`, `aws_network_interface.n security_groups=aws_security_group.a.id`, `aws_instance.i network_interface.network_interface_id=aws_network_interface.n.id`,
					`aws_instance.j primary_network_interface.network_interface_id=aws_instance.j.primary_network_interface_id`},
			},
			want: []string{`eni aws_network_interface.n 10.0.0.2 group=aws_security_group.a instance=aws_instance.i`, `eni aws_instance.j instance=aws_instance.j`},
			warnings: []string{
				at + ".resources[3].values.primary_network_interface[0].network_interface_id (aws_instance.j): unknown until the plan is applied, and not known from aws_instance.j.primary_network_interface_id: left out",
				at + ".resources[3].values (aws_instance.j): AWS chooses the addresses of aws_instance.j when the plan is applied: until then packets belong there only if they name the interface, unless addresses are given by hand, id=aws_instance.j,addr=...",
			},
		},
		{
			name: "data sources that are known already",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				prior:  []string{`data.aws_ec2_managed_prefix_list.l {"id": "pl-1", "entries": [{"cidr": "10.0.0.0/8", "description": ""}]}`},
				config: []string{`aws_security_group.a`, `data.aws_ec2_managed_prefix_list.l`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id prefix_list_id=data.aws_ec2_managed_prefix_list.l.id`},
			},
			want: []string{"aws_security_group.a ingress all pl-1"},
		},
		{
			name: "IN-28 a new prefix list",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_ec2_managed_prefix_list.l {"address_family": "IPv4", "max_entries": 2, "entry": [{"cidr": "10.0.0.0/8"}, {"description": ""}]}`,
					`aws_ec2_managed_prefix_list_entry.e {"cidr": "10.1.0.0/16"}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a`, `aws_ec2_managed_prefix_list.l entry=aws_vpc.v.cidr_block`, `aws_ec2_managed_prefix_list_entry.e prefix_list_id=aws_ec2_managed_prefix_list.l.id`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id prefix_list_id=aws_ec2_managed_prefix_list.l.id`},
			},
			want:     []string{"aws_security_group.a ingress all pl=aws_ec2_managed_prefix_list.l"},
			warnings: []string{at + ".resources[1].values.entry[1].cidr (aws_ec2_managed_prefix_list.l): unknown until the plan is applied: left out"},
		},
		{
			name: "one of several, of which one is new",
			in: tfText{
				values: []string{`aws_security_group.old {"id": "sg-old"}`, `aws_security_group.new {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.old`, `aws_security_group.new`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.new.id referenced_security_group_id=aws_security_group.old.id,aws_security_group.new.id`},
			},
			want: []string{"aws_security_group.new ingress all self"},
		},
		{
			name: "one of several new ones is a warning",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_security_group.b {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a`, `aws_security_group.b`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=aws_security_group.a.id,aws_security_group.b.id`},
			},
			warnings: []string{at + ".resources[2].values.referenced_security_group_id (aws_vpc_security_group_ingress_rule.r): " +
				"unknown until the plan is applied, and any of aws_security_group.a, aws_security_group.b: left out"},
		},
		{
			name: "an expression without references",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a`, `aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=`},
			},
			warnings: []string{at + ".resources[1].values.referenced_security_group_id (aws_vpc_security_group_ingress_rule.r): unknown until the plan is applied, and not known from the configuration: left out"},
		},
		{
			name: "a local, of which a plan tells nothing",
			in: tfText{
				values: []string{`module.m.aws_security_group.this[0] {}`, `module.m.aws_security_group_rule.r {"type": "ingress", "protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_blocks": ["10.0.0.0/8"], "self": false}`,
					`aws_security_group.a {}`, `aws_security_group.b {}`, `aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`module.m`, `module.m.aws_security_group.this`, `module.m.aws_security_group_rule.r security_group_id=local.this_sg_id`, `aws_security_group.a`, `aws_security_group.b`,
					`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=local.x`},
			},
			want: []string{"module.m.aws_security_group.this[0] ingress tcp 1 10.0.0.0/8"},
			warnings: []string{
				at + ".resources[2].values.referenced_security_group_id (aws_vpc_security_group_ingress_rule.r): unknown until the plan is applied, and not known from local.x: left out",
				at + ".child_modules[0].resources[1].values.security_group_id (module.m.aws_security_group_rule.r): unknown until the plan is applied, and the plan does not tell what local.this_sg_id is: " +
					"taken to be module.m.aws_security_group.this[0], the only new security group of its module",
			},
		},
		{
			name: "IN-22 one rule inside a group refers to what is new",
			in: tfText{
				values: []string{`aws_security_group.old {"id": "sg-old"}`, `aws_security_group.lb {}`, `aws_security_group.named {}`,
					`aws_security_group.a {"ingress": [` + inline(`protocol="tcp";from_port=1;to_port=1;security_groups=`) + `, ` + inline(`protocol="tcp";from_port=2;to_port=2;security_groups=["sg-old"]`) + `]}`},
				config: []string{`aws_security_group.old`, `aws_security_group.lb`, `aws_security_group.a ingress=aws_security_group.lb.id,aws_security_group.old.id,var.port,aws_security_group.named.name`, `aws_security_group.named name="n"`},
			},
			want: []string{"aws_security_group.a ingress tcp 1 group=aws_security_group.lb", "aws_security_group.a ingress tcp 2 sg-old"},
		},
		{
			name: "IN-22 two rules inside a group refer to one new group",
			in: tfText{
				values: []string{`aws_security_group.lb {}`, `aws_security_group.a {"egress": [` + inline(`protocol="tcp";from_port=1;to_port=1;security_groups=`) + `, ` + inline(`protocol="tcp";from_port=2;to_port=2;security_groups=[null]`) + `]}`},
				config: []string{`aws_security_group.lb`, `aws_security_group.a egress=aws_security_group.lb.id`},
			},
			want: []string{"aws_security_group.a egress tcp 1 group=aws_security_group.lb", "aws_security_group.a egress tcp 2 group=aws_security_group.lb"},
		},
		{
			name: "IN-22 two rules inside a group refer to two new groups: which to which?",
			in: tfText{
				values: []string{`aws_security_group.b {}`, `aws_security_group.c {}`,
					`aws_security_group.a {"ingress": [` + inline(`security_groups=;self=true`) + `, ` + inline(`protocol="tcp";from_port=2;to_port=2;security_groups=`) + `]}`},
				config: []string{`aws_security_group.b`, `aws_security_group.c`, `aws_security_group.a ingress=aws_security_group.b.id,aws_security_group.c.id`},
			},
			want: []string{"aws_security_group.a ingress all self"},
			warnings: []string{
				at + ".resources[2].values.ingress[0].security_groups (aws_security_group.a): left out: the plan does not tell which of its rules refers to which of aws_security_group.b, aws_security_group.c; " +
					"rules that are resources of their own, such as aws_vpc_security_group_ingress_rule, do",
				at + ".resources[2].values.ingress[1].security_groups (aws_security_group.a): left out: the plan does not tell which of its rules refers to which of aws_security_group.b, aws_security_group.c; " +
					"rules that are resources of their own, such as aws_vpc_security_group_ingress_rule, do",
			},
		},
		{
			name: "IN-22 three rules for the same traffic refer to two new groups: it does not matter which to which",
			in: tfText{
				values: []string{`aws_security_group.b {}`, `aws_security_group.c {}`,
					`aws_security_group.a {"ingress": [` + inline(`protocol="tcp";from_port=443;to_port=443;security_groups=;description="b"`) + `, ` +
						inline(`protocol="tcp";from_port=443;to_port=443;security_groups=[null, "sg-old"];description="c"`) + `, ` +
						inline(`protocol="tcp";from_port=443;to_port=443;security_groups=[null];description="d"`) + `, ` +
						inline(`protocol="tcp";from_port=80;to_port=80;cidr_blocks=["10.0.0.0/8"]`) + `]}`},
				config: []string{`aws_security_group.b`, `aws_security_group.c`, `aws_security_group.a ingress=aws_security_group.b.id,aws_security_group.c.id`},
			},
			want: []string{"aws_security_group.a ingress tcp 443 group=aws_security_group.b", "aws_security_group.a ingress tcp 443 group=aws_security_group.c",
				"aws_security_group.a ingress tcp 443 sg-old", "aws_security_group.a ingress tcp 80 10.0.0.0/8"},
		},
		{
			name: "IN-22 the same ports of two protocols are not the same traffic",
			in: tfText{
				values: []string{`aws_security_group.b {}`, `aws_security_group.c {}`,
					`aws_security_group.a {"ingress": [` + inline(`protocol="tcp";from_port=53;to_port=53;security_groups=`) + `, ` + inline(`protocol="udp";from_port=53;to_port=53;security_groups=`) + `]}`},
				config: []string{`aws_security_group.b`, `aws_security_group.c`, `aws_security_group.a ingress=aws_security_group.b.id,aws_security_group.c.id`},
			},
			warnings: []string{
				at + ".resources[2].values.ingress[0].security_groups (aws_security_group.a): left out: the plan does not tell which of its rules refers to which of aws_security_group.b, aws_security_group.c; " +
					"rules that are resources of their own, such as aws_vpc_security_group_ingress_rule, do",
				at + ".resources[2].values.ingress[1].security_groups (aws_security_group.a): left out: the plan does not tell which of its rules refers to which of aws_security_group.b, aws_security_group.c; " +
					"rules that are resources of their own, such as aws_vpc_security_group_ingress_rule, do",
			},
		},
		{
			name: "IN-22 blocks that a plan tells apart are still read",
			in: tfText{
				values: []string{`aws_security_group.b {}`, `aws_security_group.a {"ingress": [` + inline(`security_groups=`) + `]}`},
				config: []string{`aws_security_group.b`, `aws_security_group.a ingress.security_groups=aws_security_group.b.id`},
			},
			want: []string{"aws_security_group.a ingress all group=aws_security_group.b"},
		},
		{
			name: "values that decide and are unknown",
			in: tfText{
				values: []string{`aws_security_group.a {"ingress": [` + inline(`cidr_blocks=`) + `, ` + inline(`cidr_blocks=[null];protocol="17";from_port=1;to_port=1`) + `, ` + inline(`from_port=`) + `]}`,
					`aws_vpc_security_group_ingress_rule.r ` + rule, `aws_network_interface.n {"ipv4_prefixes": [null], "private_ips": [null], "security_groups": []}`, `aws_vpc.v {}`},
				config: []string{`aws_security_group.a ingress=aws_eip.e.public_ip egress=var.x`, `aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id cidr_ipv4=aws_eip.e.public_ip`,
					`aws_network_interface.n`, `aws_vpc.v cidr_block=data.aws_x.y.z`},
			},
			want: []string{"eni aws_network_interface.n"},
			warnings: []string{
				at + ".resources[0].values.ingress[0].cidr_blocks (aws_security_group.a): unknown until the plan is applied: left out",
				at + ".resources[0].values.ingress[1].cidr_blocks[0] (aws_security_group.a): unknown until the plan is applied: left out",
				at + ".resources[0].values.ingress[2].from_port (aws_security_group.a): unknown until the plan is applied: the rule is left out",
				at + ".resources[0].values.egress (aws_security_group.a): unknown until the plan is applied: rules are left out",
				at + ".resources[1].values.cidr_ipv4 (aws_vpc_security_group_ingress_rule.r): unknown until the plan is applied: the rule is left out",
				at + ".resources[2].values.ipv4_prefixes[0] (aws_network_interface.n): unknown until the plan is applied: left out",
				at + ".resources[3].values.cidr_block (aws_vpc.v): unknown until the plan is applied: left out",
				at + ".resources[2].values (aws_network_interface.n): AWS chooses the addresses of aws_network_interface.n when the plan is applied: " +
					"until then packets belong there only if they name the interface, unless addresses are given by hand, id=aws_network_interface.n,addr=...",
			},
		},
		{
			name: "addresses that are asked for by their number",
			in: tfText{
				values: []string{`aws_network_interface.n {"private_ips": ["10.0.0.1"], "ipv6_address_count": 1, "private_ips_count": null, "security_groups": []}`, `aws_instance.i {"private_ip": "10.0.0.2", "ipv6_address_count": 0, "vpc_security_group_ids": []}`},
				config: []string{`aws_network_interface.n`, `aws_instance.i`},
			},
			want: []string{"eni aws_network_interface.n 10.0.0.1", "eni aws_instance.i 10.0.0.2 instance=aws_instance.i"},
			warnings: []string{at + ".resources[0].values.ipv6_address_count (aws_network_interface.n): AWS chooses these when the plan is applied: " +
				"until then they are missing, unless they are given by hand, id=aws_network_interface.n,addr=..."},
		},
		{
			name: "rules that the plan takes away, which their group still lists",
			in: tfText{
				values: []string{`aws_security_group.a {"id": "sg-a", "egress": [` + inline(`cidr_blocks=["0.0.0.0/0"]`) + `], "ingress": [` + inline(`protocol="tcp";from_port=22;to_port=22;cidr_blocks=["10.0.0.0/8", "192.0.2.0/24"]`) + `, ` +
					inline(`protocol="tcp";from_port=80;to_port=80;cidr_blocks=["10.0.0.0/8"]`) + `]}`,
					`aws_vpc_security_group_ingress_rule.kept {"security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 81, "to_port": 81, "cidr_ipv4": "10.0.0.0/8"}`},
				config: []string{`aws_security_group.a name="a"`, `aws_vpc_security_group_ingress_rule.kept`},
				changes: []map[string]any{
					{"type": "aws_security_group_rule", "change": obj{"actions": []string{"delete"}, "before": obj{"security_group_id": "sg-a", "type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": []string{"10.0.0.0/8"}}}},
					{"type": "aws_vpc_security_group_ingress_rule", "change": obj{"actions": []string{"update"}, "before": obj{"security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_ipv4": "10.0.0.0/8"}}},
					{"type": "aws_security_group_rule", "change": obj{"actions": []string{"no-op"}, "before": obj{"security_group_id": "sg-a", "type": "egress", "protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": []string{"0.0.0.0/0"}}}},
					{"type": "aws_security_group_rule", "change": obj{"actions": []string{"create"}, "before": nil}},
				},
			},
			want: []string{"sg-a ingress tcp 22 192.0.2.0/24", "sg-a ingress tcp 81 10.0.0.0/8", "sg-a egress all 0.0.0.0/0"},
		},
		{
			name: "rules inside a group stay, whatever goes away elsewhere",
			in: tfText{
				values: []string{`aws_security_group.a {"id": "sg-a", "ingress": [` + inline(`protocol="tcp";from_port=22;to_port=22;cidr_blocks=["10.0.0.0/8"]`) + `]}`},
				config: []string{`aws_security_group.a ingress="x"`},
				changes: []map[string]any{
					{"type": "aws_security_group_rule", "change": obj{"actions": []string{"delete"}, "before": obj{"security_group_id": "sg-a", "type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": []string{"10.0.0.0/8"}}}},
				},
			},
			want: []string{"sg-a ingress tcp 22 10.0.0.0/8"},
		},
		{
			name:     "a plan that ended with an error",
			in:       tfText{more: obj{"errored": true}},
			warnings: []string{"1.json:1: errored: Terraform stopped with an error while it planned: resources are missing"},
		},
		{
			name: "arguments that lead back to themselves",
			in: tfText{
				values: []string{`aws_security_group.a {}`, `module.m.aws_vpc_security_group_ingress_rule.r ` + rule},
				config: []string{`aws_security_group.a`, `module.m x=module.m.y`, `module.m output y=var.x`, `module.m.aws_vpc_security_group_ingress_rule.r security_group_id=var.x`},
			},
			warnings: []string{at + ".child_modules[0].resources[0].values.security_group_id (module.m.aws_vpc_security_group_ingress_rule.r): unknown until the plan is applied, and not known from var.x: left out"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.in.plan())
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.lines("rule ", "eni "))
			assert.Equal(t, tc.warnings, got.warnings)
		})
	}
}
