package replay

import (
	"cmp"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// names are what people call ENIs and groups, shorter than [prose.Names] has it: a name
// stands for its id.
type names struct{ prose.Names }

func (n *names) eni(id sg.ENIID) string { return escape.Text(cmp.Or(n.ENIs[id], string(id))) }

func (n *names) group(id sg.GroupID) string { return escape.Text(cmp.Or(n.Groups[id], string(id))) }

// ruleName is group and rule: "web sgr-0123", "sg-0123 ingress[3]".
func (n *names) ruleName(r sg.RuleRef) string {
	return n.group(r.Group()) + " " + escape.Text(r.Name())
}

// entryName is the number of an entry of a network ACL, "100", or "*".
func entryName(r sg.RuleRef) string {
	return strings.TrimPrefix(r.Name(), r.Direction().String()+" ")
}

// ruleWords is what a rule admits: "tcp 443 from 0.0.0.0/0".
func (n *names) ruleWords(r sg.RuleRef) string {
	return prose.Rule(r.Direction(), r.Rule(), n.group)
}

// entryWords is what an entry of a network ACL decides: "entry 90 denies tcp 443 from
// 0.0.0.0/0".
func (n *names) entryWords(r sg.RuleRef) string {
	if r.Entry().Number == 0 {
		return n.entrySays(r)
	}
	return "entry " + entryName(r) + " " + n.entrySays(r)
}

// entrySays is entryWords without the number.
func (n *names) entrySays(r sg.RuleRef) string {
	switch e := r.Entry(); {
	case e.Number == 0:
		return "decided as about the first fragment"
	case e.Allow:
		return "allows " + n.ruleWords(r)
	}
	return "denies " + n.ruleWords(r)
}
