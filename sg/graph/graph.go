// Package graph draws the groups of a topology: groups, networks and prefix lists are
// nodes, rules are edges that point the way connections are opened.
//
// [New] makes a [Graph] of a topology, of one interface's groups, or of whole VPCs
// if there are too many groups to look at. [Graph.WriteMermaid], [Graph.WriteDOT]
// and [Graph.WriteSVG] write it. The drawing shows the rules as written: whether a
// packet passes depends on both of its ends, which is for package sg to say.
package graph

import (
	"fmt"
	"net/netip"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/enum"
)

// A Graph is a drawing in no particular format yet. Neither the order of nodes and
// edges nor the written bytes depend on the order of the topology. It keeps nothing
// of the topology, and several goroutines may write it.
type Graph struct {
	Nodes []Node
	Edges []Edge

	// Counted is set if edges have hits.
	Counted bool

	// MoreDrops is that of [Options].
	MoreDrops bool
}

// A Node is a group or a peer of rules. A network or prefix list is two nodes if
// rules name it as source and as destination, so that drawings run one way.
type Node struct {
	Kind  Kind
	Title string   // printable, on one line
	Lines []string // the text below the title, likewise
}

// A Kind says what a node is.
type Kind uint8

const (
	Group   Kind = iota
	VPC          // all groups of a VPC
	Unknown      // a group that rules name and the topology lacks
	Network      // a CIDR, or, next to VPCs, all of them if there are many
	List         // a prefix list
)

// An Edge is what the rules between one pair of nodes say. A pair has several edges
// if they differ in ends or use.
type Edge struct {
	From, To int // in Graph.Nodes; the same for a group that names itself
	Ends     Ends
	Unused   bool      // hits were counted, and there are none
	Dropped  bool      // not a rule but dropped packets
	Traffic  []Traffic // at least one, in the order of protocols and ports; dropped: most packets first
}

// Traffic is what a rule admits, or equal rules of several groups.
type Traffic struct {
	Text string // "tcp 443"

	// Hits is the number of packets that rules let pass, the larger one if the rules
	// of both ends were asked. For an edge that is Dropped, it is the number of
	// packets dropped.
	Hits uint64

	rule sg.Rule
}

// Ends say at which ends of an edge there is a rule.
type Ends uint8

const (
	AtReceiver Ends = 1 << iota // an ingress rule of To
	AtSender                    // an egress rule of From
	AtBoth     = AtReceiver | AtSender
)

// Options say what is drawn. The zero Options draw everything, without hits.
type Options struct {
	// ENI, unless empty, limits the drawing to its groups, their peers, and the
	// groups whose rules name them.
	ENI sg.ENIID

	By By

	// Hits returns how many packets a rule let pass, by its place in Group.Ingress or
	// Group.Egress. It may be nil.
	Hits func(g sg.GroupID, dir sg.Direction, index int) uint64

	// Drops are dropped packets, drawn in addition to the rules. An end that is an
	// interface is drawn at the first of its groups, any other end at the smallest
	// network that rules name.
	Drops []Drop

	// MoreDrops is set if more packets were dropped than Drops tells, so that it is not
	// known on which edges. The numbers of dropped packets are then least ones.
	MoreDrops bool
}

// A Drop is packets between two addresses that were dropped.
type Drop struct {
	Src, Dst netip.Addr
	Text     string // as in Traffic
	Packets  uint64
}

// By says how the groups of a topology are drawn.
type By uint8

const (
	// Auto is ByVPC for more than [Many] groups in several VPCs, else ByGroup.
	Auto By = iota
	ByGroup
	ByVPC
)

// Many is the most groups of several VPCs that Auto draws one by one.
const Many = 40

var byNames = [...]string{"auto", "group", "vpc"}

// String returns "auto", "group" or "vpc".
func (b By) String() string { return enum.Text(byNames[:], "By", b) }

// MarshalText returns what String does.
func (b By) MarshalText() ([]byte, error) { return enum.Marshal(byNames[:], b) }

// UnmarshalText reads what String returns.
func (b *By) UnmarshalText(text []byte) error { return enum.Unmarshal(byNames[:], text, b) }

// maxTraffic is the most lines of text that an edge has.
const maxTraffic = 5

// label returns the text lines of an edge.
func (g *Graph) label(e *Edge) []string {
	shown := e.Traffic
	if len(shown) > maxTraffic {
		shown = shown[:maxTraffic-1]
	}
	var lines []string
	for _, t := range shown {
		lines = append(lines, t.Text+g.hits(e, t.Hits))
	}
	if rest := e.Traffic[len(shown):]; len(rest) > 0 {
		var hits uint64
		for _, t := range rest {
			hits += t.Hits
		}
		lines = append(lines, fmt.Sprintf("and %d more", len(rest))+g.hits(e, hits))
	}
	return lines
}

// hits says what happened to traffic, after its text. It uses words, so that no drawing
// tells it by colour alone.
func (g *Graph) hits(e *Edge, n uint64) string {
	switch {
	case e.Dropped && g.MoreDrops:
		return ": at least " + count(n, "packet") + " dropped"
	case e.Dropped:
		return ": " + count(n, "packet") + " dropped"
	case !g.Counted:
		return ""
	case e.Unused:
		return ": unused"
	}
	return ": " + count(n, "packet")
}

// The colours of all formats: dark text on light ground.
const (
	textColor   = "#1f2328"
	faintColor  = "#57606a"
	lineColor   = "#475569"
	unusedColor = "#6b7684"
	dropColor   = "#b42318"
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
