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

// Match and the naive walk name the same rule for every probe: what BenchmarkMatch
// measures is the same work.
func TestMatchAgreesWithWalk(t *testing.T) {
	w := corpus.NewWorld(corpus.WorldSpec{ENIs: 300, Groups: 40, Rules: 60, GroupsPerENI: 5, Lists: 10, Entries: 100, Seed: 8})
	p, err := sg.Compile(w.Topology)
	if err != nil {
		t.Fatal(err)
	}
	refs := ingressRules(p)
	for _, kind := range corpus.Kinds {
		for _, pr := range w.Probes(kind, 300, 2000, 9) {
			if m, _ := p.Match(pr.ENI, sg.Ingress, &pr.Header); m.Rule != refs[pr.Rule] {
				t.Fatalf("%s %v: Match names %v, the walk %v", pr.ENI, pr.Header.Tuple(), m.Rule, pr.Rule)
			}
		}
	}
}

// ingressRules are the policy's names of rules, by those of the walk; no rule has the
// zero name in both.
func ingressRules(p *sg.Policy) map[walk.Rule]sg.RuleRef {
	m := map[walk.Rule]sg.RuleRef{}
	for r := range p.Rules() {
		if r.Direction() == sg.Ingress {
			m[walk.Rule{Group: r.Group(), Index: r.Index()}] = r
		}
	}
	return m
}

// BenchmarkMatch asks the rules about the first packet of a connection, without
// any connection table, and beside them the naive walk: which rule admits it?
func BenchmarkMatch(b *testing.B) {
	for _, n := range measure.Rules() {
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

// benchMatch gives both the same probes, one after the other. Both have found the
// interfaces before, and name the rule.
func benchMatch(b *testing.B, w *corpus.World, p *sg.Policy, kind corpus.Kind, rules, drawn, n int) {
	name := fmt.Sprintf("/kind=%s/rules=%d/enis=%d/of=%d", kind, rules, drawn, len(w.Topology.ENIs))
	var ps []corpus.Probe // of both
	probes := func() []corpus.Probe {
		if ps == nil {
			ps = w.Probes(kind, drawn, n, 1)
		}
		return ps
	}
	b.Run("impl=sgsim"+name, func(b *testing.B) {
		ps, refs, fw := probes(), ingressRules(p), sg.NewFirewall(p, nil)
		want, enis := make([]sg.RuleRef, n), make([]*sg.Enforcer, n)
		for i := range ps {
			want[i], enis[i] = refs[ps[i].Rule], fw.ENI(ps[i].ENI)
			enis[i].Admits(sg.Ingress, &ps[i].Header) // compiles the matcher of its groups
		}
		measure.Packets(b, n, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				if r, _ := enis[i].Admits(sg.Ingress, &ps[i].Header); r != want[i] {
					b.Fatal("wrong rule for", ps[i].ENI, ps[i].Header.Tuple())
				}
			}
		})
	})
	b.Run("impl=walk"+name, func(b *testing.B) {
		ps := probes()
		enis := make([]walk.ENI, n)
		for i := range ps {
			enis[i] = w.Walker().ENI(ps[i].ENI)
		}
		measure.Packets(b, n, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				if r, _ := enis[i].Match(sg.Ingress, &ps[i].Header); r != ps[i].Rule {
					b.Fatal("wrong rule for", ps[i].ENI, ps[i].Header.Tuple())
				}
			}
		})
	})
}

// BenchmarkOpen decides about the first packet of a connection at its interface:
// table, rules, and the new entry where they admit. Each probe comes again when
// its entry is dead. What a list of groups costs at its very first packet, some 40 us to
// compile its matcher, is paid before.
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
	enforcers, p := make([]*sg.Enforcer, len(ps)), fw.Policy()
	for i := range ps {
		enforcers[i] = fw.ENI(ps[i].ENI)
		p.Match(ps[i].ENI, sg.Ingress, &ps[i].Header)
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
