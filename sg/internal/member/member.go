// Package member finds the network interfaces that own an address.
//
// An [Index] is filled once and then only read. Which groups an interface
// carries is not its business: that changes often, addresses do not.
package member

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// An Index maps addresses and delegated prefixes to the numbers of their owners.
// The zero Index is empty. Reading it is safe for concurrent use.
type Index struct {
	// blocks4 holds the /16 blocks with addresses or parts of prefixes in them, one
	// bit each. Most packets come from blocks that have none, and then wait for no
	// table: measured, 90 ns of 120.
	blocks4 [1 << 16 / 64]uint64

	exact4 table4
	exact6 table6

	// Prefixes by length, the longest first.
	prefix4 []byLength4
	prefix6 []byLength6

	// lists holds the owners of addresses with several: the same private
	// address may exist in several VPCs.
	lists [][]uint32
}

type byLength4 struct {
	bits int
	t    table4
}

type byLength6 struct {
	bits int
	t    table6
}

// several marks a value as an index into lists.
const several = 1 << 31

// Reserve makes room for n4 IPv4 and n6 IPv6 addresses.
func (x *Index) Reserve(n4, n6 int) {
	x.exact4.reserve(n4)
	x.exact6.reserve(n6)
}

// Lookup returns the owners of an address: the first, and all of them where
// there are several, in ascending order. An address inside delegated prefixes
// belongs to the owners of all of them.
func (x *Index) Lookup(f packet.Family, a *[16]byte) (first uint32, all []uint32, ok bool) {
	if f == packet.IPv4 {
		return x.Lookup4(binary.BigEndian.Uint32(a[12:]))
	}
	k := key6Of(a)
	return x.Lookup6(k.hi, k.lo)
}

// Lookup4 is Lookup for an IPv4 address.
func (x *Index) Lookup4(a uint32) (first uint32, all []uint32, ok bool) {
	return x.result(x.find4(a))
}

// Sole4 returns the owner of an IPv4 address plus one, and 0 where it has none. It
// returns a number above [Most] where there are several, which Lookup4 names.
func (x *Index) Sole4(a uint32) uint32 { return x.find4(a) }

// Shared reports whether any address has several owners.
func (x *Index) Shared() bool { return len(x.lists) > 0 }

// Most is the largest owner plus one.
const Most = several - 1

// All yields everything that was added, and its owners, in no order. An address or
// prefix that lies in others has their owners too.
func (x *Index) All() iter.Seq2[netip.Prefix, []uint32] {
	return func(yield func(netip.Prefix, []uint32) bool) {
		for _, p := range append([]byLength4{{32, x.exact4}}, x.prefix4...) {
			for _, s := range p.t.slots {
				if s.val != 0 && !yield(s.prefix(p.bits), x.owners(s.val)) {
					return
				}
			}
		}
		for _, p := range append([]byLength6{{128, x.exact6}}, x.prefix6...) {
			for _, s := range p.t.slots {
				if s.val != 0 && !yield(s.prefix(p.bits), x.owners(s.val)) {
					return
				}
			}
		}
	}
}

func (s *slot4) prefix(bits int) netip.Prefix {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], s.key)
	return netip.PrefixFrom(netip.AddrFrom4(a), bits)
}

func (s *slot6) prefix(bits int) netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], s.key.hi)
	binary.BigEndian.PutUint64(a[8:], s.key.lo)
	return netip.PrefixFrom(netip.AddrFrom16(a), bits)
}

func (x *Index) find4(a uint32) uint32 {
	if x.blocks4[a>>22]>>(a>>16&63)&1 == 0 {
		return 0
	}
	v := x.exact4.get(a)
	if len(x.prefix4) > 0 && v == 0 { // in this order: whether an address has an owner is hard to predict
		v = x.findPrefix4(a)
	}
	return v
}

func (x *Index) findPrefix4(a uint32) (v uint32) {
	for i := 0; v == 0 && i < len(x.prefix4); i++ {
		p := &x.prefix4[i]
		v = p.t.get(a & mask32(p.bits))
	}
	return v
}

// Lookup6 is Lookup for an IPv6 address, given as two words.
func (x *Index) Lookup6(hi, lo uint64) (first uint32, all []uint32, ok bool) {
	k := key6{hi, lo}
	v := x.exact6.get(k)
	for i := 0; v == 0 && i < len(x.prefix6); i++ {
		p := &x.prefix6[i]
		v = p.t.get(k.masked(p.bits))
	}
	return x.result(v)
}

func (x *Index) result(v uint32) (first uint32, all []uint32, ok bool) {
	switch {
	case v == 0:
		return 0, nil, false
	case v&several == 0:
		return v - 1, nil, true
	}
	all = x.lists[v&^several]
	return all[0], all, true
}

// Add gives an address, which is not an IPv4-mapped one, to owner.
func (x *Index) Add(a netip.Addr, owner uint32) {
	if a.Is4() {
		b := a.As4()
		k := binary.BigEndian.Uint32(b[:])
		x.addBlocks(k>>16, 1)
		x.put(x.exact4.slot(k), owner)
		return
	}
	b := a.As16()
	x.put(x.exact6.slot(key6Of(&b)), owner)
}

// AddPrefix gives every address of a prefix to owner. Call it before [Index.Seal].
func (x *Index) AddPrefix(p netip.Prefix, owner uint32) {
	p = p.Masked()
	if p.Addr().Is4() {
		b := p.Addr().As4()
		i, found := slices.BinarySearchFunc(x.prefix4, p.Bits(), func(e byLength4, n int) int { return n - e.bits })
		if !found {
			x.prefix4 = slices.Insert(x.prefix4, i, byLength4{bits: p.Bits()})
		}
		k := binary.BigEndian.Uint32(b[:])
		x.addBlocks(k>>16, 1<<max(0, 16-p.Bits()))
		x.put(x.prefix4[i].t.slot(k), owner)
		return
	}
	b := p.Addr().As16()
	i, found := slices.BinarySearchFunc(x.prefix6, p.Bits(), func(e byLength6, n int) int { return n - e.bits })
	if !found {
		x.prefix6 = slices.Insert(x.prefix6, i, byLength6{bits: p.Bits()})
	}
	x.put(x.prefix6[i].t.slot(key6Of(&b)), owner)
}

// addBlocks enters n /16 blocks from the given one on.
func (x *Index) addBlocks(first uint32, n int) {
	for i := range uint32(n) {
		b := first + i
		x.blocks4[b>>6] |= 1 << (b & 63)
	}
}

// Seal makes Lookup see the owners of shorter prefixes at longer ones and at
// single addresses. Call it once, after the last Add and AddPrefix.
func (x *Index) Seal() {
	for i := range x.prefix4 { // from the longest: shorter ones are still as given
		from := &x.prefix4[i]
		for j := range from.t.slots {
			if s := &from.t.slots[j]; s.val != 0 {
				x.inherit4(s, i+1)
			}
		}
	}
	for i := range x.prefix6 {
		from := &x.prefix6[i]
		for j := range from.t.slots {
			if s := &from.t.slots[j]; s.val != 0 {
				x.inherit6(s, i+1)
			}
		}
	}
	if len(x.prefix4) > 0 {
		for j := range x.exact4.slots {
			if s := &x.exact4.slots[j]; s.val != 0 {
				x.inherit4(s, 0)
			}
		}
	}
	if len(x.prefix6) > 0 {
		for j := range x.exact6.slots {
			if s := &x.exact6.slots[j]; s.val != 0 {
				x.inherit6(s, 0)
			}
		}
	}
}

// inherit4 adds the owners of the first prefix at s.key from length index i on.
// For prefixes those are not yet sealed themselves, so all are visited.
func (x *Index) inherit4(s *slot4, i int) {
	for ; i < len(x.prefix4); i++ {
		p := &x.prefix4[i]
		x.merge(&s.val, p.t.get(s.key&mask32(p.bits)))
	}
}

func (x *Index) inherit6(s *slot6, i int) {
	for ; i < len(x.prefix6); i++ {
		p := &x.prefix6[i]
		x.merge(&s.val, p.t.get(s.key.masked(p.bits)))
	}
}

func (x *Index) merge(val *uint32, from uint32) {
	for _, o := range x.owners(from) {
		x.put(val, o)
	}
}

// put adds owner to a value. Owners that come in ascending order are appended.
func (x *Index) put(val *uint32, owner uint32) {
	old := x.owners(*val)
	switch i, found := slices.BinarySearch(old, owner); {
	case found:
	case len(old) == 0:
		*val = owner + 1
	case *val&several != 0:
		list := &x.lists[*val&^several] // this value's own
		*list = slices.Insert(*list, i, owner)
	default:
		x.lists = append(x.lists, slices.Insert(old, i, owner))
		*val = several | uint32(len(x.lists)-1)
	}
}

func (x *Index) owners(v uint32) []uint32 {
	switch {
	case v == 0:
		return nil
	case v&several == 0:
		return []uint32{v - 1}
	}
	return x.lists[v&^several]
}

func mask32(n int) uint32 { return ^uint32(0) << (32 - n) }

type key6 struct{ hi, lo uint64 }

func key6Of(a *[16]byte) key6 {
	return key6{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
}

func (k key6) masked(n int) key6 {
	if n <= 64 {
		return key6{k.hi & (^uint64(0) << (64 - n)), 0}
	}
	return key6{k.hi, k.lo & (^uint64(0) << (128 - n))}
}
