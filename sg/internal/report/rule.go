package report

import (
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
)

// A Rule is what texts, pages and drawings show of a rule of a report.
type Rule struct {
	Ref     sg.RuleRef
	Packets uint64        // all that have to do with it
	Counts  []uint64      // the columns of a page; texts show the last two
	Never   string        // why it is not used, "" where nobody knows
	Why     func() string // explains a packet; nil for none
}

// Drops is packets that were dropped, of which h is the first, as a drawing shows them: as
// those of which they are the sum, if these are given.
func Drops(of []graph.Drop, h *packet.Header, severalPorts bool, packets uint64) []graph.Drop {
	if of != nil {
		return of
	}
	text := h.Protocol.String()
	switch {
	case severalPorts:
		text += ", several ports"
	case h.Protocol.HasPorts() && !h.LaterFragment():
		text += fmt.Sprintf(" %d", h.DstPort)
	}
	return []graph.Drop{{Src: h.SrcAddr(), Dst: h.DstAddr(), Text: text, Packets: packets}}
}

// Draw draws the groups of a topology with the packets of rules and those that were
// dropped, which are set in a copy of o. That may be nil. more says that these are not all.
func Draw(t *sg.Topology, o *graph.Options, rules []Rule, drops []graph.Drop, more bool) *graph.Graph {
	var all graph.Options
	if o != nil {
		all = *o
	}
	all.MoreDrops = all.MoreDrops || more
	type place struct {
		group sg.GroupID
		dir   sg.Direction
		index int
	}
	hits := map[place]uint64{}
	for i := range rules {
		r := rules[i].Ref
		hits[place{r.Group(), r.Direction(), r.Index()}] = rules[i].Packets
	}
	all.Hits = func(g sg.GroupID, dir sg.Direction, index int) uint64 { return hits[place{g, dir, index}] }
	all.Drops = slices.Concat(all.Drops, drops)
	return graph.New(t, &all)
}
