package sg_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// One thing wrong at a time: the message with its place, the cause, and AWS's
// code.
func TestCompileErrors(t *testing.T) {
	any4 := sg.AnyIPv4
	rule := func(r sg.Rule) *sg.Topology {
		return &sg.Topology{Groups: []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{{Protocol: sg.AllProtocols, Peer: any4}, r}}}}
	}
	list := func(f packet.Family, cidrs ...netip.Prefix) *sg.Topology {
		l := sg.PrefixList{ID: "pl-a", Family: f}
		for _, c := range cidrs {
			l.Entries = append(l.Entries, sg.PrefixListEntry{CIDR: c})
		}
		return &sg.Topology{PrefixLists: []sg.PrefixList{l}}
	}
	eni := func(e sg.ENI) *sg.Topology {
		return &sg.Topology{Groups: []sg.Group{{ID: "sg-a"}}, ENIs: []sg.ENI{{ID: "eni-0", Addrs: []netip.Addr{ip("10.0.0.1")}}, e}}
	}
	vpc := func(v sg.VPC) *sg.Topology { return &sg.Topology{VPCs: []sg.VPC{{ID: "vpc-0"}, v}} }
	const invalid, malformed = "InvalidParameterValue", "InvalidPermission.Malformed"
	for _, tt := range []struct {
		topo *sg.Topology
		text string
		is   error
		code string
	}{
		{rule(sg.Rule{Peer: any4}), "sg-a: ingress rule 1: no protocol", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: 257, Peer: any4}), "sg-a: ingress rule 1: protocol 257: protocol neither", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: -2, Peer: any4}), "sg-a: ingress rule 1: protocol -2: protocol neither", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.TCP, Peer: any4}), "sg-a: ingress rule 1: tcp and udp need ports", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.TCP, Ports: sg.Ports(443, 80), Peer: any4}), "sg-a: ingress rule 1: port range 443-80: port outside 0-65535", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.UDP, Ports: sg.Ports(-1, -1), Peer: any4}), "sg-a: ingress rule 1: port range -1--1: port outside 0-65535", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.UDP, Ports: sg.Ports(0, 65536), Peer: any4}), "port range 0-65536: port outside 0-65535", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.ICMP, Peer: any4}), "sg-a: ingress rule 1: icmp needs type and code", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(-1, 0), Peer: any4}), "icmp -1/0: all types demand all codes", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.ICMPv6, ICMP: sg.ICMPTypeCode(256, 0), Peer: any4}), "icmp 256/0: type or code outside", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.AllProtocols}), "sg-a: ingress rule 1: no peer", sg.ErrInvalid, malformed},
		{rule(sg.Rule{Protocol: sg.AllProtocols, Peer: sg.Peer{Self: true, Group: "sg-a"}}), "more than one peer", sg.ErrInvalid, malformed},
		{rule(sg.Rule{Protocol: sg.AllProtocols, Peer: sg.Peer{CIDR: netip.PrefixFrom(ip("10.0.0.0"), 33)}}), "not a CIDR block", sg.ErrInvalid, invalid},
		{&sg.Topology{Groups: []sg.Group{{ID: "sg-a"}, {ID: "sg-a"}}}, "sg-a: duplicate id", sg.ErrExists, ""},
		{&sg.Topology{Groups: []sg.Group{{ID: "sg-a"}, {}}}, "group 1: no id", sg.ErrInvalid, ""},
		{list(packet.IPv4, pfx("10.0.0.0/8"), pfx("2001:db8::/32")), "pl-a: entry 1: 2001:db8::/32: family differs", sg.ErrInvalid, invalid},
		{list(0, pfx("10.0.0.0/8"), pfx("2001:db8::/32")), "pl-a: entry 1: 2001:db8::/32: family differs", sg.ErrInvalid, invalid},
		{list(9, pfx("10.0.0.0/8")), "pl-a: family 9: neither IPv4 nor IPv6", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.AllProtocols, Peer: sg.Peer{Self: true, Peering: "pcx-1"}}), `sg-a: ingress rule 1: "self peering=pcx-1": account`, sg.ErrInvalid, malformed},
		{list(packet.IPv4, netip.Prefix{}), "pl-a: entry 0: \"invalid Prefix\": not a CIDR block", sg.ErrInvalid, invalid},
		{&sg.Topology{PrefixLists: []sg.PrefixList{{ID: "pl-a", MaxEntries: -1}}}, "pl-a: -1: maximum of entries below zero", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-0"}), "eni-0: duplicate id", sg.ErrExists, ""},
		{eni(sg.ENI{}), "interface 1: no id", sg.ErrInvalid, ""},
		{eni(sg.ENI{ID: "eni-1", Addrs: []netip.Addr{{}}}), "eni-1: address \"invalid IP\": not the address of an interface", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Addrs: []netip.Addr{ip("224.0.0.1")}}), "eni-1: address \"224.0.0.1\": not the address of an interface", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Addrs: []netip.Addr{ip("fe80::1%eth0")}}), "eni-1: address \"fe80::1%eth0\": not the address of an interface", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Addrs: []netip.Addr{ip("10.0.0.1")}}), "eni-1: 10.0.0.1 is also an address of eni-0", sg.ErrExists, "InvalidIPAddress.InUse"},
		{eni(sg.ENI{ID: "eni-1", Prefixes: []netip.Prefix{pfx("10.0.0.0/28")}}), "eni-0: 10.0.0.1 is in a prefix of eni-1", sg.ErrExists, "InvalidIPAddress.InUse"},
		{&sg.Topology{ENIs: []sg.ENI{
			{ID: "eni-0", VPC: "vpc-1", Prefixes: []netip.Prefix{pfx("10.0.1.5/24"), pfx("2001:db8::/64")}},
			{ID: "eni-1", VPC: "vpc-1", Prefixes: []netip.Prefix{pfx("10.0.1.0/24")}},
			{ID: "eni-2", VPC: "vpc-2", Prefixes: []netip.Prefix{pfx("10.0.1.0/24"), pfx("2001:db8::/80")}},
		}}, "eni-1: 10.0.1.0/24 is also a prefix of eni-0", sg.ErrExists, "InvalidIPAddress.InUse"},
		{&sg.Topology{ENIs: []sg.ENI{
			{ID: "eni-0", VPC: "vpc-1", Prefixes: []netip.Prefix{pfx("2001:db8::/80")}, Addrs: []netip.Addr{ip("2001:db8::8000:0:0")}},
			{ID: "eni-1", VPC: "vpc-2", Prefixes: []netip.Prefix{pfx("2001:db8::/64")}},
			{ID: "eni-2", VPC: "vpc-1", Prefixes: []netip.Prefix{pfx("2001:db8:0:0:1::/80"), pfx("2001:db8::/81")}},
		}}, "eni-2: 2001:db8::/81 is in a prefix of eni-0", sg.ErrExists, "InvalidIPAddress.InUse"},
		{eni(sg.ENI{ID: "eni-1", Addrs: []netip.Addr{ip("::ffff:10.0.0.1")}}), "eni-1: address ::ffff:10.0.0.1: IPv4 written as IPv6", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Prefixes: []netip.Prefix{pfx("::ffff:10.0.1.0/124")}}), "eni-1: ::ffff:10.0.1.0/124: IPv4 written as IPv6", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Public: []netip.Addr{ip("::ffff:192.0.2.1")}}), "eni-1: address ::ffff:192.0.2.1: IPv4 written as IPv6", sg.ErrInvalid, invalid},
		{rule(sg.Rule{Protocol: sg.AllProtocols, Peer: sg.MustCIDR("::ffff:10.0.0.0/104")}), "sg-a: ingress rule 1: ::ffff:10.0.0.0/104: IPv4 written as IPv6", sg.ErrInvalid, invalid},
		{list(packet.IPv6, pfx("::ffff:10.0.0.0/104")), "pl-a: entry 0: ::ffff:10.0.0.0/104: IPv4 written as IPv6", sg.ErrInvalid, invalid},
		{vpc(sg.VPC{ID: "vpc-1", CIDRs: []netip.Prefix{pfx("::ffff:10.0.0.0/104")}}), "vpc-1: ::ffff:10.0.0.0/104: IPv4 written as IPv6", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Prefixes: []netip.Prefix{{}}}), "eni-1: \"invalid Prefix\": not a CIDR block", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Public: []netip.Addr{{}}}), "eni-1: address \"invalid IP\": not the address of an interface", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Timeouts: conntrack.Timeouts{UDP: 61 * time.Second}}), "eni-1: idle timeout out of range", sg.ErrInvalid, invalid},
		{eni(sg.ENI{ID: "eni-1", Timeouts: conntrack.Timeouts{TCPEstablished: 59 * time.Second}}), "eni-1: idle timeout out of range", sg.ErrInvalid, invalid},
		{vpc(sg.VPC{ID: "vpc-0"}), "vpc-0: duplicate id", sg.ErrExists, ""},
		{vpc(sg.VPC{}), "vpc 1: no id", sg.ErrInvalid, ""},
		{vpc(sg.VPC{ID: "vpc-1", CIDRs: []netip.Prefix{{}}}), "vpc-1: \"invalid Prefix\": not a CIDR block", sg.ErrInvalid, invalid},
		{vpc(sg.VPC{ID: "vpc-1", Subnets: []sg.Subnet{{ID: "subnet-1", CIDRs: []netip.Prefix{{}}}}}), "vpc-1: subnet-1: \"invalid Prefix\": not a CIDR block", sg.ErrInvalid, invalid},
		{&sg.Topology{Peerings: []sg.Peering{{ID: "pcx-1"}, {ID: "pcx-1"}}}, "pcx-1: duplicate id", sg.ErrExists, ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			p, err := sg.Compile(tt.topo)
			assert.Nil(t, p)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.text)
			assert.NotContains(t, err.Error(), "\n", "one thing is wrong")
			assert.ErrorIs(t, err, tt.is)
			assert.Equal(t, tt.code, sg.ErrorCode(err))
		})
	}
}

// All errors come at once, in topology order, with their places as fields.
func TestCompileReportsEverything(t *testing.T) {
	_, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-a", Egress: []sg.Rule{{}, {Protocol: sg.TCP, Ports: sg.Port(-7), Peer: sg.Self}}},
			{},
		},
		PrefixLists: []sg.PrefixList{{ID: "pl-a", Entries: make([]sg.PrefixListEntry, 1)}},
		ENIs:        []sg.ENI{{}},
		VPCs:        []sg.VPC{{}},
		Peerings:    []sg.Peering{{}},
	})
	require.Error(t, err)
	var lines []string
	for l := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, l[:strings.LastIndex(l, ": ")])
	}
	assert.Equal(t, []string{
		"sg-a: egress rule 0", "sg-a: egress rule 0", "sg-a: egress rule 1: port range -7--7",
		"group 1",
		`pl-a: entry 0: "invalid Prefix"`,
		"interface 0",
		"vpc 0", "peering 0",
	}, lines)
	var re *sg.Error
	require.ErrorAs(t, err, &re)
	assert.ErrorIs(t, re, sg.ErrInvalid)
	assert.Equal(t, sg.Error{Part: "group", ID: "sg-a", Dir: sg.Egress, Item: 0, Err: re.Err}, *re)
}

// What has no id, or that of another, is looked at all the same.
func TestCompileReportsBeyondIDs(t *testing.T) {
	bad := []netip.Prefix{{}}
	_, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{{ID: "sg-a"}, {ID: "sg-a", Ingress: make([]sg.Rule, 1)}, {Egress: make([]sg.Rule, 1)}},
		VPCs:   []sg.VPC{{ID: "vpc-1"}, {ID: "vpc-1", CIDRs: bad}, {Subnets: []sg.Subnet{{CIDRs: bad}}}},
	})
	assert.EqualError(t, err, `sg-a: duplicate id
sg-a: ingress rule 0: no protocol
sg-a: ingress rule 0: no peer
group 2: no id
group 2: egress rule 0: no protocol
group 2: egress rule 0: no peer
vpc-1: duplicate id
vpc-1: "invalid Prefix": not a CIDR block
vpc 2: no id
vpc 2: subnet 0: no id
vpc 2: subnet 0: "invalid Prefix": not a CIDR block`)
	var re *sg.Error
	require.ErrorAs(t, err, &re)
	assert.Equal(t, 1, re.Index)
}

// What AWS accepts, or what cannot decide about anything, is no error.
func TestCompileAccepts(t *testing.T) {
	p := mustCompile(t, &sg.Topology{
		Groups: []sg.Group{{ID: "sg-a", Ingress: rules(t,
			"tcp 443 sg-gone", "tcp 443 pl-gone", // stale (REF-13)
			"tcp 22 10.0.0.5/8", "tcp 22 10.0.0.0/8", // duplicates (SG-42)
			"icmp 8/0 ::/0",     // matches nothing (SG-41)
			"icmpv6 ::/0",       // all types (SG-29)
			"50 0-0 10.0.0.0/8", // ports are ignored (SG-22)
		)}},
		ENIs: []sg.ENI{
			{ID: "eni-1", VPC: "vpc-1", Addrs: []netip.Addr{ip("10.0.0.1")}},
			{ID: "eni-2", VPC: "vpc-2", Addrs: []netip.Addr{ip("10.0.0.1")}}, // another VPC's
			{ID: "eni-3", VPC: "vpc-3", Groups: []sg.GroupID{"sg-a", "sg-a"}, Addrs: []netip.Addr{ip("10.0.0.3"), ip("10.0.0.3")}},
		},
	})
	_, ok := p.ENIByAddr(ip("10.0.0.1"))
	assert.False(t, ok, "two own it")
	id, ok := p.ENIByAddr(ip("::ffff:10.0.0.3"))
	assert.True(t, ok)
	assert.Equal(t, sg.ENIID("eni-3"), id)
	m, ok := p.Match("eni-3", sg.Ingress, tcp("10.9.9.9:1", "10.0.0.3:22", syn))
	require.True(t, ok)
	assert.Equal(t, "sg-a ingress[2]", m.Rule.String())
	assert.Equal(t, pfx("10.0.0.0/8"), m.CIDR)
	assert.Equal(t, pfx("10.0.0.0/8"), m.Rule.Rule().Peer.CIDR, "host bits are cleared")
	_, ok = p.Match("eni-3", sg.Ingress, tcp("10.9.9.9:1", "10.0.0.3:443", syn))
	assert.False(t, ok, "a reference to nothing matches nothing")
	_, ok = p.Match("eni-3", sg.Ingress, proto("10.9.9.9", "10.0.0.3", packet.ESP))
	assert.True(t, ok)
	_, ok = p.Match("eni-9", sg.Ingress, proto("10.9.9.9", "10.0.0.3", packet.ESP))
	assert.False(t, ok)
}

// An interface with a group that the topology lacks is known as far as its other groups
// go.
func TestMissingGroup(t *testing.T) {
	f := firewall(t, &sg.Topology{
		Groups: []sg.Group{{ID: "sg-a", Ingress: rules(t, "tcp 443 0.0.0.0/0"), Egress: rules(t, "all 0.0.0.0/0")}},
		ENIs:   []sg.ENI{{ID: "eni-a", Addrs: mustip.Addrs("10.0.0.1"), Groups: []sg.GroupID{"sg-a", "sg-gone"}}},
	}, nil)
	forward := func(h *packet.Header) sg.Outcome { return f.Forward(sent(h, start)) }
	assert.Equal(t, sg.Accept, forward(tcp("192.0.2.1:1", "10.0.0.1:443", syn)).Verdict)
	for _, h := range []*packet.Header{
		tcp("192.0.2.1:2", "10.0.0.1:22", syn), tcp("10.0.0.1:22", "192.0.2.1:2", syn|packet.ACK), // its answer, which a rule would admit as a first packet
		tcp("192.0.2.1:2", "10.0.0.1:22", packet.ACK), tcp("192.0.2.1:3", "10.0.0.1:22", packet.ACK), udp("192.0.2.1:2", "10.0.0.1:53"),
	} {
		o := forward(h)
		assert.Equal(t, sg.Unknown, o.Verdict, h)
		assert.Equal(t, sg.MissingGroup, o.Reason, h)
		assert.True(t, o.Hops()[0].Decision.Rule.IsZero())
	}
	assert.ErrorIs(t, f.Attach("eni-a", "sg-gone", start), sg.ErrNotFound)
	require.NoError(t, f.SetGroups("eni-a", []sg.GroupID{"sg-a"}, start))
	assert.Equal(t, sg.NoRule, forward(tcp("192.0.2.1:9", "10.0.0.1:22", syn)).Reason, "all its groups are known now")
}

func TestZeroPolicy(t *testing.T) {
	var p sg.Policy
	_, ok := p.Match("eni-1", sg.Ingress, tcp("10.0.0.1:1", "10.0.0.2:2", syn))
	assert.False(t, ok)
	f := sg.NewFirewall(&p, nil)
	assert.Nil(t, f.ENI("eni-1"))
	assert.Equal(t, sg.Decision{Reason: sg.NoInterface}, f.ENI("eni-1").Evaluate(sg.Ingress, sent(tcp("10.0.0.1:1", "10.0.0.2:2", syn), start)))
	o := f.Forward(sent(tcp("10.0.0.1:1", "10.0.0.2:2", syn), start))
	assert.Equal(t, sg.NotApplicable, o.Verdict)
	assert.Equal(t, sg.NoInterface, o.Reason)
	assert.Empty(t, o.Hops())
}

// Match names what it matched by: the CIDR, the longest entry, the member.
func TestMatchSaysByWhat(t *testing.T) {
	topo := twoENIs(t, []string{"tcp 1 10.0.0.0/8", "tcp 2 pl-a", "tcp 3 sg-a"}, nil)
	topo.PrefixLists = []sg.PrefixList{{ID: "pl-a", Entries: []sg.PrefixListEntry{
		{CIDR: pfx("10.0.0.0/8")}, {CIDR: pfx("10.0.1.0/24")}, {CIDR: pfx("10.0.1.128/25")},
	}}}
	p := mustCompile(t, topo)
	match := func(port string) sg.Match {
		m, ok := p.Match("eni-b", sg.Ingress, tcp("10.0.1.10:9", "10.0.2.20:"+port, syn))
		require.True(t, ok, port)
		return m
	}
	assert.Equal(t, pfx("10.0.0.0/8"), match("1").CIDR)
	assert.Equal(t, sg.PrefixListID("pl-a"), match("2").PrefixList)
	assert.Equal(t, pfx("10.0.1.0/24"), match("2").CIDR)
	assert.Equal(t, sg.ENIID("eni-a"), match("3").Member)
}

// twoENIs is eni-a at 10.0.1.10 with sg-a and eni-b at 10.0.2.20 with sg-b, of
// one VPC. sg-a lets everything out; the rules given are those of sg-b.
func twoENIs(t testing.TB, ingress, egress []string) *sg.Topology {
	return &sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-a", VPC: "vpc-1", Egress: rules(t, anyEgress...)},
			{ID: "sg-b", VPC: "vpc-1", Ingress: rules(t, ingress...), Egress: rules(t, egress...)},
		},
		ENIs: []sg.ENI{
			{ID: "eni-a", VPC: "vpc-1", Addrs: []netip.Addr{ip("10.0.1.10"), ip("fd00::a")}, Public: []netip.Addr{ip("203.0.113.50")}, Groups: []sg.GroupID{"sg-a"}},
			{ID: "eni-b", VPC: "vpc-1", Addrs: []netip.Addr{ip("10.0.2.20"), ip("fd00::b")}, Groups: []sg.GroupID{"sg-b"}},
		},
	}
}

// Policies may be read by several goroutines, while firewalls made of them change
// what they have copied.
func TestMatchConcurrently(t *testing.T) {
	p := mustCompile(t, twoENIs(t, []string{"tcp 22 sg-a", "tcp 23 10.0.0.0/8"}, nil))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			f := sg.NewFirewall(p, nil)
			for i := range 500 {
				_, ok := p.Match("eni-b", sg.Ingress, tcp("10.0.1.10:9", "10.0.2.20:22", syn))
				assert.True(t, ok)
				if g == 0 {
					assert.NoError(t, f.SetGroups("eni-a", nil, seconds(i)))
					assert.NoError(t, f.SetGroups("eni-a", []sg.GroupID{"sg-a"}, seconds(i)))
				}
			}
		})
	}
	wg.Wait()
}

func TestFilterConcurrently(t *testing.T) {
	x := sg.NewFilter(firewall(t, twoENIs(t, []string{"tcp 22 sg-a"}, nil), nil))
	frame := rawTCP("10.0.1.10:9", "10.0.2.20:22", syn)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				assert.Equal(t, sg.Accept, x.Frame("eni-b", sg.Ingress, packet.LinkRaw, frame, seconds(i)).Verdict)
				assert.Equal(t, sg.Accept, x.Forward(packet.LinkRaw, frame, seconds(i)).Verdict)
				x.Do(func(f *sg.Firewall) { assert.NoError(t, f.Attach("eni-a", "sg-b", seconds(i))) })
			}
		})
	}
	wg.Wait()
	arp := make([]byte, 42)
	arp[12], arp[13] = 8, 6
	assert.Equal(t, sg.Decision{Verdict: sg.NotApplicable, Reason: sg.NotIP}, x.Frame("eni-b", sg.Ingress, packet.LinkEthernet, arp, start))
	assert.Equal(t, sg.Decision{Reason: sg.Malformed}, x.Frame("eni-b", sg.Ingress, packet.LinkRaw, frame[:30], start))
	assert.Equal(t, sg.NoInterface, x.Frame("eni-x", sg.Ingress, packet.LinkRaw, frame, start).Reason)
}

// rawTCP returns an IPv4 packet.
func rawTCP(src, dst string, f packet.TCPFlags) []byte {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	b := make([]byte, 40)
	b[0], b[3], b[8], b[9] = 0x45, 40, 64, 6
	copy(b[12:], s.Addr().AsSlice())
	copy(b[16:], d.Addr().AsSlice())
	b[20], b[21], b[22], b[23] = byte(s.Port()>>8), byte(s.Port()), byte(d.Port()>>8), byte(d.Port())
	b[32], b[33] = 0x50, byte(f)
	return b
}

func TestSizes(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(sg.Decision{}), uintptr(16))
	assert.Equal(t, unsafe.Sizeof(uintptr(0)), unsafe.Sizeof(sg.RuleRef{}))
}

// No packet allocates, whatever becomes of it.
func TestEvaluateDoesNotAllocate(t *testing.T) {
	topo := twoENIs(t, []string{"tcp 22 sg-a", "tcp 23 pl-a", "icmp 8/-1 10.0.0.0/8", "udp 53 0.0.0.0/0"}, nil)
	topo.PrefixLists = []sg.PrefixList{{ID: "pl-a", Entries: []sg.PrefixListEntry{{CIDR: pfx("10.0.1.0/24")}, {CIDR: pfx("10.0.1.10/32")}}}}
	p := mustCompile(t, topo)
	f := sg.NewFirewall(p, nil)
	x := sg.NewFilter(f.Clone())
	frame := rawTCP("10.0.1.10:9", "10.0.2.20:22", syn)
	b := f.ENI("eni-b")
	now, judged := start, 0
	count := func(int, *sg.Outcome) { judged++ }
	for name, h := range map[string]*packet.Header{
		"group":     tcp("10.0.1.10:9", "10.0.2.20:22", syn),
		"list":      tcp("10.0.1.10:9", "10.0.2.20:23", syn),
		"no rule":   tcp("10.0.1.10:9", "10.0.2.20:24", syn),
		"midstream": tcp("10.0.1.10:8", "10.0.2.20:22", ack),
		"icmp":      icmp("10.0.1.10", "10.0.2.20", 8, 0, 1),
		"udp":       udp("10.0.1.10:8", "10.0.2.20:53"),
		"exempt":    udp("10.0.1.10:8", "169.254.169.253:53"),
	} {
		assert.Zero(t, testing.AllocsPerRun(200, func() {
			now = now.Add(time.Second)
			mine := *h // as a caller's own, which must stay on its stack
			b.Evaluate(sg.Ingress, sent(&mine, now))
			f.Forward(sent(&mine, now))
			packets := [2]sg.Packet{sent(&mine, now), sent(&mine, now)}
			f.ForwardBatch(packets[:], count)
			p.Match("eni-b", sg.Ingress, &mine)
			x.Frame("eni-b", sg.Ingress, packet.LinkRaw, frame, now)
		}), name)
	}
}
