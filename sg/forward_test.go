package sg_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/naive"
)

// Which of the interfaces that have an address in several VPCs are meant, the naive
// firewall tells from all pairs of them.
func TestForwardSharedAddresses(t *testing.T) {
	both, apart := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 0))
		topo := &sg.Topology{}
		vpc := func() sg.VPCID { return []sg.VPCID{"", "vpc-1", "vpc-2", "vpc-3", "vpc-4", "vpc-5"}[rng.IntN(6)] }
		for i := range rng.IntN(5) {
			topo.Peerings = append(topo.Peerings, sg.Peering{ID: sg.PeeringID(fmt.Sprint("pcx-", i)), Requester: vpc(), Accepter: vpc(),
				Status: []string{"active", "deleted"}[rng.IntN(4)/3]})
		}
		taken := map[any]bool{}
		for i := range 1 + rng.IntN(7) {
			g := sg.GroupID(fmt.Sprint("sg-", i)) // the interface's own, so that rules tell who decided
			topo.Groups = append(topo.Groups, sg.Group{ID: g,
				Ingress: []sg.Rule{sg.AllTraffic.From(sg.AnyIPv4)}, Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}})
			e := sg.ENI{ID: sg.ENIID(fmt.Sprint("eni-", i)), VPC: vpc(), Groups: []sg.GroupID{g}}
			for _, a := range []string{"10.0.0.1", "10.0.0.2"} {
				if key := [2]string{string(e.VPC), a}; rng.IntN(2) == 0 && !taken[key] {
					taken[key] = true
					e.Addrs = append(e.Addrs, netip.MustParseAddr(a))
				}
			}
			topo.ENIs = append(topo.ENIs, e)
		}
		policy, err := sg.Compile(topo)
		require.NoError(t, err)
		slow, err := naive.New(topo, sg.Options{})
		require.NoError(t, err)
		fw := sg.NewFirewall(policy, nil)
		for _, text := range []string{"udp 10.0.0.1:1 > 10.0.0.2:2", "udp 10.0.0.2:3 > 10.0.0.1:4", "udp 10.0.0.9:5 > 10.0.0.1:2"} {
			h := mustHeader(t, text)
			o := fw.Forward(sent(h, start))
			want := slow.Forward(sg.Via{}, h, start)
			var got []naive.Rule
			for _, hop := range o.Hops() {
				r := hop.Decision.Rule
				got = append(got, naive.Rule{Group: r.Group(), Dir: r.Direction(), Index: r.Index()})
			}
			require.Len(t, got, len(want), "seed %d: %s\n%+v", seed, text, topo)
			for i := range want {
				require.Equal(t, want[i].Rule, got[i], "seed %d: %s\n%+v", seed, text, topo)
			}
			if len(got) == 2 {
				both++
			} else {
				apart++
			}
		}
	}
	assert.Greater(t, both, 100)
	assert.Greater(t, apart, 100)
}

// A packet between two addresses that 20,000 VPCs have each takes time for every one of
// them, a millisecond, and not for each pair, half a minute.
func TestForwardManyOwners(t *testing.T) {
	const n = 20_000
	topo := &sg.Topology{}
	for i := range 2 * n {
		vpc := sg.VPCID(fmt.Sprint("vpc-", i))
		topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprint("eni-", i)), VPC: vpc,
			Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i%2)})}})
		if i > 3 { // the first four are alone
			topo.Peerings = append(topo.Peerings, sg.Peering{ID: sg.PeeringID(fmt.Sprint("pcx-", i)), Requester: vpc, Accepter: "vpc-hub"})
		}
	}
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	fw := sg.NewFirewall(policy, nil)
	p := sent(mustHeader(t, "udp 10.0.0.1:1 > 10.0.0.2:2"), start)
	used := processorTime // that of a busy machine does not count
	if used == nil {
		start := time.Now()
		used = func() time.Duration { return time.Since(start) }
	}
	before := used()
	require.Equal(t, sg.Ambiguous, fw.Forward(p).Reason)
	assert.Less(t, used()-before, 2*time.Second)
	// The runtime allocates a few things now and then, as for a thread.
	assert.Zero(t, testing.AllocsPerRun(20, func() { fw.Forward(p) }))
}
