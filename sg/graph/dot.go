package graph

import (
	"fmt"
	"io"
	"strings"
)

var dotShape = [...]string{Group: "box", VPC: "box3d", Unknown: "box", Network: "ellipse", List: "folder"}

// dotStyle is the line of an edge, by its ends.
var dotStyle = [...]string{AtReceiver: "solid", AtSender: "dashed", AtBoth: "bold"}

// WriteDOT writes a digraph for Graphviz. Lines mean what they mean in
// [Graph.WriteMermaid].
func (g *Graph) WriteDOT(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph groups {\n  rankdir=LR;\n")
	fmt.Fprintf(&b, "  node [fontname=\"Helvetica\", fontsize=12, style=filled, fontcolor=%q];\n", textColor)
	fmt.Fprintf(&b, "  edge [fontname=\"Helvetica\", fontsize=11, color=%q, fontcolor=%q];\n", lineColor, textColor)
	for i, n := range g.Nodes {
		s := styles[n.Kind]
		fmt.Fprintf(&b, "  n%d [shape=%s, fillcolor=%q, color=%q, ", i, dotShape[n.Kind], s.fill, s.stroke)
		if s.dashed {
			b.WriteString(`style="filled,dashed", `)
		}
		fmt.Fprintf(&b, "label=%s];\n", dotText(append([]string{n.Title}, n.Lines...)))
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		style := "solid"
		if !e.Dropped {
			style = dotStyle[e.Ends]
		}
		fmt.Fprintf(&b, "  n%d -> n%d [style=%s, ", e.From, e.To, style)
		switch {
		case e.Unused:
			fmt.Fprintf(&b, "color=%q, fontcolor=%q, ", unusedColor, faintColor)
		case e.Dropped:
			fmt.Fprintf(&b, "color=%q, fontcolor=%q, arrowhead=tee, ", dropColor, dropColor)
		}
		fmt.Fprintf(&b, "label=%s];\n", dotText(g.label(e)))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotEscape escapes what has a meaning for Graphviz, which reads HTML entities in
// every text.
var dotEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;")

// dotText is a quoted text of several lines.
func dotText(lines []string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = dotEscape.Replace(line)
	}
	return `"` + strings.Join(escaped, `\n`) + `"`
}
