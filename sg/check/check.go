// Package check finds what is questionable about a topology that a loader made: what
// package lint finds, and where in the input it stands.
package check

import (
	"slices"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

// Findings are those about the last topology of a loader, less those that say something
// of the files and not of the rules, of which the loader warns.
func Findings(q lint.Quotas, topo *sg.Topology, l *load.Loader) []lint.Finding {
	return slices.DeleteFunc(q.Check(topo), unsupplied(topo, l))
}

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

// unsupplied reports whether a rule is found to match nothing because the entries
// of its prefix list were not supplied. That says something of the files and not of
// the rule, and the loader warned of it.
func unsupplied(topo *sg.Topology, l *load.Loader) func(lint.Finding) bool {
	rule := lint.RulesOf(topo)
	return func(f lint.Finding) bool {
		list := rule(f.Subject).Peer.PrefixList
		return f.Kind == lint.NeverMatches && list != "" && !l.EntriesTold(list)
	}
}
