package playground

import (
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
)

// A Map is the drawing of the groups, as sgsim graph makes it, with the hits of the last
// replay, and the same in words.
type Map struct {
	SVG   string `json:"svg"`
	Edges []Edge `json:"edges"`
	ENIs  []ENI  `json:"enis"` // those of which there can be a map
}

// An Edge is a line of the drawing.
type Edge struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Traffic string `json:"traffic"`
	Ends    string `json:"ends"` // which have a rule: sender, receiver, both, or none
	Hits    uint64 `json:"hits"`
	Unused  bool   `json:"unused"`
	Dropped bool   `json:"dropped"` // no rule: packets that were dropped
}

// An ENI is an interface to choose.
type ENI struct {
	ID   sg.ENIID `json:"id"`
	Name string   `json:"name"`
}

// mostENIs bounds a list to choose from, mostDrops what is said of one red line: those with
// most packets.
const mostENIs, mostDrops = 1000, 20

var ends = map[graph.Ends]string{graph.AtReceiver: "receiver", graph.AtSender: "sender", graph.AtBoth: "both"}

// Map draws the groups of an interface, or all of them.
func (s *Session) Map(of sg.ENIID) *Map {
	if s.topo == nil {
		return nil
	}
	g, o := (*graph.Graph)(nil), &graph.Options{ENI: of}
	if s.report != nil {
		g = s.report.Draw(s.topo, o)
	} else {
		g = graph.New(s.topo, o)
	}
	var svg strings.Builder
	if err := g.WriteSVG(&svg); err != nil {
		return nil
	}
	m := &Map{SVG: svg.String(), Edges: []Edge{}, ENIs: []ENI{}}
	for _, e := range g.Edges {
		for i, t := range e.Traffic {
			if e.Dropped && i == mostDrops {
				break
			}
			m.Edges = append(m.Edges, Edge{g.Nodes[e.From].Title, g.Nodes[e.To].Title, t.Text, ends[e.Ends], t.Hits, e.Unused, e.Dropped})
		}
	}
	for i := range s.topo.ENIs {
		if i == mostENIs {
			break
		}
		e := &s.topo.ENIs[i]
		m.ENIs = append(m.ENIs, ENI{e.ID, e.Name})
	}
	return m
}
