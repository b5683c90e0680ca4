// Package check finds the places of findings in a topology's files. It links packages
// lint and load, which do not know each other.
package check

import (
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

// Place returns where the subject of a finding about a loader's last topology is in
// the input.
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
