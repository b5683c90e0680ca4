package load

import "github.com/sgsim/sgsim/sg"

// Transit gateways, whose security group referencing says whether ingress rules of one
// VPC may name groups of another (REF-11).

type gateway struct {
	sg.TransitGateway
	at *cursor
	of map[sg.VPCID]attachment
}

type attachment struct {
	index int // in Attachments
	at    *cursor
}

// gateway returns the transit gateway with an id.
func (b *builder) gateway(id string, at *cursor) *gateway {
	return once(b.gatewayOf, &b.gateways, id, gateway{TransitGateway: sg.TransitGateway{ID: id}, at: at, of: make(map[sg.VPCID]attachment)})
}

// attach adds an attachment of a VPC, and says whether groups may be named through it
// where referencing is not empty.
func (b *builder) attach(id string, vpc sg.VPCID, referencing string, c *cursor) {
	g := b.gateway(id, c)
	a, known := g.of[vpc]
	if !known {
		a = attachment{len(g.Attachments), c}
		g.of[vpc] = a
		g.Attachments = append(g.Attachments, sg.TransitGatewayAttachment{VPC: vpc})
	}
	b.option(&g.Attachments[a.index].Referencing, referencing, c, a.at)
	b.attached = true
}

// option sets an option, which the thing at first may have. What a plan says stands.
func (b *builder) option(old *string, said string, c, first *cursor) {
	if *old != "" && said != "" && *old != said && !first.src.decides {
		c.fail("", "security group referencing is %q here and %q at %s: "+giveNewer, clip(said), clip(*old), first.place())
	}
	setDefault(old, said)
}

func (b *builder) transitGateways(c *cursor) {
	for item := range c.objects() {
		id, ok := item.field("TransitGatewayId").need()
		if ok && !b.isGone(id, item) && inForce(item) {
			g := b.gateway(id, item)
			b.option(&g.Referencing, item.field("Options").field("SecurityGroupReferencingSupport").str(), item, g.at)
		}
	}
}

func (b *builder) gatewayAttachments(c *cursor) {
	b.attached = true
	for item := range c.objects() {
		id, ok := item.field("TransitGatewayId").need()
		vpc, okVPC := item.field("VpcId").need()
		if ok && okVPC && !b.isGone(item.field("TransitGatewayAttachmentId").str(), item) && inForce(item) {
			b.attach(id, sg.VPCID(vpc), item.field("Options").field("SecurityGroupReferencingSupport").str(), item)
		}
	}
}

// inForce reports whether the state of a transit gateway or an attachment is one in
// which it forwards.
func inForce(c *cursor) bool {
	switch c.field("State").str() {
	case "available", "modifying", "":
		return true
	}
	return false
}

// gateway reads a transit gateway, attachment one of its attachments to VPCs.
func (r *tfResource) gateway() {
	b := r.module.doc.b
	g := b.gateway(r.id(), r.values)
	b.option(&g.Referencing, r.values.field("security_group_referencing_support").str(), r.values, g.at)
}

func (r *tfResource) gatewayAttachment() {
	id, ok := r.requiredID("transit_gateway_id", wantGateway)
	vpc, okVPC := r.requiredID("vpc_id", wantVPC)
	if ok && okVPC {
		r.module.doc.b.attach(id, sg.VPCID(vpc), r.values.field("security_group_referencing_support").str(), r.values)
	}
}
