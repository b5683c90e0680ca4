package sg_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// An interface without an address of a family does not own the address 0 of it.
func TestSourceDestZero(t *testing.T) {
	eni := func(id sg.ENIID, addr string) sg.ENI {
		return sg.ENI{ID: id, Addrs: []netip.Addr{netip.MustParseAddr(addr)}, Groups: []sg.GroupID{"sg-1"}}
	}
	pre := eni("eni-pre", "10.0.0.9")
	pre.Prefixes = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/28"), netip.MustParsePrefix("::/80")}
	p, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{{ID: "sg-1", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4), sg.AllTraffic.To(sg.AnyIPv6)}}},
		ENIs:   []sg.ENI{eni("eni-four", "10.0.0.1"), eni("eni-six", "2001:db8::1"), pre},
	})
	require.NoError(t, err)
	for _, tt := range []struct {
		eni    sg.ENIID
		packet string
		want   sg.Reason
	}{
		{"eni-six", "tcp 0.0.0.0:1 > 192.0.2.1:2 S", sg.SourceDest},
		{"eni-six", "tcp 0.0.0.1:1 > 192.0.2.1:2 S", sg.SourceDest},
		{"eni-six", "tcp [2001:db8::1]:1 > [2001:db8::2]:2 S", sg.ByRule},
		{"eni-four", "tcp [::]:1 > [2001:db8::2]:2 S", sg.SourceDest},
		{"eni-four", "tcp 10.0.0.1:1 > 192.0.2.1:2 S", sg.ByRule},
	} {
		h, err := packet.ParseHeader(tt.packet)
		require.NoError(t, err)
		d := sg.NewFirewall(p, nil).ENI(tt.eni).Evaluate(sg.Egress, sg.Packet{Header: &h, Time: time.Unix(0, 0)})
		assert.Equal(t, tt.want, d.Reason, tt.packet)
	}
}
