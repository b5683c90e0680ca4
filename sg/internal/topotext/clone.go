package topotext

import (
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// Clone returns a copy that shares nothing with t. It makes an empty topology of nil.
func Clone(t *sg.Topology) *sg.Topology {
	if t == nil {
		t = &sg.Topology{}
	}
	c := &sg.Topology{
		Groups:      slices.Clone(t.Groups),
		PrefixLists: slices.Clone(t.PrefixLists),
		ENIs:        slices.Clone(t.ENIs),
		VPCs:        slices.Clone(t.VPCs),
		Peerings:    slices.Clone(t.Peerings),

		TransitGateways: slices.Clone(t.TransitGateways),
		NetworkACLs:     slices.Clone(t.NetworkACLs),
	}
	for i := range c.NetworkACLs {
		a := &c.NetworkACLs[i]
		a.Subnets, a.Ingress, a.Egress = slices.Clone(a.Subnets), slices.Clone(a.Ingress), slices.Clone(a.Egress)
	}
	for i := range c.TransitGateways {
		c.TransitGateways[i].Attachments = slices.Clone(c.TransitGateways[i].Attachments)
	}
	for i := range c.Groups {
		g := &c.Groups[i]
		g.Ingress, g.Egress = slices.Clone(g.Ingress), slices.Clone(g.Egress)
		g.Associations = slices.Clone(g.Associations)
	}
	for i := range c.PrefixLists {
		c.PrefixLists[i].Entries = slices.Clone(c.PrefixLists[i].Entries)
	}
	for i := range c.ENIs {
		e := &c.ENIs[i]
		e.Addrs, e.Prefixes, e.Public = slices.Clone(e.Addrs), slices.Clone(e.Prefixes), slices.Clone(e.Public)
		e.Groups = slices.Clone(e.Groups)
	}
	for i := range c.VPCs {
		v := &c.VPCs[i]
		v.CIDRs, v.Subnets = slices.Clone(v.CIDRs), slices.Clone(v.Subnets)
		for j := range v.Subnets {
			v.Subnets[j].CIDRs = slices.Clone(v.Subnets[j].CIDRs)
		}
	}
	return c
}
