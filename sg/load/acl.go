package load

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// A networkACL is a network ACL under construction.
type networkACL struct {
	sg.NetworkACL
	at      *cursor
	whole   bool                   // all its entries were told, not only some
	decided bool                   // a plan manages it
	entries [2]map[int]placedEntry // by number
}

// A placedEntry is where an entry was read, and where it is in its list.
type placedEntry struct {
	at    *cursor
	index int
}

// An association says which ACL a subnet has.
type association struct {
	acl    sg.NetworkACLID
	weight weight
	at     *cursor
}

// A weight is how much an association counts.
type weight int

const (
	fromListing       weight = iota // as it is now
	fromPlan                        // in a plan, which may hold it as it was when the plan was made
	fromConfiguration               // in a plan, by its configuration
)

// An entryKey names an entry of an ACL.
type entryKey struct {
	dir    sg.Direction
	number int
}

func (b *builder) acl(id sg.NetworkACLID, at *cursor) *networkACL {
	return once(b.aclOf, &b.acls, id, networkACL{NetworkACL: sg.NetworkACL{ID: id}, at: at})
}

// add adds an entry. One that several inputs tell alike is one.
func (a *networkACL) add(dir sg.Direction, e sg.ACLEntry, at *cursor) {
	list := topotext.EntriesOf(&a.NetworkACL, dir)
	seen := &a.entries[dir-sg.Ingress]
	if old, known := (*seen)[e.Number]; known {
		if (*list)[old.index] != e {
			p := old.at.place()
			at.fail(codeACLEntry, "%s has another %s entry %d at line %d of %s", a.ID, dir, e.Number, p.Line, p.File)
		}
		return
	}
	if *seen == nil {
		*seen = make(map[int]placedEntry)
	}
	(*seen)[e.Number] = placedEntry{at, len(*list)}
	*list = append(*list, e)
}

// associate gives a subnet an ACL, unless what weighs more gives it another.
func (b *builder) associate(subnet sg.SubnetID, acl sg.NetworkACLID, weight weight, at *cursor) {
	old, known := b.aclOfSubnet[subnet]
	switch {
	case known && old.weight > weight:
		return
	case known && old.weight == weight && old.acl != acl:
		at.fail("", "%s has %s here and %s at %s: give the newer of the two", subnet, acl, old.acl, old.at.place())
		return
	}
	if !known {
		b.aclSubnets = append(b.aclSubnets, subnet)
	}
	b.aclOfSubnet[subnet] = association{acl, weight, at}
}

// networkACLs reads describe-network-acls (IN-12).
func (b *builder) networkACLs(c *cursor) {
	for item := range c.objects() {
		id, ok := item.field("NetworkAclId").need()
		if !ok || b.isGone(id, item) {
			continue
		}
		a := b.acl(sg.NetworkACLID(id), item)
		setDefault(&a.VPC, sg.VPCID(item.field("VpcId").str()))
		setDefault(&a.Name, nameTag(item.field("Tags")))
		a.IsDefault = a.IsDefault || item.field("IsDefault").flag()
		if a.decided {
			continue // the plan tells entries and subnets
		}
		a.whole = true
		for s := range item.field("Associations").objects() {
			if id, ok := s.field("SubnetId").need(); ok && !b.dissociated[sg.SubnetID(id)] {
				b.associate(sg.SubnetID(id), a.ID, fromListing, s)
			}
		}
		for entry := range item.field("Entries").objects() {
			dir := sg.Ingress
			if egress := entry.field("Egress"); !egress.there() {
				egress.fail(codeMissingParam, "is missing: ingress or egress?")
				continue
			} else if egress.flag() {
				dir = sg.Egress
			}
			ports, icmp := entry.field("PortRange"), entry.field("IcmpTypeCode")
			x := entryReader{
				c: entry, number: entry.field("RuleNumber"), action: entry.field("RuleAction"), protocol: entry.field("Protocol"),
				cidr4: entry.field("CidrBlock"), cidr6: entry.field("Ipv6CidrBlock"),
				from: ports.field("From"), to: ports.field("To"), typ: icmp.field("Type"), code: icmp.field("Code"),
			}
			if e, ok := x.read(); ok && !b.aclEntries[a.ID][entryKey{dir, e.Number}] {
				a.add(dir, e, entry)
			}
		}
	}
}

// aclPart adds what a line of a topology's text form says of an ACL, which may declare it.
func (b *builder) aclPart(p *sg.NetworkACL, declares bool, c *cursor) {
	a := b.acl(p.ID, c)
	setDefault(&a.VPC, p.VPC)
	setDefault(&a.Name, p.Name)
	a.IsDefault = a.IsDefault || p.IsDefault
	if a.decided {
		return
	}
	a.whole = a.whole || declares
	for _, s := range p.Subnets {
		b.associate(s, a.ID, fromListing, c)
	}
	for dir := sg.Ingress; dir <= sg.Egress; dir++ {
		for _, e := range *topotext.EntriesOf(p, dir) {
			a.add(dir, e, c)
		}
	}
}

// An entryReader holds the fields of an entry, whatever an input calls them.
type entryReader struct {
	c                        *cursor
	number, action, protocol *cursor
	cidr4, cidr6             *cursor
	from, to, typ, code      *cursor
	zeroPorts                bool // ports that are left out are 0 (NACL-74)
}

// read returns the entry, and whether it is one that is nobody's but the user's: AWS's own
// last ones are always there (NACL-33). What its protocol does not need is not looked at
// (NACL-71, NACL-75).
func (x *entryReader) read() (e sg.ACLEntry, ok bool) {
	n, ok := x.number.whole(-1)
	if !ok || n > sg.LastACLEntry && strings.EqualFold(x.action.str(), "deny") {
		return e, false
	}
	if n < 1 || n > sg.LastACLEntry {
		x.number.fail(codeParameter, "entry %d: numbers are 1 to %d", n, sg.LastACLEntry)
		return e, false
	}
	e.Number = n
	switch strings.ToLower(x.action.str()) {
	case "allow":
		e.Allow = true
	case "deny":
	default:
		x.action.fail(codeParameter, "%s is neither allow nor deny", quote(x.action.str()))
		return e, false
	}
	if e.Protocol, ok = parseACLProtocol(x.protocol.raw()); !ok {
		x.protocol.fail(codeParameter, "unknown protocol %s", quote(x.protocol.raw()))
		return e, false
	}
	cidr, fam := x.cidr4, ipv4
	if x.cidr6.raw() != "" {
		if x.cidr4.raw() != "" {
			x.c.fail(codeParameter, "has an IPv4 and an IPv6 CIDR block: an entry has one")
			return e, false
		}
		cidr, fam = x.cidr6, ipv6
	}
	var p netip.Prefix
	if p, _, ok = cidr.prefix(fam); !ok {
		return e, false
	}
	e.CIDR = p
	missing := -2 // what AWS sends nothing for
	if x.zeroPorts {
		missing = 0
	}
	switch {
	case e.Protocol == sg.TCP || e.Protocol == sg.UDP:
		from, ok1 := x.from.whole(missing)
		to, ok2 := x.to.whole(missing)
		if !ok1 || !ok2 {
			return e, false
		}
		if from < 0 || to > 65535 || from > to {
			x.c.fail(codeParameter, "entry %d: port range %d-%d: TCP and UDP need ports from 0 to 65535, the first not above the last", n, from, to)
			return e, false
		}
		e.Ports = sg.Ports(from, to)
	case e.Protocol == sg.ICMP || e.Protocol == sg.ICMPv6 && fam == ipv6: // NACL-44
		typ, ok1 := x.typ.whole(missing)
		code, ok2 := x.code.whole(missing)
		if !ok1 || !ok2 {
			return e, false
		}
		if typ < -1 || typ > 255 || code < -1 || code > 255 || typ == -1 && code != -1 {
			x.c.fail(codeParameter, "entry %d: ICMP needs a type and a code from 0 to 255, or -1 for all", n)
			return e, false
		}
		e.ICMP = sg.ICMPTypeCode(typ, code)
	}
	return e, true
}

// whole returns a whole number, written as one or as a string, and missing where it is
// left out.
func (c *cursor) whole(missing int) (int, bool) {
	if !c.there() || c.is(str) && c.raw() == "" {
		return missing, true
	}
	if !c.is(str) {
		return c.integer()
	}
	n, err := strconv.Atoi(c.raw())
	if err != nil {
		c.fail(codeParameter, "%s is not a whole number", quote(c.raw()))
	}
	return n, err == nil
}

// finishACLs returns the ACLs of which all is known, each with its subnets.
func (b *builder) finishACLs() (all []sg.NetworkACL) {
	if len(b.acls) == 0 {
		return nil
	}
	placed := false // some subnet has an address
	defaults := make(map[sg.VPCID]*networkACL)
	for _, a := range b.acls {
		if a.IsDefault {
			defaults[a.VPC] = a
		}
	}
	for _, v := range b.vpcs {
		a := b.aclOf[v.defaultACL]
		if a == nil {
			a = defaults[v.ID]
		}
		b.defaultACL(v, a)
		placed = placed || slices.ContainsFunc(v.subnets, func(s *subnet) bool { return len(s.CIDRs) > 0 })
	}
	if !placed && len(b.enis) > 0 {
		b.acls[0].at.warn("", "no input tells the addresses of subnets, so that an address without an interface is taken to be outside of them: add describe-subnets")
	}
	for _, s := range b.aclSubnets {
		if at := b.aclOfSubnet[s]; b.aclOf[at.acl] != nil {
			b.aclOf[at.acl].Subnets = append(b.aclOf[at.acl].Subnets, s)
		}
	}
	for _, a := range b.acls {
		if !a.whole {
			a.at.warn("", "%s is a network ACL of which only this is known, so that it is not judged: add describe-network-acls", a.ID)
			continue
		}
		all = append(all, a.NetworkACL)
	}
	return all
}

// defaultACL completes the default ACL of a VPC, nil where none is told. One that a plan
// makes and says nothing else of has the entries that AWS gives it (NACL-35, NACL-77).
func (b *builder) defaultACL(v *vpc, a *networkACL) {
	if a == nil {
		if !v.planned {
			return
		}
		id := v.defaultACL
		setDefault(&id, sg.NetworkACLID(fmt.Sprintf("default of %s", v.ID)))
		a = b.acl(id, v.at)
	}
	a.IsDefault = true
	setDefault(&a.VPC, v.ID)
	if a.whole || !v.planned {
		return
	}
	a.whole = true
	all := []sg.ACLEntry{{Number: 100, Allow: true, Protocol: sg.AllProtocols, CIDR: sg.AnyIPv4.CIDR}}
	if slices.ContainsFunc(v.CIDRs, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		all = append(all, sg.ACLEntry{Number: 101, Allow: true, Protocol: sg.AllProtocols, CIDR: sg.AnyIPv6.CIDR})
	}
	for _, e := range all {
		a.add(sg.Ingress, e, v.at)
		a.add(sg.Egress, e, v.at)
	}
}

// ACLPlace returns where a network ACL of the last topology was first read or, where dir
// is not zero, its entry of a number; the zero Place for others.
func (l *Loader) ACLPlace(id sg.NetworkACLID, dir sg.Direction, number int) Place {
	a := l.built.aclOf[id]
	switch {
	case a == nil:
		return Place{}
	case dir != sg.Ingress && dir != sg.Egress:
		return a.at.place()
	}
	if e, ok := a.entries[dir-sg.Ingress][number]; ok {
		return e.at.place()
	}
	return Place{}
}
