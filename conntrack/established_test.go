package conntrack

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// What each segment does to an established connection (CTS-12), for both
// families: only those with ACK alone may take the short way through Track.
func TestEstablished(t *testing.T) {
	start := time.Unix(1e9, 0)
	for _, ends := range [][2]string{{"10.0.0.1:1025", "10.0.0.2:80"}, {"[2001:db8::1]:1025", "[2001:db8::2]:80"}} {
		a, b := netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1])
		segment := func(dir Direction, flags packet.TCPFlags) *packet.Header {
			h := packet.TCPHeader(a, b, flags)
			if dir == Reply {
				h = packet.TCPHeader(b, a, flags)
			}
			return &h
		}
		for _, c := range []struct {
			dir     Direction
			flags   packet.TCPFlags
			state   State
			timeout time.Duration // after the segment, which comes 100 s after the last
		}{
			{Original, packet.ACK, Established, 432000 * time.Second},
			{Reply, packet.ACK | packet.PSH, Established, 432000 * time.Second},
			{Original, packet.SYN, Established, 431900 * time.Second},
			{Reply, packet.SYN, Established, 431900 * time.Second},
			{Original, packet.SYN | packet.ACK, Established, 431900 * time.Second},
			{Reply, packet.SYN | packet.ACK, Established, 431900 * time.Second},
			{Original, 0, Established, 431900 * time.Second},
			{Original, packet.FIN | packet.ACK, FinWait, 120 * time.Second},
			{Reply, packet.FIN | packet.ACK, FinWait, 120 * time.Second},
			{Original, packet.RST | packet.ACK, Close, 10 * time.Second},
			{Reply, packet.RST, Close, 10 * time.Second},
		} {
			table, err := NewTable(Config{})
			require.NoError(t, err)
			require.Equal(t, New, table.Track(1, segment(Original, packet.SYN), start).Class())
			require.True(t, table.Commit(1, segment(Original, packet.SYN), start, 7))
			table.Track(1, segment(Reply, packet.SYN|packet.ACK), start)
			table.Track(1, segment(Original, packet.ACK), start)

			now := start.Add(100 * time.Second)
			r := table.Track(1, segment(c.dir, c.flags), now)
			assert.Equal(t, Tracked, r.Class(), "%v %v", c.dir, c.flags)
			assert.Equal(t, c.dir, r.Dir(), "%v %v", c.dir, c.flags)
			assert.Equal(t, c.state, r.State(), "%v %v", c.dir, c.flags)
			_, e := table.Peek(1, segment(Original, packet.ACK), now)
			assert.Equal(t, c.timeout, e.Expires.Sub(now), "%v %v", c.dir, c.flags)
		}
	}
}
