package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
)

// A comparison has a bound of its own, however many classes there are: the interfaces that
// come last are left out, the same ones in whatever order the topologies hold them and on
// any number of processors, and those that come first are compared whole.
func TestWholeBound(t *testing.T) {
	const enis = 300
	policy := func(port int, backwards bool) *sg.Policy {
		topo := &sg.Topology{}
		for i := range enis {
			id, addr := sg.GroupID(fmt.Sprintf("sg-%03d", i)), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			topo.Groups = append(topo.Groups, sg.Group{ID: id, Ingress: []sg.Rule{{Protocol: sg.TCP, Ports: sg.Port(port + i), Peer: sg.AnyIPv4}}})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%03d", i)), Addrs: []netip.Addr{addr}, Groups: []sg.GroupID{id}})
		}
		if backwards {
			slices.Reverse(topo.Groups)
			slices.Reverse(topo.ENIs)
		}
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	before, after := policy(1, false), policy(1001, false)
	whole := Policies(before, after)
	require.Empty(t, whole.Unfinished)
	require.Len(t, whole.Changes, 2*enis)

	part := policies(before, after, bounds{10_000, classWork, mostSpans})
	n := len(part.Unfinished)
	require.True(t, 0 < n && n < enis, "%d unfinished", n)
	assert.Equal(t, sg.ENIID(fmt.Sprintf("eni-%03d", enis-n)), part.Unfinished[0])
	assert.Len(t, part.Changes, 2*(enis-n))
	for range 20 {
		again := policies(policy(1, true), policy(1001, true), bounds{10_000, classWork, mostSpans})
		assert.Equal(t, part.Unfinished, again.Unfinished)
		assert.Len(t, again.Changes, len(part.Changes))
	}
}

// A comparison may take long to name the rules behind what it found: each of many groups
// whose members are admitted is looked up among all rules. That counts as well, and if it
// is too much for a class, what is not told is said to be unfinished.
func TestNamingBound(t *testing.T) {
	const enis, named = 10, 300
	policy := func(port int) *sg.Policy {
		topo, all := &sg.Topology{}, sg.Group{ID: "sg-all"}
		for i := range named {
			id := sg.GroupID(fmt.Sprintf("sg-named-%03d", i))
			topo.Groups = append(topo.Groups, sg.Group{ID: id})
			all.Ingress = append(all.Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(port), Peer: sg.FromGroup(id)})
			addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 7), byte(i << 1)})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID("x-" + id), Addrs: []netip.Addr{addr}, Groups: []sg.GroupID{id}})
		}
		topo.Groups = append(topo.Groups, all)
		for i := range enis { // a class each
			id := sg.GroupID(fmt.Sprintf("sg-%d", i))
			topo.Groups = append(topo.Groups, sg.Group{ID: id, Ingress: []sg.Rule{{Protocol: sg.UDP, Ports: sg.Port(1 + i), Peer: sg.AnyIPv4}}})
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%d", i)), Addrs: []netip.Addr{addr}, Groups: []sg.GroupID{id, all.ID}})
		}
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	before, after := policy(80), policy(81)
	whole := Policies(before, after)
	require.Empty(t, whole.Unfinished)
	require.Len(t, whole.Changes, 2*named)

	part := policies(before, after, bounds{2_000_000, classWork, mostSpans})
	assert.Contains(t, part.Unfinished, sg.ENIID("eni-9"))
	assert.NotContains(t, part.Unfinished, sg.ENIID("eni-0"))
	assert.Len(t, part.Changes, 2*named, "the classes before have them")

	part = policies(before, after, bounds{mostWork, 100_000, mostSpans})
	assert.Len(t, part.Unfinished, enis)
	assert.NotEmpty(t, part.Changes)
	assert.Less(t, len(part.Changes), 2*named)
}

// Between interfaces with many rules, behind ACLs, pairs are asked about without a look at
// each entry for each rule, and no more than their bound allows.
func TestPairsBehindACLs(t *testing.T) {
	const enis, rules, entries = 6, 200, 30
	policy := func(more ...sg.Rule) *sg.Policy {
		world := netip.MustParsePrefix("10.0.0.0/8")
		vpc := sg.VPC{ID: "vpc-1", CIDRs: []netip.Prefix{world}, Subnets: []sg.Subnet{{ID: "subnet-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24")}}}}
		g := sg.Group{ID: "sg-1", Egress: []sg.Rule{{Protocol: sg.AllProtocols, Peer: sg.AnyIPv4}}, Ingress: more}
		for i := range rules {
			g.Ingress = append(g.Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Ports(1+i, 65535-i), Peer: sg.Peer{CIDR: world}})
		}
		acl := sg.NetworkACL{ID: "acl-1", VPC: "vpc-1", Subnets: []sg.SubnetID{"subnet-1"}}
		for i := range entries {
			acl.Ingress = append(acl.Ingress, sg.ACLEntry{Number: 1 + i, Protocol: sg.TCP, Ports: sg.Ports(1000*i+1, 1000*i+500), CIDR: netip.MustParsePrefix("10.9.0.0/16"), Allow: i%2 == 0})
		}
		acl.Ingress = append(acl.Ingress, sg.ACLEntry{Number: 100, Protocol: sg.AllProtocols, CIDR: sg.AnyIPv4.CIDR, Allow: true})
		acl.Egress = acl.Ingress[entries:]
		topo := &sg.Topology{VPCs: []sg.VPC{vpc}, NetworkACLs: []sg.NetworkACL{acl}, Groups: []sg.Group{g}}
		for i := range byte(enis) {
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%d", i)), Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 1, 9 + i})}, Groups: []sg.GroupID{"sg-1"}, VPC: "vpc-1", Subnet: "subnet-1"})
		}
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	d := Policies(policy(), policy(sg.Rule{Protocol: sg.UDP, Ports: sg.Port(53), Peer: sg.AnyIPv4}))
	ask := func(work budget) (n int, all bool) {
		all = d.pairs(mostAsked, work, func(p Pair) bool {
			assert.Equal(t, "[udp 53] []", fmt.Sprint(p.Opened, p.Broken))
			n++
			return true
		})
		return n, all
	}
	n, all := ask(askedWork)
	require.True(t, all)
	require.Equal(t, enis*(enis-1), n)
	n, all = ask(10_000)
	assert.False(t, all)
	assert.True(t, 0 < n && n < enis*(enis-1), n)

	each := testing.AllocsPerRun(3, func() { ask(askedWork) }) / (enis * (enis - 1))
	assert.Less(t, each, 20.0*rules)
}

// The memory that network ACLs take is bounded: those of the last interfaces are not
// compared, and that is said.
func TestManyACLs(t *testing.T) {
	const acls = 20
	policy := func(port int) *sg.Policy {
		topo := &sg.Topology{VPCs: []sg.VPC{{ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}}
		topo.Groups = []sg.Group{{ID: "sg-1", Ingress: []sg.Rule{{Protocol: sg.AllProtocols, Peer: sg.AnyIPv4}}}}
		for i := range byte(acls) {
			subnet := sg.SubnetID(fmt.Sprintf("subnet-%02d", i))
			acl := sg.NetworkACL{ID: sg.NetworkACLID("acl-" + subnet), VPC: "vpc-1", Subnets: []sg.SubnetID{subnet}}
			for n := range byte(40) {
				acl.Ingress = append(acl.Ingress, sg.ACLEntry{Number: 1 + int(n), Allow: true, Protocol: sg.TCP, Ports: sg.Port(port + int(n)), CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, i, n}), 24)})
			}
			topo.NetworkACLs = append(topo.NetworkACLs, acl)
			topo.VPCs[0].Subnets = append(topo.VPCs[0].Subnets, sg.Subnet{ID: subnet, CIDRs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, i}), 24)}})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%02d", i)), Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, i, 9})}, Groups: []sg.GroupID{"sg-1"}, VPC: "vpc-1", Subnet: subnet})
		}
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	before, after := policy(80), policy(81)
	require.Empty(t, Policies(before, after).Unfinished)

	d := policies(before, after, bounds{mostWork, classWork, 5_000})
	n := len(d.Unfinished)
	require.True(t, 0 < n && n < acls, n)
	assert.Equal(t, sg.ENIID(fmt.Sprintf("eni-%02d", acls-n)), d.Unfinished[0])
	for _, c := range d.Changes {
		assert.Less(t, c.ENIs[len(c.ENIs)-1], d.Unfinished[0])
	}
	assert.NotEmpty(t, d.Changes)
}
