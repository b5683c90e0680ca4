package sg_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/bench/walk"
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// The world of these benchmarks is that of the goals: 5,000 groups of 60 rules,
// five groups an ENI, 50 prefix lists of 1,000 entries. impl=walk asks rule after
// rule, as anybody would at first. Whole paths are in package bench.

func worldOf(b *testing.B, enis, rules int) *corpus.World {
	s := corpus.Large(enis)
	s.Rules = rules / s.GroupsPerENI
	if testing.Short() {
		s.Groups, s.Lists, s.Entries, s.ENIs = 50, 10, 50, min(enis, 200)
	}
	return corpus.NewWorld(s)
}

// cpu reports the processor time of the process for each operation: beside
// ns/op it tells how much of that was waiting for the processor.
func cpu(b *testing.B) func() {
	if processorTime == nil {
		return func() {}
	}
	start := processorTime()
	return func() { b.ReportMetric(float64(processorTime()-start)/float64(b.N), "cpu-ns/op") }
}

// processorTime returns what the process has used so far. It is nil where the system
// is not asked.
var processorTime func() time.Duration

// BenchmarkMatch asks the rules alone, of one group at one ENI and of five at one and
// at 10,000 in turn. ENIs are looked up before, and the rule is named.
func BenchmarkMatch(b *testing.B) {
	run := func(w *corpus.World, rules, enis, probes int) {
		if testing.Short() && rules > 100 {
			return
		}
		p, walker := mustCompile(b, w.Topology), walk.New(w.Topology)
		for _, kind := range corpus.Kinds {
			ps := w.Probes(kind, enis, probes, 1)
			matchers := make([]func(sg.Direction, *packet.Header) sg.RuleRef, len(ps))
			walkers := make([]walk.ENI, len(ps))
			byENI := map[sg.ENIID]func(sg.Direction, *packet.Header) sg.RuleRef{}
			for i := range ps {
				id := ps[i].ENI
				if byENI[id] == nil {
					byENI[id] = p.Matcher(id)
				}
				matchers[i], walkers[i] = byENI[id], walker.ENI(id)
				matchers[i](sg.Ingress, &ps[i].Header) // compiles what is compiled late
			}
			name := fmt.Sprintf("kind=%s/rules=%d/enis=%d/of=%d", kind, rules, enis, len(w.Topology.ENIs))
			b.Run("impl=sgsim/"+name, func(b *testing.B) {
				measure.Packets(b, len(ps), func(lo, hi int) {
					for i := lo; i < hi; i++ {
						if r := matchers[i](sg.Ingress, &ps[i].Header); r.IsZero() == kind.Admitted() {
							b.Fatal(ps[i].Header.Tuple(), r)
						}
					}
				})
			})
			b.Run("impl=walk/"+name, func(b *testing.B) {
				measure.Packets(b, len(ps), func(lo, hi int) {
					for i := lo; i < hi; i++ {
						if _, ok := walkers[i].Match(sg.Ingress, &ps[i].Header); ok != kind.Admitted() {
							b.Fatal(ps[i].Header.Tuple())
						}
					}
				})
			})
		}
	}
	for _, rules := range []int{10, 100, 300, 1000} {
		run(corpus.NewWorld(corpus.Ruled(rules)), rules, 1, 1<<10)
	}
	for _, enis := range []int{1, 10_000} {
		run(worldOf(b, 100_000, 300), 300, enis, 1<<14)
	}
}

// BenchmarkNew decides about first packets of connections, at one ENI that is in
// the caches, and at 10,000 in turn.
func BenchmarkNew(b *testing.B) {
	for _, rules := range []int{300, 1000} {
		w := worldOf(b, 100_000, rules)
		fw := sg.NewFirewall(mustCompile(b, w.Topology), nil)
		walker := walk.New(w.Topology)
		for _, enis := range []int{1, 10_000} {
			for _, kind := range corpus.Kinds {
				ps := w.Probes(kind, min(enis, len(w.Topology.ENIs)), 1<<14, 1)
				name := fmt.Sprintf("kind=%s/rules=%d/enis=%d", kind, rules, enis)
				b.Run("impl=sgsim/"+name, func(b *testing.B) { benchNew(b, fw, ps, kind.Admitted()) })
				if rules == 300 {
					b.Run("impl=walk/"+name, func(b *testing.B) { benchWalk(b, walker, ps, kind.Admitted()) })
				}
			}
		}
	}
}

func benchNew(b *testing.B, fw *sg.Firewall, ps []corpus.Probe, admitted bool) {
	fw = fw.Clone()
	enis := make([]*sg.Enforcer, len(ps))
	for i := range ps {
		enis[i] = fw.ENI(ps[i].ENI)
		fw.Policy().Match(ps[i].ENI, sg.Ingress, &ps[i].Header) // compiles what is compiled late
	}
	want := sg.NoRule
	if admitted {
		want = sg.ByRule
	}
	const lap = 11 * time.Minute // longer than any entry of a first packet lives
	now := start
	measure.Packets(b, len(ps), func(lo, hi int) {
		now = now.Add(lap / (1 << 14) * time.Duration(hi-lo))
		for i := lo; i < hi; i++ {
			if d := enis[i].Evaluate(sg.Ingress, sg.Packet{Header: &ps[i].Header, Time: now}); d.Reason != want {
				b.Fatal(ps[i].Header.Tuple(), d.Reason)
			}
		}
	})
}

func benchWalk(b *testing.B, w *walk.Walker, ps []corpus.Probe, admitted bool) {
	measure.Packets(b, len(ps), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if _, ok := w.Match(ps[i].ENI, sg.Ingress, &ps[i].Header); ok != admitted {
				b.Fatal(ps[i].Header.Tuple())
			}
		}
	})
}

// BenchmarkEstablished takes raw frames of open connections to decisions.
func BenchmarkEstablished(b *testing.B) {
	sizes := []int{10_000, 1_000_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, conns := range sizes {
		fw := firewall(b, corpus.Server(300, corpus.Open), nil)
		server := fw.ENI(corpus.ServerENI)
		for i := range conns {
			fl := corpus.FlowN(packet.IPv4, packet.TCP, uint64(i))
			for n, f := range []packet.TCPFlags{packet.SYN, packet.SYN | packet.ACK, packet.ACK} {
				h := fl.Header(n == 1, f)
				if d := server.Evaluate(sg.Ingress+sg.Direction(n&1), sg.Packet{Header: &h, Time: start}); d.Verdict != sg.Accept {
					b.Fatal(d.Reason)
				}
			}
		}
		frames := corpus.NewFrames(packet.IPv4, packet.TCP, uint64(conns), min(conns, 1<<18), 64, packet.ACK, 1)
		name := fmt.Sprintf("family=v4/rules=300/conns=%d", conns)
		b.Run("impl=sgsim/"+name, func(b *testing.B) { benchFrames(b, server, frames) })
		b.Run("impl=sgsim/"+name+"/prefetch=32", func(b *testing.B) { benchBatch(b, fw, frames) })
		b.Run("impl=table/"+name, func(b *testing.B) { // what of it is the connection table's
			benchTable(b, conns, frames)
		})
	}
}

func benchFrames(b *testing.B, server *sg.Enforcer, frames *corpus.Frames) {
	dirs := make([]sg.Direction, frames.Len())
	for i := range dirs {
		dirs[i] = sg.Ingress
		if frames.Reply[i] {
			dirs[i] = sg.Egress
		}
	}
	now := start
	var h packet.Header
	measure.Packets(b, frames.Len(), func(lo, hi int) {
		now = now.Add(time.Duration(hi-lo) * time.Microsecond)
		for ; lo < hi; lo++ {
			decode(b, frames, lo, &h)
			if d := server.Evaluate(dirs[lo], sg.Packet{Header: &h, Time: now}); d.Reason != sg.Tracked {
				b.Fatal(h.Tuple(), d.Reason)
			}
		}
	})
}

func decode(b *testing.B, frames *corpus.Frames, i int, h *packet.Header) {
	frame := frames.At(i)
	if err := packet.Decode(packet.LinkEthernet, frame, len(frame), h); err != nil {
		b.Fatal(err)
	}
}

// benchBatch forwards 32 frames at a time, finding the server by its address too.
func benchBatch(b *testing.B, fw *sg.Firewall, frames *corpus.Frames) {
	const batch = 32
	var headers [batch]packet.Header
	var packets [batch]sg.Packet
	judged := func(i int, o *sg.Outcome) {
		if o.Reason != sg.Tracked {
			b.Fatal(headers[i].Tuple(), o.Reason)
		}
	}
	now := start
	measure.Packets(b, frames.Len()/batch*batch, func(lo, hi int) {
		now = now.Add(time.Duration(hi-lo) * time.Microsecond)
		for ; lo < hi; lo += batch {
			for i := range packets {
				decode(b, frames, lo+i, &headers[i])
				packets[i] = sg.Packet{Header: &headers[i], Time: now}
			}
			fw.ForwardBatch(packets[:], judged)
		}
	})
}

// benchTable tracks the frames in a table that has their connections, and no more.
func benchTable(b *testing.B, conns int, frames *corpus.Frames) {
	t, err := conntrack.NewTable(conntrack.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range conns {
		fl := corpus.FlowN(packet.IPv4, packet.TCP, uint64(i))
		h := fl.Header(false, packet.SYN)
		t.Track(0, &h, start)
		t.Commit(0, &h, start, 0)
		for n, f := range []packet.TCPFlags{packet.SYN | packet.ACK, packet.ACK} {
			h := fl.Header(n == 0, f)
			t.Track(0, &h, start)
		}
	}
	now := start
	var h packet.Header
	measure.Packets(b, frames.Len(), func(lo, hi int) {
		now = now.Add(time.Duration(hi-lo) * time.Microsecond)
		for ; lo < hi; lo++ {
			decode(b, frames, lo, &h)
			if r := t.Track(0, &h, now); r.Class() != conntrack.Tracked {
				b.Fatal(h.Tuple(), r)
			}
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for _, enis := range []int{10_000, 100_000} {
		t := worldOf(b, enis, 300).Topology
		b.Run(fmt.Sprintf("impl=sgsim/enis=%d", enis), func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				if _, err := sg.Compile(t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChange makes one change, and the packet after it sees the change.
func BenchmarkChange(b *testing.B) {
	w := worldOf(b, 100_000, 300)
	fw := sg.NewFirewall(mustCompile(b, w.Topology), nil)
	enis, groups, lists := len(w.Topology.ENIs), len(w.Topology.Groups), len(w.Topology.PrefixLists)
	r := sg.Rule{Protocol: sg.TCP, Ports: sg.Port(4711), Peer: sg.MustCIDR("203.0.113.0/24")}
	entry := netip.MustParsePrefix("203.0.113.0/24")
	for _, c := range []struct {
		name     string
		do, undo func(i int) error
	}{
		{"membership", func(i int) error {
			return fw.SetGroups(corpus.ENIID(i%enis), []sg.GroupID{corpus.GroupID(i % groups)}, start)
		}, func(i int) error {
			return fw.SetGroups(corpus.ENIID(i%enis), w.Topology.ENIs[i%enis].Groups, start)
		}},
		{"rule", func(i int) error {
			return fw.Authorize(corpus.GroupID(i%groups), sg.Ingress, r, start)
		}, func(i int) error {
			return fw.Revoke(corpus.GroupID(i%groups), sg.Ingress, r, start)
		}},
		{"entry", func(i int) error {
			return fw.AddEntry(corpus.ListID(i%lists/10*10), entry, start)
		}, func(i int) error {
			return fw.RemoveEntry(corpus.ListID(i%lists/10*10), entry, start)
		}},
	} {
		b.Run("impl=sgsim/change="+c.name, func(b *testing.B) {
			i := 0
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				change := c.do
				if i&1 == 1 {
					change = c.undo
				}
				if err := change(i / 2 * 7919); err != nil { // prime to the sizes
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
