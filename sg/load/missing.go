package load

import (
	"fmt"

	"github.com/sgsim/sgsim/sg"
)

// missingGroups tells of groups that interfaces carry and no input holds. AWS knows
// them, so that they are worth a warning; one that the caller gave by hand is a mistake.
func (b *builder) missingGroups(given []givenENI) {
	if b.unread { // it may be in what could not be read
		return
	}
	byHand := map[sg.ENIID]bool{}
	for i := range given {
		byHand[given[i].ID] = true
		for _, id := range given[i].Groups {
			if b.groups.of[b.groupNamed(id)] == nil {
				b.add(&Error{Place{File: given[i].name}, codeGroupNotFound, fmt.Errorf("%q: no such group", id)})
			}
		}
	}
	for _, e := range b.enis.all {
		at := e.at
		if e.listed != nil {
			at = e.listed
		}
		for _, id := range e.Groups {
			if b.groups.of[id] == nil && !byHand[e.ID] {
				at.warn(codeGroupNotFound, "%s carries %s, which no input holds: what its other groups do not admit is unknown there", e.ID, id)
			}
		}
	}
}
