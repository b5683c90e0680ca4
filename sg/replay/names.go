package replay

import (
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// names are what people call ENIs and groups.
type names struct {
	enis   map[sg.ENIID]string
	groups map[sg.GroupID]string
}

func (n *names) eni(id sg.ENIID) string {
	if s := n.enis[id]; s != "" {
		return printable(s)
	}
	return printable(string(id))
}

func (n *names) group(id sg.GroupID) string {
	if s := n.groups[id]; s != "" {
		return printable(s)
	}
	return printable(string(id))
}

// ruleName is group and rule: "web sgr-0123", "sg-0123 ingress[3]".
func (n *names) ruleName(r sg.RuleRef) string { return n.group(r.Group()) + " " + printable(r.Name()) }

// printable escapes what would do something to a terminal or break a line: names
// come from files.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			q := strconv.Quote(s)
			return q[1 : len(q)-1]
		}
	}
	return s
}

// ruleWords is what a rule admits: "tcp 443 from 0.0.0.0/0".
func (n *names) ruleWords(r sg.RuleRef) string {
	rule := r.Rule()
	peer := rule.Peer.String()
	rule.ID, rule.Description = "", ""
	traffic := strings.TrimSpace(strings.TrimSuffix(rule.String(), peer))
	if rule.Peer.Group != "" {
		peer = n.group(rule.Peer.Group)
	}
	if r.Direction() == sg.Egress {
		return traffic + " to " + peer
	}
	return traffic + " from " + peer
}
