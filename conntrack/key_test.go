package conntrack

import (
	"net/netip"
	"testing"

	"github.com/sgsim/sgsim/packet"
)

// TestHashSpreads hashes connections between two hosts, whose ports follow each other,
// with many secrets. Each bit that splits a segment has to tell two halves apart.
func TestHashSpreads(t *testing.T) {
	const conns = 3072
	for _, c := range []struct{ client, server string }{
		{"10.0.0.1:1024", "10.0.0.2:443"},
		{"[2001:db8::2]:1024", "[2001:db8::1]:443"},
	} {
		h := packet.TCPHeader(netip.MustParseAddrPort(c.client), netip.MustParseAddrPort(c.server), packet.SYN)
		tuple := h.Tuple()
		var keys [conns]key
		for i := range keys {
			tuple.SrcPort = uint16(1024 + i)
			keyOf(1, &tuple, &keys[i])
		}
		for range 3000 {
			hash := newHasher()
			var ones [12]int
			for i := range keys {
				x := hash.hash(&keys[i])
				for bit := range ones {
					ones[bit] += int(x >> (63 - bit) & 1)
				}
			}
			for bit, n := range ones {
				if n < conns/3 || n > conns-conns/3 {
					t.Fatalf("%s > %s: bit %d is set in %d of %d hashes with %x", c.client, c.server, bit, n, conns, hash)
				}
			}
		}
	}
}
