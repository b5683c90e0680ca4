package graph

import (
	"fmt"
	"io"
	"strings"
)

// mermaidShape is the brackets around a node's text, by kind.
var mermaidShape = [...][2]string{
	Group: {"[", "]"}, VPC: {"[[", "]]"}, Unknown: {"[", "]"}, Network: {"([", "])"}, List: {"[/", "/]"},
}

var mermaidClass = [...]string{Group: "group", VPC: "vpc", Unknown: "unknown", Network: "network", List: "list"}

// mermaidArrow is the line of an edge, by its ends.
var mermaidArrow = [...]string{AtReceiver: "-->", AtSender: "-.->", AtBoth: "==>"}

// WriteMermaid writes a Mermaid flowchart, as Markdown shows it in a block of that
// language. A solid line is an ingress rule, a dashed one an egress rule, a thick one
// both. Edges without packets are grey; dropped packets are lines that end in a red
// cross. Mermaid refuses more than 500 edges unless its maxEdges is raised.
func (g *Graph) WriteMermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	kinds := [len(mermaidClass)]bool{}
	for i, n := range g.Nodes {
		kinds[n.Kind] = true
		shape := mermaidShape[n.Kind]
		text := mermaidText(append([]string{n.Title}, n.Lines...))
		fmt.Fprintf(&b, "  n%d%s%s%s:::%s\n", i, shape[0], text, shape[1], mermaidClass[n.Kind])
	}
	var unused, dropped []string
	for i := range g.Edges {
		e := &g.Edges[i]
		arrow := "--x"
		if !e.Dropped {
			arrow = mermaidArrow[e.Ends]
		}
		fmt.Fprintf(&b, "  n%d %s|%s| n%d\n", e.From, arrow, mermaidText(g.label(e)), e.To)
		switch {
		case e.Unused:
			unused = append(unused, fmt.Sprint(i))
		case e.Dropped:
			dropped = append(dropped, fmt.Sprint(i))
		}
	}
	for kind, is := range kinds {
		if !is {
			continue
		}
		s := styles[kind]
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:%s", mermaidClass[kind], s.fill, s.stroke, textColor)
		if s.dashed {
			b.WriteString(",stroke-dasharray:4 3")
		}
		b.WriteByte('\n')
	}
	if len(unused) > 0 {
		fmt.Fprintf(&b, "  linkStyle %s stroke:%s,color:%s\n", strings.Join(unused, ","), unusedColor, faintColor)
	}
	if len(dropped) > 0 {
		fmt.Fprintf(&b, "  linkStyle %s stroke:%s,color:%s\n", strings.Join(dropped, ","), dropColor, dropColor)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidText is a quoted text of several lines. ASCII that could have a meaning in
// Mermaid, its Markdown or HTML is written by number.
func mermaidText(lines []string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, line := range lines {
		if i > 0 {
			b.WriteString("<br>")
		}
		for j, r := range line {
			// "1. " and "- " would begin lists.
			list := j+1 < len(line) && line[j+1] == ' ' && strings.ContainsRune(".-+", r)
			if r > '~' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' ||
				!list && strings.ContainsRune(" .,:/()-+", r) {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, "#%d;", r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
