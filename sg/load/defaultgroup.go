package load

import (
	"cmp"
	"slices"
	"sync"

	"github.com/sgsim/sgsim/sg"
)

// The default group of a VPC is the one of an interface that is made without any
// (DEF-04). A plan does not name it there, and may speak of it as
// aws_vpc.main.default_security_group_id.

const (
	defaultName  = "default"
	defaultGroup = "default_security_group_id" // attribute of a VPC
)

// holdsDefault reports whether a reference to a resource leads to the default group of
// a VPC.
func (w *target) holdsDefault(kind, attr string) bool {
	return (w == wantGroup || w == wantNamed) && slices.Contains(wantVPC.kinds, kind) && attr == defaultGroup
}

// defaultGroup returns the id of a VPC's default group, or what stands for it.
func (r *tfResource) defaultGroup() string {
	if id := r.values.field(defaultGroup).text(); id != "" {
		return id
	}
	d := r.module.doc
	if d.defaultOf == nil {
		d.defaultOf = make(map[*tfResource]*tfResource)
		for x := range d.root.all {
			if x.kind == "aws_default_security_group" {
				for _, vpc := range x.refersTo("vpc_id", "", wantVPC).resources {
					d.defaultOf[vpc] = x
				}
			}
		}
	}
	if x := d.defaultOf[r]; x != nil {
		return x.id()
	}
	return r.id() + "." + defaultGroup
}

// adopted returns the id of the default group that a new resource is to manage (DEF-07),
// "" if no input tells it.
func (r *tfResource) adopted() string {
	d, vpc := r.module.doc, r.values.field("vpc_id").text()
	if r.kind != "aws_default_security_group" || r.mode != "managed" || !r.isNew() || vpc == "" {
		return ""
	}
	if d.defaults == nil {
		d.defaults = make(map[string]string)
		for x := range d.root.all {
			if slices.Contains(wantVPC.kinds, x.kind) {
				d.defaults[x.values.field("id").text()] = x.values.field(defaultGroup).text()
			}
		}
	}
	return cmp.Or(d.defaults[vpc], d.b.defaults[vpc])
}

// giveDefaults gives interfaces that are made without groups the default one of their
// VPC.
func (b *builder) giveDefaults() {
	of := make(map[sg.VPCID]sg.GroupID)
	for _, g := range b.groups.all {
		if g.standard || g.Name == defaultName {
			of[g.VPC] = g.ID
		}
	}
	var standard sg.VPCID // the default VPC
	for _, v := range b.vpcs.all {
		if v.Default {
			standard = v.ID
		}
	}
	for _, e := range b.enis.all {
		if !e.byDefault {
			continue
		}
		vpc := cmp.Or(e.VPC, standard) // of one without a subnet
		id, known := of[vpc]
		switch v := b.vpcs.of[vpc]; {
		case known && vpc != "":
			e.addGroups(id)
		case v != nil && v.fresh:
			e.addGroups(sg.GroupID(v.ID) + "." + defaultGroup)
		default:
			e.unresolved = defaultName
			if vpc != "" {
				e.unresolved += " of " + string(vpc)
			}
			e.at.warn("", "is made without groups and so carries the default one of its VPC, which no input holds: what it admits is unknown; add describe-security-groups")
		}
	}
}

// makeDefaults makes the default groups of VPCs that a plan makes, with the rules that
// AWS gives them (DEF-02), where an interface or a rule has to do with them.
func (b *builder) makeDefaults() {
	used := sync.OnceValue(b.usedGroups)
	for _, v := range b.vpcs.all {
		id := sg.GroupID(v.ID) + "." + defaultGroup
		if !v.fresh || b.groups.of[id] != nil || !used()[id] {
			continue
		}
		g := b.group(sg.Group{ID: id, Name: defaultName, VPC: v.ID, Account: v.Account}, v.at)
		g.whole = true
		b.addRule(g, sg.Ingress, sg.AllTraffic.From(sg.Self), v.at, v.at, false)
		b.addRule(g, sg.Egress, sg.AllTraffic.To(sg.AnyIPv4), v.at, v.at, false)
		if v.dualStack || slices.ContainsFunc(v.CIDRs, isIPv6) {
			b.addRule(g, sg.Egress, sg.AllTraffic.To(sg.AnyIPv6), v.at, v.at, false)
		}
	}
}

// usedGroups returns the groups that interfaces carry or rules name.
func (b *builder) usedGroups() map[sg.GroupID]bool {
	used := make(map[sg.GroupID]bool)
	for _, e := range b.enis.all {
		for _, id := range e.Groups {
			used[id] = true
		}
	}
	for _, g := range b.groups.all {
		for dir := sg.Ingress; dir <= sg.Egress; dir++ {
			rules, _ := g.side(dir)
			for i := range *rules {
				used[(*rules)[i].Peer.Group] = true
			}
		}
	}
	return used
}
