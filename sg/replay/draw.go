package replay

import (
	"fmt"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
)

// Draw draws the groups of the replay's topology, with the hits of rules and the packets
// of the talkers that were dropped. Both are set in a copy of o, which may be nil.
func (r *Report) Draw(t *sg.Topology, o *graph.Options) *graph.Graph {
	d := newDrawing(o)
	for i := range r.Rules {
		h := &r.Rules[i]
		d.hits[placeOf(h.Rule)] = h.Admitted + h.Carried
	}
	for i := range r.Talkers {
		k := &r.Talkers[i]
		d.drop(k.Src, k.Dst, &k.First, k.SeveralPorts, k.Packets)
	}
	return graph.New(t, &d.Options)
}

// Draw is that of [Report]. What is dropped are the packets that AWS rejected.
func (r *FlowReport) Draw(t *sg.Topology, o *graph.Options) *graph.Graph {
	d := newDrawing(o)
	for i := range r.Rules {
		d.hits[placeOf(r.Rules[i].Rule)] = r.Rules[i].Packets
	}
	for i := range r.Rejected {
		k := &r.Rejected[i]
		d.drop(k.First.SrcAddr(), k.First.DstAddr(), &k.First, k.SeveralPorts, k.Packets)
	}
	return graph.New(t, &d.Options)
}

// A rulePlace is a rule by its place.
type rulePlace struct {
	group sg.GroupID
	dir   sg.Direction
	index int
}

func placeOf(r sg.RuleRef) rulePlace { return rulePlace{r.Group(), r.Direction(), r.Index()} }

type drawing struct {
	graph.Options
	hits map[rulePlace]uint64
}

func newDrawing(o *graph.Options) *drawing {
	d := &drawing{hits: map[rulePlace]uint64{}}
	if o != nil {
		d.Options = *o
	}
	d.Hits = func(g sg.GroupID, dir sg.Direction, index int) uint64 { return d.hits[rulePlace{g, dir, index}] }
	return d
}

func (d *drawing) drop(src, dst netip.Addr, h *packet.Header, severalPorts bool, packets uint64) {
	text := h.Protocol.String()
	switch {
	case severalPorts:
		text += ", several ports"
	case h.Protocol.HasPorts() && !h.LaterFragment():
		text += fmt.Sprintf(" %d", h.DstPort)
	}
	d.Drops = append(d.Drops, graph.Drop{Src: src, Dst: dst, Text: text, Packets: packets})
}
