package load

import (
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// resourceReaders read resources by their kinds (IN-22 to IN-29), dataReaders data
// sources. Those of groups tell no rules.
var (
	resourceReaders = map[string]func(*tfResource){
		"aws_security_group": (*tfResource).group, "aws_default_security_group": (*tfResource).group,
		"aws_vpc_security_group_vpc_association": (*tfResource).association,
		"aws_network_interface":                  (*tfResource).networkInterface,
		"aws_network_interface_sg_attachment":    (*tfResource).attachment,
		"aws_instance":                           (*tfResource).instance,
		"aws_ec2_managed_prefix_list":            func(r *tfResource) { r.prefixList("entry") },
		"aws_ec2_managed_prefix_list_entry":      (*tfResource).prefixListEntry,
		"aws_vpc":                                (*tfResource).vpc,
		"aws_default_vpc":                        (*tfResource).vpc,
		"aws_vpc_ipv4_cidr_block_association":    func(r *tfResource) { r.block("cidr_block", ipv4) },
		"aws_vpc_ipv6_cidr_block_association":    func(r *tfResource) { r.block("ipv6_cidr_block", ipv6) },
		"aws_subnet":                             (*tfResource).subnet,
		"aws_default_subnet":                     (*tfResource).subnet,
		"aws_vpc_peering_connection":             (*tfResource).peering,
		"aws_ec2_transit_gateway":                (*tfResource).gateway,
		"aws_ec2_transit_gateway_vpc_attachment": (*tfResource).gatewayAttachment,
	}
	dataReaders = map[string]func(*tfResource){
		"aws_ec2_managed_prefix_list":            func(r *tfResource) { r.prefixList("entries") },
		"aws_prefix_list":                        (*tfResource).servicePrefixList,
		"aws_vpc":                                (*tfResource).vpc,
		"aws_subnet":                             (*tfResource).subnet,
		"aws_ec2_transit_gateway":                (*tfResource).gateway,
		"aws_ec2_transit_gateway_vpc_attachment": (*tfResource).gatewayAttachment,
	}
)

// read hands every resource to the reader of its kind.
func (d *tfDoc) read() {
	d.removals()
	standalone := &cursor{} // the list of all rules that are resources of their own
	warned := make(map[string]bool)
	d.root.each(func(r *tfResource) bool {
		if !r.values.want(object) {
			return true
		}
		if d.own(r); d.clashes {
			return false
		}
		read := resourceReaders[r.kind]
		switch {
		case r.mode == "data":
			if read = dataReaders[r.kind]; read != nil {
				read(r)
			}
		case read != nil:
			read(r)
		case isRule(r.kind):
			r.rule(standalone)
		case strings.Contains(r.kind, "_network_acl"): // IN-29
			if !warned["acl"] {
				r.values.warn("", "left out: network ACLs are not simulated")
			}
			warned["acl"] = true
		default:
			r.other(warned)
		}
		return true
	})
}

// isRule reports whether a kind of resource is a rule.
func isRule(kind string) bool {
	switch kind {
	case "aws_security_group_rule", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule":
		return true
	}
	return false
}

// other warns of the first resource of each kind that gives groups to interfaces
// which Terraform does not tell, such as those of launch templates, balancers and
// databases.
func (r *tfResource) other(warned map[string]bool) {
	if !warned[r.kind] && (givesGroups(r.values) || r.module.doc.plan && givesGroups(r.config().field("expressions"))) {
		warned[r.kind] = true
		r.values.warn("", "has groups, but Terraform does not tell the interfaces of an %s: add describe-network-interfaces or interfaces by hand", r.kind)
	}
}

// givesGroups reports whether anything inside a value is called after security
// groups, and is not empty.
func givesGroups(c *cursor) bool {
	switch {
	case c.is(object):
		for m := range c.members() {
			if strings.Contains(m.key, "security_group") && m.there() && (!m.is(list) || m.filled()) && (!m.is(str) || m.raw() != "") && !m.is(boolean) || givesGroups(m) {
				return true
			}
		}
	case c.is(list):
		for item := range c.each() {
			if givesGroups(item) {
				return true
			}
		}
	}
	return false
}

// firstBlock goes to the first of a resource's blocks, if there are any.
func (r *tfResource) firstBlock(name string) *cursor {
	c := r.values.field(name)
	first := &cursor{src: c.src, up: c}
	if c.filled() && c.src.Kind(c.n+1) == object {
		first.n = c.n + 1
	}
	return first
}

// group reads a group and the rules inside it (IN-22).
func (r *tfResource) group() {
	g := r.module.doc.b.group(sg.GroupID(r.id()), r.values)
	g.whole = true
	if r.values.src.decides {
		g.decided = r.values
	}
	removed := r.module.doc.b.rules[g.ID]
	setDefault(&g.Name, r.values.field("name").str())
	setDefault(&g.Description, r.values.field("description").str())
	setDefault(&g.Account, sg.AccountID(r.values.field("owner_id").str()))
	if vpc, ok := r.oneID("vpc_id", wantVPC); ok {
		setDefault(&g.VPC, sg.VPCID(vpc))
	}
	r.inline(g, sg.Ingress, "ingress", removed)
	r.inline(g, sg.Egress, "egress", removed)
}

// inline reads the rules inside a group. A group without any of its own lists
// those of other resources as they were when the plan was made; removed are those
// which the plan takes away.
func (r *tfResource) inline(g *group, dir sg.Direction, attr string, removed map[identity]bool) {
	c := r.values.field(attr)
	if c.n == 0 {
		if r.unknown(attr) {
			c.warn("", "unknown until the plan is applied: rules are left out")
		}
		return
	}
	if r.module.doc.plan && r.expr(attr).there() {
		removed = nil
	}
	groups := r.newPeers(c, attr, "security_groups", wantGroup)
	lists := r.newPeers(c, attr, "prefix_list_ids", wantList)
	for item := range c.objects() {
		rules := tfRules{r: r, g: g, dir: dir, c: item, list: r.values, removed: removed}
		if !rules.traffic(tfInlineKeys) {
			continue
		}
		rules.cidrs("cidr_blocks", ipv4)
		rules.cidrs("ipv6_cidr_blocks", ipv6)
		for _, id := range lists.of(item.field("prefix_list_ids")) {
			rules.add(item.field("prefix_list_ids"), sg.FromPrefixList(sg.PrefixListID(id)))
		}
		ids := groups.of(item.field("security_groups"))
		if groups.alike {
			rules.rule.Description = "" // that may be another's
		}
		for _, id := range ids {
			rules.addGroup(item.field("security_groups"), id)
		}
		if self := item.field("self"); self.flag() {
			rules.add(self, sg.Self)
		}
		rules.atLeastOne()
	}
}

// A tfRules reads the rules of one Terraform rule, which may have many peers.
type tfRules struct {
	r       *tfResource
	g       *group
	dir     sg.Direction
	c       *cursor // the object with its fields
	list    *cursor // what it is part of
	rule    sg.Rule
	removed map[identity]bool
	out     *[]identity // where set, the rules go here and nowhere else
	peers   int
}

// traffic reads all but the peers. In a plan, ports may be unknown.
func (x *tfRules) traffic(keys ruleKeys) bool {
	if x.r.module.doc.plan {
		for _, key := range [...]string{keys.protocol, keys.from, keys.to} {
			if f := x.c.field(key); f.n == 0 {
				f.warn("", "unknown until the plan is applied: the rule is left out")
				return false
			}
		}
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
	id := identity{dir: x.dir, rule: rule.Canonical(x.g.ID)}
	switch {
	case x.out != nil:
		*x.out = append(*x.out, id)
	case !x.removed[id]:
		x.r.module.doc.b.listRule(x.g, x.dir, rule, at, x.list, false)
	}
}

func (x *tfRules) addGroup(at *cursor, id string) {
	if peer, ok := at.groupPeerOf(id); ok {
		x.add(at, peer)
	}
}

func (x *tfRules) cidrs(key string, f family) {
	c := x.c.field(key)
	if c.n == 0 && x.r.module.doc.plan {
		c.warn("", "unknown until the plan is applied: left out")
		x.peers++
	}
	for item := range c.each() {
		x.cidr(item, f)
	}
}

func (x *tfRules) cidr(c *cursor, f family) {
	if !c.there() && x.r.module.doc.plan {
		c.warn("", "unknown until the plan is applied: left out")
		x.peers++
		return
	}
	p, given, ok := c.prefix(f)
	x.peers++
	if !ok {
		return
	}
	x.peers--
	if given != p { // SG-45
		c.warn(codeParameter, "%s has host bits, which Terraform refuses: taken as %s", quote(c.raw()), p)
	}
	x.add(c, sg.Peer{CIDR: p})
}

// atLeastOne warns of a rule without any peer.
func (x *tfRules) atLeastOne() {
	if x.peers == 0 && !x.left() {
		x.c.warn("", "has no peer and so no rule")
	}
}

// left reports whether peers are missing because a warning said so already.
func (x *tfRules) left() bool {
	for _, key := range [...]string{"security_groups", "prefix_list_ids", "source_security_group_id", "referenced_security_group_id", "prefix_list_id", "cidr_ipv4", "cidr_ipv6"} {
		if x.r.module.doc.plan && !x.c.has(key) && (x.c != x.r.values || x.r.unknown(key)) {
			return true
		}
	}
	return false
}

// newPeers are the ids that rules inside a group refer to and that do not exist
// yet. The configuration tells them of all blocks together.
type newPeers struct {
	rules     int      // with ids that do not exist yet
	ids       []string // these, each of some rule
	ambiguous bool

	// Of several rules for the same traffic it does not matter which has which:
	// the first one takes all.
	alike, taken bool
}

func (r *tfResource) newPeers(c *cursor, attr, key string, want *wanted) newPeers {
	var n newPeers
	if !r.module.doc.plan {
		return n
	}
	known := make(map[string]bool)
	var last *cursor
	var traffic [3]string
	n.alike = true
	for item := range c.objects() {
		f := item.field(key)
		missing := f.n == 0
		for id := range f.each() {
			if !id.there() {
				missing = true
			} else {
				known[id.str()] = true
			}
		}
		if missing {
			t := [3]string{item.field("protocol").raw(), item.field("from_port").raw(), item.field("to_port").raw()}
			n.alike = n.alike && (n.rules == 0 || t == traffic)
			n.rules++
			last, traffic = f, t
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
	n.ambiguous, n.alike = several && !n.alike, several && n.alike
	return n
}

// of returns the ids of one rule. Where several rules refer to several new things,
// the plan does not tell which refers to which.
func (n *newPeers) of(c *cursor) []string {
	var out []string
	missing := c.n == 0 && n.rules > 0
	for item := range c.each() {
		if !item.there() {
			missing = missing || n.rules > 0
		} else if s, ok := item.need(); ok {
			out = addNew(out, s)
		}
	}
	switch {
	case !missing:
	case n.ambiguous:
		c.warn("", "left out: the plan does not tell which of its rules refers to which of %s; rules that are resources of their own, such as aws_vpc_security_group_ingress_rule, do",
			joinIDs(n.ids))
	case len(n.ids) == 0:
		c.warn("", "unknown until the plan is applied, and not to be told from the configuration: left out")
	case !n.taken:
		out = addNew(out, n.ids...)
		n.taken = n.alike
	}
	return out
}

// rule reads a rule that is a resource of its own (IN-24, IN-25).
func (r *tfResource) rule(list *cursor) {
	id, ok := r.requiredID("security_group_id", wantGroup)
	if !ok {
		return
	}
	g := r.module.doc.b.group(sg.GroupID(id), r.values)
	x := tfRules{r: r, g: g, c: r.values, list: list}
	x.standalone()
}

func (x *tfRules) standalone() {
	keys := tfRuleKeys
	switch x.r.kind {
	case "aws_vpc_security_group_ingress_rule":
		x.dir = sg.Ingress
	case "aws_vpc_security_group_egress_rule":
		x.dir = sg.Egress
	default:
		keys = tfInlineKeys
		switch f := x.c.field("type"); f.str() {
		case "ingress":
			x.dir = sg.Ingress
		case "egress":
			x.dir = sg.Egress
		default:
			f.fail("", "neither ingress nor egress")
			return
		}
	}
	if !x.traffic(keys) {
		return
	}
	id := x.c.field("security_group_rule_id").str()
	if keys == tfRuleKeys {
		x.rule.ID = sg.RuleID(id)
		x.onePeer()
		return
	}
	if x.countPeers() == 1 { // one id for several rules would name none
		x.rule.ID = sg.RuleID(id)
	}
	x.cidrsOf("cidr_blocks", ipv4)
	x.cidrsOf("ipv6_cidr_blocks", ipv6)
	for _, id := range x.r.ids("prefix_list_ids", wantList) {
		x.add(x.c.field("prefix_list_ids"), sg.FromPrefixList(sg.PrefixListID(id)))
	}
	if id, ok := x.r.oneID("source_security_group_id", wantGroup); ok {
		x.addGroup(x.c.field("source_security_group_id"), id)
	}
	if self := x.c.field("self"); self.flag() {
		x.add(self, sg.Self)
	}
	x.atLeastOne()
}

// cidrsOf is cidrs where an attribute may be left out of the configuration.
func (x *tfRules) cidrsOf(key string, f family) {
	if x.c.has(key) || x.r.unknown(key) {
		x.cidrs(key, f)
	}
}

func (x *tfRules) countPeers() int {
	n := 0
	for _, key := range [...]string{"cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids"} {
		for range x.c.field(key).each() {
			n++
		}
	}
	if c := x.c.field("source_security_group_id"); c.raw() != "" {
		n++
	}
	if x.c.field("self").flag() {
		n++
	}
	return n
}

// onePeer reads the peer of a rule that has one only.
func (x *tfRules) onePeer() {
	for _, key := range [...]string{"cidr_ipv4", "cidr_ipv6"} {
		c := x.c.field(key)
		switch {
		case x.r.unknown(key):
			c.warn("", "unknown until the plan is applied: the rule is left out")
			x.peers++
		case c.there():
			x.cidr(c, map[string]family{"cidr_ipv4": ipv4, "cidr_ipv6": ipv6}[key])
		}
	}
	if id, ok := x.r.oneID("prefix_list_id", wantList); ok {
		x.add(x.c.field("prefix_list_id"), sg.FromPrefixList(sg.PrefixListID(id)))
	}
	if id, ok := x.r.oneID("referenced_security_group_id", wantGroup); ok {
		x.addGroup(x.c.field("referenced_security_group_id"), id)
	}
	if x.peers > 1 {
		x.c.fail(codeParameter, "has several peers: such a rule has one")
	}
	if x.peers == 0 && !x.left() {
		x.c.fail(codeParameter, "has no peer: one of cidr_ipv4, cidr_ipv6, prefix_list_id, referenced_security_group_id")
	}
}

// removedRules gathers the rules of a resource that a plan deletes or changes, as they
// are now.
func (d *tfDoc) removedRules(kind string, before *cursor) {
	r := &tfResource{module: &tfModule{doc: &tfDoc{b: d.b}, config: &cursor{src: before.src}}, kind: kind, values: before}
	id := sg.GroupID(before.field("security_group_id").str())
	var rules []identity
	x := tfRules{r: r, g: &group{Group: sg.Group{ID: id}}, c: before, out: &rules}
	x.standalone()
	for _, rule := range rules {
		note(d.b.rules, id, rule)
	}
}

// association reads a further VPC of a group (IN-26).
func (r *tfResource) association() {
	id, ok := r.requiredID("security_group_id", wantGroup)
	vpc, okVPC := r.requiredID("vpc_id", wantVPC)
	if !ok || !okVPC {
		return
	}
	g := r.module.doc.b.group(sg.GroupID(id), r.values)
	if v := sg.VPCID(vpc); v != g.VPC {
		g.associations.add(&g.Associations, v)
	}
}
