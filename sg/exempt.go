package sg

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// exemptServices are those that every network has, by address (EX-01). Packets to and from
// them pass on any port, in either direction, and open no connection. Those of a VPC's
// resolver and routers are in exemptAddrs.
var exemptServices = []struct {
	addr netip.Addr
	name string
}{
	{netip.MustParseAddr("169.254.169.253"), resolver},
	{netip.MustParseAddr("169.254.169.254"), "instance metadata (EX-03)"},
	{netip.MustParseAddr("169.254.169.123"), "time (EX-04)"},
	{netip.MustParseAddr("169.254.170.2"), "ECS task metadata (EX-05)"},
	{netip.MustParseAddr("169.254.169.250"), "Windows activation (EX-06)"},
	{netip.MustParseAddr("169.254.169.251"), "Windows activation (EX-06)"},
	{netip.MustParseAddr("fd00:ec2::253"), resolver},
	{netip.MustParseAddr("fd00:ec2::254"), "instance metadata (EX-03)"},
	{netip.MustParseAddr("fd00:ec2::123"), "time (EX-04)"},
	{netip.MustParseAddr("fd00:ec2::250"), "Windows activation (EX-06)"},
	{netip.MustParseAddr("fe80:ec2::1"), router},
}

const (
	resolver = "the DNS resolver (EX-02)"
	router   = "the subnet's router (EX-07)"
)

// exemptEverywhere are the addresses of exemptServices.
var exemptEverywhere = func() (addrs []netip.Addr) {
	for _, s := range exemptServices {
		addrs = append(addrs, s.addr)
	}
	return addrs
}()

// The prefixes of all of these.
const (
	linkLocal4   = 0xa9fe             // 169.254.0.0/16
	uniqueLocal6 = 0xfd000ec200000000 // fd00:ec2::/64
	linkLocal6   = 0xfe800ec200000000 // fe80:ec2::/64
)

// An exemptAddrs holds the addresses of a VPC that are exempt: its resolver, the
// base of the primary IPv4 block plus two (EX-02), and its routers, the base of
// each subnet plus one (EX-07).
type exemptAddrs struct {
	last  [4]uint64    // the last bytes that occur: most packets need no further check
	addrs []netip.Addr // ascending

	resolver netip.Addr // the zero Addr if none is known
}

func newExemptAddrs(v *VPC) *exemptAddrs {
	x := &exemptAddrs{}
	if i := slices.IndexFunc(v.CIDRs, func(c netip.Prefix) bool { return c.Addr().Is4() }); i >= 0 {
		x.resolver = v.CIDRs[i].Masked().Addr().Next().Next()
		x.add(x.resolver)
	}
	for _, s := range v.Subnets {
		for _, c := range s.CIDRs {
			x.add(c.Masked().Addr().Next())
		}
	}
	slices.SortFunc(x.addrs, netip.Addr.Compare)
	return x
}

func (x *exemptAddrs) add(a netip.Addr) {
	last := a.As16()[15]
	x.last[last>>6] |= 1 << (last & 63)
	x.addrs = append(x.addrs, a)
}

// exempts reports whether security groups leave the packet alone at the ENI. Every
// packet comes through here, so the checks that nearly all fail come first.
func (n *eni) exempts(dir Direction, h *packet.Header) bool {
	remote := remoteBytes(dir, h)
	if h.Family == packet.IPv4 {
		switch {
		case h.Protocol == packet.UDP && h.DstPort-67 <= 1 && h.SrcPort-67 <= 1:
			return true // DHCP (EX-08); of later fragments the ports are zero
		case binary.BigEndian.Uint16(remote[12:]) == linkLocal4:
			return slices.Contains(exemptEverywhere, remoteAddr(dir, h))
		}
	} else {
		switch first := binary.BigEndian.Uint64(remote[:8]); {
		case h.Protocol == packet.UDP && h.DstPort-546 <= 1 && h.SrcPort-546 <= 1:
			return true // DHCPv6 (EX-08)
		case h.Protocol == packet.ICMPv6 && discovery(h):
			return true
		case first == uniqueLocal6 || first == linkLocal6:
			return slices.Contains(exemptEverywhere, remoteAddr(dir, h))
		}
	}
	x, last := n.exempt, remote[15]
	if x == nil || x.last[last>>6]>>(last&63)&1 == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(x.addrs, remoteAddr(dir, h), netip.Addr.Compare)
	return found
}

// exemptService says what a packet that is exempt at the ENI belongs to.
func (n *eni) exemptService(dir Direction, h *packet.Header) string {
	remote := remoteAddr(dir, h)
	for _, s := range exemptServices {
		if s.addr == remote {
			return s.name
		}
	}
	switch {
	case h.Protocol == packet.UDP && (h.DstPort-67 <= 1 && h.SrcPort-67 <= 1 || h.DstPort-546 <= 1 && h.SrcPort-546 <= 1):
		return "DHCP (EX-08)"
	case h.Protocol == packet.ICMPv6 && discovery(h):
		return "neighbour and multicast listener discovery (EX-09)"
	case n.exempt != nil && remote == n.exempt.resolver:
		return resolver
	}
	return router
}

// discovery reports whether an ICMPv6 packet belongs to neighbour discovery or
// multicast listener discovery, which work below security groups (EX-09, CTS-37).
func discovery(h *packet.Header) bool {
	if h.LaterFragment() || h.Missing&packet.MissingICMP != 0 {
		return false
	}
	switch h.ICMPType {
	case 133, 134, 135, 136, 137: // discovery; not from beyond the link (RFC 4861, 6.1)
		return h.HopLimit == 255
	case 130, 131, 132, 143, 151, 152: // listeners and routers of multicast groups
		return true
	}
	return false
}
