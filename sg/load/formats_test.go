package load_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/load"
)

const (
	groupsYAML = `# printed with --output yaml
SecurityGroups:
- GroupId: "sg-a"
  Description: 'line one

    line two'
  GroupName: web
  OwnerId: '1'
  IpPermissions:
  - FromPort: 443
    IpProtocol: tcp
    IpRanges:
    - CidrIp: 0.0.0.0/0
      Description: 2026-01-01
    Ipv6Ranges: []
    ToPort: 443
    UserIdGroupPairs: [{GroupId: sg-b}]
  Tags: null
  VpcId: vpc-1
`
	groupsJSON = `{"SecurityGroups": [{"GroupId": "sg-a", "Description": "line one\nline two", "GroupName": "web", "OwnerId": "1", "VpcId": "vpc-1",
		"IpPermissions": [{"FromPort": 443, "ToPort": 443, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "2026-01-01"}], "UserIdGroupPairs": [{"GroupId": "sg-b"}]}]}]}` + "\n"
	instances = `{"Reservations": [{"Instances": [{"InstanceId": "i-1", "Tags": [{"Key": "Name", "Value": "web"}], "PrivateIpAddress": "10.0.0.1", "NetworkInterfaces": [
		{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "OwnerId": "1", "PrivateIpAddress": "10.0.0.1", "Groups": [{"GroupId": "sg-a", "GroupName": "web"}],
		"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1", "Association": {"PublicIp": "192.0.2.1"}}], "Attachment": {"DeviceIndex": 0}}]}]}]}` + "\n"
	rawState = `{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "x", "outputs": {}, "resources": [
		{"mode": "data", "type": "aws_security_group", "name": "d", "instances": [{"schema_version": 1, "attributes": {"id": "sg-d"}}]},
		{"module": "module.a[\"x\"]", "mode": "managed", "type": "aws_security_group", "name": "web", "instances": [
			{"index_key": 0, "attributes": {"id": "sg-a", "name": "web", "ingress": [], "egress": []}},
			{"index_key": "k", "deposed": "00", "attributes": {"id": "sg-old"}}]},
		{"mode": "managed", "type": "aws_vpc_security_group_ingress_rule", "name": "r", "instances": [{"attributes": {"security_group_id": "sg-a", "ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr_ipv4": "x"}}]}]}` + "\n"
)

// readText reads one text, whatever is in it.
func readText(text string) result { return read("1.json|" + text) }

func gzipped(t *testing.T, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func wide(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// One set of groups, however it is written.
func TestFormats(t *testing.T) {
	want := must(t, read(groupsJSON)).text
	assert.Contains(t, want, "rule sg-a ingress tcp 443 0.0.0.0/0 desc=2026-01-01\n")
	for name, text := range map[string]string{
		"YAML": groupsYAML, "gzip": gzipped(t, groupsJSON), "gzip of YAML": gzipped(t, groupsYAML), "UTF-16": wide(groupsJSON),
		"a list of pages": `[{"SecurityGroups": []}, ` + groupsJSON + `, {"Vpcs": []}]`, "pages one behind the other": `{"SecurityGroups": []}` + groupsJSON,
		"yaml-stream": "- SecurityGroups: []\n-" + strings.TrimPrefix(strings.ReplaceAll("\n"+strings.TrimPrefix(groupsYAML, "# printed with --output yaml\n"), "\n", "\n  "), "\n ") + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, want, must(t, readText(text)).text)
		})
	}
}

// What is wrong in YAML is told by its line and path, as in JSON.
func TestYAMLErrors(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"a value", strings.Replace(groupsYAML, "0.0.0.0/0", "0.0.0.0", 1), `1.json:13: SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp: "0.0.0.0" is not a CIDR block: it has no prefix length (InvalidParameterValue)`},
		{"a type", strings.Replace(groupsYAML, "'1'", "1", 1), "1.json:8: SecurityGroups[0].OwnerId: is a number, want a string"},
		{"a number that JSON has not", strings.Replace(groupsYAML, "FromPort: 443", "FromPort: 0x1", 1), "1.json:10: SecurityGroups[0].IpPermissions[0].FromPort: is a string, want a number"},
		{"a key twice", "Vpcs: []\nVpcs: []\n", "1.json:2: Vpcs: key twice in one object"},
		{"syntax", "Vpcs:\n- VpcId: x\n  CidrBlock: y: z\n", "1.json:3: YAML: mapping values are not allowed in this context"},
		{"an alias", "Vpcs: &a []\nSubnets: *a\n", "1.json:2: an alias: the AWS CLI prints none"},
		{"other text", "# about\n\nSome text: it has `code`.\n\n```\nx\n", "1.json: neither JSON nor YAML: give what the AWS CLI prints, the output of `terraform show -json`, or a topology's text"},
		{"a word", "hello\n", "1.json:1: neither JSON nor YAML: give what the AWS CLI prints, the output of `terraform show -json`, or a topology's text"},
		{"no end", "Vpcs: []", "1.json:1: the last line does not end: the file is cut off, or wants a line break there"},
		{"deep", strings.Repeat("- ", 2000) + "x\n", "1.json:1: nested more than 1000 deep"},
		{"long", "Vpcs: []\n" + strings.Repeat("#\n", 8<<20), "1.json: more than 16 MB of YAML: print it with --output json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, []string{tc.want}, readText(tc.in).errors)
		})
	}
}

// What is not read is named, with what to give instead.
func TestForeignInputs(t *testing.T) {
	const show, ask = "terraform show -json", "aws ec2 describe-security-groups"
	for _, tc := range []struct{ in, what, give string }{
		{"PK\x03\x04\x14\x00", "saved Terraform plan", show},
		{"# web\nresource \"aws_security_group\" \"web\" {\n  name = \"web\"\n}\n", "HCL", show},
		{"terraform {\n}\n", "HCL", show},
		{"\nTerraform will perform the following actions:\n\n  # aws_vpc.a", "for people", show},
		{`{"@level":"info"}` + "\n" + `{"@level":"info"}`, "log of a run", show},
		{`{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}`, "CloudFormation", ask},
		{"Resources:\n  Web:\n    Type: AWS::EC2::SecurityGroup\n    Properties:\n      VpcId: !Ref Vpc\n", "CloudFormation", ask},
		{`{"version": "38.0.1", "artifacts": {}}`, "CDK", ask},
		{`{"fileVersion": "1.0", "configurationItems": []}`, "AWS Config", ask},
		{`{"resource": {"aws_security_group": {}}}`, "Terraform's configuration (JSON)", "run `terraform plan"},
		{`{"version": 3, "deployment": {}}`, "a stack of Pulumi", ask},
		{`{"Results": ["{}"], "QueryInfo": {}}`, "AWS Config", ask},
		{`{"serial": 1, "lineage": "a", "encrypted_data": "AAAA", "encryption_version": "v0"}`, "encrypted state", "`tofu show -json`"},
		{`{"NatGateways": []}`, "of EC2, but without rules", ask},
		{`{"TransitGatewayAttachments": []}`, "attachments of all kinds", "describe-transit-gateway-vpc-attachments"},
		{`{"LoadBalancers": []}`, "Elastic Load Balancing", ask},
		{`{"DBInstances": [{"VpcSecurityGroups": []}]}`, "RDS", ask},
		{`{"CacheClusters": [{"SecurityGroups": []}]}`, "ElastiCache", ask},
		{`{"SecurityGroups": ["sg-1", "sg-2"]}`, "another service", ask},
		{`{"SecurityGroups": [{"SecurityGroupId": "sg-1", "Status": "active"}]}`, "another service", ask},
		{`{"GroupId": "sg-1"}`, "one group", ask},
		{`{"Instances": [], "Groups": []}`, "one instance", "describe-instances"},
		{"2 123456789012 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK\n", "flow log", ask},
		{"\xd4\xc3\xb2\xa1\x02\x00", "capture", "replay"},
		{"-----------------------------------------\n|  DescribeSecurityGroups |\n", "table", "--output json"},
		{"SECURITYGROUPS\tdefault\tsg-1\n", "text", "--output json"},
		{"<DescribeSecurityGroupsResponse>", "XML", "--output json"},
		{"\nAn error occurred (UnauthorizedOperation) when calling", "error of the AWS CLI", ""},
		{"a\x00b", "not text", ""},
		{gzipped(t, gzipped(t, groupsJSON)), "not text", ""},
		{`[{"GroupId": "sg-1"}]`, "a list, want an object", "whole outputs"},
	} {
		got := readText(tc.in).errors
		for _, e := range got {
			assert.Contains(t, e, tc.what, "%q", tc.in)
			assert.Contains(t, e, tc.give, "%q", tc.in)
			assert.True(t, strings.HasPrefix(e, "1.json:"), e)
		}
		assert.NotEmpty(t, got, "%q", tc.in)
	}
	assert.Len(t, read(`{"SecurityGroups": ["sg-1", "sg-2"]}`).errors, 1)
}

// What is cut off says so in one line, wherever it is cut.
func TestCutOff(t *testing.T) {
	state := tfText{values: []string{`aws_security_group.a {"id": "sg-a", "ingress": [` + inline(`cidr_blocks=["10.0.0.0/8"]`) + `]}`}}.state()
	plan := tfText{values: []string{`aws_security_group.a {}`}, config: []string{`aws_security_group.a`}}.plan()
	for name, text := range map[string]string{
		"JSON": groupsJSON, "YAML": groupsYAML, "gzip": gzipped(t, groupsJSON), "UTF-16": wide(groupsJSON), "instances": instances,
		"state": state, "plan": plan, "raw state": rawState, "list of pages": "[" + groupsJSON + "]",
		"HCL": "resource \"aws_security_group\" \"web\" {\n  name = \"web\"\n}\n", "saved plan": "PK\x03\x04\x14\x00\x08\x00\x08\x00\x00\x00tfplan" + strings.Repeat("\x00x", 20),
		"CloudFormation": `{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"A": {"Type": "AWS::EC2::SecurityGroup"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 20 {
				at := 1 + i*(len(text)-2)/20
				got := readText(text[:at])
				if name == "YAML" && got.topo != nil { // at the end of a line, where it is whole
					assert.Equal(t, byte('\n'), text[at-1])
					continue
				}
				assert.Len(t, got.errors, 1, "cut at %d: %q", at, got.errors)
				if (name == "JSON" || name == "gzip") && at > 10 {
					assert.Contains(t, got.errors[0], "the file is cut off", "cut at %d", at)
				}
			}
		})
	}
}

func TestInstances(t *testing.T) {
	got := must(t, read(groupsJSON, instances, `{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}`))
	assert.Equal(t, []string{"eni eni-1 10.0.0.1 sg-a public=192.0.2.1 name=web vpc=vpc-1 subnet=subnet-1 instance=i-1 account=1"}, got.lines("eni "))
	var doc struct {
		Reservations []struct{ Instances json.RawMessage }
	}
	assert.NoError(t, json.Unmarshal([]byte(instances), &doc))
	queried := must(t, read(groupsJSON, strings.Replace(string(doc.Reservations[0].Instances), "{", `{"SecurityGroups": [{"GroupId": "sg-a"}], `, 1), `{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}`))
	assert.Equal(t, got.text, queried.text, "--query 'Reservations[].Instances[]'")
	cut := read(`{"Reservations": [{"Instances": [{"InstanceId": "i-1", "PrivateIpAddress": "10.0.0.1"}]}]}`)
	assert.Equal(t, []string{"1.json:1: Reservations[0].Instances[0]: left out: its interfaces are missing, so it was printed with --query: give all of it"}, cut.warnings)
}

func TestRawState(t *testing.T) {
	got := must(t, read(strings.Replace(rawState, `"x"}}`, `"10.0.0.0/8"}}`, 1)))
	assert.Equal(t, "group sg-a name=web\nrule sg-a ingress tcp 1-2 10.0.0.0/8\n", got.text)
	assert.Equal(t, []string{`1.json:6: resources[2].instances[0].attributes.cidr_ipv4 (aws_vpc_security_group_ingress_rule.r): "x" is not a CIDR block: it has no prefix length (InvalidParameterValue)`},
		read(rawState).errors)
	bad := strings.NewReplacer(`"name": "web", "ingress"`, `"name": 1, "ingress"`, `"cidr_ipv4": "x"`, `"cidr_ipv4": "10.0.0.0/8"`).Replace(rawState)
	assert.Equal(t, []string{`1.json:4: resources[1].instances[0].attributes.name (module.a["x"].aws_security_group.web[0]): is a number, want a string`}, read(bad).errors)
}

// What authorize-security-group-ingress prints is not all that the group has.
func TestAuthorizeOutput(t *testing.T) {
	const rule = `"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-a", "GroupOwnerId": "1", "IsEgress": false, "IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}]}`
	got := read(`{"Return": true, ` + rule)
	assert.Equal(t, []string{"1.json:1: SecurityGroupRules[0]: only these rules of sg-a are known: add describe-security-groups"}, got.warnings)
	got = read(`{` + rule)
	assert.Equal(t, []string{"1.json:1: SecurityGroupRules: holds no egress rule of any group: if it was printed with --filters, give all of it"}, got.warnings)
}

// A file that only begins as one named after a prefix list is asked which list it holds.
func TestDirectoryEntries(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pl-entries.json")
	require.NoError(t, os.WriteFile(name, []byte(`{"Entries": [{"Cidr": "10.0.0.0/8"}]}`), 0o600))
	want := resultOf(load.Files(name)).errors
	require.Len(t, want, 1)
	assert.Equal(t, want, resultOf(load.Files(filepath.Dir(name))).errors)
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"groups.yaml": groupsYAML, "pl-1.json.gz": gzipped(t, `{"Entries": [{"Cidr": "10.0.0.0/8"}]}`), "vpcs.json": `{"Vpcs": []}`,
		".hidden.json": "x", "sub/x.json": "x", "main.tf": "x",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	got := resultOf(load.Files(dir))
	assert.Empty(t, got.errors)
	assert.Equal(t, []string{filepath.Join(dir, "main.tf") + ": left out: not called .json, .yaml or .tfstate", filepath.Join(dir, "sub") + ": left out: a folder in a folder has to be named itself"}, got.warnings)
	assert.Contains(t, got.text, "entry pl-1 10.0.0.0/8\n")
	assert.Contains(t, got.text, "group sg-a name=web")
	assert.Equal(t, []string{filepath.Join(dir, "sub", "y") + ": no file in it ends in .json, .yaml or .tfstate: name a topology's text file itself"}, func() []string {
		require.NoError(t, os.Mkdir(filepath.Join(dir, "sub", "y"), 0o700))
		return resultOf(load.Files(filepath.Join(dir, "sub", "y"))).errors
	}())
}
