package member

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// The index agrees with a list of everything that was added, for addresses of
// both families, several owners, and prefixes inside prefixes.
func TestIndexAgainstList(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		addr := func() netip.Addr {
			if rng.IntN(2) == 0 {
				return netip.AddrFrom4([4]byte{10, byte(rng.IntN(40) / 30 * rng.IntN(9)), 0, byte(rng.IntN(64))})
			}
			return netip.AddrFrom16([16]byte{0xfd, 8: byte(rng.IntN(2)), 15: byte(rng.IntN(64))})
		}
		owned := map[netip.Prefix][]uint32{}
		x := New()
		for range 60 {
			p := netip.PrefixFrom(addr(), 0)
			p, _ = p.Addr().Prefix(p.Addr().BitLen())
			owner := uint32(rng.IntN(5))
			if rng.IntN(4) == 0 {
				p, _ = p.Addr().Prefix(p.Addr().BitLen() - 1 - rng.IntN(6))
				if rng.IntN(10) == 0 && p.Addr().Is4() {
					p, _ = p.Addr().Prefix(13)
				}
				x.AddPrefix(p, owner)
			} else {
				x.Add(p.Addr(), owner)
			}
			owned[p.Masked()] = append(owned[p.Masked()], owner)
		}
		x.Seal()
		all := map[netip.Prefix]bool{}
		for p, owners := range x.All() {
			for _, o := range owned[p.Masked()] {
				require.Contains(t, owners, o, "seed %d: %s", seed, p)
			}
			all[p] = true
		}
		require.Len(t, all, len(owned), "seed %d", seed)
		for range 200 {
			a := addr()
			var want []uint32
			for p, owners := range owned {
				if p.Contains(a) {
					want = append(want, owners...)
				}
			}
			slices.Sort(want)
			want = slices.Compact(want)
			f, b := packet.IPv6, a.As16()
			if a.Is4() {
				f = packet.IPv4
			}
			require.Equal(t, want, x.Lookup(f, &b), "seed %d: %s", seed, a)
			switch one := x.Sole(f, &b); len(want) {
			case 0:
				require.Zero(t, one)
			case 1:
				require.Equal(t, want[0]+1, one)
			default:
				require.Equal(t, uint32(Several), one)
			}
		}
	}
}

func TestEmptyIndex(t *testing.T) {
	x := New()
	require.Empty(t, x.Lookup(packet.IPv4, &[16]byte{}))
	require.Empty(t, x.Lookup(packet.IPv6, &[16]byte{}))
}

func TestLookupDoesNotAllocate(t *testing.T) {
	x := New()
	a := netip.MustParseAddr("10.0.0.1")
	x.Add(a, 1)
	x.Add(a, 2)
	b := a.As16()
	require.Zero(t, testing.AllocsPerRun(100, func() { x.Lookup(packet.IPv4, &b) }))
}

// Addresses that fall into a few slots of one index do not in another.
func TestChosenAddresses(t *testing.T) {
	const n, shift = 1 << 12, 64 - 13
	x, y := New(), New()
	for a := uint32(0); x.v4.addrs.n < n; a++ {
		if x.secret4.Hash(a)>>shift < 64 {
			x.v4.slot(a, 32).n, y.v4.slot(a, 32).n = 1, 1
		}
	}
	require.Less(t, longestRun(y.v4.addrs.slots), 300)
	require.Greater(t, longestRun(x.v4.addrs.slots), n/2, "chosen in vain")
}

func longestRun(slots []slot[uint32]) (most int) {
	run := 0
	for _, s := range slots {
		if run++; s.n == 0 {
			run = 0
		}
		most = max(most, run)
	}
	return most
}
