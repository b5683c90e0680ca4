package sg

import "fmt"

// A scope knows which group a rule of another group can reach: one of the same
// VPC, of a VPC behind an active peering, or one that is associated with the
// rule's VPC (REF-08, REF-18, REF-19).
type scope struct {
	groups     map[GroupID]*Group
	active     map[[2]VPCID]bool // both orders
	defaultVPC map[VPCID]bool
}

func newScope(t *Topology) scope {
	s := scope{map[GroupID]*Group{}, map[[2]VPCID]bool{}, map[VPCID]bool{}}
	for i := range t.Groups {
		if g := &t.Groups[i]; s.groups[g.ID] == nil {
			s.groups[g.ID] = g
		}
	}
	for _, p := range t.Peerings {
		if p.Status == "" || p.Status == "active" {
			s.active[[2]VPCID{p.Requester, p.Accepter}] = true
			s.active[[2]VPCID{p.Accepter, p.Requester}] = true
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
	case g.VPC == "" || o.VPC == "" || s.in(o, g.VPC) || s.in(g, o.VPC):
		return ""
	case s.active[[2]VPCID{g.VPC, o.VPC}]:
		return ""
	}
	for _, v := range g.Associations {
		if s.in(o, v) {
			return ""
		}
	}
	return fmt.Sprintf("%s is in %s, which no active peering connects to %s", o.ID, o.VPC, g.VPC)
}
