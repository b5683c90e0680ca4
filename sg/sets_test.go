package sg_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// Peers of two policies are the same where their addresses are, for all that else differs.
func TestPeerSetSame(t *testing.T) {
	topology := func() *sg.Topology {
		return &sg.Topology{
			PrefixLists: []sg.PrefixList{{ID: "pl-1", Entries: []sg.PrefixListEntry{{CIDR: netip.MustParsePrefix("10.9.0.0/16")}}}},
			Groups: []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{
				{Protocol: sg.TCP, Ports: sg.Port(1), Peer: sg.Self},
				{Protocol: sg.TCP, Ports: sg.Port(2), Peer: sg.FromPrefixList("pl-1")},
				{Protocol: sg.TCP, Ports: sg.Port(3), Peer: sg.MustCIDR("10.8.0.0/16")},
			}}},
			ENIs: []sg.ENI{{ID: "eni-a", Addrs: mustip.Addrs("10.0.0.1"), Groups: []sg.GroupID{"sg-a"}}, {ID: "eni-b", Addrs: mustip.Addrs("10.0.0.2")}},
		}
	}
	peers := func(topo *sg.Topology) (all []sg.PeerSet) {
		p, err := sg.Compile(topo)
		assert.NoError(t, err)
		at, _ := p.Sets().Setting("eni-a")
		for r := range p.Rules() {
			all = append(all, at.Peers(r))
		}
		return all
	}
	for name, tt := range map[string]struct {
		change func(*sg.Topology)
		want   []bool
	}{
		"nothing": {func(*sg.Topology) {}, []bool{true, true, true}},
		"ports":   {func(p *sg.Topology) { p.Groups[0].Ingress[0].Ports = sg.Port(9) }, []bool{true, true, true}},
		"member":  {func(p *sg.Topology) { p.ENIs[1].Groups = []sg.GroupID{"sg-a"} }, []bool{false, true, true}},
		"address": {func(p *sg.Topology) { p.ENIs[0].Addrs = mustip.Addrs("10.0.0.3") }, []bool{false, true, true}},
		"name":    {func(p *sg.Topology) { p.Groups[0].ID, p.ENIs[0].Groups[0] = "sg-b", "sg-b" }, []bool{false, true, true}},
		"entry":   {func(p *sg.Topology) { p.PrefixLists[0].Entries[0].CIDR = netip.MustParsePrefix("10.7.0.0/16") }, []bool{true, false, true}},
		"CIDR":    {func(p *sg.Topology) { p.Groups[0].Ingress[2].Peer = sg.MustCIDR("10.8.0.0/17") }, []bool{true, true, false}},
		"kind":    {func(p *sg.Topology) { p.Groups[0].Ingress[0].Peer = sg.MustCIDR("10.0.0.1/32") }, []bool{false, true, true}},
	} {
		other := topology()
		tt.change(other)
		var same []bool
		after := peers(other)
		for i, p := range peers(topology()) {
			same = append(same, p.Same(after[i]))
		}
		assert.Equal(t, tt.want, same, name)
	}
}
