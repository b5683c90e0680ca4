package replay

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/page"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// PageOptions say what a page needs beside the report.
type PageOptions struct {
	// Topology is that of the replay: its names stand beside ids, and its groups are
	// drawn.
	Topology *sg.Topology

	// Policy was compiled of it. Packets are explained by a firewall of it with the
	// options Firewall and what Via says, as those of the replay; without a Policy no
	// packet is explained.
	Policy   *sg.Policy
	Firewall sg.Options
	Via      sg.Via

	// Inputs are the names of what was replayed, for people.
	Inputs []string
}

// WriteHTML writes the report as one page that needs nothing else, not even a network.
// Tables hold at most 1,000 rows, and the page says where there are more; so it stays
// under 5 MB however long the replay was.
func WriteHTML(w io.Writer, r *Report, o *PageOptions) error {
	h := newHTML(o)
	inTables, ruleTables := h.rules(r)
	entries := h.entries(r)
	p := page.Page{
		Command: "sgsim replay", Title: page.Inputs(o.Inputs, "Packets and groups"), Lead: lead(r), Tiles: tiles(r),
		Sections: []page.Section{
			{ID: "judged", Title: "What was judged", Table: []page.Table{h.reasons(r)}, Notes: h.notes(func(t *reportText) { t.remarks(r) })},
		},
	}
	if c := chart("packet", &r.Timeline); c != nil {
		p.Sections = append(p.Sections, page.Section{ID: "time", Title: "Verdicts over time", Chart: c})
	}
	p.Sections = append(p.Sections, page.MapSection(r.Draw(o.Topology, nil)),
		page.Section{ID: "dropped", Title: "Dropped most", Table: []page.Table{h.talkers(r)}})
	p.Sections = append(p.Sections, page.Section{ID: "rules", Title: "Rules", Table: ruleTables, Notes: h.notes(func(t *reportText) { t.laterFragments(r) })})
	p.Sections = append(p.Sections, entries)

	shown := *r
	shown.Rules = slices.DeleteFunc(slices.Clone(r.Rules), func(x RuleHits) bool { return !inTables[x.Rule] })
	p.Data = func(w io.Writer) error { return shown.WriteJSON(w, NamesOf(o.Topology)) }
	return p.Write(w)
}

// An html is a page in the making.
type html struct {
	names
	o  *PageOptions
	fw *sg.Firewall // asked, never changed; nil without a policy
}

func newHTML(o *PageOptions) *html {
	h := &html{o: o, names: names{prose.NamesOf(o.Topology)}}
	if o.Policy != nil {
		opts := o.Firewall
		opts.Observer = nil
		h.fw = sg.NewFirewall(o.Policy, &opts)
	}
	return h
}

// notes are the sentences that the report for people has.
func (h *html) notes(say func(*reportText)) (notes []page.Note) {
	t := reportText{names: h.names, columns: 1 << 30}
	say(&t)
	for line := range strings.Lines(string(t.b)) {
		text := strings.TrimSpace(line)
		notes = append(notes, page.Note{Text: strings.ToUpper(text[:1]) + text[1:], Sub: line[0] == ' '})
	}
	return notes
}

func lead(r *Report) string {
	s := page.Count(r.Packets, "packet") + ", " + page.Bytes(r.Bytes)
	if !r.First.IsZero() {
		s += fmt.Sprintf(", in %s: %s to %s UTC", page.Span(r.Last.Sub(r.First)), page.Time(r.First), page.Time(r.Last))
	}
	return s
}

// verdicts are in the order in which pages show them.
var verdicts = [...]struct {
	sg.Verdict
	mark page.Mark
	name string
}{
	{sg.Accept, page.Good, "Accepted"}, {sg.Drop, page.Bad, "Dropped"},
	{sg.Unknown, page.Doubt, "Unknown"}, {sg.NotApplicable, page.Quiet, "Not judged"},
}

func markOf(v sg.Verdict) page.Mark {
	for _, x := range verdicts {
		if x.Verdict == v {
			return x.mark
		}
	}
	return page.None
}

func tiles(r *Report) (tiles []page.Tile) {
	for _, v := range verdicts {
		c := r.Of(v.Verdict)
		tiles = append(tiles, page.NewTile(v.mark, v.name, c.Packets, r.Packets, page.Bytes(c.Bytes)))
	}
	return tiles
}

func (h *html) reasons(r *Report) page.Table {
	t := page.Table{
		ID: "reasons", Caption: "Packets by verdict and reason",
		Columns: []page.Column{{Name: "Verdict"}, {Name: "Why"}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}
	for _, n := range r.Reasons {
		t.Rows = append(t.Rows, page.Row{Cells: page.Cells(page.M(markOf(n.Verdict), verdictPast[n.Verdict]), page.T(reasonWords(n.Reason)), page.N(n.Packets), page.N(n.Bytes))})
	}
	return t
}

// chart draws a timeline; nil where it holds nothing.
func chart(unit string, l *Timeline) *page.Chart {
	if len(l.Slots) == 0 {
		return nil
	}
	c := &page.Chart{Label: "Verdicts over time", Unit: unit, Start: l.Start, Width: l.Width}
	for _, v := range verdicts {
		lane := page.Lane{Mark: v.mark, Name: v.name}
		for i := range l.Slots {
			lane.Slots = append(lane.Slots, *l.Slots[i].of(v.Verdict))
		}
		if lane.Most() > 0 || v.Verdict == sg.Accept || v.Verdict == sg.Drop {
			c.Lanes = append(c.Lanes, lane)
		}
	}
	return c
}

func (h *html) talkers(r *Report) page.Table {
	t := page.Table{
		ID: "talkers", Caption: "Senders of dropped packets, by receiver, protocol and reason", Why: "why",
		Columns: []page.Column{{Name: "First packet", Code: true}, {Name: "Where"}, {Name: "Why"}, {Name: "Nearest rule"}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}
	for i := range r.Talkers {
		k := &r.Talkers[i]
		place, why := h.dropped(k)
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(talkerPacket(k)), page.T(place+" "+k.Direction.String()), page.M(page.Bad, why), page.T(h.nearest(k.Near)), page.N(k.Packets), page.N(k.Bytes)),
			Why:   h.explain(&packetAt{k.First, k.Time, k.Number, k.ENI, k.Direction, k.via}),
		})
	}
	if n := r.OtherDrops; n.Packets > 0 {
		t.More = fmt.Sprintf("Others sent %s, %s, that were dropped too.", page.Count(n.Packets, "packet"), page.Bytes(n.Bytes))
	}
	return t
}

func (h *html) rules(r *Report) (map[sg.RuleRef]bool, []page.Table) {
	return h.ruleTables(r.ruleRows(), "those that can never match, and the first in the topology", page.Table{
		Caption: "Rules with packets that they admitted, and that connections carried which they opened", Why: "first packet",
		Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}, {Name: "Admitted", Number: true}, {Name: "Carried", Number: true}},
	}, page.Table{Caption: "Rules without packets", Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}, {Name: "Why"}}})
}

// ruleTables fills the tables of rules that are used and of those that are not, of which
// only some may be shown: which says those. It returns the rules in them too. The second
// table may have a column that says why.
func (h *html) ruleTables(rows []ruleRow, which string, hits, none page.Table) (map[sg.RuleRef]bool, []page.Table) {
	var used, unused []*ruleRow
	for i := range rows {
		if x := &rows[i]; x.used {
			used = append(used, x)
		} else {
			unused = append(unused, x)
		}
	}
	hits.ID, none.ID = "hits", "unused"
	used, hits.More = page.Most(used, func(a, b *ruleRow) bool { return a.weight > b.weight }, "rule", "those with most packets")
	unused, none.More = page.Most(unused, func(a, b *ruleRow) bool { return a.never != "" && b.never == "" }, "rule", which)
	shown := map[sg.RuleRef]bool{}
	cells := func(x *ruleRow) []page.Cell {
		shown[x.rule] = true
		return page.Cells(page.T(h.ruleTitle(x.rule)), page.T(h.ruleWords(x.rule)))
	}
	for _, x := range used {
		row := page.Row{Cells: cells(x)}
		for _, n := range x.counts {
			row.Cells = append(row.Cells, page.N(n))
		}
		if x.first != nil {
			row.Why = h.explain(x.first)
		}
		hits.Rows = append(hits.Rows, row)
	}
	for _, x := range unused {
		row := page.Row{Cells: cells(x)}
		if len(none.Columns) > len(row.Cells) {
			row.Cells = append(row.Cells, page.T(cmp.Or(x.never, "no packet here was one that this rule admits first")))
		}
		none.Rows = append(none.Rows, row)
	}
	return shown, []page.Table{hits, none}
}

// ruleTitle is "web ingress sgr-0123".
func (h *html) ruleTitle(r sg.RuleRef) string {
	if name := r.Name(); strings.HasPrefix(name, r.Direction().String()) {
		return h.group(r.Group()) + " " + name
	}
	return h.group(r.Group()) + " " + r.Direction().String() + " " + r.Name()
}

// entries are those of network ACLs.
func (h *html) entries(r *Report) page.Section {
	s := page.Section{ID: "acls", Title: "Network ACLs"}
	if len(r.ACLEntries) == 0 {
		s.Notes = h.notes(func(t *reportText) { t.entries(r) })
		return s
	}
	t := page.Table{
		ID: "entries", Caption: "Entries of network ACLs, with packets they decided about", Why: "first packet",
		Columns: []page.Column{{Name: "Network ACL"}, {Name: "Direction"}, {Name: "Entry"}, {Name: "Says"}, {Name: "Packets", Number: true}},
	}
	var all []*RuleHits
	for i := range r.ACLEntries {
		all = append(all, &r.ACLEntries[i])
	}
	all, t.More = page.Most(all, func(a, b *RuleHits) bool { return a.Admitted > b.Admitted }, "entry", "those with most packets")
	for _, x := range all {
		mark := page.Bad
		if x.Rule.Entry().Allow {
			mark = page.Good
		}
		row := page.Row{Cells: page.Cells(page.T(string(x.Rule.ACL())), page.T(x.Rule.Direction().String()), page.T(entryName(x.Rule)), page.M(mark, h.entrySays(x.Rule)), page.N(x.Admitted))}
		if x.Number > 0 {
			row.Why = h.explain(&packetAt{x.First, x.Time, x.Number, "", 0, x.via})
		}
		t.Rows = append(t.Rows, row)
	}
	s.Table = []page.Table{t}
	return s
}

// A packetAt is a packet of a report, and the interface where it was judged, if that is
// to be said.
type packetAt struct {
	header packet.Header
	time   time.Time
	number uint64
	eni    sg.ENIID
	dir    sg.Direction
	via    sg.Via
}

// explain explains a packet as sgsim explain does: on its whole way or, where that does
// not lead to the interface in question, there.
func (h *html) explain(at *packetAt) string {
	if h.fw == nil {
		return ""
	}
	via := h.o.Via
	via.Appliance = via.Appliance || at.via.Appliance
	p := sg.Packet{Header: &at.header, Time: at.time, Via: via}
	x := h.fw.Explain(p)
	meets := func(hop sg.HopExplanation) bool { return hop.Enforcer.ID() == at.eni && hop.Direction == at.dir }
	if at.eni != "" && !slices.ContainsFunc(x.Hops, meets) {
		x = h.fw.ENI(at.eni).Explain(at.dir, p)
	}
	var b bytes.Buffer
	b.WriteString(h.Explanation(x, false))
	if at.number > 0 {
		fmt.Fprintf(&b, "\nThis is the packet alone, without the connections of those before it.\nWith them: sgsim explain -packet %d, and the captures\n", at.number)
	}
	return b.String()
}
