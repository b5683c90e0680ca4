package load

import (
	"fmt"
	"iter"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// Who says what. A plan decides about the groups and interfaces that it manages, and
// about what it removes: listings add only what it does not tell. Two listings may
// be parts of one whole, but must not contradict each other about an interface or
// group. Plans are read first.

// A removal is what a plan removes from something that stays, by its id: an identity or a
// VPC from a group (nil for any rule), a group from an interface, a prefix from a prefix
// list, an entryKey from a network ACL, and nil from a subnet for its network ACL.
type removal struct{ from, what any }

type owned struct {
	doc *tfDoc
	at  *cursor
}

// removes reports whether a plan removes something from the thing with an id.
func (b *builder) removes(from, what any) bool {
	return len(b.removed) > 0 && b.removed[removal{from, what}]
}

// claim records whose resource an id is, and refuses ids that two documents have: a
// state is older than its plan, and two states are from different times.
func (d *tfDoc) claim(r *tfResource) {
	id := r.values.field("id")
	if r.mode == "data" || !id.is(str) || d.clashes {
		return
	}
	key := r.kind + " " + id.raw()
	o, known := d.b.owned[key]
	if d.clashes = known && o.doc != d; d.clashes {
		r.values.fail("", "is in %s too: these are two states of the same resources. Give one of them; to compare, run once with each", o.at.place())
		return
	}
	d.b.owned[key] = owned{d, r.values}
}

// readChanges collects what a plan removes, and the ids that stay. It adds what Terraform
// stops to manage and leaves as it is (removed blocks that destroy nothing): that is in no
// planned value, and AWS still has it.
func (d *tfDoc) readChanges() {
	for item := range d.changes.objects() {
		kind, change, address := item.field("type").str(), item.field("change"), item.field("address").str()
		does := make(map[string]bool)
		for action := range change.field("actions").each() {
			does[action.str()] = true
		}
		if kind == "aws_vpc_security_group_rules_exclusive" && (does["create"] || does["update"]) {
			item.warn("", "takes away the rules of its group that it does not list; which these are, a plan does not tell: they are taken to stay")
		}
		was := change.field("before")
		if !was.is(object) {
			continue
		}
		if does["forget"] {
			d.moduleOf(item).add(address, item, item.field("index"), was)
		}
		if !does["delete"] && !(does["update"] && isRule(kind)) {
			continue
		}
		was.src = was.src.quiet() // errors in the old state do not concern the plan
		id := idOf(kind, was)
		if d.b.stage == after && does["delete"] && does["create"] && id != "" {
			d.replaced[address], id = was, "" // it stays, but the thing that it was a part of does not
		}
		d.remove(kind, id, was, item)
	}
}

// remove records what a change removes, as it is now.
func (d *tfDoc) remove(kind, id string, before, change *cursor) {
	was := func(key string) string { return before.field(key).str() }
	var part removal
	switch kind {
	case "aws_security_group_rule", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule":
		d.removedRules(kind, before)
	case "aws_network_interface_sg_attachment":
		part = removal{sg.ENIID(was("network_interface_id")), sg.GroupID(was("security_group_id"))}
	case "aws_vpc_security_group_vpc_association":
		part = removal{sg.GroupID(was("security_group_id")), sg.VPCID(was("vpc_id"))}
	case "aws_ec2_managed_prefix_list_entry":
		if p, ok := before.field("cidr").prefix(anyFamily); ok {
			part = removal{sg.PrefixListID(was("prefix_list_id")), p}
		}
	case "aws_network_acl_rule":
		x, dir := ruleEntry(before)
		if n, ok := x.number.whole(0); ok {
			part = removal{sg.NetworkACLID(was("network_acl_id")), entryKey{dir, n}}
		}
	case "aws_network_acl_association":
		part = removal{sg.SubnetID(was("subnet_id")), nil}
	case "aws_instance", "aws_security_group", "aws_network_interface", "aws_efs_mount_target", "aws_vpc", "aws_subnet", "aws_network_acl", "aws_vpc_peering_connection",
		"aws_ec2_transit_gateway", "aws_ec2_transit_gateway_vpc_attachment": // other kinds have the ids of things that stay
		if id != "" {
			d.b.gone[id] = change
		}
		if vpc, peer := was("vpc_id"), was("peer_vpc_id"); kind == "aws_vpc_peering_connection" && id != "" && vpc != "" && peer != "" {
			d.b.peering(sg.Peering{ID: sg.PeeringID(id), Requester: sg.VPCID(vpc), Accepter: sg.VPCID(peer), Status: "deleted"}, before, false) // REF-13
		}
	}
	if part.from != nil {
		d.b.removed[part] = true
	}
}

// addListed adds an entry of a prefix list from a listing.
func (b *builder) addListed(l *prefixList, e sg.PrefixListEntry, at *cursor) {
	_, known := l.entries.of[e.CIDR]
	if known || !l.decided && !b.removes(l.ID, e.CIDR) {
		l.add(e, at)
		return
	}
	if !l.overruled {
		l.overruled = true
		at.warn("", "%s: what the plan does not have is left out from here on, since it decides", l.ID)
	}
}

// items goes through the items of a listing that have an id and are not deleted.
func (b *builder) items(c *cursor, key string) iter.Seq2[string, *cursor] {
	return func(yield func(string, *cursor) bool) {
		for item := range c.objects() {
			if id, ok := item.field(key).need(); ok && !b.isGone(id, item) && !yield(id, item) {
				return
			}
		}
	}
}

// isGone reports whether a plan deletes what a listing has at c, and warns about it.
func (b *builder) isGone(id string, c *cursor) bool {
	at, gone := b.gone[id]
	if gone {
		c.warn("", "left out: the plan at %s deletes %s", at.place(), id)
	}
	return gone
}

// prefer lets what is read at c decide about the group, if its input is preferred.
func (g *group) prefer(c *cursor) {
	if g.decided == nil && c.src.preferred {
		g.decided = c
	}
}

// decidedIn reports whether the input of c is preferred and decides about the group.
func (g *group) decidedIn(c *cursor) bool {
	return g.decided != nil && c.src.preferred && g.decided.src == c.src
}

// warnOverruled warns that a plan or a preferred input won.
func (b *builder) warnOverruled(g *group) {
	if g.overruled > 0 {
		rules := "this rule is"
		if g.overruled > 1 {
			rules = fmt.Sprintf("%d rules from here on are", g.overruled)
		}
		winner := "the plan"
		if g.decided != nil && g.decided.src.preferred {
			winner = g.decided.src.name
		}
		g.firstOverruled.warn("", "%s: %s left out, since %s decides and lists no such rule", g.ID, rules, winner)
	}
}

// listENI adds an interface from a listing at c.
func (b *builder) listENI(e *eni, c *cursor) {
	if b.isGone(string(e.ID), c) {
		return
	}
	e.Groups = slices.DeleteFunc(e.Groups, func(g sg.GroupID) bool { return b.removes(e.ID, g) })
	old := b.eni(e.ID, c)
	what := old.differs(e)
	switch {
	case old.decided != nil:
		if what != "" {
			c.warnDecided(old, what)
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
		c.fail("", "%s has %s here than at %s: %s", e.ID, what, old.listed.place(), giveNewer)
		return
	}
	if old.listed = c; c.src.preferred && old.decided == nil {
		old.decided = c
	}
	old.merge(&e.ENI)
}

// contradicts refuses what is said at c where another input said something else, unless
// one of the two decides, which is read first.
func (c *cursor) contradicts(old *cursor, format string, args ...any) {
	switch what := fmt.Sprintf(format, args...); {
	case c.src == old.src: // one input says of one thing what it means
	case old.src.decides:
		c.warn("", "%s at %s, which decides", what, old.place())
	default:
		c.fail("", "%s at %s: %s", what, old.place(), giveNewer)
	}
}

func (c *cursor) warnDecided(e *eni, what string) {
	c.warn("", "%s has %s here than at %s, which decides", e.ID, what, e.decided.place())
}

// differs returns where two listings of one interface differ, or where Terraform
// and a listing do if both tell it.
func (e *eni) differs(o *eni) string {
	part := e.decided != nil || e.stated
	switch {
	case !sameItems(e.Groups, o.Groups) && !(part && len(e.Groups) == 0):
		return "different groups"
	case !sameItems(e.Addrs, o.Addrs) && !(part && len(e.Addrs) == 0):
		return "different addresses"
	case !sameItems(e.Prefixes, o.Prefixes) && !(part && len(e.Prefixes) == 0):
		return "different prefixes"
	case e.VPC != "" && o.VPC != "" && e.VPC != o.VPC:
		return "a different VPC"
	case e.Subnet != "" && o.Subnet != "" && e.Subnet != o.Subnet:
		return "a different subnet"
	}
	return ""
}

// sameItems reports whether two lists without duplicates hold the same items.
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

// newID returns a stand-in for an id that AWS has yet to choose: the resource's
// address, which looks like nothing else in a topology, or the id that is kept.
func (r *tfResource) newID() string {
	if was := r.module.doc.replaced[r.address]; was != nil {
		return idOf(r.kind, was)
	}
	return r.address
}

// idOf returns the id of a resource, that of its primary interface for an instance and of
// its only one for a mount target.
func idOf(kind string, values *cursor) string {
	switch kind {
	case "aws_instance":
		return values.field("primary_network_interface_id").str()
	case "aws_efs_mount_target":
		return values.field("network_interface_id").str()
	}
	return values.field("id").str()
}
