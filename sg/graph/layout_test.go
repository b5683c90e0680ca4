package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Nothing lies on anything else, edges run from column to column, and all of it is
// within the picture.
func TestLayout(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		g := &Graph{}
		n := 1 + r.IntN(12)
		for i := range n {
			g.Nodes = append(g.Nodes, Node{Kind: Kind(r.IntN(5)), Title: fmt.Sprint("node ", i), Lines: make([]string, r.IntN(4))})
		}
		for range r.IntN(25) {
			g.Edges = append(g.Edges, Edge{From: r.IntN(n), To: r.IntN(n), Ends: AtReceiver, Traffic: make([]Traffic, 1+r.IntN(7))})
		}
		l := newLayout(g)
		for _, column := range l.columns {
			for i, b := range column {
				require.GreaterOrEqual(t, b.y, margin, "seed %d", seed)
				require.LessOrEqual(t, b.y+b.h, l.height-margin, "seed %d", seed)
				require.LessOrEqual(t, b.x+b.w, l.width-margin, "seed %d", seed)
				if i > 0 {
					require.GreaterOrEqual(t, b.y, column[i-1].y+column[i-1].h+rowGap, "seed %d", seed)
				}
			}
		}
		for i, e := range g.Edges {
			chain := l.chains[i]
			left, right := l.ends(i)
			require.Same(t, l.nodes[left], chain[0], "seed %d", seed)
			require.Same(t, l.nodes[right], chain[len(chain)-1], "seed %d", seed)
			for j, b := range chain[1:] {
				require.Equal(t, chain[j].column+1, b.column, "seed %d", seed)
			}
			require.Equal(t, e.From != e.To, len(chain) > 2, "seed %d: a text between", seed)
		}
	}
}

// A chain of groups is drawn as a straight line.
func TestStraight(t *testing.T) {
	g := &Graph{Nodes: []Node{{Title: "a"}, {Title: "b", Lines: []string{"x", "y"}}, {Title: "c", Lines: []string{"z"}}}}
	for i := range 2 {
		g.Edges = append(g.Edges, Edge{From: i, To: i + 1, Ends: AtReceiver, Traffic: make([]Traffic, 1)})
	}
	l := newLayout(g)
	for _, b := range l.all() {
		require.Equal(t, l.nodes[0].middle(), b.middle())
	}
}

// The boxes of a large drawing are as many as its nodes and edges, whatever the edges
// pass.
func TestLargeLayout(t *testing.T) {
	for _, n := range []int{1000, 2000, 4000} {
		g := &Graph{}
		for i := range n {
			g.Nodes = append(g.Nodes, Node{Title: "a"})
			for _, to := range []int{(i + 1) % n, i * 7919 % n} {
				g.Edges = append(g.Edges, Edge{From: i, To: to, Ends: AtReceiver, Traffic: make([]Traffic, 1)})
			}
		}
		l := newLayout(g)
		require.Greater(t, len(l.columns), n, "a ring is as deep as it is long")
		require.LessOrEqual(t, len(l.all()), len(g.Nodes)+len(g.Edges))
	}
}
