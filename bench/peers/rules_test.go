package peers

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/gaissmai/bart"
	"go4.org/netipx"
	"tailscale.com/types/ipproto"
	"tailscale.com/types/views"

	tspacket "tailscale.com/net/packet"
	tsfilter "tailscale.com/wgengine/filter"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// BenchmarkMatch asks the rules about the first packet of a connection.
func BenchmarkMatch(b *testing.B) {
	for _, n := range measure.Rules() {
		w := corpus.NewWorld(corpus.Ruled(n))
		for _, kind := range corpus.Kinds {
			// One ENI, so that its rules are all that there are, as for tailscale.
			ps := w.Probes(kind, 1, 1<<10, 1)
			name := fmt.Sprintf("kind=%s/rules=%d/enis=1/of=100", kind, n)
			b.Run("impl=tailscale/"+name, func(b *testing.B) { benchTailscaleMatch(b, w.Topology, ps, kind) })
		}
		b.Run(fmt.Sprintf("impl=bart/kind=cidr/rules=%d/enis=1/of=100", n), func(b *testing.B) {
			t := bartOf(w.Topology)
			benchProbes(b, w.Probes(corpus.ByCIDR, 1, 1<<10, 1), corpus.ByCIDR, func(p *corpus.Probe) bool {
				_, ok := t.Lookup(p.Header.SrcAddr())
				return ok
			})
		})
	}
}

func benchProbes(b *testing.B, ps []corpus.Probe, kind corpus.Kind, match func(*corpus.Probe) bool) {
	want := kind.Admitted()
	measure.Packets(b, len(ps), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if match(&ps[i]) != want {
				b.Fatal("wrong verdict for", ps[i].Header.Tuple())
			}
		}
	})
}

// bartOf puts every CIDR of the rules, those of prefix lists included, into one
// table.
func bartOf(t *sg.Topology) *bart.Table[int] {
	table := new(bart.Table[int])
	lists := prefixLists(t)
	for _, g := range t.Groups {
		for i, r := range g.Ingress {
			if r.Peer.CIDR.IsValid() {
				table.Insert(r.Peer.CIDR, i)
			}
			for _, p := range lists[r.Peer.PrefixList] {
				table.Insert(p, i)
			}
		}
	}
	return table
}

func prefixLists(t *sg.Topology) map[sg.PrefixListID][]netip.Prefix {
	m := map[sg.PrefixListID][]netip.Prefix{}
	for _, l := range t.PrefixLists {
		for _, e := range l.Entries {
			m[l.ID] = append(m[l.ID], e.CIDR)
		}
	}
	return m
}

// tailscaleFilter writes the rules of the topology's groups, all carried by one
// ENI, as matches: a group reference becomes the addresses of its members.
func tailscaleFilter(t *sg.Topology, local ...netip.Addr) *tsfilter.Filter {
	members := map[sg.GroupID][]netip.Prefix{}
	for _, e := range t.ENIs {
		for _, g := range e.Groups {
			for _, a := range e.Addrs {
				members[g] = append(members[g], netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	lists := prefixLists(t)
	var nets netipx.IPSetBuilder
	for _, a := range local {
		nets.Add(a)
	}
	set, err := nets.IPSet()
	if err != nil {
		panic(err) // addresses that the corpus made
	}
	var matches []tsfilter.Match
	for _, g := range t.Groups {
		for _, r := range g.Ingress {
			m := tsfilter.Match{IPProto: views.SliceOf([]ipproto.Proto{ipproto.Proto(r.Protocol)})}
			switch {
			case r.Peer.Group != "":
				m.Srcs = members[r.Peer.Group]
			case r.Peer.PrefixList != "":
				m.Srcs = lists[r.Peer.PrefixList]
			default:
				m.Srcs = []netip.Prefix{r.Peer.CIDR}
			}
			for _, a := range local {
				m.Dsts = append(m.Dsts, tsfilter.NetPortRange{
					Net:   netip.PrefixFrom(a, a.BitLen()),
					Ports: tsfilter.PortRange{First: uint16(r.Ports.First()), Last: uint16(r.Ports.Last())},
				})
			}
			matches = append(matches, m)
		}
	}
	return tsfilter.New(matches, nil, set, nil, nil, func(string, ...any) {})
}

// benchTailscaleMatch gives RunIn packets that are decoded already.
func benchTailscaleMatch(b *testing.B, t *sg.Topology, ps []corpus.Probe, kind corpus.Kind) {
	f := tailscaleFilter(t, corpus.ENIAddr4(0), corpus.ENIAddr6(0))
	parsed := make([]tspacket.Parsed, len(ps))
	for i := range ps {
		h := &ps[i].Header
		frame := corpus.AppendFrame(nil, netip.AddrPortFrom(h.SrcAddr(), h.SrcPort), netip.AddrPortFrom(h.DstAddr(), h.DstPort), h.Protocol, packet.SYN, 0, 0)
		parsed[i].Decode(frame[14:])
	}
	want := kind.Admitted()
	measure.Packets(b, len(parsed), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if (f.RunIn(&parsed[i], 0) == tsfilter.Accept) != want {
				b.Fatal("wrong verdict for", parsed[i].String())
			}
		}
	})
}
