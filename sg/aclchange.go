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
	c, err := f.changeACL(id, dir, e.Number)
	if err != nil {
		return err
	}
	if c.found {
		return c.failed(errNumberTaken)
	}
	if err := e.check(); err != nil {
		return c.failed(err)
	}
	c.set(slices.Insert(c.rules, c.at, f.w.acls.entry(id, dir, len(c.rules)-2, e)))
	return nil
}

// ReplaceACLEntry puts an entry in the place of the one that has its number (NACL-40).
func (f *Firewall) ReplaceACLEntry(id NetworkACLID, dir Direction, e ACLEntry) error {
	c, err := f.changeACL(id, dir, e.Number)
	if err != nil {
		return err
	}
	if !c.found {
		return c.failed(errNoACLEntry)
	}
	if err := e.check(); err != nil {
		return c.failed(err)
	}
	c.rules[c.at] = f.w.acls.entry(id, dir, c.rules[c.at].index, e)
	c.set(c.rules)
	return nil
}

// RemoveACLEntry removes the entry of a number.
func (f *Firewall) RemoveACLEntry(id NetworkACLID, dir Direction, number int) error {
	c, err := f.changeACL(id, dir, number)
	if err != nil {
		return err
	}
	if !c.found {
		return c.failed(errNoACLEntry)
	}
	c.set(slices.Delete(c.rules, c.at, c.at+1))
	return nil
}

// An aclChange is a change of one entry under way: a copy of the entries that the ACL has
// in a direction, and where in them the number is, or would be.
type aclChange struct {
	acls   *acls
	acl    *acl
	dir    Direction
	number int
	rules  []*ruleInfo
	at     int
	found  bool
}

// changeACL begins a change of the entry of a number.
func (f *Firewall) changeACL(id NetworkACLID, dir Direction, number int) (*aclChange, error) {
	n, err := f.networkACL(id)
	if err != nil {
		return nil, err
	}
	if dir != Ingress && dir != Egress {
		return nil, fmt.Errorf("%s: %w", id, errDirection)
	}
	f.own()
	c := &aclChange{acls: f.w.acls, acl: f.w.acls.all[n], dir: dir, number: number}
	if number > LastACLEntry { // those that deny all stay (NACL-33)
		return nil, c.failed(fmt.Errorf("number %d: %w", number, errEntryNumber))
	}
	c.rules = slices.Clone(c.acl.rules[dir-1])
	c.at, c.found = slices.BinarySearchFunc(c.rules, number, func(r *ruleInfo, number int) int { return r.entry - number })
	return c, nil
}

// failed says which entry could not be changed.
func (c *aclChange) failed(err error) error {
	return fmt.Errorf("%s: %s entry %d: %w", c.acl.id, c.dir, c.number, err)
}

// set gives the ACL its new entries.
func (c *aclChange) set(rules []*ruleInfo) {
	changed := *c.acl
	changed.setRules(c.dir, rules)
	c.acls.all[changed.number] = &changed
	for i := range c.acls.subnets {
		if s := &c.acls.subnets[i]; s.acl == changed.number+1 {
			c.acls.settle(s)
		}
	}
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
	f.w.acls.settle(&s)
	f.w.acls.subnets[n] = s
	return nil
}
