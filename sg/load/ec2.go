package load

import (
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// Readers of groups and rules in the shapes of the AWS CLI (IN-01 to IN-05).

func (b *builder) securityGroups(c *cursor) {
	if ofInstance(c.up) {
		return
	}
	if c.filled() && c.src.ofOtherService(c.src.First(c.n)) {
		c.fail("", "groups as another service lists them, without their rules: %s", giveListings)
		return
	}
	for id, item := range b.items(c, "GroupId") {
		g := b.group(sg.Group{
			ID:          sg.GroupID(id),
			Name:        item.field("GroupName").str(),
			Description: item.field("Description").str(),
			VPC:         sg.VPCID(item.field("VpcId").str()),
			Account:     sg.AccountID(item.field("OwnerId").str()),
		}, item)
		g.whole, g.listings = true, append(g.listings, item)
		g.prefer(item)
		for perm := range item.field("IpPermissions").objects() {
			b.permission(g, sg.Ingress, perm, item)
		}
		for perm := range item.field("IpPermissionsEgress").objects() {
			b.permission(g, sg.Egress, perm, item)
		}
	}
}

// ofOtherService reports whether a group is listed in the way of EFS, RDS or
// ElastiCache.
func (s *source) ofOtherService(n uint32) bool {
	if s.Kind(n) != object {
		return s.Kind(n) == str
	}
	return s.Member(n, "GroupId") == 0 && s.Member(n, "SecurityGroupId")+s.Member(n, "VpcSecurityGroupId")+s.Member(n, "Status") > 0
}

// peerKeys are the keys of a rule's peers. An IpPermission has lists of objects; key
// leads to the peer if it is not the object itself. A rule of
// describe-security-group-rules has one peer.
var peerKeys = [...]struct {
	list, key, one string
	read           func(*builder, *group, *cursor) (sg.Peer, bool)
}{
	{"IpRanges", "CidrIp", "CidrIpv4", cidrPeer(ipv4)},
	{"Ipv6Ranges", "CidrIpv6", "CidrIpv6", cidrPeer(ipv6)},
	{"PrefixListIds", "PrefixListId", "PrefixListId", listPeer},
	{"UserIdGroupPairs", "", "ReferencedGroupInfo", (*builder).groupPair},
}

// permission reads one IpPermission, which makes one rule for each of its peers
// (IN-02, SG-50).
func (b *builder) permission(g *group, dir sg.Direction, c, listing *cursor) {
	r, ok := c.traffic(awsKeys)
	none := true // and no error so far
	for _, k := range peerKeys {
		peers := c.field(k.list)
		none = none && !peers.filled() && (!peers.there() || peers.is(list))
		for item := range peers.objects() {
			at := item
			if k.key != "" {
				at = item.field(k.key)
			}
			if peer, okPeer := k.read(b, g, at); ok && okPeer {
				r.Peer, r.Description = peer, item.field("Description").str()
				b.addRule(g, dir, r, item, listing, true)
			}
		}
	}
	if none {
		c.warn("", "has no peer and so no rule")
	}
}

// cidrPeer reads a peer that is a CIDR block. AWS clears host bits (SG-42), so a block
// with host bits was written by hand. They stay, for lint.Check to find.
func cidrPeer(f family) func(*builder, *group, *cursor) (sg.Peer, bool) {
	return func(_ *builder, _ *group, c *cursor) (sg.Peer, bool) {
		p, ok := c.block(f)
		return sg.Peer{CIDR: p}, ok
	}
}

func listPeer(_ *builder, _ *group, c *cursor) (sg.Peer, bool) {
	id, ok := c.need()
	return sg.FromPrefixList(sg.PrefixListID(id)), ok
}

// groupPair reads a UserIdGroupPair or a ReferencedGroupInfo (REF-20).
func (b *builder) groupPair(g *group, c *cursor) (sg.Peer, bool) {
	if !c.want(object) {
		return sg.Peer{}, false
	}
	at := c.field("GroupId")
	id, ok := at.need()
	if !ok {
		return sg.Peer{}, false
	}
	peer, ok := at.groupPeerOf(id)
	if !ok {
		return sg.Peer{}, false
	}
	setDefault(&peer.Account, sg.AccountID(c.field("UserId").str()))
	peer.Peering = sg.PeeringID(c.field("VpcPeeringConnectionId").str())
	remote, status := sg.VPCID(c.field("VpcId").str()), c.field("PeeringStatus").str()
	dead := status != "" && status != "active"
	if dead && peer.Peering == "" && remote != "" {
		peer.Peering = sg.PeeringID(status + "-with-" + string(remote)) // AWS no longer tells its id, which would begin with "pcx-"
	}
	own := g.VPC
	if own == "" && dead { // describe-security-group-rules does not tell it
		own = sg.VPCID("vpc of " + g.ID)
	}
	if peer.Peering != "" && own != "" && remote != "" {
		// Without describe-vpc-peering-connections nobody knows who requested the
		// peering.
		b.peering(sg.Peering{ID: peer.Peering, Requester: own, Accepter: remote, Status: status}, c, true)
	}
	return peer, true
}

// groupPeerOf reads "sg-id" and "account/sg-id" (REF-09, IN-23).
func (c *cursor) groupPeerOf(id string) (sg.Peer, bool) {
	peer := sg.FromGroup(sg.GroupID(id))
	if account, group, ok := strings.Cut(id, "/"); ok {
		peer = sg.Peer{Account: sg.AccountID(account), Group: sg.GroupID(group)}
	}
	if peer.Group == "" {
		c.fail(codeGroupID, "%s names no group", quote(id))
	}
	return peer, peer.Group != ""
}

func (b *builder) securityGroupRules(c *cursor) {
	whole := !c.up.has("Return") && !b.cut // authorize-security-group-ingress prints only what it added
	for item := range c.objects() {
		id, ok := item.field("GroupId").need()
		if _, gone := b.gone[id]; !ok || gone {
			continue
		}
		g := b.group(sg.Group{ID: sg.GroupID(id), Account: sg.AccountID(item.field("GroupOwnerId").str())}, item)
		g.whole = g.whole || whole
		g.prefer(item)
		dir, ok := item.direction("IsEgress")
		if !ok {
			continue
		}
		if len(g.listings) == 0 && whole {
			b.listed, b.listedDirs[dir-sg.Ingress] = c, true
		}
		r, okTraffic := item.traffic(awsKeys)
		peer, okPeer := b.rulePeer(g, item)
		if !okTraffic || !okPeer {
			continue
		}
		r.ID = sg.RuleID(item.field("SecurityGroupRuleId").str())
		r.Description = item.field("Description").str()
		r.Peer = peer
		b.addRule(g, dir, r, item, c, false)
	}
}

// direction reads whether a rule or an entry is for egress.
func (c *cursor) direction(key string) (sg.Direction, bool) {
	egress := c.field(key)
	switch {
	case !egress.there():
		egress.fail(codeMissingParam, "is missing: ingress or egress?")
		return 0, false
	case egress.flag():
		return sg.Egress, true
	}
	return sg.Ingress, egress.is(boolean)
}

// rulePeer reads the one peer of a rule (IN-04, SG-50).
func (b *builder) rulePeer(g *group, c *cursor) (sg.Peer, bool) {
	var there []string
	read := peerKeys[0].read
	for _, k := range peerKeys {
		if c.field(k.one).there() {
			there, read = append(there, k.one), k.read
		}
	}
	switch len(there) {
	case 0:
		c.fail(codeParameter, "has no peer: one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo")
	case 1:
		return read(b, g, c.field(there[0]))
	default:
		c.fail(codeParameter, "has both %s and %s: a rule has one peer", there[0], there[1])
	}
	return sg.Peer{}, false
}

// associations reads further VPCs of groups (IN-14, REF-18).
func (b *builder) associations(c *cursor) {
	b.associated = true
	for item := range c.objects() {
		id, ok := item.field("GroupId").need()
		vpc, okVPC := item.field("VpcId").need()
		g, state := b.groups.of[sg.GroupID(id)], item.field("State").str()
		switch {
		case !ok || !okVPC:
		case state != "" && state != "associated":
			item.warn("", "left out: the association is %q", clip(state))
		case b.removes(sg.GroupID(id), sg.VPCID(vpc)):
			item.warn("", "left out: the plan removes %s from %s", id, vpc)
		case g == nil:
			item.warn("", "left out: %s is in no input", id)
		default:
			g.associate(sg.VPCID(vpc))
		}
	}
}
