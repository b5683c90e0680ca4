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

// An answer is to the question whether the packet's other end is in a rule's peer.
type answer int

const (
	no answer = iota
	yes
	maybeMember // of a group, if its VPC is connected, which the topology does not tell (REF-08, REF-11)
	maybeEntry  // of a prefix list of which entries are not known
)

// peerHas says whether the packet's other end is in the peer of a rule of g.
func (f *Firewall) peerHas(e *sg.ENI, g *sg.Group, r *sg.Rule, dir sg.Direction, via sg.Via, h *packet.Header) answer {
	remote := h.SrcAddr()
	if dir == sg.Egress {
		remote = h.DstAddr()
	}
	switch {
	case r.Peer.CIDR.IsValid():
		if r.Peer.CIDR.Contains(remote) {
			return yes
		}
		return no
	case r.Peer.PrefixList != "":
		return f.inList(r.Peer.PrefixList, remote, h.Family)
	case r.Peer.Self:
		return f.isMember(e, g, dir, via, remote)
	}
	for i := range f.topo.Groups {
		named := &f.topo.Groups[i]
		if named.ID == r.Peer.Group {
			if f.stale(g, named, &r.Peer) {
				return no
			}
			return f.isMember(e, named, dir, via, remote)
		}
	}
	if named := f.stranger(r.Peer.Group); named != nil && !f.stale(g, named, &r.Peer) {
		return f.isMember(e, named, dir, via, remote)
	}
	return no // REF-15
}

// stranger returns a group that interfaces carry and the topology lacks: it is used in
// their VPCs. Where one of these is not said, none is.
func (f *Firewall) stranger(id sg.GroupID) *sg.Group {
	var g *sg.Group
	said := true
	for i := range f.topo.ENIs {
		e := &f.topo.ENIs[i]
		if !slices.Contains(e.Groups, id) {
			continue
		}
		if g == nil {
			g = &sg.Group{ID: id, VPC: e.VPC}
		} else {
			g.Associations = append(g.Associations, e.VPC)
		}
		said = said && e.VPC != ""
	}
	if g != nil && !said {
		g.VPC = ""
	}
	return g
}

func (f *Firewall) inList(id sg.PrefixListID, a netip.Addr, fam packet.Family) answer {
	for _, l := range f.topo.PrefixLists {
		if l.ID != id {
			continue
		}
		family := l.Family
		for _, entry := range l.Entries {
			if entry.CIDR.Contains(a) {
				return yes
			}
			if family = packet.IPv6; entry.CIDR.Addr().Is4() {
				family = packet.IPv4
			}
		}
		if l.Incomplete && (family == 0 || family == fam) {
			return maybeEntry
		}
		return no
	}
	return maybeEntry
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

// isMember says whether the address is a private one of an ENI that carries the group
// and that rules at e can reach (REF-01 to REF-04, REF-08, REF-19), or one of the
// interface that the packet came through.
func (f *Firewall) isMember(e *sg.ENI, g *sg.Group, dir sg.Direction, via sg.Via, a netip.Addr) answer {
	if through := f.eni(via.Through); through != nil && dir == sg.Ingress && slices.Contains(through.Groups, g.ID) {
		return yes
	}
	if via.Appliance { // REF-12
		return no
	}
	best := no
	for _, o := range inVPC(f.owners(a), via.VPC) {
		if !slices.Contains(o.Groups, g.ID) {
			continue
		}
		if e.VPC == "" || o.VPC == "" || g.VPC == "" || e.VPC == o.VPC || f.peered(e.VPC, o.VPC, crossesRegions) {
			return yes
		}
		vpcs := vpcsOf(g)
		if slices.Contains(vpcs, e.VPC) && slices.Contains(vpcs, o.VPC) {
			return yes
		}
		if !slices.Contains(vpcs, o.VPC) {
			continue
		}
		if dir == sg.Egress {
			if len(f.topo.Peerings)+len(f.topo.TransitGateways) == 0 {
				best = maybeMember
			}
			continue
		}
		switch f.across(e.VPC, o.VPC) {
		case yes:
			return yes
		case maybeMember:
			best = maybeMember
		}
	}
	return best
}

// across says whether ingress rules in one VPC may name groups of another through a
// transit gateway (REF-11).
func (f *Firewall) across(a, b sg.VPCID) answer {
	if len(f.topo.TransitGateways) == 0 {
		for _, p := range f.topo.Peerings {
			if p.Requester == a && p.Accepter == b || p.Requester == b && p.Accepter == a {
				return no
			}
		}
		return maybeMember
	}
	best := no
	for _, gateway := range f.topo.TransitGateways {
		for _, x := range gateway.Attachments {
			for _, y := range gateway.Attachments {
				options := []string{gateway.Referencing, x.Referencing, y.Referencing}
				switch {
				case x.VPC != a || y.VPC != b || slices.Contains(options, "disable"):
				case slices.Contains(options, ""):
					if best == no {
						best = maybeMember
					}
				default:
					return yes
				}
			}
		}
	}
	return best
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
