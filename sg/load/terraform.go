package load

import (
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// resourceReaders read resources by their kinds, and data sources (IN-22 to IN-29). Data
// sources of groups have no rules.
var resourceReaders = map[string]func(*tfResource){
	"aws_security_group":                              (*tfResource).group,
	"aws_default_security_group":                      (*tfResource).group,
	"aws_security_group_rule":                         (*tfResource).rule,
	"aws_vpc_security_group_ingress_rule":             (*tfResource).rule,
	"aws_vpc_security_group_egress_rule":              (*tfResource).rule,
	"aws_vpc_security_group_vpc_association":          (*tfResource).association,
	"aws_network_interface":                           (*tfResource).networkInterface,
	"aws_network_interface_sg_attachment":             (*tfResource).attachment,
	"aws_instance":                                    (*tfResource).instance,
	"aws_efs_mount_target":                            (*tfResource).networkInterface,
	"aws_ec2_managed_prefix_list":                     func(r *tfResource) { r.prefixList("entry") },
	"aws_ec2_managed_prefix_list_entry":               (*tfResource).prefixListEntry,
	"aws_vpc":                                         (*tfResource).vpc,
	"aws_default_vpc":                                 (*tfResource).vpc,
	"aws_vpc_ipv4_cidr_block_association":             func(r *tfResource) { r.block("cidr_block", ipv4) },
	"aws_vpc_ipv6_cidr_block_association":             func(r *tfResource) { r.block("ipv6_cidr_block", ipv6) },
	"aws_network_acl":                                 (*tfResource).networkACL, // IN-29
	"aws_default_network_acl":                         (*tfResource).networkACL,
	"aws_network_acl_rule":                            (*tfResource).networkACLRule,
	"aws_network_acl_association":                     (*tfResource).networkACLAssociation,
	"aws_subnet":                                      (*tfResource).subnet,
	"aws_default_subnet":                              (*tfResource).subnet,
	"aws_vpc_endpoint":                                func(r *tfResource) { r.serviceList("prefix_list_id", "service_name"); r.other() },
	"aws_vpc_peering_connection":                      (*tfResource).peering,
	"aws_vpc_peering_connection_accepter":             (*tfResource).accepter,
	"aws_ec2_transit_gateway":                         (*tfResource).gateway,
	"aws_ec2_transit_gateway_vpc_attachment":          (*tfResource).gatewayAttachment,
	"aws_ec2_transit_gateway_vpc_attachment_accepter": (*tfResource).attachmentAccepter,

	"data.aws_network_interface":                  (*tfResource).readLater,
	"data.aws_instance":                           (*tfResource).readLater,
	"data.aws_ec2_managed_prefix_list":            func(r *tfResource) { r.prefixList("entries") },
	"data.aws_prefix_list":                        func(r *tfResource) { r.serviceList("id", "name") },
	"data.aws_vpc_endpoint":                       func(r *tfResource) { r.serviceList("prefix_list_id", "service_name") },
	"data.aws_vpc":                                (*tfResource).vpc,
	"data.aws_subnet":                             (*tfResource).subnet,
	"data.aws_vpc_peering_connection":             (*tfResource).accepter,
	"data.aws_ec2_transit_gateway":                (*tfResource).gateway,
	"data.aws_ec2_transit_gateway_vpc_attachment": (*tfResource).gatewayAttachment,
}

// read hands every resource to the reader of its kind.
func (d *tfDoc) read() {
	d.b.planning = d.format.src.decides
	defer func() { d.b.planning = false }()
	for r := range d.root.all {
		if !r.values.want(object) {
			continue
		}
		if d.claim(r); d.clashes {
			break
		}
		if read := resourceReaders[r.fullKind()]; read != nil {
			read(r)
		} else if r.mode != "data" {
			r.other()
		}
	}
	for _, r := range d.later {
		r.foundENI()
	}
	if d.plan {
		d.deferredRules()
	}
}

// other warns about the first resource of each kind that gives groups to
// interfaces unknown to Terraform, such as those of launch templates, load
// balancers and databases.
func (r *tfResource) other() {
	if !strings.HasPrefix(r.kind, "aws") || r.kind == "aws_vpc_security_group_rules_exclusive" {
		return // it names groups, and gives them to nothing
	}
	d := r.module.doc
	if !d.warned[r.kind] && (givesGroups(r.values) || d.plan && givesGroups(r.config().field("expressions"))) {
		d.warned[r.kind] = true
		r.values.warn("", "has groups, but Terraform does not tell the interfaces of an %s: add describe-network-interfaces or interfaces by hand", r.kind)
	}
}

// givesGroups reports whether a value contains a non-empty field named after
// security groups.
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
	if c.filled() && c.src.Kind(c.src.First(c.n)) == object {
		first.n = c.src.First(c.n)
	}
	return first
}

// group reads a group and the rules inside it (IN-22).
func (r *tfResource) group() {
	g := r.module.doc.b.group(sg.Group{
		ID:          sg.GroupID(r.id()),
		Name:        r.values.field("name").str(),
		Description: r.values.field("description").str(),
		Account:     sg.AccountID(r.values.field("owner_id").str()),
	}, r.values)
	g.whole, g.standard = true, r.kind == "aws_default_security_group"
	if r.values.src.decides {
		g.decided = r.values
	}
	if vpc, ok := r.oneID("vpc_id", wantVPC); ok {
		setDefault(&g.VPC, sg.VPCID(vpc))
	}
	r.inline(g, sg.Ingress, "ingress")
	r.inline(g, sg.Egress, "egress")
}

// inline reads the rules inside a group. A group without inline rules lists those of
// other resources as they were when the plan was made, including those that the plan
// removes.
func (r *tfResource) inline(g *group, dir sg.Direction, attr string) {
	c := r.values.field(attr)
	if c.n == 0 {
		if r.unknown(attr) {
			c.warn("", "unknown until the plan is applied: rules are left out")
			g.lacking = true
		}
		return
	}
	own := r.module.doc.plan && r.expr(attr).there()
	groups := r.newPeers(g, c, attr, "security_groups", wantGroup)
	lists := r.newPeers(g, c, attr, "prefix_list_ids", wantList)
	for item := range c.objects() {
		x := tfRules{r: r, g: g, dir: dir, c: item}
		if !x.traffic(tfInlineKeys) {
			continue
		}
		x.cidrs("cidr_blocks", ipv4)
		x.cidrs("ipv6_cidr_blocks", ipv6)
		x.addIDs("prefix_list_ids", wantList, lists.of(item.field("prefix_list_ids"))...)
		ids := groups.of(item.field("security_groups"))
		if groups.alike {
			x.rule.Description = "" // that may be another rule's
		}
		x.addIDs("security_groups", wantGroup, ids...)
		x.addSelf()
		x.list(r.values, own)
	}
}

// association reads a further VPC of a group (IN-26).
func (r *tfResource) association() {
	if id, vpc, ok := r.requiredIDs("security_group_id", wantGroup, "vpc_id", wantVPC); ok {
		r.module.doc.b.group(sg.Group{ID: sg.GroupID(id)}, r.values).associate(sg.VPCID(vpc))
	}
}
