package load

import "github.com/sgsim/sgsim/sg"

// ruleKinds are the kinds of resources that are rules, with their direction if it is
// fixed.
var ruleKinds = map[string]sg.Direction{
	"aws_security_group_rule":             0,
	"aws_vpc_security_group_ingress_rule": sg.Ingress,
	"aws_vpc_security_group_egress_rule":  sg.Egress,
}

func isRule(kind string) bool {
	_, ok := ruleKinds[kind]
	return ok
}

// A tfRules reads the rules of one Terraform rule, which may have many peers.
type tfRules struct {
	r     *tfResource
	g     *group
	dir   sg.Direction
	c     *cursor // the object with its fields
	rule  sg.Rule // without its peer
	found []piece[sg.Rule]
	peers int // including wrong and unknown ones
}

// traffic reads everything but the peers. In a plan, ports may be unknown.
func (x *tfRules) traffic(keys ruleKeys) bool {
	if !x.r.module.doc.tells("the rule is left out", x.c.field(keys.protocol), x.c.field(keys.from), x.c.field(keys.to)) {
		x.g.lacking = true
		return false
	}
	rule, ok := x.c.traffic(keys)
	rule.Description = x.c.field("description").str()
	x.rule = rule
	return ok
}

func (x *tfRules) add(at *cursor, peer sg.Peer) {
	x.peers++
	rule := x.rule
	rule.Peer = peer
	if peer.Group == x.g.ID {
		rule.Peer = sg.Self
	}
	x.found = append(x.found, piece[sg.Rule]{rule, origin{at}})
}

func (x *tfRules) identity(r sg.Rule) identity {
	return identity{dir: x.dir, rule: r.Canonical(x.g.ID)}
}

// list adds the rules found to the group as parts of a list, except those that the plan
// removes if they are not its own, and warns about a rule without any peer.
func (x *tfRules) list(list *cursor, own bool) {
	b := x.r.module.doc.b
	for _, r := range x.found {
		if own || !b.removes(x.g.ID, x.identity(r.value)) {
			b.addRule(x.g, x.dir, r.value, r.at, list, false)
		}
	}
	if x.peers == 0 && !x.omitsPeers() {
		x.c.warn("", "has no peer and so no rule")
	}
}

// addIDs adds the prefix lists or groups with these ids.
func (x *tfRules) addIDs(key string, want *target, ids ...string) {
	at := x.c.field(key)
	for _, id := range ids {
		peer, ok := sg.FromPrefixList(sg.PrefixListID(id)), true
		if want == wantGroup {
			peer, ok = at.groupPeerOf(id)
		}
		if ok {
			x.add(at, peer)
		}
	}
}

// unknownPeer warns of a peer at c of which the plan does not tell what it is.
func (x *tfRules) unknownPeer(c *cursor, what string) {
	c.warn("", "unknown until the plan is applied: %s", what)
	x.peers++
	x.g.lacking = true
}

func (x *tfRules) addSelf() {
	if self := x.c.field("self"); self.flag() {
		x.add(self, sg.Self)
	}
}

func (x *tfRules) cidrs(key string, f family) {
	c := x.c.field(key)
	if x.omits(key) {
		x.unknownPeer(c, "left out")
	}
	for item := range c.each() {
		x.cidr(item, f)
	}
}

func (x *tfRules) cidr(c *cursor, f family) {
	if !c.there() && x.r.module.doc.plan {
		x.unknownPeer(c, "left out")
		return
	}
	given, ok := c.block(f)
	if !ok {
		x.peers++
		return
	}
	p := given.Masked()
	if given != p { // SG-45
		c.warn(codeParameter, "%s has host bits, which Terraform refuses: taken as %s", quote(c.raw()), p)
	}
	x.add(c, sg.Peer{CIDR: p})
}

// omitsPeers reports whether peers are missing for which there is already a warning.
func (x *tfRules) omitsPeers() bool {
	for _, key := range [...]string{"security_groups", "prefix_list_ids", "source_security_group_id", "referenced_security_group_id", "prefix_list_id", "cidr_ipv4", "cidr_ipv6"} {
		if x.omits(key) {
			return true
		}
	}
	return false
}

// omits reports whether a plan has yet to tell a field. Blocks inside a resource have all
// that are known, and a resource those that its configuration sets.
func (x *tfRules) omits(key string) bool {
	return x.r.module.doc.plan && !x.c.has(key) && (x.c != x.r.values || x.r.unknown(key))
}

// newPeers are ids that do not exist yet and that rules inside a group refer to.
// The configuration has them for all blocks together.
type newPeers struct {
	g         *group
	rules     int      // with ids that do not exist yet
	ids       []string // these ids, each of some rule
	ambiguous bool

	// Among several rules for the same traffic it does not matter which has
	// which: the first one takes all.
	alike, used bool
}

func (r *tfResource) newPeers(g *group, c *cursor, attr, key string, want *target) newPeers {
	n := newPeers{g: g}
	if !r.module.doc.plan {
		return n
	}
	known, traffic := make(map[string]bool), make(map[[3]string]bool)
	var last *cursor
	for item := range c.objects() {
		f := item.field(key)
		ids, missing := f.knownIDs()
		for _, id := range ids {
			known[id] = true
		}
		if missing > 0 {
			traffic[[3]string{item.field("protocol").raw(), item.field("from_port").raw(), item.field("to_port").raw()}] = true
			n.rules++
			last = f
		}
	}
	if n.rules == 0 {
		return n
	}
	to := r.refersTo(attr, key, want)
	for _, id := range to.ids {
		if !known[id] && r.module.doc.step() {
			n.ids = append(n.ids, id)
		}
	}
	if len(n.ids) == 0 {
		if x := r.guess(want, to.locals); x != nil && n.rules == 1 {
			last.warn("", "%s", guessed(to.locals, x, want))
			n.ids = []string{x.idFor(want)}
		}
	}
	several := n.rules > 1 && len(n.ids) > 1
	n.ambiguous, n.alike = several && len(traffic) > 1, several && len(traffic) == 1
	return n
}

// of returns the ids of one rule. If several rules refer to several new things,
// the plan does not tell which refers to which.
func (n *newPeers) of(c *cursor) []string {
	out, missing := c.knownIDs()
	switch {
	case missing == 0 || n.rules == 0:
	case n.ambiguous:
		n.g.lacking = true
		c.warn("", "left out: the plan does not tell which of its rules refers to which of %s; rules that are resources of their own, such as aws_vpc_security_group_ingress_rule, do",
			joinIDs(n.ids))
	case len(n.ids) == 0:
		n.g.lacking = true
		c.warn("", "unknown until the plan is applied, and the configuration does not tell: left out")
	case !n.used:
		out = addNew(out, n.ids...)
		n.used = n.alike
	}
	return out
}

// rule reads a rule that is a resource of its own (IN-24, IN-25).
func (r *tfResource) rule() {
	id, ok := r.requiredID("security_group_id", wantGroup)
	if !ok {
		return
	}
	g := r.module.doc.b.group(sg.Group{ID: sg.GroupID(id)}, r.values)
	x := tfRules{r: r, g: g, c: r.values}
	if x.standalone() {
		x.list(r.module.doc.rules, true)
	}
}

// standalone reads a rule that is a resource of its own, and reports whether the plan
// tells all of it.
func (x *tfRules) standalone() bool {
	keys := tfRuleKeys
	if x.dir = ruleKinds[x.r.kind]; x.dir == 0 {
		keys = tfInlineKeys
		f := x.c.field("type")
		if x.dir = map[string]sg.Direction{"ingress": sg.Ingress, "egress": sg.Egress}[f.str()]; x.dir == 0 {
			f.fail("", "neither ingress nor egress")
			return false
		}
	}
	if !x.traffic(keys) {
		return false
	}
	onlyOne := keys == tfRuleKeys
	if onlyOne {
		x.oneCIDR("cidr_ipv4", ipv4)
		x.oneCIDR("cidr_ipv6", ipv6)
		x.addOne("prefix_list_id", wantList)
		x.addOne("referenced_security_group_id", wantGroup)
	} else {
		x.cidrs("cidr_blocks", ipv4)
		x.cidrs("ipv6_cidr_blocks", ipv6)
		lists, unresolved := x.r.ids("prefix_list_ids", wantList)
		x.addIDs("prefix_list_ids", wantList, lists...)
		x.g.lacking = x.g.lacking || unresolved != ""
		x.addOne("source_security_group_id", wantGroup)
		x.addSelf()
	}
	switch {
	case len(x.found) == 1 && x.peers == 1: // one id for several rules would identify none
		x.found[0].value.ID = sg.RuleID(x.c.field("security_group_rule_id").str())
	case onlyOne && x.peers > 1:
		x.c.fail(codeParameter, "has several peers: such a rule has one")
	case onlyOne && x.peers == 0 && !x.omitsPeers():
		x.c.fail(codeParameter, "has no peer: one of cidr_ipv4, cidr_ipv6, prefix_list_id, referenced_security_group_id")
		return false
	}
	return true
}

// oneCIDR reads an attribute that holds a single CIDR block.
func (x *tfRules) oneCIDR(key string, f family) {
	if c := x.c.field(key); x.omits(key) {
		x.unknownPeer(c, "the rule is left out")
	} else if c.there() {
		x.cidr(c, f)
	}
}

// addOne adds the prefix list or the group that an attribute names.
func (x *tfRules) addOne(key string, want *target) {
	if id, ok := x.r.oneID(key, want); ok {
		x.addIDs(key, want, id)
	} else if x.r.unknown(key) {
		x.g.lacking = true
	}
}

// removedRules collects the rules of a resource that a plan deletes or changes, as
// they are now.
func (d *tfDoc) removedRules(kind string, before *cursor) {
	r := &tfResource{module: &tfModule{doc: &tfDoc{b: d.b}, config: &cursor{src: before.src}}, kind: kind, values: before}
	id := sg.GroupID(before.field("security_group_id").str())
	x := tfRules{r: r, g: &group{Group: sg.Group{ID: id}}, c: before}
	x.standalone()
	for _, rule := range x.found {
		d.b.removed[removal{id, nil}] = true
		d.b.removed[removal{id, x.identity(rule.value)}] = true
	}
}

// deferredRules marks the groups for which a plan defers rules: more than it tells may come.
func (d *tfDoc) deferredRules() {
	for item := range d.format.up.field("deferred_changes").objects() {
		change := item.field("resource_change")
		after := change.field("change").field("after")
		r := &tfResource{module: d.moduleOf(change), mode: "managed", kind: change.field("type").text(), name: change.field("name").text(), values: after}
		if !isRule(r.kind) || !after.is(object) {
			continue
		}
		if id, ok := r.oneID("security_group_id", wantGroup); ok {
			d.b.group(sg.Group{ID: sg.GroupID(id)}, r.values).lacking = true
		}
	}
}
