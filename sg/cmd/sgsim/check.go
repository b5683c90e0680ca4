package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

const checkHelp = `usage: sgsim check [flags]

Finds what is wrong or useless in the groups of a topology: quotas of AWS that are
exceeded, references that lead nowhere, rules that no packet can match, that stand
there twice, or that another rule covers. One line a finding. That a prefix list has
entries which no file supplies is a warning and fails nothing: -topology pl-0123=FILE.

  -topology FILE       JSON of the AWS CLI (describe-security-groups, -network-interfaces,
                       ...) or of terraform show -json; repeat; pl-0123=FILE for the
                       entries of a prefix list
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -format text|json    json is one array of objects (default text)
  -fail-on KIND,...    kinds of findings that fail: all, none, or quota, stale, dangling,
                       never, duplicate, shadowed, misleading, misplaced (default all)

  sgsim check -topology groups.json -topology enis.json -fail-on quota,stale

Prints nothing where all is well. What the other subcommands refuse, as two interfaces
with one address, goes to standard error.

Exit status: 0 nothing found that fails; 1 input cannot be read or is refused; 2 usage;
3 findings.
`

func (t *tool) check(args []string) int {
	var topology topologyFlags
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	topology.define(fs)
	format := fs.String("format", "text", "")
	failOn := fs.String("fail-on", "all", "")
	if status, done := t.parse(fs, args, checkHelp); done {
		return status
	}
	fails, err := parseKinds(*failOn)
	switch {
	case err != nil:
		return t.misused(fs, err)
	case *format != "text" && *format != "json":
		return t.misused(fs, fmt.Errorf("-format %s: not one of text, json", *format))
	case fs.NArg() > 0:
		return t.misused(fs, fmt.Errorf("%q: check takes no arguments", fs.Arg(0)))
	}
	topo, loader, usage, err := t.load(&topology)
	if usage != nil {
		return t.misused(fs, usage)
	}
	if err != nil {
		return t.failed(err)
	}

	groups := make(map[sg.GroupID]*sg.Group, len(topo.Groups))
	for i := range topo.Groups {
		groups[topo.Groups[i].ID] = &topo.Groups[i]
	}
	findings := slices.DeleteFunc(lint.Check(topo), func(f lint.Finding) bool { return unsupplied(f, groups, loader) })
	w := bufio.NewWriter(t.stdout)
	if *format == "json" {
		err = writeFindings(w, findings, groups, loader)
	} else {
		for _, f := range findings {
			line := f.String()
			if at := placeOf(loader, f).String(); at != "" {
				line = at + ": " + line
			}
			fmt.Fprintln(w, printableLine(line))
		}
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return t.failed(err)
	}
	if _, err := sg.Compile(topo); err != nil { // what no other subcommand would work with is not in order
		return t.failed(loader.Locate(err))
	}
	for _, f := range findings {
		if fails(f.Kind) {
			return exitNo
		}
	}
	return exitOK
}

// allKinds are all kinds of findings.
func allKinds() []lint.Kind {
	var kinds []lint.Kind
	for k := lint.QuotaExceeded; k <= lint.Misplaced; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

func parseKinds(s string) (func(lint.Kind) bool, error) {
	switch s {
	case "all":
		return func(lint.Kind) bool { return true }, nil
	case "none":
		return func(lint.Kind) bool { return false }, nil
	}
	set := map[lint.Kind]bool{}
	for name := range strings.SplitSeq(s, ",") {
		known := false
		for _, k := range allKinds() {
			if k.String() == name {
				set[k], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("-fail-on %s: no kind %q", s, name)
		}
	}
	return func(k lint.Kind) bool { return set[k] }, nil
}

// A findingJSON is a finding as check -format json writes it.
type findingJSON struct {
	Kind       string          `json:"kind"`
	Code       string          `json:"code,omitempty"` // of AWS
	File       string          `json:"file,omitempty"`
	Line       int             `json:"line,omitempty"`
	Path       string          `json:"path,omitempty"`
	Resource   string          `json:"resource,omitempty"` // of Terraform
	Group      sg.GroupID      `json:"group,omitempty"`
	Direction  string          `json:"direction,omitempty"`
	Rule       string          `json:"rule,omitempty"` // the sgr- id where known, else ingress[3]
	ENI        sg.ENIID        `json:"eni,omitempty"`
	PrefixList sg.PrefixListID `json:"prefix_list,omitempty"`
	Text       string          `json:"text"`
}

func writeFindings(w io.Writer, findings []lint.Finding, groups map[sg.GroupID]*sg.Group, l *load.Loader) error {
	out := []findingJSON{}
	for _, f := range findings {
		at := placeOf(l, f)
		j := findingJSON{
			Kind: f.Kind.String(), Code: f.Code, File: at.File, Line: at.Line, Path: at.Path, Resource: at.Resource,
			Group: f.Group, ENI: f.ENI, PrefixList: f.PrefixList, Text: f.Text,
		}
		if f.Dir != 0 {
			j.Direction, j.Rule = f.Dir.String(), ruleName(groups, f)
		}
		out = append(out, j)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(escape.JSON(b.Bytes()))
	return err
}

// unsupplied reports whether a rule is found to match nothing because the entries
// of its prefix list were not supplied. That says something of the files and not of
// the rule, and the loader warned of it.
func unsupplied(f lint.Finding, groups map[sg.GroupID]*sg.Group, l *load.Loader) bool {
	list := ruleOf(groups, f).Peer.PrefixList
	return f.Kind == lint.NeverMatches && list != "" && !l.EntriesTold(list)
}

func ruleName(groups map[sg.GroupID]*sg.Group, f lint.Finding) string {
	if id := ruleOf(groups, f).ID; id != "" {
		return string(id)
	}
	return fmt.Sprintf("%s[%d]", f.Dir, f.Index)
}

// ruleOf returns the rule that a finding is about, the zero Rule if it is not
// about one.
func ruleOf(groups map[sg.GroupID]*sg.Group, f lint.Finding) sg.Rule {
	g := groups[f.Group]
	switch {
	case g == nil:
	case f.Dir == sg.Ingress && f.Index < len(g.Ingress):
		return g.Ingress[f.Index]
	case f.Dir == sg.Egress && f.Index < len(g.Egress):
		return g.Egress[f.Index]
	}
	return sg.Rule{}
}

// placeOf is where in the files the subject of a finding stands.
func placeOf(l *load.Loader, f lint.Finding) load.Place {
	switch {
	case f.Dir != 0:
		return l.RulePlace(f.Group, f.Dir, f.Index)
	case f.Group != "":
		return l.GroupPlace(f.Group)
	case f.ENI != "":
		return l.ENIPlace(f.ENI)
	}
	return load.Place{}
}
