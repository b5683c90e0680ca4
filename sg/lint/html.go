package lint

import (
	"fmt"
	"io"

	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/page"
)

// WriteHTML writes findings as one page that needs nothing else, not even a network.
// Tables hold at most 1,000 rows, and the page says if there are more.
func WriteHTML(out io.Writer, findings []Finding, o *WriteOptions) error {
	w := newWriter(o)
	p := page.Page{Command: "sgsim check", Title: page.Inputs(w.Inputs, "Groups and rules"), Lead: w.lead()}
	for _, s := range severities {
		n := uint64(0)
		for i := range findings {
			if findings[i].Severity == s.Severity {
				n++
			}
		}
		p.Tiles = append(p.Tiles, page.NewTile(s.mark, s.name, n, uint64(len(findings)), s.means))
	}
	shown, table := w.table(findings)
	p.Sections = []page.Section{
		{ID: "findings", Title: "Findings", Table: []page.Table{table}},
		page.MapSection(graph.New(w.Topology, nil)),
	}
	p.Data = func(out io.Writer) error { return WriteJSON(out, shown, o) }
	return p.Write(out)
}

// severities are in the order in which the page shows them.
var severities = [...]struct {
	Severity
	mark        page.Mark
	name, means string
}{
	{Error, page.Bad, "Errors", "AWS refuses it"},
	{Warning, page.Doubt, "Warnings", "cannot work as written, or adds nothing"},
	{Note, page.Quiet, "Notes", "legal, and maybe wanted"},
}

func (w *writer) lead() string {
	rules := 0
	for i := range w.Topology.Groups {
		rules += len(w.Topology.Groups[i].Ingress) + len(w.Topology.Groups[i].Egress)
	}
	count := func(n int, noun string) string { return page.Count(uint64(n), noun) }
	return fmt.Sprintf("%s with %s, %s, %s", count(len(w.Topology.Groups), "group"), count(rules, "rule"),
		count(len(w.Topology.ENIs), "interface"), count(len(w.Topology.NetworkACLs), "network ACL"))
}

func (w *writer) table(findings []Finding) ([]Finding, page.Table) {
	t := page.Table{
		ID: "found", Caption: "What is wrong, useless, or maybe not meant", Why: "more", Empty: "Nothing was found.",
		Columns: []page.Column{{Name: "About"}, {Name: "Severity"}, {Name: "Kind"}, {Name: "What is the matter"}, {Name: "Where", Code: true}},
	}
	findings, t.More = page.Most(findings, func(a, b Finding) bool { return a.Severity > b.Severity }, "finding", "the gravest")
	for i := range findings {
		f := &findings[i]
		about := w.subject(f.Subject)
		if about == "" {
			about = "all of it"
		}
		mark := page.None
		for _, s := range severities {
			if s.Severity == f.Severity {
				mark = s.mark
			}
		}
		matter, advice := w.says(f)
		why := advice
		if other := w.other(f); other != "" {
			if why != "" {
				why += "\n"
			}
			why += "The other: " + other
		}
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(about), page.M(mark, f.Severity.String()), page.T(f.Kind.String()), page.T(matter), page.T(w.place(f.Subject).String())),
			Why:   why,
		})
	}
	return findings, t
}
