package load

import (
	"errors"

	"github.com/sgsim/sgsim/sg"
)

// Locate adds places in the input to an error of [sg.Compile] for the last
// topology, or to several that are joined: each becomes an [*Error] that wraps it.
// Errors it has no place for are returned as they are.
func (l *Loader) Locate(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, l.Locate(e))
		}
		return errors.Join(out...)
	}
	at := l.placeOf(err)
	if at.IsZero() {
		return err
	}
	return &Error{Place: at, Code: sg.ErrorCode(err), Err: err}
}

func (l *Loader) placeOf(err error) Place {
	var (
		rule    *sg.RuleError
		group   *sg.GroupError
		list    *sg.PrefixListError
		eni     *sg.ENIError
		vpc     *sg.VPCError
		peering *sg.PeeringError
	)
	switch {
	case errors.As(err, &rule):
		return l.RulePlace(rule.Group, rule.Dir, rule.Index)
	case errors.As(err, &group):
		return l.GroupPlace(group.Group)
	case errors.As(err, &list):
		if known := l.built.listOf[list.PrefixList]; known != nil {
			if list.Entry >= 0 && list.Entry < len(known.entriesAt) {
				return known.entriesAt[list.Entry].place()
			}
			return known.at.place()
		}
	case errors.As(err, &eni):
		if at := l.missingGroup(eni); !at.IsZero() {
			return at
		}
		return l.ENIPlace(eni.ENI)
	case errors.As(err, &vpc):
		if known := l.built.vpcOf[vpc.VPC]; known != nil {
			return known.at.place()
		}
	case errors.As(err, &peering):
		if known := l.built.peeringOf[peering.Peering]; known != nil {
			return known.at.place()
		}
	}
	return Place{}
}

// missingGroup returns where a listing gives an interface a group that no input has,
// which may not be where the interface was read first.
func (l *Loader) missingGroup(err *sg.ENIError) Place {
	e := l.built.eniOf[err.ENI]
	if e == nil || e.listed == nil || !errors.Is(err, sg.ErrNoGroup) {
		return Place{}
	}
	for g := range e.listed.field("Groups").objects() {
		if l.built.groupOf[sg.GroupID(g.field("GroupId").str())] == nil {
			return e.listed.place()
		}
	}
	return Place{}
}
