package sg_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// start is the time of the first packet in tests.
var start = time.Unix(1_700_000_000, 0)

func at(d time.Duration) time.Time { return start.Add(d) }

func seconds(n int) time.Time { return at(time.Duration(n) * time.Second) }

// sent is a packet on the plain path.
func sent(h *packet.Header, now time.Time) sg.Packet { return sg.Packet{Header: h, Time: now} }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func rules(t testing.TB, lines ...string) []sg.Rule {
	t.Helper()
	var rs []sg.Rule
	for _, l := range lines {
		r, err := sg.ParseRule(l)
		require.NoError(t, err, l)
		rs = append(rs, r)
	}
	return rs
}

func tcp(src, dst string, f packet.TCPFlags) *packet.Header {
	h := packet.TCPHeader(netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst), f)
	return &h
}

func udp(src, dst string) *packet.Header {
	h := packet.UDPHeader(netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst))
	return &h
}

func icmp(src, dst string, typ, code uint8, id uint16) *packet.Header {
	h := packet.ICMPHeader(ip(src), ip(dst), typ, code, id)
	return &h
}

func proto(src, dst string, p packet.Protocol) *packet.Header {
	h := packet.IPHeader(ip(src), ip(dst), p)
	return &h
}

const (
	syn    = packet.SYN
	synAck = packet.SYN | packet.ACK
	ack    = packet.ACK
)

func mustCompile(t testing.TB, topo *sg.Topology) *sg.Policy {
	t.Helper()
	p, err := sg.Compile(topo)
	require.NoError(t, err)
	return p
}

// oneENI is eni-e at 10.0.1.10 and 2001:db8:1::10 with one group, sg-e.
func oneENI(t testing.TB, ingress, egress []string) *sg.Topology {
	return &sg.Topology{
		Groups: []sg.Group{{ID: "sg-e", Ingress: rules(t, ingress...), Egress: rules(t, egress...)}},
		ENIs: []sg.ENI{{
			ID: "eni-e", Addrs: []netip.Addr{ip("10.0.1.10"), ip("2001:db8:1::10")},
			Groups: []sg.GroupID{"sg-e"}, VPC: "vpc-1",
		}},
		VPCs: []sg.VPC{{
			ID: "vpc-1", CIDRs: []netip.Prefix{pfx("10.0.0.0/16")},
			Subnets: []sg.Subnet{{ID: "subnet-1", CIDRs: []netip.Prefix{pfx("10.0.1.0/24"), pfx("2001:db8:1::/64")}}},
		}},
	}
}

func firewall(t testing.TB, topo *sg.Topology, o *sg.Options) *sg.Firewall {
	return sg.NewFirewall(mustCompile(t, topo), o)
}

var anyEgress = []string{"all 0.0.0.0/0", "all ::/0"}

func TestEvaluate(t *testing.T) {
	type step struct {
		at     int // seconds
		dir    sg.Direction
		h      *packet.Header
		want   sg.Verdict
		reason sg.Reason
	}
	const in, out = sg.Ingress, sg.Egress
	for name, tt := range map[string]struct {
		ingress, egress []string
		opts            sg.Options
		steps           []step
	}{
		"replies need no rule (CT-01)": {
			ingress: []string{"tcp 443 198.51.100.0/24"},
			steps: []step{
				{0, in, tcp("198.51.100.7:50000", "10.0.1.10:443", syn), sg.Accept, sg.ByRule},
				{0, out, tcp("10.0.1.10:443", "198.51.100.7:50000", synAck), sg.Accept, sg.Tracked},
				{1, in, tcp("198.51.100.7:50000", "10.0.1.10:443", ack), sg.Accept, sg.Tracked},
				{2, out, tcp("10.0.1.10:40000", "198.51.100.7:80", syn), sg.Drop, sg.NoRule},
			},
		},
		"udp reply after the idle timeout (CT-31)": {
			egress: anyEgress,
			steps: []step{
				{0, out, udp("10.0.1.10:40000", "8.8.8.8:53"), sg.Accept, sg.ByRule},
				{31, in, udp("8.8.8.8:53", "10.0.1.10:40000"), sg.Drop, sg.NoRule},
			},
		},
		"an untracked flow leaves no entry and has no SYN rule (CT-10, CT-18, CT-42)": {
			ingress: []string{"tcp 80 0.0.0.0/0"}, egress: anyEgress,
			steps: []step{
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:80", ack), sg.Accept, sg.Untracked},
				{0, out, tcp("10.0.1.10:80", "203.0.113.9:5000", ack), sg.Accept, sg.Untracked},
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:81", ack), sg.Drop, sg.NoRule},
				{0, out, tcp("10.0.1.10:81", "203.0.113.9:5000", ack), sg.Drop, sg.OutOfState},
			},
		},
		"untracked answers over udp": {
			ingress: []string{"udp 53 0.0.0.0/0"}, egress: anyEgress,
			steps: []step{
				{0, in, udp("203.0.113.9:5000", "10.0.1.10:53"), sg.Accept, sg.Untracked},
				{0, out, udp("10.0.1.10:53", "203.0.113.9:5000"), sg.Accept, sg.Untracked},
			},
		},
		"equivalent coverage that is not literal is tracked (CT-17)": {
			ingress: []string{"tcp 80 0.0.0.0/1", "tcp 80 128.0.0.0/1"}, egress: anyEgress,
			steps: []step{{0, in, tcp("203.0.113.9:5000", "10.0.1.10:80", syn), sg.Accept, sg.ByRule}},
		},
		"linux knows no untracked class": {
			ingress: []string{"tcp 80 0.0.0.0/0"}, egress: anyEgress, opts: sg.Options{Profile: conntrack.Linux},
			steps: []step{{0, in, tcp("203.0.113.9:5000", "10.0.1.10:80", syn), sg.Accept, sg.ByRule}},
		},
		"midstream dropped (CT-41)": {
			ingress: []string{"tcp 22 203.0.113.0/24"},
			steps: []step{
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:22", ack), sg.Drop, sg.OutOfState},
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:23", ack), sg.Drop, sg.NoRule},
			},
		},
		"midstream passed": {
			ingress: []string{"tcp 22 203.0.113.0/24"}, opts: sg.Options{Midstream: sg.MidstreamPass},
			steps: []step{
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:22", ack), sg.Accept, sg.ByRule},
				{0, out, tcp("10.0.1.10:22", "203.0.113.9:5000", ack), sg.Drop, sg.NoRule},
			},
		},
		"midstream picked up (CTS-13)": {
			ingress: []string{"tcp 22 203.0.113.0/24"}, opts: sg.Options{Midstream: sg.MidstreamPickup},
			steps: []step{
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:22", synAck), sg.Drop, sg.OutOfState},
				{0, in, tcp("203.0.113.9:5000", "10.0.1.10:22", ack), sg.Accept, sg.ByRule},
				{0, out, tcp("10.0.1.10:22", "203.0.113.9:5000", ack), sg.Accept, sg.Tracked},
			},
		},
		"ping in without egress (CT-50)": {
			ingress: []string{"icmp 8/-1 0.0.0.0/0"},
			steps: []step{
				{0, in, icmp("203.0.113.9", "10.0.1.10", 8, 0, 7), sg.Accept, sg.ByRule},
				{0, out, icmp("10.0.1.10", "203.0.113.9", 0, 0, 7), sg.Accept, sg.Tracked},
				{0, out, icmp("10.0.1.10", "203.0.113.9", 0, 0, 8), sg.Drop, sg.NoRule},
			},
		},
		"icmp 0/0 is not ping (SG-30)": {
			ingress: []string{"icmp 0/0 0.0.0.0/0"},
			steps: []step{
				{0, in, icmp("203.0.113.9", "10.0.1.10", 8, 0, 7), sg.Drop, sg.NoRule},
				{0, in, icmp("203.0.113.9", "10.0.1.10", 0, 0, 7), sg.Accept, sg.ByRule},
			},
		},
		"gre by address pair (CT-60)": {
			egress: anyEgress,
			steps: []step{
				{0, out, proto("10.0.1.10", "192.0.2.1", packet.GRE), sg.Accept, sg.ByRule},
				{600, in, proto("192.0.2.1", "10.0.1.10", packet.GRE), sg.Drop, sg.NoRule},
				{600, out, proto("10.0.1.10", "192.0.2.1", packet.GRE), sg.Accept, sg.ByRule},
				{1199, in, proto("192.0.2.1", "10.0.1.10", packet.GRE), sg.Accept, sg.Tracked},
			},
		},
		"exempt addresses (EX-02 to EX-07)": {
			steps: []step{
				{0, out, udp("10.0.1.10:4000", "10.0.0.2:53"), sg.Accept, sg.Exempt},
				{0, in, udp("10.0.0.2:53", "10.0.1.10:4000"), sg.Accept, sg.Exempt},
				{0, out, udp("10.0.1.10:4000", "169.254.169.253:53"), sg.Accept, sg.Exempt},
				{0, out, tcp("10.0.1.10:4000", "169.254.169.254:80", syn), sg.Accept, sg.Exempt},
				{0, out, udp("10.0.1.10:4000", "10.0.1.1:7"), sg.Accept, sg.Exempt},
				{0, out, udp("[2001:db8:1::10]:4000", "[2001:db8:1::1]:7"), sg.Accept, sg.Exempt},
				{0, out, udp("[2001:db8:1::10]:4000", "[fd00:ec2::253]:53"), sg.Accept, sg.Exempt},
				{0, out, udp("0.0.0.0:68", "255.255.255.255:67"), sg.Accept, sg.Exempt},
				{0, out, udp("10.0.1.10:4000", "10.0.5.5:53"), sg.Drop, sg.NoRule},
				{0, out, udp("10.0.1.10:4000", "10.0.1.2:53"), sg.Drop, sg.NoRule},
				{0, out, udp("10.0.1.10:4000", "169.254.169.252:53"), sg.Drop, sg.NoRule},
				{0, out, udp("10.0.1.10:68", "10.0.5.5:53"), sg.Drop, sg.NoRule},
			},
		},
		"exemption off": {
			opts:  sg.Options{FilterExempt: true},
			steps: []step{{0, out, udp("10.0.1.10:4000", "10.0.0.2:53"), sg.Drop, sg.NoRule}},
		},
		"a mapped address is not an IPv4 address": {
			ingress: []string{"tcp 22 0.0.0.0/0"},
			steps:   []step{{0, in, mapped(tcp("203.0.113.9:1", "10.0.1.10:22", syn)), sg.Drop, sg.NoRule}},
		},
		"families are apart (SG-40)": {
			ingress: []string{"tcp 443 0.0.0.0/0"},
			steps: []step{
				{0, in, tcp("203.0.113.9:1", "10.0.1.10:443", syn), sg.Accept, sg.ByRule},
				{0, in, tcp("[2001:db8::9]:1", "[2001:db8:1::10]:443", syn), sg.Drop, sg.NoRule},
			},
		},
		"port zero is not every port (SG-24)": {
			ingress: []string{"tcp 0 10.0.0.0/8"},
			steps: []step{
				{0, in, tcp("10.0.0.9:1", "10.0.1.10:22", syn), sg.Drop, sg.NoRule},
				{0, in, tcp("10.0.0.9:1", "10.0.1.10:0", syn), sg.Accept, sg.ByRule},
			},
		},
		"no direction": {
			ingress: []string{"all 0.0.0.0/0"},
			steps:   []step{{0, 0, tcp("10.0.0.9:1", "10.0.1.10:22", syn), sg.Drop, sg.BadDirection}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := firewall(t, oneENI(t, tt.ingress, tt.egress), &tt.opts).ENI("eni-e")
			for i, s := range tt.steps {
				d := e.Evaluate(s.dir, sent(s.h, seconds(s.at)))
				assert.Equal(t, s.want.String()+" "+s.reason.String(), d.Verdict.String()+" "+d.Reason.String(), "step %d", i)
			}
		})
	}
}

// mapped returns the header as an IPv6 packet with IPv4-mapped addresses has it.
func mapped(h *packet.Header) *packet.Header {
	h.Family = packet.IPv6
	return h
}
