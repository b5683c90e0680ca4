// Package check tells where in the files of a topology the subjects of findings stand, of
// which package lint knows as little as package load does of findings.
package check

import (
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

// Place returns where in the input of a loader the subject of a finding about its last
// topology stands.
func Place(l *load.Loader) func(lint.Subject) lint.Place {
	return func(s lint.Subject) lint.Place {
		var at load.Place
		switch {
		case s.ACL != "":
			at = l.ACLPlace(s.ACL, s.Dir, s.Number)
		case s.Dir != 0:
			at = l.RulePlace(s.Group, s.Dir, s.Index)
		case s.Group != "":
			at = l.GroupPlace(s.Group)
		case s.ENI != "":
			at = l.ENIPlace(s.ENI)
		}
		return lint.Place{File: at.File, Line: at.Line, Path: at.Path, Resource: at.Resource}
	}
}
