package load_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

const listedACL = `{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "OwnerId": "111122223333", "IsDefault": false,
 "Tags": [{"Key": "Name", "Value": "app"}],
 "Associations": [{"NetworkAclAssociationId": "aclassoc-1", "NetworkAclId": "acl-1", "SubnetId": "subnet-1"}],
 "Entries": [
  {"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "10.0.0.0/16", "PortRange": {"From": 443, "To": 443}},
  {"RuleNumber": 90, "Egress": false, "RuleAction": "deny", "Protocol": "-1", "CidrBlock": "10.0.9.0/24", "PortRange": {"From": 0, "To": 0}},
  {"RuleNumber": 110, "Egress": false, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "0.0.0.0/0", "IcmpTypeCode": {"Type": 3, "Code": 4}},
  {"RuleNumber": 120, "Egress": false, "RuleAction": "allow", "Protocol": "58", "Ipv6CidrBlock": "::/0", "IcmpTypeCode": {"Type": -1, "Code": -1}},
  {"RuleNumber": 130, "Egress": false, "RuleAction": "allow", "Protocol": "58", "CidrBlock": "0.0.0.0/0"},
  {"RuleNumber": 140, "Egress": false, "RuleAction": "allow", "Protocol": "47", "CidrBlock": "10.0.0.7/8", "PortRange": {"From": 5, "To": 9}},
  {"RuleNumber": 100, "Egress": true, "RuleAction": "allow", "Protocol": "17", "CidrBlock": "10.0.0.0/16", "PortRange": {"From": 1024, "To": 65535}},
  {"RuleNumber": 32767, "Egress": false, "RuleAction": "deny", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"},
  {"RuleNumber": 32767, "Egress": true, "RuleAction": "deny", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"},
  {"RuleNumber": 32768, "Egress": true, "RuleAction": "deny", "Protocol": "-1", "Ipv6CidrBlock": "::/0"}]}]}`

// IN-12: describe-network-acls. AWS's own entries are no one's (NACL-33), and ports that
// a protocol does not have are not looked at (NACL-75).
func TestNetworkACLs(t *testing.T) {
	r := must(t, read(listedACL))
	assert.Equal(t, `acl acl-1 name=app vpc=vpc-1 subnet=subnet-1
aclentry acl-1 ingress 100 allow tcp 443 10.0.0.0/16
aclentry acl-1 ingress 90 deny all 10.0.9.0/24
aclentry acl-1 ingress 110 allow icmp 3/4 0.0.0.0/0
aclentry acl-1 ingress 120 allow icmpv6 -1/-1 ::/0
aclentry acl-1 ingress 130 allow icmpv6 0.0.0.0/0
aclentry acl-1 ingress 140 allow gre 10.0.0.0/8
aclentry acl-1 egress 100 allow udp 1024-65535 10.0.0.0/16
`, r.text)
	_, err := sg.Compile(r.topo)
	require.NoError(t, err)
}

// ICMP -1/-1 with ports -1, and protocol -1 with ports, never converge in plans; they are
// all types of ICMP, and all protocols. "ICMP without type/code" is an error of its own.
func TestICMPEntriesWithPorts(t *testing.T) {
	const all = `"from_port": -1, "to_port": -1, "icmp_type": -1, "icmp_code": -1, "cidr_block": "0.0.0.0/0"`
	want := []string{"aclentry acl-1 ingress 100 allow icmp -1/-1 0.0.0.0/0", "aclentry acl-1 ingress 110 allow all 0.0.0.0/0"}
	r := must(t, read(tfText{values: []string{`aws_network_acl.a {"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": [], "egress": [], "ingress": [
		{"rule_no": 100, "action": "allow", "protocol": "icmp", ` + all + `}, {"rule_no": 110, "action": "allow", "protocol": "-1", ` + all + `}]}`}}.state()))
	assert.Equal(t, want, r.lines("aclentry"))
	r = must(t, read(`{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "Entries": [
		{"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": -1, "To": -1}, "IcmpTypeCode": {"Type": -1, "Code": -1}},
		{"RuleNumber": 110, "Egress": false, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": -1, "To": -1}}]}]}`))
	assert.Equal(t, want, r.lines("aclentry"))
	r = read(`{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "Entries": [
		{"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": -1, "To": -1}}]}]}`)
	require.Len(t, r.errors, 1)
	assert.Contains(t, r.errors[0], "NetworkAcls[0].Entries[0]: entry 100: ICMP needs a type and a code")
}

// "Every rule re-created when one changes": a plan that replaces all entries though one of
// them is new, of which it writes null where the state has 0 and "", changes that one
// alone. What a listing tells of the others is what the plan makes again.
func TestEveryEntryMadeAgain(t *testing.T) {
	const unset, null = `"ipv6_cidr_block": "", "icmp_type": 0, "icmp_code": 0`, `"ipv6_cidr_block": null, "icmp_type": null, "icmp_code": null`
	entry := func(number, port int, rest string) string {
		return fmt.Sprintf(`{"rule_no": %d, "action": "allow", "protocol": "tcp", "from_port": %d, "to_port": %[2]d, "cidr_block": "0.0.0.0/0", %s}`, number, port, rest)
	}
	acl := func(entries ...string) string {
		return `aws_network_acl.a {"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "egress": [], "ingress": [` + strings.Join(entries, ", ") + `]}`
	}
	before := must(t, read(tfText{values: []string{acl(entry(100, 80, unset), entry(110, 443, unset))}}.state()))
	plan := tfText{values: []string{acl(entry(100, 80, null), entry(110, 8443, null))}, config: []string{`aws_network_acl.a ingress=var.x`}}
	after := must(t, read(plan.plan()))
	assert.Equal(t, before.lines("aclentry")[0], after.lines("aclentry")[0])
	assert.Equal(t, "aclentry acl-1 ingress 110 allow tcp 443 0.0.0.0/0", before.lines("aclentry")[1])
	assert.Equal(t, "aclentry acl-1 ingress 110 allow tcp 8443 0.0.0.0/0", after.lines("aclentry")[1])

	rule := func(name string, number, port int) string {
		return fmt.Sprintf(`aws_network_acl_rule.%s {"network_acl_id": "acl-1", "rule_number": %d, "egress": false, "protocol": "6", "rule_action": "allow", "cidr_block": "0.0.0.0/0", "from_port": %d, "to_port": %[3]d, %s}`, name, number, port, null)
	}
	plan = tfText{values: []string{rule("a", 100, 80), rule("b", 110, 8443)}}
	for _, number := range []int{100, 110} {
		c := change("aws_network_acl_rule", "delete", obj{"network_acl_id": "acl-1", "rule_number": number, "egress": false})
		c["change"].(obj)["actions"] = []string{"delete", "create"}
		plan.changes = append(plan.changes, c)
	}
	r := must(t, read(plan.plan(), `{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "Entries": [
		{"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 80, "To": 80}},
		{"RuleNumber": 110, "Egress": false, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 443, "To": 443}}]}]}`))
	assert.Equal(t, after.lines("aclentry"), r.lines("aclentry"))
}

// NACL-72: the provider takes IANA's names of protocols, and a plan shows what was written.
func TestProtocolNames(t *testing.T) {
	rule := func(protocol string) string {
		return tfText{values: []string{`aws_vpc.v {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "default_network_acl_id": "acl-1"}`,
			`aws_network_acl.a {"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": []}`,
			`aws_network_acl_rule.r {"network_acl_id": "acl-1", "rule_number": 100, "protocol": "` + protocol + `", "rule_action": "allow", "cidr_block": "10.0.0.0/16", "from_port": 1, "to_port": 2, "icmp_type": 8, "icmp_code": 0}`}}.plan()
	}
	for name, want := range map[string]string{
		"hopopt": "0", "icmp": "icmp 8/0", "igmp": "igmp", "tcp": "tcp 1-2", "udp": "udp 1-2", "gre": "gre", "esp": "esp", "AH": "ah", "ipv6-icmp": "icmpv6", "icmpv6": "icmpv6",
		"ospfigp": "ospfigp", "a/n": "107", "vrrp": "vrrp", "l2tp": "l2tp", "sctp": "sctp", "udplite": "udplite", "rohc": "rohc", "ipv6": "41", "all": "all", "-1": "all", "254": "254",
	} {
		r := must(t, read(rule(name)))
		assert.Equal(t, []string{"aclentry acl-1 ingress 100 allow " + want + " 10.0.0.0/16"}, r.lines("aclentry"), name)
	}
	for _, name := range []string{"-", "", "ospf", "256", "bogus"} {
		r := read(rule(name))
		require.NotEmpty(t, r.errors, name)
		assert.Contains(t, r.errors[0], "unknown protocol", name)
	}
}

// Without subnets, what no interface has is outside; without all entries, nothing is judged.
func TestNetworkACLsIncomplete(t *testing.T) {
	r := read(listedACL, `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1", "SubnetId": "subnet-1"}]}`)
	assert.Equal(t, []string{"1.json:1: NetworkAcls[0]: no input has the addresses of subnets, so an address without an interface is taken to be outside them: add describe-subnets"}, r.warnings)
	r = read(tfText{values: []string{`aws_network_acl_rule.r {"network_acl_id": "acl-1", "rule_number": 100, "protocol": "tcp", "rule_action": "allow", "cidr_block": "10.0.0.0/16", "from_port": 443, "to_port": 443}`}}.state())
	assert.Equal(t, []string{"1.json:1: values.root_module.resources[0].values (aws_network_acl_rule.r): acl-1: only this is known of the network ACL, so it is not judged: add describe-network-acls"}, r.warnings)
	assert.Empty(t, r.topo.NetworkACLs)
}

// What AWS would not have listed.
func TestNetworkACLErrors(t *testing.T) {
	entry := func(fields string) string {
		return `{"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [{"Egress": true, ` + fields + `}]}]}`
	}
	for fields, want := range map[string]string{
		`"RuleNumber": 0, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "::/0"`:                                              "RuleNumber: entry 0: numbers are 1 to 32766",
		`"RuleNumber": 1, "RuleAction": "maybe", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"`:                                         `RuleAction: "maybe" is neither allow nor deny`,
		`"RuleNumber": 1, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "0.0.0.0/0"`:                                          "port range -2--2",
		`"RuleNumber": 1, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "0.0.0.0/0", "IcmpTypeCode": {"Type": -1, "Code": 4}`: "ICMP needs a type and a code",
		`"RuleNumber": 1, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "Ipv6CidrBlock": "::/0"`:                "an entry has one",
		`"RuleNumber": 1, "RuleAction": "allow", "Protocol": "-1"`:                                                                   "CidrBlock: is missing",
	} {
		r := read(entry(fields))
		require.NotEmpty(t, r.errors, fields)
		assert.Contains(t, r.errors[0], want)
	}
	r := read(listedACL, `{"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [
		{"RuleNumber": 90, "Egress": false, "RuleAction": "deny", "Protocol": "-1", "CidrBlock": "10.0.8.0/24"}]},
		{"NetworkAclId": "acl-2", "Associations": [{"SubnetId": "subnet-1"}]}]}`)
	assert.Equal(t, []string{
		"2.json:2: NetworkAcls[0].Entries[0]: acl-1 has another ingress entry 90 at line 6 of 1.json (NetworkAclEntryAlreadyExists)",
		"2.json:3: NetworkAcls[1].Associations[0]: subnet-1 has acl-2 here and acl-1 at 1.json:3: NetworkAcls[0].Associations[0]: give the newer of the two",
	}, r.errors)
}

// Terraform's ways in a state (NACL-70 to NACL-78): what is unset is 0 or "", names of
// protocols may stand, an entry that an ACL computed from a rule resource is one.
func TestTerraformACLState(t *testing.T) {
	const inline = `"cidr_block": "10.0.0.0/16", "ipv6_cidr_block": "", "icmp_type": 0, "icmp_code": 0`
	r := must(t, read(tfText{values: []string{
		`aws_vpc.v {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "default_network_acl_id": "acl-0"}`,
		`aws_network_acl.a {"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "ingress": [
			{"rule_no": 100, "action": "allow", "protocol": "6", "from_port": 443, "to_port": 443, ` + inline + `},
			{"rule_no": 110, "action": "DENY", "protocol": "-1", "from_port": 0, "to_port": 0, ` + inline + `}], "egress": []}`,
		`aws_network_acl_rule.r {"network_acl_id": "acl-1", "rule_number": 100, "egress": null, "protocol": "tcp", "rule_action": "allow", "cidr_block": "10.0.0.0/16", "ipv6_cidr_block": null, "from_port": 443, "to_port": 443}`,
		`aws_network_acl_rule.s {"network_acl_id": "acl-1", "rule_number": 120, "egress": true, "protocol": "tcp", "rule_action": "allow", "ipv6_cidr_block": "::/0", "from_port": null, "to_port": null}`,
		`aws_network_acl_rule.t {"network_acl_id": "acl-1", "rule_number": 130, "egress": true, "protocol": "icmp", "rule_action": "allow", "cidr_block": "0.0.0.0/0", "icmp_type": "8", "icmp_code": "-1", "from_port": 0, "to_port": 0}`,
		`aws_default_network_acl.d {"id": "acl-0", "default_network_acl_id": "acl-0", "vpc_id": "vpc-1", "subnet_ids": [], "ingress": [], "egress": []}`,
		`aws_network_acl_association.x {"network_acl_id": "acl-1", "subnet_id": "subnet-2"}`,
	}}.state()))
	assert.Equal(t, `vpc vpc-1 10.0.0.0/16
acl acl-1 vpc=vpc-1 subnet=subnet-1 subnet=subnet-2
aclentry acl-1 ingress 100 allow tcp 443 10.0.0.0/16
aclentry acl-1 ingress 110 deny all 10.0.0.0/16
aclentry acl-1 egress 120 allow tcp 0 ::/0
aclentry acl-1 egress 130 allow icmp 8/-1 0.0.0.0/0
acl acl-0 vpc=vpc-1 default
`, r.text)
}

// A plan of all that is new: ids come from the configuration (NACL-79), and a default ACL
// that nothing speaks of has the entries that AWS gives it (NACL-35, NACL-77).
func TestTerraformACLPlan(t *testing.T) {
	r := must(t, read(tfText{
		values: []string{
			`aws_vpc.v {"cidr_block": "10.0.0.0/16"}`,
			`aws_subnet.s {"cidr_block": "10.0.1.0/24"}`,
			`aws_subnet.t {"cidr_block": "10.0.2.0/24"}`,
			`aws_network_acl.a {"ingress": [{"rule_no": 100, "action": "allow", "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_block": "0.0.0.0/0", "ipv6_cidr_block": null, "icmp_type": null, "icmp_code": null}]}`,
			`aws_network_acl_rule.r {"rule_number": 100, "egress": true, "protocol": "-1", "rule_action": "allow", "cidr_block": "0.0.0.0/0", "ipv6_cidr_block": null, "from_port": null, "to_port": null, "icmp_type": null, "icmp_code": null}`,
			`aws_network_acl_association.x {}`,
		},
		config: []string{
			`aws_vpc.v`, `aws_subnet.s vpc_id=aws_vpc.v.id`, `aws_subnet.t vpc_id=aws_vpc.v.id`,
			`aws_network_acl.a vpc_id=aws_vpc.v.id subnet_ids=aws_subnet.s.id`,
			`aws_network_acl_rule.r network_acl_id=aws_network_acl.a.id`,
			`aws_network_acl_association.x network_acl_id=aws_network_acl.a.id subnet_id=aws_subnet.t.id`,
		},
	}.plan()))
	assert.Equal(t, []string{
		"acl aws_network_acl.a vpc=aws_vpc.v subnet=aws_subnet.s subnet=aws_subnet.t",
		"aclentry aws_network_acl.a ingress 100 allow tcp 443 0.0.0.0/0",
		"aclentry aws_network_acl.a egress 100 allow all 0.0.0.0/0",
		`acl "default of aws_vpc.v" vpc=aws_vpc.v default`,
		`aclentry "default of aws_vpc.v" ingress 100 allow all 0.0.0.0/0`,
		`aclentry "default of aws_vpc.v" egress 100 allow all 0.0.0.0/0`,
	}, r.lines("acl"))

	r = must(t, read(tfText{
		values: []string{`aws_vpc.v {"cidr_block": "10.0.0.0/16"}`, `aws_default_network_acl.d {}`},
		config: []string{`aws_vpc.v`, `aws_default_network_acl.d default_network_acl_id=aws_vpc.v.default_network_acl_id`},
	}.plan()))
	assert.Equal(t, []string{"acl aws_default_network_acl.d vpc=aws_vpc.v default"}, r.lines("acl"), "adoption removes all entries (NACL-76)")

	r = must(t, read(tfText{
		values: []string{`aws_vpc.v {"cidr_block": "10.0.0.0/16"}`,
			`aws_network_acl_rule.r {"rule_number": 90, "egress": false, "protocol": "-1", "rule_action": "deny", "cidr_block": "10.9.0.0/16"}`},
		config: []string{`aws_vpc.v`, `aws_network_acl_rule.r network_acl_id=aws_vpc.v.default_network_acl_id`},
	}.plan()))
	assert.Equal(t, []string{
		`acl "default of aws_vpc.v" vpc=aws_vpc.v default`,
		`aclentry "default of aws_vpc.v" ingress 90 deny all 10.9.0.0/16`,
		`aclentry "default of aws_vpc.v" ingress 100 allow all 0.0.0.0/0`,
		`aclentry "default of aws_vpc.v" egress 100 allow all 0.0.0.0/0`,
	}, r.lines("acl"), "a rule of an ACL that AWS makes with the VPC")
}

// A plan decides about the ACLs that it manages, removals included; a listing adds what
// it does not tell.
func TestPlanDecidesACLs(t *testing.T) {
	plan := tfText{
		values: []string{`aws_network_acl.a {"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": [], "ingress": [], "egress": []}`},
		config: []string{`aws_network_acl.a subnet_ids=var.x`},
		changes: []map[string]any{
			change("aws_network_acl", "delete", obj{"id": "acl-9"}),
			change("aws_network_acl_rule", "delete", obj{"network_acl_id": "acl-2", "rule_number": 100, "egress": false}),
			change("aws_network_acl_association", "delete", obj{"network_acl_id": "acl-2", "subnet_id": "subnet-2"}),
		},
	}
	r := read("plan.json|"+plan.plan(), listedACL, `{"NetworkAcls": [
		{"NetworkAclId": "acl-9", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-9"}], "Entries": []},
		{"NetworkAclId": "acl-2", "VpcId": "vpc-1", "IsDefault": true, "Associations": [{"SubnetId": "subnet-2"}, {"SubnetId": "subnet-3"}], "Entries": [
			{"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"},
			{"RuleNumber": 100, "Egress": true, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"}]}]}`)
	assert.Empty(t, r.errors)
	assert.Equal(t, []string{"acl acl-1 name=app vpc=vpc-1", "acl acl-2 vpc=vpc-1 subnet=subnet-3 default", "aclentry acl-2 egress 100 allow all 0.0.0.0/0"}, r.lines("acl"))
}

// Scenario 15 from the AWS CLI, from a plan and as text: the same hops in each of its
// variants.
func TestScenario15(t *testing.T) {
	type entry struct {
		dir    sg.Direction
		number int
		action string
		first  int // of TCP ports; -1 for all traffic
		last   int
		cidr   string
	}
	entries := func(format func(e entry) string, dir sg.Direction, sep string, list []entry) string {
		var texts []string
		for _, e := range list {
			if dir == 0 || e.dir == dir {
				texts = append(texts, format(e))
			}
		}
		return strings.Join(texts, sep)
	}
	asText := func(e entry) string {
		match := fmt.Sprintf("tcp %d-%d", e.first, e.last)
		if e.first < 0 {
			match = "all"
		}
		return fmt.Sprintf("aclentry acl-b %s %d %s %s %s", e.dir, e.number, e.action, match, e.cidr)
	}
	asListed := func(e entry) string {
		match := fmt.Sprintf(`"Protocol": "6", "PortRange": {"From": %d, "To": %d}`, e.first, e.last)
		if e.first < 0 {
			match = `"Protocol": "-1"`
		}
		return fmt.Sprintf(`{"RuleNumber": %d, "Egress": %t, "RuleAction": %q, %s, "CidrBlock": %q}`, e.number, e.dir == sg.Egress, e.action, match, e.cidr)
	}
	asPlanned := func(e entry) string {
		match := fmt.Sprintf(`"protocol": "tcp", "from_port": %d, "to_port": %d`, e.first, e.last)
		if e.first < 0 {
			match = `"protocol": "all", "from_port": 0, "to_port": 0`
		}
		return fmt.Sprintf(`{"rule_no": %d, "action": %q, %s, "cidr_block": %q}`, e.number, e.action, match, e.cidr)
	}
	const rest = `
group sg-client
rule sg-client egress tcp 443 10.0.0.0/16
group sg-server
rule sg-server ingress tcp 443 10.0.0.0/16
eni eni-client %s sg-client vpc=vpc-1
eni eni-server 10.0.2.20 sg-server vpc=vpc-1 subnet=subnet-b
`
	const asked, answered = "eni-client egress: accept rule sg-client egress[0]; acl-b ingress: accept acl_allow acl-b ingress 100; eni-server ingress: accept rule sg-server ingress[0]",
		"eni-server egress: accept tracked sg-server ingress[0]; acl-b egress: "
	first := []entry{{sg.Ingress, 100, "allow", 443, 443, "10.0.1.0/24"}, {sg.Egress, 100, "allow", 443, 443, "0.0.0.0/0"}}
	for _, tt := range []struct {
		name   string
		client string
		more   []entry
		want   []string
	}{
		{"the answer is lost", "10.0.1.10", nil, []string{
			"accept rule (" + asked + ")",
			"drop acl_deny (" + answered + "drop acl_deny acl-b egress *)",
		}},
		{"ports for answers", "10.0.1.10", []entry{{sg.Egress, 110, "allow", 1024, 65535, "0.0.0.0/0"}}, []string{
			"accept rule (" + asked + ")",
			"accept tracked (" + answered + "accept acl_allow acl-b egress 110; eni-client ingress: accept tracked sg-client egress[0])",
		}},
		{"one subnet", "10.0.2.10", nil, []string{
			"accept rule (eni-client egress: accept rule sg-client egress[0]; eni-server ingress: accept rule sg-server ingress[0])",
			"accept tracked (eni-server egress: accept tracked sg-server ingress[0]; eni-client ingress: accept tracked sg-client egress[0])",
		}},
		{"90 denies", "10.0.1.10", []entry{{sg.Ingress, 90, "deny", -1, -1, "10.0.1.10/32"}}, []string{
			"drop acl_deny (eni-client egress: accept rule sg-client egress[0]; acl-b ingress: drop acl_deny acl-b ingress 90)",
			"drop no_rule (eni-server egress: drop no_rule)",
		}},
	} {
		all := append(slices.Clone(first), tt.more...)
		enis := fmt.Sprintf(rest, tt.client)
		text := `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/24
acl acl-b vpc=vpc-1 subnet=subnet-b
` + entries(asText, 0, "\n", all) + enis
		listed := read(`{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}`,
			`{"Subnets": [{"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}, {"SubnetId": "subnet-b", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24"}]}`,
			`{"NetworkAcls": [{"NetworkAclId": "acl-b", "VpcId": "vpc-1", "IsDefault": false, "Associations": [{"SubnetId": "subnet-b"}], "Entries": [`+
				entries(asListed, 0, ", ", all)+`]}]}`)
		planned := read(tfText{values: []string{
			`aws_subnet.a {"id": "subnet-a", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"}`, `aws_subnet.b {"id": "subnet-b", "vpc_id": "vpc-1", "cidr_block": "10.0.2.0/24"}`,
			`aws_network_acl.b {"id": "acl-b", "vpc_id": "vpc-1", "subnet_ids": ["subnet-b"], "ingress": [` + entries(asPlanned, sg.Ingress, ", ", all) +
				`], "egress": [` + entries(asPlanned, sg.Egress, ", ", all) + `]}`,
		}}.plan())
		for form, r := range map[string]result{"listing": listed, "plan": planned, "text": read("world.topo|" + text)} {
			require.Empty(t, r.errors, form)
			if len(r.topo.Groups) == 0 {
				r.text += enis
			}
			assert.Equal(t, tt.want, hopsOf(t, r.text, tt.client), "%s: %s", tt.name, form)
		}
	}
}

// hopsOf returns what becomes of a request from a client and of its answer.
func hopsOf(t *testing.T, text, client string) (hops []string) {
	t.Helper()
	topo, err := topotext.Parse("topology", text)
	require.NoError(t, err)
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	fw := sg.NewFirewall(policy, nil)
	for _, s := range []string{"tcp " + client + ":40000 > 10.0.2.20:443 S", "tcp 10.0.2.20:443 > " + client + ":40000 SA"} {
		h, err := packet.ParseHeader(s)
		require.NoError(t, err)
		hops = append(hops, fw.Forward(sg.Packet{Header: &h, Time: time.Unix(0, 0)}).String())
	}
	return hops
}
