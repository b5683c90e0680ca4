package naive

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// covers reports whether protocol and ports, or type and code, fit (SG-20 to
// SG-31). Of a later fragment ports and type are not known, nor where the capture cut
// them off, so that only a rule for all of them fits (CTS-43).
func covers(r *sg.Rule, h *packet.Header) bool {
	switch r.Protocol {
	case sg.AllProtocols:
		return true
	case sg.TCP, sg.UDP:
		if sg.Protocol(h.Protocol) != r.Protocol {
			return false
		}
		if h.LaterFragment() || h.Missing&packet.MissingPorts != 0 {
			return r.Ports.First() == 0 && r.Ports.Last() == 65535
		}
		return int(h.DstPort) >= r.Ports.First() && int(h.DstPort) <= r.Ports.Last()
	case sg.ICMP, sg.ICMPv6:
		if sg.Protocol(h.Protocol) != r.Protocol || r.Protocol == sg.ICMP && h.Family == packet.IPv6 { // SG-41
			return false
		}
		typ, code := -1, -1 // SG-29
		if r.ICMP.IsSet() {
			typ, code = r.ICMP.Type(), r.ICMP.Code()
		}
		if h.LaterFragment() || h.Missing&packet.MissingICMP != 0 {
			return typ == -1 && code == -1
		}
		return (typ == -1 || typ == int(h.ICMPType)) && (code == -1 || code == int(h.ICMPCode))
	}
	return sg.ProtocolNumber(uint8(h.Protocol)) == r.Protocol
}

// peerHas reports whether the packet's other end is in the peer of a rule of g.
func (f *Firewall) peerHas(e *sg.ENI, g *sg.Group, r *sg.Rule, dir sg.Direction, via sg.Via, h *packet.Header) bool {
	remote := h.SrcAddr()
	if dir == sg.Egress {
		remote = h.DstAddr()
	}
	switch {
	case r.Peer.CIDR.IsValid():
		return r.Peer.CIDR.Contains(remote)
	case r.Peer.PrefixList != "":
		for _, l := range f.topo.PrefixLists {
			if l.ID != r.Peer.PrefixList {
				continue
			}
			for _, entry := range l.Entries {
				if entry.CIDR.Contains(remote) {
					return true
				}
			}
		}
		return false
	case via.Appliance: // REF-12
		return false
	case r.Peer.Self:
		return f.isMember(e, g, remote)
	}
	for i := range f.topo.Groups {
		named := &f.topo.Groups[i]
		if named.ID == r.Peer.Group {
			return !f.stale(g, named, &r.Peer) && f.isMember(e, named, remote)
		}
	}
	return false // REF-15
}

// stale reports whether account or peering of a reference are not those of the
// group it names (REF-09, REF-13, REF-14).
func (f *Firewall) stale(g, named *sg.Group, p *sg.Peer) bool {
	if p.Account != "" && named.Account != "" && p.Account != named.Account {
		return true
	}
	if p.Peering == "" {
		return false
	}
	for _, pcx := range f.topo.Peerings {
		if pcx.ID == p.Peering && active(&pcx) && !crossesRegions(&pcx) {
			return false
		}
	}
	for _, a := range vpcsOf(g) {
		for _, b := range vpcsOf(named) {
			if f.peered(a, b, crossesRegions) {
				return false
			}
		}
	}
	return true
}

// isMember reports whether the address is a private one of an ENI that carries the
// group and that rules at e can reach (REF-01 to REF-04, REF-08, REF-19).
func (f *Firewall) isMember(e *sg.ENI, g *sg.Group, a netip.Addr) bool {
	for i := range f.topo.ENIs {
		o := &f.topo.ENIs[i]
		if !slices.Contains(o.Groups, g.ID) || !owns(o, a) {
			continue
		}
		if e.VPC == "" || o.VPC == "" || g.VPC == "" || e.VPC == o.VPC || f.peered(e.VPC, o.VPC, crossesRegions) {
			return true
		}
		if vpcs := vpcsOf(g); slices.Contains(vpcs, e.VPC) && slices.Contains(vpcs, o.VPC) {
			return true
		}
	}
	return false
}

func owns(e *sg.ENI, a netip.Addr) bool {
	return slices.Contains(e.Addrs, a) || slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

func vpcsOf(g *sg.Group) []sg.VPCID {
	if g.VPC == "" {
		return nil
	}
	return append([]sg.VPCID{g.VPC}, g.Associations...)
}

// peered reports whether an active peering connects two VPCs, save those left out.
func (f *Firewall) peered(a, b sg.VPCID, without func(*sg.Peering) bool) bool {
	for _, p := range f.topo.Peerings {
		if active(&p) && !without(&p) && (p.Requester == a && p.Accepter == b || p.Requester == b && p.Accepter == a) {
			return true
		}
	}
	return false
}

// crossesRegions reports whether rules reach no group through a peering (REF-10).
func crossesRegions(p *sg.Peering) bool {
	return p.RequesterRegion != "" && p.AccepterRegion != "" && p.RequesterRegion != p.AccepterRegion
}

func none(*sg.Peering) bool { return false }

func active(p *sg.Peering) bool { return p.Status == "" || p.Status == "active" }
