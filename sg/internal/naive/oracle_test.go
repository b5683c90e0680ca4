package naive_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/naive"
	"github.com/sgsim/sgsim/sg/sgtest"
)

var (
	long  = flag.Bool("long", false, "TestOracle draws 600 worlds or more")
	draws = flag.Int("draws", 300, "worlds that TestOracle draws; thousands for a long run")
)

// TestOracle draws worlds, packets and changes, and compares the firewall with
// the naive one, decision for decision. A failure prints a scenario.
func TestOracle(t *testing.T) {
	n := *draws
	if *long && !testing.Short() {
		n = max(n, 600)
	}
	seen := map[string]int{}
	for seed := range n {
		if err := runOracle(seeded(uint64(seed), 2000), seen); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	for _, r := range []sg.Reason{
		sg.ByRule, sg.Tracked, sg.Untracked, sg.Exempt, sg.Related,
		sg.NoRule, sg.OutOfState, sg.BadFragment, sg.TableFull, sg.Invalid,
		sg.ACLAllow, sg.ACLDeny,
	} {
		if seen[r.String()] < n/10 {
			t.Errorf("only %d packets were decided by %q", seen[r.String()], r)
		}
	}
	for _, c := range []sg.OnChange{sg.ChangeAWS, sg.ChangeRevalidate, sg.ChangeFlush} {
		if seen["ended by "+c.String()] < n/30 {
			t.Errorf("only %d connections ended by %q", seen["ended by "+c.String()], c)
		}
	}
	t.Log(seen)
}

// FuzzOracle is TestOracle, steered by the fuzzer. An input is a world of some
// sixty packets and changes, of which thousands go into a second.
func FuzzOracle(f *testing.F) {
	for seed := range 5 {
		f.Add(seeded(uint64(seed), 900))
	}
	quickMinimize()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1200 {
			return
		}
		if err := runOracle(data, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// quickMinimize has the fuzzer try no more than so often to make an input smaller
// that shows something new, unless the command line says how often. By default it
// tries for a minute each time, of which ten minutes are soon used up; and a
// failure is a scenario here, which needs no smaller input to be read.
func quickMinimize() {
	const name = "test.fuzzminimizetime"
	if f := flag.Lookup(name); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set("10x")
	}
}

var oracleStart = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// runOracle plays one world until the bytes are used up. Only one that fails is
// played once more to write it down.
func runOracle(data []byte, seen map[string]int) error {
	o := oracle{draw: &draw{data}, seen: seen}
	err := o.run()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, write(data))
	}
	return err
}

// write plays a world, as far as it goes, and returns it as a scenario.
func write(data []byte) *sgtest.Trace {
	o := oracle{draw: &draw{data}, written: true}
	_ = o.run()
	return o.trace
}

// What the oracle prints does the same when it is run as a scenario.
func TestOracleWrites(t *testing.T) {
	for seed := range 30 {
		text := write(seeded(uint64(seed), 1200)).String()
		s, err := sgtest.ParseScenario("oracle", text)
		require.NoError(t, err)
		require.NoError(t, s.Run(), text)
	}
}

// oracleSteps are the times between packets. Most leave connections alive.
var oracleSteps = append(make([]time.Duration, 16), time.Second, 3*time.Second, 10*time.Second, 10*time.Second,
	29*time.Second, 31*time.Second, 61*time.Second, 200*time.Second, 350*time.Second)

// An oracle is a world with two firewalls that should agree.
type oracle struct {
	*draw
	topo *sg.Topology
	fw   *sg.Firewall
	slow *naive.Firewall
	past []flight

	onChange sg.OnChange

	written bool
	trace   *sgtest.Trace  // where written
	seen    map[string]int // counts what happened; may be nil
	steps   int
}

func (o *oracle) run() error {
	o.topo = o.topology()
	opts := o.options()
	o.onChange = opts.OnChange
	if o.written {
		o.trace = sgtest.NewTrace(o.topo, &opts)
	}
	policy, err := sg.Compile(o.topo)
	if err != nil {
		return err
	}
	o.fw = sg.NewFirewall(policy, &opts)
	if o.slow, err = naive.New(o.topo, opts); err != nil {
		return err
	}
	at := time.Duration(0)
	for !o.done() {
		d := o.part(stepBytes)
		at += pick(d, oracleSteps...)
		switch what := d.n(100); {
		case what >= 86:
			err = o.change(d.change(o.topo), at)
		case what >= 82:
			err = o.change(d.swap(o.topo), at)
		case what >= 80:
			o.fw = o.fw.Clone()
		default:
			f := d.flight(o.topo, o.past)
			if eniOf(o.topo, f.eni) == nil {
				f.eni = "" // it was removed
			}
			var accepted bool
			if accepted, err = o.play(&f, at); accepted || d.chance(20) {
				o.past = append(o.past, f) // more packets go with it
			}
		}
		if err != nil {
			return err
		}
		o.steps++
	}
	return nil
}

// change makes a change in both worlds.
func (o *oracle) change(c change, at time.Duration) error {
	now := oracleStart.Add(at)
	before := o.live(now)
	ok := c.topo(o.topo)
	var err error
	switch {
	case c.apply != nil:
		err = c.apply(o.fw, now)
	case ok:
		var p *sg.Policy
		if p, err = sg.Compile(o.topo); err == nil {
			o.fw.Swap(p, now)
		}
	}
	if ok != (err == nil) {
		return fmt.Errorf("%s: %v", c.text(), err)
	}
	if !ok {
		return nil
	}
	if o.written {
		o.trace.Change(at, c.text())
	}
	if err := o.slow.Changed(c.what, now); err != nil {
		return err
	}
	if o.seen != nil {
		o.seen["ended by "+o.onChange.String()] += before - o.live(now)
	}
	return nil
}

// live returns how many connections there are, where that is counted.
func (o *oracle) live(now time.Time) int {
	if o.seen == nil {
		return 0
	}
	o.fw.Expire(now, math.MaxInt)
	return o.fw.Stats().Entries
}

// play gives a packet to both firewalls and compares. Explanations take most of
// the time, so that only some packets are explained first.
func (o *oracle) play(f *flight, at time.Duration) (accepted bool, err error) {
	now := oracleStart.Add(at)
	explain := o.steps%8 == 0
	var (
		got  []sg.Decision
		want []naive.Decision
		said []sg.HopExplanation
	)
	if f.eni != "" {
		e := o.fw.ENI(f.eni)
		if explain {
			said = e.Explain(f.dir, sg.Packet{Header: &f.h, Time: now, Via: f.via}).Hops
		}
		got = []sg.Decision{e.Evaluate(f.dir, sg.Packet{Header: &f.h, Time: now, Via: f.via})}
		want = []naive.Decision{o.slow.Evaluate(f.eni, f.dir, f.via, &f.h, now)}
		if o.written {
			o.trace.Evaluate(at, f.eni, f.dir, f.via, &f.h, got[0])
		}
	} else {
		if explain {
			p := sg.Packet{Header: &f.h, Time: now, Via: f.via}
			x := o.fw.Explain(p)
			said = x.Hops
			if b := x.Beyond; b != nil {
				if d := o.fw.Clone().ENI(b.Enforcer.ID()).Evaluate(sg.Ingress, p); len(said) > 1 && said[len(said)-1].Decision.Rule.ACL() == "" || d != b.Decision {
					return false, fmt.Errorf("beyond the drop: explained %v, want %v", b.Decision, d)
				}
			}
		}
		out := o.fw.Forward(sg.Packet{Header: &f.h, Time: now, Via: f.via})
		for _, hop := range out.Hops() {
			got = append(got, hop.Decision)
		}
		want = o.slow.Forward(f.via, &f.h, now)
		if o.written {
			o.trace.Forward(at, f.via, &f.h, &out)
		}
	}
	if len(got) != len(want) || explain && len(said) != len(got) {
		return false, fmt.Errorf("hops: got %v, explained %v, want %v", got, said, want)
	}
	for i := range got {
		g := naive.Decision{Verdict: got[i].Verdict, Reason: got[i].Reason}
		if r := got[i].Rule; !r.IsZero() {
			g.Rule = naive.Rule{Group: r.Group(), Dir: r.Direction(), Index: r.Index()}
			if r.ACL() != "" {
				g.Rule = naive.Rule{Entry: r.String()}
			}
		}
		if g != want[i] || explain && said[i].Decision != got[i] {
			return false, fmt.Errorf("hop %d: got %v, explained %v, want %v", i, g, said, want[i])
		}
		if o.seen != nil {
			o.seen[g.Reason.String()]++
		}
	}
	return len(got) > 0 && got[0].Verdict == sg.Accept, nil
}

// TestOrderOfChanges applies the same changes in two orders and asks both what
// they make of many packets: the end must not depend on the way. Rules are the
// same, though their places differ.
func TestOrderOfChanges(t *testing.T) {
	n := *draws / 5
	for seed := range n {
		d := &draw{seeded(uint64(seed)+1_000_000, 1500)}
		topo := d.topology()
		policy, err := sg.Compile(topo)
		if err != nil {
			t.Fatal(err)
		}
		var changes []change
		seen := map[string]bool{}
		for range 8 {
			c := d.part(stepBytes).change(topo)
			if what := subject(c.text()); !seen[what] { // one change to each thing, so that they commute
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
					t.Fatal(c.text(), err)
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
			f := d.part(stepBytes).flight(topo, nil)
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
		s = append(s, c.text())
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
