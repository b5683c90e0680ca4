package naive

import (
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// everywhere are the services with the same address in every VPC (EX-02 to EX-07).
var everywhere = mustip.Addrs(
	"169.254.169.253", "fd00:ec2::253", // DNS
	"169.254.169.254", "fd00:ec2::254", // metadata
	"169.254.169.123", "fd00:ec2::123", // time
	"169.254.170.2",                                       // ECS tasks
	"169.254.169.250", "169.254.169.251", "fd00:ec2::250", // Windows activation
	"fe80:ec2::1", // router
)

// exempt reports whether security groups leave the packet alone (EX-01).
func exempt(t *sg.Topology, e *sg.ENI, dir sg.Direction, h *packet.Header) bool {
	remote := h.SrcAddr()
	if dir == sg.Egress {
		remote = h.DstAddr()
	}
	if slices.Contains(everywhere, remote) {
		return true
	}
	for _, v := range t.VPCs {
		if v.ID != e.VPC {
			continue
		}
		for _, c := range v.CIDRs {
			if c.Addr().Is4() {
				if remote == c.Masked().Addr().Next().Next() { // EX-02
					return true
				}
				break // the primary block alone
			}
		}
		for _, s := range v.Subnets {
			for _, c := range s.CIDRs {
				if remote == c.Masked().Addr().Next() { // EX-07
					return true
				}
			}
		}
	}
	if h.LaterFragment() {
		return false
	}
	between := func(p, a, b uint16) bool { return p == a || p == b }
	switch {
	case h.Protocol == packet.UDP && h.Family == packet.IPv4: // EX-08
		return between(h.SrcPort, 67, 68) && between(h.DstPort, 67, 68)
	case h.Protocol == packet.UDP:
		return between(h.SrcPort, 546, 547) && between(h.DstPort, 546, 547)
	case h.Protocol == packet.ICMPv6 && h.Family == packet.IPv6 && h.Missing&packet.MissingICMP == 0: // EX-09, CTS-37
		switch t := h.ICMPType; {
		case t >= 133 && t <= 137:
			return h.HopLimit == 255
		case t >= 130 && t <= 132, t == 143, t == 151, t == 152:
			return true
		}
	}
	return false
}
