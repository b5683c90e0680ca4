// Package prose makes texts for people: names beside ids, rules in words, lines that
// fit.
package prose

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
)

// Names are what people call ENIs and groups, where a name is of one alone. The zero
// Names has none. It may be read by several goroutines.
type Names struct {
	ENIs   map[sg.ENIID]string
	Groups map[sg.GroupID]string
}

// NamesOf returns the names in a topology.
func NamesOf(t *sg.Topology) Names {
	eniNames, groupNames := map[string]int{"": 2}, map[string]int{"": 2}
	for i := range t.ENIs {
		eniNames[t.ENIs[i].Name]++
	}
	for i := range t.Groups {
		groupNames[t.Groups[i].Name]++
	}
	n := Names{map[sg.ENIID]string{}, map[sg.GroupID]string{}}
	for i := range t.ENIs {
		if e := &t.ENIs[i]; eniNames[e.Name] == 1 {
			n.ENIs[e.ID] = e.Name
		}
	}
	for i := range t.Groups {
		if g := &t.Groups[i]; groupNames[g.Name] == 1 {
			n.Groups[g.ID] = g.Name
		}
	}
	return n
}

// ENI is "web (eni-0123)", or the id where there is no name.
func (n *Names) ENI(id sg.ENIID) string { return beside(n.ENIs[id], string(id)) }

// Group is "web (sg-0123)", or the id where there is no name.
func (n *Names) Group(id sg.GroupID) string { return beside(n.Groups[id], string(id)) }

func beside(name, id string) string {
	if name == "" || name == id {
		return escape.Text(id)
	}
	return escape.Text(name) + " (" + escape.Text(id) + ")"
}

var awsID = regexp.MustCompile(`\b(eni|sg)-[0-9A-Za-z-]+`)

// Text puts names before the ids of AWS in a text, and escapes what does not print but
// ends of lines.
func (n *Names) Text(s string) string {
	return escape.Lines(awsID.ReplaceAllStringFunc(s, func(id string) string {
		if name := cmp.Or(n.ENIs[sg.ENIID(id)], n.Groups[sg.GroupID(id)]); name != "" {
			return beside(name, id)
		}
		return id
	}))
}

// Rule is what a rule admits: "tcp 443 from 0.0.0.0/0". group names a group.
func Rule(dir sg.Direction, r sg.Rule, group func(sg.GroupID) string) string {
	r.ID, r.Description = "", ""
	peer := r.Peer.String()
	traffic := strings.TrimSpace(strings.TrimSuffix(r.String(), peer))
	if r.Peer.Group != "" {
		peer = group(r.Peer.Group)
	}
	if dir == sg.Egress {
		return traffic + " to " + escape.Text(peer)
	}
	return traffic + " from " + escape.Text(peer)
}

var statements = regexp.MustCompile(` \([A-Z]+-[0-9]+(, [A-Z]+-[0-9]+)*\)`)

// Plain takes the numbers of statements, such as CT-20, out of a text.
func Plain(s string) string { return statements.ReplaceAllString(s, "") }
