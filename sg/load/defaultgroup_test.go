package load_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// An interface that is made without groups gets the default one of its VPC (DEF-04),
// with the rules that AWS gives it where nothing else speaks of it (DEF-02).
func TestTerraformDefaultGroup(t *testing.T) {
	const (
		made    = "group aws_vpc.v.default_security_group_id name=default vpc=aws_vpc.v"
		madeIn  = "aws_vpc.v.default_security_group_id ingress all self"
		madeOut = "aws_vpc.v.default_security_group_id egress all 0.0.0.0/0"
		carries = "eni aws_instance.i 10.0.0.1 group=aws_vpc.v.default_security_group_id vpc=aws_vpc.v subnet=aws_subnet.s instance=aws_instance.i"
	)
	vpc, subnet, instance := `aws_vpc.v {"cidr_block": "10.0.0.0/16"}`, `aws_subnet.s {"cidr_block": "10.0.0.0/24"}`, `aws_instance.i {"private_ip": "10.0.0.1"}`
	config := []string{`aws_vpc.v`, `aws_subnet.s vpc_id=aws_vpc.v.id`, `aws_instance.i subnet_id=aws_subnet.s.id`}
	for _, tc := range []struct {
		name           string
		values, config []string
		more           []string // listings
		want           []string
		warning        string
	}{
		{name: "of a new VPC", values: []string{vpc, subnet, instance}, config: config, want: []string{made, madeIn, madeOut, carries}},
		{name: "that has IPv6", values: []string{`aws_vpc.v {"cidr_block": "10.0.0.0/16", "assign_generated_ipv6_cidr_block": true}`, subnet, instance}, config: config,
			want: []string{made, madeIn, madeOut, "aws_vpc.v.default_security_group_id egress all ::/0", carries}},
		{name: "that nobody uses", values: []string{vpc, subnet}, config: config},
		{name: "that a rule names", values: []string{vpc, `aws_security_group.a {}`, `aws_vpc_security_group_ingress_rule.r {"ip_protocol": "-1", "from_port": null, "to_port": null}`},
			config: []string{`aws_vpc.v`, `aws_security_group.a vpc_id=aws_vpc.v.id`,
				`aws_vpc_security_group_ingress_rule.r security_group_id=aws_security_group.a.id referenced_security_group_id=aws_vpc.v.default_security_group_id`},
			want: []string{"group aws_security_group.a vpc=aws_vpc.v", "aws_security_group.a ingress all group=aws_vpc.v.default_security_group_id", made, madeIn, madeOut}},
		{name: "that a resource manages", values: []string{vpc, subnet, instance, `aws_default_security_group.d {}`}, config: append(config, `aws_default_security_group.d vpc_id=aws_vpc.v.id`),
			want: []string{"group aws_default_security_group.d vpc=aws_vpc.v", "eni aws_instance.i 10.0.0.1 group=aws_default_security_group.d vpc=aws_vpc.v subnet=aws_subnet.s instance=aws_instance.i"}},
		{name: "named through its VPC", values: []string{vpc, subnet, instance, `aws_default_security_group.d {}`},
			config: []string{`aws_vpc.v`, `aws_subnet.s vpc_id=aws_vpc.v.id`, `aws_instance.i subnet_id=aws_subnet.s.id vpc_security_group_ids=aws_vpc.v.default_security_group_id`, `aws_default_security_group.d vpc_id=aws_vpc.v.id`},
			want:   []string{"group aws_default_security_group.d vpc=aws_vpc.v", "eni aws_instance.i 10.0.0.1 group=aws_default_security_group.d vpc=aws_vpc.v subnet=aws_subnet.s instance=aws_instance.i"}},
		{name: "of a VPC that is there, in a listing", values: []string{`aws_instance.i {"private_ip": "10.0.0.1", "subnet_id": "subnet-1"}`}, config: config,
			more: []string{`{"SecurityGroups": [{"GroupId": "sg-d", "GroupName": "default", "VpcId": "vpc-1"}, {"GroupId": "sg-e", "GroupName": "default", "VpcId": "vpc-2"}]}`,
				`{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}]}`, `{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}`},
			want: []string{"group sg-d name=default vpc=vpc-1", "group sg-e name=default vpc=vpc-2", "eni aws_instance.i 10.0.0.1 sg-d vpc=vpc-1 subnet=subnet-1 instance=aws_instance.i"}},
		{name: "of a VPC that is there", values: []string{`aws_instance.i {"private_ip": "10.0.0.1"}`}, config: []string{`aws_instance.i`},
			want:    []string{"group default incomplete", "eni aws_instance.i 10.0.0.1 group=default instance=aws_instance.i"},
			warning: "1.json:1: planned_values.root_module.resources[0].values (aws_instance.i): is made without groups and so carries the default one of its VPC, which no input holds: what it admits is unknown; add describe-security-groups"},
		{name: "unless a launch template has some", values: []string{`aws_instance.i {"private_ip": "10.0.0.1", "launch_template": [{"id": "lt-1"}]}`}, config: []string{`aws_instance.i`},
			want:    []string{`group "launch template of aws_instance.i" incomplete`, `eni aws_instance.i 10.0.0.1 group="launch template of aws_instance.i" instance=aws_instance.i`},
			warning: "1.json:1: planned_values.root_module.resources[0].values (aws_instance.i): its launch template may give it groups, which a plan does not tell: what it admits is unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(append([]string{tfText{values: tc.values, config: tc.config}.plan()}, tc.more...)...)
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.lines("group ", "rule ", "eni "))
			var warnings []string
			if tc.warning != "" {
				warnings = []string{tc.warning}
			}
			assert.Equal(t, warnings, got.warnings)
		})
	}
}

// The default group of a VPC that is there loses its rules once Terraform manages it
// (DEF-07), wherever its id is to be found.
func TestTerraformAdoptsDefaultGroup(t *testing.T) {
	const listing = `{"SecurityGroups": [{"GroupId": "sg-d", "GroupName": "default", "VpcId": "vpc-1", "IpPermissions": [` +
		`{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-d"}]}]}, {"GroupId": "sg-e", "GroupName": "default", "VpcId": "vpc-2"}]}`
	group, instance := `aws_default_security_group.d {"vpc_id": "vpc-1"}`, `aws_instance.i {"private_ip": "10.0.0.1", "vpc_security_group_ids": ["sg-d"]}`
	vpc := `aws_vpc.v {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "default_security_group_id": "sg-d"}`
	for name, docs := range map[string][]string{
		"its VPC":   {tfText{values: []string{group, instance, vpc}}.plan()},
		"a listing": {listing, tfText{values: []string{group, instance}}.plan()},
		"both":      {tfText{values: []string{group, instance, vpc}}.plan(), listing},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(docs...)
			assert.Empty(t, got.errors)
			assert.NotContains(t, got.text, "aws_default_security_group")
			assert.Empty(t, got.lines("rule "))
			assert.Equal(t, []string{"eni aws_instance.i 10.0.0.1 sg-d vpc=vpc-1 instance=aws_instance.i"}, got.lines("eni "))
		})
	}
	got := read(`{"SecurityGroups": [{"GroupId": "sg-d", "GroupName": "default", "VpcId": null}, null]}`)
	assert.Len(t, got.errors, 1, "found once")
}
