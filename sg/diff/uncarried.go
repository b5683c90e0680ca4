package diff

import (
	"maps"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// uncarried returns the groups of Diff.Uncarried.
func uncarried(before, after *sg.Policy) []sg.GroupID {
	carried := map[sg.GroupID]bool{}
	for _, p := range [...]*sg.Policy{before, after} {
		for id := range p.ENIs() {
			for g := range p.GroupsOf(id) {
				carried[g] = true
			}
		}
	}
	was, is := idleRules(before, carried), idleRules(after, carried)
	differ := map[sg.GroupID]bool{}
	for r := range was {
		differ[r.group] = differ[r.group] || !is[r]
	}
	for r := range is {
		differ[r.group] = differ[r.group] || !was[r]
	}
	maps.DeleteFunc(differ, func(_ sg.GroupID, d bool) bool { return !d })
	return slices.Sorted(maps.Keys(differ))
}

// An idleRule is a rule of a group that no interface carries.
type idleRule struct {
	group sg.GroupID
	dir   sg.Direction
	rule  sg.Rule
}

func idleRules(p *sg.Policy, carried map[sg.GroupID]bool) map[idleRule]bool {
	all := map[idleRule]bool{}
	for r := range p.Rules() {
		if g := r.Group(); !carried[g] {
			all[idleRule{g, r.Direction(), r.Rule().Canonical(g)}] = true
		}
	}
	return all
}
