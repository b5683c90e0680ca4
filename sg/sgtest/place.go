package sgtest

import (
	"cmp"
	"net/netip"

	"github.com/sgsim/sgsim/sg"
)

// A place is a port at an address. Where interfaces of several VPCs have the address, each
// of these VPCs has a place of its own.
type place struct {
	netip.AddrPort
	vpc sg.VPCID // "" where one VPC at most has the address, or it is not said which
}

// with returns the place of another port.
func (p place) with(port uint16) place {
	return place{netip.AddrPortFrom(p.Addr(), port), p.vpc}
}

// A pair names one end of a connection: its own place, then the other's.
type pair [2]place

func (p pair) reversed() pair { return pair{p[1], p[0]} }

// via says in which VPC the packets between two places are.
func (p pair) via() sg.Via {
	a, b := p[0].vpc, p[1].vpc
	if a != b && a != "" && b != "" {
		return sg.Via{} // nothing leads from one to the other
	}
	return sg.Via{VPC: cmp.Or(a, b)}
}

// place returns the place of an address for a packet in a VPC.
func (n *Network) place(a netip.AddrPort, vpc sg.VPCID) place {
	if !n.isShared(a.Addr()) {
		vpc = ""
	}
	return place{a, vpc}
}

// isShared reports whether interfaces of several VPCs have an address.
func (n *Network) isShared(a netip.Addr) bool {
	is, known := n.shared[a]
	if !known {
		var first *sg.ENI
		for i := range n.topo.ENIs {
			if e := &n.topo.ENIs[i]; owns(e, a) {
				is = is || first != nil && first.VPC != e.VPC
				first = e
			}
		}
		n.shared[a] = is
	}
	return is
}
