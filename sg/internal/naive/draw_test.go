package naive_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// A draw turns bytes into choices, so that a fuzzer can steer them and a seed can
// stand for them. Without bytes left every choice is the first.
type draw struct{ data []byte }

func (d *draw) n(n int) int {
	if len(d.data) == 0 || n <= 1 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

// part returns the next n bytes as a draw of their own, so that one more choice or
// one less in a thing leaves all things behind it as they are.
func (d *draw) part(n int) *draw {
	n = min(n, len(d.data))
	p := &draw{d.data[:n]}
	d.data = d.data[n:]
	return p
}

// What each thing gets. A step is a packet or a change.
const (
	worldBytes = 20
	groupBytes = 6
	ruleBytes  = 8
	stepBytes  = 16
)

func (d *draw) chance(percent int) bool { return d.n(100) >= 100-percent }

func (d *draw) done() bool { return len(d.data) == 0 }

func pick[T any](d *draw, from ...T) T { return from[d.n(len(from))] }

// The world is small, so that rules and packets meet.
var (
	drawPorts  = []int{80, 22, 443, 0, 8080, 1024, 65535, 53}
	drawGroups = []sg.GroupID{"sg-a", "sg-b", "sg-c", "sg-d"}
	drawLists  = []sg.PrefixListID{"pl-4", "pl-6"}
	drawENIs   = []sg.ENIID{"eni-1", "eni-2", "eni-3"}
	drawCIDRs  = mustip.Prefixes(
		"0.0.0.0/0", "::/0", "0.0.0.0/0", "::/0", "0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.1.10/32", "192.0.2.0/24", "10.0.2.77/16", "0.0.0.0/1",
		"128.0.0.0/1", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:9::9/128", "::/80",
	)
	drawEntries = map[sg.PrefixListID][]netip.Prefix{
		"pl-4": mustip.Prefixes("10.0.0.0/16", "192.0.2.9/32", "192.0.2.0/24", "0.0.0.0/0"),
		"pl-6": mustip.Prefixes("2001:db8::/32", "2001:db8:9::/48", "::/0"),
	}
	drawOutside = mustip.Addrs(
		"192.0.2.9", "198.51.100.7", "2001:db8:9::9", "192.0.2.9", "198.51.100.7", "2001:db8:9::9",
		"192.0.2.9", "198.51.100.7", "2001:db8:9::9", "2001:db8:1::77", "10.0.2.200", "::ffff:192.0.2.9",
		"169.254.169.254", "10.0.0.2", "fd00:ec2::253", "203.0.113.50",
	)
	drawDelegated = mustip.Addrs("10.0.3.5")[0]
	drawRouters   = mustip.Addrs("192.0.2.1", "2001:db8:9::1")

	drawVPCs = []sg.VPC{{
		ID: "vpc-1", CIDRs: mustip.Prefixes("10.0.0.0/16", "2001:db8::/32"),
		Subnets: []sg.Subnet{
			{ID: "subnet-1", CIDRs: mustip.Prefixes("10.0.1.0/24", "2001:db8:1::/64")},
			{ID: "subnet-2", CIDRs: mustip.Prefixes("10.0.2.0/24", "2001:db8:2::/64", "10.0.3.0/24", "192.0.2.0/27")},
		},
	}, {
		ID: "vpc-2", CIDRs: mustip.Prefixes("10.1.0.0/16", "2001:db8:3::/64"),
		Subnets: []sg.Subnet{{ID: "subnet-3", CIDRs: mustip.Prefixes("10.1.1.0/24", "2001:db8:3::/64", "192.0.2.0/28")}},
	}}
	drawACLs       = []sg.NetworkACLID{"acl-1", "acl-2", "acl-3"}
	drawSubnets    = []sg.SubnetID{"subnet-1", "subnet-2", "subnet-3", "subnet-4"}
	drawInterfaces = []sg.ENI{
		{ID: "eni-1", Addrs: mustip.Addrs("10.0.1.10", "2001:db8:1::10"), VPC: "vpc-1"},
		{ID: "eni-2", Addrs: mustip.Addrs("10.0.2.20", "2001:db8:2::20", "10.0.2.21"), Prefixes: mustip.Prefixes("10.0.3.0/28")},
		{ID: "eni-3", Addrs: mustip.Addrs("10.1.1.30", "2001:db8:3::30"), VPC: "vpc-2", Public: mustip.Addrs("203.0.113.50")},
	}
)

func (d *draw) topology() *sg.Topology {
	w := d.part(worldBytes)
	t := &sg.Topology{
		VPCs:        drawVPCs,
		ENIs:        slices.Clone(drawInterfaces),
		PrefixLists: []sg.PrefixList{{ID: "pl-4", Family: packet.IPv4}, {ID: "pl-6", Family: packet.IPv6}},
	}
	t.ENIs[1].NitroV6 = w.chance(30)
	if w.chance(30) {
		t.ENIs[0].Timeouts = conntrack.Timeouts{UDP: 45 * time.Second}
	}
	if w.chance(60) {
		t.ENIs[1].VPC = "vpc-1"
	}
	if w.chance(50) {
		t.Peerings = append(t.Peerings, sg.Peering{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: pick(w, "active", "deleted", ""),
			RequesterRegion: "eu-west-1", AccepterRegion: pick(w, "", "eu-west-1", "us-east-1")})
	}
	t.ENIs[2].Type = pick(w, "", "interface", "lambda")
	for i := range t.ENIs {
		t.ENIs[i].Groups = w.groups()
		t.ENIs[i].Instance = pick(w, drawInstances...)
	}
	for i := range t.PrefixLists {
		for range w.n(3) {
			if e := w.entry(drawLists[i]); !slices.Contains(t.PrefixLists[i].Entries, e) {
				t.PrefixLists[i].Entries = append(t.PrefixLists[i].Entries, e)
			}
		}
	}
	for _, id := range drawGroups {
		w := d.part(groupBytes)
		g := sg.Group{ID: id, VPC: pick[sg.VPCID](w, "vpc-1", "", "vpc-2"), Account: pick[sg.AccountID](w, "", "1")}
		if w.chance(20) {
			g.Associations = []sg.VPCID{"vpc-2"}
		}
		for range w.n(6) {
			g.Ingress = append(g.Ingress, d.part(ruleBytes).rule())
		}
		for range w.n(5) {
			g.Egress = append(g.Egress, d.part(ruleBytes).rule())
		}
		t.Groups = append(t.Groups, g)
	}
	d.part(worldBytes).unknown(t)
	d.acls(t)
	return t
}

// acls gives most topologies network ACLs.
func (d *draw) acls(t *sg.Topology) {
	w := d.part(worldBytes)
	if w.chance(35) {
		return
	}
	for i := range t.ENIs {
		if w.chance(40) {
			t.ENIs[i].Subnet = drawSubnets[i]
		} else if w.chance(30) {
			t.ENIs[i].Subnet = pick[sg.SubnetID](w, "subnet-1", "subnet-4")
		}
	}
	left := slices.Clone(drawSubnets[:2])
	for i, id := range drawACLs[:1+w.n(3)] {
		a := sg.NetworkACL{ID: id, VPC: "vpc-1", IsDefault: i != 1 && w.chance(50)}
		if i == 2 {
			a.VPC, left = "vpc-2", drawSubnets[2:3]
		}
		for len(left) > 0 && w.chance(60) {
			a.Subnets, left = append(a.Subnets, left[0]), left[1:]
		}
		for range 1 + w.n(5) {
			d.part(ruleBytes).addEntry(&a.Ingress)
		}
		for range 1 + w.n(5) {
			d.part(ruleBytes).addEntry(&a.Egress)
		}
		t.NetworkACLs = append(t.NetworkACLs, a)
	}
	for n := range t.NetworkACLs {
		if t.NetworkACLs[n].IsDefault && slices.ContainsFunc(t.NetworkACLs[:n], func(a sg.NetworkACL) bool { return a.IsDefault && a.VPC == t.NetworkACLs[n].VPC }) {
			t.NetworkACLs[n].IsDefault = false
		}
	}
}

var drawNumbers = []int{100, 90, 110, 200, 32766, 1}

// addEntry adds an entry with a number that is free.
func (d *draw) addEntry(to *[]sg.ACLEntry) {
	e := d.aclEntry()
	if !slices.ContainsFunc(*to, func(o sg.ACLEntry) bool { return o.Number == e.Number }) {
		*to = append(*to, e)
	}
}

func (d *draw) aclEntry() sg.ACLEntry {
	e := sg.ACLEntry{Number: pick(d, drawNumbers...), Allow: d.chance(80), CIDR: pick(d, drawCIDRs...)}
	if d.chance(60) {
		e.Protocol = sg.AllProtocols
		return e
	}
	r := d.rule()
	e.Protocol, e.Ports, e.ICMP = r.Protocol, r.Ports, r.ICMP
	if e.Protocol == sg.ICMPv6 && !e.ICMP.IsSet() {
		e.ICMP = sg.ICMPTypeCode(-1, -1)
	}
	return e
}

// unknown takes from a topology what decides, and gives it interfaces that others treat
// otherwise.
func (d *draw) unknown(t *sg.Topology) {
	e := &t.ENIs[d.n(len(t.ENIs))]
	if d.chance(25) {
		e.Groups = append(e.Groups, "sg-gone")
	}
	t.PrefixLists[d.n(2)].Incomplete = d.chance(25)
	if d.chance(30) {
		option := func() string { return pick(d, "enable", "enable", "", "disable") }
		t.TransitGateways = []sg.TransitGateway{{ID: "tgw-1", Referencing: option(), Attachments: []sg.TransitGatewayAttachment{
			{VPC: "vpc-1", Referencing: option()}, {VPC: pick[sg.VPCID](d, "vpc-2", "vpc-9"), Referencing: option()},
		}}}
	}
	if d.chance(25) {
		e.Type, e.NoSourceDestCheck = pick(d, "network_load_balancer", "nat_gateway", "transit_gateway"), d.chance(50)
	}
	e.RequesterManaged = d.chance(10)
	t.Groups[d.n(len(t.Groups))].Incomplete = d.chance(20)
}

var drawInstances = []sg.InstanceID{"i-1", "", "i-1", "i-2"}

// groups draws a set of groups, with each in two of three.
func (d *draw) groups() []sg.GroupID {
	var ids []sg.GroupID
	one, other := d.n(256), d.n(256)
	some := one | other
	for i, id := range drawGroups {
		if some>>i&1 != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func (d *draw) entry(list sg.PrefixListID) sg.PrefixListEntry {
	return sg.PrefixListEntry{CIDR: pick(d, drawEntries[list]...)}
}

func (d *draw) rule() sg.Rule {
	r := sg.Rule{Protocol: pick(d, sg.TCP, sg.UDP, sg.AllProtocols, sg.AllProtocols, sg.TCP, sg.UDP, sg.ICMP, sg.ICMPv6, sg.ProtocolNumber(47))}
	switch r.Protocol {
	case sg.TCP, sg.UDP:
		first := pick(d, drawPorts...)
		r.Ports = sg.Port(first)
		switch d.n(3) {
		case 1:
			r.Ports = sg.Ports(first, max(first, pick(d, drawPorts...)))
		case 2:
			r.Ports = sg.Ports(0, 65535)
		}
	case sg.ICMP:
		r.ICMP = pick(d, sg.ICMPTypeCode(-1, -1), sg.ICMPTypeCode(8, -1), sg.ICMPTypeCode(8, 0), sg.ICMPTypeCode(3, 4), sg.ICMPTypeCode(0, 0))
	case sg.ICMPv6:
		r.ICMP = pick(d, sg.ICMPMatch{}, sg.ICMPTypeCode(-1, -1), sg.ICMPTypeCode(128, 0), sg.ICMPTypeCode(2, -1))
	}
	switch d.n(10) {
	case 0, 1, 2, 3, 8, 9:
		r.Peer = sg.Peer{CIDR: pick(d, drawCIDRs...)}
	case 4:
		r.Peer = sg.Self
	case 5:
		r.Peer = sg.FromPrefixList(pick[sg.PrefixListID](d, "pl-4", "pl-6", "pl-gone"))
	default:
		r.Peer = sg.FromGroup(pick[sg.GroupID](d, "sg-a", "sg-b", "sg-c", "sg-gone"))
		r.Peer.Account = pick[sg.AccountID](d, "", "", "1", "2")
		r.Peer.Peering = pick[sg.PeeringID](d, "", "", "", "pcx-1", "pcx-9")
	}
	return r
}

func (d *draw) options() sg.Options {
	d = d.part(worldBytes)
	o := sg.Options{
		Profile:        pick(d, conntrack.AWS, conntrack.AWS, conntrack.AWS, conntrack.Linux),
		Midstream:      pick(d, sg.MidstreamDrop, sg.MidstreamPass, sg.MidstreamPickup),
		RelatedICMP:    d.chance(30),
		FilterExempt:   d.chance(20),
		MaxConnections: pick(d, 0, 0, 0, 0, 0, 3),
		OnChange:       pick(d, sg.ChangeAWS, sg.ChangeAWS, sg.ChangeRevalidate, sg.ChangeFlush, sg.ChangeKeep),
		ACLFragments:   pick(d, sg.ACLFragmentsL3, sg.ACLFragmentsFirst, sg.ACLFragmentsPass),
	}
	if d.chance(30) {
		o.InstanceMax = map[sg.InstanceID]int{"i-1": d.n(4), "i-9": 1}
		if d.chance(50) {
			o.InstanceMax[""] = 1 + d.n(3)
		}
	}
	return o
}

// A flight is a packet at one ENI, or at both ends if eni is empty.
type flight struct {
	eni sg.ENIID
	dir sg.Direction
	via sg.Via
	h   packet.Header
}

// flight draws a packet: a new one, or one that goes with an earlier one.
func (d *draw) flight(t *sg.Topology, past []flight) flight {
	if len(past) > 0 && d.chance(60) {
		f := past[len(past)-1-d.n(min(len(past), 8))]
		return d.related(f)
	}
	e := &t.ENIs[d.n(len(t.ENIs))]
	f := flight{eni: e.ID, dir: pick(d, sg.Ingress, sg.Egress), via: pick(d, sg.Via{}, sg.Via{}, sg.Via{}, sg.Via{}, sg.Via{Tracked: true}, sg.Via{Appliance: true}, sg.Via{VPC: pick[sg.VPCID](d, "vpc-1", "vpc-2")})}
	local, remote := pick(d, e.Addrs...), pick(d, drawOutside...)
	if d.chance(60) {
		remote = pick(d, t.ENIs[d.n(len(t.ENIs))].Addrs...)
	}
	if d.chance(5) {
		remote = drawDelegated
	}
	if remote.Is4() != local.Is4() {
		for _, a := range e.Addrs {
			if a.Is4() == remote.Is4() {
				local = a
			}
		}
	}
	src, dst := local, remote
	if f.dir == sg.Ingress {
		src, dst = remote, local
	}
	f.h = d.header(src, dst)
	if d.chance(45) {
		f.eni, f.dir = "", 0
	}
	if d.chance(10) {
		f.via.Through = pick(d, drawENIs...)
	}
	if d.chance(5) && f.eni != "" {
		f.eni = pick(d, drawENIs...)
	}
	if d.chance(5) && !f.h.Fragment() {
		f.h = cut(f.h)
	}
	return f
}

func (d *draw) header(src, dst netip.Addr) packet.Header {
	sport, dport := uint16(pick(d, 40000, 40001, 53, 80, 67)), uint16(pick(d, drawPorts...))
	ap := netip.AddrPortFrom
	switch d.n(8) {
	case 0, 1, 2:
		return segment(ap(src, sport), ap(dst, dport), pick(d, packet.SYN, packet.SYN, packet.ACK, packet.SYN|packet.ACK, packet.FIN|packet.ACK, packet.RST, 0))
	case 3, 4:
		return fixFamily(packet.UDPHeader(ap(src, sport), ap(dst, dport)), src)
	case 5:
		h := packet.ICMPHeader(src, dst, 8, 0, uint16(d.n(2)))
		if h.Family == packet.IPv6 {
			h.ICMPType = 128
		}
		if d.chance(40) {
			h.ICMPType, h.ICMPCode = uint8(pick(d, 0, 3, 13, 129, 2, 135)), uint8(pick(d, 0, 4))
		}
		return fixFamily(h, src)
	case 6:
		return fixFamily(packet.IPHeader(src, dst, pick[packet.Protocol](d, 47, 50, 1, 58)), src)
	}
	// A fragment, first or later.
	h := fixFamily(packet.UDPHeader(ap(src, sport), ap(dst, dport)), src)
	h.FragID, h.MoreFrags = uint32(d.n(2)), true
	if d.chance(60) {
		h.FragOffset, h.MoreFrags, h.SrcPort, h.DstPort = uint16(pick(d, 1480, 8)), d.chance(50), 0, 0
		if d.chance(30) {
			h.Protocol = packet.TCP
		}
	}
	return h
}

// cut takes from a packet what a capture of its IP header alone lacks.
func cut(h packet.Header) packet.Header {
	h.SrcPort, h.DstPort, h.TCPFlags, h.ICMPType, h.ICMPCode, h.ICMPID = 0, 0, 0, 0, 0, 0
	switch h.Protocol {
	case packet.TCP:
		h.Missing = packet.MissingPorts | packet.MissingTCPFlags
	case packet.UDP:
		h.Missing = packet.MissingPorts
	case packet.ICMP, packet.ICMPv6:
		h.Missing = packet.MissingICMP
	}
	return h
}

func segment(src, dst netip.AddrPort, f packet.TCPFlags) packet.Header {
	return fixFamily(packet.TCPHeader(src, dst, f), src.Addr())
}

// fixFamily undoes what the constructors do to mapped addresses, which as IPv6
// packets are IPv6.
func fixFamily(h packet.Header, src netip.Addr) packet.Header {
	if src.Is6() {
		h.Family = packet.IPv6
		if h.Protocol == packet.ICMP {
			h.Protocol = packet.ICMPv6
		}
	}
	return h
}

// related draws a packet that goes with an earlier one: the same, its answer, an
// ICMP error about it, or the fragments behind it.
func (d *draw) related(f flight) flight {
	if d.chance(20) {
		f.via.Appliance = !f.via.Appliance
	}
	switch d.n(6) {
	case 0, 1:
		if f.h.Fragment() && d.chance(60) { // one that comes later
			f.h.FragOffset, f.h.SrcPort, f.h.DstPort, f.h.TCPFlags = 1480, 0, 0, 0
		} else if f.h.Protocol == packet.TCP {
			f.h.TCPFlags = pick(d, packet.ACK, packet.SYN, packet.FIN|packet.ACK, packet.RST, packet.SYN|packet.FIN)
		}
		return f
	case 2, 3, 4:
		back := f.h.Tuple().Reverse()
		h := f.h
		h.Src, h.Dst = back.Src, back.Dst
		if h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6 {
			h.ICMPType, h.ICMPCode, h.ICMPID = back.ICMP()
		} else {
			h.SrcPort, h.DstPort = back.SrcPort, back.DstPort
		}
		if h.Protocol == packet.TCP && !h.LaterFragment() {
			h.TCPFlags = pick(d, packet.SYN|packet.ACK, packet.ACK, packet.RST|packet.ACK)
		}
		f.h = h
	default:
		about := f.h.Tuple()
		from, typ, code := drawRouters[0], uint8(3), uint8(4)
		if f.h.Family == packet.IPv6 {
			from, typ, code = drawRouters[1], 2, 0
		}
		h := fixFamily(packet.ICMPHeader(from, f.h.SrcAddr(), typ, code, 0), from)
		h.Dst = f.h.Src
		h.Quoted = packet.Quote{Tuple: about, Part: pick(d, packet.QuoteTuple, packet.QuoteTuple, packet.QuoteAddresses)}
		if h.Quoted.Part == packet.QuoteAddresses || f.h.LaterFragment() {
			h.Quoted.Part, h.Quoted.Tuple.SrcPort, h.Quoted.Tuple.DstPort = packet.QuoteAddresses, 0, 0
		}
		f.h = h
	}
	if f.eni != "" {
		f.dir = f.dir.Opposite()
	}
	return f
}

// seeded returns n bytes that depend on the seed alone.
func seeded(seed uint64, n int) []byte {
	b := make([]byte, 0, n+8)
	for x := seed*0x9e3779b97f4a7c15 + 1; len(b) < n; {
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		x ^= x >> 31
		b = binary.LittleEndian.AppendUint64(b, x)
		x += 0x9e3779b97f4a7c15
	}
	return b[:n]
}
