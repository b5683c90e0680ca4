// Package member finds the network interfaces that own an address.
//
// An [Index] is filled once and then only read. It does not know which groups an
// interface carries: those change often, addresses do not.
package member

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/keyed"
)

// An Index maps addresses and delegated prefixes to the numbers of their owners.
// Reading it is safe for concurrent use.
type Index struct {
	// blocks4 has one bit for each /16 block with IPv4 addresses or parts of prefixes
	// in it. Most packets come from blocks without any, and need not wait for a
	// table, which was 90 of 120 ns.
	blocks4 [1 << 16 / 64]uint64

	v4 family[uint32]
	v6 family[words]

	secret4 keyed.Key32
	secret6 keyed.Key128

	// lists holds the owners of addresses with several: the same private
	// address may exist in several VPCs.
	lists [][]uint32
}

// words are an IPv6 address.
type words struct{ hi, lo uint64 }

// New returns an empty Index.
func New() *Index {
	x := &Index{secret4: keyed.New32(), secret6: keyed.New128()}
	x.v4.bits, x.v6.bits = 32, 128
	x.v4.hash, x.v6.hash = x.secret4.Hash, x.hash6
	x.v4.lead = func(a uint32, bits int) (uint32, uint64) {
		a &^= ^uint32(0) >> bits
		return a, x.secret4.Hash(a)
	}
	x.v6.lead = func(a words, bits int) (words, uint64) {
		a = words{a.hi &^ (^uint64(0) >> bits), a.lo &^ (^uint64(0) >> max(0, bits-64))}
		return a, x.hash6(a)
	}
	x.v4.addrs.slots, x.v6.addrs.slots = make([]slot[uint32], 1), make([]slot[words], 1)
	return x
}

func (x *Index) hash6(a words) uint64 { return x.secret6.Hash(a.hi, a.lo) }

func wordsOf(a *[16]byte) words {
	return words{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
}

// Lookup returns the owners of an address, as a packet.Header holds it, ascending. An
// address inside delegated prefixes belongs to the owners of all of them. The slice
// must not be changed.
func (x *Index) Lookup(f packet.Family, a *[16]byte) []uint32 {
	return x.owners(x.find(f, a))
}

// Several is what Sole returns if there are several owners.
const Several = 1<<32 - 1

// Sole returns the owner of an address plus one, and 0 if it has none.
func (x *Index) Sole(f packet.Family, a *[16]byte) uint32 {
	o := x.find(f, a)
	if o.n > 1 {
		return Several
	}
	return (o.first[0] + 1) & -o.n // without a branch: whether there is one is hard to predict
}

// find returns the owners of an address. It repeats itself for the two families: a method
// of theirs took 2 of the 117 ns of a packet between two interfaces.
func (x *Index) find(f packet.Family, a *[16]byte) *owned {
	if f == packet.IPv6 {
		k := wordsOf(a)
		s := x.v6.addrs.find(x.hash6(k), k)
		if len(x.v6.prefixes) == 0 || s.n > 0 {
			return &s.owned
		}
		return x.v6.around(k, 0)
	}
	k := binary.BigEndian.Uint32(a[12:])
	if x.blocks4[k>>22]>>(k>>16&63)&1 == 0 {
		return &unowned
	}
	s := x.v4.addrs.find(x.secret4.Hash(k), k)
	if len(x.v4.prefixes) == 0 || s.n > 0 { // in this order, since whether an address has an owner is hard to predict
		return &s.owned
	}
	return x.v4.around(k, 0)
}

func (x *Index) owners(o *owned) []uint32 {
	switch o.n {
	case 0:
		return nil
	case 1:
		return o.first[:]
	}
	return x.lists[o.first[0]]
}

// Shared reports whether any address has several owners.
func (x *Index) Shared() bool { return len(x.lists) > 0 }

// All yields everything that was added with its owners, in no order. An address or
// prefix inside others has their owners too.
func (x *Index) All() iter.Seq2[netip.Prefix, []uint32] {
	return func(yield func(netip.Prefix, []uint32) bool) {
		for s, bits := range x.v4.all() {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], s.key)
			if !yield(netip.PrefixFrom(netip.AddrFrom4(b), bits), x.owners(&s.owned)) {
				return
			}
		}
		for s, bits := range x.v6.all() {
			var b [16]byte
			binary.BigEndian.PutUint64(b[:8], s.key.hi)
			binary.BigEndian.PutUint64(b[8:], s.key.lo)
			if !yield(netip.PrefixFrom(netip.AddrFrom16(b), bits), x.owners(&s.owned)) {
				return
			}
		}
	}
}

// Add gives an address, which is not an IPv4-mapped one, to owner.
func (x *Index) Add(a netip.Addr, owner uint32) {
	x.AddPrefix(netip.PrefixFrom(a, a.BitLen()), owner)
}

// AddPrefix gives every address of a prefix to owner. Call it before [Index.Seal].
func (x *Index) AddPrefix(p netip.Prefix, owner uint32) {
	p = p.Masked()
	a := p.Addr().As16()
	if p.Addr().Is6() {
		x.own(x.v6.slot(wordsOf(&a), p.Bits()), owner)
		return
	}
	k := binary.BigEndian.Uint32(a[12:])
	for b := k >> 16; b < k>>16+1<<max(0, 16-p.Bits()); b++ { // the blocks that contain it, or that it contains
		x.blocks4[b>>6] |= 1 << (b & 63)
	}
	x.own(x.v4.slot(k, p.Bits()), owner)
}

// own gives an address one more owner. Owners added in ascending order are appended.
func (x *Index) own(o *owned, owner uint32) {
	all := x.owners(o)
	switch i, found := slices.BinarySearch(all, owner); {
	case found:
		return
	case o.n == 0:
		o.first[0] = owner
	case o.n == 1:
		x.lists = append(x.lists, slices.Insert(slices.Clone(all), i, owner))
		o.first[0] = uint32(len(x.lists) - 1)
	default:
		x.lists[o.first[0]] = slices.Insert(all, i, owner)
	}
	o.n++
}

// Seal makes Lookup see the owners of shorter prefixes at longer ones and at
// single addresses. Call it once, after the last Add and AddPrefix.
func (x *Index) Seal() {
	inherit := func(o, around *owned) {
		for _, owner := range x.owners(around) {
			x.own(o, owner)
		}
	}
	x.v4.seal(inherit)
	x.v6.seal(inherit)
}
