package sg

import (
	"fmt"
	"slices"
)

// The methods in this file change network ACLs in place, as those of groups do. What
// they change holds for the next packet of every connection (NACL-39, NACL-56);
// connections themselves stay as they are, and go on where an ACL lets them again.

// AddACLEntry adds an entry to a network ACL.
func (f *Firewall) AddACLEntry(id NetworkACLID, dir Direction, e ACLEntry) error {
	return f.changeACL(id, dir, e.Number, func(rules []*ruleInfo, i int, found bool) ([]*ruleInfo, error) {
		if found {
			return nil, errNumberTaken
		}
		if err := e.check(); err != nil {
			return nil, err
		}
		return slices.Insert(rules, i, f.w.acls.entry(id, dir, len(rules)-2, e)), nil
	})
}

// ReplaceACLEntry puts an entry in the place of the one that has its number (NACL-40).
func (f *Firewall) ReplaceACLEntry(id NetworkACLID, dir Direction, e ACLEntry) error {
	return f.changeACL(id, dir, e.Number, func(rules []*ruleInfo, i int, found bool) ([]*ruleInfo, error) {
		if !found {
			return nil, errNoACLEntry
		}
		if err := e.check(); err != nil {
			return nil, err
		}
		rules[i] = f.w.acls.entry(id, dir, rules[i].index, e)
		return rules, nil
	})
}

// RemoveACLEntry removes the entry of a number.
func (f *Firewall) RemoveACLEntry(id NetworkACLID, dir Direction, number int) error {
	return f.changeACL(id, dir, number, func(rules []*ruleInfo, i int, found bool) ([]*ruleInfo, error) {
		if !found {
			return nil, errNoACLEntry
		}
		return slices.Delete(rules, i, i+1), nil
	})
}

// changeACL gives an ACL the entries that change returns, of a copy of those it has and
// the place of a number in them.
func (f *Firewall) changeACL(id NetworkACLID, dir Direction, number int, change func(rules []*ruleInfo, i int, found bool) ([]*ruleInfo, error)) error {
	n, err := f.networkACL(id)
	if err != nil {
		return err
	}
	if dir != Ingress && dir != Egress {
		return fmt.Errorf("%s: %w", id, errDirection)
	}
	f.own()
	old := f.w.acls.all[n]
	rules := slices.Clone(old.rules[dir-1])
	i, found := slices.BinarySearchFunc(rules, number, func(r *ruleInfo, number int) int { return r.entry - number })
	if number > lastACLEntry { // those that deny all stay (NACL-33)
		err = fmt.Errorf("number %d: %w", number, errEntryNumber)
	} else {
		rules, err = change(rules, i, found)
	}
	if err != nil {
		return fmt.Errorf("%s: %s entry %d: %w", id, dir, number, err)
	}
	c := *old
	c.setRules(dir, rules)
	f.w.acls.all[n] = &c
	return nil
}

func (f *Firewall) networkACL(id NetworkACLID) (uint32, error) {
	if f.w.acls != nil {
		if n, ok := f.w.acls.byID[id]; ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s: %w", id, errNoNetworkACL)
}

// AssociateACL gives a subnet a network ACL of its VPC in place of the one it has. The
// empty id gives it back the VPC's default one; where the policy lacks that, none is
// judged there (NACL-37).
func (f *Firewall) AssociateACL(id SubnetID, acl NetworkACLID) error {
	var s subnet
	n := uint32(0)
	if a := f.w.acls; a != nil {
		n = a.subnetByID[id]
		s = a.subnets[n]
	}
	if n == 0 {
		return fmt.Errorf("%s: %w", id, errNoSubnet)
	}
	s.acl = 0
	if d := f.w.acls.defaults[s.vpc]; acl == "" && d != nil {
		s.acl = d.number + 1
	} else if acl != "" {
		number, err := f.networkACL(acl)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if vpc := f.w.acls.all[number].vpc; vpc != s.vpc && vpc != 0 && s.vpc != 0 {
			return fmt.Errorf("%s: %s: %w", id, acl, errOtherVPC)
		}
		s.acl = number + 1
	}
	f.own()
	f.w.acls.subnets[n] = s
	return nil
}
