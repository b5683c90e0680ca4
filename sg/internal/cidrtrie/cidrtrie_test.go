package cidrtrie

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// model holds sets of prefixes and looks at all of them.
type model map[netip.Prefix]uint64

func (m model) lookup(a netip.Addr) (in uint64) {
	for p, sets := range m {
		if p.Contains(a) {
			in |= sets
		}
	}
	return in
}

func (m model) longest(a netip.Addr, set uint) (best netip.Prefix, ok bool) {
	for p, sets := range m {
		if sets>>set&1 != 0 && p.Contains(a) && (!ok || p.Bits() > best.Bits()) {
			best, ok = p, true
		}
	}
	return best, ok
}

func lookup(t *Trie, a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return t.Lookup4(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return t.Lookup6(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]))
}

// Few different bytes, so that prefixes nest and addresses hit.
func randomAddr(rng *rand.Rand, v6 bool) netip.Addr {
	b := make([]byte, 4)
	if v6 {
		b = make([]byte, 16)
	}
	for i := range b {
		b[i] = [...]byte{0, 1, 10, 127, 128, 200, 255, byte(rng.IntN(256))}[rng.IntN(8)]
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func randomPrefix(rng *rand.Rand) netip.Prefix {
	a := randomAddr(rng, rng.IntN(2) == 0)
	p, _ := a.Prefix(rng.IntN(a.BitLen() + 1))
	return p
}

// Tries agree with a search of all prefixes, after building and after each of
// many changes, and so do older values after newer ones were made of them.
func TestTrieAgainstModel(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		m := model{}
		var b Builder
		for range rng.IntN(200) {
			p, set := randomPrefix(rng), uint(rng.IntN(Sets))
			if m[p]>>set&1 == 0 {
				b.Add(p, set)
				m[p] |= 1 << set
			}
		}
		trie := b.Trie()
		check := func(trie *Trie, m model) {
			for range 60 {
				a := randomAddr(rng, rng.IntN(2) == 0)
				require.Equal(t, m.lookup(a), lookup(trie, a), "seed %d: %s", seed, a)
				set := uint(rng.IntN(Sets))
				want, wantOK := m.longest(a, set)
				got, ok := trie.Longest(a, set)
				require.Equal(t, wantOK, ok, "seed %d: %s", seed, a)
				require.Equal(t, want, got, "seed %d: %s", seed, a)
			}
		}
		check(&trie, m)
		first, firstModel := trie, model{}
		for p, s := range m {
			firstModel[p] = s
		}
		for range 100 {
			p, set := randomPrefix(rng), uint(rng.IntN(Sets))
			for q := range m { // removing what is there is the rarer luck
				if rng.IntN(2) == 0 {
					p = q
				}
				break
			}
			require.Equal(t, m[p]>>set&1 != 0, trie.Has(p, set))
			if rng.IntN(2) == 0 {
				trie = trie.With(p, set)
				m[p] |= 1 << set
			} else {
				trie = trie.Without(p, set)
				m[p] &^= 1 << set
			}
			require.Equal(t, m[p]>>set&1 != 0, trie.Has(p, set))
		}
		check(&trie, m)
		check(&first, firstModel)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	var b Builder
	b.Add(netip.MustParsePrefix("10.0.0.0/17"), 3)
	b.Add(netip.MustParsePrefix("2001:db8::/33"), 4)
	trie := b.Trie()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if trie.Lookup4(0x0a000001) != 1<<3 || trie.Lookup6(0x20010db8<<32, 1) != 1<<4 {
			t.Error("not found")
		}
	}))
}
