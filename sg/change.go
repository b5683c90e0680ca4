package sg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The methods in this file change the policy of a Firewall in place, one thing at
// a time. Each is atomic: packets evaluated before it see the old policy, later
// ones the new. A call that returns an error changes nothing. Options.OnChange
// says which connections survive. The policy afterwards is the one that Compile
// would make from the changed topology.

// Attach adds a group to an ENI. If the ENI carries it already, nothing changes.
func (f *Firewall) Attach(id ENIID, g GroupID, now time.Time) error {
	e, err := f.carrier(id, g)
	if err != nil {
		return err
	}
	if groups := f.w.carried(e.eni); !slices.Contains(groups, g) {
		f.setGroups(e, append(groups, g), now)
	}
	return nil
}

// Detach removes a group from an ENI. The topology may lack that group.
func (f *Firewall) Detach(id ENIID, g GroupID, now time.Time) error {
	e, err := f.carrier(id)
	if err != nil {
		return err
	}
	groups := f.w.carried(e.eni)
	i := slices.Index(groups, g)
	if i < 0 {
		if _, err := f.carrier(id, g); err != nil {
			return err
		}
		return fmt.Errorf("%s: %s: %w", id, g, errNotAttached)
	}
	f.setGroups(e, slices.Delete(groups, i, i+1), now)
	return nil
}

// SetGroups replaces the groups of an ENI (SG-10).
func (f *Firewall) SetGroups(id ENIID, groups []GroupID, now time.Time) error {
	e, err := f.carrier(id, groups...)
	if err == nil {
		f.setGroups(e, groups, now)
	}
	return err
}

// carrier returns an ENI that is to carry groups. The policy must have it and them.
func (f *Firewall) carrier(id ENIID, groups ...GroupID) (*Enforcer, error) {
	e := f.ENI(id)
	if e == nil {
		return nil, fmt.Errorf("%s: %w", id, errNoENI)
	}
	for _, g := range groups {
		if _, ok := f.w.groupByID[g]; !ok {
			return nil, fmt.Errorf("%s: %s: %w", id, g, errNoGroup)
		}
	}
	return e, nil
}

func (f *Firewall) setGroups(e *Enforcer, groups []GroupID, now time.Time) {
	f.own()
	old := e.eni.set.numbers
	numbers, missing := f.w.numbersOf(groups, nil)
	e.eni.setGroups(&groupSet{numbers: numbers})
	if e.eni.incomplete || len(missing) > 0 {
		info := *e.eni.eniInfo
		info.missing = missing
		e.eni.eniInfo, e.eni.incomplete = &info, len(missing) > 0
	}
	e.eni.unfiltered = e.eni.groupless && len(groups) == 0
	f.regrouped(e, old, now)
}

// Authorize adds a rule to the end of a group's rules for a direction.
func (f *Firewall) Authorize(id GroupID, dir Direction, r Rule, now time.Time) error {
	g, err := f.group(id, dir)
	if err != nil {
		return err
	}
	rules := g.rules[dir-1]
	refused := func(err error) error {
		return &Error{Part: inGroups, Index: int(g.number), ID: string(id), Dir: dir, Item: len(rules), Err: err}
	}
	if err := errors.Join(r.check()...); err != nil {
		return refused(err)
	}
	if i := slices.IndexFunc(rules, sameRule(id, r)); i >= 0 {
		return refused(fmt.Errorf("rule %d: %w", i, errDuplicateRule))
	}
	f.own()
	info := &ruleInfo{group: id, dir: dir, index: len(rules), rule: r}
	f.w.resolve(info, g)
	if info.kind == peerCIDR4 || info.kind == peerCIDR6 {
		info.peer = f.w.cidrs.use(info.rule.Peer.CIDR)
	}
	f.setRules(g, dir, append(slices.Clone(rules), info))
	f.rulesChanged(g, info, now)
	return nil
}

// Revoke removes the rule of a group that is the same as r ([Rule.Same]), or the
// one with r's id if r says nothing else (SG-57, SG-58). If the topology has it
// several times, which AWS does not allow, Revoke removes all of them.
func (f *Firewall) Revoke(id GroupID, dir Direction, r Rule, now time.Time) error {
	g, err := f.group(id, dir)
	if err != nil {
		return err
	}
	goes, missing := sameRule(id, r), errNoRule
	if r.Protocol == 0 && r.ID != "" {
		goes, missing = func(o *ruleInfo) bool { return o.rule.ID == r.ID }, errNoRuleID
	}
	rules := g.rules[dir-1]
	first := slices.IndexFunc(rules, goes)
	if first < 0 {
		return fmt.Errorf("%s: %s rule %q: %w", id, dir, r.String(), missing)
	}
	f.own()
	left := slices.Clone(rules[:first])
	for _, o := range rules[first:] {
		if goes(o) {
			if o.peer >= firstCIDR {
				f.w.cidrs.drop(o.rule.Peer.CIDR, o.peer)
			}
			continue
		}
		moved := *o // connections keep the rule they were opened by
		moved.index = len(left)
		left = append(left, &moved)
	}
	f.setRules(g, dir, left)
	f.rulesChanged(g, nil, now)
	return nil
}

// sameRule returns a test for the rules of a group that are the same as r.
func sameRule(id GroupID, r Rule) func(*ruleInfo) bool {
	c := r.Canonical(id)
	return func(o *ruleInfo) bool {
		// These cheap comparisons tell most rules apart.
		return o.rule.Protocol == c.Protocol &&
			(o.rule.Ports == c.Ports || c.Protocol != TCP && c.Protocol != UDP) && o.rule.Canonical(id) == c
	}
}

func (f *Firewall) group(id GroupID, dir Direction) (*group, error) {
	n, ok := f.w.groupByID[id]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", id, errNoGroup)
	case dir != Ingress && dir != Egress:
		return nil, fmt.Errorf("%s: %w", id, errDirection)
	}
	return f.w.groups[n], nil
}

// setRules gives a group its rules for a direction. It makes a new group, which is
// how matchers notice.
func (f *Firewall) setRules(g *group, dir Direction, rules []*ruleInfo) {
	c := *g
	c.rules[dir-1] = rules
	c.mayUntrack = c.any((*ruleInfo).mayUntrack)
	f.w.groups[g.number] = &c
	f.w.epoch++
}

// AddEntry adds a CIDR to a prefix list. Host bits are cleared.
func (f *Firewall) AddEntry(id PrefixListID, cidr netip.Prefix, now time.Time) error {
	return f.changeEntry(id, cidr, true, now)
}

// RemoveEntry removes a CIDR from a prefix list.
func (f *Firewall) RemoveEntry(id PrefixListID, cidr netip.Prefix, now time.Time) error {
	return f.changeEntry(id, cidr, false, now)
}

func (f *Firewall) changeEntry(id PrefixListID, cidr netip.Prefix, comes bool, now time.Time) error {
	n, ok := f.w.listByID[id]
	if !ok {
		return fmt.Errorf("%s: %w", id, errNoPrefixList)
	}
	err := checkCIDR(cidr)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	l, masked, number := f.w.lists[n], cidr.Masked(), firstList+n
	switch had := slices.Contains(f.w.cidrs.At(masked), number); {
	case comes && had:
		err = fmt.Errorf("%s: %w", masked, errEntryExists)
	case !comes && !had:
		err = fmt.Errorf("%s: %w", masked, errNoEntry)
	case comes:
		err = l.checkFamily(cidr)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	f.own()
	if comes {
		l.entries++
		f.w.cidrs.Trie = f.w.cidrs.With(masked, number)
	} else {
		if l.entries--; l.entries == 0 && !l.said {
			l.family = 0
		}
		f.w.cidrs.Trie = f.w.cidrs.Without(masked, number)
	}
	f.w.lists[n] = l
	f.listChanged(n, now)
	return nil
}

// own gives the firewall its own copy of the world, so that it can be changed.
func (f *Firewall) own() {
	if !f.shared {
		return
	}
	f.w, f.shared = f.w.own(), false
	for i, e := range f.enforcers {
		e.eni = &f.w.enis[i]
	}
}
