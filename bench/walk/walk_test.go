package walk

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

func TestMatch(t *testing.T) {
	w := New(&sg.Topology{
		PrefixLists: []sg.PrefixList{{ID: "pl-1", Entries: []sg.PrefixListEntry{{CIDR: netip.MustParsePrefix("192.0.2.0/24")}}}},
		Groups: []sg.Group{
			{ID: "sg-a", Ingress: []sg.Rule{
				{Protocol: sg.TCP, Ports: sg.Port(80), Peer: sg.MustCIDR("198.51.100.0/24")},
				{Protocol: sg.TCP, Ports: sg.Ports(80, 90), Peer: sg.FromPrefixList("pl-1")},
			}},
			{ID: "sg-b", Ingress: []sg.Rule{
				{Protocol: sg.AllProtocols, Peer: sg.FromGroup("sg-a")},
				{Protocol: sg.UDP, Ports: sg.Ports(0, 65535), Peer: sg.Self},
			}, Egress: []sg.Rule{{Protocol: sg.UDP, Ports: sg.Port(53), Peer: sg.AnyIPv4}}},
		},
		ENIs: []sg.ENI{
			{ID: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Groups: []sg.GroupID{"sg-a", "sg-b"}},
			{ID: "eni-2", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, Groups: []sg.GroupID{"sg-a"}},
			{ID: "eni-3", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.3")}, Groups: []sg.GroupID{"sg-b"}},
		},
	})
	tests := []struct {
		eni  sg.ENIID
		dir  sg.Direction
		text string
		rule Rule
	}{
		{"eni-1", sg.Ingress, "tcp 198.51.100.9:1 > 10.0.0.1:80 S", Rule{"sg-a", 0}},
		{"eni-1", sg.Ingress, "tcp 198.51.100.9:1 > 10.0.0.1:81 S", Rule{}},
		{"eni-1", sg.Ingress, "tcp 192.0.2.9:1 > 10.0.0.1:90 S", Rule{"sg-a", 1}},
		{"eni-1", sg.Ingress, "udp 192.0.2.9:1 > 10.0.0.1:90", Rule{}},
		{"eni-1", sg.Ingress, "udp 10.0.0.2:1 > 10.0.0.1:7", Rule{"sg-b", 0}},
		{"eni-1", sg.Ingress, "udp 10.0.0.3:1 > 10.0.0.1:7", Rule{"sg-b", 1}},
		{"eni-1", sg.Ingress, "tcp 10.0.0.3:1 > 10.0.0.1:7 S", Rule{}},
		{"eni-2", sg.Ingress, "udp 10.0.0.3:1 > 10.0.0.2:7", Rule{}},
		{"eni-3", sg.Egress, "udp 10.0.0.3:1 > 192.0.2.1:53", Rule{"sg-b", 0}},
		{"eni-2", sg.Egress, "udp 10.0.0.2:1 > 192.0.2.1:53", Rule{}},
		{"eni-9", sg.Ingress, "udp 10.0.0.2:1 > 192.0.2.1:53", Rule{}},
	}
	for _, tt := range tests {
		h, err := packet.ParseHeader(tt.text)
		assert.NoError(t, err, tt.text)
		got, ok := w.Match(tt.eni, tt.dir, &h)
		assert.Equal(t, tt.rule, got, "%s %s %s", tt.eni, tt.dir, tt.text)
		assert.Equal(t, tt.rule != Rule{}, ok, "%s %s %s", tt.eni, tt.dir, tt.text)
	}
}
