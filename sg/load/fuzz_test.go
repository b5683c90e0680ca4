package load_test

import (
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsontree"
	"github.com/sgsim/sgsim/sg/load"
)

// FuzzEC2 loads anything as AWS CLI JSON, FuzzTerraform as Terraform's: no input
// may panic, errors must name the file, and JSON that loads without error must meet
// nothing in Compile but what only the whole topology can tell.
//
// Seeds are short: the fuzzer spends its time on length otherwise.
func FuzzEC2(f *testing.F) {
	for _, s := range []string{
		"# x\nvpc v 10.0.0.0/8\ngroup sg-a vpc=v\nrule sg-a ingress tcp 22 pl-1\nprefixlist pl-1 incomplete\neni e 10.0.0.1 sg-a",
		group(`{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": "sg-b", "VpcPeeringConnectionId": "pcx-1", "VpcId": "v"}]}`, ""),
		group("", `{"IpProtocol": "6", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.0.0.1/8"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": [{"PrefixListId": "pl-1"}]}`),
		`{"SecurityGroupRules":[{"SecurityGroupRuleId":"sgr-1","GroupId":"sg-a","IsEgress":true,"IpProtocol":"-1","FromPort":-1,"CidrIpv4":"0.0.0.0/0"},{"GroupId":"sg-a","IsEgress":false,"IpProtocol":"58","ReferencedGroupInfo":{"GroupId":"sg-a"}}]}`,
		`{"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.1","Ipv6Addresses":[{"Ipv6Address":"::1"}],"Ipv4Prefixes":[{"Ipv4Prefix":"10.0.0.16/28"}],"Association":{"PublicIp":"1.1.1.1"},"Groups":[{"GroupId":"sg-a"}],"ConnectionTrackingConfiguration":{"UdpTimeout":30}}],"SecurityGroups":[{"GroupId":"sg-a"}]}`,
		`{"PrefixLists":[{"PrefixListId":"pl-1","AddressFamily":"IPv4","MaxEntries":3,"Cidrs":["10.0.0.0/8"]}],"Entries":[{"Cidr":"10.1.0.0/16"}]}`,
		`{"Vpcs":[{"VpcId":"v","CidrBlock":"10.0.0.0/16","CidrBlockAssociationSet":[{"CidrBlock":"10.1.0.0/16","CidrBlockState":{"State":"associated"}}]}],"Subnets":[{"SubnetId":"s","VpcId":"v","CidrBlock":"10.0.0.0/24"}]}`,
		`{"VpcPeeringConnections":[{"VpcPeeringConnectionId":"pcx-1","RequesterVpcInfo":{"VpcId":"v"},"AccepterVpcInfo":{"VpcId":"w"},"Status":{"Code":"active"}}],"SecurityGroupVpcAssociations":[{"GroupId":"sg-a","VpcId":"v"}],"NextToken":"x"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(fuzz)
}

func FuzzTerraform(f *testing.F) {
	const rule = `{"ip_protocol":"-1","from_port":null,"to_port":null}`
	for _, d := range []tfText{
		{values: []string{`aws_security_group.a["x"] {}`, `module.m["x"].aws_vpc_security_group_ingress_rule.r ` + rule},
			config: []string{`aws_security_group.a`, `module.m for_each=aws_security_group.a x=each.value.id`, `module.m output y=var.x`, `module.m.aws_vpc_security_group_ingress_rule.r security_group_id=var.x referenced_security_group_id=local.z`}},
		{values: []string{`aws_instance.i {"network_interface":[{}]}`, `aws_network_interface.n {"private_ips":["10.0.0.1",null]}`}, config: []string{`aws_instance.i network_interface.network_interface_id=aws_network_interface.n.id`, `aws_network_interface.n security_groups=module.m,each.key`}, vars: obj{"x": obj{"value": "y"}}},
		{values: []string{`aws_security_group.a {"ingress":[` + inline(`security_groups=`) + `]}`, `aws_security_group.b[0] {}`}, config: []string{`aws_security_group.a ingress=aws_security_group.b,count.index`}},
		{changes: []map[string]any{{"type": "aws_security_group_rule", "change": obj{"actions": []string{"delete"}, "before": obj{"security_group_id": "sg-a", "type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": []string{"10.0.0.0/8"}}}}}},
	} {
		f.Add(d.plan())
	}
	for _, s := range []string{
		`aws_security_group.a {"id":"sg-a","ingress":[` + inline(`protocol="tcp";from_port=80;cidr_blocks=["10.0.0.0/8"];security_groups=["1/sg-b"]`) + `]}`,
		`aws_security_group_rule.r {"type":"egress","security_group_id":"sg-a","protocol":"all","from_port":0,"to_port":0,"cidr_blocks":["::/0"],"source_security_group_id":"sg-b","self":true}`,
		`aws_ec2_managed_prefix_list.l {"id":"pl-1","address_family":"IPv4","max_entries":2,"entry":[{"cidr":"10.0.0.0/8"}]}`,
		`aws_subnet.s {"id":"s","vpc_id":"v","cidr_block":"10.0.0.0/24","ipv6_cidr_block":""}`,
	} {
		f.Add(tfText{values: []string{s}}.state())
	}
	f.Fuzz(fuzz)
}

func fuzz(t *testing.T, text string) {
	l := load.New()
	l.Add("pl-1=in.json", strings.NewReader(text))
	topo, warnings, err := l.Topology()
	for _, w := range warnings {
		if w.File != "in.json" || w.Line == 0 {
			t.Errorf("warning without a place: %v", w)
		}
	}
	if err != nil {
		if !strings.HasPrefix(err.Error(), "in.json:") {
			t.Errorf("error without a place: %v", err)
		}
		if topo != nil {
			t.Error("a topology beside an error")
		}
		return
	}
	for _, g := range topo.Groups {
		for i := range g.Ingress {
			if l.RulePlace(g.ID, sg.Ingress, i).IsZero() {
				t.Errorf("%s: ingress rule %d has no place", g.ID, i)
			}
		}
	}
	if _, err := sg.Compile(topo); err != nil {
		located := l.Locate(err)
		for line := range strings.Lines(located.Error()) {
			if !strings.HasPrefix(line, "in.json:") {
				t.Errorf("error without a place: %q", line)
			}
		}
		if !jsontree.IsJSON(text) {
			return // a statement says whatever a sg.Rule may hold, for Compile to judge
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				if e, ok := e.(*sg.Error); ok && e.Dir != 0 {
					t.Errorf("a rule that Compile refuses: %v", e)
				}
			}
		}
	}
}
