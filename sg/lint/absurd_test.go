package lint_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/lint"
)

// Topologies that nobody should have are checked all the same.
func TestAbsurdTopologies(t *testing.T) {
	t.Run("nothing", func(t *testing.T) {
		assert.Empty(t, lint.Check(&sg.Topology{}))
		assert.Empty(t, lint.Check(nil))
		one := &sg.Topology{Groups: []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4)}}}}
		assert.Equal(t, lint.Check(one), lint.Quotas{Groups: -1, RulesPerGroup: -1}.Check(one))
	})

	t.Run("10,000 groups on one interface, each naming the next", func(t *testing.T) {
		const n = 10_000
		e := sg.ENI{ID: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
		topo := &sg.Topology{}
		for i := range n {
			g := sg.Group{ID: sg.GroupID(fmt.Sprint("sg-", i))}
			g.Ingress = []sg.Rule{{Protocol: sg.TCP, Ports: sg.Port(i), Peer: sg.FromGroup(sg.GroupID(fmt.Sprint("sg-", (i+1)%n)))}}
			topo.Groups = append(topo.Groups, g)
			e.Groups = append(e.Groups, g.ID)
		}
		topo.ENIs = []sg.ENI{e}
		assert.NotEmpty(t, lint.Check(topo))
	})

	t.Run("maxima below zero and empty lists", func(t *testing.T) {
		_ = lint.Check(&sg.Topology{
			PrefixLists: []sg.PrefixList{{ID: "pl-1", MaxEntries: 0}, {ID: "pl-2", MaxEntries: -5}},
			Groups:      []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{sg.HTTPS.From(sg.FromPrefixList("pl-1")), sg.HTTPS.From(sg.FromPrefixList("pl-2"))}}},
		})
	})
}
