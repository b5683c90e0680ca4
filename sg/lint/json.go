package lint

import (
	"io"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

type checkJSON struct {
	Version  int           `json:"version"`
	Findings []findingJSON `json:"findings"`
}

type findingJSON struct {
	Severity string `json:"severity"`
	Kind     string `json:"kind"`
	Code     string `json:"code,omitempty"`
	subjectJSON
	Other  *subjectJSON `json:"other,omitempty"`
	Text   string       `json:"text"`
	Advice string       `json:"advice,omitempty"`
}

// A subjectJSON is a [Subject] and its place.
type subjectJSON struct {
	File       string          `json:"file,omitempty"`
	Line       int             `json:"line,omitempty"`
	Path       string          `json:"path,omitempty"`
	Resource   string          `json:"resource,omitempty"`
	Group      sg.GroupID      `json:"group,omitempty"`
	GroupName  string          `json:"group_name,omitempty"`
	Direction  string          `json:"direction,omitempty"`
	Index      *int            `json:"index,omitempty"`
	Rule       string          `json:"rule,omitempty"`
	RuleText   string          `json:"rule_text,omitempty"`
	ENI        sg.ENIID        `json:"eni,omitempty"`
	ENIName    string          `json:"eni_name,omitempty"`
	PrefixList sg.PrefixListID `json:"prefix_list,omitempty"`

	ACL    sg.NetworkACLID `json:"acl,omitempty"`
	Entry  int             `json:"entry,omitempty"`
	Subnet sg.SubnetID     `json:"subnet,omitempty"`
}

func (w *writer) subjectJSON(s Subject) subjectJSON {
	at := w.place(s)
	j := subjectJSON{
		File: at.File, Line: at.Line, Path: at.Path, Resource: at.Resource,
		Group: s.Group, GroupName: w.names.Groups[s.Group], ENI: s.ENI, ENIName: w.names.ENIs[s.ENI], PrefixList: s.PrefixList,
		ACL: s.ACL, Entry: s.Number, Subnet: s.Subnet,
	}
	if s.ACL != "" {
		j.Direction = s.Dir.String()
	} else if s.Dir != 0 {
		r := w.rule(s)
		j.Direction, j.Index, j.Rule, j.RuleText = s.Dir.String(), &s.Index, string(r.ID), jsondoc.RuleText(r)
		if r.ID == "" {
			j.Rule = w.ruleName(s)
		}
	}
	return j
}

// WriteJSON writes findings for programs, as one object. JSON.md beside the command
// describes it.
func WriteJSON(out io.Writer, findings []Finding, o *WriteOptions) error {
	w := newWriter(o)
	all := checkJSON{Version: jsondoc.Version, Findings: []findingJSON{}}
	for i := range findings {
		f := &findings[i]
		j := findingJSON{
			Severity: f.Severity.String(), Kind: f.Kind.String(), Code: f.Code,
			subjectJSON: w.subjectJSON(f.Subject), Text: f.Text, Advice: f.Advice,
		}
		if f.Other != (Subject{}) {
			other := w.subjectJSON(f.Other)
			j.Other = &other
		}
		all.Findings = append(all.Findings, j)
	}
	return jsondoc.Write(out, all)
}
