package graph

// The colours of all formats: dark text on light ground.
const (
	textColor   = "#1f2328"
	faintColor  = "#57606a"
	lineColor   = "#475569"
	unusedColor = "#9aa4b1"
)

// A style is how a node looks.
type style struct {
	fill, stroke string
	dashed       bool
	radius       int // of its corners, in pixels
}

var styles = [...]style{
	Group:   {fill: "#eaf2fd", stroke: "#3b6fb6", radius: 6},
	VPC:     {fill: "#e8f5ec", stroke: "#3a8f5c", radius: 6},
	Unknown: {fill: "#fff4f2", stroke: "#c0392b", radius: 6, dashed: true},
	Network: {fill: "#f6f6f4", stroke: "#85857e", radius: 22},
	List:    {fill: "#f4effb", stroke: "#7a5fb0", radius: 2},
}
