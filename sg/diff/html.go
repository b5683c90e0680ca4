package diff

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/page"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// PageOptions say what a page needs besides what differs. nil means none of it.
type PageOptions struct {
	TextOptions // Most is not used: pages have limits of their own

	// Before, After and Captures are the names of the inputs that were compared and
	// replayed, for people.
	Before, After, Captures []string
}

// WriteHTML writes the differences and, unless r is nil, their effect on traffic, as one
// page that needs nothing else, not even a network. Tables hold at most 1,000 rows, and
// the page says if there are more.
func WriteHTML(w io.Writer, d *Diff, r *Traffic, o *PageOptions) error {
	o = cmp.Or(o, new(PageOptions))
	t := &text{names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}}
	changes := page.Section{ID: "changes", Title: "What changes", Notes: t.remarks(d, o.Notes), Table: []page.Table{t.changeTable(d)}}
	p := page.Page{
		Command: "sgsim diff", Title: comparison(o), Lead: page.Sentence(d.summary()), Tiles: t.tiles(d, r),
		Sections: []page.Section{changes, t.pairSection(d)},
	}
	if r != nil {
		p.Sections = append(p.Sections, t.trafficSections(r, o.Captures)...)
	}
	p.Data = func(w io.Writer) error { return WriteJSON(w, d, r, o.Notes...) }
	return p.Write(w)
}

// comparison names what was compared, without the files that both have.
func comparison(o *PageOptions) string {
	other := func(all, than []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(than, s) })
	}
	before, after := other(o.Before, o.After), other(o.After, o.Before)
	if len(before)+len(after) == 0 {
		return page.Inputs(o.Before, "Groups before and after")
	}
	return page.Inputs(before, "before") + " → " + page.Inputs(after, "after")
}

func (t *text) tiles(d *Diff, r *Traffic) []page.Tile {
	opened, broken, unknown := d.count()
	all := uint64(len(d.Changes))
	tiles := []page.Tile{
		page.NewTile(page.Bad, "Broken", broken, all, "passed, and will not"),
		page.NewTile(page.Good, "Opened", opened, all, "did not pass, and will"),
		page.NewTile(page.Doubt, "Unknown", unknown, all, "the input does not decide"),
	}
	if r != nil {
		tiles = append(tiles, page.Tile{Mark: page.Doubt, Label: "Live by tracking", Value: prose.Number(uint64(len(r.Kept))), Note: "connections that could not be opened again"})
	}
	return tiles
}

// remarks are the notes above the changes.
func (t *text) remarks(d *Diff, given []string) (notes []page.Note) {
	for _, s := range given {
		notes = append(notes, page.Note{Text: page.Sentence(escape.Text(s))})
	}
	if len(d.Added) > 0 {
		notes = append(notes, page.Note{Text: "New interfaces: " + t.enis(d.Added)})
	}
	if len(d.Removed) > 0 {
		notes = append(notes, page.Note{Text: "Interfaces that are gone: " + t.enis(d.Removed)})
	}
	for _, s := range slices.Concat(t.timeouts(d), t.doubts(d)) {
		notes = append(notes, page.Note{Text: page.Sentence(s)})
	}
	return notes
}

// markOf returns the mark for a Kind.
func markOf(kind string) page.Mark {
	switch kind {
	case "broken", "unanswered":
		return page.Bad
	case "opened", "answered":
		return page.Good
	}
	return page.Doubt
}

func (t *text) changeTable(d *Diff) page.Table {
	table := page.Table{
		ID: "boxes", Caption: "Packets that the two judge differently: what breaks first, then what opens, each the biggest change first", Why: "why",
		Columns: []page.Column{{Name: "Packets"}, {Name: "Change"}, {Name: "Where"}, {Name: "Try", Code: true}},
	}
	var all []*Change
	ranked := d.ranked()
	for i := range ranked {
		all = append(all, &ranked[i])
	}
	all, table.More = page.Most(all, func(a, b *Change) bool { return false }, "change", "what breaks, then the biggest")
	before, after := sg.NewFirewall(d.before.policy, nil), sg.NewFirewall(d.after.policy, nil)
	for _, c := range all {
		try, why := "", "before   "+t.because(c.Before, c.RulesBefore)+"\nafter    "+t.because(c.After, c.RulesAfter)+"\n"
		if h, ok := c.Witness(0); ok {
			try = h.String() + c.pending().standing(&h, t.names)
			why += "\nBefore: " + t.names.Explanation(explain(before, c, &h), false)
			why += "\nAfter: " + t.names.Explanation(explain(after, c, &h), false)
		}
		table.Rows = append(table.Rows, page.Row{
			Cells: page.Cells(page.T(c.what(t.names)), page.M(markOf(c.Kind()), c.Kind()), page.T(fmt.Sprintf("%s of %s", c.Direction, t.enis(c.ENIs))), page.T(try)),
			Why:   why,
		})
	}
	return table
}

// explain explains what happens to a witness at its interface, or on its whole path if
// a network ACL has a part in the change.
func explain(fw *sg.Firewall, c *Change, h *packet.Header) *sg.Explanation {
	p, eni := sg.Packet{Header: h}, fw.ENI(c.ENIs[0])
	if opening, ok := c.Opening(0); ok {
		fw = sg.NewFirewall(fw.Policy(), nil)
		fw.ENI(c.ENIs[0]).Forward(c.Direction.Opposite(), sg.Packet{Header: &opening})
		return fw.Explain(p)
	}
	if slices.ContainsFunc(slices.Concat(c.RulesBefore, c.RulesAfter), func(r sg.RuleRef) bool { return r.ACL() != "" }) {
		return fw.Explain(p)
	}
	return eni.Explain(c.Direction, p)
}

func (t *text) pairSection(d *Diff) page.Section {
	table := page.Table{
		ID: "between", Caption: "Pairs of interfaces, and what passes between them",
		Columns: []page.Column{{Name: "From"}, {Name: "To"}, {Name: "Change"}, {Name: "Services"}, {Name: "IP", Number: true}},
	}
	all := d.somePairs(func(p Pair) bool {
		if len(table.Rows) >= page.MaxRows {
			return false
		}
		family := uint64(4)
		if p.Family == packet.IPv6 {
			family = 6
		}
		for _, kind := range [...]struct {
			word     string
			services []Service
		}{{"broken", p.Broken}, {"opened", p.Opened}} {
			if len(kind.services) > 0 {
				table.Rows = append(table.Rows, page.Row{Cells: page.Cells(page.T(t.names.ENI(p.From)), page.T(t.names.ENI(p.To)),
					page.M(markOf(kind.word), kind.word), page.T(serviceWords(kind.services)), page.N(family))})
			}
		}
		return true
	})
	if !all {
		table.More = "There are more, or there may be: the largest changes were asked first."
	}
	return page.Section{ID: "pairs", Title: "Between interfaces", Table: []page.Table{table}}
}

func (t *text) trafficSections(r *Traffic, captures []string) []page.Section {
	flows := page.Table{
		ID: "flows", Caption: "Senders whose packets fare differently",
		Columns: []page.Column{{Name: "First packet", Code: true}, {Name: "Change"}, {Name: "Before"}, {Name: "After"}, {Name: "Packets", Number: true}, {Name: "Connections", Number: true}},
	}
	var all []*Flow
	for i := range r.Flows {
		all = append(all, &r.Flows[i])
	}
	all, flows.More = page.Most(all, func(a, b *Flow) bool { return false }, "sender", "those with most packets")
	for _, f := range all {
		kind := "unknown"
		switch {
		case f.Opens():
			kind = "opened"
		case f.Breaks():
			kind = "broken"
		}
		died := kind
		if f.Died {
			died += ", while open"
		}
		flows.Rows = append(flows.Rows, page.Row{Cells: page.Cells(page.T(f.First.String()), page.M(markOf(kind), died), page.T(t.fate(f.Before)), page.T(t.fate(f.After)), page.N(f.Packets), page.N(f.Connections))})
	}
	said := r.what() + " judged by both"
	if len(captures) > 0 {
		said += ", of " + page.Inputs(captures, "")
	}
	var when []string
	if s := r.unjudged(); s != "" {
		when = append(when, page.Sentence(s))
	}
	for _, at := range r.Came {
		when = append(when, "The change came at "+page.Time(at)+" (UTC).")
	}
	for _, at := range r.Late {
		when = append(when, "The change of "+page.Time(at)+" (UTC) comes after everything that was read: no packet met it.")
	}
	return []page.Section{
		{ID: "traffic", Title: "Captured traffic", Text: append([]string{said + "."}, when...), Table: []page.Table{flows}},
		{ID: "tracking", Title: "Connections that are open when the change comes", Table: []page.Table{
			t.keptTable("kept", "Passing only because they are tracked", r.Kept),
			t.keptTable("ended", "Ended by the change itself", r.Ended),
		}},
	}
}

func (t *text) keptTable(id, caption string, all []Kept) page.Table {
	table := page.Table{
		ID: id, Caption: caption,
		Columns: []page.Column{{Name: "Connection", Code: true}, {Name: "Interface"}, {Name: "Opened by"}, {Name: "Since (UTC)"}, {Name: "Change (UTC)"}, {Name: "Until"}},
	}
	all, table.More = page.Most(all, func(a, b Kept) bool { return false }, "connection", "the first by interface")
	for _, k := range all {
		until := k.until(page.Time(k.Expires))
		if k.Closed {
			until = "closed by now"
		}
		table.Rows = append(table.Rows, page.Row{Cells: page.Cells(page.T(k.Tuple.String()), page.T(t.names.ENI(k.ENI)), page.T(t.rule(k.Rule)), page.T(page.Time(k.Since)), page.T(page.Time(k.Changed)), page.T(until))})
	}
	return table
}
