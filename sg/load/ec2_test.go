package load_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// noVPC is the warning of interfaces in a VPC whose addresses nothing told.
const noVPC = "no input has the addresses of vpc-1, so DNS to its resolver needs a rule here, which it does not on AWS: add describe-vpcs"

// Each case is a statement of the input formats, by its number.
func TestEC2(t *testing.T) {
	for _, tc := range []struct {
		name     string
		in       []string
		want     string // the topology's text
		warnings []string
	}{
		{
			name: "IN-01 a group without rules",
			in:   []string{`{"SecurityGroups": [{"GroupId": "sg-a", "GroupName": "a", "Description": "A", "OwnerId": "1", "VpcId": "vpc-1", "Tags": []}]}`},
			want: "group sg-a name=a desc=A vpc=vpc-1 account=1\n",
		},
		{
			name:     "IN-01 IN-16 a page of several",
			in:       []string{`{"SecurityGroups": [{"GroupId": "sg-a"}], "NextToken": "abc"}`},
			want:     "group sg-a\n",
			warnings: []string{"1.json:1: NextToken: one page of several: more follow it"},
		},
		{
			name: "IN-16 the last page, and keys nobody knows",
			in:   []string{`{"SecurityGroups": [{"GroupId": "sg-a", "Novelty": {"x": [1]}}], "NextToken": null, "ResponseMetadata": 7}`},
			want: "group sg-a\n",
		},
		{
			name: "IN-16 the last page as the SDK for Go has it where the token is a plain string",
			in:   []string{`{"SecurityGroups": [{"GroupId": "sg-a"}], "NextToken": ""}`},
			want: "group sg-a\n",
		},
		{
			name: "IN-02 SG-50 every peer of a permission is a rule",
			in: []string{group(`{"IpProtocol": "udp", "FromPort": 53, "ToPort": 54,
				"IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ten"}, {"CidrIp": "192.0.2.1/32"}],
				"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
				"UserIdGroupPairs": [{"GroupId": "sg-b", "UserId": "1"}, {"GroupId": "sg-a", "UserId": "1"}]}`, "")},
			want: `group sg-a account=1
rule sg-a ingress udp 53-54 10.0.0.0/8 desc=ten
rule sg-a ingress udp 53-54 192.0.2.1/32
rule sg-a ingress udp 53-54 2001:db8::/32
rule sg-a ingress udp 53-54 sg-b
rule sg-a ingress udp 53-54 self
`,
		},
		{
			name: "IN-03 IN-05 SG-54 ports of -1 do not matter",
			in: []string{group(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.1.0/24"}]},
				{"IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.2.0/24"}]},
				{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "10.0.3.0/24"}]},
				{"IpProtocol": "-1", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.4.0/24"}]},
				{"IpProtocol": "50", "FromPort": 9, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.5.0/24"}]}`, "")},
			want: `group sg-a account=1
rule sg-a ingress all 10.0.1.0/24
rule sg-a ingress all 10.0.2.0/24
rule sg-a ingress all 10.0.3.0/24
rule sg-a ingress all 10.0.4.0/24
rule sg-a ingress esp 10.0.5.0/24
`,
		},
		{
			name: "SG-21 protocols by number",
			in: []string{group(`{"IpProtocol": "6", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
				{"IpProtocol": "17", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
				{"IpProtocol": "1", "FromPort": 3, "ToPort": 4, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
				{"IpProtocol": "58", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
				{"IpProtocol": "0", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
				{"IpProtocol": "TCP", "FromPort": 5, "ToPort": 5, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}`, "")},
			want: `group sg-a account=1
rule sg-a ingress tcp 1-2 10.0.0.0/8
rule sg-a ingress udp 1-2 10.0.0.0/8
rule sg-a ingress icmp 3/4 10.0.0.0/8
rule sg-a ingress icmpv6 -1/-1 ::/0
rule sg-a ingress 0 ::/0
rule sg-a ingress tcp 5 10.0.0.0/8
`,
		},
		{
			name: "SG-42 SG-43 SG-51 host bits do not tell rules apart",
			in: []string{group(`{"IpProtocol": "-1", "IpRanges": [
				{"CidrIp": "10.0.0.5/8"},
				{"CidrIp": "10.0.0.0/8"}], "Ipv6Ranges": [{"CidrIpv6": "2001:db8::1/32"}]}`, "")},
			want: `group sg-a account=1
rule sg-a ingress all 10.0.0.5/8
rule sg-a ingress all 10.0.0.0/8
rule sg-a ingress all 2001:db8::1/32
`,
		},
		{
			name: "SG-43 SG-51 one list has a rule twice, two lists have the same rules",
			in: []string{group(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "10.0.0.0/8"}, {"CidrIp": "10.0.0.0/8"}]}`, ""),
				`{"SecurityGroupRules": [
				{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-a", "IsEgress": false, "IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"},
				{"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-a", "IsEgress": false, "IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}]}`},
			want: "group sg-a account=1\nrule sg-a ingress all 10.0.0.0/8 id=sgr-1\nrule sg-a ingress all 10.0.0.0/8 id=sgr-2\nrule sg-a ingress all 10.0.0.0/8\n",
		},
		{
			name: "IN-04 every kind of rule",
			in: []string{`{"SecurityGroupRules": [
				{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-a", "GroupOwnerId": "1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "192.0.2.0/24", "Description": "d"},
				{"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-a", "GroupOwnerId": "1", "IsEgress": true, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "CidrIpv6": "::/0"},
				{"SecurityGroupRuleId": "sgr-3", "GroupId": "sg-a", "GroupOwnerId": "1", "IsEgress": false, "IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "PrefixListId": "pl-1"},
				{"SecurityGroupRuleId": "sgr-4", "GroupId": "sg-a", "GroupOwnerId": "1", "IsEgress": false, "IpProtocol": "udp", "FromPort": 1, "ToPort": 2,
				 "ReferencedGroupInfo": {"GroupId": "sg-b", "UserId": "2", "VpcId": "vpc-2", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"}}]}`,
				`{"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "com.amazonaws.eu-central-1.s3", "Cidrs": ["192.0.2.0/25"]}]}`},
			want: `prefixlist pl-1 name=com.amazonaws.eu-central-1.s3 owner=AWS
entry pl-1 192.0.2.0/25
group sg-a account=1
rule sg-a ingress tcp 22 192.0.2.0/24 id=sgr-1 desc=d
rule sg-a ingress icmp 8/-1 pl-1 id=sgr-3
rule sg-a ingress udp 1-2 sg-b account=2 peering=pcx-1 id=sgr-4
rule sg-a egress all ::/0 id=sgr-2
`,
		},
		{
			name: "IN-06 IN-07 IN-09 every address of an interface",
			in: []string{group("", ""), `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "OwnerId": "1",
				"InterfaceType": "network_load_balancer", "Description": "ELB net/x", "SourceDestCheck": true, "PrivateIpAddress": "10.0.0.5",
				"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5", "Primary": true, "Association": {"PublicIp": "198.51.100.1"}},
					{"PrivateIpAddress": "10.0.0.6", "Primary": false, "Association": {"PublicIp": "198.51.100.2", "CarrierIp": "198.51.100.3"}}],
				"Association": {"PublicIp": "198.51.100.1"},
				"Ipv6Address": "2001:db8::5", "Ipv6Addresses": [{"Ipv6Address": "2001:db8::5", "IsPrimaryIpv6": true}, {"Ipv6Address": "2001:db8::6"}],
				"Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.16/28"}], "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8:0:0:1::/80"}],
				"Attachment": {"InstanceId": "i-1", "InstanceOwnerId": "1"}, "Groups": [{"GroupId": "sg-a", "GroupName": "a"}], "TagSet": []}]}`},
			want: `group sg-a name=a account=1
eni eni-1 10.0.0.5 10.0.0.6 2001:db8::5 2001:db8::6 10.0.0.16/28 2001:db8:0:0:1::/80 sg-a public=198.51.100.1 public=198.51.100.2 public=198.51.100.3 name="ELB net/x" vpc=vpc-1 subnet=subnet-1 instance=i-1 account=1 type=network_load_balancer
`,
			warnings: []string{"2.json:1: NetworkInterfaces[0]: " + noVPC},
		},
		{
			name: "IN-07 timeouts of an interface, and their absence",
			in: []string{`{"NetworkInterfaces": [
				{"NetworkInterfaceId": "eni-1", "Groups": [], "ConnectionTrackingConfiguration": {"TcpEstablishedTimeout": 350, "UdpStreamTimeout": 90, "UdpTimeout": 45}},
				{"NetworkInterfaceId": "eni-2", "Groups": [], "ConnectionTrackingConfiguration": {"UdpTimeout": 60}},
				{"NetworkInterfaceId": "eni-3", "Groups": []}]}`},
			want: `eni eni-1 tcp-established=5m50s udp=45s udp-stream=1m30s
eni eni-2 udp=1m0s
eni eni-3
`,
		},
		{
			name: "SG-12 what an interface does beyond its groups is a warning",
			in:   []string{`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": [], "SourceDestCheck": false, "DenyAllIgwTraffic": true}]}`},
			want: "eni eni-1 no-source-dest-check\n",
			warnings: []string{
				"1.json:1: NetworkInterfaces[0].DenyAllIgwTraffic: not modelled: the internet gateway's traffic to eni-1 is judged by its groups alone",
			},
		},
		{
			name: "IN-10 prefix lists, before and after their entries",
			in: []string{`pl-1=e.json|{"Entries": [{"Cidr": "10.0.0.1/24", "Description": "x"}]}`,
				`{"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "n", "AddressFamily": "IPv4", "MaxEntries": 20, "Version": 2, "State": "modify-complete", "OwnerId": "1"},
					{"PrefixListId": "pl-2", "AddressFamily": "IPv6", "OwnerId": "AWS"}]}`},
			want: `prefixlist pl-1 name=n family=ipv4 max=20 owner=1
entry pl-1 10.0.0.0/24 desc=x
prefixlist pl-2 family=ipv6 owner=AWS incomplete
`,
		},
		{
			name: "IN-11 entries alone are a list",
			in:   []string{`pl-1=e.json|{"Entries": [{"Cidr": "2001:db8::/32"}]}`},
			want: "prefixlist pl-1\nentry pl-1 2001:db8::/32\n",
		},
		{
			name: "PL-03 an entry twice",
			in:   []string{"pl-1=e.json|{\"Entries\": [{\"Cidr\": \"10.0.0.0/24\"},\n{\"Cidr\": \"10.0.0.9/24\"}]}"},
			want: "prefixlist pl-1\nentry pl-1 10.0.0.0/24\n",
			warnings: []string{
				"e.json:2: Entries[1]: 10.0.0.0/24 is in the list twice (InvalidParameterValue)"},
		},
		{
			name: "PL-01 a list that no input tells",
			in: []string{group(`{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-9"}]},
				{"IpProtocol": "6", "FromPort": 1, "ToPort": 1, "PrefixListIds": [{"PrefixListId": "pl-9"}]}`, "")},
			want: "prefixlist pl-9 incomplete\ngroup sg-a account=1\nrule sg-a ingress all pl-9\nrule sg-a ingress tcp 1 pl-9\n",
			warnings: []string{"1.json:1: SecurityGroups[0].IpPermissions[0].PrefixListIds[0]: no input has all entries of pl-9, so packets that no other rule admits are unknown: " +
				"add -topology pl-9=FILE, printed by get-managed-prefix-list-entries (InvalidPrefixListID.NotFound)"},
		},
		{
			name: "REF-18 IN-14 further VPCs of a group",
			in: []string{`{"SecurityGroupVpcAssociations": [{"GroupId": "sg-a", "VpcId": "vpc-2", "State": "associated"},
					{"GroupId": "sg-a", "VpcId": "vpc-3", "State": "disassociated"},
					{"GroupId": "sg-z", "VpcId": "vpc-2", "State": "associated"}]}`, group("", "")},
			want: "group sg-a account=1 associated=vpc-2\n",
			warnings: []string{
				`1.json:2: SecurityGroupVpcAssociations[1]: left out: the association is "disassociated"`,
				"1.json:3: SecurityGroupVpcAssociations[2]: left out: sg-z is in no input",
			},
		},
		{
			name: "REF-18 an interface carries a group of another VPC, and nothing lists associations",
			in: []string{`{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-1"}, {"GroupId": "sg-d", "GroupName": "default", "VpcId": "vpc-1"}]}`,
				`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-2", "Groups": [{"GroupId": "sg-a"}, {"GroupId": "sg-d"}]}]}`},
			want: "group sg-a vpc=vpc-1 associated=vpc-2\ngroup sg-d name=default vpc=vpc-1\neni eni-1 sg-a sg-d vpc=vpc-2\n",
			warnings: []string{
				"2.json:1: NetworkInterfaces[0]: eni-1 carries sg-a of vpc-1, which must then be associated with vpc-2: add describe-security-group-vpc-associations",
				"2.json:1: NetworkInterfaces[0]: no input has the addresses of vpc-2, so DNS to its resolver needs a rule here, which it does not on AWS: add describe-vpcs",
			},
		},
		{
			name: "REF-18 the same where associations are listed",
			in: []string{`{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-1"}]}`, `{"SecurityGroupVpcAssociations": []}`,
				`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-2", "Groups": [{"GroupId": "sg-a"}]}]}`},
			want:     "group sg-a vpc=vpc-1\neni eni-1 sg-a vpc=vpc-2\n",
			warnings: []string{"3.json:1: NetworkInterfaces[0]: no input has the addresses of vpc-2, so DNS to its resolver needs a rule here, which it does not on AWS: add describe-vpcs"},
		},
		{
			name: "IN-15 peerings, in preference to what a rule says of them",
			in: []string{`{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-1", "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [
					{"GroupId": "sg-b", "VpcId": "vpc-2", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"},
					{"GroupId": "sg-c", "VpcId": "vpc-3", "VpcPeeringConnectionId": "pcx-2", "PeeringStatus": "deleted"}]}]}]}`,
				`{"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "RequesterVpcInfo": {"VpcId": "vpc-2", "Region": "us-east-1"}, "AccepterVpcInfo": {"VpcId": "vpc-1", "Region": "eu-west-1"}, "Status": {"Code": "active"}}]}`},
			want: `peering pcx-1 vpc-2 vpc-1 status=active requester-region=us-east-1 accepter-region=eu-west-1
peering pcx-2 vpc-1 vpc-3 status=deleted
group sg-a vpc=vpc-1
rule sg-a ingress all sg-b peering=pcx-1
rule sg-a ingress all sg-c peering=pcx-2
`,
		},
		{
			name: "EX-02 VPCs and subnets",
			in: []string{`{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.1.1.0/24"}, {"SubnetId": "subnet-2", "VpcId": "vpc-2", "Ipv6CidrBlockAssociationSet": [
					{"Ipv6CidrBlock": "2001:db8::/64", "Ipv6CidrBlockState": {"State": "associated"}}]}]}`,
				`{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.1.0.0/16", "OwnerId": "1", "IsDefault": true, "CidrBlockAssociationSet": [
					{"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}}, {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "associated"}},
					{"CidrBlock": "10.2.0.0/16", "CidrBlockState": {"State": "failed"}}]}]}`},
			want: `vpc vpc-1 10.1.0.0/16 10.0.0.0/16 account=1 default
subnet vpc-1 subnet-1 10.1.1.0/24
vpc vpc-2
subnet vpc-2 subnet-2 2001:db8::/64
`,
		},
		{
			name: "IN-13 what is known and not simulated",
			in:   []string{`{"StaleSecurityGroupSet": []}`, `{"SecurityGroupReferenceSet": []}`},
			want: "",
			warnings: []string{
				"1.json:1: StaleSecurityGroupSet: left out: stale rules are found from the groups themselves",
				"2.json:1: SecurityGroupReferenceSet: left out: references are found from the groups themselves",
			},
		},
		{
			name: "several outputs in one file, as keys and one after another",
			in: []string{`{"Vpcs": [{"VpcId": "vpc-1"}], "SecurityGroups": [{"GroupId": "sg-a"}]}
				{"SecurityGroups": [{"GroupId": "sg-b"}]}`},
			want: "vpc vpc-1\ngroup sg-a\ngroup sg-b\n",
		},
		{
			name: "one group in two pages",
			in:   []string{group(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}`, ""), group(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}`, "")},
			want: "group sg-a account=1\nrule sg-a ingress all 10.0.0.0/8\n",
		},
		{
			name: "SG-51 one rule, whatever is known of the group it names",
			in: []string{`{"SecurityGroups": [{"GroupId": "sg-a", "OwnerId": "1", "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-b"}]}]}]}`,
				`{"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-a", "IsEgress": false, "IpProtocol": "-1", "ReferencedGroupInfo": {"GroupId": "sg-b", "UserId": "2", "VpcPeeringConnectionId": "pcx-1"}}]}`},
			want: "group sg-a account=1\nrule sg-a ingress all sg-b account=2 peering=pcx-1 id=sgr-1\n",
		},
		{
			name: "SG-51 one rule with two ids",
			in: []string{`{"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-a", "IsEgress": false, "IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}]}`,
				`{"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-a", "IsEgress": false, "IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}]}`},
			want: "group sg-a\nrule sg-a ingress all 10.0.0.0/8 id=sgr-1\n",
			warnings: []string{
				"2.json:1: SecurityGroupRules[0]: the same rule is already at line 1 of 1.json (InvalidPermission.Duplicate)",
				"2.json:1: SecurityGroupRules: holds no egress rule of any group: if it was printed with --filters, give all of it",
			},
		},
		{
			name:     "a folder that is called like a prefix list",
			in:       []string{`pl-lists/a=b.json|{"SecurityGroups": [], "NextToken": "x"}`},
			warnings: []string{"pl-lists/a=b.json:1: NextToken: one page of several: more follow it"},
		},
		{
			name:     "a permission without peers",
			in:       []string{group(`{"IpProtocol": "-1", "IpRanges": []}`, "")},
			want:     "group sg-a account=1\n",
			warnings: []string{"1.json:1: SecurityGroups[0].IpPermissions[0]: has no peer and so no rule"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.in...)
			assert.Empty(t, got.errors)
			assert.Equal(t, tc.want, got.text)
			assert.Equal(t, tc.warnings, got.warnings)
		})
	}
}

func TestEC2Errors(t *testing.T) {
	const perm = "1.json:1: SecurityGroups[0].IpPermissions[0]"
	in := func(s string) string { return group(s, "") }
	for _, tc := range []struct{ name, in, want string }{
		{"SG-56 no protocol", in(`{"IpRanges": []}`), perm + ".IpProtocol: is missing: rules must name their protocol (InvalidParameterValue)"},
		{"SG-20 unknown protocol", in(`{"IpProtocol": "256"}`), perm + `.IpProtocol: unknown protocol "256" (InvalidParameterValue)`},
		{"SG-20 protocol of a wrong type", in(`{"IpProtocol": 6}`), perm + ".IpProtocol: is a number, want a string"},
		{"SG-24 no ports", in(`{"IpProtocol": "tcp", "FromPort": 1}`), perm + ": TCP and UDP rules need both FromPort and ToPort (InvalidParameterValue)"},
		{"SG-24 port too high", in(`{"IpProtocol": "udp", "FromPort": 1, "ToPort": 65536}`), perm + ".ToPort: port 65536 is outside 0 to 65535 (InvalidParameterValue)"},
		{"SG-25 port -1", in(`{"IpProtocol": "tcp", "FromPort": -1, "ToPort": -1}`),
			perm + ".FromPort: port -1 is outside 0 to 65535 (InvalidParameterValue)\n" + perm + ".ToPort: port -1 is outside 0 to 65535 (InvalidParameterValue)"},
		{"SG-26 first above last", in(`{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 80}`), perm + ": port range 443-80: first above last (InvalidParameterValue)"},
		{"SG-28 code without type", in(`{"IpProtocol": "icmp", "FromPort": -1, "ToPort": 0}`), perm + ": ICMP code 0 of every type: with type -1 the code must be -1 (InvalidParameterValue)"},
		{"SG-29 no ICMP type", in(`{"IpProtocol": "icmp"}`), perm + ": icmp rules need both FromPort, the type, and ToPort, the code (InvalidParameterValue)"},
		{"SG-27 ICMP type too high", in(`{"IpProtocol": "icmpv6", "FromPort": 256, "ToPort": 0}`), perm + ".FromPort: ICMP type 256 is outside -1 to 255 (InvalidParameterValue)"},
		{"SG-44 no prefix length", in(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.1"}]}`), perm + `.IpRanges[0].CidrIp: "10.0.0.1" is not a CIDR block: it has no prefix length (InvalidParameterValue)`},
		{"SG-44 no CIDR", in(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0/8"}]}`), perm + `.IpRanges[0].CidrIp: "10.0.0/8" is not a CIDR block (InvalidParameterValue)`},
		{"SG-40 IPv6 among IPv4", in(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "::/0"}]}`), perm + `.IpRanges[0].CidrIp: "::/0" is not an IPv4 CIDR block (InvalidParameterValue)`},
		{"SG-40 IPv4 among IPv6", in(`{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "0.0.0.0/0"}]}`), perm + `.Ipv6Ranges[0].CidrIpv6: "0.0.0.0/0" is not an IPv6 CIDR block (InvalidParameterValue)`},
		{"SG-44 IPv4 inside IPv6", in(`{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::ffff:10.0.0.0/104"}]}`), perm + `.Ipv6Ranges[0].CidrIpv6: "::ffff:10.0.0.0/104" is not a CIDR block (InvalidParameterValue)`},
		{"no CIDR in a range", in(`{"IpProtocol": "-1", "IpRanges": [{}]}`), perm + ".IpRanges[0].CidrIp: is missing (MissingParameter)"},
		{"SG-74 no group behind the account", in(`{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "1/"}]}`), perm + `.UserIdGroupPairs[0].GroupId: "1/" names no group (InvalidGroupId.Malformed)`},
		{"null in a list", in(`null`), perm + ": is null, want an object"},
		{"IN-01 no group id", `{"SecurityGroups": [{}]}`, "1.json:1: SecurityGroups[0].GroupId: is missing (MissingParameter)"},
		{"IN-01 empty group id", `{"SecurityGroups": [{"GroupId": ""}]}`, "1.json:1: SecurityGroups[0].GroupId: is empty"},
		{"IN-01 not a list", `{"SecurityGroups": {}}`, "1.json:1: SecurityGroups: is an object, want a list"},
		{"IN-01 not an object", `{"SecurityGroups": [7]}`, "1.json:1: SecurityGroups[0]: is a number, want an object"},
		{"fraction", in(`{"IpProtocol": "tcp", "FromPort": 1.5, "ToPort": 1e400}`),
			perm + ".FromPort: 1.5 is not a whole number (InvalidParameterValue)\n" + perm + ".ToPort: 1e400 is not a whole number (InvalidParameterValue)"},
		{"IN-04 no direction", `{"SecurityGroupRules": [{"GroupId": "sg-a", "IpProtocol": "-1", "CidrIpv4": "0.0.0.0/0"}]}`,
			"1.json:1: SecurityGroupRules[0].IsEgress: is missing: ingress or egress? (MissingParameter)"},
		{"IN-04 direction of a wrong type", `{"SecurityGroupRules": [{"GroupId": "sg-a", "IsEgress": "no"}]}`, "1.json:1: SecurityGroupRules[0].IsEgress: is a string, want a boolean"},
		{"SG-50 no peer", `{"SecurityGroupRules": [{"GroupId": "sg-a", "IsEgress": true, "IpProtocol": "-1"}]}`,
			"1.json:1: SecurityGroupRules[0]: has no peer: one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo (InvalidParameterValue)"},
		{"SG-50 two peers", `{"SecurityGroupRules": [{"GroupId": "sg-a", "IsEgress": true, "IpProtocol": "-1", "CidrIpv4": "0.0.0.0/0", "CidrIpv6": "::/0"}]}`,
			"1.json:1: SecurityGroupRules[0]: has both CidrIpv4 and CidrIpv6: a rule has one peer (InvalidParameterValue)"},
		{"IN-06 no interface id", `{"NetworkInterfaces": [{"Groups": []}]}`, "1.json:1: NetworkInterfaces[0].NetworkInterfaceId: is missing (MissingParameter)"},
		{"IN-07 bad address", `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.300"}]}`,
			`1.json:1: NetworkInterfaces[0].PrivateIpAddress: "10.0.0.300" is not an IP address (InvalidParameterValue)`},
		{"IN-07 wrong type below", `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Association": "198.51.100.1"}]}`,
			"1.json:1: NetworkInterfaces[0].Association: is a string, want an object"},
		{"IN-10 bad family", `{"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": "ipx"}]}`, `1.json:1: PrefixLists[0].AddressFamily: "ipx" is neither IPv4 nor IPv6 (InvalidParameterValue)`},
		{"IN-11 entries of what", `{"Entries": []}`, "1.json:1: Entries: entries of a prefix list, but of which? Give its id before the file, pl-0123=1.json, or in a directory name the file after it, pl-0123.json"},
		{"a list", `[{"GroupId": "sg-a"}]`, "1.json:1: the document is a list, want an object: give whole outputs, not what --query leaves of them"},
		{"something else", `{"Users": []}`, "1.json:1: no known top-level key: neither one of `terraform show -json` nor one of " +
			"SecurityGroups, SecurityGroupRules, NetworkInterfaces, Reservations, SecurityGroupVpcAssociations, PrefixLists, Entries, Vpcs, Subnets, VpcPeeringConnections, NetworkAcls, TransitGateways, TransitGatewayVpcAttachments, InstanceTypes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.in)
			assert.Equal(t, tc.want, strings.Join(got.errors, "\n"))
			assert.Nil(t, got.topo)
		})
	}
}

// Everything wrong is said at once, in all files.
func TestAllErrors(t *testing.T) {
	got := read(group(`{"IpProtocol": "x"}, {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "y"}]}`, ""), "{", `{"Vpcs": 1}`)
	assert.Equal(t, []string{
		`2.json:1:2: ends in the middle: the file is cut off`,
		`1.json:1: SecurityGroups[0].IpPermissions[0].IpProtocol: unknown protocol "x" (InvalidParameterValue)`,
		`1.json:1: SecurityGroups[0].IpPermissions[1].IpRanges[0].CidrIp: "y" is not a CIDR block: it has no prefix length (InvalidParameterValue)`,
		`3.json:1: Vpcs: is a number, want a list`,
	}, got.errors)
}
