package sg

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// covers reports whether a admits every packet that b admits, as far as the two
// rules alone tell: CIDR blocks are compared, lists and groups only for equality.
func covers(a, b *Rule) bool {
	if a.Peer.CIDR.IsValid() && b.Peer.CIDR.IsValid() {
		p, q := a.Peer.CIDR, b.Peer.CIDR
		if p.Bits() > q.Bits() || p.Addr().Is4() != q.Addr().Is4() || !p.Contains(q.Addr()) {
			return false
		}
	} else if !(Rule{Peer: a.Peer}).Same(Rule{Peer: b.Peer}, "") {
		return false
	}
	if a.Protocol == AllProtocols {
		return true
	}
	if a.Protocol != b.Protocol || a.Protocol == 0 {
		return false
	}
	switch a.Protocol {
	case TCP, UDP:
		return a.Ports.set && b.Ports.set && a.Ports.first <= b.Ports.first && a.Ports.last >= b.Ports.last
	case ICMP, ICMPv6:
		x, y := a.Canonical("").ICMP, b.Canonical("").ICMP
		return x.set && y.set && (x.typ == -1 || x.typ == y.typ && (x.code == -1 || x.code == y.code))
	}
	return true
}

// What is shadowed is what comparing all rules two by two finds.
func TestShadowedAgainstPairs(t *testing.T) {
	shadowed, not := 0, 0
	for seed := range uint64(200) {
		d := draw{rand.New(rand.NewPCG(seed, 4))}
		g := Group{ID: "sg-0", Egress: d.rules(1 + d.IntN(120))}
		if seed%3 == 0 { // few peers and many ports
			for i := range g.Egress {
				g.Egress[i].Peer = CIDR(d.oneOf("10.0.0.0/8", "10.1.0.0/16", "::/0"))
			}
		}
		if seed%5 == 0 {
			g.Egress = append(g.Egress, g.Egress[0], Rule{Protocol: TCP, Peer: AnyIPv4}, Rule{Protocol: ICMP, Peer: AnyIPv4},
				Rule{Protocol: ICMP, ICMP: AllICMP, Peer: AnyIPv4}, Rule{})
		}
		topo := &Topology{}
		for i := range g.Egress { // what is named is there
			r := &g.Egress[i]
			if r.Peer.Group == g.ID {
				r.Peer = Self
			}
			r.Peer.Account, r.Peer.Peering = "", ""
			topo.PrefixLists = append(topo.PrefixLists, PrefixList{ID: r.Peer.PrefixList})
			topo.Groups = append(topo.Groups, Group{ID: r.Peer.Group})
		}
		topo.Groups = append(topo.Groups, g)
		got := map[int]int{}
		for _, f := range Check(topo) {
			if f.Kind == Shadowed {
				var by int
				_, err := fmt.Sscanf(f.Text, "egress[%d] admits all of it", &by)
				require.NoError(t, err)
				got[f.Index] = by
			}
		}
		for i := range g.Egress {
			r := &g.Egress[i]
			if slices.ContainsFunc(g.Egress[:i], func(o Rule) bool { return o.Same(*r, g.ID) }) {
				continue // a duplicate
			}
			j, ok := got[i]
			want := slices.ContainsFunc(g.Egress, func(o Rule) bool { return covers(&o, r) && !o.Same(*r, g.ID) })
			require.Equal(t, want, ok, "seed %d: %s", seed, r)
			if !ok {
				not++
				continue
			}
			shadowed++
			require.True(t, covers(&g.Egress[j], r) && !g.Egress[j].Same(*r, g.ID), "seed %d: %s does not admit all of %s", seed, g.Egress[j], r)
		}
	}
	require.Greater(t, shadowed, 1000)
	require.Greater(t, not, 1000)
}

// Many rules take little longer each than few: these took minutes two by two.
func TestCheckManyRules(t *testing.T) {
	const n = 30_000
	g := Group{ID: "sg-a"}
	for i := range n {
		host := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 32)
		g.Ingress = append(g.Ingress, Rule{Protocol: TCP, Ports: Port(443), Peer: Peer{CIDR: host}})
		g.Egress = append(g.Egress, Rule{Protocol: TCP, Ports: Ports(i, i+1), Peer: AnyIPv4})
	}
	g.Ingress = append(g.Ingress, Rule{Protocol: TCP, Ports: AllPorts, Peer: CIDR("192.0.0.0/18")})
	counts := map[FindingKind]int{}
	for _, f := range Check(&Topology{Groups: []Group{g}}) {
		counts[f.Kind]++
	}
	require.Equal(t, map[FindingKind]int{QuotaExceeded: 2, Shadowed: 1 << 14}, counts)
}
