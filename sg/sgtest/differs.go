package sgtest

import (
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

// Differs claims that a change of groups makes exactly these changes. Each line is the
// [diff.Change.String] of one, such as "opened: ingress of eni-db: tcp 5432 from
// 10.0.0.0/8", in any order. Without lines it claims that both topologies admit the
// same, however they are written.
func Differs(t TB, before, after *sg.Topology, lines ...string) bool {
	t.Helper()
	var policies [2]*sg.Policy
	for i, topology := range [...]*sg.Topology{before, after} {
		var err error
		if policies[i], err = sg.Compile(topology); err != nil {
			t.Fatalf("%v", err)
		}
	}
	d, left := diff.Policies(policies[0], policies[1]), slices.Clone(lines)
	var wrong strings.Builder
	for i := range d.Changes {
		c := &d.Changes[i]
		if n := slices.Index(left, c.String()); n >= 0 {
			left = slices.Delete(left, n, n+1)
			continue
		}
		wrong.WriteString("not claimed: " + c.String() + "\n")
		if h, ok := c.Witness(0); ok {
			wrong.WriteString("    for example " + h.String() + "\n")
		}
	}
	for _, line := range left {
		wrong.WriteString("not so: " + line + "\n")
	}
	if wrong.Len() > 0 {
		t.Errorf("the topologies do not differ as claimed\n%s", wrong.String())
	}
	return wrong.Len() == 0
}
