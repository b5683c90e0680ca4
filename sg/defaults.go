package sg

// NewGroup returns a group as AWS creates it: without ingress rules, and with
// egress rules for all traffic to every IPv4 address and, where the VPC has an
// IPv6 block, to every IPv6 address (SG-08). A nil VPC has none.
//
// CloudFormation leaves these rules out where a template lists its own, and
// Terraform always does (SG-09).
func NewGroup(id GroupID, v *VPC) Group {
	g := Group{ID: id, Egress: []Rule{AllTraffic.To(AnyIPv4)}}
	if v == nil {
		return g
	}
	g.VPC = v.ID
	for _, c := range v.CIDRs {
		if c.IsValid() && !c.Addr().Is4() {
			g.Egress = append(g.Egress, AllTraffic.To(AnyIPv6))
			break
		}
	}
	return g
}

// DefaultGroup returns the group named default of a VPC: as [NewGroup], and its
// members may send each other everything (DEF-02, DEF-05).
func DefaultGroup(id GroupID, v *VPC) Group {
	g := NewGroup(id, v)
	g.Name = "default"
	g.Description = "default VPC security group"
	g.Ingress = []Rule{AllTraffic.From(Self)}
	return g
}
