package diff

import (
	"maps"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// uncarried returns the groups of Diff.Uncarried and Diff.Unshared.
func uncarried(before, after *sg.Policy) (none, unshared []sg.GroupID) {
	sides := [...]*sg.Policy{before, after}
	enis := map[sg.ENIID]int{} // in how many policies they are
	for _, p := range sides {
		for id := range p.ENIs() {
			enis[id]++
		}
	}
	carried, shared := map[sg.GroupID]bool{}, map[sg.GroupID]bool{}
	var known [2]map[sg.GroupID]bool // carried there, or with rules
	for i, p := range sides {
		known[i] = map[sg.GroupID]bool{}
		for id := range p.ENIs() {
			for g := range p.GroupsOf(id) {
				carried[g], known[i][g] = true, true
				shared[g] = shared[g] || enis[id] == len(sides)
			}
		}
	}
	rules := [...]map[idleRule]bool{idleRules(before, shared), idleRules(after, shared)}
	differ := map[sg.GroupID]bool{}
	for i := range rules {
		for r := range rules[i] {
			known[i][r.group] = true
			differ[r.group] = differ[r.group] || !rules[1-i][r]
		}
	}
	for _, g := range slices.Sorted(maps.Keys(differ)) {
		switch {
		case !differ[g]:
		case !carried[g]:
			none = append(none, g)
		case known[0][g] && known[1][g]:
			unshared = append(unshared, g)
		}
	}
	return none, unshared
}

// An idleRule is a rule of a group that no interface of both policies carries.
type idleRule struct {
	group sg.GroupID
	dir   sg.Direction
	rule  sg.Rule
}

func idleRules(p *sg.Policy, shared map[sg.GroupID]bool) map[idleRule]bool {
	all := map[idleRule]bool{}
	for r := range p.Rules() {
		if g := r.Group(); !shared[g] {
			all[idleRule{g, r.Direction(), r.Rule().Canonical(g)}] = true
		}
	}
	return all
}
