// Package lint finds what is questionable about a topology: what AWS would have refused,
// what cannot work as it is written, and what exceeds a quota.
package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/enum"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// A Finding is something about a topology that AWS would have refused, or that
// whoever wrote it may not have meant. Compile accepts it all the same, and
// packets are judged as if it were meant.
type Finding struct {
	Kind Kind
	Code string // the error code AWS answers with; empty where it would not refuse, or with a code that is not known

	// The place. Empty fields do not apply; Index is the rule's place in
	// Group.Ingress or Group.Egress and counts only if Dir is set.
	Group      sg.GroupID
	Dir        sg.Direction
	Index      int
	ENI        sg.ENIID
	PrefixList sg.PrefixListID

	Text string // what is the matter, without the place
}

// Kind says what sort of finding it is. Its text form is stable.
type Kind uint8

// Kinds of findings, with their text forms.
const (
	QuotaExceeded Kind = 1 + iota // "quota": a limit of AWS is exceeded
	Stale                         // "stale": a rule names a group that it cannot reach (REF-13)
	Dangling                      // "dangling": something is named that the topology does not have
	NeverMatches                  // "never": no packet that anybody sends can match the rule, or none can now
	DuplicateRule                 // "duplicate": the same rule twice after canonicalising (SG-43, SG-51)
	Shadowed                      // "shadowed": another rule of the group admits all that this one does
	Misleading                    // "misleading": the rule means less than it seems to
	Misplaced                     // "misplaced": AWS does not allow this combination
)

var kindText = [...]string{
	"", "quota", "stale", "dangling", "never", "duplicate", "shadowed", "misleading", "misplaced",
}

// String returns the text form that stands beside each kind.
func (k Kind) String() string { return enum.Text(kindText[:], "Kind", k) }

// MarshalText returns the text form.
func (k Kind) MarshalText() ([]byte, error) { return enum.Marshal(kindText[:], k) }

// UnmarshalText reads the text form.
func (k *Kind) UnmarshalText(b []byte) error { return enum.Unmarshal(kindText[:], b, k) }

// String returns place, kind and text in one line, with the error code where
// there is one.
func (f Finding) String() string {
	s := f.Place()
	if s != "" {
		s += ": "
	}
	s += f.Kind.String() + ": " + f.Text
	if f.Code != "" {
		s += " (" + f.Code + ")"
	}
	return s
}

// Place names what the finding is about: "sg-web ingress[3]", "eni-db", "pl-corp",
// and nothing for the topology as a whole.
func (f Finding) Place() string {
	switch {
	case f.Dir != 0:
		return fmt.Sprintf("%s %s[%d]", f.Group, f.Dir, f.Index)
	case f.Group != "":
		return string(f.Group)
	case f.ENI != "":
		return string(f.ENI)
	}
	return string(f.PrefixList)
}

// Check lists what is questionable about t, by AWS's default quotas: for the
// topology as a whole, then prefix lists, groups with their rules, and ENIs, each
// in topology order. It needs no compiled policy, so it also helps where Compile
// fails.
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
	members map[sg.GroupID]families // of the private addresses of their ENIs
	lists   map[sg.PrefixListID]*sg.PrefixList
	names   map[string]sg.GroupID // VPC and lower-case name
	places  map[sg.RuleID]string  // of the first rule with an id

	accounts map[sg.AccountID]bool // that own groups
	vpcs     map[sg.VPCID]bool     // that have groups

	defaultVPCs map[sg.VPCID]bool
}

func newChecker(t *sg.Topology, q Quotas) *checker {
	c := &checker{
		t: t, quotas: q.withDefaults(), groups: map[sg.GroupID]*sg.Group{}, reach: reach.New(), peers: map[sg.PeeringID]*sg.Peering{},
		members: map[sg.GroupID]families{}, lists: map[sg.PrefixListID]*sg.PrefixList{}, names: map[string]sg.GroupID{},
		places: map[sg.RuleID]string{}, accounts: map[sg.AccountID]bool{}, vpcs: map[sg.VPCID]bool{}, defaultVPCs: map[sg.VPCID]bool{},
	}
	for i := range t.Peerings {
		p := &t.Peerings[i]
		c.peers[p.ID] = p
		c.reach.Peer(string(p.ID), string(p.Requester), string(p.Accepter), p.Active(), p.SameRegion())
	}
	for _, g := range t.TransitGateways {
		vpcs := map[string]reach.Answer{}
		for _, a := range g.Attachments {
			vpcs[string(a.VPC)] = reach.Option(a.Referencing)
		}
		c.reach.Gateway(reach.Option(g.Referencing), vpcs)
	}
	for i := range t.VPCs {
		c.defaultVPCs[t.VPCs[i].ID] = t.VPCs[i].Default
	}
	for i := range t.Groups {
		if g := &t.Groups[i]; c.groups[g.ID] == nil {
			c.groups[g.ID] = g
		}
		c.accounts[t.Groups[i].Account] = true
		c.vpcs[t.Groups[i].VPC] = true
	}
	for i := range t.ENIs {
		e := &t.ENIs[i]
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

func (c *checker) add(f Finding, format string, args ...any) {
	f.Text = fmt.Sprintf(format, args...)
	c.found = append(c.found, f)
}

func (c *checker) prefixList(p *sg.PrefixList) {
	at := Finding{PrefixList: p.ID}
	if p.MaxEntries > 0 && len(p.Entries) > p.MaxEntries {
		at.Kind = QuotaExceeded
		c.add(at, "%d entries, its maximum is %d", len(p.Entries), p.MaxEntries)
	}
	if n := max(len(p.Entries), p.MaxEntries); n > c.quotas.EntriesPerList {
		at.Kind = QuotaExceeded
		c.add(at, "room for %d entries, quota %d", n, c.quotas.EntriesPerList)
	}
	seen := map[netip.Prefix]bool{}
	for _, e := range p.Entries {
		m := e.CIDR.Masked()
		if seen[m] && m.IsValid() {
			c.add(Finding{PrefixList: p.ID, Kind: DuplicateRule}, "%s is there twice", m) // PL-03
		}
		seen[m] = true
	}
	if strings.HasPrefix(p.Name, "com.amazonaws") && p.Owner != "" && p.Owner != "AWS" { // PL-10
		c.add(Finding{PrefixList: p.ID, Kind: Misplaced}, "the name %q is kept for lists of AWS", p.Name)
	}
}

func (c *checker) group(g *sg.Group) {
	at := Finding{Group: g.ID, Kind: Misplaced}
	name := strings.TrimRight(g.Name, " ") // SG-61
	if name != "" {
		key := string(g.VPC) + "\x00" + strings.ToLower(name)
		if other, ok := c.names[key]; ok {
			at.Code = "InvalidGroup.Duplicate" // SG-75
			if strings.EqualFold(name, "default") {
				at.Code = "InvalidGroup.Reserved"
			}
			c.add(at, "%s has the name %q in the same VPC", other, name)
			at.Code = ""
		} else {
			c.names[key] = g.ID
		}
		if len(name) > 255 || strings.HasPrefix(name, "sg-") {
			at.Code = "InvalidParameterValue"
			c.add(at, "the name %.40q is longer than 255 characters or starts with sg-", name)
			at.Code = ""
		}
	}
	for _, v := range g.Associations {
		switch {
		case name == "default": // DEF-06
			c.add(at, "a default group cannot be associated with %s", v)
		case c.defaultVPCs[v]: // REF-18
			c.add(at, "it cannot be associated with %s, a default VPC", v)
		}
	}
}

func (c *checker) eni(e *sg.ENI) {
	at := Finding{ENI: e.ID}
	if len(e.Groups) == 0 { // SG-10
		at.Kind, at.Code = Misplaced, "MissingParameter" // SG-85
		c.add(at, "an interface has at least one group")
	}
	if len(e.Groups) > c.quotas.GroupsPerENI {
		at.Kind, at.Code = QuotaExceeded, "SecurityGroupsPerInterfaceLimitExceeded"
		c.add(at, "%d groups, quota %d", len(e.Groups), c.quotas.GroupsPerENI)
	}
	for _, id := range e.Groups {
		g := c.groups[id]
		at.Code = "InvalidGroup.NotFound" // SG-73
		switch {
		case g == nil:
			at.Kind = Dangling
			c.add(at, "%s is not in the topology", id)
		case e.VPC != "" && g.VPC != "" && g.VPC != e.VPC && !slices.Contains(g.Associations, e.VPC):
			at.Kind = Misplaced
			c.add(at, "it is in %s, and %s in %s without an association", e.VPC, id, g.VPC)
		}
	}
}
