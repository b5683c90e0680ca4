package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The lines of the chart: name, benchmark, implementation, and keys up to the number of
// connections.
var lines = [][4]string{
	{"sgsim, frame to decision", "Evaluate", "sgsim", open + "300/conns="},
	{"sgsim, table alone", "Track", "sgsim", "family=v4/conns="},
	{"Go map doing the same", "Track", "gomap-tracking", "family=v4/conns="},
	{"Go map, look-up alone", "Track", "gomap", "family=v4/conns="},
	{"one load from memory", "Track", "floor", "family=v4/conns="},
	{"nftables ct", "Evaluate", "nftables", open + "300/conns="},
	{"gVisor netstack", "Evaluate", "gvisor", open + "0/conns="},
}

const open = "path=established/hops=1/family=v4/proto=tcp/rules="

// growth draws the time of a packet of an open connection against the number of these,
// as SVG.
func growth(rs results) (string, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	chart := plot.New()
	chart.Title.Text = "A packet of an open connection"
	chart.X.Label.Text, chart.Y.Label.Text = "live connections", "ns"
	chart.Legend.Left, chart.Legend.Top, chart.Legend.Padding = true, true, 2
	chart.Add(plotter.NewGrid())
	chart.X.Min, chart.X.Max, chart.Y.Min, chart.Y.Max = 1e3, 1e4, 1, 1e4 // or more
	for i, l := range lines {
		var points plotter.XYs
		for _, n := range []int{1_000, 10_000, 100_000, 200_000, 1_000_000, 10_000_000} {
			if y := rs.find(l[1], l[2], fmt.Sprint(l[3], n)).median("sec/pkt"); y > 0 {
				points = append(points, plotter.XY{X: float64(n), Y: 1e9 * y})
			}
		}
		if points == nil {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return "", err
		}
		line.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), draw.CircleGlyph{}
		chart.Add(line, dots)
		chart.Legend.Add(l[0], line, dots)
	}
	chart.Y.Min, chart.Y.Max = math.Pow(10, math.Floor(math.Log10(chart.Y.Min))), math.Pow(10, math.Ceil(math.Log10(chart.Y.Max)))
	for _, axis := range []*plot.Axis{&chart.X, &chart.Y} {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	picture := vgsvg.New(700, 440)
	chart.Draw(draw.New(picture))
	var b bytes.Buffer
	_, err := picture.WriteTo(&b)
	// Where the font is missing, others of the same widths may be there.
	return strings.ReplaceAll(b.String(), "Liberation Sans", "Liberation Sans,Arial,Helvetica,sans-serif"), err
}
