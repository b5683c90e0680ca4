package sg

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// A firewall whose rules change for ever remembers those that live connections
// were opened by, and few others.
func TestTagsOfRulesThatAreGone(t *testing.T) {
	const rules, rounds = 40, 400
	here := netip.MustParseAddr("10.0.0.1")
	g := Group{ID: "sg-a"}
	for i := range rules {
		g.Ingress = append(g.Ingress, Rule{Protocol: TCP, Ports: Port(1000 + i), Peer: MustCIDR("192.0.2.0/24")})
	}
	p, err := Compile(&Topology{Groups: []Group{g}, ENIs: []ENI{{ID: "eni-1", Addrs: []netip.Addr{here}, Groups: []GroupID{"sg-a"}}}})
	require.NoError(t, err)
	f := NewFirewall(p, nil)
	e := f.ENI("eni-1")
	now := time.Unix(0, 0)
	want := map[packet.FiveTuple]RuleRef{}
	most := 0
	for round := range rounds {
		// All rules move up one place, the first one to the end.
		first := g.Ingress[round%rules]
		require.NoError(t, f.Revoke("sg-a", Ingress, first, now))
		require.NoError(t, f.Authorize("sg-a", Ingress, first, now))
		for i := range rules {
			syn := packet.TCPHeader(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.9"), uint16(round)),
				netip.AddrPortFrom(here, uint16(1000+i)), packet.SYN)
			d := e.Evaluate(Ingress, Packet{Header: &syn, Time: now})
			require.Equal(t, ByRule, d.Reason)
			want[syn.Tuple()] = d.Rule
		}
		most = max(most, len(f.tags.of))
		require.LessOrEqual(t, len(f.tags.rules), most)
		n := 0
		for c := range f.Conns(now) {
			n++
			if want[c.Tuple] != c.Rule {
				t.Fatalf("round %d: %s: %s, not %s", round, c.Tuple, c.Rule, want[c.Tuple])
			}
		}
		require.GreaterOrEqual(t, n, rules)
		if round%50 == 0 {
			c := f.Clone()
			for conn := range c.Conns(now) {
				require.Equal(t, want[conn.Tuple], conn.Rule)
			}
		}
		now = now.Add(10 * time.Second) // of which twelve end a connection without an answer
	}
	require.LessOrEqual(t, most, 2*12*rules+fewTags+rules, "of %d", rounds*rules)
}
