package cidrtrie

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// model holds pairs of prefix and number and looks at all of them.
type model map[pair]bool

type pair struct {
	p      netip.Prefix
	number uint32
}

func (m model) lookup(a netip.Addr) []uint32 {
	in := []uint32{}
	for k := range m {
		if k.p.Contains(a) {
			in = append(in, k.number)
		}
	}
	slices.Sort(in)
	return in
}

func (m model) longest(a netip.Addr, number uint32) (best netip.Prefix, ok bool) {
	for k := range m {
		if k.number == number && k.p.Contains(a) && (!ok || k.p.Bits() > best.Bits()) {
			best, ok = k.p, true
		}
	}
	return best, ok
}

func (m model) at(p netip.Prefix) []uint32 {
	in := []uint32{}
	for k := range m {
		if k.p == p {
			in = append(in, k.number)
		}
	}
	slices.Sort(in)
	return in
}

func lookup(t *Trie, a netip.Addr) []uint32 {
	f := packet.IPv6
	if a.Is4() {
		f = packet.IPv4
	}
	b := a.As16()
	short, long, host := t.Lookup(f, &b)
	in := append(append(append([]uint32{}, short...), long...), host...)
	slices.Sort(in)
	return in
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

// Tries agree with a search of all prefixes, after building and after each of many
// changes, and so do older values after newer ones were made of them.
func TestTrieAgainstModel(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 0))
		m := model{}
		var b Builder
		for range rng.IntN(200) {
			k := pair{randomPrefix(rng), rng.Uint32N(8)}
			if !m[k] {
				b.Add(k.p, k.number)
				m[k] = true
			}
		}
		trie, _, _ := b.Trie(1000)
		check := func(trie *Trie, m model) {
			for range 60 {
				a := randomAddr(rng, rng.IntN(2) == 0)
				require.Equal(t, m.lookup(a), lookup(trie, a), "seed %d: %s", seed, a)
				number := rng.Uint32N(8)
				want, wantOK := m.longest(a, number)
				got, ok := trie.Longest(a, number)
				require.Equal(t, wantOK, ok, "seed %d: %s", seed, a)
				require.Equal(t, want, got, "seed %d: %s", seed, a)
			}
			for k := range m {
				require.Equal(t, m.at(k.p), trie.At(k.p), "seed %d: %s", seed, k.p)
			}
			all := model{}
			for p, number := range trie.All() {
				require.False(t, all[pair{p, number}], "seed %d: %s twice", seed, p)
				all[pair{p, number}] = true
			}
			require.Equal(t, m, all, "seed %d", seed)
		}
		check(&trie, m)
		first, firstModel := trie, maps.Clone(m)
		for range 100 {
			k := pair{randomPrefix(rng), rng.Uint32N(8)}
			for old := range m { // removing what is there is the rarer luck
				if rng.IntN(2) == 0 {
					k = old
				}
				break
			}
			if m[k] {
				trie = trie.Without(k.p, k.number)
				delete(m, k)
			} else {
				require.Equal(t, len(m.at(k.p)), len(trie.At(k.p)))
				trie = trie.With(k.p, k.number)
				m[k] = true
			}
		}
		check(&trie, m)
		check(&first, firstModel)
	}
}

// A leaf finds the runs of its node, as many as it has room for and more, up to the last
// address of the block.
func TestLeaf(t *testing.T) {
	within := func(low, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(low >> 8), byte(low)}), bits).Masked()
	}
	for _, hosts := range []int{0, 1, 3, 6, 7, 8, 9} { // each begins a run and ends one
		for _, wide := range []int{0, 1, 2, 8, 16, 17, 18} { // numbers of the first half of the block
			for _, last := range []int{65533, 65534, 65535} {
				var b Builder
				m := model{}
				add := func(p netip.Prefix, number int) {
					b.Add(p, uint32(number))
					m[pair{p, uint32(number)}] = true
				}
				for i := range wide {
					add(within(0, 17), i)
				}
				for i := range hosts {
					add(within(33000+4000*i, 32), 100+i)
				}
				add(within(last, 32), 200)
				trie, _, _ := b.Trie(1000)
				for v := range 1 << 16 {
					if v%100 > 1 && v < 65500 && v%1000 != 999 {
						continue
					}
					a := within(v, 32).Addr()
					require.Equal(t, m.lookup(a), lookup(&trie, a), "%d hosts, %d wide, and %d: %s", hosts, wide, last, a)
				}
			}
		}
	}
}

// Many prefixes within one that has many numbers take no more room than some for each,
// and have all their numbers.
func TestManyNumbers(t *testing.T) {
	for _, wide := range []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("2001:db8::/32")} {
		var b Builder
		const many = 3000
		for i := range uint32(many) {
			b.Add(wide, i)
			b.Add(within(wide, i), many)
		}
		trie, _, _ := b.Trie(many + 1)
		for _, n := range trie.nodes() {
			require.LessOrEqual(t, len(n.lists), mostNumbers*(2*many+64))
		}
		check := func(trie *Trie, i, want int) {
			found := lookup(trie, within(wide, uint32(i)).Addr())
			require.Len(t, slices.Compact(found), want)
		}
		check(&trie, many-1, many+1)
		check(&trie, many, many)
		more := trie.With(within(wide, many), many)
		check(&more, many, many+1)
		less := more.Without(within(wide, many), many)
		check(&less, many, many)
		p, ok := more.Longest(within(wide, many).Addr(), many)
		require.True(t, ok)
		require.Equal(t, within(wide, many), p)
	}
}

// within returns a longer prefix.
func within(wide netip.Prefix, i uint32) netip.Prefix {
	a := wide.Addr().AsSlice()
	bits := len(a) * 6
	if len(a) == 4 {
		bits = 32
	}
	binary.BigEndian.PutUint16(a[bits/8-2:], uint16(i))
	addr, _ := netip.AddrFromSlice(a)
	return netip.PrefixFrom(addr, bits)
}

// Prefixes without a number get one each, in order, above those that are given.
func TestNames(t *testing.T) {
	var b Builder
	texts := []string{"10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8", "9.0.0.0/8", "10.0.0.0/9", "2001:db8::/32"}
	for _, s := range texts {
		b.Name(netip.MustParsePrefix(s))
	}
	b.Add(netip.MustParsePrefix("10.0.0.0/8"), 7)
	trie, numbers, end := b.Trie(100)
	require.Equal(t, uint32(104), end)
	require.Equal(t, []uint32{101, 103, 101, 100, 102, 103}, numbers)
	require.Equal(t, []uint32{7, 101}, trie.At(netip.MustParsePrefix("10.0.0.0/8")))
}

func TestLookupDoesNotAllocate(t *testing.T) {
	var b Builder
	for i, p := range []string{"10.0.0.0/17", "2001:db8::/33", "2001:db8::1/128"} {
		b.Add(netip.MustParsePrefix(p), uint32(i))
	}
	trie, _, _ := b.Trie(1000)
	four, six := netip.MustParseAddr("10.0.0.1").As16(), netip.MustParseAddr("2001:db8::1").As16()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, long, _ := trie.Lookup(packet.IPv4, &four); len(long) != 1 || long[0] != 0 {
			t.Error("not found")
		}
		if _, long, host := trie.Lookup(packet.IPv6, &six); len(long)+len(host) != 2 || long[0]+host[0] != 3 {
			t.Error("not found")
		}
	}))
}

// BenchmarkLookup finds addresses of random prefixes of public lengths.
func BenchmarkLookup(b *testing.B) {
	for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
		for _, size := range []int{10, 1000, 100_000} {
			rng := rand.New(rand.NewPCG(1, 2))
			var builder Builder
			addrs := make([][16]byte, size)
			for i := range size {
				a, bits := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, rng.Uint32()))), 16+rng.IntN(17)
				if f == packet.IPv6 {
					b := [16]byte{0x26, 0, byte(rng.IntN(32)), byte(rng.IntN(8)), 14: byte(i >> 8), 15: byte(i)}
					binary.BigEndian.PutUint32(b[4:], rng.Uint32())
					a, bits = netip.AddrFrom16(b), []int{32, 36, 40, 44, 48, 56, 64, 128}[rng.IntN(8)]
				}
				builder.Add(netip.PrefixFrom(a, bits).Masked(), uint32(i))
				addrs[i] = a.As16()
			}
			trie, _, _ := builder.Trie(0)
			b.Run(fmt.Sprintf("family=%d/prefixes=%d", f, size), func(b *testing.B) {
				b.ReportAllocs()
				i, sum := 0, 0
				for b.Loop() {
					short, long, host := trie.Lookup(f, &addrs[i])
					sum += len(short) + len(long) + len(host)
					if i++; i == len(addrs) {
						i = 0
					}
				}
			})
		}
	}
}
