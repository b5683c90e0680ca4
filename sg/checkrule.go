package sg

import (
	"fmt"
	"slices"
)

// rules looks at the rules of one direction of a group: its quota, then each
// rule.
func (c *checker) rules(g *Group, dir Direction) {
	rules := g.Ingress
	if dir == Egress {
		rules = g.Egress
	}
	c.quotas.rules(c, g, dir, rules)
	ids := make([]Rule, len(rules))
	first := make(map[Rule]int, len(rules)) // place of each identity
	// Rules whose reference leads nowhere match nothing (REF-15), so that they shadow
	// nothing. An identity does not tell them from those that may.
	live := make(map[Rule]int, len(rules))
	for i := range rules {
		ids[i] = rules[i].Canonical(g.ID)
		if _, seen := first[ids[i]]; !seen {
			first[ids[i]] = i
		}
		if _, seen := live[ids[i]]; !seen {
			if _, why := c.astray(g, &rules[i]); why == "" {
				live[ids[i]] = i
			}
		}
	}
	shadows := newShadows(live)
	for i := range rules {
		r := &rules[i]
		at := Finding{Group: g.ID, Dir: dir, Index: i}
		c.ruleID(at, r)
		c.peer(at, g, r)
		c.meaning(at, r)

		if n := first[ids[i]]; n < i {
			at.Kind, at.Code = DuplicateRule, "InvalidPermission.Duplicate" // SG-70
			c.add(at, "the same as %s[%d]", dir, n)
			continue
		}
		if n, lives := live[ids[i]]; !lives || n != i {
			continue
		}
		if j, ok := shadows.of(ids[i]); ok {
			at.Kind, at.Code = Shadowed, ""
			c.add(at, "%s[%d] admits all of it", dir, j)
		}
	}
}

// ruleID looks whether another rule has the same id (SG-60).
func (c *checker) ruleID(at Finding, r *Rule) {
	first, taken := c.places[r.ID]
	switch {
	case r.ID == "":
	case taken:
		at.Kind = Misplaced
		c.add(at, "its id %s is that of %s", r.ID, first)
	default:
		c.places[r.ID] = at.Place()
	}
}

// astray says why what a rule names is not there or out of reach, and "" if it may
// match; at has kind and code of the finding.
func (c *checker) astray(g *Group, r *Rule) (at Finding, why string) {
	switch {
	case r.Peer.PrefixList != "" && c.lists[r.Peer.PrefixList] == nil:
		return Finding{Kind: Dangling, Code: "InvalidPrefixListID.NotFound"}, // SG-81
			fmt.Sprintf("%s is not in the topology", r.Peer.PrefixList)
	case r.Peer.Group != "" && c.scope.groups[r.Peer.Group] == nil:
		if where := c.elsewhere(g, r.Peer); where != "" {
			return Finding{Kind: Dangling}, where // AWS may well have it
		}
		return Finding{Kind: Dangling, Code: "InvalidGroup.NotFound"}, // SG-73
			c.scope.unreachable(g, r.Peer)
	case r.Peer.Group != "":
		return Finding{Kind: Stale}, c.scope.unreachable(g, r.Peer)
	}
	return Finding{}, ""
}

// elsewhere says where a group is that a rule of g names and the topology does not
// have, if it belongs to an account or a VPC of which the topology has no groups at
// all; "" if it would be among those that it has.
func (c *checker) elsewhere(g *Group, p Peer) string {
	if p.Account != "" && p.Account != g.Account && !c.accounts[p.Account] {
		return fmt.Sprintf("%s is of account %s, whose groups are not in the topology", p.Group, p.Account)
	}
	for _, x := range c.t.Peerings {
		if p.Peering == "" || x.ID != p.Peering || !x.active() {
			continue
		}
		far := x.Accepter
		if slices.Contains(g.vpcs(), far) {
			far = x.Requester
		}
		if !c.vpcs[far] {
			return fmt.Sprintf("%s is in %s, behind %s, whose groups are not in the topology", p.Group, far, x.ID)
		}
	}
	return ""
}

// peer looks at what the rule names.
func (c *checker) peer(at Finding, g *Group, r *Rule) {
	if f, why := c.astray(g, r); why != "" {
		at.Kind, at.Code = f.Kind, f.Code
		c.add(at, "%s", why)
		return
	}
	switch {
	case r.Peer.PrefixList != "":
		if p := c.lists[r.Peer.PrefixList]; len(p.Entries) == 0 {
			at.Kind = NeverMatches
			c.add(at, "%s has no entries now", p.ID)
		}
	case r.Peer.Group != "":
		if c.members[r.Peer.Group] == (families{}) {
			at.Kind = NeverMatches
			c.add(at, "%s has no members now", r.Peer.Group)
		}
	case r.Peer.Self && c.members[g.ID] == (families{}):
		at.Kind = NeverMatches
		c.add(at, "%s has no members now", g.ID)
	}
}

// meaning looks at what the rule can match and seems to mean.
func (c *checker) meaning(at Finding, r *Rule) {
	if p := r.Peer.CIDR; p.IsValid() && p != p.Masked() { // SG-42
		at.Kind = Misleading
		c.add(at, "%s means %s: host bits are cleared", p, p.Masked())
	}
	f := c.families(at.Group, r)
	switch {
	case r.Protocol == ICMP && f.v6 && !f.v4: // SG-41
		at.Kind = NeverMatches
		c.add(at, "icmp with an IPv6 peer: ping over IPv6 is icmpv6")
	case r.Protocol == ICMPv6 && f.v4 && !f.v6: // SG-41: ICMPv6 within IPv4 would fit, but nobody sends it
		at.Kind = NeverMatches
		c.add(at, "icmpv6 with an IPv4 peer: ping over IPv4 is icmp")
	case (r.Protocol == TCP || r.Protocol == UDP) && r.Ports == Port(0): // SG-24
		at.Kind = Misleading
		c.add(at, "%s port 0 alone: all ports are 0-65535, only protocol -1 ignores ports", r.Protocol)
	case r.Protocol == ICMP && r.ICMP == ICMPTypeCode(0, 0): // SG-30
		at.Kind = Misleading
		c.add(at, "icmp 0/0 is the echo reply alone: all of ICMP is -1/-1, ping is 8/-1")
	}
}

// families returns the families of the packets that the peer of a group's rule can
// match; neither where that is not known.
func (c *checker) families(own GroupID, r *Rule) (f families) {
	switch p := r.Peer; {
	case p.CIDR.IsValid():
		f.add(p.CIDR.Addr())
	case p.PrefixList != "":
		if l := c.lists[p.PrefixList]; l != nil {
			f.v4, f.v6 = l.family() == IPv4, l.family() == IPv6
		}
	case p.Self:
		f = c.members[own]
	default:
		f = c.members[p.Group]
	}
	return f
}

// family returns the list's family, from its entries where it is not said.
func (p *PrefixList) family() Family {
	if p.Family == 0 && len(p.Entries) > 0 && p.Entries[0].CIDR.IsValid() {
		if p.Entries[0].CIDR.Addr().Is4() {
			return IPv4
		}
		return IPv6
	}
	return p.Family
}
