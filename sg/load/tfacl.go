package load

import "github.com/sgsim/sgsim/sg"

var (
	wantACL     = want("network ACL", "acl-", "", "aws_network_acl", "aws_default_network_acl")
	wantDefault = &target{wantVPC.text, wantVPC.kinds, []string{"default_network_acl_id"}, "", ""} // the VPC whose default ACL it is
)

// networkACL reads an ACL and the entries inside it (NACL-70, NACL-76).
func (r *tfResource) networkACL() {
	b := r.module.doc.b
	a := b.acl(sg.NetworkACL{
		ID: sg.NetworkACLID(r.id()), IsDefault: r.kind == "aws_default_network_acl", Name: r.nameTag(), VPC: r.aclVPC(),
	}, r.values)
	a.whole = true
	a.decided = a.decided || r.module.doc.plan
	weight := fromListing
	if r.module.doc.plan {
		weight = fromPlan
		if r.expr("subnet_ids").there() {
			weight = fromConfiguration
		}
	}
	ids, _ := r.ids("subnet_ids", wantSubnet)
	for _, id := range ids {
		if weight == fromConfiguration || !b.removes(sg.SubnetID(id), nil) {
			b.associate(sg.SubnetID(id), a.ID, weight, r.values)
		}
	}
	r.inlineEntries(a, sg.Ingress, "ingress")
	r.inlineEntries(a, sg.Egress, "egress")
}

// aclVPC returns the VPC of an ACL. For a default ACL that the plan makes, only the
// VPC whose default it is tells.
func (r *tfResource) aclVPC() sg.VPCID {
	if id := r.values.field("vpc_id").str(); id != "" {
		return sg.VPCID(id)
	}
	attr, want := "vpc_id", wantVPC
	if r.kind == "aws_default_network_acl" {
		attr, want = "default_network_acl_id", wantDefault
	}
	if ids := r.refersTo(attr, "", want).ids; len(ids) == 1 {
		return sg.VPCID(ids[0])
	}
	return ""
}

// inlineEntries reads the entries inside an ACL. An ACL without inline entries lists those
// of other resources as they were when the plan was made.
func (r *tfResource) inlineEntries(a *networkACL, dir sg.Direction, attr string) {
	c := r.values.field(attr)
	if r.unknown(attr) {
		c.warn("", "unknown until the plan is applied: entries of %s are left out, and what they decide", a.ID)
	}
	own := r.expr(attr).there()
	for item := range c.objects() {
		x := tfEntry(item, "rule_no", "action")
		if !r.known(&x) {
			continue
		}
		if e, ok := x.read(); ok && (own || !r.module.doc.b.removes(a.ID, entryKey{dir, e.Number})) {
			a.add(dir, e, item)
		}
	}
}

// known reports whether a plan tells all of an entry, and warns if it does not.
func (r *tfResource) known(x *entryReader) bool {
	if !r.module.doc.tells("the entry is left out, and what it decides", x.number, x.action, x.protocol) {
		return false
	}
	if r.module.doc.plan && x.cidr4.raw() == "" && x.cidr6.raw() == "" {
		x.c.warn("", "its CIDR block is unknown until the plan is applied: the entry is left out, and what it decides")
		return false
	}
	return true
}

// networkACLRule reads an entry that is a resource of its own (NACL-74).
func (r *tfResource) networkACLRule() {
	id, ok := r.aclIDOf("network_acl_id")
	if !ok {
		return
	}
	x, dir := ruleEntry(r.values)
	if !r.known(&x) {
		return
	}
	if e, ok := x.read(); ok {
		r.module.doc.b.acl(sg.NetworkACL{ID: id}, r.values).add(dir, e, r.values)
	}
}

// ruleEntry returns the fields of an aws_network_acl_rule, and its direction.
func ruleEntry(v *cursor) (entryReader, sg.Direction) {
	dir := sg.Ingress
	if v.field("egress").flag() {
		dir = sg.Egress
	}
	return tfEntry(v, "rule_number", "rule_action"), dir
}

// tfEntry returns the fields of an entry; number and action have two names each (IN-29).
func tfEntry(c *cursor, number, action string) entryReader {
	return entryReader{
		c: c, number: c.field(number), action: c.field(action), protocol: c.field("protocol"),
		cidr4: c.field("cidr_block"), cidr6: c.field("ipv6_cidr_block"),
		from: c.field("from_port"), to: c.field("to_port"), typ: c.field("icmp_type"), code: c.field("icmp_code"), zeroPorts: true,
	}
}

// aclIDOf returns the ACL that an attribute names, possibly as the default of a VPC.
func (r *tfResource) aclIDOf(attr string) (sg.NetworkACLID, bool) {
	if id := r.values.field(attr).str(); id != "" {
		return sg.NetworkACLID(id), true
	}
	ids := r.refersTo(attr, "", wantACL).ids
	if len(ids) == 1 {
		return sg.NetworkACLID(ids[0]), true
	}
	if vpcs := r.refersTo(attr, "", wantDefault).ids; len(ids) == 0 && len(vpcs) == 1 {
		v := r.module.doc.b.vpc(sg.VPC{ID: sg.VPCID(vpcs[0])}, r.values)
		setDefault(&v.defaultACL, sg.NetworkACLID("default of "+vpcs[0]))
		return v.defaultACL, true
	}
	r.values.field(attr).warn("", "unknown until the plan is applied, and the configuration does not tell: left out")
	return "", false
}

// networkACLAssociation reads which ACL a subnet has (NACL-78).
func (r *tfResource) networkACLAssociation() {
	id, ok := r.aclIDOf("network_acl_id")
	subnet, okSubnet := r.requiredID("subnet_id", wantSubnet)
	if !ok || !okSubnet {
		return
	}
	weight := fromListing
	if r.module.doc.plan {
		weight = fromConfiguration
	}
	b := r.module.doc.b
	b.acl(sg.NetworkACL{ID: id}, r.values)
	b.associate(sg.SubnetID(subnet), id, weight, r.values)
}
