package load

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// Transit gateways, whose security group referencing says whether ingress rules of one
// VPC may name groups of another (REF-11).

type gateway struct {
	sg.TransitGateway
	origin
	attachments registry[sg.VPCID, *piece[sg.TransitGatewayAttachment]]
}

// gateway adds what a place says about a transit gateway and its attachments.
func (b *builder) gateway(p sg.TransitGateway, c *cursor) {
	g := b.gateways.get(p.ID, &gateway{TransitGateway: sg.TransitGateway{ID: p.ID}, origin: origin{c}})
	b.option(&g.Referencing, p.Referencing, c, g.at)
	for _, in := range p.Attachments {
		a := g.attachments.get(in.VPC, &piece[sg.TransitGatewayAttachment]{sg.TransitGatewayAttachment{VPC: in.VPC}, origin{c}})
		b.option(&a.value.Referencing, in.Referencing, c, a.at)
		b.attached = true
	}
}

// attach adds an attachment of a VPC to a transit gateway.
func (b *builder) attach(id, vpc, referencing string, c *cursor) {
	b.gateway(sg.TransitGateway{ID: id, Attachments: []sg.TransitGatewayAttachment{{VPC: sg.VPCID(vpc), Referencing: referencing}}}, c)
}

// attachUnlisted adds attachments that may be there, without saying whether they have
// referencing on: of VPCs of accounts that list no attachment, to all gateways. AWS lists
// for an account its own attachments and those to its own gateways.
func (b *builder) attachUnlisted() {
	accountOf := make(map[sg.VPCID]sg.AccountID)
	for _, v := range b.vpcs.all {
		accountOf[v.ID] = v.Account
	}
	for _, g := range b.groups.all { // mostly of the account of their VPC
		accountOf[g.VPC] = cmp.Or(accountOf[g.VPC], g.Account)
	}
	delete(accountOf, "")
	lists := map[sg.AccountID]bool{"": true} // of these nothing can be said
	for _, g := range b.gateways.all {
		for _, a := range g.attachments.all {
			lists[accountOf[a.value.VPC]] = true
		}
	}
	maps.DeleteFunc(accountOf, func(_ sg.VPCID, a sg.AccountID) bool { return lists[a] })
	switch {
	case len(lists) == 1:
		return
	case len(accountOf)*len(b.gateways.all) > mostUnlisted:
		b.gateways.all[0].at.warn("", "%d VPCs of other accounts may be attached to %d transit gateways: too many, so none is taken to be", len(accountOf), len(b.gateways.all))
		return
	}
	for _, vpc := range slices.Sorted(maps.Keys(accountOf)) {
		for _, g := range b.gateways.all {
			g.attachments.get(vpc, &piece[sg.TransitGatewayAttachment]{sg.TransitGatewayAttachment{VPC: vpc}, g.origin})
		}
	}
}

// mostUnlisted bounds the attachments that may be there, far beyond what accounts hold.
const mostUnlisted = 100_000

// option sets an option if it has no value yet. A different value is an error, unless
// the one from first, a plan or a preferred input, stands.
func (b *builder) option(old *string, value string, c, first *cursor) {
	if *old != "" && value != "" && *old != value && !first.src.decides {
		c.fail("", "security group referencing is %q here and %q at %s: "+giveNewer, clip(value), clip(*old), first.place())
	}
	setDefault(old, value)
}

func (b *builder) transitGateways(c *cursor) {
	for id, item := range b.items(c, "TransitGatewayId") {
		if inForce(item) {
			b.gateway(sg.TransitGateway{ID: id, Referencing: item.field("Options").field("SecurityGroupReferencingSupport").str()}, item)
		}
	}
}

func (b *builder) gatewayAttachments(c *cursor) {
	b.attached = true
	for item := range c.objects() {
		id, ok := item.field("TransitGatewayId").need()
		vpc, okVPC := item.field("VpcId").need()
		if ok && okVPC && !b.isGone(item.field("TransitGatewayAttachmentId").str(), item) && inForce(item) {
			b.attach(id, vpc, item.field("Options").field("SecurityGroupReferencingSupport").str(), item)
		}
	}
}

// inForce reports whether a transit gateway or an attachment forwards in this
// state.
func inForce(c *cursor) bool {
	switch c.field("State").str() {
	case "available", "modifying", "":
		return true
	}
	return false
}

// gateway reads a transit gateway, attachment one of its attachments to VPCs.
func (r *tfResource) gateway() {
	r.module.doc.b.gateway(sg.TransitGateway{ID: r.id(), Referencing: r.values.field("security_group_referencing_support").str()}, r.values)
}

// attachmentAccepter reads an attachment from the side that accepts it. A plan tells the
// VPC only of one that is accepted already.
func (r *tfResource) attachmentAccepter() {
	if !r.computed("vpc_id") && !r.computed("transit_gateway_id") {
		r.gatewayAttachment()
	}
}

func (r *tfResource) gatewayAttachment() {
	if id, vpc, ok := r.requiredIDs("transit_gateway_id", wantGateway, "vpc_id", wantVPC); ok {
		r.module.doc.b.attach(id, vpc, r.values.field("security_group_referencing_support").str(), r.values)
	}
}
