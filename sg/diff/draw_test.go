package diff_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

var long = flag.Bool("long", false, "four times as many drawn worlds")

// seeds is how many of n worlds are drawn: a quarter, or all with -long.
func seeds(n uint64) uint64 {
	if *long {
		return n
	}
	return n / 4
}

// The worlds are small, so that rules, lists, members and packets meet.
var (
	drawCIDRs = []string{
		"0.0.0.0/0", "::/0", "0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.1.10/32", "192.0.2.0/24", "0.0.0.0/1", "128.0.0.0/1",
		"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::10/128", "::/1", "8000::/1", "255.255.255.255/32", "169.254.169.254/32",
	}
	drawPorts  = []int{0, 22, 80, 81, 443, 1024, 65535}
	drawGroups = []sg.GroupID{"sg-a", "sg-b", "sg-c", "sg-d"}
	drawENIs   = []sg.ENI{
		{ID: "eni-1", Addrs: mustip.Addrs("10.0.1.10", "2001:db8:1::10"), VPC: "vpc-1"},
		{ID: "eni-2", Addrs: mustip.Addrs("10.0.2.20", "2001:db8:2::20", "10.0.2.21"), Prefixes: mustip.Prefixes("10.0.3.0/28")},
		{ID: "eni-3", Addrs: mustip.Addrs("10.1.1.30", "2001:db8:3::30"), VPC: "vpc-2"},
		{ID: "eni-4", Addrs: mustip.Addrs("10.0.1.40"), VPC: "vpc-1"},
		{ID: "eni-5"},
	}
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func drawTopology(r *rand.Rand) *sg.Topology {
	t := &sg.Topology{
		VPCs: []sg.VPC{
			{ID: "vpc-1", CIDRs: mustip.Prefixes("10.0.0.0/16"), Subnets: []sg.Subnet{
				{ID: "subnet-1", CIDRs: mustip.Prefixes("10.0.1.0/24", "2001:db8:1::/64")}, {ID: "subnet-2", CIDRs: mustip.Prefixes("10.0.2.0/24", "192.0.2.0/25")},
			}},
			{ID: "vpc-2", CIDRs: mustip.Prefixes("10.1.0.0/16"), Subnets: []sg.Subnet{{ID: "subnet-3", CIDRs: mustip.Prefixes("10.1.1.0/24", "2001:db8:3::/64")}}},
		},
		PrefixLists: []sg.PrefixList{
			{ID: "pl-4", Family: packet.IPv4, Incomplete: r.IntN(8) == 0}, {ID: "pl-6", Family: packet.IPv6},
		},
	}
	for _, e := range drawENIs {
		for _, g := range drawGroups {
			if r.IntN(3) == 0 {
				e.Groups = append(e.Groups, g)
			}
		}
		if r.IntN(12) == 0 {
			e.Groups = append(e.Groups, "sg-gone")
		}
		e.RequesterManaged = r.IntN(10) == 0
		e.Subnet = pick[sg.SubnetID](r, "", "", "subnet-1", "subnet-2", "subnet-3")
		if r.IntN(20) != 0 {
			t.ENIs = append(t.ENIs, e)
		}
	}
	for _, id := range drawGroups {
		g := sg.Group{ID: id, VPC: pick[sg.VPCID](r, "", "vpc-1", "vpc-2")}
		for range r.IntN(5) {
			g.Ingress = append(g.Ingress, drawRule(r))
		}
		for range r.IntN(4) {
			g.Egress = append(g.Egress, drawRule(r))
		}
		t.Groups = append(t.Groups, g)
	}
	for i := range t.PrefixLists {
		t.PrefixLists[i].Entries = drawEntries(r, i == 0)
	}
	if r.IntN(3) == 0 {
		t.Peerings = []sg.Peering{{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: pick(r, "active", "deleted")}}
	}
	if r.IntN(3) > 0 {
		t.NetworkACLs = []sg.NetworkACL{drawACL(r, "acl-1"), drawACL(r, "acl-2"), drawACL(r, "acl-3")}
		t.NetworkACLs[0].Subnets, t.NetworkACLs[1].Subnets = []sg.SubnetID{"subnet-1"}, []sg.SubnetID{"subnet-2"}
		t.NetworkACLs[r.IntN(2)].IsDefault = r.IntN(2) == 0
		if t.NetworkACLs[2].VPC = "vpc-2"; r.IntN(2) == 0 {
			t.NetworkACLs[2].Subnets = []sg.SubnetID{"subnet-3"}
		}
	}
	return t
}

// drawACL returns a network ACL of vpc-1.
func drawACL(r *rand.Rand, id sg.NetworkACLID) sg.NetworkACL {
	a := sg.NetworkACL{ID: id, VPC: "vpc-1"}
	for _, to := range []*[]sg.ACLEntry{&a.Ingress, &a.Egress} {
		for n := range r.IntN(5) {
			*to = append(*to, drawACLEntry(r, 10*n+1+r.IntN(10)))
		}
		if r.IntN(2) == 0 { // most ACLs let nearly all pass
			*to = append(*to, sg.ACLEntry{Number: 100, Allow: true, Protocol: sg.AllProtocols, CIDR: netip.MustParsePrefix("0.0.0.0/0")},
				sg.ACLEntry{Number: 101, Allow: true, Protocol: sg.AllProtocols, CIDR: netip.MustParsePrefix("::/0")})
		}
	}
	return a
}

func drawACLEntry(r *rand.Rand, number int) sg.ACLEntry {
	m := drawRule(r)
	return sg.ACLEntry{Number: number, Allow: r.IntN(3) > 0, Protocol: m.Protocol, Ports: m.Ports, ICMP: m.ICMP, CIDR: netip.MustParsePrefix(pick(r, drawCIDRs...))}
}

func drawEntries(r *rand.Rand, v4 bool) (es []sg.PrefixListEntry) {
	for _, c := range drawCIDRs[4:] {
		if c := netip.MustParsePrefix(c); c.Addr().Is4() == v4 && r.IntN(3) == 0 {
			es = append(es, sg.PrefixListEntry{CIDR: c})
		}
	}
	return es
}

func drawRule(r *rand.Rand) sg.Rule {
	rule := sg.Rule{Protocol: pick(r, sg.TCP, sg.TCP, sg.UDP, sg.AllProtocols, sg.ICMP, sg.ICMPv6, sg.ProtocolNumber(47), sg.ProtocolNumber(0))}
	switch rule.Protocol {
	case sg.TCP, sg.UDP:
		a, b := pick(r, drawPorts...), pick(r, drawPorts...)
		rule.Ports = sg.Ports(min(a, b), max(a, b))
	case sg.ICMP, sg.ICMPv6:
		rule.ICMP = pick(r, sg.ICMPTypeCode(-1, -1), sg.ICMPTypeCode(8, -1), sg.ICMPTypeCode(3, 4), sg.ICMPTypeCode(128, 0), sg.ICMPTypeCode(133, -1))
	}
	switch r.IntN(6) {
	case 0:
		rule.Peer = sg.FromPrefixList(pick[sg.PrefixListID](r, "pl-4", "pl-6", "pl-gone"))
	case 1:
		rule.Peer = sg.Self
	case 2:
		rule.Peer = sg.FromGroup(pick(r, append(slices.Clone(drawGroups), "sg-nowhere")...))
	default:
		rule.Peer = sg.MustCIDR(pick(r, drawCIDRs...))
	}
	return rule
}

// drawChange returns a world that differs from t here and there.
func drawChange(r *rand.Rand, t *sg.Topology) *sg.Topology {
	other := drawTopology(r)
	if r.IntN(4) == 0 {
		return other
	}
	c := *t
	c.Groups, c.PrefixLists, c.ENIs = slices.Clone(t.Groups), slices.Clone(t.PrefixLists), slices.Clone(t.ENIs)
	for range 1 + r.IntN(3) {
		switch i := r.IntN(len(c.Groups)); r.IntN(8) {
		case 0:
			c.Groups[i] = other.Groups[i]
		case 1:
			c.Groups[i].Ingress = append(slices.Clone(c.Groups[i].Ingress), drawRule(r))
		case 2:
			if n := len(c.Groups[i].Egress); n > 0 {
				c.Groups[i].Egress = slices.Delete(slices.Clone(c.Groups[i].Egress), 0, 1)
			}
		case 3:
			c.PrefixLists[i%2].Entries = drawEntries(r, i%2 == 0)
		case 4:
			n := r.IntN(len(c.ENIs))
			c.ENIs[n].Groups = drawGroups[:r.IntN(4)]
		default:
			c.NetworkACLs = slices.Clone(c.NetworkACLs)
			if len(c.NetworkACLs) == 0 {
				continue
			}
			a := &c.NetworkACLs[r.IntN(3)]
			to := pick(r, &a.Ingress, &a.Egress)
			switch n := len(*to); {
			case n == 0 || r.IntN(3) == 0:
				*to = append(slices.Clone(*to), drawACLEntry(r, 200+n))
			case r.IntN(2) == 0:
				*to = slices.Clone(*to)
				(*to)[r.IntN(n)].Allow = r.IntN(2) == 0
			case len(other.NetworkACLs) > 0:
				*to = slices.Clone(*to)
				(*to)[0] = drawACLEntry(r, (*to)[0].Number)
			default:
				c.ENIs[r.IntN(len(c.ENIs))].Subnet = "subnet-2"
			}
		}
	}
	return &c
}

// drawHeader returns the first packet of a connection that passes an interface.
func drawHeader(r *rand.Rand, dir sg.Direction, local netip.Addr) packet.Header {
	remote := netip.AddrFrom4([4]byte{byte(r.IntN(256)), byte(r.IntN(256)), 0, byte(r.IntN(256))})
	if local.Is6() {
		remote = netip.AddrFrom16([16]byte{byte(r.IntN(256)), 15: byte(r.IntN(256))})
	}
	for range 30 { // mostly one at the edge of something
		p := netip.MustParsePrefix(pick(r, drawCIDRs...))
		if e := pick(r, drawENIs...); len(e.Addrs) > 0 && r.IntN(2) == 0 {
			p = netip.PrefixFrom(pick(r, e.Addrs...), 128)
		}
		if a := pick(r, p.Addr(), p.Addr().Prev(), p.Addr().Next()); a.IsValid() && a.Is4() == local.Is4() {
			remote = a
			break
		}
	}
	src, dst := remote, local
	if dir == sg.Egress {
		src, dst = local, remote
	}
	port := uint16(max(0, min(65535, pick(r, drawPorts...)+r.IntN(3)-1)))
	switch r.IntN(6) {
	case 0:
		return packet.UDPHeader(netip.AddrPortFrom(src, 40000), netip.AddrPortFrom(dst, port))
	case 1:
		return packet.ICMPHeader(src, dst, pick[uint8](r, 8, 3, 128, 133, 130, 143, 0, 255), pick[uint8](r, 0, 4, 255), 1)
	case 2:
		return packet.IPHeader(src, dst, pick[packet.Protocol](r, 0, 1, 47, 50, 58, 132, 255))
	}
	return packet.TCPHeader(netip.AddrPortFrom(src, 40000), netip.AddrPortFrom(dst, port), packet.SYN)
}

func shuffled(r *rand.Rand, t *sg.Topology) *sg.Topology {
	c := *t
	c.Groups, c.PrefixLists, c.ENIs = slices.Clone(t.Groups), slices.Clone(t.PrefixLists), slices.Clone(t.ENIs)
	shuffle(r, c.Groups)
	shuffle(r, c.PrefixLists)
	shuffle(r, c.ENIs)
	for i := range c.Groups {
		c.Groups[i].Ingress = shuffle(r, slices.Clone(c.Groups[i].Ingress))
		c.Groups[i].Egress = shuffle(r, slices.Clone(c.Groups[i].Egress))
	}
	for i := range c.PrefixLists {
		c.PrefixLists[i].Entries = shuffle(r, slices.Clone(c.PrefixLists[i].Entries))
	}
	for i := range c.ENIs {
		c.ENIs[i].Groups = shuffle(r, slices.Clone(c.ENIs[i].Groups))
	}
	c.NetworkACLs = shuffle(r, slices.Clone(t.NetworkACLs))
	for i := range c.NetworkACLs {
		c.NetworkACLs[i].Ingress = shuffle(r, slices.Clone(c.NetworkACLs[i].Ingress))
		c.NetworkACLs[i].Egress = shuffle(r, slices.Clone(c.NetworkACLs[i].Egress))
	}
	return &c
}

func shuffle[T any](r *rand.Rand, s []T) []T {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

// describe writes what a failure needs to be found again.
func describe(t *sg.Topology) string {
	s := ""
	for _, g := range t.Groups {
		s += fmt.Sprintf("%s vpc=%s in %s out %s\n", g.ID, g.VPC, g.Ingress, g.Egress)
	}
	for _, l := range t.PrefixLists {
		s += fmt.Sprintf("%s %v\n", l.ID, l.Entries)
	}
	for _, e := range t.ENIs {
		s += fmt.Sprintf("%s %v %v %s managed=%t\n", e.ID, e.Groups, e.VPC, e.Subnet, e.RequesterManaged)
	}
	for _, a := range t.NetworkACLs {
		s += fmt.Sprintf("%s %s %v default=%t in %s out %s\n", a.ID, a.VPC, a.Subnets, a.IsDefault, a.Ingress, a.Egress)
	}
	return s
}
