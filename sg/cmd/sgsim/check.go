package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/check"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

const checkHelp = `usage: sgsim check [flags]

Finds what is wrong or useless in the groups of a topology: exceeded AWS quotas,
references that lead nowhere, and rules that no packet can match, that are listed
twice, or that another rule covers. An error is what AWS refuses, a warning is what
cannot work as written or adds nothing, a note is what is legal and perhaps intended.
Without interfaces in the input, check says nothing about members of groups. If no
file supplies the entries of a prefix list (-topology pl-0123=FILE), that is a
warning and fails nothing.

  -topology FILE       output of the AWS CLI (describe-security-groups, ...) or terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list; - is standard input
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -format text|json    json is one object; sg/cmd/sgsim/JSON.md has its schema (default
                       text)
  -html FILE           also write the findings as a page
  -fail-on WHAT,...    findings that fail: of a severity or a worse one, note, warning or
                       error; of a kind, quota, stale, dangling, never, duplicate,
                       shadowed, misleading or misplaced; all; none (default
                       error,warning)
  -quota rules-per-group=100,...    quotas that AWS has raised: groups, rules-per-group,
                       groups-per-eni, prefix-lists, entries-per-list, list-references
  -v                   also name the statements behind findings, such as REF-10

  sgsim check -topology groups.json -topology enis.json -fail-on error,stale

Prints nothing if all is well. What the other subcommands refuse, such as two interfaces
with one address, goes to standard error.

Exit status: 0 no finding that fails; 1 input cannot be read or is refused; 2 usage;
3 findings.
`

func (t *tool) check(args []string) int {
	var topology topologyFlags
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	topology.define(fs)
	format := fs.String("format", "text", "")
	failOn := fs.String("fail-on", "error,warning", "")
	html := fs.String("html", "", "")
	verbose := fs.Bool("v", false, "")
	var quotas lint.Quotas
	fs.Func("quota", "", func(s string) error { return setQuotas(&quotas, s) })
	if status, done := t.parse(fs, args, checkHelp); done {
		return status
	}
	fails, err := parseFindings(*failOn)
	switch {
	case err != nil:
		return t.misused(fs, err)
	case *format != "text" && *format != "json":
		return t.misused(fs, fmt.Errorf("-format %s: not one of text, json", *format))
	case fs.NArg() > 0:
		return t.misused(fs, fmt.Errorf("%q: check takes no arguments: put -topology before each file, or name the folder", fs.Arg(0)))
	}
	topo, loader, err := t.load(&topology, isFinding)
	if err != nil {
		return t.refused(fs, err)
	}

	findings := quotas.Check(topo)
	o := &lint.WriteOptions{Topology: topo, Place: check.Place(loader), Statements: *verbose, Inputs: topology.files}
	file, err := t.openPage(*html, inputs{topology: topology.files})
	if err != nil {
		return t.failed(err)
	}
	out := bufio.NewWriter(t.stdout)
	if *format == "json" {
		err = lint.WriteJSON(out, findings, o)
	} else {
		err = lint.WriteText(out, findings, o)
	}
	err = errors.Join(err, out.Flush(), writePage(file, func(w io.Writer) error { return lint.WriteHTML(w, findings, o) }))
	if err != nil {
		return t.failed(err)
	}
	if _, err := sg.Compile(topo); err != nil { // a topology that no other subcommand accepts does not pass
		return t.failed(loader.Locate(err))
	}
	if slices.ContainsFunc(findings, fails) {
		return exitNo
	}
	return exitOK
}

// setQuotas reads -quota.
func setQuotas(q *lint.Quotas, s string) error {
	fields := map[string]*int{
		"groups": &q.Groups, "rules-per-group": &q.RulesPerGroup, "groups-per-eni": &q.GroupsPerENI,
		"prefix-lists": &q.PrefixLists, "entries-per-list": &q.EntriesPerList, "list-references": &q.ListReferences,
	}
	for word := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(value)
		switch field := fields[name]; {
		case field == nil:
			return fmt.Errorf("no quota %q", name)
		case err != nil || n < 1:
			return fmt.Errorf("%s: want a number above zero, got %q", name, value)
		default:
			*field = n
		}
	}
	return nil
}

// isFinding reports whether a warning of the loader is a finding as well: groups that
// an interface carries and no input holds.
func isFinding(w load.Warning) bool { return w.Code == "InvalidGroup.NotFound" }

// parseFindings reads -fail-on of check.
func parseFindings(s string) (func(lint.Finding) bool, error) {
	switch s {
	case "all":
		return func(lint.Finding) bool { return true }, nil
	case "none":
		return func(lint.Finding) bool { return false }, nil
	}
	kinds, least := map[lint.Kind]bool{}, lint.Error+1
	for name := range strings.SplitSeq(s, ",") {
		var k lint.Kind
		var v lint.Severity
		switch {
		case name != "" && k.UnmarshalText([]byte(name)) == nil:
			kinds[k] = true
		case name != "" && v.UnmarshalText([]byte(name)) == nil:
			least = min(least, v)
		default:
			return nil, fmt.Errorf("-fail-on %s: no kind or severity %q", s, name)
		}
	}
	return func(f lint.Finding) bool { return kinds[f.Kind] || f.Severity >= least }, nil
}
