package load

import (
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// Readers of interfaces, prefix lists and VPCs in the shapes of the AWS CLI (IN-06
// to IN-11, IN-15).

func (b *builder) networkInterfaces(c *cursor) {
	var instance *cursor
	if ofInstance(c.up) {
		instance = c.up
	}
	b.interfaces(c, instance)
}

// ofInstance reports whether a document is an instance alone, as --query leaves it of
// describe-instances: its interfaces say all, while its groups stand without rules.
func ofInstance(root *cursor) bool { return root.has("InstanceId") && root.has("NetworkInterfaces") }

// reservations reads describe-instances, which says the same about interfaces as
// describe-network-interfaces, but only for instances.
func (b *builder) reservations(c *cursor) {
	for reservation := range c.objects() {
		for instance := range reservation.field("Instances").objects() {
			enis := instance.field("NetworkInterfaces")
			if !enis.filled() && instance.field("PrivateIpAddress").there() {
				instance.warn("", "left out: its interfaces are missing, so it was printed with --query: give all of it")
			}
			b.interfaces(enis, instance)
		}
	}
}

// interfaces reads interfaces, those of an instance if it is not nil.
func (b *builder) interfaces(c, instance *cursor) {
	for item := range c.objects() {
		id, ok := item.field("NetworkInterfaceId").need()
		if !ok {
			continue
		}
		e := eni{ENI: sg.ENI{
			ID:       sg.ENIID(id),
			Name:     nameTag(item.field("TagSet")),
			VPC:      sg.VPCID(item.field("VpcId").str()),
			Subnet:   sg.SubnetID(item.field("SubnetId").str()),
			Instance: sg.InstanceID(item.field("Attachment").field("InstanceId").str()),
			Account:  sg.AccountID(item.field("OwnerId").str()),
			Type:     item.field("InterfaceType").str(),

			RequesterManaged: item.field("RequesterManaged").flag(),
		}}
		check := item.field("SourceDestCheck")
		e.NoSourceDestCheck = check.there() && !check.flag()
		if instance != nil {
			setDefault(&e.Name, nameTag(instance.field("Tags")))
			setDefault(&e.Instance, sg.InstanceID(instance.field("InstanceId").str()))
			b.typeOf[e.Instance] = instance.field("InstanceType").str()
		}
		setDefault(&e.Name, item.field("Description").str())
		item.addresses(&e)
		for g := range item.field("Groups").objects() {
			if id, ok := g.field("GroupId").need(); ok {
				e.addGroups(sg.GroupID(id))
				if known := b.groups.of[sg.GroupID(id)]; known != nil { // describe-security-group-rules has no names
					setDefault(&known.Name, g.field("GroupName").str())
				}
			}
		}
		e.Timeouts = item.field("ConnectionTrackingConfiguration").timeouts("")
		if deny := item.field("DenyAllIgwTraffic"); deny.flag() {
			deny.warn("", "not modelled: the internet gateway's traffic to %s is judged by its groups alone", id)
		}
		b.listENI(&e, item)
	}
}

// addresses reads all addresses of an interface, primary ones first.
func (c *cursor) addresses(e *eni) {
	e.addAddr(c.field("PrivateIpAddress"))
	c.association(e)
	for item := range c.field("PrivateIpAddresses").objects() {
		e.addAddr(item.field("PrivateIpAddress"))
		item.association(e)
	}
	e.addAddr(c.field("Ipv6Address"))
	for item := range c.field("Ipv6Addresses").objects() {
		e.addAddr(item.field("Ipv6Address"))
	}
	for _, k := range [...]struct {
		list, key string
		f         family
	}{{"Ipv4Prefixes", "Ipv4Prefix", ipv4}, {"Ipv6Prefixes", "Ipv6Prefix", ipv6}} {
		for item := range c.field(k.list).objects() {
			if p, ok := item.field(k.key).prefix(k.f); ok {
				e.addPrefixes(p)
			}
		}
	}
}

// association reads the addresses that represent the interface outside the VPC.
func (c *cursor) association(e *eni) {
	a := c.field("Association")
	for _, key := range [...]string{"PublicIp", "CarrierIp", "CustomerOwnedIp"} {
		e.addPublic(a.field(key))
	}
}

// nameTag returns the value of the tag that the console shows as the name.
func nameTag(c *cursor) string {
	for tag := range c.objects() {
		if tag.field("Key").str() == "Name" {
			return tag.field("Value").str()
		}
	}
	return ""
}

// prefixLists reads describe-managed-prefix-lists and describe-prefix-lists, whose
// top-level keys are the same (IN-10, IN-11).
func (b *builder) prefixLists(c *cursor) {
	for id, item := range b.items(c, "PrefixListId") {
		state := item.field("State").str()
		if state == "delete-complete" {
			item.warn("", "left out: %s is deleted", id)
			continue
		}
		l := b.describeList(id, item, "PrefixListName", "OwnerId", "AddressFamily", "MaxEntries")
		b.serviceCIDRs(l, item.field("Cidrs"))
	}
}

// serviceCIDRs reads the owner and the entries of the list of a gateway endpoint, if this
// is one.
func (b *builder) serviceCIDRs(l *prefixList, c *cursor) {
	if strings.HasPrefix(l.Name, "com.amazonaws.") { // these names are reserved (PL-10)
		setDefault(&l.Owner, "AWS")
	}
	if !c.there() {
		return
	}
	l.complete = true
	for item := range c.each() {
		if p, ok := item.prefix(anyFamily); ok {
			b.addListed(l, sg.PrefixListEntry{CIDR: p}, item)
		}
	}
}

// describeList reads what AWS and Terraform say about a list under different keys.
func (b *builder) describeList(id string, c *cursor, name, owner, family, most string) *prefixList {
	p := sg.PrefixList{ID: sg.PrefixListID(id), Name: c.field(name).str(), Owner: sg.AccountID(c.field(owner).str())}
	switch f := c.field(family); f.str() {
	case "IPv4":
		p.Family = packet.IPv4
	case "IPv6":
		p.Family = packet.IPv6
	default:
		if f.there() {
			f.fail(codeParameter, "%s is neither IPv4 nor IPv6", quote(f.raw()))
		}
	}
	p.MaxEntries, _ = c.field(most).integer()
	return b.list(p, c)
}

// prefixListEntries reads the entries of the list that the input was named after.
func (b *builder) prefixListEntries(c *cursor) {
	id := c.src.list
	if id == "" {
		c.fail("", "entries of a prefix list, but of which? Give its id before the file, pl-0123=%s, or in a directory name the file after it, pl-0123.json", c.src.name)
		return
	}
	l := b.list(sg.PrefixList{ID: id}, c)
	l.complete = !b.cut
	seen := make(map[netip.Prefix]bool)
	for item := range c.objects() {
		p, ok := item.field("Cidr").prefix(anyFamily)
		if !ok {
			continue
		}
		if seen[p] {
			item.warn(codeParameter, "%s is in the list twice", p) // PL-03
		}
		seen[p] = true
		b.addListed(l, sg.PrefixListEntry{CIDR: p, Description: item.field("Description").str()}, item)
	}
}

func (b *builder) vpcsOf(c *cursor) {
	for id, item := range b.items(c, "VpcId") {
		b.vpc(sg.VPC{
			ID:      sg.VPCID(id),
			Account: sg.AccountID(item.field("OwnerId").str()),
			Default: item.field("IsDefault").flag(),
			CIDRs:   item.blocks(),
		}, item)
	}
}

// blocks reads the CIDR blocks of a VPC or subnet that are associated now, the primary
// one first.
func (c *cursor) blocks() []netip.Prefix {
	var out []netip.Prefix
	add := func(block *cursor, f family) {
		if p, ok := block.prefix(f); ok {
			out = append(out, p)
		}
	}
	if block := c.field("CidrBlock"); block.there() {
		add(block, ipv4)
	}
	for i, key := range [...]string{"CidrBlock", "Ipv6CidrBlock"} {
		for item := range c.field(key + "AssociationSet").objects() {
			switch item.field(key + "State").field("State").str() {
			case "associated", "associating", "":
				add(item.field(key), ipv4+family(i))
			}
		}
	}
	return out
}

func (b *builder) subnets(c *cursor) {
	for id, item := range b.items(c, "SubnetId") {
		if vpc, ok := item.field("VpcId").need(); ok {
			b.vpc(sg.VPC{ID: sg.VPCID(vpc), Subnets: []sg.Subnet{{ID: sg.SubnetID(id), CIDRs: item.blocks()}}}, item)
		}
	}
}

func (b *builder) peeringConnections(c *cursor) {
	for id, item := range b.items(c, "VpcPeeringConnectionId") {
		requester, accepter := item.field("RequesterVpcInfo"), item.field("AccepterVpcInfo")
		b.peering(sg.Peering{
			ID:              sg.PeeringID(id),
			Requester:       sg.VPCID(requester.field("VpcId").str()),
			Accepter:        sg.VPCID(accepter.field("VpcId").str()),
			Status:          item.field("Status").field("Code").str(),
			RequesterRegion: requester.field("Region").str(),
			AccepterRegion:  accepter.field("Region").str(),
		}, item, false)
	}
}

// Idle timeouts of instance types: describe-instance-types has the defaults of each
// type; for established TCP they are shorter on Nitro v6 (CT-30). EC2 API, NetworkInfo
// and DefaultConnectionTrackingConfiguration, read 2026-11.

func (b *builder) instanceTypes(c *cursor) {
	for name, item := range b.items(c, "InstanceType") {
		if t := item.field("NetworkInfo").field("ConnectionTrackingConfiguration"); t.there() { // older listings lack it
			b.typeTimeouts[name] = t.timeouts("Default")
		}
	}
}

// timeouts reads idle timeouts, whose keys begin with prefix.
func (c *cursor) timeouts(prefix string) conntrack.Timeouts {
	seconds := func(key string) time.Duration {
		n, _ := c.field(prefix + key).integer()
		return time.Duration(n) * time.Second
	}
	return conntrack.Timeouts{TCPEstablished: seconds("TcpEstablishedTimeout"), UDP: seconds("UdpTimeout"), UDPStream: seconds("UdpStreamTimeout")}
}

// nitroV6 matches instance types on Nitro v6, as EC2 listed them in 2026-08 (CT-3A).
// describe-instance-types, where it has the timeouts, decides in its place.
var nitroV6 = regexp.MustCompile(`^([mcr]8(a|gb|gn|i[a-z-]*)|m8azn|[mc]9g[a-z-]*|x8(aedz|i)|i8ge|g7e?|p6-b[23]00|hpc8a)\.`)

// typeDefaults gives an interface the timeouts of its instance's type where it has
// none of its own.
func (b *builder) typeDefaults(e *sg.ENI) {
	of := b.typeOf[e.Instance]
	defaults, listed := b.typeTimeouts[of]
	e.NitroV6 = e.NitroV6 || !listed && nitroV6.MatchString(of)
	setDefault(&e.Timeouts.TCPEstablished, defaults.TCPEstablished)
	setDefault(&e.Timeouts.UDP, defaults.UDP)
	setDefault(&e.Timeouts.UDPStream, defaults.UDPStream)
}
