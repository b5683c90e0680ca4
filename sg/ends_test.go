package sg_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// towns is a topology with every kind of end: a sole owner, a delegated prefix, an
// address of several VPCs, and both families.
func towns(t testing.TB) *sg.Topology {
	eni := func(id sg.ENIID, vpc sg.VPCID, addrs ...string) sg.ENI {
		e := sg.ENI{ID: id, VPC: vpc, Groups: []sg.GroupID{"sg-1"}}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a); err == nil {
				e.Prefixes = append(e.Prefixes, p)
			} else {
				e.Addrs = append(e.Addrs, ip(a))
			}
		}
		return e
	}
	return &sg.Topology{
		Groups: []sg.Group{{ID: "sg-1", Ingress: rules(t, "tcp 80 10.0.0.0/30", "udp 53 0.0.0.0/0", "all fd00::/64"),
			Egress: rules(t, "all 0.0.0.0/0", "all ::/0")}},
		ENIs: []sg.ENI{
			eni("eni-1", "", "10.0.0.1", "10.0.0.2", "fd00::1"),
			eni("eni-2", "", "10.0.0.3", "fd00::2"),
			eni("eni-3", "", "10.0.0.16/30"),
			eni("eni-4", "vpc-a", "10.0.0.8"),
			eni("eni-5", "vpc-b", "10.0.0.8"),
		},
	}
}

// Packets whose ends are found before any of them is judged come to the same as
// packets that are forwarded one by one, and nothing of an earlier outcome is left.
func TestForwardBetween(t *testing.T) {
	policy := mustCompile(t, towns(t))
	one, many := sg.NewFirewall(policy, nil), sg.NewFirewall(policy, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	addr := func(v6 bool) netip.AddrPort {
		a := netip.AddrFrom4([4]byte{10, 0, 0, byte(rng.IntN(20))})
		if v6 {
			a = netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(rng.IntN(4))})
		}
		return netip.AddrPortFrom(a, []uint16{53, 80, 1000, 1001}[rng.IntN(4)])
	}
	const batch = 32
	hs, ends := make([]packet.Header, batch), make([]sg.Ends, batch)
	seen := map[sg.Reason]int{}
	hops := [3]int{}
	var got sg.Outcome // one for all
	for n := range 300 {
		for i := range hs {
			v6 := rng.IntN(4) == 0
			hs[i] = packet.UDPHeader(addr(v6), addr(v6))
			if rng.IntN(2) == 0 {
				hs[i] = packet.TCPHeader(addr(v6), addr(v6), []packet.TCPFlags{packet.SYN, packet.ACK, packet.SYN | packet.ACK}[rng.IntN(3)])
			}
			if rng.IntN(50) == 0 {
				hs[i] = packet.Header{}
			}
			ends[i] = many.Ends(&hs[i])
			many.Prefetch(&ends[i], &hs[i])
		}
		for i := range hs {
			now := seconds(n)
			want := one.Forward(&hs[i], now)
			many.ForwardBetween(&ends[i], &hs[i], now, &got)
			require.Equal(t, names(want), names(got), "%v", &hs[i])
			seen[want.Reason]++
			hops[len(want.Hops())]++
		}
	}
	for _, r := range []sg.Reason{sg.ByRule, sg.Tracked, sg.NoRule, sg.Malformed, sg.NoInterface, sg.SameInterface, sg.Ambiguous} {
		assert.Positive(t, seen[r], r)
	}
	assert.NotContains(t, hops, 0, "%v", hops)
}

// A hopName is a hop that can be compared between firewalls.
type hopName struct {
	eni      sg.ENIID
	dir      sg.Direction
	decision sg.Decision
}

func names(o sg.Outcome) []any {
	list := []any{o.Verdict, o.Reason}
	for _, h := range o.Hops() {
		list = append(list, hopName{h.Enforcer.ID(), h.Direction, h.Decision})
	}
	return list
}

// An outcome that is used again is the same as a new one.
func TestForwardBetweenClearsTheOutcome(t *testing.T) {
	f := firewall(t, towns(t), nil)
	var used, fresh sg.Outcome
	two, one := udp("10.0.0.1:53", "10.0.0.3:53"), udp("10.0.0.1:53", "198.51.100.1:53")
	e := f.Ends(two)
	f.ForwardBetween(&e, two, start, &used)
	require.Len(t, used.Hops(), 2)
	e = f.Ends(one)
	f.ForwardBetween(&e, one, start, &fresh)
	f.ForwardBetween(&e, one, start, &used)
	require.Len(t, used.Hops(), 1)
	f.ForwardBetween(&e, one, start, &fresh)
	assert.True(t, used == fresh)
}

// Ends that were found before Swap took an ENI away drop the packet.
func TestEndsOutliveSwap(t *testing.T) {
	f := firewall(t, towns(t), nil)
	h := udp("10.0.0.1:53", "10.0.0.3:53")
	e := f.Ends(h)
	less := towns(t)
	less.ENIs = less.ENIs[1:]
	f.Swap(mustCompile(t, less), start)
	var o sg.Outcome
	f.ForwardBetween(&e, h, start.Add(time.Second), &o)
	assert.Equal(t, sg.Drop, o.Verdict)
	assert.Equal(t, sg.NoInterface, o.Reason)
}
