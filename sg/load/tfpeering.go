package load

import (
	"cmp"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// peering reads a peering. A new one is active once both sides agree; auto_accept
// says that this side does.
func (r *tfResource) peering() {
	vpc, peer, ok := r.requiredIDs("vpc_id", wantVPC, "peer_vpc_id", wantVPC)
	if !ok {
		return
	}
	status := r.values.field("accept_status").str()
	if status == "" && !r.values.field("auto_accept").flag() {
		r.values.warn("", "taken to be active once the plan is applied, though %s has to accept it", peer)
	}
	r.addPeering(vpc, peer, cmp.Or(status, "active"))
}

// accepter reads the side of a peering that accepts it, or a data source, where AWS
// told both ends.
func (r *tfResource) accepter() {
	vpc, peer := r.values.field("vpc_id").str(), r.values.field("peer_vpc_id").str()
	status := cmp.Or(r.values.field("accept_status").str(), r.values.field("status").str())
	if r.module.doc.plan && r.values.field("auto_accept").flag() {
		status = "active"
	}
	id := cmp.Or(r.values.field("vpc_peering_connection_id").str(), r.values.field("id").str())
	old := r.module.doc.b.peerings.of[sg.PeeringID(id)]
	switch _, gone := r.module.doc.b.gone[id]; {
	case gone: // the peering that it is about
	case old != nil && status == "active": // the other side may have been read before that
		old.Status = status
	case old == nil && id != "" && vpc != "" && peer != "" && status != "":
		r.addPeering(vpc, peer, status)
	}
}

func (r *tfResource) addPeering(vpc, peer, status string) {
	p := sg.Peering{ID: sg.PeeringID(r.id()), Requester: sg.VPCID(vpc), Accepter: sg.VPCID(peer), Status: status}
	if peer := r.values.field("peer_region").str(); peer != "" && r.kind == "aws_vpc_peering_connection" { // to the accepter it is its own
		p.RequesterRegion, p.AccepterRegion = r.regionOf(vpc, peer), peer
	}
	r.module.doc.b.peering(p, r.values, false)
}

// regionOf returns the Region of a peering's own VPC. The peer's is written where it is
// another (REF-10), and after the first refresh in any case.
func (r *tfResource) regionOf(vpc, peer string) string {
	d := r.module.doc
	if region := cmp.Or(r.values.field("region").str(), d.regionOfVPC(vpc), r.providerRegion()); region != "" {
		return region
	}
	if d.plan && r.mode == "managed" && r.config().there() && !r.expr("peer_region").there() {
		return peer // it was AWS that wrote it
	}
	return "not " + peer
}

// regionOfVPC returns the Region that the ARN of a VPC, or of something in it, tells.
func (d *tfDoc) regionOfVPC(vpc string) string {
	if d.regions == nil {
		d.regions = make(map[string]string)
		for r := range d.root.all {
			parts := strings.Split(r.values.field("arn").text(), ":")
			if len(parts) < 6 || parts[2] != "ec2" {
				continue
			}
			of := r.values.field("vpc_id").text()
			if r.kind == "aws_vpc" || r.kind == "aws_default_vpc" {
				of = r.values.field("id").text()
			}
			d.regions[of] = parts[3]
		}
	}
	return d.regions[vpc]
}

// providerRegion returns the Region that the configuration gives the resource's provider,
// "" where it does not tell.
func (r *tfResource) providerRegion() string {
	d := r.module.doc
	if !d.plan || d.format == nil {
		return ""
	}
	key := r.config().field("provider_config_key").str()
	providers := d.format.up.field("configuration").field("provider_config")
	if i := strings.LastIndexByte(key, ':'); i >= 0 && !providers.has(key) {
		key = key[i+1:] // a module's, which has it from its caller
	}
	region := providers.field(key).field("expressions").field("region")
	if constant := region.field("constant_value"); constant.there() {
		return constant.text()
	}
	for ref := range region.field("references").each() {
		if steps := parseRef(ref.text()); len(steps) == 2 && steps[0].name == "var" {
			return d.vars.field(steps[1].name).field("value").text()
		}
	}
	return ""
}
