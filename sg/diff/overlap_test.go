package diff_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/mustip"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
)

// stairs is an interface with n rules, each for ports that most others are for, too, and a
// network of its own.
func stairs(n, first int) *sg.Topology {
	g := sg.Group{ID: "sg-1"}
	for i := range n {
		network := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 7), byte(i << 1), 0}), 24)
		g.Ingress = append(g.Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Ports(first+5*i, first+5*i+20000), Peer: sg.Peer{CIDR: network}})
	}
	return &sg.Topology{Groups: []sg.Group{g}, ENIs: []sg.ENI{{ID: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.255.0.1")}, Groups: []sg.GroupID{"sg-1"}}}}
}

// As many rules as AWS allows are compared whole, however they overlap. More are while the
// work is bounded, and what is left out is said.
func TestOverlappingRules(t *testing.T) {
	d := diff.Policies(compile(t, stairs(1000, 1)), compile(t, stairs(1000, 2)))
	assert.Len(t, d.Changes, 2000, "a port at either end of each")
	assert.Empty(t, d.Unfinished)

	d = diff.Policies(compile(t, stairs(6000, 1)), compile(t, stairs(6000, 2)))
	assert.Equal(t, []sg.ENIID{"eni-1"}, d.Unfinished)
	assert.NotEmpty(t, d.Changes)
	assert.Less(t, len(d.Changes), 12000)
	const want = "not all rules or entries could be compared: more may differ at eni-1"
	d.Changes = nil // what is left out is no agreement
	var text, markdown, page, doc bytes.Buffer
	require.NoError(t, d.WriteText(&text, diff.TextOptions{}))
	require.NoError(t, diff.WriteMarkdown(&markdown, d, nil, diff.TextOptions{}))
	require.NoError(t, diff.WriteHTML(&page, d, nil, &diff.PageOptions{}))
	require.NoError(t, diff.WriteJSON(&doc, d, nil))
	assert.Equal(t, "nothing was found to differ at an interface\n"+want+"\n", text.String())
	assert.Equal(t, "**Security groups:** nothing was found to differ at an interface\n\n"+want+"\n", markdown.String())
	assert.Contains(t, strings.ToLower(pagetest.Read(page.Bytes()).Text), want)
	var written struct{ Unfinished []string }
	require.NoError(t, json.Unmarshal(doc.Bytes(), &written))
	assert.Equal(t, []string{"eni-1"}, written.Unfinished)
}

// An ACL far longer than AWS allows is not compared, at an interface of both policies or of
// one, and that is said; elsewhere all is.
func TestLongACL(t *testing.T) {
	long := func(n, port int) *sg.Topology {
		topo := aclWorld(t)
		topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-elsewhere", Addrs: mustip.Addrs("10.0.2.20"), Groups: []sg.GroupID{"sg-1"}})
		topo.Groups[0].Ingress[0].Ports = sg.Port(port)
		for i := range n {
			topo.NetworkACLs[0].Ingress = append(topo.NetworkACLs[0].Ingress, sg.ACLEntry{Number: i + 1, Allow: true, Protocol: sg.TCP, Ports: sg.Port(port), CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i), byte(i >> 8)}), 16)})
		}
		return topo
	}
	short := diff.Policies(compile(t, long(100, 443)), compile(t, long(100, 444)))
	assert.Empty(t, short.Unfinished)
	assert.Contains(t, fmt.Sprint(short.Changes), "eni-a")

	after := long(2000, 444)
	after.ENIs = after.ENIs[1:]
	d := diff.Policies(compile(t, long(2000, 443)), compile(t, after))
	assert.Equal(t, []sg.ENIID{"eni-a", "eni-b"}, d.Unfinished)
	require.Len(t, d.Changes, 2)
	for _, c := range d.Changes {
		assert.Equal(t, []sg.ENIID{"eni-elsewhere"}, c.ENIs)
	}
}

// What a long ACL lets pass is not known, so it neither opens nor breaks a pair.
func TestLongACLPairs(t *testing.T) {
	policy := func(entries int, ports sg.PortRange) *sg.Policy {
		topo := aclWorld(t)
		topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-elsewhere", Addrs: mustip.Addrs("10.0.2.20"), Groups: []sg.GroupID{"sg-2"}})
		topo.Groups = append(topo.Groups, sg.Group{ID: "sg-2", Egress: []sg.Rule{{Protocol: sg.TCP, Ports: ports, Peer: sg.AnyIPv4}}})
		for i := range entries {
			topo.NetworkACLs[0].Ingress = append(topo.NetworkACLs[0].Ingress, sg.ACLEntry{Number: i + 1, Allow: true, Protocol: sg.TCP, CIDR: sg.AnyIPv4.CIDR, Ports: sg.Port(443)})
		}
		return compile(t, topo)
	}
	pairs := func(before, after *sg.Policy) []diff.Pair {
		return slices.Collect(diff.Policies(before, after).Pairs())
	}
	open, closed := sg.Ports(440, 450), sg.Ports(444, 450)
	assert.Len(t, pairs(policy(1, open), policy(1, closed)), 2, "the ACL is short")
	assert.Empty(t, pairs(policy(1, open), policy(300, sg.Port(443))))
	assert.Empty(t, pairs(policy(300, open), policy(1, sg.Port(443))))
}
