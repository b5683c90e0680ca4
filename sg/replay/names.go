package replay

import (
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// names are what people call ENIs and groups.
type names struct {
	enis   map[sg.ENIID]string
	groups map[sg.GroupID]string
}

func (n *names) eni(id sg.ENIID) string {
	if s := n.enis[id]; s != "" {
		return escape.Text(s)
	}
	return escape.Text(string(id))
}

func (n *names) group(id sg.GroupID) string {
	if s := n.groups[id]; s != "" {
		return escape.Text(s)
	}
	return escape.Text(string(id))
}

// groupAndID is "web (sg-0123)", or the id where there is no name.
func (n *names) groupAndID(id sg.GroupID) string {
	if n.groups[id] == "" {
		return escape.Text(string(id))
	}
	return n.group(id) + " (" + escape.Text(string(id)) + ")"
}

// ruleName is group and rule: "web sgr-0123", "sg-0123 ingress[3]".
func (n *names) ruleName(r sg.RuleRef) string {
	return n.group(r.Group()) + " " + escape.Text(r.Name())
}

// ruleWords is what a rule admits: "tcp 443 from 0.0.0.0/0".
func (n *names) ruleWords(r sg.RuleRef) string {
	return prose.Rule(r.Direction(), r.Rule(), n.group)
}
