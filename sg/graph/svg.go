package graph

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// arrow is the length of an arrow head, in pixels.
const arrow = 9

// WriteSVG writes a self-contained drawing: no script, no font and no external
// request. Lines mean what they mean in [Graph.WriteMermaid], and a legend says so.
func (g *Graph) WriteSVG(w io.Writer) error {
	s := &svg{g: g, layout: newLayout(g)}
	s.document()
	_, err := io.WriteString(w, s.b.String())
	return err
}

type svg struct {
	*layout
	g *Graph
	b strings.Builder
}

func (s *svg) printf(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

func (s *svg) document() {
	legend := s.legend()
	width, height := s.width, s.height
	for _, l := range legend {
		width = max(width, l.x+l.width()+margin)
	}
	if len(legend) > 0 {
		height += lineHeight + margin/2
	}
	s.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img"`, width, height, width, height)
	s.printf(` font-family="Helvetica, Arial, sans-serif" font-size="13">` + "\n")
	s.printf("<title>%s</title>\n", xmlText(s.summary()))
	s.printf("<defs>\n")
	for _, m := range [...]struct{ id, color string }{{"end-rule", lineColor}, {"end-unused", unusedColor}} {
		s.printf(`<marker id="%s" markerUnits="userSpaceOnUse" markerWidth="%d" markerHeight="10" refX="0" refY="5" orient="auto">`, m.id, arrow)
		s.printf(`<path d="M0,0.5 L%d,5 L0,9.5 z" fill="%s"/></marker>`+"\n", arrow, m.color)
	}
	s.printf(`<marker id="end-dropped" markerUnits="userSpaceOnUse" markerWidth="%d" markerHeight="12" refX="0" refY="6" orient="auto">`, arrow)
	s.printf(`<path d="M0,2 L8,10 M0,10 L8,2" fill="none" stroke="%s" stroke-width="2"/></marker>`+"\n", dropColor)
	s.printf("</defs>\n")
	s.printf(`<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for i := range s.g.Edges {
		s.line(i)
	}
	for i := range s.g.Edges {
		s.label(i)
	}
	for i := range s.g.Nodes {
		s.node(i)
	}
	for _, l := range legend {
		s.legendLine(l, s.height)
	}
	s.printf("</svg>\n")
}

func (s *svg) summary() string {
	return fmt.Sprintf("Security groups: %s, %s", count(len(s.g.Nodes), "node"), count(len(s.g.Edges), "edge"))
}

func (s *svg) node(i int) {
	n, b, st := &s.g.Nodes[i], s.nodes[i], styles[s.g.Nodes[i].Kind]
	s.printf("<g><title>%s</title>\n", xmlText(strings.Join(append([]string{n.Title}, n.Lines...), ", ")))
	s.printf(`<rect x="%d" y="%d" width="%d" height="%d" rx="%d" fill="%s" stroke="%s" stroke-width="1.4"%s/>`+"\n",
		b.x, b.y, b.w, b.body, min(st.radius, b.body/2), st.fill, st.stroke, dashes(st.dashed, "5 3"))
	y := b.y + padding/2 + lineHeight - 4
	s.text(b.x+b.w/2, y, textColor, ` font-weight="600"`, clip(n.Title))
	for _, line := range clipped(n.Lines) {
		y += lineHeight
		s.text(b.x+b.w/2, y, faintColor, ` font-size="12"`, line)
	}
	s.printf("</g>\n")
}

func dashes(dashed bool, pattern string) string {
	if !dashed {
		return ""
	}
	return ` stroke-dasharray="` + pattern + `"`
}

func (s *svg) text(x, y int, color, more, text string) {
	s.printf(`<text x="%d" y="%d" text-anchor="middle" fill="%s"%s>%s</text>`+"\n", x, y, color, more, xmlText(text))
}

// A point is where a line passes.
type point struct{ x, y int }

// path returns the points of an edge in its direction.
func (s *svg) path(i int) []point {
	chain := s.chains[i]
	last := len(chain) - 1
	points := []point{{chain[0].x + chain[0].w, port(chain[0], chain[1].exit, len(chain[0].right))}}
	for _, b := range chain[1:last] {
		points = append(points, point{b.x, b.middle()}, point{b.x + b.w, b.middle()})
	}
	points = append(points, point{chain[last].x, port(chain[last], chain[last-1].entry, len(chain[last].left))})
	if s.back[i] {
		for a, b := 0, len(points)-1; a < b; a, b = a+1, b-1 {
			points[a], points[b] = points[b], points[a]
		}
	}
	end := &points[len(points)-1] // the head starts here
	if s.back[i] {
		end.x += arrow
	} else {
		end.x -= arrow
	}
	return points
}

// port returns where the i-th of n lines begins at the side of a node.
func port(node *box, i, n int) int {
	gap := portGap
	if n > 1 {
		gap = min(gap, (node.body-2*padding)/(n-1))
	}
	return node.middle() + (2*i-n+1)*gap/2
}

// look returns how the line of an edge is drawn.
func look(ends Ends, unused, dropped bool) string {
	color, head, width := lineColor, "end-rule", "1.6"
	switch {
	case unused:
		color, head = unusedColor, "end-unused"
	case dropped:
		color, head = dropColor, "end-dropped"
	}
	if ends == AtBoth {
		width = "3"
	}
	return fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%s"%s marker-end="url(#%s)"`, color, width, dashes(ends == AtSender, "6 4"), head)
}

func (s *svg) line(i int) {
	e := &s.g.Edges[i]
	if e.From == e.To {
		x, y := s.loop(i)
		s.printf(`<path d="M%d,%d C%d,%d %d,%d %d,%d" %s/>`+"\n",
			x-16, y, x-26, y+loopDepth+4, x+26, y+loopDepth+4, x+17, y+arrow-1, look(e.Ends, e.Unused, e.Dropped))
		return
	}
	points := s.path(i)
	s.printf(`<path d="M%d,%d`, points[0].x, points[0].y)
	for j, p := range points[1:] {
		from := points[j]
		if from.y == p.y {
			s.printf(" L%d,%d", p.x, p.y)
			continue
		}
		middle := (from.x + p.x) / 2
		s.printf(" C%d,%d %d,%d %d,%d", middle, from.y, middle, p.y, p.x, p.y)
	}
	s.printf(`" %s/>`+"\n", look(e.Ends, e.Unused, e.Dropped))
}

// loop returns where the line from a group to itself begins. Several at one node hang
// below each other.
func (s *svg) loop(i int) (x, y int) {
	at := s.g.Edges[i].From
	b := s.nodes[at]
	y = b.y + b.body
	for j := range i {
		if o := &s.g.Edges[j]; o.From == at && o.To == at {
			y += loopDepth + lineHeight*len(s.g.label(o))
		}
	}
	return b.x + b.w/2, y
}

func (s *svg) label(i int) {
	e := &s.g.Edges[i]
	lines := clipped(s.g.label(e))
	color := textColor
	switch {
	case e.Unused:
		color = faintColor
	case e.Dropped:
		color = dropColor
	}
	var x, y int
	if e.From == e.To {
		x, y = s.loop(i)
		y += loopDepth
	} else {
		b := s.chains[i][1]
		x, y = b.x+b.w/2, b.y
		w := 0
		for _, line := range lines {
			w = max(w, width(line, false))
		}
		s.printf(`<rect x="%d" y="%d" width="%d" height="%d" fill="#ffffff"/>`+"\n", x-w/2-4, y, w+8, b.h)
	}
	for _, line := range lines {
		y += lineHeight
		s.text(x, y-4, color, ` font-size="12"`, line)
	}
}

// A legendEntry is a kind of line and what it means.
type legendEntry struct {
	ends    Ends
	unused  bool
	dropped bool
	text    string
	x       int
}

const legendLine = 40 // pixels, of a sample line

func (l *legendEntry) width() int { return legendLine + 8 + width(l.text, false) }

// legend holds the kinds of line that occur.
func (s *svg) legend() []legendEntry {
	var out []legendEntry
	x := margin
	for _, l := range []legendEntry{
		{ends: AtReceiver, text: "ingress rule"},
		{ends: AtSender, text: "egress rule"},
		{ends: AtBoth, text: "rules at both ends"},
		{ends: AtReceiver, unused: true, text: "unused"},
		{dropped: true, text: "dropped"},
	} {
		for i := range s.g.Edges {
			e := &s.g.Edges[i]
			if e.Unused == l.unused && e.Dropped == l.dropped && (l.unused || l.dropped || e.Ends == l.ends) {
				l.x = x
				x += l.width() + margin
				out = append(out, l)
				break
			}
		}
	}
	return out
}

func (s *svg) legendLine(l legendEntry, y int) {
	s.printf(`<path d="M%d,%d L%d,%d" %s/>`+"\n", l.x, y, l.x+legendLine-arrow, y, look(l.ends, l.unused, l.dropped))
	s.printf(`<text x="%d" y="%d" fill="%s" font-size="12">%s</text>`+"\n", l.x+legendLine+8, y+4, faintColor, l.text)
}

// xmlText is a text between tags.
func xmlText(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder returns no error
	return b.String()
}

// maxRunes is how many characters of a line are shown.
const maxRunes = 44

func clip(s string) string {
	if r := []rune(s); len(r) > maxRunes {
		return string(r[:maxRunes-1]) + "…"
	}
	return s
}

func clipped(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = clip(l)
	}
	return out
}

// width estimates the width of a text in pixels, 12 pixels high, or 13 if bold, in the
// widest of the usual fonts.
func width(s string, bold bool) int {
	tenths := 0
	for _, r := range clip(s) {
		switch {
		case strings.ContainsRune("iljtfI.,:;'|!()[]/- ", r):
			tenths += 43
		case strings.ContainsRune("mwMW@%", r):
			tenths += 112
		case r >= 'A' && r <= 'Z':
			tenths += 88
		case r < 0x1100:
			tenths += 76
		default: // such as Chinese
			tenths += 125
		}
	}
	if bold {
		tenths = tenths * 118 / 100
	}
	return tenths/10 + 1
}
