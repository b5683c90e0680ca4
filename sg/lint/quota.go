package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// Quotas are the limits that AWS sets for an account and Region. Fields of zero or
// less mean AWS's defaults.
type Quotas struct {
	Groups         int // per Region, 2,500 (QUO-01)
	RulesPerGroup  int // per direction and family, 60 (QUO-02)
	GroupsPerENI   int // 5, at most 16 (QUO-03)
	PrefixLists    int // per Region, 100 (QUO-08)
	EntriesPerList int // 1,000 (QUO-08)
	ListReferences int // rules that name one prefix list, 5,000 (QUO-08)
	ACLsPerVPC     int // network ACLs, 200 (NACL-68)
	ACLEntries     int // per network ACL, direction and family, AWS's own included: 20, at most 40 (NACL-68)
}

// askAWS is advice about quotas that AWS raises on request.
const askAWS = "remove some, or ask AWS for a higher quota"

func (q Quotas) withDefaults() Quotas {
	for _, f := range []struct {
		n *int
		d int
	}{
		{&q.Groups, 2500}, {&q.RulesPerGroup, 60}, {&q.GroupsPerENI, 5},
		{&q.PrefixLists, 100}, {&q.EntriesPerList, 1000}, {&q.ListReferences, 5000}, {&q.ACLsPerVPC, 200}, {&q.ACLEntries, 20},
	} {
		if *f.n <= 0 {
			*f.n = f.d
		}
	}
	return q
}

// region checks what counts over the whole topology, which is taken to be one
// Region.
func (q Quotas) region(c *checker) {
	at := Subject{}
	if n := q.RulesPerGroup * q.GroupsPerENI; n > 1000 { // QUO-04
		c.add(at, QuotaExceeded, "the quotas allow %d rules per group times %d groups per interface, at most 1000 together",
			q.RulesPerGroup, q.GroupsPerENI).Advice = "lower one of the two"
	}
	if q.GroupsPerENI > 16 { // QUO-03
		c.add(at, QuotaExceeded, "the quota of %d groups per interface is above 16", q.GroupsPerENI).Advice = "lower it"
	}
	own := 0
	for i := range c.t.PrefixLists {
		if !ofAWS(&c.t.PrefixLists[i]) {
			own++
		}
	}
	if own > q.PrefixLists {
		c.add(at, QuotaExceeded, "%d prefix lists, quota %d", own, q.PrefixLists).Advice = askAWS
	}
	if n := len(c.t.Groups); n > q.Groups {
		c.add(at, QuotaExceeded, "%d groups, quota %d", n, q.Groups).refused("SecurityGroupLimitExceeded").Advice = askAWS // SG-80
	}
	refs := map[sg.PrefixListID]int{}
	for i := range c.t.Groups {
		for _, r := range slices.Concat(c.t.Groups[i].Ingress, c.t.Groups[i].Egress) {
			refs[r.Peer.PrefixList]++
		}
	}
	for i := range c.t.PrefixLists {
		at.PrefixList = c.t.PrefixLists[i].ID
		if n := refs[at.PrefixList]; n > q.ListReferences {
			c.add(at, QuotaExceeded, "%d rules name it, quota %d", n, q.ListReferences).Advice = askAWS
		}
	}
}

// rules checks the rules of one direction of a group, by family (QUO-02).
func (q Quotas) rules(c *checker, g *sg.Group, dir sg.Direction, rules []sg.Rule) {
	v4, v6 := 0, 0
	for i := range rules {
		a, b := c.weight(&rules[i])
		v4, v6 = v4+a, v6+b
	}
	byFamily(v4, v6, q.RulesPerGroup, func(family string, n int) {
		c.add(Subject{Group: g.ID}, QuotaExceeded, "%s rules count %d for %s, quota %d", dir, n, family, q.RulesPerGroup).
			refused("RulesPerSecurityGroupLimitExceeded").Advice = // QUO-06
			"put addresses into a prefix list, divide the group, or ask AWS for a higher quota"
	})
}

// byFamily says which of the two families' counts exceed a quota.
func byFamily(v4, v6, quota int, over func(family string, n int)) {
	if v4 > quota {
		over("IPv4", v4)
	}
	if v6 > quota {
		over("IPv6", v6)
	}
}

// weight returns what a rule counts towards the quota of each family (QUO-05): a
// CIDR block counts one in its own family, a group one in both, a prefix list its
// size. Stale references count too (REF-15).
func (c *checker) weight(r *sg.Rule) (v4, v6 int) {
	switch {
	case r.Peer.CIDR.IsValid() && r.Peer.CIDR.Addr().Is4():
		return 1, 0
	case r.Peer.CIDR.IsValid():
		return 0, 1
	case r.Peer.PrefixList != "":
		p := c.lists[r.Peer.PrefixList]
		switch {
		case p == nil:
			return 0, 0 // its size is unknown; it is reported as dangling
		case familyOf(p) == packet.IPv6:
			return 0, weight(p)
		}
		return weight(p), 0
	}
	return 1, 1
}

// ofAWS reports whether a list is AWS-managed. If its owner is not known, its name
// tells (PL-10), else its id: one of eight digits is older than the lists of customers.
func ofAWS(p *sg.PrefixList) bool {
	return p.Owner == "AWS" || p.Owner == "" && (strings.HasPrefix(p.Name, "com.amazonaws.") || p.Name == "" && shortID.MatchString(string(p.ID)))
}

var shortID = regexp.MustCompile(`^pl-[0-9a-f]{8}$`)

// weight returns what a rule that names the list counts towards the quota of its
// group: the published weight of an AWS-managed list (PL-07), 1 if its name is not known,
// which is the least; else MaxEntries (PL-06), or the number of entries if that is not
// known.
func weight(p *sg.PrefixList) int {
	if ofAWS(p) {
		if p.Name == "" {
			return 1
		}
		for _, w := range managedWeights {
			if strings.HasSuffix(p.Name, "."+w.service) {
				return w.weight
			}
		}
	}
	if p.MaxEntries > 0 {
		return p.MaxEntries
	}
	return len(p.Entries)
}

// managedWeights are the weights of AWS-managed lists by the end of their names,
// which start with com.amazonaws and the Region or "global" (PL-07). VPC User Guide,
// "AWS-managed prefix lists", as it was in 2025 and 2026.
var managedWeights = []struct {
	service string
	weight  int
}{
	{"cloudfront.origin-facing", 55},
	{"dynamodb", 1},
	{"ec2-instance-connect", 2},
	{"groundstation", 5},
	{"route53-healthchecks", 25},
	{"s3", 1},
	{"s3express", 6},
	{"vpc-lattice", 10},
}
