package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/page"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A Page is what the page of a report is made with.
type Page struct {
	prose.Names
	Firewall *sg.Firewall // asked, never changed; nil without a policy
}

// NewPage returns a Page with the names of a topology. p may be nil.
func NewPage(t *sg.Topology, p *sg.Policy, o sg.Options) Page {
	h := Page{Names: prose.NamesOf(t)}
	if p != nil {
		o.Observer = nil
		h.Firewall = sg.NewFirewall(p, &o)
	}
	return h
}

// Notes are sentences that the report for people has.
func (h *Page) Notes(say ...func(*Text)) (notes []page.Note) {
	t := Text{Names: h.Names, columns: 1 << 30}
	for _, s := range say {
		s(&t)
	}
	for line := range strings.Lines(string(t.B)) {
		notes = append(notes, page.Note{Text: page.Sentence(strings.TrimSpace(line)), Sub: line[0] == ' '})
	}
	return notes
}

// Verdicts are in the order in which pages show them.
var Verdicts = [...]sg.Verdict{sg.Accept, sg.Drop, sg.Unknown, sg.NotApplicable}

var marks = [...]page.Mark{sg.Accept: page.Good, sg.Drop: page.Bad, sg.Unknown: page.Doubt, sg.NotApplicable: page.Quiet}

// Verdict is a verdict in a table.
func Verdict(v sg.Verdict, words string) page.Cell { return page.M(marks[v], words) }

// Tile is the count of a verdict.
func Tile(v sg.Verdict, n, all uint64, note string) page.Tile {
	return page.NewTile(marks[v], page.Sentence(Past[v]), n, all, note)
}

// Chart is a section with what of returns, counts by time of a verdict each; none where
// there are no counts.
func Chart(unit string, start time.Time, width time.Duration, of func(sg.Verdict) []uint64) []page.Section {
	c := &page.Chart{Label: "Verdicts over time", Unit: unit, Start: start, Width: width}
	for _, v := range Verdicts {
		lane := page.Lane{Mark: marks[v], Name: page.Sentence(Past[v]), Slots: of(v)}
		if lane.Most() > 0 || v == sg.Accept || v == sg.Drop {
			c.Lanes = append(c.Lanes, lane)
		}
	}
	if c.Slots() == 0 {
		return nil
	}
	return []page.Section{{ID: "time", Title: c.Label, Chart: c}}
}

// RuleTables fills the tables of rules that are used and of those that are not, of which
// only some may be shown: which says those. It returns the rules in them too. The second
// table may have a column that says why.
func (h *Page) RuleTables(rules []Rule, which string, hits, none page.Table) (map[sg.RuleRef]bool, []page.Table) {
	var used, unused []*Rule
	for i := range rules {
		if x := &rules[i]; slices.Max(x.Counts) > 0 {
			used = append(used, x)
		} else {
			unused = append(unused, x)
		}
	}
	hits.ID, none.ID = "hits", "unused"
	used, hits.More = page.Most(used, func(a, b *Rule) bool { return a.Packets > b.Packets }, "rule", "those with most packets")
	unused, none.More = page.Most(unused, func(a, b *Rule) bool { return a.Never != "" && b.Never == "" }, "rule", which)
	shown := map[sg.RuleRef]bool{}
	cells := func(x *Rule) []page.Cell {
		shown[x.Ref] = true
		return page.Cells(page.T(h.ruleTitle(x.Ref)), page.T(h.RuleWords(x.Ref)))
	}
	for _, x := range used {
		row := page.Row{Cells: cells(x)}
		for _, n := range x.Counts {
			row.Cells = append(row.Cells, page.N(n))
		}
		if x.Why != nil {
			row.Why = x.Why()
		}
		hits.Rows = append(hits.Rows, row)
	}
	for _, x := range unused {
		row := page.Row{Cells: cells(x)}
		if len(none.Columns) > len(row.Cells) {
			row.Cells = append(row.Cells, page.T(cmp.Or(x.Never, "no packet here was one that this rule admits first")))
		}
		none.Rows = append(none.Rows, row)
	}
	return shown, []page.Table{hits, none}
}

// ruleTitle is "web ingress sgr-0123".
func (h *Page) ruleTitle(r sg.RuleRef) string {
	if name := r.Name(); strings.HasPrefix(name, r.Direction().String()) {
		return h.GroupName(r.Group()) + " " + name
	}
	return h.GroupName(r.Group()) + " " + r.Direction().String() + " " + r.Name()
}
