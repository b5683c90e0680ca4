package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/reach"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// rules checks the rules of one direction of a group: the quota, then each rule.
func (c *checker) rules(g *sg.Group, dir sg.Direction) {
	rules := *topotext.RulesOf(g, dir)
	c.quotas.rules(c, g, dir, rules)
	first := make(map[sg.Rule]int, len(rules)) // place of each identity
	// Rules with a stale reference match nothing (REF-15), so they shadow nothing.
	// Their identity alone does not show that.
	live := make(map[sg.Rule]int, len(rules))
	var shadowing []shadow
	for i := range rules {
		id := rules[i].Canonical(g.ID)
		if _, seen := first[id]; !seen {
			first[id] = i
		}
		if _, seen := live[id]; seen {
			continue
		}
		if c.brokenReference(g, &rules[i], dir).Text == "" {
			live[id] = i
			shadowing = append(shadowing, shadow{id, i})
		}
	}
	shadowing = shadowing[:min(len(shadowing), mostShadowing)]
	for i := range rules {
		r, id := &rules[i], rules[i].Canonical(g.ID)
		at := Subject{Group: g.ID, Dir: dir, Index: i}
		c.ruleID(at, r)
		c.peer(at, g, r)
		c.meaning(at, r)

		if n := first[id]; n < i {
			f := c.add(at, DuplicateRule, "the same as %s[%d]", dir, n).refused("InvalidPermission.Duplicate") // SG-70
			f.Other, f.Advice = Subject{Group: g.ID, Dir: dir, Index: n}, "remove one of the two"
			continue
		}
		if n, lives := live[id]; !lives || n != i {
			continue
		}
		if j := slices.IndexFunc(shadowing, func(s shadow) bool { return s.place != i && admitsAll(&s.rule, &id) }); j >= 0 {
			f := c.add(at, Shadowed, "%s[%d] admits all of it", dir, shadowing[j].place)
			f.Other, f.Advice = Subject{Group: g.ID, Dir: dir, Index: shadowing[j].place}, "remove this rule, or narrow the other"
		}
	}
}

// ruleID checks whether another rule has the same id (SG-60).
func (c *checker) ruleID(at Subject, r *sg.Rule) {
	first, taken := c.places[r.ID]
	switch {
	case r.ID == "":
	case taken:
		f := c.add(at, Misplaced, "its id %s is that of %s", r.ID, first)
		f.Other, f.Advice = first, "leave one of the two out: an id belongs to one rule"
	default:
		c.places[r.ID] = at
	}
}

// inactive names a peering that is not active, seen from a group. An id that is not AWS's
// is a stand-in: AWS does not tell that of a peering which is gone.
func inactive(g *sg.Group, x *sg.Peering) string {
	if strings.HasPrefix(string(x.ID), "pcx-") {
		return fmt.Sprintf("%s, which is not active (%s)", x.ID, x.Status)
	}
	far := x.Accepter
	if far == g.VPC {
		far = x.Requester
	}
	if x.Status == "deleted" {
		return fmt.Sprintf("a deleted peering with %s", far)
	}
	return fmt.Sprintf("a peering with %s that is not active (%s)", far, x.Status)
}

// brokenReference finds what a rule names that is missing or out of reach. The Finding
// has no Subject, and is zero if the rule may match.
func (c *checker) brokenReference(g *sg.Group, r *sg.Rule, dir sg.Direction) Finding {
	switch {
	case r.Peer.PrefixList != "" && c.lists[r.Peer.PrefixList] == nil:
		return Finding{
			Kind: Dangling, Code: "InvalidPrefixListID.NotFound", // SG-81
			Text: fmt.Sprintf("%s is not in the topology", r.Peer.PrefixList), Advice: "add describe-managed-prefix-lists, or remove the rule",
		}
	case r.Peer.Group == "":
		return Finding{}
	}
	named := c.groups[r.Peer.Group]
	if named == nil {
		if x := c.peers[r.Peer.Peering]; x != nil && !x.Active() { // AWS lets a group be deleted that only such a rule names (REF-16)
			return Finding{Kind: Stale, Text: fmt.Sprintf("%s was behind %s", r.Peer.Group, inactive(g, x)), Advice: "remove the rule"}
		}
		if _, carried := c.members[r.Peer.Group]; carried { // it matches those that carry it, of which there is a finding
			return Finding{}
		}
		if where := c.elsewhere(g, r.Peer); where != "" { // AWS may well have it
			return Finding{Kind: Dangling, Severity: Note, Text: where, Advice: "add describe-security-groups from there"}
		}
		return Finding{
			Kind: Dangling, Code: "InvalidGroup.NotFound", // SG-73
			Text: fmt.Sprintf("%s is not in the topology", r.Peer.Group), Advice: "remove the rule, or add the group to the input",
		}
	}
	stale := Finding{Kind: Stale, Other: Subject{Group: named.ID}, Advice: "remove the rule, or create an active peering between the VPCs"}
	if a := r.Peer.Account; a != "" && named.Account != "" && a != named.Account {
		stale.Advice = "correct the account, or remove the rule"
		stale.Text = fmt.Sprintf("%s belongs to account %s, not %s", named.ID, named.Account, a)
		return stale
	}
	switch c.reach.Reference(c.vpcsOf(g), c.vpcsOf(named), string(r.Peer.Peering), dir == sg.Ingress) {
	case reach.Region:
		stale.Advice = "use CIDR blocks: rules cannot name groups in another Region"
		stale.Text = fmt.Sprintf("%s is in %s, in a different Region from %s (REF-10)", named.ID, named.VPC, g.VPC)
	case reach.NoPeering:
		stale.Text = fmt.Sprintf("peering %s is not active", r.Peer.Peering)
	case reach.Apart:
		stale.Text = fmt.Sprintf("%s is in %s, which no active peering connects to %s", named.ID, named.VPC, g.VPC)
	default:
		return Finding{}
	}
	return stale
}

// vpcsOf returns the VPCs whose ENIs may carry g.
func (c *checker) vpcsOf(g *sg.Group) []uint32 { return reach.VPCs(c.reach, g.VPC, g.Associations) }

// elsewhere says where a group is that a rule of g names and the topology lacks, if
// it belongs to an account or VPC without any group in the topology; "" if the
// topology should have it.
func (c *checker) elsewhere(g *sg.Group, p sg.Peer) string {
	if p.Account != "" && p.Account != g.Account && !c.accounts[p.Account] {
		return fmt.Sprintf("%s belongs to account %s, whose groups are not in the topology", p.Group, p.Account)
	}
	if x := c.peers[p.Peering]; x != nil && x.Active() {
		far := x.Accepter
		if far == g.VPC || slices.Contains(g.Associations, far) {
			far = x.Requester
		}
		if !c.vpcs[far] {
			return fmt.Sprintf("%s is in %s, behind %s, whose groups are not in the topology", p.Group, far, x.ID)
		}
	}
	return ""
}

// peer checks what the rule names.
func (c *checker) peer(at Subject, g *sg.Group, r *sg.Rule) {
	if f := c.brokenReference(g, r, at.Dir); f.Text != "" {
		f.Subject = at
		c.enter(f)
		return
	}
	switch named := c.groups[r.Peer.Group]; {
	case r.Peer.PrefixList != "":
		if p := c.lists[r.Peer.PrefixList]; len(p.Entries) == 0 && !p.Incomplete {
			c.add(at, NeverMatches, "%s has no entries now", p.ID).Advice = "add entries to the list, or remove the rule"
		}
	case named != nil && c.carried(g) && c.memberless(named):
		// A group that nobody carries admits nothing, whoever its rules name. And
		// members come and go.
		f := c.add(at, NeverMatches, "%s has no members now", named.ID)
		f.Severity, f.Other.Group, f.Advice = Note, named.ID, "attach the group to an interface, or remove the rule"
	}
}

// meaning checks what the rule can match against what it seems to mean.
func (c *checker) meaning(at Subject, r *sg.Rule) {
	if p := r.Peer.CIDR; p.IsValid() && p != p.Masked() { // SG-42
		c.add(at, Misleading, "%s means %s: host bits are cleared", p, p.Masked()).Advice = fmt.Sprintf("write %s, or %s/%d for that address only", p.Masked(), p.Addr(), p.Addr().BitLen())
	}
	f := c.families(at.Group, r)
	switch {
	case r.Protocol == sg.ICMP && f.v6 && !f.v4: // SG-41
		c.add(at, NeverMatches, "icmp with an IPv6 peer: ping over IPv6 is icmpv6").Advice = "make it icmpv6"
	case r.Protocol == sg.ICMPv6 && f.v4 && !f.v6: // SG-41: ICMPv6 in IPv4 would match, but nobody sends it
		c.add(at, NeverMatches, "icmpv6 with an IPv4 peer: ping over IPv4 is icmp").Advice = "make it icmp"
	case (r.Protocol == sg.TCP || r.Protocol == sg.UDP) && r.Ports == sg.Port(0): // SG-24
		c.add(at, Misleading, "%s port 0 only: all ports are 0-65535, only protocol -1 ignores ports", r.Protocol).Advice = "write 0-65535 if all ports are meant"
	case r.Protocol == sg.ICMP && r.ICMP == sg.ICMPTypeCode(0, 0): // SG-30
		c.add(at, Misleading, "icmp 0/0 is only the echo reply: all of ICMP is -1/-1, ping is 8/-1").Advice = "write -1/-1 or 8/-1 if that is meant"
	}
}

// families returns the families of the packets that the peer of a group's rule can
// match; neither if that is not known.
func (c *checker) families(own sg.GroupID, r *sg.Rule) (f families) {
	switch p := r.Peer; {
	case p.CIDR.IsValid():
		f.add(p.CIDR.Addr())
	case p.PrefixList != "":
		if l := c.lists[p.PrefixList]; l != nil {
			f.v4, f.v6 = familyOf(l) == packet.IPv4, familyOf(l) == packet.IPv6
		}
	case p.Self:
		f = c.members[own]
	default:
		f = c.members[p.Group]
	}
	return f
}

// familyOf returns a list's family, from its entries if the list does not say.
func familyOf(p *sg.PrefixList) packet.Family {
	if p.Family == 0 && len(p.Entries) > 0 && p.Entries[0].CIDR.IsValid() {
		if p.Entries[0].CIDR.Addr().Is4() {
			return packet.IPv4
		}
		return packet.IPv6
	}
	return p.Family
}
