// Package prose makes texts for people: names beside ids, rules in words, lines that
// fit.
package prose

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
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

// known matches an id of AWS or an address of Terraform, with what tells that it is to be
// typed, where it is to stay alone, or what marks it as a group in a rule.
var known = regexp.MustCompile(`(say through=|group=)?\b((?:eni|sg)-[0-9A-Za-z-]+|(?:module\.[\w-]+(?:\[[^\]]*\])?\.)*aws_\w+\.[\w-]+(?:\[[^\]]*\])?)`)

// Text puts names before the ids of AWS and the addresses of Terraform in a text, and
// escapes what does not print but ends of lines.
func (n *Names) Text(s string) string { return n.text(s, beside) }

// ShortText is Text in which names stand for ids.
func (n *Names) ShortText(s string) string {
	return n.text(s, func(name, _ string) string { return escape.Text(name) })
}

func (n *Names) text(s string, called func(name, id string) string) string {
	return escape.Lines(known.ReplaceAllStringFunc(s, func(typed string) string {
		id := strings.TrimPrefix(typed, "group=")
		if name := cmp.Or(n.ENIs[sg.ENIID(id)], n.Groups[sg.GroupID(id)]); name != "" {
			return called(name, id)
		}
		return typed
	}))
}

// Rule is what a rule admits: "tcp 443 from 0.0.0.0/0". group names a group.
func Rule(dir sg.Direction, r sg.Rule, group func(sg.GroupID) string) string {
	peer := r.Peer.String()
	if r.Peer.Group != "" {
		peer = group(r.Peer.Group)
	}
	if dir == sg.Egress {
		return Traffic(r) + " to " + escape.Text(peer)
	}
	return Traffic(r) + " from " + escape.Text(peer)
}

// Traffic is what a rule admits, whoever sends it: "tcp 443".
func Traffic(r sg.Rule) string {
	return sg.Rule{Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP}.String()
}

// Number is "1,234,567".
func Number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count is a number with the noun for what is counted: "1 entry", "3 entries".
func Count[N ~int | ~uint64](n N, noun string) string { return fmt.Sprintf("%d %s", n, Noun(n, noun)) }

// Noun returns the noun for n of what it names.
func Noun[N ~int | ~uint64](n N, noun string) string {
	switch {
	case n == 1:
		return noun
	case noun[len(noun)-1] == 'y':
		return noun[:len(noun)-1] + "ies"
	}
	return noun + "s"
}

// First returns the first of some things as text, and behind them how many more there
// are, where that is more than one: "and 3 more interfaces".
func First[T any](all []T, most int, what string) []string {
	var words []string
	for i, x := range all {
		if i == most && len(all) > most+1 {
			return append(words, strings.TrimRight(fmt.Sprintf("and %d more %s", len(all)-i, what), " "))
		}
		words = append(words, fmt.Sprint(x))
	}
	return words
}

var statements = regexp.MustCompile(` \([A-Z]+-[0-9]+(, [A-Z]+-[0-9]+)*\)`)

// Plain takes the numbers of statements, such as CT-20, out of a text.
func Plain(s string) string { return statements.ReplaceAllString(s, "") }
