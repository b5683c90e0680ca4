package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
)

// A comparison has a bound of its own, however many classes there are: the interfaces that
// come last are left out, the same ones in whatever order the topologies hold them and on
// any number of processors, and those that come first are compared whole.
func TestWholeBound(t *testing.T) {
	const enis = 300
	policy := func(port int, backwards bool) *sg.Policy {
		topo := &sg.Topology{}
		for i := range enis {
			id, addr := sg.GroupID(fmt.Sprintf("sg-%03d", i)), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			topo.Groups = append(topo.Groups, sg.Group{ID: id, Ingress: []sg.Rule{{Protocol: sg.TCP, Ports: sg.Port(port + i), Peer: sg.AnyIPv4}}})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%03d", i)), Addrs: []netip.Addr{addr}, Groups: []sg.GroupID{id}})
		}
		if backwards {
			slices.Reverse(topo.Groups)
			slices.Reverse(topo.ENIs)
		}
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	before, after := policy(1, false), policy(1001, false)
	whole := Policies(before, after)
	require.Empty(t, whole.Unfinished)
	require.Len(t, whole.Changes, 2*enis)

	part := policies(before, after, 10_000, classWork)
	n := len(part.Unfinished)
	require.True(t, 0 < n && n < enis, "%d unfinished", n)
	assert.Equal(t, sg.ENIID(fmt.Sprintf("eni-%03d", enis-n)), part.Unfinished[0])
	assert.Len(t, part.Changes, 2*(enis-n))
	for range 20 {
		again := policies(policy(1, true), policy(1001, true), 10_000, classWork)
		assert.Equal(t, part.Unfinished, again.Unfinished)
		assert.Len(t, again.Changes, len(part.Changes))
	}
}

// A comparison may take long to name the rules behind what it found: each of many groups
// whose members are admitted is looked up among all rules. That counts as well, and if it
// is too much for a class, what is not told is said to be unfinished.
func TestNamingBound(t *testing.T) {
	const enis, named = 10, 300
	policy := func(port int) *sg.Policy {
		topo, all := &sg.Topology{}, sg.Group{ID: "sg-all"}
		for i := range named {
			id := sg.GroupID(fmt.Sprintf("sg-named-%03d", i))
			topo.Groups = append(topo.Groups, sg.Group{ID: id})
			all.Ingress = append(all.Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(port), Peer: sg.FromGroup(id)})
			addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 7), byte(i << 1)})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID("x-" + id), Addrs: []netip.Addr{addr}, Groups: []sg.GroupID{id}})
		}
		topo.Groups = append(topo.Groups, all)
		for i := range enis { // a class each
			id := sg.GroupID(fmt.Sprintf("sg-%d", i))
			topo.Groups = append(topo.Groups, sg.Group{ID: id, Ingress: []sg.Rule{{Protocol: sg.UDP, Ports: sg.Port(1 + i), Peer: sg.AnyIPv4}}})
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%d", i)), Addrs: []netip.Addr{addr}, Groups: []sg.GroupID{id, all.ID}})
		}
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	before, after := policy(80), policy(81)
	whole := Policies(before, after)
	require.Empty(t, whole.Unfinished)
	require.Len(t, whole.Changes, 2*named)

	part := policies(before, after, 2_000_000, classWork)
	assert.Contains(t, part.Unfinished, sg.ENIID("eni-9"))
	assert.NotContains(t, part.Unfinished, sg.ENIID("eni-0"))
	assert.Len(t, part.Changes, 2*named, "the classes before have them")

	part = policies(before, after, mostWork, 100_000)
	assert.Len(t, part.Unfinished, enis)
	assert.NotEmpty(t, part.Changes)
	assert.Less(t, len(part.Changes), 2*named)
}
