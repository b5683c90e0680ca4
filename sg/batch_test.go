package sg_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

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

// Packets that are forwarded together come to the same as packets that are forwarded
// one by one, and nothing of an earlier outcome is left.
func TestForwardBatch(t *testing.T) {
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
	seen := map[sg.Reason]int{}
	hops := [3]int{}
	for n := range 300 {
		packets := make([]sg.Packet, rng.IntN(70))
		for i := range packets {
			v6 := rng.IntN(4) == 0
			h := packet.UDPHeader(addr(v6), addr(v6))
			if rng.IntN(2) == 0 {
				h = packet.TCPHeader(addr(v6), addr(v6), []packet.TCPFlags{packet.SYN, packet.ACK, packet.SYN | packet.ACK}[rng.IntN(3)])
			}
			packets[i] = sg.Packet{Header: &h, Time: seconds(n), Via: sg.Via{Tracked: rng.IntN(10) == 0}}
			switch rng.IntN(50) {
			case 0:
				h = packet.Header{}
			case 1:
				packets[i].Err = []error{packet.ErrNotIP, packet.ErrCut, packet.ErrTransport}[rng.IntN(3)]
			}
		}
		next := 0
		many.ForwardBatch(packets, func(i int, o *sg.Outcome) {
			want := one.Forward(packets[i])
			require.Equal(t, names(want), names(*o), "%v", packets[i].Header)
			require.Equal(t, next, i)
			require.Equal(t, one.Stats(), many.Stats(), "packets behind it have not passed yet")
			seen[want.Reason]++
			hops[len(want.Hops())]++
			next++
		})
		require.Len(t, packets, next)
	}
	for _, r := range []sg.Reason{sg.ByRule, sg.Tracked, sg.Untracked, sg.NoRule, sg.Malformed, sg.Cut, sg.NotIP, sg.NoInterface, sg.SameInterface, sg.Ambiguous} {
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
