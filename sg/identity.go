package sg

// Same reports whether AWS takes r and o for one rule of a group: protocol,
// ports or ICMP type and code, and peer are equal once host bits are cleared and
// what the protocol ignores is left out. Id and description do not matter
// (SG-51, SG-43, SG-54).
func (r Rule) Same(o Rule) bool { return r.identity() == o.identity() }

// identity returns what is left of a rule when everything that does not tell it
// from others is gone.
func (r Rule) identity() Rule {
	id := Rule{Protocol: r.Protocol, Peer: r.Peer}
	if c := id.Peer.CIDR; c.IsValid() {
		id.Peer.CIDR = c.Masked()
	}
	if id.Peer.Group != "" {
		id.Peer.Peering = "" // describes the path to the group, which is one group
	}
	switch r.Protocol {
	case TCP, UDP:
		id.Ports = r.Ports
	case ICMP:
		id.ICMP = r.ICMP
	case ICMPv6:
		if id.ICMP = r.ICMP; !id.ICMP.set { // SG-29
			id.ICMP = allICMP
		}
	}
	return id
}
