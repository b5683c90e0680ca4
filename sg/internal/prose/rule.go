package prose

import (
	"cmp"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
)

// ENIName is shorter than [Names.ENI]: the name stands for its id.
func (n *Names) ENIName(id sg.ENIID) string { return escape.Text(cmp.Or(n.ENIs[id], string(id))) }

// GroupName is shorter than [Names.Group].
func (n *Names) GroupName(id sg.GroupID) string { return escape.Text(cmp.Or(n.Groups[id], string(id))) }

// RuleName is group and rule: "web sgr-0123", "sg-0123 ingress[3]".
func (n *Names) RuleName(r sg.RuleRef) string {
	return n.GroupName(r.Group()) + " " + escape.Text(r.Name())
}

// EntryName is the number of an entry of a network ACL, "100", or "*".
func EntryName(r sg.RuleRef) string {
	return strings.TrimPrefix(r.Name(), r.Direction().String()+" ")
}

// RuleWords is what a rule admits: "tcp 443 from 0.0.0.0/0".
func (n *Names) RuleWords(r sg.RuleRef) string {
	return Rule(r.Direction(), r.Rule(), n.GroupName)
}

// EntryWords is what an entry of a network ACL decides: "entry 90 denies tcp 443 from
// 0.0.0.0/0".
func (n *Names) EntryWords(r sg.RuleRef) string {
	if r.Entry().Number == 0 {
		return n.EntrySays(r)
	}
	return "entry " + EntryName(r) + " " + n.EntrySays(r)
}

// EntrySays is EntryWords without the number.
func (n *Names) EntrySays(r sg.RuleRef) string {
	switch e := r.Entry(); {
	case e.Number == 0:
		return "decided as about the first fragment"
	case e.Allow:
		return "allows " + n.RuleWords(r)
	}
	return "denies " + n.RuleWords(r)
}

// Nearest is the first of the rules that come near, with what fails, "" where there is
// none.
func (n *Names) Nearest(near []sg.NearRule) string {
	if len(near) == 0 {
		return ""
	}
	var words []string
	for _, f := range near[0].Fails {
		words = append(words, escape.Text(Plain(n.ShortText(f.String()))))
	}
	return n.RuleName(near[0].Rule) + ": " + strings.Join(words, "; ")
}
