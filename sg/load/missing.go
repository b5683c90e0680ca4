package load

import "github.com/sgsim/sgsim/sg"

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
			if b.groupOf[b.groupNamed(id)] == nil {
				b.fail(Place{File: given[i].name}, codeGroupNotFound, "%q: %w", id, sg.ErrNoGroup)
			}
		}
	}
	for _, e := range b.enis {
		for _, id := range e.Groups {
			if b.groupOf[id] == nil && !byHand[e.ID] {
				b.warn(e.place, codeGroupNotFound, "%s carries %s, which no input holds: what its other groups do not admit is unknown there", e.ID, id)
			}
		}
	}
}
