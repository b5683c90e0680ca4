package load

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/assign"
)

// topology makes the topology from everything collected, and warns about what is
// missing.
func (b *builder) topology() *sg.Topology {
	t := &sg.Topology{Groups: slices.Grow([]sg.Group(nil), len(b.groups.all)), ENIs: slices.Grow([]sg.ENI(nil), len(b.enis.all))}
	for _, g := range b.groups.all {
		if g.Incomplete = !g.whole || g.lacking; !g.whole {
			g.at.warn("", "only these rules of %s are known: add describe-security-groups", g.ID)
		}
		b.compareListings(g)
		b.warnOverruled(g)
		for dir := sg.Ingress; dir <= sg.Egress; dir++ {
			rules, info := g.side(dir)
			for i := range *rules {
				b.checkList((*rules)[i].Peer.PrefixList, (*info)[i].at)
			}
		}
		t.Groups = append(t.Groups, g.Group)
	}
	for i, dir := range [...]sg.Direction{sg.Ingress, sg.Egress} {
		if b.listed != nil && !b.listedDirs[i] {
			b.listed.warn("", "holds no %v rule of any group: if it was printed with --filters, give all of it", dir)
		}
	}
	for _, l := range b.lists.all {
		l.Incomplete = !l.complete || l.lacking
		for _, e := range l.entries.all {
			l.Entries = append(l.Entries, e.value)
		}
		t.PrefixLists = append(t.PrefixLists, l.PrefixList)
	}
	var undecided []*eni
	for _, e := range b.enis.all {
		if e.undecided && assign.Pending(e.ENI) {
			undecided = append(undecided, e)
		}
		b.typeDefaults(&e.ENI)
		t.ENIs = append(t.ENIs, e.ENI)
	}
	if n := len(undecided); n > 0 {
		e, more := undecided[0], ""
		if n > 1 {
			more = fmt.Sprintf(" and %d more", n-1)
		}
		e.at.warn("", "AWS chooses the addresses of %s%s when the plan is applied: until then packets belong there only if they name the interface, unless addresses are given by hand, id=%s,addr=...", e.ID, more, e.ID)
	}
	b.checkVPCs()
	for _, v := range b.vpcs.all {
		for _, s := range v.subnets.all {
			v.Subnets = append(v.Subnets, s.Subnet)
		}
		t.VPCs = append(t.VPCs, v.VPC)
	}
	t.NetworkACLs = b.finishACLs()
	for _, p := range b.peerings.all {
		t.Peerings = append(t.Peerings, p.Peering)
	}
	if b.attached { // without attachments, gateways connect nothing
		b.attachUnlisted()
		for _, g := range b.gateways.all {
			for _, a := range g.attachments.all {
				g.Attachments = append(g.Attachments, a.value)
			}
			t.TransitGateways = append(t.TransitGateways, g.TransitGateway)
		}
	}
	return t
}

// placeENIs finds the VPC of interfaces without one: that of their subnet, or
// else of their groups.
func (b *builder) placeENIs() {
	ofSubnet := make(map[sg.SubnetID]sg.VPCID)
	for _, v := range b.vpcs.all {
		for _, s := range v.subnets.all {
			ofSubnet[s.ID] = v.ID
		}
	}
	for _, e := range b.enis.all {
		setDefault(&e.VPC, ofSubnet[e.Subnet])
	}
	b.giveDefaults()
	b.makeDefaults()
	for _, e := range b.enis.all {
		for _, name := range e.named {
			e.addGroups(b.groupNamed(sg.GroupID(name)))
		}
		if e.unresolved != "" { // a group of which nothing is known, so that what others do not admit is unknown
			g := b.group(sg.Group{ID: sg.GroupID(e.unresolved)}, e.at)
			g.whole, g.lacking = true, true
			e.addGroups(g.ID)
		}
		for _, id := range e.Groups {
			if g := b.groups.of[id]; g != nil {
				setDefault(&e.VPC, g.VPC)
				b.inferAssociation(g, e)
			}
		}
	}
}

// inferAssociation associates a group with the VPC of an interface that exists and
// carries it, unless some input lists the associations: AWS lets an interface carry a
// group of another VPC for no other reason (REF-18).
func (b *builder) inferAssociation(g *group, e *eni) {
	if b.associated || e.listed == nil && !e.exists || g.VPC == "" || g.VPC == e.VPC || g.Name == "default" ||
		slices.Contains(g.Associations, e.VPC) || b.removes(g.ID, e.VPC) {
		return
	}
	g.associate(e.VPC)
	e.at.warn("", "%s carries %s of %s, which must then be associated with %s: add describe-security-group-vpc-associations", e.ID, g.ID, g.VPC, e.VPC)
}

// checkVPCs warns about VPCs whose address ranges no input has. Without them the
// resolver, at the base address plus two, is a host like any other, and queries to
// it are dropped that AWS lets pass. Interfaces given by hand need no warning.
func (b *builder) checkVPCs() {
	warned := make(map[sg.VPCID]bool)
	for _, e := range b.enis.all {
		v := b.vpcs.of[e.VPC]
		if e.VPC == "" || e.at.n == 0 || warned[e.VPC] || v != nil && len(v.CIDRs) > 0 {
			continue
		}
		warned[e.VPC] = true
		e.at.warn("", "no input has the addresses of %s, so DNS to its resolver needs a rule here, which it does not on AWS: add describe-vpcs", e.VPC)
	}
}

// compareListings refuses a group if an input has all its rules and yet another
// rule turned up: rules changed between two commands, or a file has the group
// twice.
func (b *builder) compareListings(g *group) {
	listings := g.listings[:min(len(g.listings), 64)]
	for _, info := range g.info {
		for i := range info {
			lacks := bits.TrailingZeros64(^info[i].in)
			if lacks < len(listings) && !info[i].planned {
				info[i].at.fail("", "%s has this rule here, but not at %s: were they printed at different times: %s",
					g.ID, listings[lacks].place(), giveNewer)
			}
		}
	}
}

// checkList warns about the first rule that names a list whose entries no input has.
func (b *builder) checkList(id sg.PrefixListID, at *cursor) {
	if id == "" {
		return
	}
	l := b.list(sg.PrefixList{ID: id}, at)
	if l.complete || l.warned {
		return
	}
	l.warned = true // one warning is enough
	at.warn(codePrefixList, "no input has all entries of %s, so packets that no other rule admits are unknown: add -topology %s=FILE, printed by get-managed-prefix-list-entries",
		id, id)
}

// missingGroups reports groups that interfaces carry and no input holds. AWS knows them,
// so they are only worth a warning; a missing group that the caller gave by hand is an
// error.
func (b *builder) missingGroups(given []givenENI) {
	if b.unread { // it may be in an input that could not be read
		return
	}
	byHand := map[sg.ENIID]bool{}
	for i := range given {
		byHand[given[i].ID] = true
		for _, id := range given[i].Groups {
			if b.groups.of[b.groupNamed(id)] == nil {
				b.add(&Error{Place{File: given[i].name}, codeGroupNotFound, fmt.Errorf("%q: no such group", id)})
			}
		}
	}
	for _, e := range b.enis.all {
		at := e.at
		if e.listed != nil {
			at = e.listed
		}
		for _, id := range e.Groups {
			if b.groups.of[id] == nil && !byHand[e.ID] {
				at.warn(codeGroupNotFound, "%s carries %s, which no input holds: what its other groups do not admit is unknown there", e.ID, id)
			}
		}
	}
}
