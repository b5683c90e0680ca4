package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

// Two hosts in two subnets: the ACL of the second has no entry for answers.
const aclJSON = `{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "one", "VpcId": "vpc-1", "OwnerId": "1",
 "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}],
 "IpPermissionsEgress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]}],
"NetworkInterfaces": [
 {"NetworkInterfaceId": "eni-a", "VpcId": "vpc-1", "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.10", "Groups": [{"GroupId": "sg-1"}]},
 {"NetworkInterfaceId": "eni-b", "VpcId": "vpc-1", "SubnetId": "subnet-b", "PrivateIpAddress": "10.0.2.20", "Groups": [{"GroupId": "sg-1"}]}],
"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
"Subnets": [{"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}, {"SubnetId": "subnet-b", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24"}],
"NetworkAcls": [{"NetworkAclId": "acl-b", "VpcId": "vpc-1", "IsDefault": false, "Associations": [{"SubnetId": "subnet-b"}], "Entries": [
 {"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "10.0.1.0/24", "PortRange": {"From": 443, "To": 443}},
 {"RuleNumber": 110, "Egress": false, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "0.0.0.0/0", "IcmpTypeCode": {"Type": 3, "Code": 4}},
 {"RuleNumber": 100, "Egress": true, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "0.0.0.0/0", "IcmpTypeCode": {"Type": -1, "Code": -1}}]}]}`

func TestACLs(t *testing.T) {
	file := write(t, "world.json", []byte(aclJSON))
	r := runSgsim(t, "explain", "-topology", file, "tcp 10.0.1.10:40000 > 10.0.2.20:443 S", "tcp 10.0.2.20:443 > 10.0.1.10:40000 SA")
	assert.Contains(t, flat(r.stdout), "acl-b ingress: accept, acl_allow entry acl-b ingress 100: 100 allow tcp 443 10.0.1.0/24")
	assert.Contains(t, flat(r.stdout), "acl-b egress: drop, acl_deny passed acl-b egress 100: protocol icmp, packet had tcp")
	assert.Contains(t, flat(r.stdout), "the client's ephemeral port 40000 needs an entry")
	r = runSgsim(t, "explain", "-tap", "eni-b:egress", "-topology", file, "tcp 10.0.2.20:443 > 10.0.1.10:443 S")
	assert.Contains(t, flat(r.stdout), "eni-b egress: accept, rule")
	assert.Contains(t, flat(r.stdout), "acl-b egress: drop, acl_deny passed acl-b egress 100")

	r = runSgsim(t, "explain", "-format", "json", "-topology", file, "tcp 10.0.1.10:40000 > 10.0.2.20:80 S", "tcp 10.0.1.99:40000 > 10.0.2.20:80 S")
	var said explainJSON
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &said), r.stderr)
	hop := said.Packets[1].Hops[0]
	assert.Equal(t, "acl-b", string(hop.ACL))
	assert.Equal(t, "eni-b", string(hop.ENI))
	assert.Equal(t, &jsondoc.Rule{Direction: "ingress", Index: -1, Rule: "ingress *", RuleText: "32767 deny all 0.0.0.0/0", ACL: "acl-b"}, hop.Rule)
	assert.Equal(t, []jsondoc.Fail{{Field: "port", Want: "443", Got: "80"}}, hop.Nearest[0].Fails)
	assert.Len(t, hop.Passed, 2)

	// What passes and gets no answer is no success.
	open := strings.Replace(aclJSON, `"PortRange": {"From": 443, "To": 443}},`, `"PortRange": {"From": 443, "To": 443}}, {"RuleNumber": 120, "Egress": true, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"},`, 1)
	for acls, status := range map[string]int{aclJSON: exitNo, open: exitOK} {
		r = runSgsim(t, "explain", "-format", "json", "-fail-on", "drop", "-topology", write(t, "gate.json", []byte(acls)), "tcp 10.0.1.10:40000 > 10.0.2.20:443")
		assert.Equal(t, status, r.status)
		assert.Equal(t, status == exitNo, strings.Contains(r.stdout, `"unanswered": true`), r.stdout)
		assert.Contains(t, r.stdout, `"verdict": "accept"`)
	}

	r = runSgsim(t, "check", "-topology", file)
	assert.Regexp(t, `^\S+world.json:10: warning: blocked: acl-b ingress 100 egress has no entry for the answers: tcp to ports 1024-65535 of 10.0.1.0/24`, flat(r.stdout))
	assert.Contains(t, flat(r.stdout), "world.json:12: warning: blocked: acl-b egress 100 ingress has no entry for the answers: icmp 0/0 from 0.0.0.0/0, the echo replies of ping")
	assert.Contains(t, flat(r.stdout), "note: unjudged: subnet-a no network ACL names it")
	r = runSgsim(t, "check", "-format", "json", "-topology", file)
	var found struct {
		Findings []struct {
			ACL       string
			Entry     int
			Direction string
			Line      int
			Subnet    string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &found))
	require.Len(t, found.Findings, 3)
	assert.Equal(t, []any{"acl-b", 100, "ingress", 10}, []any{found.Findings[0].ACL, found.Findings[0].Entry, found.Findings[0].Direction, found.Findings[0].Line})
	assert.Equal(t, []any{"acl-b", 100, "egress", 12}, []any{found.Findings[1].ACL, found.Findings[1].Entry, found.Findings[1].Direction, found.Findings[1].Line})
	assert.Equal(t, "subnet-a", found.Findings[2].Subnet)
}
