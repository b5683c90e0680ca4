package main

import (
	"fmt"
	"strings"
)

// A goal is a figure that was set before the code was written. One of most and
// least is set, unless beside says that the row is no goal: it is there to be
// compared with the one above.
type goal struct {
	room    string
	what    string
	measure measure
	unit    string
	most    float64
	least   float64
	beside  bool
	wish    float64 // better than the goal, hoped for; 0 if there is none
	pace    pace    // what the goal depends on of the machine
	parts   []part  // measured beside it, that say where a figure comes from
	why     reason  // what stands in the way, named while the goal is missed
}

// A part is a figure of the same run that explains another.
type part struct {
	what    string
	measure measure
	unit    string
}

// limit returns the goal times a factor as text: "<= 30 ns".
func (g goal) limit(factor float64) string {
	switch {
	case g.beside:
		return ""
	case g.least != 0:
		return strings.TrimSpace(fmt.Sprintf("≥ %s %s", number(g.least/factor), g.unit))
	}
	return strings.TrimSpace(fmt.Sprintf("≤ %s %s", number(g.most*factor), g.unit))
}

// missedBy is how many times the figure is off the goal times a factor; 1 or less
// means that it is reached.
func (g goal) missedBy(v, factor float64) float64 {
	switch {
	case g.least != 0:
		return g.least / factor / v
	case g.most == 0:
		return v + 1 // nothing but nothing will do
	}
	return v / (g.most * factor)
}

// outcome says in words whether the goal is reached, and if not, how far off it
// is, at the goal's own machine and at the pace of this one, and what explains
// that.
func (g goal) outcome(r results) string {
	s, ok := g.measure(r)
	switch {
	case !ok:
		return "not measured"
	case g.beside:
		return ""
	}
	by := g.missedBy(s.median, 1)
	switch {
	case by <= 1 && g.wish != 0 && s.median <= g.wish:
		return fmt.Sprintf("reached, and the hoped-for %s", number(g.wish))
	case by <= 1:
		return "reached"
	}
	w := "missed"
	if g.most != 0 || g.least != 0 {
		w += fmt.Sprintf(", by %.2f x", by)
	}
	if f, ok := g.pace.factor(r); ok {
		if by := g.missedBy(s.median, f); by <= 1 {
			w += "; reached at this pace"
		} else {
			w += fmt.Sprintf(", %.2f x at this pace", by)
		}
	}
	if parts := g.explained(r); parts != "" {
		w += "<br>in the same run: " + parts
	}
	if g.why != "" {
		w += fmt.Sprintf("<br>why: *%s*", g.why)
	}
	return w
}

// explained lists the parts that were measured.
func (g goal) explained(r results) string {
	var parts []string
	for _, p := range g.parts {
		if s, ok := p.measure(r); ok {
			parts = append(parts, fmt.Sprintf("%s %s %s", p.what, number(s.median), p.unit))
		}
	}
	return strings.Join(parts, ", ")
}
