package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
)

const checkHelp = `usage: sgsim check [flags]

Finds what is wrong or useless in the groups of a topology: quotas of AWS that are
exceeded, references that lead nowhere, rules that no packet can match, that stand
there twice, or that another rule covers. An error is what AWS refuses, a warning
what cannot work as it is written or adds nothing, a note what is legal and maybe
wanted. Without interfaces in the input nothing is said about members of groups.
That a prefix list has entries which no file supplies is a warning and fails
nothing: -topology pl-0123=FILE.

  -topology FILE       what the AWS CLI prints (describe-security-groups, ...), terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -format text|json    json is one object; sg/cmd/sgsim/JSON.md has its schema (default
                       text)
  -fail-on WHAT,...    what fails: severities error, warning, note; kinds quota, stale,
                       dangling, never, duplicate, shadowed, misleading, misplaced; all;
                       none (default error,warning)
  -quota rules-per-group=100,...    quotas that AWS raised: groups, rules-per-group,
                       groups-per-eni, prefix-lists, entries-per-list, list-references
  -v                   name the statements behind findings, such as REF-10

  sgsim check -topology groups.json -topology enis.json -fail-on error,stale

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
	failOn := fs.String("fail-on", "error,warning", "")
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
		return t.misused(fs, fmt.Errorf("%q: check takes no arguments", fs.Arg(0)))
	}
	topo, loader, usage, err := t.load(&topology, isFinding)
	if usage != nil {
		return t.misused(fs, usage)
	}
	if err != nil {
		return t.failed(err)
	}

	w := newFindingWriter(topo, loader)
	findings := slices.DeleteFunc(quotas.Check(topo), w.unsupplied)
	out := bufio.NewWriter(t.stdout)
	if *format == "json" {
		err = w.json(out, findings)
	} else {
		for i := range findings {
			w.text(out, &findings[i], *verbose)
		}
	}
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return t.failed(err)
	}
	if _, err := sg.Compile(topo); err != nil { // what no other subcommand would work with is not in order
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

// isFinding reports whether the loader warns of what is a finding too: groups that an
// interface carries and no input holds.
func isFinding(w load.Warning) bool { return w.Code == "InvalidGroup.NotFound" }

// parseFindings reads -fail-on of check.
func parseFindings(s string) (func(lint.Finding) bool, error) {
	switch s {
	case "all":
		return func(lint.Finding) bool { return true }, nil
	case "none":
		return func(lint.Finding) bool { return false }, nil
	}
	kinds, severities := map[lint.Kind]bool{}, map[lint.Severity]bool{}
	for name := range strings.SplitSeq(s, ",") {
		var k lint.Kind
		var v lint.Severity
		switch {
		case name != "" && k.UnmarshalText([]byte(name)) == nil:
			kinds[k] = true
		case name != "" && v.UnmarshalText([]byte(name)) == nil:
			severities[v] = true
		default:
			return nil, fmt.Errorf("-fail-on %s: no kind or severity %q", s, name)
		}
	}
	return func(f lint.Finding) bool { return kinds[f.Kind] || severities[f.Severity] }, nil
}

// A findingWriter writes findings about a topology.
type findingWriter struct {
	loader *load.Loader
	names  prose.Names
	groups map[sg.GroupID]*sg.Group // the first of each id
	lists  map[sg.PrefixListID]string
}

func newFindingWriter(topo *sg.Topology, l *load.Loader) *findingWriter {
	w := &findingWriter{l, prose.NamesOf(topo), map[sg.GroupID]*sg.Group{}, map[sg.PrefixListID]string{}}
	for i := range topo.Groups {
		if g := &topo.Groups[i]; w.groups[g.ID] == nil {
			w.groups[g.ID] = g
		}
	}
	for _, p := range topo.PrefixLists {
		w.lists[p.ID] = p.Name
	}
	return w
}

// unsupplied reports whether a rule is found to match nothing because the entries
// of its prefix list were not supplied. That says something of the files and not of
// the rule, and the loader warned of it.
func (w *findingWriter) unsupplied(f lint.Finding) bool {
	list := w.rule(f.Subject).Peer.PrefixList
	return f.Kind == lint.NeverMatches && list != "" && !w.loader.EntriesTold(list)
}

// rule returns the rule that s is, the zero Rule if it is none.
func (w *findingWriter) rule(s lint.Subject) sg.Rule {
	g := w.groups[s.Group]
	switch {
	case g == nil:
	case s.Dir == sg.Ingress && s.Index < len(g.Ingress):
		return g.Ingress[s.Index]
	case s.Dir == sg.Egress && s.Index < len(g.Egress):
		return g.Egress[s.Index]
	}
	return sg.Rule{}
}

// place is where in the files a subject stands.
func (w *findingWriter) place(s lint.Subject) load.Place {
	switch {
	case s.Dir != 0:
		return w.loader.RulePlace(s.Group, s.Dir, s.Index)
	case s.Group != "":
		return w.loader.GroupPlace(s.Group)
	case s.ENI != "":
		return w.loader.ENIPlace(s.ENI)
	}
	return load.Place{}
}

// subject names a rule as the report of a replay does, and what else there may be.
func (w *findingWriter) subject(s lint.Subject) string {
	switch {
	case s.Dir != 0:
		return fmt.Sprintf("%s %s, %s", w.names.Group(s.Group), w.ruleName(s), w.ruleText(s))
	case s.Group != "":
		return w.names.Group(s.Group)
	case s.ENI != "":
		return w.names.ENI(s.ENI)
	case s.PrefixList != "" && w.lists[s.PrefixList] != "":
		return printableLine(w.lists[s.PrefixList] + " (" + string(s.PrefixList) + ")")
	}
	return printableLine(string(s.PrefixList))
}

// ruleName is "ingress[3]", or "ingress sgr-0123".
func (w *findingWriter) ruleName(s lint.Subject) string {
	if id := w.rule(s).ID; id != "" {
		return s.Dir.String() + " " + printableLine(string(id))
	}
	return fmt.Sprintf("%s[%d]", s.Dir, s.Index)
}

func (w *findingWriter) ruleText(s lint.Subject) string {
	return prose.Rule(s.Dir, w.rule(s), w.names.Group)
}

// text writes a finding: a line with place, severity, kind and subject, and below it
// what is the matter and what to do.
func (w *findingWriter) text(out io.Writer, f *lint.Finding, verbose bool) {
	line := func(indent int, format string, args ...any) {
		s := w.names.Text(fmt.Sprintf(format, args...))
		if !verbose {
			s = prose.Plain(s)
		}
		b, _ := prose.Wrap(prose.Blanks(nil, indent), s, indent, indent+2)
		out.Write(append(b, '\n'))
	}
	head := placeText(w.place(f.Subject)) + f.Severity.String() + ": " + f.Kind.String()
	if s := w.subject(f.Subject); s != "" {
		head += ": " + s
	}
	b, _ := prose.Wrap(nil, printableLine(head), 0, 4)
	out.Write(append(b, '\n'))
	switch {
	case f.Code != "":
		line(4, "%s (%s)", f.Text, f.Code)
	default:
		line(4, "%s", f.Text)
	}
	if f.Other.Dir != 0 {
		b, _ := prose.Wrap([]byte("    "), placeText(w.place(f.Other))+w.subject(f.Other), 4, 6)
		out.Write(append(b, '\n'))
	}
	if f.Advice != "" {
		line(4, "%s", f.Advice)
	}
}

// placeText is "groups.json:17: ", with the resource of Terraform, which prints one
// line; "" where nothing is known.
func placeText(at load.Place) string {
	at.Path = ""
	if s := at.String(); s != "" {
		return printableLine(s) + ": "
	}
	return ""
}
