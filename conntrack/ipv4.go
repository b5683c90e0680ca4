package conntrack

import (
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// buckets hold the connections of IPv4 in an extendible hash table: the top bits of
// the hash choose a segment from the directory, the middle ones a bucket of the
// segment.
//
//	hash  63 ... 40   39 ... 8
//	      directory   bucket
//
// Records lie in the buckets themselves, so that a lookup waits for memory once.
// A segment that gets full moves to more memory, and one at its largest is split
// in two; that is a few thousand records at most, so no single insert is slow
// however large the table is.
//
// A record has a number, which holds until its segment moves: that of the segment,
// then that of the slot in it.
type buckets struct {
	dir      []segment // 1<<depth, depth at least 1
	shift    uint      // 64 - depth
	segments []segmentInfo
	arena    arena
}

// A bucket is 128 bytes, two lines of a cache that processors like to fetch
// together.
type bucket [bucketSlots]unit

// A segment is what a lookup needs of one. Several directory entries may hold the
// same segment.
type segment struct {
	buckets []bucket
	id      uint32 // in segments
}

// A segmentInfo is the rest of a segment.
type segmentInfo struct {
	buckets []bucket
	memory  []linuxMemory
	span    span // where the buckets come from
	entries uint32
	prefix  uint64 // the first bits of the hash, which all its records share,
	depth   uint8  // and how many
}

const (
	bucketSlots = 4

	slotBits = 13
	slotMask = 1<<slotBits - 1
)

// noBuckets are the bucket of all empty tables, so that a lookup need not ask.
var noBuckets [1]bucket

func newBuckets() buckets {
	empty := segment{buckets: noBuckets[:]}
	return buckets{dir: []segment{empty, empty}, shift: 63}
}

func (b *buckets) segment(hash uint64) *segment { return &b.dir[hash>>(b.shift&63)] }

// home returns the bucket where the hash belongs.
func (g *segment) home(hash uint64) uint32 { return home(g.buckets, hash) }

// record returns the number of the record in a slot of the segment.
func (g *segment) record(bucket, slot uint32) uint32 {
	return g.id<<slotBits | bucket*bucketSlots + slot
}

func home(list []bucket, hash uint64) uint32 {
	return uint32(uint64(uint32(hash>>8)) * uint64(len(list)) >> 32)
}

// next returns the bucket after i, round the end.
func next(list []bucket, i uint32) uint32 {
	if i++; i == uint32(len(list)) {
		return 0
	}
	return i
}

// match4 returns the slot of a bucket whose key has the words, bucketSlots if there
// is none.
//
// It compares all four without a branch: which one it is cannot be predicted, and
// a wrong guess ends the work on later packets that would go on while this one
// waits for memory. Inlined it would have branches, since the compiler makes no
// conditional moves of what becomes an address; counting with arithmetic instead
// could be inlined and took 48 ns of a hit among 10,000 where this takes 40.
//
//go:noinline
func match4(b *bucket, w0, w1 uint64) uint64 {
	slot := uint64(bucketSlots)
	if (b[3][0]^w0)|(b[3][1]^w1) == 0 {
		slot = 3
	}
	if (b[2][0]^w0)|(b[2][1]^w1) == 0 {
		slot = 2
	}
	if (b[1][0]^w0)|(b[1][1]^w1) == 0 {
		slot = 1
	}
	if (b[0][0]^w0)|(b[0][1]^w1) == 0 {
		slot = 0
	}
	return slot
}

// find4 is find for IPv4, and returns the record's unit with its number.
func (s *store) find4(hash, w0, w1 uint64, p packet.Protocol) (*unit, uint32) {
	g := s.segment(hash)
	i := g.home(hash)
	for range g.buckets {
		b := &g.buckets[i]
		if match4(b, w0, w1) < bucketSlots {
			for slot := range b { // some may differ in their protocol alone
				u := &b[slot]
				if u[0] == w0 && u[1] == w1 && u[wordMeta]&(metaLive|metaProtocol) == metaLive|uint64(p) {
					return u, g.record(i, uint32(slot))
				}
			}
		}
		if b[0][wordMeta]&metaPassed == 0 {
			break
		}
		i = next(g.buckets, i)
	}
	return nil, noRecord
}

// add4 is add for IPv4.
func (s *store) add4(hash uint64, k *key) (uint32, bool) {
	id, ok := s.makeRoom(hash)
	if !ok {
		return 0, false
	}
	info := &s.segments[id]
	slot := place(info.buckets, hash)
	u := &info.buckets[slot/bucketSlots][slot%bucketSlots]
	u[0], u[1] = k.w[0], k.w[1]
	u[wordMeta] |= metaLive | uint64(k.proto)
	info.entries++
	return id<<slotBits | slot, true
}

// place returns the first free slot from the hash's home on, and notes in the
// buckets before that it passed them. There is one: segments are never full.
func place(list []bucket, hash uint64) uint32 {
	for i := home(list, hash); ; i = next(list, i) {
		b := &list[i]
		for slot := range b {
			if b[slot][wordMeta]&metaLive == 0 {
				return i*bucketSlots + uint32(slot)
			}
		}
		if b[0][wordMeta]&metaPassed != metaPassed {
			b[0][wordMeta] += metaPassedOne
		} // else it stays: some lookups go on in vain
	}
}

// drop4 is drop for IPv4.
func (s *store) drop4(rec uint32) {
	info := &s.segments[rec>>slotBits]
	bucket := rec & slotMask / bucketSlots
	u := &info.buckets[bucket][rec%bucketSlots]
	hash := s.hash.hash4(u[0], u[1], protocolOf(u[wordMeta]))
	for i := home(info.buckets, hash); i != bucket; i = next(info.buckets, i) {
		if first := &info.buckets[i][0]; first[wordMeta]&metaPassed != metaPassed {
			first[wordMeta] -= metaPassedOne
		}
	}
	*u = unit{wordMeta: u[wordMeta] & metaPassed}
	info.entries--
}

func (b *buckets) clone() buckets {
	c := *b
	c.arena = b.arena.clone()
	c.dir, c.segments = slices.Clone(b.dir), slices.Clone(b.segments)
	for i := range c.segments {
		info := &c.segments[i]
		info.memory = slices.Clone(info.memory)
		if info.span.pages == 0 {
			info.buckets = slices.Clone(info.buckets)
		} else {
			info.buckets = c.arena.buckets(info.span)
		}
	}
	if len(c.segments) > 0 {
		for i := range c.dir {
			c.dir[i].buckets = c.segments[c.dir[i].id].buckets
		}
	}
	return c
}
