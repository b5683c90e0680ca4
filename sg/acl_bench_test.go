package sg_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// aclTopology has two hosts in two subnets of one VPC, whose network ACLs have that many
// entries each, of which the last one allows all; without any there are no ACLs.
func aclTopology(entries int) *sg.Topology {
	t := &sg.Topology{
		VPCs: []sg.VPC{{ID: "vpc-1", CIDRs: mustip.Prefixes("10.0.0.0/16", "2001:db8::/56"), Subnets: []sg.Subnet{
			{ID: "subnet-a", CIDRs: mustip.Prefixes("10.0.1.0/24", "2001:db8:0:1::/64")},
			{ID: "subnet-b", CIDRs: mustip.Prefixes("10.0.2.0/24", "2001:db8:0:2::/64")},
		}}},
		Groups: []sg.Group{{ID: "sg-1", VPC: "vpc-1", Ingress: []sg.Rule{
			{Protocol: sg.TCP, Ports: sg.Port(443), Peer: sg.MustCIDR("10.0.0.0/16")},
			{Protocol: sg.TCP, Ports: sg.Port(443), Peer: sg.MustCIDR("2001:db8::/56")},
		}, Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4), sg.AllTraffic.To(sg.AnyIPv6)}}},
		ENIs: []sg.ENI{
			{ID: "eni-a", VPC: "vpc-1", Subnet: "subnet-a", Groups: []sg.GroupID{"sg-1"}, Addrs: mustip.Addrs("10.0.1.10", "2001:db8:0:1::10")},
			{ID: "eni-b", VPC: "vpc-1", Subnet: "subnet-b", Groups: []sg.GroupID{"sg-1"}, Addrs: mustip.Addrs("10.0.2.20", "2001:db8:0:2::20")},
		},
	}
	if entries == 0 {
		return t
	}
	for i, s := range []sg.SubnetID{"subnet-a", "subnet-b"} {
		a := sg.NetworkACL{ID: sg.NetworkACLID(fmt.Sprint("acl-", i)), VPC: "vpc-1", Subnets: []sg.SubnetID{s}}
		for _, every := range []netip.Prefix{sg.AnyIPv4.CIDR, sg.AnyIPv6.CIDR} {
			first := len(a.Ingress)
			for n := range entries - 1 { // half of them for the packets' addresses
				e := sg.ACLEntry{Number: 100 + first + n, Allow: true, Protocol: sg.TCP, Ports: sg.Port(1000 + n), CIDR: every}
				if n%2 == 0 {
					e.CIDR = mustip.Prefixes(fmt.Sprintf("198.51.%d.0/24", n), fmt.Sprintf("2001:db8:99:%x::/64", n))[min(first, 1)]
				}
				a.Ingress = append(a.Ingress, e)
			}
			a.Ingress = append(a.Ingress, sg.ACLEntry{Number: 1000 + first, Allow: true, Protocol: sg.AllProtocols, CIDR: every})
		}
		a.Egress = a.Ingress
		t.NetworkACLs = append(t.NetworkACLs, a)
	}
	return t
}

// aclConns opens n connections between the hosts and returns a segment of each.
func aclConns(tb testing.TB, fw *sg.Firewall, now time.Time, family, n int) []packet.Header {
	ends := [][2]string{{"10.0.1.10", "10.0.2.20"}, {"2001:db8:0:1::10", "2001:db8:0:2::20"}}[family]
	var hs []packet.Header
	for i := range n {
		src := netip.AddrPortFrom(netip.MustParseAddr(ends[0]), uint16(32768+i))
		dst := netip.AddrPortFrom(netip.MustParseAddr(ends[1]), 443)
		for _, h := range []packet.Header{packet.TCPHeader(src, dst, packet.SYN), packet.TCPHeader(dst, src, packet.SYN|packet.ACK)} {
			if o := fw.Forward(sg.Packet{Header: &h, Time: now}); o.Verdict != sg.Accept {
				tb.Fatal(o)
			}
		}
		hs = append(hs, packet.TCPHeader(src, dst, packet.ACK))
	}
	return hs
}

// BenchmarkForwardACL takes packets of established connections through two hosts and
// the ACLs between them.
func BenchmarkForwardACL(b *testing.B) {
	for f, family := range []string{"v4", "v6"} {
		for _, entries := range []int{0, 1, 20} {
			b.Run(fmt.Sprintf("family=%s/entries=%d", family, entries), func(b *testing.B) {
				policy, err := sg.Compile(aclTopology(entries))
				if err != nil {
					b.Fatal(err)
				}
				fw, now := sg.NewFirewall(policy, nil), start
				hs := aclConns(b, fw, now, f, 256)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if o := fw.Forward(sg.Packet{Header: &hs[i&255], Time: now}); o.Verdict != sg.Accept {
						b.Fatal(o)
					}
				}
			})
		}
	}
}

// Network ACLs allocate nothing on a packet's way.
func TestACLAllocations(t *testing.T) {
	policy, err := sg.Compile(aclTopology(20))
	if err != nil {
		t.Fatal(err)
	}
	fw := sg.NewFirewall(policy, nil)
	hs := aclConns(t, fw, start, 0, 1)
	outside := packet.TCPHeader(netip.MustParseAddrPort("10.0.1.10:1"), netip.MustParseAddrPort("10.0.2.99:443"), packet.SYN)
	fw.Forward(sg.Packet{Header: &outside, Time: start})
	if n := testing.AllocsPerRun(100, func() {
		fw.Forward(sg.Packet{Header: &hs[0], Time: start})
		fw.Forward(sg.Packet{Header: &outside, Time: start})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
