package replay

import (
	"fmt"
	"io"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/page"
)

// WriteFlowHTML writes the report of flow logs as one page that needs nothing else, not
// even a network. Its bounds are those of [WriteHTML].
func WriteFlowHTML(w io.Writer, r *FlowReport, o *PageOptions) error {
	h := newHTML(o)
	inTables, tables := h.flowRules(r)
	p := page.Page{Command: "sgsim replay", Title: page.Inputs(o.Inputs, "Flow logs and groups"), Lead: flowLead(r)}
	judged := r.Accepted.Records + r.Dropped.Records + r.Unknown.Records + r.NotApplicable.Records
	for i, c := range [...]FlowCount{r.Accepted, r.Dropped, r.Unknown, r.NotApplicable} {
		p.Tiles = append(p.Tiles, page.NewTile(verdicts[i].mark, verdicts[i].name, c.Records, judged, page.Count(c.Packets, "packet")))
	}
	p.Sections = append(p.Sections, h.agreement(r), page.Section{
		ID: "judged", Title: "What was judged", Table: []page.Table{h.flowReasons(r)},
		Notes: h.notes(func(t *reportText) { t.gaps(r); t.openings(r) }),
	})
	if c := chart("record", &r.Timeline); c != nil {
		p.Sections = append(p.Sections, page.Section{ID: "time", Title: "Verdicts over time", Chart: c})
	}
	p.Sections = append(p.Sections, page.MapSection(r.Draw(o.Topology, nil)),
		page.Section{ID: "rejected", Title: "Rejected most", Table: []page.Table{h.flowTalkers(r)}},
		page.Section{ID: "rules", Title: "Rules", Table: tables})
	shown := *r
	shown.Rules = slices.DeleteFunc(slices.Clone(r.Rules), func(x RuleFlow) bool { return !inTables[x.Rule] })
	p.Data = func(w io.Writer) error { return shown.WriteJSON(w, NamesOf(o.Topology)) }
	return p.Write(w)
}

func flowLead(r *FlowReport) string {
	s := fmt.Sprintf("%s of %s of %s", page.Count(uint64(r.Log.Records), "record"), page.Number(uint64(r.Interfaces)), page.Count(uint64(r.InPolicy), "interface"))
	if !r.First.IsZero() {
		s += fmt.Sprintf(", in %s: %s to %s UTC", page.Span(r.Last.Sub(r.First)), r.First.Format("2006-01-02 15:04:05"), r.Last.Format("2006-01-02 15:04:05"))
	}
	return s
}

func (h *html) flowReasons(r *FlowReport) page.Table {
	t := page.Table{
		ID: "reasons", Caption: "Records by verdict and reason",
		Columns: []page.Column{{Name: "Verdict"}, {Name: "Why"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}
	row := func(v sg.Verdict, c FlowCount, why string) {
		if c.Records > 0 {
			t.Rows = append(t.Rows, page.Row{Cells: page.Cells(page.M(markOf(v), verdictPast[v]), page.T(why), page.N(c.Records), page.N(c.Packets), page.N(c.Bytes))})
		}
	}
	row(sg.Accept, r.Accepted, "the groups admit it")
	row(sg.Drop, r.Dropped, "the groups drop it")
	for i := range r.Undecided {
		row(sg.Unknown, r.Undecided[i].FlowCount, r.Undecided[i].why())
	}
	row(sg.NotApplicable, r.NotApplicable, "of interfaces that the topology lacks")
	return t
}

// agreement says whether AWS did what the groups do.
func (h *html) agreement(r *FlowReport) page.Section {
	s := page.Section{ID: "agreement", Title: "Did AWS do the same?", Notes: h.notes(func(t *reportText) { t.agreed(r) })}
	if r.Disagreeing.Records == 0 {
		return s
	}
	t := page.Table{
		ID: "disagreements", Caption: "Where AWS and the groups disagree", Why: "why",
		Columns: []page.Column{{Name: "For example", Code: true}, {Name: "Where"}, {Name: "What"}, {Name: "Likely cause"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}},
	}
	words := reportText{names: h.names}
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		why := h.explainOpening(&d.opening, d.ENI, d.Direction)
		if behind := h.behind(d); behind != "" {
			why = behind + "\n\n" + why
		}
		why += "\nFirst at " + d.Position.String() + "\n"
		where := fmt.Sprintf("%s %s %s", h.eni(d.ENI), d.Direction, flowPort(d))
		if d.FarEnds > 1 {
			where += fmt.Sprintf(", and %s more", page.Count(uint64(d.FarEnds-1), "far end"))
		}
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(flowPacket(&d.Example)), page.T(where), page.M(page.Bad, d.said()), page.T(words.cause(d)), page.N(d.Records), page.N(d.Packets)),
			Why:   why,
		})
	}
	if n := r.OtherDisagreements; n.Records > 0 {
		t.More = "Other kinds have " + page.Count(n.Records, "record") + " more."
	}
	s.Table = []page.Table{t}
	return s
}

// explainOpening explains what opens a connection at an interface; nothing of ICMP,
// whose type a log does not tell.
func (h *html) explainOpening(opening *packet.Header, eni sg.ENIID, dir sg.Direction) string {
	if h.fw == nil || opening.Protocol == packet.ICMP || opening.Protocol == packet.ICMPv6 {
		return ""
	}
	return h.Explanation(h.fw.ENI(eni).Explain(dir, sg.Packet{Header: opening}), false)
}

func (h *html) flowTalkers(r *FlowReport) page.Table {
	t := page.Table{
		ID: "talkers", Caption: "Senders of packets that AWS rejected", Why: "why",
		Columns: []page.Column{{Name: "For example", Code: true}, {Name: "Where"}, {Name: "Why"}, {Name: "Nearest rule"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}},
	}
	for i := range r.Rejected {
		k := &r.Rejected[i]
		t.Rows = append(t.Rows, page.Row{
			Cells: page.Cells(page.T(severalPorts(flowPacket(&k.First), k.SeveralPorts)), page.T(h.eni(k.ENI)+" "+k.Direction.String()), page.M(markOf(k.Verdict), k.by()), page.T(h.nearest(k.Near)), page.N(k.Records), page.N(k.Packets)),
			Why:   h.explainOpening(&k.First, k.ENI, k.Direction),
		})
	}
	if n := r.OtherRejects; n.Records > 0 {
		t.More = "Of others AWS rejected " + page.Count(n.Packets, "packet") + "."
	}
	return t
}

func (h *html) flowRules(r *FlowReport) (map[sg.RuleRef]bool, []page.Table) {
	return h.ruleTables(r.ruleRows(), "the first in the topology", page.Table{
		Caption: "Rules with what they admitted, and what belongs to its connections",
		Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}, {Name: "Records", Number: true}, {Name: "Packets", Number: true}, {Name: "Bytes", Number: true}},
	}, page.Table{
		Caption: fmt.Sprintf("Rules without records, as far as the log of %d of %d interfaces tells", r.Interfaces, r.InPolicy),
		Columns: []page.Column{{Name: "Rule"}, {Name: "Admits"}},
	})
}
