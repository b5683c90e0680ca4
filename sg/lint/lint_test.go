package lint

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

func rules(t *testing.T, texts ...string) []sg.Rule {
	t.Helper()
	var rs []sg.Rule
	for _, s := range texts {
		r, err := sg.ParseRule(s)
		require.NoError(t, err, s)
		rs = append(rs, r)
	}
	return rs
}

// someRules returns n distinct rules of a family.
func someRules(n int, family packet.Family) []sg.Rule {
	rs := make([]sg.Rule, n)
	for i := range rs {
		rs[i] = sg.Rule{Protocol: sg.TCP, Ports: sg.Port(i + 1), Peer: sg.MustCIDR("10.0.0.0/8")}
		if family == packet.IPv6 {
			rs[i].Peer = sg.MustCIDR("2001:db8::/32")
		}
	}
	return rs
}

func found(t *sg.Topology) []string {
	var s []string
	for _, f := range Check(t) {
		s = append(s, f.String())
	}
	return s
}

var twoGroups = sg.ENI{ID: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Groups: []sg.GroupID{"sg-a", "sg-b"}}

func TestCheckQuotas(t *testing.T) {
	t.Run("QUO-02 60 rules of each family fit, and a group reference counts in both", func(t *testing.T) {
		g := sg.Group{ID: "sg-a", Ingress: append(someRules(60, packet.IPv4), someRules(60, packet.IPv6)...)}
		topo := &sg.Topology{Groups: []sg.Group{g, {ID: "sg-b"}}, ENIs: []sg.ENI{twoGroups}}
		assert.Empty(t, found(topo))
		topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(99), Peer: sg.FromGroup("sg-b")})
		assert.Equal(t, []string{
			"sg-a: quota: ingress rules count 61 for IPv4, quota 60 (RulesPerSecurityGroupLimitExceeded)",
			"sg-a: quota: ingress rules count 61 for IPv6, quota 60 (RulesPerSecurityGroupLimitExceeded)",
		}, found(topo))
		assert.Empty(t, Quotas{RulesPerGroup: 61}.Check(topo))
	})
	t.Run("QUO-01 QUO-08 a Region", func(t *testing.T) {
		topo := &sg.Topology{}
		for i := range 2501 {
			topo.Groups = append(topo.Groups, sg.Group{ID: sg.GroupID(fmt.Sprint("sg-", i))})
		}
		for i := range 101 {
			topo.PrefixLists = append(topo.PrefixLists, sg.PrefixList{ID: sg.PrefixListID(fmt.Sprint("pl-", i)), MaxEntries: 1})
		}
		topo.PrefixLists = append(topo.PrefixLists, sg.PrefixList{ID: "pl-aws", Owner: "AWS"})
		topo.PrefixLists[0].MaxEntries = 1001
		assert.Equal(t, []string{
			"quota: 101 prefix lists, quota 100",
			"quota: 2501 groups, quota 2500 (SecurityGroupLimitExceeded)",
			"pl-0: quota: room for 1001 entries, quota 1000",
		}, found(topo))
	})
	t.Run("QUO-04 quotas that AWS would not grant", func(t *testing.T) {
		assert.Len(t, Quotas{RulesPerGroup: 200, GroupsPerENI: 5}.Check(&sg.Topology{}), 0)
		fs := Quotas{RulesPerGroup: 60, GroupsPerENI: 17}.Check(&sg.Topology{})
		require.Len(t, fs, 2)
		assert.Equal(t, "quota: the quotas allow 60 rules per group times 17 groups per interface, at most 1000 together", fs[0].String())
		assert.Equal(t, "quota: the quota of 17 groups per interface is above 16", fs[1].String())
	})
	t.Run("QUO-08 references", func(t *testing.T) {
		topo := &sg.Topology{PrefixLists: []sg.PrefixList{{ID: "pl-1", MaxEntries: 1, Entries: []sg.PrefixListEntry{{CIDR: sg.MustCIDR("10.0.0.0/8").CIDR}}}}}
		topo.Groups = []sg.Group{{ID: "sg-a", Egress: []sg.Rule{
			{Protocol: sg.TCP, Ports: sg.Port(1), Peer: sg.FromPrefixList("pl-1")}, {Protocol: sg.UDP, Ports: sg.Port(1), Peer: sg.FromPrefixList("pl-1")},
		}}}
		assert.Empty(t, found(topo))
		fs := Quotas{ListReferences: 1}.Check(topo)
		require.Len(t, fs, 1)
		assert.Equal(t, "pl-1: quota: 2 rules name it, quota 1", fs[0].String())
	})
}

func TestPrefixListWeight(t *testing.T) {
	entries := make([]sg.PrefixListEntry, 7)
	for _, c := range []struct {
		list sg.PrefixList
		want int
	}{
		{sg.PrefixList{Name: "corp", MaxEntries: 20, Entries: entries}, 20}, // PL-06
		{sg.PrefixList{Name: "corp", Entries: entries}, 7},
		{sg.PrefixList{Name: "com.amazonaws.global.cloudfront.origin-facing", Owner: "AWS", Entries: entries}, 55}, // PL-07
		{sg.PrefixList{Name: "com.amazonaws.global.ipv6.cloudfront.origin-facing", Owner: "AWS"}, 55},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.s3", Owner: "AWS", Entries: entries}, 1},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.s3express", Owner: "AWS", Entries: entries}, 6},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.dynamodb", Owner: "AWS", Entries: entries}, 1},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.ipv6.vpc-lattice", Owner: "AWS", Entries: entries}, 10},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.route53-healthchecks", Entries: entries}, 25},
		{sg.PrefixList{Name: "com.amazonaws.global.groundstation", Owner: "AWS", Entries: entries}, 5},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.ec2-instance-connect", Owner: "AWS", Entries: entries}, 2},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.s3", Owner: "111122223333", MaxEntries: 9}, 9},
		{sg.PrefixList{Name: "com.amazonaws.eu-west-1.new", Owner: "AWS", Entries: entries}, 7},
		{sg.PrefixList{ID: "pl-6ea54007", Entries: entries}, 1}, // its entries alone
		{sg.PrefixList{ID: "pl-0123456789abcdef0", Entries: entries}, 7},
	} {
		assert.Equal(t, c.want, weight(&c.list), "%s %s of %s", c.list.ID, c.list.Name, c.list.Owner)
	}
}

func TestCheckRules(t *testing.T) {
	lists := []sg.PrefixList{
		{ID: "pl-4", Entries: []sg.PrefixListEntry{{CIDR: sg.MustCIDR("10.0.0.0/8").CIDR}}},
		{ID: "pl-6", Entries: []sg.PrefixListEntry{{CIDR: sg.MustCIDR("2001:db8::/32").CIDR}}},
		{ID: "pl-empty", Family: packet.IPv4},
	}
	for name, c := range map[string]struct {
		rules []string
		want  []string
	}{
		"fine": {rules: []string{"tcp 443 0.0.0.0/0", "tcp 443 ::/0", "icmp 8/-1 pl-4", "icmpv6 ::/0", "all self", "tcp 1 sg-b"}},
		"SG-41 wrong ICMP for the family": {
			[]string{"icmp -1/-1 ::/0", "icmpv6 0.0.0.0/0", "icmp 8/0 pl-6", "icmpv6 pl-4"},
			[]string{
				"sg-a ingress[0]: never: icmp with an IPv6 peer: ping over IPv6 is icmpv6",
				"sg-a ingress[1]: never: icmpv6 with an IPv4 peer: ping over IPv4 is icmp",
				"sg-a ingress[2]: never: icmp with an IPv6 peer: ping over IPv6 is icmpv6",
				"sg-a ingress[3]: never: icmpv6 with an IPv4 peer: ping over IPv4 is icmp",
			},
		},
		"SG-24 SG-30 zeros": {
			[]string{"tcp 0 10.0.0.0/8", "icmp 0/0 10.0.0.0/8", "all 0 10.1.0.0/16"},
			[]string{
				"sg-a ingress[0]: misleading: tcp port 0 only: all ports are 0-65535, only protocol -1 ignores ports",
				"sg-a ingress[1]: misleading: icmp 0/0 is only the echo reply: all of ICMP is -1/-1, ping is 8/-1",
			},
		},
		"SG-42 host bits": {
			[]string{"tcp 443 10.0.1.5/24", "tcp 443 2001:db8::1/64", "tcp 443 10.0.9.5/32"},
			[]string{
				"sg-a ingress[0]: misleading: 10.0.1.5/24 means 10.0.1.0/24: host bits are cleared",
				"sg-a ingress[1]: misleading: 2001:db8::1/64 means 2001:db8::/64: host bits are cleared",
			},
		},
		"SG-43 SG-51 duplicates": {
			[]string{"tcp 443 10.0.0.0/8", "tcp 443 10.0.0.5/8 desc=again", "tcp 443 11.0.0.0/8"},
			[]string{
				"sg-a ingress[1]: misleading: 10.0.0.5/8 means 10.0.0.0/8: host bits are cleared",
				"sg-a ingress[1]: duplicate: the same as ingress[0] (InvalidPermission.Duplicate)",
			},
		},
		"shadowed": {
			[]string{"tcp 443 10.1.0.0/16", "tcp 400-500 10.0.0.0/8", "icmp 8/0 10.0.0.0/8", "icmp 8/-1 10.0.0.0/8", "udp 53 sg-b", "all sg-b", "tcp 443 2001:db8::/32"},
			[]string{
				"sg-a ingress[0]: shadowed: ingress[1] admits all of it",
				"sg-a ingress[2]: shadowed: ingress[3] admits all of it",
				"sg-a ingress[4]: shadowed: ingress[5] admits all of it",
			},
		},
		"references to nothing": {
			[]string{"tcp 1 sg-gone", "tcp 1 pl-gone", "tcp 1 pl-empty", "tcp 1 sg-lonely", "tcp 2 sg-b account=2", "tcp 3 sg-far"},
			[]string{
				"sg-a ingress[0]: dangling: sg-gone is not in the topology (InvalidGroup.NotFound)",
				"sg-a ingress[1]: dangling: pl-gone is not in the topology (InvalidPrefixListID.NotFound)",
				"sg-a ingress[2]: never: pl-empty has no entries now",
				"sg-a ingress[3]: never: sg-lonely has no members now",
				"sg-a ingress[4]: stale: sg-b belongs to account 1, not 2",
				"sg-a ingress[5]: never: sg-far has no members now",
			},
		},
		"rules that Compile refuses": {rules: []string{"none", "tcp 10.0.0.0/8", "tcp 9-1 10.0.0.0/8", "icmp 10.0.0.0/8", "tcp 1 sg-b pl-4 self"}},
	} {
		t.Run(name, func(t *testing.T) {
			topo := &sg.Topology{
				Groups: []sg.Group{
					{ID: "sg-a", VPC: "vpc-1", Ingress: rules(t, c.rules...)},
					{ID: "sg-b", VPC: "vpc-1", Account: "1"}, {ID: "sg-lonely"}, {ID: "sg-far", VPC: "vpc-2"},
				},
				PrefixLists: lists, ENIs: []sg.ENI{twoGroups},
			}
			assert.Equal(t, c.want, found(topo))
		})
	}
}

// REF-08, REF-09: AWS knows groups of other accounts and VPCs that were not exported.
func TestCheckGroupsElsewhere(t *testing.T) {
	topo := &sg.Topology{
		Peerings: []sg.Peering{
			{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2"}, {ID: "pcx-2", Requester: "vpc-2", Accepter: "vpc-1"},
			{ID: "pcx-3", Requester: "vpc-1", Accepter: "vpc-3"}, {ID: "pcx-4", Requester: "vpc-1", Accepter: "vpc-4", Status: "deleted"},
			{ID: "deleted-with-vpc-5", Requester: "vpc-1", Accepter: "vpc-5", Status: "deleted"}, {ID: "made-up", Requester: "vpc-6", Accepter: "vpc-1", Status: "expired"},
		},
		Groups: []sg.Group{
			{ID: "sg-a", VPC: "vpc-1", Account: "1", Ingress: rules(t, "tcp 1 sg-x account=2", "tcp 2 sg-x account=3", "tcp 3 sg-x account=1",
				"tcp 4 sg-x peering=pcx-1", "tcp 5 sg-x peering=pcx-2", "tcp 6 sg-x peering=pcx-3", "tcp 7 sg-x peering=pcx-4", "tcp 8 sg-x peering=deleted-with-vpc-5", "tcp 9 sg-x peering=made-up")},
			{ID: "sg-c", VPC: "vpc-3", Account: "3"},
		},
	}
	assert.Equal(t, []string{
		"sg-a ingress[0]: dangling: sg-x belongs to account 2, whose groups are not in the topology",
		"sg-a ingress[1]: dangling: sg-x is not in the topology (InvalidGroup.NotFound)",
		"sg-a ingress[2]: dangling: sg-x is not in the topology (InvalidGroup.NotFound)",
		"sg-a ingress[3]: dangling: sg-x is in vpc-2, behind pcx-1, whose groups are not in the topology",
		"sg-a ingress[4]: dangling: sg-x is in vpc-2, behind pcx-2, whose groups are not in the topology",
		"sg-a ingress[5]: dangling: sg-x is not in the topology (InvalidGroup.NotFound)",
		"sg-a ingress[6]: stale: sg-x was behind pcx-4, which is not active (deleted)",
		"sg-a ingress[7]: stale: sg-x was behind a deleted peering with vpc-5",
		"sg-a ingress[8]: stale: sg-x was behind a peering with vpc-6 that is not active (expired)",
	}, found(topo))
}

func TestCheckTheRest(t *testing.T) {
	pfx := netip.MustParsePrefix
	topo := &sg.Topology{
		VPCs:     []sg.VPC{{ID: "vpc-1"}, {ID: "vpc-2", Default: true}, {ID: "vpc-3"}},
		Peerings: []sg.Peering{{ID: "pcx-1", Requester: "vpc-3", Accepter: "vpc-1", Status: "deleted"}},
		PrefixLists: []sg.PrefixList{{
			ID: "pl-1", Name: "com.amazonaws.mine", Owner: "1", MaxEntries: 1,
			Entries: []sg.PrefixListEntry{{CIDR: pfx("10.0.0.1/8")}, {CIDR: pfx("10.0.0.2/8")}},
		}},
		Groups: []sg.Group{
			{ID: "sg-1", Name: "Web ", VPC: "vpc-1"},
			{ID: "sg-2", Name: "web", VPC: "vpc-1", Associations: []sg.VPCID{"vpc-2"}},
			{ID: "sg-3", Name: "default", VPC: "vpc-1", Associations: []sg.VPCID{"vpc-3"}},
			{ID: "sg-4", Name: "sg-web", VPC: "vpc-3", Ingress: rules(t, "tcp 1 sg-1")},
			{ID: "sg-6", Name: "web", VPC: "vpc-1", Account: "2"}, // shares the VPC
			{ID: "sg-5", VPC: "vpc-3", Associations: []sg.VPCID{"vpc-1"}, Ingress: rules(t, "tcp 1 sg-1")},
		},
		ENIs: []sg.ENI{
			{ID: "eni-1"},
			{ID: "eni-2", VPC: "vpc-1", Groups: []sg.GroupID{"sg-1", "sg-2", "sg-3", "sg-4", "sg-5", "sg-9"}, Prefixes: []netip.Prefix{pfx("10.0.0.0/28")}},
		},
	}
	assert.Equal(t, []string{
		"pl-1: quota: 2 entries, its maximum is 1",
		"pl-1: duplicate: 10.0.0.0/8 is listed twice",
		`pl-1: misplaced: the name "com.amazonaws.mine" is reserved for AWS-managed lists`,
		`sg-2: misplaced: sg-1 has the name "web" in the same VPC (InvalidGroup.Duplicate)`,
		"sg-2: misplaced: it cannot be associated with vpc-2, a default VPC",
		"sg-3: misplaced: a default group cannot be associated with vpc-3",
		`sg-4: misplaced: the name "sg-web" is longer than 255 characters or starts with sg- (InvalidParameterValue)`,
		"sg-4 ingress[0]: stale: sg-1 is in vpc-1, which no active peering connects to vpc-3",
		"eni-1: misplaced: an interface needs at least one group (MissingParameter)",
		"eni-2: quota: 6 groups, quota 5 (SecurityGroupsPerInterfaceLimitExceeded)",
		"eni-2: misplaced: it is in vpc-1, and sg-4 in vpc-3 without an association (InvalidGroup.NotFound)",
		"eni-2: dangling: it carries groups that the topology lacks: sg-9; what its other groups do not admit is unknown",
	}, found(topo))
	topo.Peerings[0].Status = ""
	assert.NotContains(t, found(topo), "sg-4 ingress[0]: stale: sg-1 is in vpc-1, which no active peering connects to vpc-3")
}

// What AWS refuses is an error, what does nothing a warning, what may be wanted a note;
// and each says what to do.
func TestSeverity(t *testing.T) {
	topo := &sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-a", VPC: "vpc-1", Ingress: rules(t, "tcp 1 10.0.0.1/8", "icmp -1/-1 ::/0", "tcp 1 10.0.0.0/8", "tcp 2 10.0.0.0/8", "tcp 2 10.0.0.0/9",
				"tcp 3 sg-gone", "tcp 3 sg-theirs account=2", "tcp 4 sg-lonely", "tcp 5 sg-far")},
			{ID: "sg-b", VPC: "vpc-1"}, {ID: "sg-lonely", VPC: "vpc-1"}, {ID: "sg-far", VPC: "vpc-2"},
		},
		Peerings: []sg.Peering{{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: "deleted"}},
		ENIs:     []sg.ENI{twoGroups, {ID: "eni-2"}},
	}
	var got []string
	for _, f := range Check(topo) {
		got = append(got, fmt.Sprint(f.Severity, " ", f.Kind, " ", f.Subject, " ", f.Other))
		assert.NotEmpty(t, f.Advice, f)
	}
	assert.Equal(t, []string{
		"note misleading sg-a ingress[0] ",
		"warning never sg-a ingress[1] ",
		"warning duplicate sg-a ingress[2] sg-a ingress[0]",
		"warning shadowed sg-a ingress[4] sg-a ingress[3]",
		"warning dangling sg-a ingress[5] ",
		"note dangling sg-a ingress[6] ",
		"note never sg-a ingress[7] sg-lonely",
		"warning stale sg-a ingress[8] sg-far",
		"error misplaced eni-2 ",
	}, got)
}

// The ACL that the VPC guide recommends fails nothing: ports from 32768 on for answers, and
// no ICMP.
func TestRecommendedACL(t *testing.T) {
	entry := func(n int, ports sg.PortRange) sg.ACLEntry {
		return sg.ACLEntry{Number: n, Allow: true, Protocol: sg.TCP, Ports: ports, CIDR: sg.AnyIPv4.CIDR}
	}
	entries := func(last int) []sg.ACLEntry {
		return []sg.ACLEntry{entry(100, sg.Port(80)), entry(110, sg.Port(443)), entry(140, sg.Ports(32768, last))}
	}
	severities := func(in, out []sg.ACLEntry) (all []Severity) {
		for _, f := range Check(&sg.Topology{NetworkACLs: []sg.NetworkACL{{ID: "acl-a", Ingress: in, Egress: out}}}) {
			assert.Equal(t, Blocked, f.Kind)
			all = append(all, f.Severity)
		}
		return all
	}
	assert.Equal(t, []Severity{Note, Note, Note, Note}, severities(entries(65535), entries(65535)))
	assert.Equal(t, []Severity{Warning, Note, Note, Note}, severities(entries(65535), entries(65000)), "some clients get no answers")
}

// Who has the groups of a topology is known only where it has interfaces, and matters
// only to groups in use.
func TestCheckMembers(t *testing.T) {
	topo := &sg.Topology{Groups: []sg.Group{
		{ID: "sg-default", Name: "default", VPC: "vpc-1", Ingress: rules(t, "all self")},
		{ID: "sg-web", VPC: "vpc-1", Ingress: rules(t, "tcp 1 sg-db", "tcp 2 sg-far")},
		{ID: "sg-db", VPC: "vpc-1", Ingress: rules(t, "tcp 1 sg-default")},
		{ID: "sg-far", VPC: "vpc-2"},
	}, Peerings: []sg.Peering{{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2"}}}
	assert.Empty(t, found(topo), "no interfaces")
	topo.ENIs = []sg.ENI{{ID: "eni-1", VPC: "vpc-1", Groups: []sg.GroupID{"sg-web"}}}
	assert.Equal(t, []string{"sg-web ingress[0]: never: sg-db has no members now"}, found(topo), "none in vpc-2, and sg-db is not in use")
	topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-2", VPC: "vpc-2"}, sg.ENI{ID: "eni-3", VPC: "vpc-1", Type: "nat_gateway"})
	topo.ENIs[1].RequesterManaged = true
	assert.Equal(t, []string{
		"sg-web ingress[0]: never: sg-db has no members now", "sg-web ingress[1]: never: sg-far has no members now",
	}, found(topo), "AWS attaches no group to a NAT gateway")
	topo.ENIs = []sg.ENI{{ID: "eni-1", VPC: "vpc-1", Groups: []sg.GroupID{"sg-web"}}, {ID: "eni-2", VPC: "vpc-1", Groups: []sg.GroupID{"sg-db", "sg-default"}}}
	assert.Empty(t, found(topo), "an interface without an address yet is a member")
}

// Groups that are missing are missing for one reason.
func TestCheckMissingGroups(t *testing.T) {
	topo := &sg.Topology{Groups: []sg.Group{{ID: "sg-a"}}}
	for i := range 9 {
		topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprint("eni-", i)), Groups: []sg.GroupID{"sg-a", "sg-x", sg.GroupID(fmt.Sprint("sg-", i))}})
	}
	fs := Check(topo)
	require.Len(t, fs, 1)
	assert.Equal(t, Warning, fs[0].Severity)
	assert.Equal(t, "eni-0: dangling: it carries groups, as 8 other interfaces do, that the topology lacks: sg-x, sg-0, sg-1, sg-2, sg-3 and 5 more; "+
		"what its other groups do not admit is unknown", fs[0].String())
}
