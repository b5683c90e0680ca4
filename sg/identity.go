package sg

// In returns the rule as one of a group's, as far as it is to be compared with
// others of that group: a peer that names the group itself is Self (REF-07).
func (r Rule) In(g GroupID) Rule {
	if r.Peer.Group == g && g != "" {
		r.Peer.Group, r.Peer.Self = "", true
	}
	return r
}

// Same reports whether AWS takes r and o for one rule of a group: their canonical
// forms are equal. Id and description do not matter (SG-51). Where one may name the
// group that the other calls self, compare what [Rule.In] returns.
func (r Rule) Same(o Rule) bool { return r.Canonical() == o.Canonical() }

// Canonical returns what is left of a rule when everything that does not tell it
// from others of its group is gone: host bits (SG-43), what its protocol ignores
// (SG-54), id, description, and of a peer group the account and the peering, since
// its id is unique. As a map key it finds rules that are the same.
func (r Rule) Canonical() Rule {
	c := Rule{Protocol: r.Protocol, Peer: r.Peer}
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
