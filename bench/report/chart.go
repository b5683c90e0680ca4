package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// A series is one line of a chart: a benchmark over one number in its name.
type series struct {
	label   string
	pattern string // of the benchmark's name, with %d for the number
	color   string
	own     bool // sgsim itself: a heavier line
}

const (
	blue   = "#1f5fbf"
	orange = "#c2571a"
	green  = "#2b7a3d"
	purple = "#7a4fa3"
	grey   = "#666666"
	brown  = "#8a5a2b"
	red    = "#b02a3c"
	teal   = "#1c7f86"
)

// A chart is one panel: time of a packet against a number, both logarithmic.
type chart struct {
	title  string
	xlabel string
	xs     []int // where series are looked for
	series []series
}

var charts = []chart{
	{
		title: "established packet", xlabel: "live connections",
		xs: []int{1_000, 10_000, 100_000, 200_000, 1_000_000, 10_000_000},
		series: []series{
			{"sgsim, frame to decision", "Evaluate/impl=sgsim/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=%d", blue, true},
			{"sgsim, table alone", "Track/impl=sgsim/family=v4/conns=%d", teal, true},
			{"Go map doing the same", "Track/impl=gomap-tracking/family=v4/conns=%d", red, false},
			{"Go map, look-up alone", "Track/impl=gomap/family=v4/conns=%d", orange, false},
			{"sgsim, frame, 32 at a time", "Evaluate/impl=sgsim/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=%d/prefetch=32", grey, true},
			{"nftables ct", "Evaluate/impl=nftables/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=%d", green, false},
			{"gVisor netstack", "Evaluate/impl=gvisor/path=established/hops=1/family=v4/proto=tcp/rules=0/conns=%d", purple, false},
		},
	},
	{
		title: "first packet", xlabel: "rules",
		xs: []int{10, 100, 300, 1000},
		series: []series{
			{"sgsim, frame to new entry", "Evaluate/impl=sgsim/path=new/hops=1/family=v4/proto=tcp/rules=%d", blue, true},
			{"sgsim, match by CIDR", "Match/impl=sgsim/kind=cidr/rules=%d/enis=1/of=100", teal, true},
			{"naive walk, by CIDR", "Match/impl=walk/kind=cidr/rules=%d/enis=1/of=100", orange, false},
			{"tailscale, by CIDR", "Match/impl=tailscale/kind=cidr/rules=%d/enis=1/of=100", brown, false},
			{"bart, address alone", "Match/impl=bart/kind=cidr/rules=%d/enis=1/of=100", grey, false},
			{"nftables, new entry", "Evaluate/impl=nftables/path=new/hops=1/family=v4/proto=tcp/rules=%d", green, false},
			{"gVisor, established", "Evaluate/impl=gvisor/path=established/hops=1/family=v4/proto=tcp/rules=%d/conns=1000", purple, false},
		},
	},
}

// Sizes in pixels. The picture is no wider than a page shows it, so that its
// letters keep their size, and has a ground of its own, for dark pages.
const (
	chartWidth  = 800
	chartHeight = 440
	left        = 70  // for the labels of the y axis
	right       = 290 // for the names of the series
	top         = 44
	bottom      = 52
	letter      = 8 // the mean of a bold letter of the widest common font, rounded up
	labelAt     = chartWidth - right + 16
)

type point struct{ x, y float64 }

// growth draws the charts one below the other.
func growth(r results) string {
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n",
		chartWidth, chartHeight*len(charts))
	fmt.Fprintf(&w, `<rect x="0.5" y="0.5" width="%d" height="%d" rx="6" fill="#ffffff" stroke="#cccccc"/>`+"\n", chartWidth-1, chartHeight*len(charts)-1)
	for i, c := range charts {
		fmt.Fprintf(&w, `<g transform="translate(0 %d)">`+"\n", i*chartHeight)
		c.draw(&w, r)
		w.WriteString("</g>\n")
	}
	w.WriteString("</svg>\n")
	return w.String()
}

func (c chart) draw(w *strings.Builder, r results) {
	var lines [][]point
	lowest, highest := math.Inf(1), math.Inf(-1)
	first, last := math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		var line []point
		for _, x := range c.xs {
			y, ok := r.ns(fmt.Sprintf(s.pattern, x))
			if !ok || y.median <= 0 {
				continue
			}
			line = append(line, point{float64(x), y.median})
			lowest, highest = min(lowest, y.median), max(highest, y.median)
			first, last = min(first, float64(x)), max(last, float64(x))
		}
		lines = append(lines, line)
	}
	fmt.Fprintf(w, `<text x="%d" y="26" font-size="15" font-weight="bold" fill="#111111">%s: ns a packet</text>`+"\n", left, html.EscapeString(c.title))
	if first > last {
		fmt.Fprintf(w, `<text x="%d" y="60" fill="#333333">not measured</text>`+"\n", left)
		return
	}
	ylo, yhi := math.Floor(math.Log10(lowest)), math.Ceil(math.Log10(highest))
	xlo, xhi := math.Log10(first), max(math.Log10(last), math.Log10(first)+1)
	px := func(x float64) float64 {
		return left + (math.Log10(x)-xlo)/(xhi-xlo)*(chartWidth-left-right)
	}
	py := func(y float64) float64 {
		return chartHeight - bottom - (math.Log10(y)-ylo)/max(1, yhi-ylo)*(chartHeight-top-bottom)
	}
	for e := ylo; e <= yhi; e++ {
		y := py(math.Pow(10, e))
		fmt.Fprintf(w, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f" stroke="#d0d0d0"/>`, left, chartWidth-right, y)
		fmt.Fprintf(w, `<text x="%d" y="%.1f" text-anchor="end" fill="#333333">%s</text>`+"\n", left-6, y+4, count(int(math.Pow(10, e))))
	}
	for _, x := range c.ticks(first, last) {
		fmt.Fprintf(w, `<line x1="%.1f" x2="%.1[1]f" y1="%[2]d" y2="%[3]d" stroke="#999999"/>`, px(x), chartHeight-bottom, chartHeight-bottom+4)
		fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle" fill="#333333">%s</text>`+"\n", px(x), chartHeight-bottom+18, count(int(x)))
	}
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle" fill="#333333">%s</text>`+"\n", (left+chartWidth-right)/2, chartHeight-12, html.EscapeString(c.xlabel))
	c.lines(w, lines, px, py)
	c.labels(w, lines, px, py)
}

// ticks are the powers of ten within the range, and its ends where they are far
// enough from these.
func (c chart) ticks(first, last float64) (t []float64) {
	for e := math.Ceil(math.Log10(first)); e <= math.Log10(last)+1e-9; e++ {
		t = append(t, math.Round(math.Pow(10, e)))
	}
	return t
}

func (c chart) lines(w *strings.Builder, lines [][]point, px, py func(float64) float64) {
	for i, line := range lines {
		width := 1.5
		if c.series[i].own {
			width = 3
		}
		var pts []string
		for _, p := range line {
			pts = append(pts, fmt.Sprintf("%.1f,%.1f", px(p.x), py(p.y)))
			fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, px(p.x), py(p.y), width+0.5, c.series[i].color)
		}
		fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="%s" stroke-width="%.1f"/>`+"\n", strings.Join(pts, " "), c.series[i].color, width)
	}
}

// A label is the name of a series with its last value.
type label struct {
	series
	value    float64
	x, y, at float64 // its last point, and the height where the label stands
}

func (l label) text() string { return l.label + " " + number(l.value) }

// labels writes the names beside the last points, pushed apart where they would
// cover each other.
func (c chart) labels(w *strings.Builder, lines [][]point, px, py func(float64) float64) {
	var ls []label
	for i, line := range lines {
		if len(line) > 0 {
			end := line[len(line)-1]
			ls = append(ls, label{c.series[i], end.y, px(end.x), py(end.y), py(end.y)})
		}
	}
	slices.SortFunc(ls, func(a, b label) int { return int(1000 * (a.y - b.y)) })
	const space = 17
	for i := 1; i < len(ls); i++ {
		ls[i].at = max(ls[i].at, ls[i-1].at+space)
	}
	floor := float64(chartHeight - bottom)
	for i := len(ls) - 1; i >= 0; i-- {
		ls[i].at = min(ls[i].at, floor)
		floor = ls[i].at - space
	}
	for _, l := range ls {
		weight := "normal"
		if l.own {
			weight = "bold"
		}
		fmt.Fprintf(w, `<line x1="%.1f" y1="%.1f" x2="%d" y2="%.1f" stroke="%s" stroke-width="0.5" stroke-dasharray="2 2"/>`, l.x+4, l.y, labelAt-3, l.at, l.color)
		fmt.Fprintf(w, `<text x="%d" y="%.1f" fill="%s" font-weight="%s">%s</text>`+"\n", labelAt, l.at+4, l.color, weight, html.EscapeString(l.text()))
	}
}
