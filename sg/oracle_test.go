package sg_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/naive"
	"github.com/sgsim/sgsim/sg/sgtest"
)

var draws = flag.Int("draws", 300, "worlds that TestOracle draws; thousands for a long run")

// TestOracle draws worlds, packets and changes, and compares the firewall with
// the naive one, decision for decision. A failure prints a scenario.
func TestOracle(t *testing.T) {
	n := *draws
	if testing.Short() {
		n = 150
	}
	verdicts := map[string]int{}
	for seed := range n {
		if err := runOracle(seeded(uint64(seed), 1200), verdicts); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	for _, r := range []sg.Reason{
		sg.ByRule, sg.Tracked, sg.Untracked, sg.Exempt, sg.Related,
		sg.NoRule, sg.OutOfState, sg.BadFragment, sg.TableFull,
	} {
		if verdicts[r.String()] < n/20 {
			t.Errorf("only %d packets were decided by %q", verdicts[r.String()], r)
		}
	}
	t.Log(verdicts)
}

func FuzzOracle(f *testing.F) {
	for seed := range 5 {
		f.Add(seeded(uint64(seed), 300))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4000 {
			return
		}
		if err := runOracle(data, nil); err != nil {
			t.Fatal(err)
		}
	})
}

var oracleStart = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// runOracle plays one world until the bytes are used up.
func runOracle(data []byte, verdicts map[string]int) error {
	d := &draw{data}
	topo := d.topology()
	opts := d.options()
	trace := sgtest.NewTrace(topo, &opts)
	policy, err := sg.Compile(topo)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, sgtest.FormatTopology(topo))
	}
	fw := sg.NewFirewall(policy, &opts)
	slow, err := naive.New(topo, opts)
	if err != nil {
		return err
	}
	at := time.Duration(0)
	var past []flight
	for !d.done() {
		at += pick(d, 0, 0, 0, 0, time.Second, time.Second, 10*time.Second, 29*time.Second, 31*time.Second, 200*time.Second)
		now := oracleStart.Add(at)
		switch {
		case d.chance(12):
			c := d.change(topo)
			ok := c.topo(topo)
			if err := c.apply(fw, now); (err == nil) != ok {
				return fmt.Errorf("%s: %v\n%s", c.text, err, trace)
			}
			if ok {
				trace.Change(at, c.text)
				slow.Changed(now)
			}
			continue
		case d.chance(3): // the changed policy is what Compile makes of the changed topology
			p, err := sg.Compile(topo)
			if err != nil {
				return err
			}
			fw.Swap(p, now)
			slow.Changed(now)
			same := sgtest.FormatTopology(&sg.Topology{ENIs: topo.ENIs[:1]})
			trace.Change(at, strings.TrimSpace(same)) // an interface replaced by itself swaps the policy
			continue
		}
		f := d.flight(topo, past)
		past = append(past, f)
		got, want, explained := play(fw, slow, trace, f, at)
		if len(got) != len(want) || len(explained) != len(got) {
			return fmt.Errorf("hops: got %v, explained %v, want %v\n%s", got, explained, want, trace)
		}
		for i := range got {
			g := naive.Decision{Verdict: got[i].Verdict, Reason: got[i].Reason, Rule: got[i].Rule.String()}
			if g != want[i] || explained[i].Decision != got[i] {
				return fmt.Errorf("hop %d: got %v, explained %v, want %v\n%s", i, g, explained[i].Decision, want[i], trace)
			}
			if verdicts != nil {
				verdicts[g.Reason.String()]++
			}
		}
	}
	return nil
}

// play gives a packet to both firewalls, asks for an explanation first, and
// writes down what came.
func play(fw *sg.Firewall, slow *naive.Firewall, trace *sgtest.Trace, f flight, at time.Duration) (got []sg.Decision, want []naive.Decision, said []sg.HopExplanation) {
	now := oracleStart.Add(at)
	if f.eni != "" {
		said = fw.ENI(f.eni).ExplainVia(f.dir, &f.h, now, f.via).Hops
		got = []sg.Decision{fw.ENI(f.eni).EvaluateVia(f.dir, &f.h, now, f.via)}
		want = []naive.Decision{slow.Evaluate(f.eni, f.dir, f.via, &f.h, now)}
		trace.Evaluate(at, f.eni, f.dir, f.via, &f.h, got[0])
		return got, want, said
	}
	said = fw.ExplainVia(&f.h, now, f.via).Hops
	o := fw.ForwardVia(&f.h, now, f.via)
	for _, hop := range o.Hops() {
		got = append(got, hop.Decision)
	}
	trace.Forward(at, f.via, &f.h, &o)
	return got, slow.Forward(f.via, &f.h, now), said
}

// TestOrderOfChanges applies the same changes in two orders and asks both what
// they make of many packets: the end must not depend on the way. Rules are the
// same, though their places differ.
func TestOrderOfChanges(t *testing.T) {
	n := *draws / 5
	for seed := range n {
		d := &draw{seeded(uint64(seed)+1_000_000, 600)}
		topo := d.topology()
		policy, err := sg.Compile(topo)
		if err != nil {
			t.Fatal(err)
		}
		var changes []change
		seen := map[string]bool{}
		for range 8 {
			c := d.change(topo)
			if what := subject(c.text); !seen[what] { // one change to each thing, so that they commute
				seen[what] = true
				changes = append(changes, c)
			}
		}
		a, b := sg.NewFirewall(policy, nil), sg.NewFirewall(policy, nil)
		perm := slices.Clone(changes)
		for i := range perm {
			j := i + d.n(len(perm)-i)
			perm[i], perm[j] = perm[j], perm[i]
		}
		for _, c := range changes {
			if c.topo(topo) {
				if err := c.apply(a, oracleStart); err != nil {
					t.Fatal(c.text, err)
				}
			}
		}
		for _, c := range perm {
			_ = c.apply(b, oracleStart) // refused where it was refused before
		}
		fresh, err := sg.Compile(topo)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			f := d.flight(topo, nil)
			if f.eni != "" {
				policiesAgree(t, f, a.Policy(), b.Policy(), fresh)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: %v\n%s", seed, texts(perm), sgtest.FormatTopology(topo))
		}
	}
}

// subject returns what a change changes: its text without the verb.
func subject(text string) string {
	for _, verb := range []string{"authorize ", "revoke ", "attach ", "detach ", "entry add ", "entry remove "} {
		if len(text) > len(verb) && text[:len(verb)] == verb {
			return text[len(verb):]
		}
	}
	return text
}

func texts(cs []change) (s []string) {
	for _, c := range cs {
		s = append(s, c.text)
	}
	return s
}

func policiesAgree(t *testing.T, f flight, policies ...*sg.Policy) {
	t.Helper()
	first, ok := policies[0].Match(f.eni, f.dir, &f.h)
	for i, p := range policies[1:] {
		m, o := p.Match(f.eni, f.dir, &f.h)
		if o != ok || m.Untracked != first.Untracked {
			t.Errorf("%s %s %s: policy 0 says %v %v, policy %d %v %v", f.eni, f.dir, &f.h, ok, first.Untracked, i+1, o, m.Untracked)
		}
	}
}
