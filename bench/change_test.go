package bench

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// BenchmarkCompile turns a topology into a policy. MB is what the policy keeps.
func BenchmarkCompile(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if testing.Short() {
		sizes = []int{200}
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("impl=sgsim/enis=%d", n), func(b *testing.B) {
			t := corpus.NewWorld(worldSpec(n)).Topology
			before := heap()
			var p *sg.Policy
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if p, err = sg.Compile(t); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(heap()-before)/1e6, "MB")
			runtime.KeepAlive(p)
			runtime.KeepAlive(t)
		})
	}
}

// heap returns the bytes of live heap objects.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkChange changes one thing and changes it back, in a firewall with live
// connections; an operation is one of the two. The next packet sees it.
func BenchmarkChange(b *testing.B) {
	enis := worldSizes()[0]
	w := corpus.NewWorld(worldSpec(enis))
	fw := compile(b, w.Topology)
	for _, pr := range w.Probes(corpus.ByCIDR, 1000, 10_000, 3) {
		if d := fw.ENI(pr.ENI).Evaluate(sg.Ingress, sg.Packet{Header: &pr.Header, Time: start}); d.Verdict != sg.Accept {
			b.Fatal("connection refused:", d.Reason)
		}
	}
	groups := w.Topology.Groups
	eniIDs, absentees := make([]sg.ENIID, enis), make([]sg.GroupID, enis)
	for i := range enis {
		eniIDs[i], absentees[i] = w.Topology.ENIs[i].ID, absent(w, i, len(groups))
	}
	rule := sg.Rule{Protocol: sg.TCP, Ports: sg.Port(4711), Peer: sg.MustCIDR("203.0.113.0/24")}
	entry := map[packet.Family]netip.Prefix{
		packet.IPv4: netip.MustParsePrefix("203.0.113.0/24"),
		packet.IPv6: netip.MustParsePrefix("2001:db8::/48"),
	}
	lists := w.Topology.PrefixLists
	changes := []struct {
		name     string
		do, undo func(i int) error
	}{
		{"membership", func(i int) error {
			return fw.Attach(eniIDs[i%enis], absentees[i%enis], start)
		}, func(i int) error {
			return fw.Detach(eniIDs[i%enis], absentees[i%enis], start)
		}},
		{"rule", func(i int) error {
			return fw.Authorize(groups[i%len(groups)].ID, sg.Ingress, rule, start)
		}, func(i int) error {
			return fw.Revoke(groups[i%len(groups)].ID, sg.Ingress, rule, start)
		}},
		{"entry", func(i int) error {
			l := &lists[i%len(lists)]
			return fw.AddEntry(l.ID, entry[l.Family], start)
		}, func(i int) error {
			l := &lists[i%len(lists)]
			return fw.RemoveEntry(l.ID, entry[l.Family], start)
		}},
	}
	for _, c := range changes {
		b.Run(fmt.Sprintf("impl=sgsim/change=%s/rules=300/enis=%d/conns=10000", c.name, enis), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				// 7919 is prime to the sizes: neighbours are far apart.
				if err := c.do(i * 7919); err != nil {
					b.Fatal(err)
				}
				if err := c.undo(i * 7919); err != nil {
					b.Fatal(err)
				}
				i++
			}
			measure.Per(b, "change", 2)
		})
	}
}

// absent returns a group that the ENI does not carry.
func absent(w *corpus.World, eni, groups int) sg.GroupID {
	carried := w.Topology.ENIs[eni].Groups
next:
	for i := eni; ; i++ {
		id := w.Topology.Groups[i%groups].ID
		for _, c := range carried {
			if c == id {
				continue next
			}
		}
		return id
	}
}
