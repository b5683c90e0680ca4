package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// A networkACL is a network ACL under construction.
type networkACL struct {
	sg.NetworkACL
	origin
	whole   bool // all its entries were read, not only some
	decided bool // a plan manages it
	entries registry[entryKey, *piece[sg.ACLEntry]]
}

// An association says which ACL a subnet has.
type association struct {
	subnet sg.SubnetID
	acl    sg.NetworkACLID
	weight weight
	origin
}

// A weight says which of several associations wins: the greater one.
type weight int

const (
	fromListing       weight = iota // as it is now
	fromPlan                        // in a plan, perhaps as it was when the plan was made
	fromConfiguration               // in a plan, by its configuration
)

// An entryKey names an entry of an ACL.
type entryKey struct {
	dir    sg.Direction
	number int
}

// acl adds what a place says about a network ACL, except its entries and subnets.
func (b *builder) acl(p sg.NetworkACL, at *cursor) *networkACL {
	a := b.acls.get(p.ID, &networkACL{NetworkACL: sg.NetworkACL{ID: p.ID}, origin: origin{at}})
	setDefault(&a.VPC, p.VPC)
	setDefault(&a.Name, p.Name)
	a.IsDefault = a.IsDefault || p.IsDefault
	return a
}

// add adds an entry. Equal entries of several inputs count as one.
func (a *networkACL) add(dir sg.Direction, e sg.ACLEntry, at *cursor) {
	added := &piece[sg.ACLEntry]{e, origin{at}}
	switch old := a.entries.get(entryKey{dir, e.Number}, added); {
	case old == added:
		list := topotext.EntriesOf(&a.NetworkACL, dir)
		*list = append(*list, e)
	case old.value != e:
		p := old.place()
		at.fail(codeACLEntry, "%s has another %s entry %d at line %d of %s", a.ID, dir, e.Number, p.Line, p.File)
	}
}

// associate gives a subnet an ACL, unless an association of greater weight gives it
// another.
func (b *builder) associate(subnet sg.SubnetID, acl sg.NetworkACLID, weight weight, at *cursor) {
	added := association{subnet, acl, weight, origin{at}}
	old := b.aclSubnets.get(subnet, &added)
	if old.weight == weight && old.acl != acl {
		at.fail("", "%s has %s here and %s at %s: give the newer of the two", subnet, acl, old.acl, old.place())
	} else if old.weight <= weight {
		*old = added
	}
}

// networkACLs reads describe-network-acls (IN-12).
func (b *builder) networkACLs(c *cursor) {
	for id, item := range b.items(c, "NetworkAclId") {
		a := b.acl(sg.NetworkACL{
			ID:        sg.NetworkACLID(id),
			VPC:       sg.VPCID(item.field("VpcId").str()),
			Name:      nameTag(item.field("Tags")),
			IsDefault: item.field("IsDefault").flag(),
		}, item)
		if a.decided {
			continue // the plan decides about entries and subnets
		}
		a.whole = true
		for s := range item.field("Associations").objects() {
			if id, ok := s.field("SubnetId").need(); ok && !b.removes(sg.SubnetID(id), nil) {
				b.associate(sg.SubnetID(id), a.ID, fromListing, s)
			}
		}
		for entry := range item.field("Entries").objects() {
			dir, ok := entry.direction("Egress")
			if !ok {
				continue
			}
			ports, icmp := entry.field("PortRange"), entry.field("IcmpTypeCode")
			x := entryReader{
				c: entry, number: entry.field("RuleNumber"), action: entry.field("RuleAction"), protocol: entry.field("Protocol"),
				cidr4: entry.field("CidrBlock"), cidr6: entry.field("Ipv6CidrBlock"),
				from: ports.field("From"), to: ports.field("To"), typ: icmp.field("Type"), code: icmp.field("Code"),
			}
			if e, ok := x.read(); ok && !b.removes(a.ID, entryKey{dir, e.Number}) {
				a.add(dir, e, entry)
			}
		}
	}
}

// aclPart adds what a line of a topology's text form says about an ACL; the line may
// declare it.
func (b *builder) aclPart(p *sg.NetworkACL, declares bool, c *cursor) {
	a := b.acl(*p, c)
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

// An entryReader holds the fields of an entry, under whatever names an input has for
// them.
type entryReader struct {
	c                        *cursor
	number, action, protocol *cursor
	cidr4, cidr6             *cursor
	from, to, typ, code      *cursor
	zeroPorts                bool // omitted ports are 0 (NACL-74)
}

// read returns the entry, and whether it is the user's: AWS's own last ones are always
// there (NACL-33). It ignores fields that the protocol does not need (NACL-71, NACL-75).
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
	if e.CIDR, ok = cidr.prefix(fam); !ok {
		return e, false
	}
	missing := -2 // stands for an omitted number
	if x.zeroPorts {
		missing = 0
	}
	switch {
	case e.Protocol == sg.TCP || e.Protocol == sg.UDP:
		from, to, ok := wholePair(x.from, x.to, missing)
		if !ok {
			return e, false
		}
		if from < 0 || to > 65535 || from > to {
			x.c.fail(codeParameter, "entry %d: port range %d-%d: TCP and UDP need ports from 0 to 65535, the first not above the last", n, from, to)
			return e, false
		}
		e.Ports = sg.Ports(from, to)
	case e.Protocol == sg.ICMP || e.Protocol == sg.ICMPv6 && fam == ipv6: // NACL-44
		typ, code, ok := wholePair(x.typ, x.code, missing)
		if !ok {
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

func wholePair(x, y *cursor, missing int) (m, n int, ok bool) {
	m, ok = x.whole(missing)
	n, okY := y.whole(missing)
	return m, n, ok && okY
}

// whole returns a whole number, written as a number or as a string, and missing if it
// is omitted.
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

// finishACLs returns the ACLs that are known in full, each with its subnets.
func (b *builder) finishACLs() (all []sg.NetworkACL) {
	if len(b.acls.all) == 0 {
		return nil
	}
	placed := false // some subnet has an address
	defaults := make(map[sg.VPCID]*networkACL)
	for _, a := range b.acls.all {
		if a.IsDefault {
			defaults[a.VPC] = a
		}
	}
	for _, v := range b.vpcs.all {
		a := b.acls.of[v.defaultACL]
		if a == nil {
			a = defaults[v.ID]
		}
		b.defaultACL(v, a)
		placed = placed || slices.ContainsFunc(v.subnets.all, func(s *subnet) bool { return len(s.CIDRs) > 0 })
	}
	if !placed && len(b.enis.all) > 0 {
		b.acls.all[0].at.warn("", "no input has the addresses of subnets, so an address without an interface is taken to be outside them: add describe-subnets")
	}
	for _, s := range b.aclSubnets.all {
		if a := b.acls.of[s.acl]; a != nil {
			a.Subnets = append(a.Subnets, s.subnet)
		}
	}
	for _, a := range b.acls.all {
		if !a.whole {
			a.at.warn("", "%s: only this is known of the network ACL, so it is not judged: add describe-network-acls", a.ID)
			continue
		}
		all = append(all, a.NetworkACL)
	}
	return all
}

// defaultACL completes the default ACL of a VPC; it is nil if no input has one. If a
// plan makes it and says nothing else about it, it has the entries that AWS gives it
// (NACL-35, NACL-77).
func (b *builder) defaultACL(v *vpc, a *networkACL) {
	if a == nil {
		if !v.planned {
			return
		}
		id := v.defaultACL
		setDefault(&id, sg.NetworkACLID(fmt.Sprintf("default of %s", v.ID)))
		a = b.acl(sg.NetworkACL{ID: id}, v.at)
	}
	a.IsDefault = true
	setDefault(&a.VPC, v.ID)
	if a.whole || !v.planned {
		return
	}
	a.whole = true
	all := []sg.ACLEntry{{Number: 100, Allow: true, Protocol: sg.AllProtocols, CIDR: sg.AnyIPv4.CIDR}}
	if slices.ContainsFunc(v.CIDRs, isIPv6) {
		all = append(all, sg.ACLEntry{Number: 101, Allow: true, Protocol: sg.AllProtocols, CIDR: sg.AnyIPv6.CIDR})
	}
	for _, e := range all {
		a.add(sg.Ingress, e, v.at)
		a.add(sg.Egress, e, v.at)
	}
}
