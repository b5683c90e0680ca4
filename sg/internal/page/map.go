package page

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A Map is a drawing, as package graph writes it.
type Map struct {
	Label string
	SVG   template.HTML // of graph.WriteSVG, which escapes what it shows
	Wide  bool          // too wide to be shrunk to the page
}

// Drawings that are larger are not looked at, and would make the page long in opening.
const (
	maxNodes = 150
	maxEdges = 400
	maxWidth = 1500 // pixels, of one that is still read when it is as wide as a page
)

// MapSection shows a graph, and its edges as a table.
func MapSection(g *graph.Graph) Section {
	s := Section{ID: "map", Title: "Who may talk to whom"}
	if g.Counted {
		s.Title = "Who talked to whom"
	}
	t := Table{
		ID: "edges", Caption: "Groups and networks, and what the rules between them let pass", Closed: "The same as a table",
		Columns: []Column{{Name: "From"}, {Name: "To"}, {Name: "Traffic"}, {Name: "Rules"}},
	}
	if g.Counted {
		t.Columns = append(t.Columns, Column{Name: "Became of it"}, Column{Name: "Packets", Number: true})
	}
	total := 0
	for i := range g.Edges {
		e := &g.Edges[i]
		for _, x := range e.Traffic {
			if total++; len(t.Rows) == MaxRows {
				continue
			}
			row := Row{Cells: Cells(T(nodeText(&g.Nodes[e.From])), T(nodeText(&g.Nodes[e.To])), T(x.Text), T(ends(e)))}
			if g.Counted {
				row.Cells = append(row.Cells, fate(e), N(x.Hits))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if total > MaxRows {
		t.More = prose.Number(MaxRows) + " of " + prose.Number(uint64(total)) + " rows are shown, in the order of groups."
	}
	switch {
	case len(g.Nodes) == 0:
		s.Text = append(s.Text, "The topology holds no groups.")
	case len(g.Nodes) > maxNodes || len(g.Edges) > maxEdges:
		s.Text = append(s.Text, "There are "+Count(uint64(len(g.Nodes)), "node")+" and "+Count(uint64(len(g.Edges)), "edge")+", more than a drawing is good for: sgsim graph -of ENI draws the surroundings of one interface.")
	default:
		var b bytes.Buffer
		g.WriteSVG(&b) // a Buffer returns no error
		width := 0
		fmt.Fscanf(strings.NewReader(b.String()), `<svg xmlns="http://www.w3.org/2000/svg" width="%d"`, &width)
		s.Map = &Map{Label: s.Title + ": a drawing", SVG: template.HTML(strings.TrimSpace(b.String())), Wide: width > maxWidth}
	}
	s.Table = []Table{t}
	return s
}

func nodeText(n *graph.Node) string {
	if len(n.Lines) > 0 && strings.Contains(n.Title, "anywhere") {
		return n.Title + " (" + n.Lines[0] + ")"
	}
	return n.Title
}

func ends(e *graph.Edge) string {
	switch {
	case e.Dropped:
		return "none"
	case e.Ends == graph.AtReceiver:
		return "ingress"
	case e.Ends == graph.AtSender:
		return "egress"
	}
	return "at both ends"
}

func fate(e *graph.Edge) Cell {
	switch {
	case e.Dropped:
		return M(Bad, "dropped")
	case e.Unused:
		return M(Quiet, "unused")
	}
	return M(Good, "used")
}
