package sgtest

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// A pruner reduces topologies to what decides about packets between some
// addresses, so that a failure in a large network prints a small scenario.
type pruner struct {
	addrs  map[netip.Addr]bool
	carry  map[sg.GroupID]bool      // carried by an ENI with one of the addresses: its rules matter
	named  map[sg.GroupID]bool      // named by a rule of such a group: only its name matters
	lists  map[sg.PrefixListID]bool // the same
	vpcs   map[sg.VPCID]bool        // of such an ENI
	remote map[sg.VPCID]bool        // at the other end of a peering
}

func newPruner() *pruner {
	return &pruner{map[netip.Addr]bool{}, map[sg.GroupID]bool{}, map[sg.GroupID]bool{},
		map[sg.PrefixListID]bool{}, map[sg.VPCID]bool{}, map[sg.VPCID]bool{}}
}

func (p *pruner) has(e *sg.ENI) bool {
	for a := range p.addrs {
		if owns(e, a) {
			return true
		}
	}
	return false
}

// note collects what matters in one topology. Call it for every topology before
// pruning the first, since what matters in one has to be in all.
func (p *pruner) note(t *sg.Topology) {
	for i := range t.ENIs {
		if e := &t.ENIs[i]; p.has(e) {
			for _, g := range e.Groups {
				p.carry[g] = true
			}
			p.vpcs[e.VPC] = true
		}
	}
	for i := range t.Groups {
		g := &t.Groups[i]
		if !p.carry[g.ID] {
			continue
		}
		p.vpcs[g.VPC] = true
		for _, v := range g.Associations {
			p.vpcs[v] = true
		}
		for _, rules := range [][]sg.Rule{g.Ingress, g.Egress} {
			for _, r := range rules {
				p.named[r.Peer.Group] = true
				p.lists[r.Peer.PrefixList] = true
			}
		}
	}
}

// prune returns a copy of t with what matters.
func (p *pruner) prune(t *sg.Topology) *sg.Topology {
	c := topotext.Clone(t)
	c.ENIs = slices.DeleteFunc(c.ENIs, func(e sg.ENI) bool { return !p.has(&e) })
	c.Groups = slices.DeleteFunc(c.Groups, func(g sg.Group) bool { return !p.carry[g.ID] && !p.named[g.ID] })
	for i := range c.Groups {
		if g := &c.Groups[i]; !p.carry[g.ID] {
			g.Ingress, g.Egress = nil, nil
			p.vpcs[g.VPC] = true
		}
	}
	c.PrefixLists = slices.DeleteFunc(c.PrefixLists, func(l sg.PrefixList) bool { return !p.lists[l.ID] })
	c.Peerings = slices.DeleteFunc(c.Peerings, func(x sg.Peering) bool {
		return !p.vpcs[x.Requester] && !p.vpcs[x.Accepter]
	})
	for _, x := range c.Peerings {
		p.remote[x.Requester], p.remote[x.Accepter] = true, true
	}
	c.VPCs = slices.DeleteFunc(c.VPCs, func(v sg.VPC) bool { return !p.vpcs[v.ID] && !p.remote[v.ID] && !p.within(v) })
	return c
}

// within reports whether a subnet of the VPC, whose network ACL may judge, has one of the
// addresses.
func (p *pruner) within(v sg.VPC) bool {
	for _, s := range v.Subnets {
		for a := range p.addrs {
			if slices.ContainsFunc(s.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) }) {
				return true
			}
		}
	}
	return false
}
