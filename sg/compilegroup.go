package sg

import (
	"fmt"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

func (c *compiler) groups() {
	w := c.w
	w.groups, w.partial = make([]*group, len(c.t.Groups)), make([]bool, len(c.t.Groups))
	for i := range c.t.Groups {
		in := &c.t.Groups[i]
		w.groups[i] = &group{id: in.ID, number: uint32(i), account: in.Account, vpcs: reach.VPCs(w.reach, in.VPC, in.Associations)}
		w.partial[i] = in.Incomplete
	}
}

// rules compiles the rules of all groups. Groups that only ENIs name have their numbers
// already.
func (c *compiler) rules() {
	for i := range c.t.Groups {
		in, g := &c.t.Groups[i], c.w.groups[i]
		for d, rules := range [...][]Rule{in.Ingress, in.Egress} {
			infos := make([]ruleInfo, len(rules))
			g.rules[d] = make([]*ruleInfo, len(rules))
			for n := range rules {
				r := &infos[n]
				r.group, r.dir, r.index, r.rule = in.ID, Ingress+Direction(d), n, rules[n]
				g.rules[d][n] = r
				c.rule(r, g)
			}
		}
	}
}

// strangers gives numbers, behind all others, to those of an ENI's groups that the
// topology lacks, and reports whether there are any. They are used in the VPCs of such
// ENIs; rules that name them match their members.
func (c *compiler) strangers(missing []GroupID, vpc uint32) (found bool) {
	w := c.w
	for _, id := range missing {
		if _, known := w.groupByID[id]; known {
			continue
		}
		found = true
		n, known := w.strangers[id]
		if !known {
			n = uint32(len(w.groups))
			w.strangers[id] = n
			w.groups, w.partial = append(w.groups, &group{id: id, number: n}), append(w.partial, true)
		}
		if g, use := w.groups[n], [2]uint32{n, vpc}; !c.used[use] {
			c.used[use] = true
			g.vpcs = append(g.vpcs, vpc)
		}
	}
	return found
}

// rule compiles a rule of a group.
func (c *compiler) rule(r *ruleInfo, g *group) {
	if errs := r.rule.check(); errs != nil {
		for _, err := range errs {
			c.failItem(Error{Part: inGroups, Index: int(g.number), ID: string(g.id), Dir: r.dir, Item: r.index, Err: err})
		}
		return
	}
	c.w.resolve(r, g)
	switch {
	case r.kind != peerCIDR4 && r.kind != peerCIDR6:
		return
	case r.rule.Peer.CIDR.Bits() > 0:
		c.trie.Name(r.rule.Peer.CIDR)
	case r.kind == peerCIDR4:
		r.peer = everyIPv4
	default:
		r.peer = everyIPv6
	}
	g.mayUntrack = g.mayUntrack || r.mayUntrack()
}

// resolve clears host bits and looks up what the rule's peer names, but not the number
// of a CIDR. If it is missing, the rule is stale.
func (w *world) resolve(r *ruleInfo, own *group) {
	p := &r.rule.Peer
	if p.CIDR.IsValid() {
		p.CIDR = p.CIDR.Masked() // SG-42
	}
	switch {
	case p.CIDR.IsValid() && p.CIDR.Addr().Is4():
		r.kind = peerCIDR4
	case p.CIDR.IsValid():
		r.kind = peerCIDR6
	case p.PrefixList != "":
		n, ok := w.listByID[p.PrefixList]
		r.unsure = !ok || w.lists[n].incomplete
		if ok {
			r.kind, r.peer, r.family = peerList, firstList+n, w.lists[n].family
		}
	case p.Self:
		r.kind, r.peer = peerGroup, own.number
	case p.Group != "":
		n, ok := w.named(p.Group)
		if !ok || w.stale(p, own, w.groups[n]) != "" {
			return // REF-15
		}
		r.kind, r.peer = peerGroup, n
	}
}

// stale says why a rule that names another group matches nothing; "" means that it may
// match.
func (w *world) stale(p *Peer, own, named *group) string {
	switch {
	case p.Account != "" && named.account != "" && named.account != p.Account:
		return fmt.Sprintf("%s belongs to account %s", named.id, named.account)
	case w.reach.Names(own.vpcs, named.vpcs, string(p.Peering)) != reach.NoGap: // REF-13
		return fmt.Sprintf("peering %s is not active, or not within the Region", p.Peering)
	}
	return ""
}

func (c *compiler) lists() {
	c.w.lists = make([]list, len(c.t.PrefixLists))
	for i := range c.t.PrefixLists {
		in := &c.t.PrefixLists[i]
		l := &c.w.lists[i]
		*l = list{id: in.ID, incomplete: in.Incomplete}
		switch in.Family {
		case 0:
		case packet.IPv4, packet.IPv6:
			l.family, l.said = in.Family, true
		default:
			c.fail(inLists, i, string(in.ID), fmt.Errorf("family %d: %w", in.Family, errNoFamily))
		}
		if in.MaxEntries < 0 {
			c.fail(inLists, i, string(in.ID), fmt.Errorf("%d: %w", in.MaxEntries, errMaxEntries))
		}
		seen := make(map[netip.Prefix]bool, len(in.Entries))
		for n := range in.Entries {
			p := in.Entries[n].CIDR
			err := checkCIDR(p)
			if err == nil {
				err = l.checkFamily(p)
			}
			if err != nil {
				c.failItem(Error{Part: inLists, Index: i, ID: string(in.ID), Item: n, Err: err})
				continue
			}
			if p = p.Masked(); !seen[p] {
				seen[p] = true
				l.entries++
				c.trie.Add(p, firstList+uint32(i))
			}
		}
	}
}

// checkFamily refuses an entry of the other family. If the list does not say its
// family, the first entry decides (PL-02).
func (l *list) checkFamily(c netip.Prefix) error {
	f := packet.IPv6
	if c.Addr().Is4() {
		f = packet.IPv4
	}
	if l.family == 0 {
		l.family = f
	}
	if f != l.family {
		return fmt.Errorf("%s: %w", c, errFamily)
	}
	return nil
}
