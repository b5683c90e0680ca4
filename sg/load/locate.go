package load

import (
	"errors"
	"net/netip"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/errlist"
)

// Locate adds places in the input to an error of [sg.Compile] for the last
// topology, or to several that are joined: each becomes an [*Error] that wraps it.
// Errors without a known place are returned unchanged.
func (l *Loader) Locate(err error) error {
	if all := errlist.Of(err); len(all) > 1 {
		for i := range all {
			all[i] = l.Locate(all[i])
		}
		return errors.Join(all...)
	}
	at := l.placeOf(err)
	if at.IsZero() {
		return err
	}
	return &Error{Place: at, Code: sg.ErrorCode(err), Err: err}
}

func (l *Loader) placeOf(err error) Place {
	var e *sg.Error
	if !errors.As(err, &e) {
		return Place{}
	}
	switch e.Part {
	case "group":
		if e.Dir != 0 {
			return l.RulePlace(sg.GroupID(e.ID), e.Dir, e.Item)
		}
		return l.GroupPlace(sg.GroupID(e.ID))
	case "prefix list":
		if known := l.built.lists.of[sg.PrefixListID(e.ID)]; known != nil && e.Item >= 0 && e.Item < len(known.entries.all) {
			return known.entries.all[e.Item].place()
		}
		return placeIn(&l.built.lists, sg.PrefixListID(e.ID))
	case "interface":
		return l.ENIPlace(sg.ENIID(e.ID))
	case "network acl":
		at := l.ACLPlace(sg.NetworkACLID(e.ID), e.Dir, e.Number)
		if e.Dir == 0 && e.Subnet != "" {
			at = placeIn(&l.built.aclSubnets, e.Subnet)
		}
		if at.IsZero() {
			at = l.ACLPlace(sg.NetworkACLID(e.ID), 0, 0)
		}
		return at
	case "vpc":
		return placeIn(&l.built.vpcs, sg.VPCID(e.ID))
	case "peering":
		return placeIn(&l.built.peerings, sg.PeeringID(e.ID))
	}
	return Place{}
}

// RulePlace returns where a rule of the last topology was read, by its index in
// Group.Ingress or Group.Egress, and the zero Place if there is no such rule.
func (l *Loader) RulePlace(id sg.GroupID, dir sg.Direction, index int) Place {
	g := l.built.groups.of[id]
	if g == nil || dir != sg.Ingress && dir != sg.Egress {
		return Place{}
	}
	_, info := g.side(dir)
	if index < 0 || index >= len(*info) {
		return Place{}
	}
	return (*info)[index].at.place()
}

// GroupPlace returns where a group of the last topology was first read, and the
// zero Place for others.
func (l *Loader) GroupPlace(id sg.GroupID) Place {
	return placeIn(&l.built.groups, id)
}

// ENIPlace is GroupPlace for an interface.
func (l *Loader) ENIPlace(id sg.ENIID) Place {
	return placeIn(&l.built.enis, id)
}

// Kept returns the addresses that an interface of the last topology has from before a plan
// replaces it, since AWS has yet to choose new ones.
func (l *Loader) Kept(id sg.ENIID) []netip.Addr {
	if e := l.built.enis.of[id]; e != nil {
		return e.kept
	}
	return nil
}

// ACLPlace returns where a network ACL of the last topology was first read or, if dir is
// not zero, where its entry with that number was. It returns the zero Place for others.
func (l *Loader) ACLPlace(id sg.NetworkACLID, dir sg.Direction, number int) Place {
	if a := l.built.acls.of[id]; a != nil && dir != 0 {
		return placeIn(&a.entries, entryKey{dir, number})
	}
	return placeIn(&l.built.acls, id)
}
