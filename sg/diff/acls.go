package diff

import (
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// otherACLs returns the interfaces of both policies at whose subnets network ACLs have
// other entries, ascending. What that changes for packets depends on the ACLs at both
// ends and on answers, so that it is left to [Replay].
func otherACLs(before, after *sg.Policy) (all []sg.ENIID) {
	was, is := entriesOf(before), entriesOf(after)
	there := after.Sets()
	for id := range before.ENIs() {
		if _, ok := there.Setting(id); ok && was[before.ACLOf(id)] != is[after.ACLOf(id)] {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// entriesOf returns what the ACLs of a policy say, "" for none.
func entriesOf(p *sg.Policy) map[sg.NetworkACLID]string {
	all, b, last := map[sg.NetworkACLID]string{}, []byte(nil), sg.NetworkACLID("")
	for r := range p.ACLEntries() { // ACL by ACL
		if r.ACL() != last {
			all[last], b, last = string(b), b[:0], r.ACL()
		}
		b = fmt.Appendf(b, "%s %s\n", r.Direction(), r.Entry())
	}
	all[last] = string(b)
	return all
}
