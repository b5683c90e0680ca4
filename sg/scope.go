package sg

import "fmt"

// A scope knows which group a rule of another group can reach: one of the same
// VPC, of a VPC behind an active peering, or one that is associated with the
// rule's VPC (REF-08, REF-18, REF-19).
type scope struct {
	groups     map[GroupID]*Group
	active     map[[2]VPCID]bool // both orders; true: within a Region (REF-10)
	peerings   map[PeeringID]bool
	defaultVPC map[VPCID]bool
}

func newScope(t *Topology) scope {
	s := scope{map[GroupID]*Group{}, map[[2]VPCID]bool{}, map[PeeringID]bool{}, map[VPCID]bool{}}
	for i := range t.Groups {
		if g := &t.Groups[i]; s.groups[g.ID] == nil {
			s.groups[g.ID] = g
		}
	}
	for _, p := range t.Peerings {
		if p.active() {
			s.peerings[p.ID] = p.sameRegion()
			reaches := p.sameRegion() || s.active[[2]VPCID{p.Requester, p.Accepter}]
			s.active[[2]VPCID{p.Requester, p.Accepter}] = reaches
			s.active[[2]VPCID{p.Accepter, p.Requester}] = reaches
		}
	}
	for _, v := range t.VPCs {
		if v.Default {
			s.defaultVPC[v.ID] = true
		}
	}
	return s
}

// in reports whether ENIs of the VPC may carry g.
func (s scope) in(g *Group, v VPCID) bool {
	if g.VPC == v {
		return true
	}
	for _, a := range g.Associations {
		if a == v {
			return true
		}
	}
	return false
}

// unreachable says why a rule of group g that names another group matches
// nothing, and "" if it may match.
func (s scope) unreachable(g *Group, p Peer) string {
	o := s.groups[p.Group]
	switch {
	case o == nil:
		return fmt.Sprintf("%s is not in the topology", p.Group)
	case p.Account != "" && o.Account != "" && p.Account != o.Account:
		return fmt.Sprintf("%s belongs to account %s, not %s", o.ID, o.Account, p.Account)
	}
	shared, peered, far := g.VPC == "" || o.VPC == "", false, false
	for _, a := range g.vpcs() {
		shared = shared || s.in(o, a)
		for _, b := range o.vpcs() {
			within, active := s.active[[2]VPCID{a, b}]
			peered, far = peered || within, far || active && !within
		}
	}
	switch {
	case far && !peered && (!shared || p.Peering != "" && !s.peerings[p.Peering]):
		return fmt.Sprintf("%s is in %s, in another Region than %s (REF-10)", o.ID, o.VPC, g.VPC)
	case p.Peering != "" && !s.peerings[p.Peering] && !peered: // REF-13, REF-14
		return fmt.Sprintf("peering %s is not active", p.Peering)
	case !shared && !peered:
		return fmt.Sprintf("%s is in %s, which no active peering connects to %s", o.ID, o.VPC, g.VPC)
	}
	return ""
}

// vpcs returns the VPCs whose ENIs may carry g.
func (g *Group) vpcs() []VPCID { return append([]VPCID{g.VPC}, g.Associations...) }
