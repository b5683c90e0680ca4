package match

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/packet"
)

// A number is of one protocol, and a range covers the numbers of what it has.
func TestSpace(t *testing.T) {
	for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
		s, n := NewSpace(f), uint32(0)
		for p := range 256 {
			got, first, end := s.Protocol(n)
			assert.Equal(t, packet.Protocol(p), got)
			assert.Equal(t, n, first)
			_, _, last := s.Protocol(end - 1)
			assert.Equal(t, end, last)
			from, to := s.Span(AllOf(packet.Protocol(p)))
			if p == int(packet.ICMP) && f == packet.IPv6 {
				assert.Equal(t, from, to, "rules for ICMP cover no packets in IPv6")
			} else {
				assert.Equal(t, [2]uint32{first, end}, [2]uint32{from, to})
			}
			n = end
		}
		assert.Equal(t, s.Size(), n)
		from, to := s.Span(All)
		assert.Equal(t, [2]uint32{0, n}, [2]uint32{from, to})
		from, to = s.Span(Ports(packet.TCP, 22, 25))
		assert.Equal(t, uint32(4), to-from)
	}
}
