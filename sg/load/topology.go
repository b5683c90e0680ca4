package load

import (
	"github.com/sgsim/sgsim/sg"
)

// topology makes the topology of all that was gathered, and warns of what is
// missing in it.
func (b *builder) topology() *sg.Topology {
	t := &sg.Topology{}
	for _, g := range b.groups {
		if !g.whole {
			b.warn(g.place, "", "%s is a group of which only these rules are known: add describe-security-groups", g.ID)
		}
		b.compareListings(g)
		for i, rules := range g.rules {
			out := make([]sg.Rule, len(rules))
			for j := range rules {
				out[j] = rules[j].Rule
				b.checkList(&rules[j])
			}
			if len(out) == 0 {
				out = nil
			}
			if i == 0 {
				g.Ingress = out
			} else {
				g.Egress = out
			}
		}
		t.Groups = append(t.Groups, g.Group)
	}
	for _, l := range b.lists {
		t.PrefixLists = append(t.PrefixLists, l.PrefixList)
	}
	b.placeENIs()
	for _, e := range b.enis {
		if e.undecided && len(e.Addrs) == 0 && len(e.Prefixes) == 0 {
			b.warn(e.place, "", "AWS chooses the addresses of %s when the plan is applied: until then no packet is its own, unless they are given by hand, id=%s,addr=...", e.ID, e.ID)
		}
		t.ENIs = append(t.ENIs, e.ENI)
	}
	b.checkVPCs()
	for _, v := range b.vpcs {
		t.VPCs = append(t.VPCs, v.VPC)
	}
	for _, p := range b.peerings {
		t.Peerings = append(t.Peerings, p.Peering)
	}
	return t
}

// placeENIs finds the VPC of interfaces for which nothing said it: that of their
// subnet, or else of their groups.
func (b *builder) placeENIs() {
	ofSubnet := make(map[sg.SubnetID]sg.VPCID)
	for _, v := range b.vpcs {
		for _, s := range v.Subnets {
			ofSubnet[s.ID] = v.ID
		}
	}
	for _, e := range b.enis {
		setDefault(&e.VPC, ofSubnet[e.Subnet])
		for _, id := range e.Groups {
			if g := b.groupOf[id]; g != nil {
				setDefault(&e.VPC, g.VPC)
			}
		}
	}
}

// checkVPCs warns of VPCs whose address ranges nothing told: without them the
// resolver at the second address is a host like any other, and questions to it are
// dropped that AWS lets pass. Interfaces given by hand ask for nothing.
func (b *builder) checkVPCs() {
	warned := make(map[sg.VPCID]bool)
	for _, e := range b.enis {
		v := b.vpcOf[e.VPC]
		if e.VPC == "" || e.place.Line == 0 || warned[e.VPC] || v != nil && len(v.CIDRs) > 0 {
			continue
		}
		warned[e.VPC] = true
		b.warn(e.place, "", "no input tells the addresses of %s, so DNS to its resolver needs a rule here, which it does not on AWS: add describe-vpcs", e.VPC)
	}
}

// compareListings warns where a group's rules were told in full and yet a further
// rule turned up: rules were changed between two commands, or a group stands in one
// file twice, and the topology has the rules of both.
func (b *builder) compareListings(g *group) {
	for _, rules := range g.rules {
		for _, r := range rules {
			for _, l := range g.listings {
				if r.isIn(l) {
					continue
				}
				if l.src.name == r.place.File {
					b.warn(r.place, "", "%s has this rule here, but not at line %d of the same file: the rules of both places count",
						g.ID, l.place().Line)
				} else {
					b.warn(r.place, "", "%s has this rule here, but not at line %d of %s: were they printed at different times?",
						g.ID, l.place().Line, l.src.name)
				}
				break
			}
		}
	}
}

func (r *rule) isIn(listing *cursor) bool {
	for _, l := range r.listings {
		if l == listing {
			return true
		}
	}
	return false
}

// checkList warns of the first rule that names a list without known entries.
func (b *builder) checkList(r *rule) {
	id := r.Peer.PrefixList
	if id == "" {
		return
	}
	l := b.list(id, r.place)
	if l.entries || l.warned {
		return
	}
	l.warned = true // one warning is enough
	b.warn(r.place, codePrefixList, "no input tells the entries of %s, so this rule matches nothing: add -topology %s=FILE, printed by get-managed-prefix-list-entries",
		id, id)
}

// places remembers where everything in a topology came from.
type places struct {
	rules map[rulePlace]Place
	group map[sg.GroupID]Place
	list  map[sg.PrefixListID]*prefixList
	eni   map[sg.ENIID]Place
	vpc   map[sg.VPCID]Place
	peer  map[sg.PeeringID]Place
}

type rulePlace struct {
	group sg.GroupID
	dir   sg.Direction
	index int
}

func (b *builder) places(t *sg.Topology) places {
	p := places{
		rules: make(map[rulePlace]Place),
		group: make(map[sg.GroupID]Place, len(b.groups)),
		list:  make(map[sg.PrefixListID]*prefixList, len(b.lists)),
		eni:   make(map[sg.ENIID]Place, len(b.enis)),
		vpc:   make(map[sg.VPCID]Place, len(b.vpcs)),
		peer:  make(map[sg.PeeringID]Place, len(b.peerings)),
	}
	for _, g := range b.groups {
		p.group[g.ID] = g.place
		for i, rules := range g.rules {
			for j := range rules {
				p.rules[rulePlace{g.ID, sg.Ingress + sg.Direction(i), j}] = rules[j].place
			}
		}
	}
	for _, l := range b.lists {
		p.list[l.ID] = l
	}
	for _, e := range b.enis {
		p.eni[e.ID] = e.place
	}
	for _, v := range b.vpcs {
		p.vpc[v.ID] = v.place
	}
	for _, x := range b.peerings {
		p.peer[x.ID] = x.place
	}
	return p
}

// RulePlace returns where a rule of the last topology was read, by its index in
// Group.Ingress or Group.Egress, and the zero Place where there is no such rule.
func (l *Loader) RulePlace(g sg.GroupID, dir sg.Direction, index int) Place {
	return l.places.rules[rulePlace{g, dir, index}]
}

// GroupPlace returns where a group of the last topology was first read, and the
// zero Place for others.
func (l *Loader) GroupPlace(id sg.GroupID) Place { return l.places.group[id] }

// ENIPlace is GroupPlace for an interface.
func (l *Loader) ENIPlace(id sg.ENIID) Place { return l.places.eni[id] }

// EntriesTold reports whether any input told the entries of a prefix list of the
// last topology, be it that there are none. Rules that name a list of which none
// did match nothing, and the first of them has a warning.
func (l *Loader) EntriesTold(id sg.PrefixListID) bool {
	p := l.places.list[id]
	return p != nil && p.entries
}
