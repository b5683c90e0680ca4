package lint

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// WriteOptions say how findings are written. nil means none of them.
type WriteOptions struct {
	// Topology is what was checked; its names are shown next to ids. Without it, findings
	// are written with ids alone.
	Topology *sg.Topology

	// Place returns where a subject is in the input. It may be nil.
	Place func(Subject) Place

	// Statements also names the statements behind findings, such as REF-10.
	Statements bool

	// Inputs are the names of the inputs that were checked, for people. Only pages show
	// them.
	Inputs []string
}

// A Place is a position in the input. The zero Place is not known.
type Place struct {
	File     string
	Line     int    // from 1; 0: not known
	Path     string // in the JSON of the file: SecurityGroups[0].IpPermissions[2]
	Resource string // the address of the Terraform resource
}

// String returns "groups.json:17", or the Terraform resource, since Terraform prints a
// single line; "" if nothing is known.
func (p Place) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
	}
	if p.Resource != "" {
		s += " (" + p.Resource + ")"
	}
	return s
}

// groupsOf returns the groups of t by id; of several with one id, the first.
func groupsOf(t *sg.Topology) map[sg.GroupID]*sg.Group {
	groups := make(map[sg.GroupID]*sg.Group, len(t.Groups))
	for i := range t.Groups {
		if g := &t.Groups[i]; groups[g.ID] == nil {
			groups[g.ID] = g
		}
	}
	return groups
}

// WriteText writes findings for people, at most 80 columns wide: for each, a line
// with place, severity, kind and subject, and below it what is wrong and what to do.
func WriteText(out io.Writer, findings []Finding, o *WriteOptions) error {
	w := newWriter(o)
	for i := range findings {
		w.text(&findings[i])
	}
	_, err := out.Write(w.b)
	return err
}

// A writer writes findings about a topology.
type writer struct {
	*WriteOptions
	names  prose.Names
	groups map[sg.GroupID]*sg.Group
	lists  map[sg.PrefixListID]string
	b      []byte
}

func newWriter(o *WriteOptions) *writer {
	full := *cmp.Or(o, new(WriteOptions))
	full.Topology = cmp.Or(full.Topology, new(sg.Topology))
	w := &writer{&full, prose.NamesOf(full.Topology), groupsOf(full.Topology), map[sg.PrefixListID]string{}, nil}
	for _, p := range full.Topology.PrefixLists {
		w.lists[p.ID] = p.Name
	}
	return w
}

func (w *writer) place(s Subject) Place {
	if w.Place == nil {
		return Place{}
	}
	return w.Place(s)
}

// rule returns the rule that a subject with a direction is about, the zero Rule if there is
// none.
func (w *writer) rule(s Subject) sg.Rule {
	if g := w.groups[s.Group]; g != nil {
		if rules := *topotext.RulesOf(g, s.Dir); s.Index < len(rules) {
			return rules[s.Index]
		}
	}
	return sg.Rule{}
}

// subject names a rule as the report of a replay does, or another subject.
func (w *writer) subject(s Subject) string {
	switch {
	case s.ACL != "" || s.Subnet != "":
		return escape.Text(s.String())
	case s.Dir != 0:
		return fmt.Sprintf("%s %s, %s", w.names.Group(s.Group), w.ruleName(s), prose.Rule(s.Dir, w.rule(s), w.names.Group))
	case s.Group != "":
		return w.names.Group(s.Group)
	case s.ENI != "":
		return w.names.ENI(s.ENI)
	case s.PrefixList != "" && w.lists[s.PrefixList] != "":
		return escape.Text(w.lists[s.PrefixList] + " (" + string(s.PrefixList) + ")")
	}
	return escape.Text(string(s.PrefixList))
}

// ruleName is "ingress[3]", or "ingress sgr-0123".
func (w *writer) ruleName(s Subject) string {
	if id := w.rule(s).ID; id != "" {
		return s.Dir.String() + " " + escape.Text(string(id))
	}
	return fmt.Sprintf("%s[%d]", s.Dir, s.Index)
}

// says returns the sentences of a finding: what is wrong, and what to do.
func (w *writer) says(f *Finding) (matter, advice string) {
	matter = f.Text
	if f.Code != "" {
		matter += " (" + f.Code + ")"
	}
	return w.sentence(matter), w.sentence(f.Advice)
}

func (w *writer) sentence(s string) string {
	if s = w.names.Text(escape.Text(s)); !w.Statements {
		s = prose.Plain(s)
	}
	return s
}

// other returns the other subject of a finding and its place, "" if it is not a rule.
func (w *writer) other(f *Finding) string {
	if f.Other.Dir == 0 {
		return ""
	}
	return placeText(w.place(f.Other)) + w.subject(f.Other)
}

func (w *writer) text(f *Finding) {
	line := func(s string, indent, more int) {
		w.b, _ = prose.Wrap(prose.Blanks(w.b, indent), s, indent, more)
		w.b = append(w.b, '\n')
	}
	head := placeText(w.place(f.Subject)) + f.Severity.String() + ": " + f.Kind.String()
	if s := w.subject(f.Subject); s != "" {
		head += ": " + s
	}
	line(escape.Text(head), 0, 4)
	matter, advice := w.says(f)
	line(matter, 4, 6)
	if s := w.other(f); s != "" {
		line(s, 4, 6)
	}
	if advice != "" {
		line(advice, 4, 6)
	}
}

// placeText is "groups.json:17: ", or "".
func placeText(at Place) string {
	if s := at.String(); s != "" {
		return escape.Text(strings.TrimSpace(s)) + ": "
	}
	return ""
}
