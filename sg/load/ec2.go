package load

import (
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// Readers of groups and rules in the shapes of the AWS CLI (IN-01 to IN-05).

func (b *builder) securityGroups(c *cursor) {
	if c.filled() && c.src.ofOtherService(c.n+1) {
		c.fail("", "groups as another service lists them, without their rules: %s", giveListings)
		return
	}
	for item := range c.objects() {
		id, ok := item.field("GroupId").need()
		if !ok || b.isGone(id, item) {
			continue
		}
		g := b.group(sg.GroupID(id), item)
		g.whole, g.listings = true, append(g.listings, item)
		g.prefer(item)
		setDefault(&g.Name, item.field("GroupName").str())
		setDefault(&g.Description, item.field("Description").str())
		setDefault(&g.VPC, sg.VPCID(item.field("VpcId").str()))
		setDefault(&g.Account, sg.AccountID(item.field("OwnerId").str()))
		for perm := range item.field("IpPermissions").objects() {
			b.permission(g, sg.Ingress, perm, item)
		}
		for perm := range item.field("IpPermissionsEgress").objects() {
			b.permission(g, sg.Egress, perm, item)
		}
	}
}

// ofOtherService reports whether a group is listed as EFS, RDS or ElastiCache do.
func (s *source) ofOtherService(n uint32) bool {
	if s.Kind(n) != object {
		return s.Kind(n) == str
	}
	return s.Member(n, "GroupId") == 0 && s.Member(n, "SecurityGroupId")+s.Member(n, "VpcSecurityGroupId")+s.Member(n, "Status") > 0
}

// permission reads one IpPermission, which is a rule for each of its peers (IN-02,
// SG-50).
func (b *builder) permission(g *group, dir sg.Direction, c, list *cursor) {
	r, ok := c.traffic(awsKeys)
	peers := 0
	add := func(at *cursor, peer sg.Peer, peerOK bool) {
		peers++
		if ok && peerOK {
			r.Peer, r.Description = peer, at.field("Description").str()
			b.listRule(g, dir, r, at, list, true)
		}
	}
	for item := range c.field("IpRanges").objects() {
		p, ok := item.cidr("CidrIp", ipv4)
		add(item, p, ok)
	}
	for item := range c.field("Ipv6Ranges").objects() {
		p, ok := item.cidr("CidrIpv6", ipv6)
		add(item, p, ok)
	}
	for item := range c.field("PrefixListIds").objects() {
		id, ok := item.field("PrefixListId").need()
		add(item, sg.FromPrefixList(sg.PrefixListID(id)), ok)
	}
	for item := range c.field("UserIdGroupPairs").objects() {
		p, ok := b.groupPair(g, item)
		add(item, p, ok)
	}
	if peers == 0 && !c.hasWrongPeers() {
		c.warn("", "has no peer and so no rule")
	}
}

// hasWrongPeers reports whether a list of peers held what is no peer: that is an
// error already.
func (c *cursor) hasWrongPeers() bool {
	for _, key := range [...]string{"IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"} {
		if v := c.field(key); v.filled() || v.there() && !v.is(list) {
			return true
		}
	}
	return false
}

// cidr reads a peer that is a CIDR block. AWS clears host bits (SG-42), so what has
// some was written by hand. They stay, for sg.Check to find.
func (c *cursor) cidr(key string, f family) (sg.Peer, bool) {
	_, p, ok := c.field(key).prefix(f)
	return sg.Peer{CIDR: p}, ok
}

// groupPair reads a UserIdGroupPair or a ReferencedGroupInfo (REF-20).
func (b *builder) groupPair(g *group, c *cursor) (sg.Peer, bool) {
	peer, ok := c.field("GroupId").groupPeer()
	if !ok {
		return sg.Peer{}, false
	}
	setDefault(&peer.Account, sg.AccountID(c.field("UserId").str()))
	peer.Peering = sg.PeeringID(c.field("VpcPeeringConnectionId").str())
	remote := sg.VPCID(c.field("VpcId").str())
	if status := c.field("PeeringStatus").str(); peer.Peering == "" && remote != "" && status != "" && status != "active" {
		peer.Peering = sg.PeeringID("pcx-" + status + "-to-" + string(remote)) // AWS tells its id no more
	}
	if peer.Peering != "" && g.VPC != "" && remote != "" {
		// For want of describe-vpc-peering-connections, which says who asked whom.
		b.peering(sg.Peering{
			ID: peer.Peering, Requester: g.VPC, Accepter: remote,
			Status: c.field("PeeringStatus").str(),
		}, c, true)
	}
	return peer, true
}

// groupPeer reads a group that a rule names.
func (c *cursor) groupPeer() (sg.Peer, bool) {
	id, ok := c.need()
	if !ok {
		return sg.Peer{}, false
	}
	return c.groupPeerOf(id)
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
	whole := !c.up.has("Return") && !b.cut // authorize-security-group-ingress prints what it added
	for item := range c.objects() {
		id, ok := item.field("GroupId").need()
		if _, gone := b.gone[id]; !ok || gone {
			continue
		}
		g := b.group(sg.GroupID(id), item)
		g.whole = g.whole || whole
		g.prefer(item)
		setDefault(&g.Account, sg.AccountID(item.field("GroupOwnerId").str()))
		dir := sg.Ingress
		if egress := item.field("IsEgress"); !egress.there() {
			egress.fail(codeMissingParam, "is missing: ingress or egress?")
			continue
		} else if !egress.want(boolean) {
			continue
		} else if egress.flag() {
			dir = sg.Egress
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
		b.listRule(g, dir, r, item, c, false)
	}
}

// rulePeer reads the one peer of a rule (IN-04, SG-50).
func (b *builder) rulePeer(g *group, c *cursor) (peer sg.Peer, ok bool) {
	keys := [...]string{"CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"}
	key := ""
	for _, k := range keys {
		if !c.field(k).there() {
			continue
		}
		if key != "" {
			c.fail(codeParameter, "has both %s and %s: a rule has one peer", key, k)
			return sg.Peer{}, false
		}
		key = k
	}
	switch key {
	case "CidrIpv4":
		return c.cidr(key, ipv4)
	case "CidrIpv6":
		return c.cidr(key, ipv6)
	case "PrefixListId":
		id, ok := c.field(key).need()
		return sg.FromPrefixList(sg.PrefixListID(id)), ok
	case "ReferencedGroupInfo":
		info := c.field(key)
		if !info.want(object) {
			return sg.Peer{}, false
		}
		return b.groupPair(g, info)
	}
	c.fail(codeParameter, "has no peer: one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo")
	return sg.Peer{}, false
}

// associations reads further VPCs of groups (IN-14, REF-18).
func (b *builder) associations(c *cursor) {
	for item := range c.objects() {
		id, ok := item.field("GroupId").need()
		vpc, okVPC := item.field("VpcId").need()
		if !ok || !okVPC {
			continue
		}
		switch state := item.field("State").str(); state {
		case "associated", "":
		default:
			item.warn("", "left out: the association is %q", clip(state))
			continue
		}
		if b.parted[sg.GroupID(id)][sg.VPCID(vpc)] {
			item.warn("", "left out: the plan takes %s from %s", id, vpc)
			continue
		}
		g := b.groupOf[sg.GroupID(id)]
		if g == nil {
			item.warn("", "left out: %s is in no input", id)
			continue
		}
		if v := sg.VPCID(vpc); v != g.VPC {
			g.associations.add(&g.Associations, v)
		}
	}
}
