package sg

// Same reports whether AWS takes r and o for the same rule of the group own, that
// is, whether their canonical forms are equal. Id and description do not matter
// (SG-51).
func (r Rule) Same(o Rule, own GroupID) bool { return r.Canonical(own) == o.Canonical(own) }

// Canonical returns a rule of the group own without everything that does not
// distinguish it from the group's other rules: host bits (SG-43), what its protocol
// ignores (SG-54), id, description, and the account and peering of a peer group,
// whose id is unique. A peer that names the group itself becomes Self (REF-07). As a
// map key it finds rules that are the same.
func (r Rule) Canonical(own GroupID) Rule {
	c := Rule{Protocol: r.Protocol, Peer: r.Peer}
	if c.Peer.Group == own && own != "" {
		c.Peer.Group, c.Peer.Self = "", true
	}
	if p := c.Peer.CIDR; p.IsValid() {
		c.Peer.CIDR = p.Masked()
	}
	c.Peer.Account, c.Peer.Peering = "", ""
	switch r.Protocol {
	case TCP, UDP:
		c.Ports = r.Ports
	case ICMP:
		c.ICMP = r.ICMP
	case ICMPv6:
		if c.ICMP = r.ICMP; !c.ICMP.set { // SG-29
			c.ICMP = allICMP
		}
	}
	return c
}
