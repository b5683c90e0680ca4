package replay

import (
	"fmt"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
)

// A ruleRow is what texts, pages and drawings show of a rule of a report.
type ruleRow struct {
	rule   sg.RuleRef
	used   bool
	weight uint64    // packets
	counts []uint64  // the columns of a page; texts show the last two
	never  string    // why it is not used, "" where nobody knows
	first  *packetAt // the packet to explain; nil for none
}

func (r *Report) ruleRows() []ruleRow {
	rows := make([]ruleRow, len(r.Rules))
	for i := range r.Rules {
		h := &r.Rules[i]
		n := h.Admitted + h.Carried
		rows[i] = ruleRow{rule: h.Rule, used: n > 0, weight: n, counts: []uint64{h.Admitted, h.Carried}, never: h.never()}
		if h.Number > 0 {
			rows[i].first = &packetAt{h.First, h.Time, h.Number, h.at, h.Rule.Direction(), h.via}
		}
	}
	return rows
}

func (r *FlowReport) ruleRows() []ruleRow {
	rows := make([]ruleRow, len(r.Rules))
	for i, f := range r.Rules {
		rows[i] = ruleRow{rule: f.Rule, used: f.Records > 0, weight: f.Packets, counts: []uint64{f.Records, f.Packets, f.Bytes}}
	}
	return rows
}

// Draw draws the groups of the replay's topology, with the hits of rules and the packets
// of the talkers that were dropped. Both are set in a copy of o, which may be nil.
func (r *Report) Draw(t *sg.Topology, o *graph.Options) *graph.Graph {
	d := drawing{}
	for i := range r.Talkers {
		d.drop(&r.Talkers[i].First, r.Talkers[i].SeveralPorts, r.Talkers[i].Packets)
	}
	return d.of(t, o, r.ruleRows())
}

// Draw is that of [Report]. What is dropped are the packets that AWS rejected.
func (r *FlowReport) Draw(t *sg.Topology, o *graph.Options) *graph.Graph {
	d := drawing{}
	for i := range r.Rejected {
		d.drop(&r.Rejected[i].First, r.Rejected[i].SeveralPorts, r.Rejected[i].Packets)
	}
	return d.of(t, o, r.ruleRows())
}

// A drawing is what was dropped.
type drawing []graph.Drop

func (d *drawing) drop(h *packet.Header, severalPorts bool, packets uint64) {
	text := h.Protocol.String()
	switch {
	case severalPorts:
		text += ", several ports"
	case h.Protocol.HasPorts() && !h.LaterFragment():
		text += fmt.Sprintf(" %d", h.DstPort)
	}
	*d = append(*d, graph.Drop{Src: h.SrcAddr(), Dst: h.DstAddr(), Text: text, Packets: packets})
}

func (d drawing) of(t *sg.Topology, o *graph.Options, rules []ruleRow) *graph.Graph {
	var all graph.Options
	if o != nil {
		all = *o
	}
	hits := map[rulePlace]uint64{}
	for i := range rules {
		hits[placeOf(rules[i].rule)] = rules[i].weight
	}
	all.Hits = func(g sg.GroupID, dir sg.Direction, index int) uint64 { return hits[rulePlace{g, dir, index}] }
	all.Drops = append(all.Drops, d...)
	return graph.New(t, &all)
}

// A rulePlace is a rule by its place.
type rulePlace struct {
	group sg.GroupID
	dir   sg.Direction
	index int
}

func placeOf(r sg.RuleRef) rulePlace { return rulePlace{r.Group(), r.Direction(), r.Index()} }
