// Package jsondoc holds what the JSON documents of several packages have in common, so
// that a rule has the same keys in all of them, but for differences, which name it without
// its place: that changes with other rules. JSON.md beside the command describes them.
package jsondoc

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// Version counts the schemas. New keys leave it as it is; keys that go or change their
// meaning do not.
const Version = 1

// A Group is a group with its name.
type Group struct {
	Group     sg.GroupID `json:"group"`
	GroupName string     `json:"group_name,omitempty"`
}

// A Rule is a rule of a group, or an entry of a network ACL.
type Rule struct {
	Group
	Direction string `json:"direction"`
	Index     int    `json:"index"`
	Rule      string `json:"rule"`
	RuleText  string `json:"rule_text"`

	ACL sg.NetworkACLID `json:"acl,omitempty"`
}

// A Near is a rule that does not admit a packet, and why.
type Near struct {
	Rule
	Fails []Fail `json:"fails"`
}

// A Fail is a [sg.Fail].
type Fail struct {
	Field string `json:"field"`
	Want  string `json:"want"`
	Got   string `json:"got"`
	Why   string `json:"why,omitempty"`
}

// Names makes groups and rules with their names.
type Names struct{ prose.Names }

// Group returns a group.
func (n Names) Group(id sg.GroupID) Group { return Group{id, n.Groups[id]} }

// Rule returns a rule, nil for the zero RuleRef.
func (n Names) Rule(r sg.RuleRef) *Rule {
	if r.IsZero() {
		return nil
	}
	j := &Rule{Group: n.Group(r.Group()), Direction: r.Direction().String(), Index: r.Index(), Rule: r.Name(), RuleText: RuleText(r.Rule()), ACL: r.ACL()}
	if r.ACL() != "" {
		j.RuleText = r.Entry().String()
	}
	return j
}

// Near returns rules that come near; nil where there are none.
func (n Names) Near(rules []sg.NearRule) (all []Near) {
	for _, x := range rules {
		near := Near{Rule: *n.Rule(x.Rule), Fails: []Fail{}}
		for _, f := range x.Fails {
			near.Fails = append(near.Fails, Fail(f))
		}
		all = append(all, near)
	}
	return all
}

// RuleText is a rule as scenarios write it, without its id.
func RuleText(r sg.Rule) string {
	r.ID = ""
	return r.String()
}

// Protocol returns the names that programs have always been given, and the number of
// other protocols.
func Protocol(p packet.Protocol) string {
	switch p {
	case packet.TCP, packet.UDP, packet.ICMP, packet.ICMPv6:
		return p.String()
	}
	return p.Number()
}

// Time leaves the zero Time out.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Write writes a document for programs and people, so that nothing in it acts on a
// terminal.
func Write(w io.Writer, doc any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := w.Write(escape.JSON(b.Bytes()))
	return err
}
