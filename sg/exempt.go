package sg

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// Security groups do not filter traffic to and from the services that every
// network has (EX-01): it passes at any port, in either direction, and leaves no
// connection. The addresses below are the same everywhere; those of a VPC's
// resolver and routers are in exemptAddrs.
var (
	exemptLinkLocal = []uint32{
		0xa9fea9fd, // 169.254.169.253, DNS (EX-02)
		0xa9fea9fe, // 169.254.169.254, instance metadata (EX-03)
		0xa9fea97b, // 169.254.169.123, time (EX-04)
		0xa9feaa02, // 169.254.170.2, ECS task metadata (EX-05)
		0xa9fea9fa, // 169.254.169.250, Windows activation (EX-06)
		0xa9fea9fb, // 169.254.169.251, Windows activation (EX-06)
	}

	// fd00:ec2:: with these last 64 bits.
	exemptUniqueLocal = []uint64{
		0x253, // DNS (EX-02)
		0x254, // instance metadata (EX-03)
		0x123, // time (EX-04)
		0x250, // Windows activation (EX-06)
	}
)

const (
	linkLocal4   = 0xa9fe             // 169.254.0.0/16
	uniqueLocal6 = 0xfd000ec200000000 // fd00:ec2::/64
	linkLocal6   = 0xfe800ec200000000 // fe80:ec2::/64, whose ::1 is the router (EX-07)
)

// An exemptAddrs holds the addresses of a VPC that are exempt: its resolver, the
// base of the primary IPv4 block plus two (EX-02), and its routers, the base of
// each subnet plus one (EX-07).
type exemptAddrs struct {
	last4, last6 [4]uint64 // the last bytes that occur: most packets end here
	v4           []uint32  // ascending
	v6           [][2]uint64
}

func newExemptAddrs(v *VPC) *exemptAddrs {
	x := &exemptAddrs{}
	for _, c := range v.CIDRs {
		if c.Addr().Is4() {
			x.add(c, 2)
			break
		}
	}
	for _, s := range v.Subnets {
		for _, c := range s.CIDRs {
			x.add(c, 1)
		}
	}
	slices.Sort(x.v4)
	return x
}

func (x *exemptAddrs) add(c netip.Prefix, host uint64) {
	a := c.Masked().Addr()
	if a.Is4() {
		n := word4(a) + uint32(host)
		x.v4 = append(x.v4, n)
		x.last4[uint8(n)>>6] |= 1 << (n & 63)
		return
	}
	hi, lo := words6(a)
	lo += host
	x.v6 = append(x.v6, [2]uint64{hi, lo})
	x.last6[uint8(lo)>>6] |= 1 << (lo & 63)
}

func word4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func words6(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// exempts reports whether security groups leave the packet alone at the ENI. Every
// packet comes through here, so the checks that nearly all fail come first.
func (n *eni) exempts(dir Direction, h *packet.Header) bool {
	remote := remoteBytes(dir, h)
	if h.Family == packet.IPv6 {
		return n.exempt6(binary.BigEndian.Uint64(remote[:8]), binary.BigEndian.Uint64(remote[8:]), h)
	}
	a := binary.BigEndian.Uint32(remote[12:])
	switch {
	case h.Protocol == packet.UDP && h.DstPort-67 <= 1 && h.SrcPort-67 <= 1:
		return true // DHCP (EX-08); of later fragments the ports are zero
	case a>>16 == linkLocal4:
		return slices.Contains(exemptLinkLocal, a)
	case n.exempt == nil || n.exempt.last4[uint8(a)>>6]>>(a&63)&1 == 0:
		return false
	}
	_, found := slices.BinarySearch(n.exempt.v4, a)
	return found
}

func (n *eni) exempt6(hi, lo uint64, h *packet.Header) bool {
	switch h.Protocol {
	case packet.UDP:
		if h.DstPort-546 <= 1 && h.SrcPort-546 <= 1 {
			return true // DHCPv6 (EX-08)
		}
	case packet.ICMPv6:
		if discovery(h) {
			return true
		}
	}
	switch hi {
	case uniqueLocal6:
		return slices.Contains(exemptUniqueLocal, lo)
	case linkLocal6:
		return lo == 1
	}
	x := n.exempt
	return x != nil && x.last6[uint8(lo)>>6]>>(lo&63)&1 != 0 && slices.Contains(x.v6, [2]uint64{hi, lo})
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
