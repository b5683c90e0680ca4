package bench

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

// changedRules returns a world in which n rules of another have a port of their own. All
// groups have their share.
func changedRules(t *sg.Topology, n int) *sg.Topology {
	c := *t
	c.Groups = slices.Clone(t.Groups)
	for i := range n {
		g := &c.Groups[i*7919%len(c.Groups)]
		if at := i / len(c.Groups); at == 0 {
			g.Ingress = slices.Clone(g.Ingress)
			g.Ingress[at].Ports = sg.Port(60001)
		} else {
			g.Ingress[at].Ports = sg.Port(60002)
		}
	}
	return &c
}

// BenchmarkDiff compares two policies of a large account, of which one has rules with
// other ports. heap-B is what is alive behind it, beside the two policies; policies-B is
// what these take.
func BenchmarkDiff(b *testing.B) {
	for _, changed := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("enis=%d/changed=%d", len(large(b).ENIs), changed), func(b *testing.B) {
			empty := heap()
			before, err := sg.Compile(large(b))
			require.NoError(b, err)
			after, err := sg.Compile(changedRules(large(b), changed))
			require.NoError(b, err)
			policies := heap()
			var d *diff.Diff
			for b.Loop() {
				d = diff.Policies(before, after)
			}
			b.ReportMetric(float64(heap()-policies), "heap-B")
			b.ReportMetric(float64(policies-empty), "policies-B")
			b.ReportMetric(float64(len(d.Changes)), "changes")
			runtime.KeepAlive(before)
			runtime.KeepAlive(after)
			runtime.KeepAlive(d)
		})
	}
}

var largeTopology *sg.Topology

func large(tb testing.TB) *sg.Topology {
	if largeTopology == nil {
		n := 100_000
		if testing.Short() {
			n = 1000
		}
		largeTopology = corpus.NewWorld(corpus.Large(n)).Topology
	}
	return largeTopology
}
