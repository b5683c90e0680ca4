package load_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/load"
)

// What several kinds of input say of one thing, in the text of the topology.
func TestModel(t *testing.T) {
	const groups = `{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "v"}]}`
	for _, tc := range []struct {
		name     string
		in       []string
		want     []string
		warnings []string
	}{
		{
			name: "interfaces to which AWS attaches no group",
			in: []string{`{"NetworkInterfaces": [
				{"NetworkInterfaceId": "eni-1", "InterfaceType": "regional_nat_gateway", "SourceDestCheck": false, "Groups": []},
				{"NetworkInterfaceId": "eni-2", "InterfaceType": "network_load_balancer", "RequesterManaged": true, "SourceDestCheck": true, "Groups": []},
				{"NetworkInterfaceId": "eni-3", "InterfaceType": "efs", "RequesterManaged": true}]}`},
			want: []string{"eni eni-1 type=regional_nat_gateway no-source-dest-check",
				"eni eni-2 type=network_load_balancer managed", "eni eni-3 type=efs managed"},
		},
		{
			name: "the check of source and destination is the plan's",
			in: []string{tfText{values: []string{`aws_network_interface.n {"id": "eni-1", "private_ips": ["10.0.0.1"], "security_groups": [], "source_dest_check": true}`,
				`aws_instance.i {"id": "i-1", "primary_network_interface_id": "eni-2", "private_ip": "10.0.0.2", "source_dest_check": false}`}}.plan(),
				`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SourceDestCheck": false}, {"NetworkInterfaceId": "eni-3", "SourceDestCheck": false}]}`},
			want:     []string{"eni eni-1 10.0.0.1", "eni eni-2 10.0.0.2 instance=i-1 no-source-dest-check", "eni eni-3 no-source-dest-check"},
			warnings: []string{"1.json"},
		},
		{
			name: "prefix lists are known in part, whole or empty",
			in: []string{`{"PrefixLists": [{"PrefixListId": "pl-aws", "OwnerId": "AWS"}, {"PrefixListId": "pl-s3", "Cidrs": []}]}`,
				`pl-1=a|{"Entries": [{"Cidr": "10.0.0.0/8"}], "NextToken": "x"}`, `pl-2=b|{"Entries": []}`,
				tfText{values: []string{`aws_ec2_managed_prefix_list.l {"id": "pl-3"}`,
					`aws_ec2_managed_prefix_list_entry.e {"prefix_list_id": "pl-4", "cidr": "10.0.0.0/8"}`,
					`aws_vpc_endpoint.s3 {"prefix_list_id": "pl-7", "service_name": "com.amazonaws.eu-west-1.s3", "cidr_blocks": ["3.5.0.0/16"], "security_group_ids": []}`,
					`data.aws_vpc_endpoint.db {"prefix_list_id": "pl-8", "service_name": "com.amazonaws.eu-west-1.dynamodb", "cidr_blocks": ["3.6.0.0/16"]}`,
					`aws_vpc_endpoint.interface {"prefix_list_id": "", "cidr_blocks": []}`,
					`data.aws_ec2_managed_prefix_list.d {"id": "pl-5"}`, `data.aws_prefix_list.p {"id": "pl-6", "cidr_blocks": ["10.0.0.0/8"]}`}}.state()},
			want: []string{"prefixlist pl-3", "prefixlist pl-4 incomplete", "entry pl-4 10.0.0.0/8",
				"prefixlist pl-7 name=com.amazonaws.eu-west-1.s3 owner=AWS", "entry pl-7 3.5.0.0/16", "prefixlist pl-8 name=com.amazonaws.eu-west-1.dynamodb owner=AWS", "entry pl-8 3.6.0.0/16",
				"prefixlist pl-5 incomplete",
				"prefixlist pl-6", "entry pl-6 10.0.0.0/8",
				"prefixlist pl-aws owner=AWS incomplete", "prefixlist pl-s3", "prefixlist pl-1 incomplete", "entry pl-1 10.0.0.0/8", "prefixlist pl-2"},
			warnings: []string{"a:1: NextToken: one page of several: more follow it"},
		},
		{
			name: "all pages are there",
			in:   []string{`pl-1=a|{"Entries": [{"Cidr": "10.0.0.0/8"}], "NextToken": "x"}`, `pl-1=b|{"Entries": [{"Cidr": "11.0.0.0/8"}]}`},
			want: []string{"prefixlist pl-1", "entry pl-1 10.0.0.0/8", "entry pl-1 11.0.0.0/8"},
		},
		{
			name: "a page of rules does not tell whole groups",
			in:   []string{`{"NextToken": "x", "SecurityGroupRules": [{"GroupId": "sg-a", "IsEgress": false, "IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}]}`},
			warnings: []string{"1.json:1: NextToken: one page of several: more follow it",
				"1.json:1: SecurityGroupRules[0]: only these rules of sg-a are known: add describe-security-groups"},
		},
		{
			name: "REF-11 transit gateways",
			in: []string{`{"TransitGateways": [{"TransitGatewayId": "tgw-1", "State": "available", "Options": {"SecurityGroupReferencingSupport": "enable"}}]}`,
				`{"TransitGatewayVpcAttachments": [
				{"TransitGatewayAttachmentId": "a-1", "TransitGatewayId": "tgw-1", "VpcId": "v", "State": "available", "Options": {"SecurityGroupReferencingSupport": "enable"}},
				{"TransitGatewayAttachmentId": "a-2", "TransitGatewayId": "tgw-1", "VpcId": "w", "State": "available", "Options": {"SecurityGroupReferencingSupport": "disable"}},
				{"TransitGatewayAttachmentId": "a-3", "TransitGatewayId": "tgw-2", "VpcId": "w", "State": "modifying"},
				{"TransitGatewayAttachmentId": "a-4", "TransitGatewayId": "tgw-2", "VpcId": "x", "State": "deleted"}]}`},
			want: []string{"transitgateway tgw-1 v disabled=w referencing=enable", "transitgateway tgw-2 unknown=w"},
		},
		{
			name: "attachments as the account has them that accepts them",
			in: []string{tfText{values: []string{`aws_ec2_transit_gateway.g {"id": "tgw-1", "security_group_referencing_support": "enable"}`,
				`aws_ec2_transit_gateway_vpc_attachment_accepter.a {"id": "a-1", "transit_gateway_id": "tgw-1", "vpc_id": "v", "security_group_referencing_support": "enable"}`}}.state()},
			want: []string{"transitgateway tgw-1 v referencing=enable"},
		},
		{
			name: "an account does not list the attachments of another",
			in: []string{`{"TransitGateways": [{"TransitGatewayId": "tgw-1", "Options": {"SecurityGroupReferencingSupport": "enable"}}]}`,
				`{"TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "a-1", "TransitGatewayId": "tgw-1", "VpcId": "v", "Options": {"SecurityGroupReferencingSupport": "enable"}}]}`,
				`{"Vpcs": [{"VpcId": "v", "OwnerId": "1"}, {"VpcId": "w", "OwnerId": "1"}, {"VpcId": "x", "OwnerId": "2"}, {"VpcId": "y"}]}`},
			want: []string{"vpc v account=1", "vpc w account=1", "vpc x account=2", "vpc y", "transitgateway tgw-1 v unknown=x referencing=enable"},
		},
		{
			name: "whose a VPC is, a group in it may tell",
			in: []string{`{"TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "a-1", "TransitGatewayId": "tgw-1", "VpcId": "v"}]}`,
				`{"Vpcs": [{"VpcId": "v", "OwnerId": "1"}]}`,
				`{"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "x", "OwnerId": "2"}, {"GroupId": "sg-b", "VpcId": "x"}]}`},
			want: []string{"vpc v account=1", "transitgateway tgw-1 unknown=v unknown=x", "group sg-a vpc=x account=2", "group sg-b vpc=x"},
		},
		{
			name: "a gateway whose attachments are not known connects nothing and parts nothing",
			in:   []string{`{"TransitGateways": [{"TransitGatewayId": "tgw-1"}]}`},
		},
		{
			name: "a plan decides about attachments",
			in: []string{tfText{values: []string{`aws_ec2_transit_gateway.g {"id": "tgw-1", "security_group_referencing_support": "enable"}`,
				`aws_ec2_transit_gateway_vpc_attachment.a {"id": "a-1", "transit_gateway_id": "tgw-1", "vpc_id": "v", "security_group_referencing_support": "disable"}`},
				changes: []map[string]any{change("aws_ec2_transit_gateway_vpc_attachment", "delete", obj{"id": "a-2"})}}.plan(),
				`{"TransitGatewayVpcAttachments": [
				{"TransitGatewayAttachmentId": "a-1", "TransitGatewayId": "tgw-1", "VpcId": "v", "Options": {"SecurityGroupReferencingSupport": "enable"}},
				{"TransitGatewayAttachmentId": "a-2", "TransitGatewayId": "tgw-1", "VpcId": "w"}]}`},
			want:     []string{"transitgateway tgw-1 disabled=v referencing=enable"},
			warnings: []string{"2.json:3: TransitGatewayVpcAttachments[1]: left out: the plan at 1.json:1: resource_changes[0] deletes a-2"},
		},
		{
			name: "CT-30 idle timeouts of instance types, unless the interface has its own",
			in: []string{`{"InstanceTypes": [{"InstanceType": "m8i.large", "NetworkInfo": {"ConnectionTrackingConfiguration":
					{"DefaultTcpEstablishedTimeout": 350, "DefaultUdpTimeout": 30, "DefaultUdpStreamTimeout": 180}}}, {"InstanceType": "m5.large", "NetworkInfo": {}}]}`,
				`{"Reservations": [{"Instances": [{"InstanceId": "i-1", "InstanceType": "m8i.large", "NetworkInterfaces": [
					{"NetworkInterfaceId": "eni-1", "ConnectionTrackingConfiguration": {"UdpTimeout": 45}}]},
					{"InstanceId": "i-2", "InstanceType": "m5.large", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-2"}]}]}]}`},
			want: []string{"eni eni-1 instance=i-1 tcp-established=5m50s udp=45s udp-stream=3m0s", "eni eni-2 instance=i-2"},
		},
		{
			name: "CT-3A instance types on Nitro v6, without describe-instance-types",
			in: []string{`{"Reservations": [{"Instances": [
					{"InstanceId": "i-1", "InstanceType": "m8i-flex.large", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]},
					{"InstanceId": "i-2", "InstanceType": "m8g.large", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-2"}]},
					{"InstanceId": "i-3", "InstanceType": "p6-b300.48xlarge", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-3"}]},
					{"InstanceId": "i-4", "InstanceType": "p6e-gb200.36xlarge", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-4"}]},
					{"InstanceId": "i-5", "InstanceType": "c8gn.large", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-5"}]}]}]}`,
				`{"InstanceTypes": [{"InstanceType": "c8gn.large", "NetworkInfo": {"ConnectionTrackingConfiguration": {}}}, {"InstanceType": "m8i-flex.large", "NetworkInfo": {}}]}`},
			want: []string{"eni eni-1 instance=i-1 nitro-v6", "eni eni-2 instance=i-2", "eni eni-3 instance=i-3 nitro-v6", "eni eni-4 instance=i-4", "eni eni-5 instance=i-5"},
		},
		{
			name: "VPCs, subnets and associations that a plan deletes",
			in: []string{tfText{values: []string{}, changes: []map[string]any{change("aws_vpc", "delete", obj{"id": "w"}), change("aws_subnet", "delete", obj{"id": "s-2"}),
				change("aws_vpc_security_group_vpc_association", "delete", obj{"security_group_id": "sg-a", "vpc_id": "w"})}}.plan(), groups,
				`{"Vpcs": [{"VpcId": "v"}, {"VpcId": "w"}], "Subnets": [{"SubnetId": "s-1", "VpcId": "v"}, {"SubnetId": "s-2", "VpcId": "v"}]}`,
				`{"SecurityGroupVpcAssociations": [{"GroupId": "sg-a", "VpcId": "w"}, {"GroupId": "sg-a", "VpcId": "x"}]}`},
			want:     []string{"vpc v", "subnet v s-1", "group sg-a vpc=v associated=x"},
			warnings: []string{"left out: the plan removes sg-a from w", "deletes w", "deletes s-2"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(tc.in...)
			require.Empty(t, got.errors)
			if tc.want != nil {
				assert.Equal(t, strings.Join(tc.want, "\n")+"\n", got.text)
			}
			assert.Len(t, got.warnings, len(tc.warnings), "%v", got.warnings)
			for _, w := range tc.warnings {
				assert.Contains(t, strings.Join(got.warnings, "\n"), w)
			}
		})
	}
}

// What is to be preferred decides, in whatever order the inputs come.
func TestPrefer(t *testing.T) {
	rules := func(cidrs ...string) string {
		var out []string
		for _, c := range cidrs {
			out = append(out, `{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "`+c+`"}]}`)
		}
		return group(strings.Join(out, ","), "")
	}
	docs := map[string]string{
		"old.json": rules("10.0.0.0/8", "10.0.0.0/9"), "new.json": rules("10.0.0.0/8", "10.0.0.0/10"),
		"a.json": liveENI("eni-1", "10.0.0.1", "sg-a"), "b.json": liveENI("eni-1", "10.0.0.2", "sg-a"), "vpc.json": liveVPC,
		"state.json": tfText{values: []string{`aws_instance.i {"id": "i-1", "primary_network_interface_id": "eni-1", "private_ip": "10.0.0.3", "vpc_security_group_ids": ["sg-a"]}`}}.state(),
	}
	load := func(prefer []string, names ...string) result {
		l := load.New()
		for _, name := range prefer {
			l.Prefer(name)
		}
		for _, name := range names {
			l.Add(name, strings.NewReader(docs[name]))
		}
		return resultOf(l.Topology())
	}
	for _, order := range [][]string{{"old.json", "new.json"}, {"new.json", "old.json"}} {
		got := load([]string{"new.json"}, order...)
		assert.Equal(t, []string{"sg-a ingress all 10.0.0.0/8", "sg-a ingress all 10.0.0.0/10"}, got.lines("rule"), "%v", got.errors)
		assert.Equal(t, []string{"old.json:1: SecurityGroups[0].IpPermissions[1].IpRanges[0]: sg-a: this rule is left out, since new.json decides and lists no such rule"}, got.warnings)
	}
	for _, order := range [][]string{{"old.json", "a.json", "b.json", "vpc.json"}, {"b.json", "a.json", "vpc.json", "old.json"}} {
		assert.NotEmpty(t, load(nil, order...).errors)
		got := load([]string{"b.json"}, order...)
		assert.Equal(t, []string{"eni eni-1 10.0.0.2 sg-a vpc=v"}, got.lines("eni"), "%v", got.errors)
		assert.Equal(t, []string{"a.json:1: NetworkInterfaces[0]: eni-1 has different addresses here than at b.json:1: NetworkInterfaces[0], which decides"}, got.warnings)
	}
	for prefer, addr := range map[string]string{"state.json": "10.0.0.3", "a.json": "10.0.0.1"} {
		assert.NotEmpty(t, load(nil, "old.json", "vpc.json", "state.json", "a.json").errors)
		got := load([]string{prefer}, "old.json", "vpc.json", "state.json", "a.json")
		assert.Equal(t, []string{"eni eni-1 " + addr + " sg-a vpc=v instance=i-1"}, got.lines("eni"), "%v", got.errors)
		assert.Len(t, got.warnings, 1)
	}
	assert.Equal(t, []string{"c.json: is preferred, but is not an input"}, load([]string{"c.json"}, "a.json").errors)
}

// What is to be preferred and cannot be read has one error.
func TestPreferUnread(t *testing.T) {
	l := load.New()
	l.Prefer("none.json")
	l.AddPlan("none.json", nil)
	_, _, err := l.Topology()
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.NotContains(t, err.Error(), "preferred", "it was given")
}

// A directory stands for its files, of which one may be preferred, and not all.
func TestPreferDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "groups.json")
	require.NoError(t, os.WriteFile(file, []byte(groupsJSON), 0o600))
	for name, want := range map[string]string{dir: dir + ": is preferred, but is not an input", file: ""} {
		l := load.New()
		l.Prefer(name)
		l.AddFile(dir)
		_, _, err := l.Topology()
		if want == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, want)
		}
	}
}
