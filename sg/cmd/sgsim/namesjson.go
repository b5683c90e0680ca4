package main

import (
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A jsonNames shows groups and rules in JSON, with their names.
type jsonNames struct{ prose.Names }

func (n jsonNames) near(rules []sg.NearRule) (all []nearJSON) {
	for _, x := range rules {
		near := nearJSON{ruleJSON: *n.ruleJSON(x.Rule), Fails: []failJSON{}}
		for _, f := range x.Fails {
			near.Fails = append(near.Fails, failJSON(f))
		}
		all = append(all, near)
	}
	return all
}

func (n jsonNames) group(id sg.GroupID) groupJSON { return groupJSON{id, n.Groups[id]} }

// ruleJSON returns nil for the zero RuleRef.
func (n jsonNames) ruleJSON(r sg.RuleRef) *ruleJSON {
	if r.IsZero() {
		return nil
	}
	j := &ruleJSON{groupJSON: n.group(r.Group()), Direction: r.Direction().String(), Index: r.Index(), Rule: r.Name(), RuleText: ruleText(r.Rule()), ACL: r.ACL()}
	if r.ACL() != "" {
		j.RuleText = r.Entry().String()
	}
	return j
}
