package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/lint"
)

// jsonVersion counts the schemas of check and explain, which JSON.md describes. New
// keys leave it as it is; keys that go or change their meaning do not.
const jsonVersion = 1

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

// A subjectJSON is a rule, group, interface or prefix list, and where it stands.
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
}

func (w *findingWriter) subjectJSON(s lint.Subject) subjectJSON {
	at := w.place(s)
	j := subjectJSON{
		File: at.File, Line: at.Line, Path: at.Path, Resource: at.Resource,
		Group: s.Group, GroupName: w.names.Groups[s.Group], ENI: s.ENI, ENIName: w.names.ENIs[s.ENI], PrefixList: s.PrefixList,
	}
	if s.Dir != 0 {
		r := w.rule(s)
		j.Direction, j.Index, j.Rule, j.RuleText = s.Dir.String(), &s.Index, string(r.ID), ruleText(r)
		if r.ID == "" {
			j.Rule = w.ruleName(s)
		}
	}
	return j
}

// ruleText is a rule as scenarios write it, without its id.
func ruleText(r sg.Rule) string {
	r.ID = ""
	return r.String()
}

func (w *findingWriter) json(out io.Writer, findings []lint.Finding) error {
	all := checkJSON{Version: jsonVersion, Findings: []findingJSON{}}
	for i := range findings {
		f := &findings[i]
		j := findingJSON{
			Severity: f.Severity.String(), Kind: f.Kind.String(), Code: f.Code,
			subjectJSON: w.subjectJSON(f.Subject), Text: f.Text, Advice: f.Advice,
		}
		if f.Other != (lint.Subject{}) {
			other := w.subjectJSON(f.Other)
			j.Other = &other
		}
		all.Findings = append(all.Findings, j)
	}
	return writeJSON(out, all)
}

// writeJSON writes a value for programs and people, so that nothing in it acts on a
// terminal.
func writeJSON(out io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(escape.JSON(b.Bytes()))
	return err
}
