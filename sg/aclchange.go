package sg

import (
	"fmt"
	"slices"
)

// The methods in this file change network ACLs in place, as those in change.go
// change groups. A change holds for the next packet of every connection (NACL-39,
// NACL-56). Connections stay as they are, and go on as soon as an ACL lets them
// again.

// AddACLEntry adds an entry to a network ACL.
func (f *Firewall) AddACLEntry(id NetworkACLID, dir Direction, e ACLEntry) error {
	return f.changeACL(id, dir, e.Number, false, &e)
}

// ReplaceACLEntry replaces the entry that has e's number (NACL-40).
func (f *Firewall) ReplaceACLEntry(id NetworkACLID, dir Direction, e ACLEntry) error {
	return f.changeACL(id, dir, e.Number, true, &e)
}

// RemoveACLEntry removes the entry with the given number.
func (f *Firewall) RemoveACLEntry(id NetworkACLID, dir Direction, number int) error {
	return f.changeACL(id, dir, number, true, nil)
}

// changeACL removes the entry with a number, if there has to be one, and puts a new one
// in its place, if one is given.
func (f *Firewall) changeACL(id NetworkACLID, dir Direction, number int, goes bool, comes *ACLEntry) error {
	n, err := f.networkACL(id)
	if err != nil {
		return err
	}
	if dir != Ingress && dir != Egress {
		return fmt.Errorf("%s: %w", id, errDirection)
	}
	changed := *f.w.acls.all[n]
	rules := changed.rules[dir-1]
	at, found := slices.BinarySearchFunc(rules, number, func(r *ruleInfo, number int) int { return r.entry - number })
	switch {
	case number > LastACLEntry: // those that deny all stay (NACL-33)
		err = fmt.Errorf("number %d: %w", number, errEntryNumber)
	case found && !goes:
		err = errNumberTaken
	case goes && !found:
		err = errNoACLEntry
	case comes != nil:
		err = comes.check()
	}
	if err != nil {
		return fmt.Errorf("%s: %s entry %d: %w", id, dir, number, err)
	}
	behind, index := rules[at:], len(rules)-2
	if goes {
		behind, index = rules[at+1:], rules[at].index
	}
	rules = slices.Clone(rules[:at])
	if comes != nil {
		rules = append(rules, compileEntry(id, dir, index, *comes))
	}
	changed.setRules(dir, append(rules, behind...))
	f.own()
	acls := f.w.acls
	acls.all[n] = &changed
	for i := range acls.subnets {
		if s := &acls.subnets[i]; s.acl == n+1 {
			acls.settle(s)
		}
	}
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

// AssociateACL replaces a subnet's network ACL with another one of its VPC. The empty
// id restores the VPC's default ACL; if the policy lacks that, no ACL judges there
// (NACL-37).
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
	if acl != "" {
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
	f.w.acls.settle(&s)
	f.w.acls.subnets[n] = s
	return nil
}
