package load

import (
	"cmp"
	"net/netip"

	"github.com/sgsim/sgsim/sg"
)

// networkInterface reads an interface (IN-27), or the one that EFS makes for a mount target.
func (r *tfResource) networkInterface() {
	e := r.eni()
	r.prefixes(e, "ipv4_prefixes", ipv4)
	r.prefixes(e, "ipv6_prefixes", ipv6)
	e.byDefault = !r.groups(e, "security_groups") && r.computed("security_groups")
	r.finish(e)
}

// eni returns the interface that a resource makes, with what describe reads.
func (r *tfResource) eni() *eni {
	id := sg.ENIID(r.eniID())
	e := r.module.doc.b.eni(id, r.values)
	if r.overruled(e) {
		e = &eni{ENI: sg.ENI{ID: id}} // only to be compared
	}
	if r.values.src.decides {
		e.decided = r.values
	} else {
		e.listed, e.stated = r.values, true
	}
	e.exists = !r.isNew()
	r.describe(e)
	if id, ok := r.oneID("subnet_id", wantSubnet); ok {
		setDefault(&e.Subnet, sg.SubnetID(id))
	}
	if check := r.values.field("source_dest_check"); check.there() {
		e.NoSourceDestCheck = !check.flag()
		e.checkDecided = r.module.doc.plan
	}
	return e
}

// describe reads what resources and data sources say alike about an interface, or about
// an instance and its primary one.
func (r *tfResource) describe(e *eni) {
	v, attached := r.values, r.firstBlock("attachment")
	setDefault(&e.Name, r.nameTag())
	setDefault(&e.Name, v.field("description").str())
	setDefault(&e.Account, sg.AccountID(v.field("owner_id").str()))
	setDefault(&e.Type, v.field("interface_type").str())
	setDefault(&e.Instance, sg.InstanceID(cmp.Or(attached.field("instance").str(), attached.field("instance_id").str())))
	if r.kind == "aws_instance" {
		setDefault(&e.Instance, sg.InstanceID(r.id()))
		r.module.doc.b.typeOf[e.Instance] = v.field("instance_type").str()
	}
	for _, public := range [...]*cursor{v.field("public_ip"), r.firstBlock("association").field("public_ip")} {
		if public.raw() != "" {
			e.addPublic(public)
		}
	}
	r.addrs(e)
	r.counted(e)
}

// groups adds the groups that an attribute names, and reports whether it names any. If the
// configuration does not set it, those that other resources attached are as they were.
func (r *tfResource) groups(e *eni, attr string) bool {
	ids, unresolved := r.ids(attr, wantGroup)
	own := r.expr(attr).there()
	for _, id := range ids {
		if own || !r.module.doc.b.removes(e.ID, sg.GroupID(id)) {
			e.addGroups(sg.GroupID(id))
		}
	}
	e.unresolved = unresolved
	return len(ids) > 0 || unresolved != ""
}

func (r *tfResource) nameTag() string { return r.values.field("tags").field("Name").str() }

// overruled reports whether a preferred listing decides about an interface.
func (r *tfResource) overruled(e *eni) bool {
	return e.decided != nil && e.decided.src != r.values.src && e.decided.src.preferred
}

// finish ends the reading of an interface. If a listing decides about it, finish adds
// only what the listing does not tell.
func (r *tfResource) finish(e *eni) {
	old := r.module.doc.b.enis.of[e.ID]
	if old == e {
		return
	}
	if what := old.differs(e); what != "" {
		r.values.warnDecided(old, what)
	}
	e.Addrs, e.Prefixes, e.Groups = nil, nil, nil
	old.merge(&e.ENI)
}

// addrs reads addresses from attributes that hold one or many. A resource has some of them.
func (r *tfResource) addrs(e *eni) {
	keeps := false
	one := func(c *cursor) {
		if c.is(str) && c.raw() == "" {
			return // none
		}
		if _, ok := c.need(); ok {
			e.addAddr(c)
		}
		if a, ok := c.addr(); ok && keeps {
			e.kept = append(e.kept, a)
		}
	}
	for _, attr := range [...]string{"private_ip", "ip_address", "private_ip_list", "private_ips", "secondary_private_ips", "ipv6_address_list", "ipv6_addresses"} {
		from := r.values
		if keeps = r.computed(attr); keeps {
			e.undecided = true
			if from = r.module.doc.replaced[r.address]; from == nil || from.field("subnet_id").text() != r.values.field("subnet_id").text() {
				continue
			} // else AWS chooses another
		}
		switch c := from.field(attr); {
		case !c.there():
		case !c.is(list):
			one(c)
		default:
			for item := range c.each() {
				if !item.there() && r.module.doc.plan {
					e.undecided = true
					continue
				}
				one(item)
			}
		}
	}
}

// counted warns about addresses of which the configuration gives only the number.
func (r *tfResource) counted(e *eni) {
	for _, count := range [...]struct{ attr, addrs string }{
		{"private_ips_count", "private_ips"}, {"ipv6_address_count", "ipv6_addresses"},
		{"ipv4_prefix_count", "ipv4_prefixes"}, {"ipv6_prefix_count", "ipv6_prefixes"},
	} {
		if !r.computed(count.addrs) {
			continue
		}
		c := r.values.field(count.attr)
		if n, ok := c.integer(); ok && n > 0 {
			c.warn("", "AWS chooses these when the plan is applied: until then they are missing, unless they are given by hand, id=%s,addr=...", e.ID)
		}
	}
}

func (r *tfResource) prefixes(e *eni, attr string, f family) {
	for item := range r.values.field(attr).each() {
		if !item.there() && r.module.doc.plan {
			item.warn("", "unknown until the plan is applied: left out")
			continue
		}
		if p, ok := item.prefix(f); ok {
			e.addPrefixes(p)
		}
	}
}

// attachment reads a group attached to an interface by a separate resource.
func (r *tfResource) attachment() {
	if id, g, ok := r.requiredIDs("network_interface_id", wantENI, "security_group_id", wantGroup); ok {
		if e := r.module.doc.b.eni(sg.ENIID(id), r.values); !r.overruled(e) {
			e.addGroups(sg.GroupID(g))
		}
	}
}

// instance reads the primary interface of an instance. If the configuration gives
// it an interface that is a resource of its own, that resource has the addresses
// and groups.
func (r *tfResource) instance() {
	e := r.eni()
	if !r.groups(e, "vpc_security_group_ids") { // groups of the default VPC may be given by name
		names, unresolved := r.ids("security_groups", wantNamed)
		e.named = append(e.named, names...)
		e.unresolved = unresolved
		own := string(e.ID) != r.newID() || r.firstBlock("primary_network_interface").there() || r.firstBlock("network_interface").there()
		switch {
		case own || len(names) > 0 || unresolved != "" || !r.computed("vpc_security_group_ids"):
		case r.values.field("launch_template").filled():
			e.unresolved = "launch template of " + r.address
			r.values.warn("", "its launch template may give it groups, which a plan does not tell: what it admits is unknown")
		default:
			e.byDefault = true
		}
	}
	r.finish(e)
}

// readLater leaves the data source of an interface, or of an instance, for the end.
func (r *tfResource) readLater() { r.module.doc.later = append(r.module.doc.later, r) }

// foundENI reads the data source of an interface, or of the primary interface of an instance,
// as a listing. Where a resource or another listing has the interface, it adds nothing.
func (r *tfResource) foundENI() {
	b, v := r.module.doc.b, r.values
	id, groups := "id", "security_groups"
	if r.kind == "aws_instance" {
		id, groups = "network_interface_id", "vpc_security_group_ids"
	}
	e := eni{ENI: sg.ENI{ID: sg.ENIID(v.field(id).text()), VPC: sg.VPCID(v.field("vpc_id").text()), Subnet: sg.SubnetID(v.field("subnet_id").text())}}
	if old := b.enis.of[e.ID]; e.ID == "" || old != nil && (old.decided != nil || old.listed != nil) {
		return
	}
	r.describe(&e)
	r.groups(&e, groups)
	b.listENI(&e, v)
}

// eniID returns the id of the interface that a resource is, or makes: the primary one of an
// instance. If it does not exist yet and is not a resource of its own, the resource's id
// stands in.
func (r *tfResource) eniID() string {
	if id := idOf(r.kind, r.values); id != "" {
		return id
	}
	for _, block := range [...]string{"primary_network_interface", "network_interface"} {
		c := r.firstBlock(block)
		if !c.there() {
			continue
		}
		if ids, _ := r.idsAt(c.field("network_interface_id"), block, "network_interface_id", wantOwnENI); len(ids) > 0 {
			return ids[0]
		}
	}
	return r.newID()
}

// prefixList reads a prefix list (IN-28); a data source has another name for the
// entries.
func (r *tfResource) prefixList(entries string) {
	b := r.module.doc.b
	l := b.describeList(r.id(), r.values, "name", "owner_id", "address_family", "max_entries")
	l.decided = r.module.doc.plan && r.mode == "managed"
	c := r.values.field(entries)
	l.complete = l.complete || r.mode == "managed" || c.there()
	if r.unknown(entries) {
		c.warn("", "unknown until the plan is applied: entries are left out")
		l.lacking = true
	}
	for item := range c.objects() {
		// A list without inline entries shows those that are separate resources as they
		// were.
		if p, err := netip.ParsePrefix(item.field("cidr").str()); err != nil || !b.removes(l.ID, p) || r.expr(entries).there() {
			r.entry(l, item)
		}
	}
}

func (r *tfResource) entry(l *prefixList, c *cursor) {
	cidr := c.field("cidr")
	if !r.module.doc.tells("left out", cidr) {
		l.lacking = true
	} else if p, ok := cidr.prefix(anyFamily); ok {
		l.add(sg.PrefixListEntry{CIDR: p, Description: c.field("description").str()}, c)
	}
}

func (r *tfResource) prefixListEntry() {
	if id, ok := r.requiredID("prefix_list_id", wantList); ok {
		r.entry(r.module.doc.b.list(sg.PrefixList{ID: sg.PrefixListID(id)}, r.values), r.values)
	}
}

// serviceList reads the prefix list of a gateway endpoint, whose id and name have these
// attributes.
func (r *tfResource) serviceList(id, name string) {
	b, v := r.module.doc.b, r.values
	if id := v.field(id).text(); id != "" {
		b.serviceCIDRs(b.list(sg.PrefixList{ID: sg.PrefixListID(id), Name: v.field(name).text()}, v), v.field("cidr_blocks"))
	}
}

func (r *tfResource) vpc() {
	v := r.module.doc.b.vpc(sg.VPC{
		ID:      sg.VPCID(r.id()),
		Account: sg.AccountID(r.values.field("owner_id").str()),
		Default: r.kind == "aws_default_vpc" || r.values.field("default").flag(),
		CIDRs:   r.blocks(),
	}, r.values)
	v.planned = v.planned || (r.module.doc.plan || r.module.doc.prior) && r.mode == "managed"
	v.fresh = v.fresh || v.planned && r.kind == "aws_vpc" && r.isNew()
	generated := r.values.field("assign_generated_ipv6_cidr_block")
	v.dualStack = v.dualStack || generated.flag() || r.unknown("ipv6_cidr_block")
	setDefault(&v.defaultACL, sg.NetworkACLID(r.values.field("default_network_acl_id").str()))
}

func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() }

// blocks reads the CIDR blocks of a VPC or subnet. Those that AWS has yet to
// choose give a warning if nothing else tells them.
func (r *tfResource) blocks() []netip.Prefix {
	var out []netip.Prefix
	for _, b := range [...]struct {
		attr string
		f    family
	}{{"cidr_block", ipv4}, {"ipv6_cidr_block", ipv6}} {
		c := r.values.field(b.attr)
		if r.unknown(b.attr) {
			c.warn("", "unknown until the plan is applied: left out")
		}
		if c.str() != "" {
			if p, ok := c.prefix(b.f); ok {
				out = append(out, p)
			}
		}
	}
	return out
}

// block reads a further CIDR block of a VPC.
func (r *tfResource) block(attr string, f family) {
	id, ok := r.requiredID("vpc_id", wantVPC)
	if !ok || r.computed(attr) {
		return
	}
	if p, ok := r.values.field(attr).prefix(f); ok {
		r.module.doc.b.vpc(sg.VPC{ID: sg.VPCID(id), CIDRs: []netip.Prefix{p}}, r.values)
	}
}

func (r *tfResource) subnet() {
	if vpc, ok := r.requiredID("vpc_id", wantVPC); ok {
		r.module.doc.b.vpc(sg.VPC{ID: sg.VPCID(vpc), Subnets: []sg.Subnet{{ID: sg.SubnetID(r.id()), CIDRs: r.blocks()}}}, r.values)
	}
}
