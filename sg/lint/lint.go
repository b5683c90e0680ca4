// Package lint finds what is questionable in a topology: what AWS would refuse, what
// cannot work as written, and what exceeds a quota.
package lint

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// Check lists what is questionable in t, with AWS's default quotas: first for the topology
// as a whole, then for prefix lists, groups with their rules, ENIs, and network ACLs, each
// in topology order. It needs no compiled policy, so it also helps if Compile fails.
func Check(t *sg.Topology) []Finding { return Quotas{}.Check(t) }

// Check is the function [Check] with these quotas. A nil topology is an empty one.
func (q Quotas) Check(t *sg.Topology) []Finding {
	if t == nil {
		t = &sg.Topology{}
	}
	c := newChecker(t, q)
	c.quotas.region(c)
	for i := range t.PrefixLists {
		c.prefixList(&t.PrefixLists[i])
	}
	for i := range t.Groups {
		g := &t.Groups[i]
		c.group(g)
		for _, dir := range []sg.Direction{sg.Ingress, sg.Egress} {
			c.rules(g, dir)
		}
	}
	for i := range t.ENIs {
		c.eni(&t.ENIs[i])
	}
	c.acls()
	c.missing()
	return c.found
}

// A checker looks for findings in one topology.
type checker struct {
	t      *sg.Topology
	quotas Quotas
	found  []Finding

	groups  map[sg.GroupID]*sg.Group // the first of each id
	reach   *reach.Map
	peers   map[sg.PeeringID]*sg.Peering
	members map[sg.GroupID]families // of groups that ENIs carry; the ENIs may not have addresses yet
	peopled map[sg.VPCID]bool       // VPCs with ENIs
	lists   map[sg.PrefixListID]*sg.PrefixList
	names   map[named]sg.GroupID
	places  map[sg.RuleID]Subject // of the first rule with an id

	accounts map[sg.AccountID]bool // that own groups
	vpcs     map[sg.VPCID]bool     // that have groups

	defaultVPCs map[sg.VPCID]bool

	compared int // pairs of an ACL's entries
}

// A named is a group's name, in lower case, with the VPC and account in which it must be
// unique: accounts that share a VPC do not see each other's groups.
type named struct {
	vpc     sg.VPCID
	account sg.AccountID
	name    string
}

func newChecker(t *sg.Topology, q Quotas) *checker {
	c := &checker{
		t: t, quotas: q.withDefaults(), groups: groupsOf(t), reach: reach.New(), peers: map[sg.PeeringID]*sg.Peering{},
		members: map[sg.GroupID]families{}, peopled: map[sg.VPCID]bool{}, lists: map[sg.PrefixListID]*sg.PrefixList{}, names: map[named]sg.GroupID{},
		places: map[sg.RuleID]Subject{}, accounts: map[sg.AccountID]bool{}, vpcs: map[sg.VPCID]bool{}, defaultVPCs: map[sg.VPCID]bool{},
	}
	for i := range t.Peerings {
		p := &t.Peerings[i]
		c.peers[p.ID] = p
		c.reach.Peer(string(p.ID), string(p.Requester), string(p.Accepter), p.Active(), p.SameRegion())
	}
	for _, g := range t.TransitGateways {
		n := c.reach.Gateway(g.Referencing)
		for _, a := range g.Attachments {
			c.reach.Attach(n, string(a.VPC), a.Referencing)
		}
	}
	for i := range t.VPCs {
		c.defaultVPCs[t.VPCs[i].ID] = t.VPCs[i].Default
	}
	for i := range t.Groups {
		c.accounts[t.Groups[i].Account] = true
		c.vpcs[t.Groups[i].VPC] = true
	}
	for i := range t.ENIs {
		e := &t.ENIs[i]
		c.peopled[e.VPC] = true
		var f families
		for _, a := range e.Addrs {
			f.add(a)
		}
		for _, p := range e.Prefixes {
			f.add(p.Addr())
		}
		for _, g := range e.Groups {
			of := c.members[g]
			c.members[g] = families{of.v4 || f.v4, of.v6 || f.v6}
		}
	}
	for i := range t.PrefixLists {
		c.lists[t.PrefixLists[i].ID] = &t.PrefixLists[i]
	}
	return c
}

// families are the IP versions that something has.
type families struct{ v4, v6 bool }

func (f *families) add(a netip.Addr) {
	f.v4, f.v6 = f.v4 || a.Is4(), f.v6 || a.Is6()
}

func (c *checker) carried(g *sg.Group) bool {
	_, is := c.members[g.ID]
	return is
}

// memberless reports whether no ENI carries g, although the topology has ENIs where one
// could be. Without any ENI, the members of groups are not known.
func (c *checker) memberless(g *sg.Group) bool {
	if c.carried(g) {
		return false
	}
	known := c.peopled[g.VPC] || c.peopled[""] || g.VPC == "" && len(c.peopled) > 0
	return known || slices.ContainsFunc(g.Associations, func(v sg.VPCID) bool { return c.peopled[v] })
}

// add adds a finding. The caller may set further fields on the result.
func (c *checker) add(at Subject, k Kind, format string, args ...any) *Finding {
	return c.enter(Finding{Subject: at, Kind: k, Text: fmt.Sprintf(format, args...)})
}

// enter adds a finding. If it has no severity, it gets that of its kind.
func (c *checker) enter(f Finding) *Finding {
	f.Severity = cmp.Or(f.Severity, f.Kind.severity())
	c.found = append(c.found, f)
	return &c.found[len(c.found)-1]
}

// refused sets the error code that AWS answers with.
func (f *Finding) refused(code string) *Finding {
	f.Code = code
	return f
}

func (c *checker) prefixList(p *sg.PrefixList) {
	at := Subject{PrefixList: p.ID}
	if p.MaxEntries > 0 && len(p.Entries) > p.MaxEntries {
		c.add(at, QuotaExceeded, "%d entries, its maximum is %d", len(p.Entries), p.MaxEntries).Advice = "raise its maximum, or remove entries"
	}
	if n := max(len(p.Entries), p.MaxEntries); n > c.quotas.EntriesPerList {
		c.add(at, QuotaExceeded, "room for %d entries, quota %d", n, c.quotas.EntriesPerList).Advice = "divide it into several lists"
	}
	seen := map[netip.Prefix]bool{}
	for _, e := range p.Entries {
		m := e.CIDR.Masked()
		if seen[m] && m.IsValid() {
			c.add(at, DuplicateRule, "%s is listed twice", m).Advice = "remove one of the two" // PL-03
		}
		seen[m] = true
	}
	if strings.HasPrefix(p.Name, "com.amazonaws") && p.Owner != "" && p.Owner != "AWS" { // PL-10
		c.add(at, Misplaced, "the name %q is reserved for AWS-managed lists", p.Name).Advice = "give it another name"
	}
}

func (c *checker) group(g *sg.Group) {
	at := Subject{Group: g.ID}
	name := strings.TrimRight(g.Name, " ") // SG-61
	key := named{g.VPC, g.Account, strings.ToLower(name)}
	if other, ok := c.names[key]; ok && name != "" {
		f := c.add(at, Misplaced, "%s has the name %q in the same VPC", other, name).refused("InvalidGroup.Duplicate") // SG-75
		f.Other.Group, f.Advice = other, "give one of the two another name"
		if key.name == "default" {
			f.Code = "InvalidGroup.Reserved"
		}
	} else {
		c.names[key] = g.ID
	}
	if len(name) > 255 || strings.HasPrefix(name, "sg-") {
		c.add(at, Misplaced, "the name %.40q is longer than 255 characters or starts with sg-", name).refused("InvalidParameterValue").Advice =
			"give it another name"
	}
	for _, v := range g.Associations {
		switch {
		case name == "default": // DEF-06
			c.add(at, Misplaced, "a default group cannot be associated with %s", v).Advice = "make a group with another name for both VPCs"
		case c.defaultVPCs[v]: // REF-18
			c.add(at, Misplaced, "it cannot be associated with %s, a default VPC", v).Advice = "make a group in that VPC"
		}
	}
}

func (c *checker) eni(e *sg.ENI) {
	at := Subject{ENI: e.ID}
	if len(e.Groups) == 0 && !e.MayLackGroups() { // SG-10
		c.add(at, Misplaced, "an interface needs at least one group").refused("MissingParameter").Advice = // SG-85
			"add its groups, or its type if AWS attaches none to it"
	}
	if len(e.Groups) > c.quotas.GroupsPerENI {
		c.add(at, QuotaExceeded, "%d groups, quota %d", len(e.Groups), c.quotas.GroupsPerENI).refused("SecurityGroupsPerInterfaceLimitExceeded").Advice =
			"put rules of several groups into one"
	}
	for _, id := range e.Groups {
		g := c.groups[id]
		if g != nil && e.VPC != "" && g.VPC != "" && g.VPC != e.VPC && !slices.Contains(g.Associations, e.VPC) {
			f := c.add(at, Misplaced, "it is in %s, and %s in %s without an association", e.VPC, id, g.VPC).refused("InvalidGroup.NotFound") // SG-73
			f.Other.Group, f.Advice = id, "name a group of its VPC, or associate this one with it"
		}
	}
}

// mostMissing bounds the missing groups that a finding names.
const mostMissing = 5

// missing adds one finding for all groups that ENIs carry and the topology lacks, since
// they are missing for the same reason.
func (c *checker) missing() {
	var at Subject
	var groups []string
	enis, seen := 0, map[sg.GroupID]bool{}
	for i := range c.t.ENIs {
		e, lacks := &c.t.ENIs[i], false
		for _, g := range e.Groups {
			if c.groups[g] != nil {
				continue
			}
			lacks = true
			if !seen[g] {
				seen[g] = true
				groups = append(groups, string(g))
			}
		}
		if lacks {
			at.ENI = cmp.Or(at.ENI, e.ID)
			enis++
		}
	}
	which, others := strings.Join(groups[:min(len(groups), mostMissing)], ", "), ""
	if more := len(groups) - mostMissing; more > 0 {
		which += fmt.Sprintf(" and %d more", more)
	}
	switch {
	case enis == 0:
		return
	case enis == 2:
		others = ", as 1 other interface does,"
	case enis > 2:
		others = fmt.Sprintf(", as %d other interfaces do,", enis-1)
	}
	c.add(at, Dangling, "it carries groups%s that the topology lacks: %s; what its other groups do not admit is unknown", others, which).Advice =
		"add describe-security-groups of all groups"
}
