package flowreplay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/page"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/replay"
)

// WriteHTML writes the report as one page that needs nothing else, not even a network. Its
// bounds are those of [replay.WriteHTML]. Via is not used.
func WriteHTML(w io.Writer, r *Report, o *replay.PageOptions) error {
	o = cmp.Or(o, new(replay.PageOptions))
	topo := cmp.Or(o.Topology, new(sg.Topology))
	h := &html{report.NewPage(topo, o.Policy, o.Firewall)}
	inTables, tables := h.rules(r)
	p := page.Page{Command: "sgsim replay", Title: page.Inputs(o.Inputs, "Flow logs and groups"), Lead: lead(r)}
	judged := r.Accepted.Records + r.Dropped.Records + r.Unknown.Records + r.NotApplicable.Records
	for i, c := range [...]Count{r.Accepted, r.Dropped, r.Unknown, r.NotApplicable} {
		p.Tiles = append(p.Tiles, report.Tile(report.Verdicts[i], c.Records, judged, page.Count(c.Packets, "packet")))
	}
	p.Sections = append(p.Sections,
		page.Section{ID: "agreement", Title: "Did AWS do the same?", Table: h.disagreements(r), Notes: h.Notes(r.agreement)},
		page.Section{ID: "judged", Title: "What was judged", Table: []page.Table{reasonTable(r)}, Notes: h.Notes(func(t *report.Text) { r.gaps(t, 0) }, r.openings)})
	for _, s := range report.Chart("record", r.Timeline.Start, r.Timeline.Width, r.Timeline.Of) {
		s.Text = []string{"Records count at the time at which they start."}
		p.Sections = append(p.Sections, s)
	}
	p.Sections = append(p.Sections, page.MapSection(r.Draw(topo, nil)),
		page.Section{ID: "rejected", Title: "Rejected most", Table: []page.Table{h.rejected(r)}},
		page.Section{ID: "rules", Title: "Rules", Table: tables})
	shown := *r
	shown.Rules = slices.DeleteFunc(slices.Clone(r.Rules), func(x RuleCount) bool { return !inTables[x.Rule] })
	p.Data = func(w io.Writer) error { return shown.WriteJSON(w, replay.NamesOf(topo)) }
	return p.Write(w)
}

// Draw draws the groups of the log's topology, with the packets of rules and those that AWS
// rejected. Both are set in a copy of o, which may be nil.
func (r *Report) Draw(t *sg.Topology, o *graph.Options) *graph.Graph {
	var drops []graph.Drop
	for i := range r.Rejected {
		drops = append(drops, r.Rejected[i].drops()...)
	}
	return report.Draw(t, o, r.ruleRows(), drops, r.OtherRejects.Packets > 0)
}

// An html is a page in the making.
type html struct{ report.Page }

func lead(r *Report) string {
	s := page.Count(uint64(r.Log.Records), "record") + ", " + r.interfaces()
	if !r.First.IsZero() {
		s += fmt.Sprintf(", in %s: %s to %s UTC", page.Span(r.Last.Sub(r.First)), r.First.Format(time.DateTime), r.Last.Format(time.DateTime))
	}
	return s
}

func reasonTable(r *Report) page.Table {
	t := page.Table{
		ID: "reasons", Caption: "Records by verdict and reason",
		Columns: []page.Column{{Name: "Verdict"}, {Name: "Why"}, {Name: "For example", Code: true}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}
	row := func(v sg.Verdict, c Count, why, example string) {
		if c.Records > 0 {
			t.Rows = append(t.Rows, page.Row{Cells: page.Cells(report.Verdict(v, report.Past[v]), page.T(why), page.T(example), page.N(c.Records), page.N(c.Packets), page.N(c.Bytes))})
		}
	}
	row(sg.Accept, r.Accepted, "the groups admit it", "")
	row(sg.Drop, r.Dropped, "the groups drop it", "")
	for _, u := range r.Undecided {
		row(sg.Unknown, u.Count, u.means(), u.Example)
	}
	row(sg.NotApplicable, r.NotApplicable, "of interfaces that the topology lacks", "")
	return t
}

// disagreements are at most one table.
func (h *html) disagreements(r *Report) []page.Table {
	if r.Disagreeing.Records == 0 {
		return nil
	}
	t := page.Table{
		ID: "disagreements", Caption: "Where AWS and the groups disagree", Why: "why",
		Columns: []page.Column{{Name: "For example", Code: true}, {Name: "Where"}, {Name: "What"}, {Name: "Likely cause"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}},
	}
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		why := h.explainOpening(&d.opening, d.ENI, d.Direction)
		if behind := d.behind(&h.Names); behind != "" {
			why = behind + "\n\n" + why
		}
		why += "\nFirst at " + d.Position.String() + "\n"
		where := fmt.Sprintf("%s %s %s", h.ENIName(d.ENI), d.Direction, d.port())
		if d.FarEnds > 1 {
			where += fmt.Sprintf(", and %s more", page.Count(uint64(d.FarEnds-1), "far end"))
		}
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(packetWords(&d.Example)), page.T(where), page.M(page.Bad, d.said()), page.T(d.causeWords()), page.N(d.Records), page.N(d.Packets)),
			Why:   why,
		})
	}
	if n := r.OtherDisagreements; n.Records > 0 {
		t.More = "Other kinds have " + page.Count(n.Records, "record") + " more."
	}
	return []page.Table{t}
}

// explainOpening explains what opens a connection at an interface; nothing of ICMP,
// whose type a log does not tell.
func (h *html) explainOpening(opening *packet.Header, eni sg.ENIID, dir sg.Direction) string {
	if h.Firewall == nil || isICMP(opening.Protocol) {
		return ""
	}
	return h.Explanation(h.Firewall.ENI(eni).ExplainForward(dir, sg.Packet{Header: opening}), false)
}

func (h *html) rejected(r *Report) page.Table {
	t := page.Table{
		ID: "talkers", Caption: "Senders of packets that AWS rejected", Why: "why",
		Columns: []page.Column{{Name: "For example", Code: true}, {Name: "Where"}, {Name: "Why"}, {Name: "Nearest rule"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}},
	}
	for i := range r.Rejected {
		k := &r.Rejected[i]
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(report.Senders(k.packet(), k.Senders)), page.T(h.ENIName(k.ENI)+" "+k.Direction.String()), report.Verdict(k.Verdict, k.by()), page.T(h.Nearest(k.Near)), page.N(k.Records), page.N(k.Packets)),
			Why:   h.explainOpening(&k.First, k.ENI, k.Direction),
		})
	}
	if n := r.OtherRejects; n.Records > 0 {
		t.More = "Of others AWS rejected " + page.Count(n.Packets, "packet") + "."
	}
	return t
}

func (h *html) rules(r *Report) (map[sg.RuleRef]bool, []page.Table) {
	return h.RuleTables(r.ruleRows(), "the first in the topology", page.Table{
		Caption: "Rules with what they admitted, and what belongs to its connections",
		Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}, page.Table{
		Caption: "Rules without records, " + r.asFar(),
		Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}},
	})
}
