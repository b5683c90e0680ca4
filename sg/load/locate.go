package load

import (
	"errors"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/errlist"
)

// Locate adds places in the input to an error of [sg.Compile] for the last
// topology, or to several that are joined: each becomes an [*Error] that wraps it.
// Errors it has no place for are returned as they are.
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
		if known := l.built.lists.of[sg.PrefixListID(e.ID)]; known != nil {
			if e.Item >= 0 && e.Item < len(known.entriesAt) {
				return known.entriesAt[e.Item].place()
			}
			return known.place()
		}
	case "interface":
		return l.ENIPlace(sg.ENIID(e.ID))
	case "network acl":
		if e.Dir == 0 {
			if at := l.built.aclSubnets.place(e.Subnet); e.Subnet != "" && !at.IsZero() {
				return at
			}
			return l.ACLPlace(sg.NetworkACLID(e.ID), 0, 0)
		}
		if at := l.ACLPlace(sg.NetworkACLID(e.ID), e.Dir, e.Number); !at.IsZero() {
			return at
		}
		return l.ACLPlace(sg.NetworkACLID(e.ID), 0, 0)
	case "vpc":
		return l.built.vpcs.place(sg.VPCID(e.ID))
	case "peering":
		return l.built.peerings.place(sg.PeeringID(e.ID))
	}
	return Place{}
}
