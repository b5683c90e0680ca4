package conntrack

import (
	"math/bits"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// TestHashSpreadsPorts hashes connections between two hosts, whose ports somebody has
// chosen so that few of their bits differ, or in step, with many secrets. Each bit
// that splits a segment has to tell two halves apart, and the buckets of a segment
// have to fill alike.
func TestHashSpreadsPorts(t *testing.T) {
	const conns, buckets = 3072, leastPages * pageBuckets
	segment := make([]bucket, buckets)
	ports := map[string]func(i uint32) uint32{ // the client's and the server's, 16 bits each
		"follow each other":        func(i uint32) uint32 { return (1024+i)<<16 | 443 },
		"of the server too":        func(i uint32) uint32 { return (1024+i)<<16 | 1024 + i },
		"in opposite directions":   func(i uint32) uint32 { return (1024+i)<<16 | 60000 - i },
		"differ in their low bits": func(i uint32) uint32 { return (0x8000+i%64)<<16 | 0x100 + i/64 },
		"differ in their top bits": func(i uint32) uint32 { return i%64<<26 | i/64<<10 | 1 },
		"in steps of 16":           func(i uint32) uint32 { return i<<4<<16 | i>>12 },
		"backwards by bits":        func(i uint32) uint32 { return uint32(bits.Reverse16(uint16(i)))<<16 | 53 },
		"of many servers":          func(i uint32) uint32 { return 40000<<16 | 1 + i },
	}
	for _, ends := range [][2]string{{"10.0.0.1", "10.0.0.2"}, {"2001:db8::2", "2001:db8::1"}} {
		for name, of := range ports {
			var keys [conns]key
			seen := map[key]bool{}
			for i := range keys {
				p := of(uint32(i))
				h := packet.TCPHeader(netip.AddrPortFrom(netip.MustParseAddr(ends[0]), uint16(p>>16)),
					netip.AddrPortFrom(netip.MustParseAddr(ends[1]), uint16(p)), packet.SYN)
				keys[i].ofPorts(1, &h)
				seen[keys[i]] = true
			}
			require.Len(t, seen, conns, name)
			for range 200 {
				hash := newHasher()
				var ones [12]int
				var fill [buckets]int
				for i := range keys {
					x := hash.hash(&keys[i])
					for bit := range ones {
						ones[bit] += int(x >> (63 - bit) & 1)
					}
					fill[home(segment, x)]++
				}
				for bit, n := range ones {
					require.InDelta(t, conns/2, n, conns/6, "%s, ports %s: bit %d with %x", ends[0], name, bit, hash)
				}
				// The sum of squares of Poisson's four a bucket is 20 a bucket.
				squares := 0
				for _, n := range fill {
					squares += n * n
				}
				require.InDelta(t, 20, float64(squares)/buckets, 3, "%s, ports %s: buckets with %x", ends[0], name, hash)
			}
		}
	}
}

// Two tables hash alike only by chance, so that nobody can prepare keys that collide.
func TestHashIsKeyed(t *testing.T) {
	a, b := newHasher(), newHasher()
	for i := range a {
		require.NotEqual(t, a[i], b[i])
	}
	for _, v6 := range []bool{false, true} {
		equal := 0
		for n := range uint32(1000) {
			h := clientHeader(n, v6, false, packet.SYN)
			var k key
			k.ofPorts(1, &h)
			if a.hash(&k)>>54 == b.hash(&k)>>54 {
				equal++
			}
		}
		require.Less(t, equal, 20)
	}
}
