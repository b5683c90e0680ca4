package naive

import (
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// ends returns the interfaces at both ends of a packet. Where an address has several
// owners, they are the only pair within a VPC, else the only pair that a peering
// connects, else nobody is at that end.
func (f *Firewall) ends(h *packet.Header, vpc sg.VPCID) (src, dst *sg.ENI) {
	srcs, dsts := inVPC(f.owners(h.SrcAddr()), vpc), inVPC(f.owners(h.DstAddr()), vpc)
	if len(srcs) == 1 {
		src = srcs[0]
	}
	if len(dsts) == 1 {
		dst = dsts[0]
	}
	if len(srcs) <= 1 && len(dsts) <= 1 {
		return src, dst
	}
	var within, between [][2]*sg.ENI
	for _, s := range srcs {
		for _, d := range dsts {
			if s.VPC == d.VPC {
				within = append(within, [2]*sg.ENI{s, d})
			} else if f.peered(s.VPC, d.VPC, none) {
				between = append(between, [2]*sg.ENI{s, d})
			}
		}
	}
	switch {
	case len(within) == 1:
		return within[0][0], within[0][1]
	case len(within) == 0 && len(between) == 1:
		return between[0][0], between[0][1]
	}
	return src, dst
}

// inVPC returns those of the interfaces that are in the VPC, or all if none is.
func inVPC(all []*sg.ENI, vpc sg.VPCID) (in []*sg.ENI) {
	for _, e := range all {
		if vpc != "" && e.VPC == vpc {
			in = append(in, e)
		}
	}
	if len(in) == 0 {
		return all
	}
	return in
}

func (f *Firewall) owners(a netip.Addr) (es []*sg.ENI) {
	for i := range f.topo.ENIs {
		if e := &f.topo.ENIs[i]; owns(e, a) {
			es = append(es, e)
		}
	}
	return es
}
