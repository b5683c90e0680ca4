package load

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// Who says what. A plan decides about the groups and interfaces that it manages, and
// about what it takes away: listings add to them only what it does not tell. Two
// listings may be parts of one whole, but may not say two things of one interface or
// group. Plans are read before all else.

// Decisions are what the plans say of the world as it will be.
type decisions struct {
	planning bool // a plan is being read

	gone     map[string]*cursor // ids of what is deleted
	rules    map[sg.GroupID]map[identity]bool
	detached map[sg.ENIID]map[sg.GroupID]bool
	entries  map[sg.PrefixListID]map[netip.Prefix]bool
	owned    map[string]owned // resources by kind and id
}

type owned struct {
	doc *tfDoc
	at  *cursor
}

func newDecisions() decisions {
	return decisions{
		gone: make(map[string]*cursor), rules: make(map[sg.GroupID]map[identity]bool),
		detached: make(map[sg.ENIID]map[sg.GroupID]bool), entries: make(map[sg.PrefixListID]map[netip.Prefix]bool), owned: make(map[string]owned),
	}
}

// own notes whose resource an id is, and refuses those that two documents have: a
// state is what its plan starts from, and two states are of two times.
func (d *tfDoc) own(r *tfResource) {
	id := r.values.field("id")
	if r.mode == "data" || !id.is(str) || d.clashes {
		return
	}
	key := r.kind + " " + id.raw()
	o, known := d.b.owned[key]
	if d.clashes = known && o.doc != d; d.clashes {
		r.values.fail("", "stands in %s too: these are two states of one world. Give one of them; to compare, run once with each", o.at.place())
		return
	}
	d.b.owned[key] = owned{d, r.values}
}

// removals gathers what a plan takes away.
func (d *tfDoc) removals() {
	if !d.plan {
		return
	}
	for item := range d.changes.objects() {
		change := item.field("change")
		gone := false
		for action := range change.field("actions").each() {
			gone = gone || action.str() == "delete"
		}
		before := change.field("before")
		if !gone || !before.is(object) {
			continue
		}
		before.src = before.src.quiet() // what was wrong before is no concern of the plan
		id := before.field("id").str()
		switch item.field("type").str() {
		case "aws_security_group", "aws_network_interface", "aws_vpc_peering_connection":
		case "aws_instance":
			id = before.field("primary_network_interface_id").str()
		case "aws_network_interface_sg_attachment":
			eni, group := sg.ENIID(before.field("network_interface_id").str()), sg.GroupID(before.field("security_group_id").str())
			note(d.b.detached, eni, group)
			continue
		case "aws_ec2_managed_prefix_list_entry":
			if p, _, ok := before.field("cidr").prefix(anyFamily); ok {
				note(d.b.entries, sg.PrefixListID(before.field("prefix_list_id").str()), p)
			}
			continue
		default:
			continue
		}
		if id != "" {
			d.b.gone[id] = item
		}
	}
}

// note adds to what a plan takes away from something.
func note[K, V comparable](of map[K]map[V]bool, k K, v V) {
	if of[k] == nil {
		of[k] = make(map[V]bool)
	}
	of[k][v] = true
}

// listEntry adds an entry that a listing has of a prefix list.
func (b *builder) listEntry(l *prefixList, e sg.PrefixListEntry, at *cursor) {
	_, known := l.entryOf[e.CIDR]
	if known || !l.decided && !b.entries[l.ID][e.CIDR] {
		l.add(e, at)
		return
	}
	if !l.overruled {
		l.overruled = true
		at.warn("", "%s: what the plan does not have is left out from here on, since it decides", l.ID)
	}
}

// isGone reports whether a plan deletes what a listing has at c, and warns of it.
func (b *builder) isGone(id string, c *cursor) bool {
	at, gone := b.gone[id]
	if gone {
		c.warn("", "left out: the plan at %s deletes %s", at.place(), id)
	}
	return gone
}

// listRule is addRule for what is no plan: it adds no rule that a plan has decided
// about.
func (b *builder) listRule(g *group, dir sg.Direction, r sg.Rule, c, list *cursor, full bool) {
	if b.planning || g.decided == nil && b.rules[g.ID] == nil {
		b.addRule(g, dir, r, c, list, full)
		return
	}
	r = g.own(r)
	id := identity{dir: dir, rule: r.Canonical(g.ID)}
	_, _, known := g.find(b.seed, id)
	if known || g.decided == nil && !b.rules[g.ID][id] {
		b.addRule(g, dir, r, c, list, full)
		return
	}
	if g.overruled++; g.overruled == 1 {
		g.firstOverruled = c
	}
}

// warnOverruled says that a plan won.
func (b *builder) warnOverruled(g *group) {
	if g.overruled > 0 {
		rules := "this rule is"
		if g.overruled > 1 {
			rules = fmt.Sprintf("%d rules from here on are", g.overruled)
		}
		g.firstOverruled.warn("", "%s: %s left out, since the plan decides and does not have it", g.ID, rules)
	}
}

// listENI adds an interface that a listing has at c.
func (b *builder) listENI(e *eni, c *cursor) {
	if b.isGone(string(e.ID), c) {
		return
	}
	if detached := b.detached[e.ID]; detached != nil {
		e.Groups = slices.DeleteFunc(e.Groups, func(g sg.GroupID) bool { return detached[g] })
	}
	old := b.eni(e.ID, c)
	what := old.differs(e)
	switch {
	case old.decided != nil:
		if what != "" {
			c.warn("", "%s has other %s here than at %s, in a plan, which decides", e.ID, what, old.decided.place())
		}
		if len(old.Addrs) > 0 {
			e.Addrs = nil
		}
		if len(old.Prefixes) > 0 {
			e.Prefixes = nil
		}
		if len(old.Groups)+len(old.named) > 0 {
			e.Groups = nil
		}
	case old.listed != nil && what != "":
		c.fail("", "%s has other %s here than at %s: give the newer of the two", e.ID, what, old.listed.place())
		return
	}
	old.listed = c
	old.merge(&e.ENI)
}

// differs returns in what two listings of one interface differ, or a plan and a
// listing where both tell it.
func (e *eni) differs(o *eni) string {
	planned := e.decided != nil
	switch {
	case !sameItems(e.Groups, o.Groups) && !(planned && len(e.Groups)+len(e.named) == 0):
		return "groups"
	case !sameItems(e.Addrs, o.Addrs) && !(planned && len(e.Addrs) == 0):
		return "addresses"
	case !sameItems(e.Prefixes, o.Prefixes) && !(planned && len(e.Prefixes) == 0):
		return "prefixes"
	case e.VPC != "" && o.VPC != "" && e.VPC != o.VPC:
		return "VPC"
	}
	return ""
}

// sameItems reports whether two lists without doubles hold the same.
func sameItems[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	has := make(map[T]bool, len(a))
	for _, x := range a {
		has[x] = true
	}
	return !slices.ContainsFunc(b, func(x T) bool { return !has[x] })
}
