package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/page"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/report"
)

// PageOptions say what a page needs beside the report. nil means none of it.
type PageOptions struct {
	// Topology is that of the replay: its names stand beside ids, and its groups are
	// drawn. Without it, ids stand alone.
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
	o = cmp.Or(o, new(PageOptions))
	topo := cmp.Or(o.Topology, new(sg.Topology))
	h := &html{report.NewPage(topo, o.Policy, o.Firewall), o.Via}
	inTables, ruleTables := h.rules(r)
	p := page.Page{Command: "sgsim replay", Title: page.Inputs(o.Inputs, "Packets and groups"), Lead: lead(r)}
	for _, v := range report.Verdicts {
		c := r.Of(v)
		p.Tiles = append(p.Tiles, report.Tile(v, c.Packets, r.Packets, page.Bytes(c.Bytes)))
	}
	p.Sections = append(p.Sections, page.Section{ID: "judged", Title: "What was judged", Table: []page.Table{reasonTable(r)}, Notes: h.Notes(r.remarks)})
	p.Sections = append(p.Sections, report.Chart("packet", r.Timeline.Start, r.Timeline.Width, r.Timeline.Of)...)
	p.Sections = append(p.Sections, page.MapSection(r.Draw(topo, nil)),
		page.Section{ID: "dropped", Title: "Dropped most", Table: []page.Table{h.talkers(r)}},
		page.Section{ID: "rules", Title: "Rules", Table: ruleTables, Notes: h.Notes(r.laterFragments)},
		h.entries(r))
	shown := *r
	shown.Rules = slices.DeleteFunc(slices.Clone(r.Rules), func(x RuleHits) bool { return !inTables[x.Rule] })
	p.Data = func(w io.Writer) error { return shown.WriteJSON(w, NamesOf(topo)) }
	return p.Write(w)
}

// Draw draws the groups of the replay's topology, with the hits of rules and the packets
// that were dropped, those of OtherDrops included. Both are set in a copy of o, which may
// be nil.
func (r *Report) Draw(t *sg.Topology, o *graph.Options) *graph.Graph {
	var drops []graph.Drop
	for i := range r.Talkers {
		drops = append(drops, r.Talkers[i].drops()...)
	}
	return report.Draw(t, o, r.ruleRows(nil), append(drops, r.otherDrops...), r.untold)
}

// An html is a page in the making, and what is known of the way of every packet.
type html struct {
	report.Page
	via sg.Via
}

func lead(r *Report) string {
	s := page.Count(r.Packets, "packet") + ", " + page.Bytes(r.Bytes)
	if !r.First.IsZero() {
		s += fmt.Sprintf(", in %s: %s to %s UTC", page.Span(r.Last.Sub(r.First)), page.Time(r.First), page.Time(r.Last))
	}
	return s
}

func reasonTable(r *Report) page.Table {
	t := page.Table{
		ID: "reasons", Caption: "Packets by verdict and reason",
		Columns: []page.Column{{Name: "Verdict"}, {Name: "Why"}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}
	for _, n := range r.Reasons {
		t.Rows = append(t.Rows, page.Row{Cells: page.Cells(report.Verdict(n.Verdict, report.Past[n.Verdict]), page.T(prose.Reason(n.Reason)), page.N(n.Packets), page.N(n.Bytes))})
	}
	return t
}

func (h *html) talkers(r *Report) page.Table {
	t := page.Table{
		ID: "talkers", Caption: "Senders of dropped packets, by receiver, protocol and reason", Why: "why",
		Columns: []page.Column{{Name: "First packet", Code: true}, {Name: "Where"}, {Name: "Why"}, {Name: "Nearest rule"}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}
	for i := range r.Talkers {
		k := &r.Talkers[i]
		place, why := k.dropped(&h.Names)
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(report.Senders(k.packet(), k.Senders)), page.T(place+" "+k.Direction.String()), page.M(page.Bad, why), page.T(h.Nearest(k.Near)), page.N(k.Packets), page.N(k.Bytes)),
			Why:   h.explain(sg.Packet{Header: &k.First, Time: k.Time, Via: k.via}, k.Number, k.ENI, k.Direction),
		})
	}
	if n := r.OtherDrops; n.Packets > 0 {
		t.More = fmt.Sprintf("Others sent %s, %s, that were dropped too.", page.Count(n.Packets, "packet"), page.Bytes(n.Bytes))
	}
	return t
}

func (h *html) rules(r *Report) (map[sg.RuleRef]bool, []page.Table) {
	return h.RuleTables(r.ruleRows(h), "those that can never match, and the first in the topology", page.Table{
		Caption: "Rules with packets that they admitted, and that connections carried which they opened", Why: "first packet",
		Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}, {Name: "Admitted", Number: true}, {Name: "Carried", Number: true}},
	}, page.Table{Caption: "Rules without packets", Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}, {Name: "Why"}}})
}

// ruleRows are the rules. h explains packets, and is nil where nobody asks.
func (r *Report) ruleRows(h *html) []report.Rule {
	rows := make([]report.Rule, len(r.Rules))
	for i := range r.Rules {
		n := &r.Rules[i]
		rows[i] = report.Rule{Ref: n.Rule, Packets: n.Admitted + n.Carried, Counts: []uint64{n.Admitted, n.Carried}, Never: n.never()}
		if h != nil && n.Number > 0 {
			rows[i].Why = func() string {
				return h.explain(sg.Packet{Header: &n.First, Time: n.Time, Via: n.via}, n.Number, n.at, n.Rule.Direction())
			}
		}
	}
	return rows
}

// entries are those of network ACLs.
func (h *html) entries(r *Report) page.Section {
	s := page.Section{ID: "acls", Title: "Network ACLs"}
	if len(r.ACLEntries) == 0 {
		s.Notes = h.Notes(r.entries)
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
		row := page.Row{Cells: page.Cells(page.T(string(x.Rule.ACL())), page.T(x.Rule.Direction().String()), page.T(prose.EntryName(x.Rule)), page.M(mark, h.EntrySays(x.Rule)), page.N(x.Admitted))}
		if x.Number > 0 {
			row.Why = h.explain(sg.Packet{Header: &x.First, Time: x.Time, Via: x.via}, x.Number, "", 0)
		}
		t.Rows = append(t.Rows, row)
	}
	s.Table = []page.Table{t}
	return s
}

// explain explains a packet as sgsim explain does: on its whole way or, where that does
// not lead to the interface where it was judged, there. eni is empty if that is not to be
// said.
func (h *html) explain(p sg.Packet, number uint64, eni sg.ENIID, dir sg.Direction) string {
	if h.Firewall == nil {
		return ""
	}
	appliance := h.via.Appliance || p.Via.Appliance
	p.Via = h.via
	p.Via.Appliance = appliance
	x := h.Firewall.Explain(p)
	meets := func(hop sg.HopExplanation) bool { return hop.Enforcer.ID() == eni && hop.Direction == dir }
	if eni != "" && !slices.ContainsFunc(x.Hops, meets) {
		x = h.Firewall.ENI(eni).ExplainForward(dir, p)
	}
	s := h.Explanation(x, false)
	if number > 0 {
		s += fmt.Sprintf("\nThis is the packet alone, without the connections of those before it.\nWith them: sgsim explain -packet %d, and the captures\n", number)
	}
	return s
}
