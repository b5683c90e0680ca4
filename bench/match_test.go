package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/bench/walk"
	"github.com/sgsim/sgsim/sg"
)

// Match and the naive walk agree on every probe; what BenchmarkMatch measures is
// the same work.
func TestMatchAgreesWithWalk(t *testing.T) {
	w := corpus.NewWorld(corpus.WorldSpec{ENIs: 300, Groups: 40, Rules: 60, GroupsPerENI: 5, Lists: 10, Entries: 100, Seed: 8})
	p, err := sg.Compile(w.Topology)
	if err != nil {
		t.Fatal(err)
	}
	x := walk.New(w.Topology)
	for _, kind := range corpus.Kinds {
		for _, pr := range w.Probes(kind, 300, 2000, 9) {
			at, want := x.Match(pr.ENI, sg.Ingress, &pr.Header)
			m, got := p.Match(pr.ENI, sg.Ingress, &pr.Header)
			if got != want {
				t.Fatalf("%s %v: Match %v, walk %v", pr.ENI, pr.Header.Tuple(), got, want)
			}
			if want && m.Rule.Index() != at%60 {
				t.Fatalf("%s %v: Match names %v, walk rule %d", pr.ENI, pr.Header.Tuple(), m.Rule, at)
			}
		}
	}
}

// BenchmarkMatch asks the rules about the first packet of a connection, without
// any connection table.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 300, 1000} {
		if testing.Short() && n > 100 {
			continue
		}
		w := corpus.NewWorld(corpus.Ruled(n))
		p, err := sg.Compile(w.Topology)
		if err != nil {
			b.Fatal(err)
		}
		for _, kind := range corpus.Kinds {
			benchMatch(b, w, p, kind, n, 1, 1<<10)
		}
	}
	for _, enis := range worldSizes() {
		w := corpus.NewWorld(worldSpec(enis))
		p, err := sg.Compile(w.Topology)
		if err != nil {
			b.Fatal(err)
		}
		for _, drawn := range []int{1, 10_000} {
			if drawn > enis {
				continue
			}
			for _, kind := range corpus.Kinds {
				benchMatch(b, w, p, kind, 300, drawn, 1<<14)
			}
		}
	}
}

// worldSizes are the sizes of the large world.
func worldSizes() []int {
	if testing.Short() {
		return []int{200}
	}
	return []int{100_000}
}

// worldSpec is the large world, or a small likeness.
func worldSpec(enis int) corpus.WorldSpec {
	s := corpus.Large(enis)
	if testing.Short() {
		s.Groups, s.Lists, s.Entries = 50, 10, 50
	}
	return s
}

func benchMatch(b *testing.B, w *corpus.World, p *sg.Policy, kind corpus.Kind, rules, drawn, n int) {
	b.Run(fmt.Sprintf("impl=sgsim/kind=%s/rules=%d/enis=%d/of=%d", kind, rules, drawn, len(w.Topology.ENIs)), func(b *testing.B) {
		ps := w.Probes(kind, drawn, n, 1)
		want := kind.Admitted()
		measure.Packets(b, len(ps), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				pr := &ps[i]
				if _, ok := p.Match(pr.ENI, sg.Ingress, &pr.Header); ok != want {
					b.Fatal("wrong verdict for", pr.ENI, pr.Header.Tuple())
				}
			}
		})
	})
}

// BenchmarkOpen decides about the first packet of a connection at its interface:
// table, rules, and the new entry where they admit. Each probe comes again when
// its entry is dead.
func BenchmarkOpen(b *testing.B) {
	sizes := []int{1, 10_000, 100_000}
	if testing.Short() {
		sizes = []int{1, 100}
	}
	w := corpus.NewWorld(worldSpec(worldSizes()[0]))
	fw := compile(b, w.Topology)
	now := start
	for _, drawn := range sizes {
		for _, kind := range corpus.Kinds {
			b.Run(fmt.Sprintf("impl=sgsim/kind=%s/hops=1/rules=300/enis=%d", kind, drawn), func(b *testing.B) {
				now = benchOpen(b, w, fw, now, kind, drawn)
			})
		}
	}
}

// benchOpen begins when all entries of earlier cases are dead and returns when
// those of its own are.
func benchOpen(b *testing.B, w *corpus.World, fw *sg.Firewall, now time.Time, kind corpus.Kind, drawn int) time.Time {
	const n, lap = 1 << 14, 11 * time.Minute // longer than any entry of a first packet lives
	ps := w.Probes(kind, drawn, n, 1)
	enforcers := make([]*sg.Enforcer, len(ps))
	for i := range ps {
		enforcers[i] = fw.ENI(ps[i].ENI)
	}
	want := sg.NoRule
	if kind.Admitted() {
		want = sg.ByRule
	}
	measure.Packets(b, n, func(lo, hi int) {
		now = now.Add(lap / n * time.Duration(hi-lo))
		for i := lo; i < hi; i++ {
			if d := enforcers[i].Evaluate(sg.Ingress, sg.Packet{Header: &ps[i].Header, Time: now}); d.Reason != want {
				b.Fatalf("%v: %v, want %v", ps[i].Header.Tuple(), d.Reason, want)
			}
		}
	})
	return now.Add(lap)
}
