package naive_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// Firewalls of one policy, their clones, and the policy itself may each be used by
// a goroutine of its own, changes included: run with -race.
func TestFirewallsOfOnePolicy(t *testing.T) {
	d := &draw{seeded(7, 600)}
	topo := d.topology()
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	other, err := sg.Compile(&sg.Topology{ENIs: topo.ENIs[:1], Groups: topo.Groups})
	require.NoError(t, err)
	first := sg.NewFirewall(policy, &sg.Options{OnChange: sg.ChangeRevalidate})
	require.NoError(t, first.SetGroups("eni-1", drawGroups, oracleStart)) // its world is its own now
	var wg sync.WaitGroup
	for i := range 4 {
		fw := first.Clone()
		if i == 0 {
			fw = sg.NewFirewall(policy, &sg.Options{Profile: conntrack.Linux})
		}
		wg.Go(func() {
			d := &draw{seeded(uint64(i), 4000)}
			for n := 0; !d.done(); n++ {
				now := oracleStart.Add(time.Duration(n) * time.Second)
				s := d.part(stepBytes)
				switch n % 10 {
				case 1, 3:
					if c := s.change(topo); c.apply != nil {
						_ = c.apply(fw, now) // refused or not
					}
				case 5:
					if n > 100 { // not before worlds that clones share were changed much
						fw.Swap([]*sg.Policy{other, policy, fw.Policy()}[n/10%3], now)
					}
				case 7:
					fw = fw.Clone()
				default:
					f := s.flight(topo, nil)
					_ = fw.Explain(sg.Packet{Header: &f.h, Time: now, Via: f.via}).String()
					fw.Forward(sg.Packet{Header: &f.h, Time: now, Via: f.via})
				}
			}
		})
		wg.Go(func() {
			d := &draw{seeded(uint64(i)+100, 2000)}
			for !d.done() {
				f := d.part(stepBytes).flight(topo, nil)
				policy.Match(f.eni, f.dir, &f.h)
				for r := range policy.Rules() {
					_ = r.Rule()
				}
			}
		})
	}
	wg.Wait()
}
