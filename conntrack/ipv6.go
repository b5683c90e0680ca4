package conntrack

import (
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// records hold the connections of IPv6: records of two units, found through an
// index. They are too large to lie in the buckets of a table that is never full,
// where they took more than 96 bytes a connection at every size but the smallest
// measured; here they take less, at the price of a second wait for memory.
type records struct {
	index index

	// Records lie in slabs of slabRecords. The first slab grows by copying,
	// so that small tables are small; the others are made whole.
	slabs  [][]unit
	spare  []unit // for slabs to come
	memory [][]linuxMemory

	size uint32 // records made so far, free ones included
	free uint32 // first free record, or noRecord; its word 0 is the next
}

const (
	slabBits    = 13
	slabRecords = 1 << slabBits
	slabMask    = slabRecords - 1
	firstSlab   = 64 // records
)

func newRecords() records { return records{free: noRecord, index: newIndex()} }

// record returns the units of a record.
func (s *store) record(rec uint32) *[2]unit {
	return (*[2]unit)(s.slabs[rec>>slabBits][rec&slabMask*2:])
}

// rehash fills in the hashes of records. Nothing in the loop waits for what was
// read before, so that many records are on their way from memory at a time.
func (s *store) rehash(list []placed) {
	for i := range list {
		r := s.slabs[list[i].rec>>slabBits][list[i].rec&slabMask*2:][:2]
		w := [5]uint64{r[0][0], r[0][1], r[1][0], r[1][1], r[1][2]}
		list[i].hash = s.hash.hash6(&w, protocolOf(r[0][wordMeta]))
	}
}

// find6 is find for IPv6, and returns the record's first unit with its number.
//
// Nearly all lookups end with the first record of the first bucket. They have a
// way without loops, because the fewer instructions wait for memory, the more
// packets the processor works on at a time.
func (s *store) find6(hash uint64, w *[5]uint64, p packet.Protocol) (*unit, uint32) {
	b := s.index.home(hash)
	if m := b.match(tagOf(hash)); m != 0 {
		rec := b.recs[slotOf(m)]
		u := s.slabs[rec>>slabBits][rec&slabMask*2:][:2]
		if u[0][0] == w[0] && u[0][1] == w[1] && u[0][wordMeta]&(metaLive|metaProtocol) == metaLive|uint64(p) &&
			u[1][0] == w[2] && u[1][1] == w[3] && u[1][2] == w[4] {
			return &u[0], rec
		}
	} else if b.passed() == 0 {
		return nil, noRecord
	}
	return s.search6(hash, w, p)
}

// search6 is find6 for records that may lie anywhere.
func (s *store) search6(hash uint64, w *[5]uint64, p packet.Protocol) (*unit, uint32) {
	seg := s.index.segment(hash)
	tag := tagOf(hash)
	for i := seg.home(hash); ; i = seg.next(i) {
		b := seg.bucket(i)
		for m := b.match(tag); m != 0; m &= m - 1 {
			rec := b.recs[slotOf(m)]
			u := s.slabs[rec>>slabBits][rec&slabMask*2:][:2]
			if u[0][0] == w[0] && u[0][1] == w[1] && u[0][wordMeta]&(metaLive|metaProtocol) == metaLive|uint64(p) &&
				u[1][0] == w[2] && u[1][1] == w[3] && u[1][2] == w[4] {
				return &u[0], rec
			}
		}
		if b.passed() == 0 {
			return nil, noRecord
		}
	}
}

// add6 is add for IPv6.
func (s *store) add6(hash uint64, k *key) (uint32, bool) {
	rec := s.free
	if rec == noRecord {
		if s.size == noRecord {
			return 0, false
		}
		s.extend()
		rec = s.size
	}
	r := s.record(rec)
	if rec == s.size {
		s.size++
	} else {
		s.free = uint32(r[0][0])
	}
	*r = [2]unit{{k.w[0], k.w[1], 0, metaLive | uint64(k.proto)}, {k.w[2], k.w[3], k.w[4]}} // rehash needs it
	s.index.insert(hash, rec, s.rehash)
	return rec, true
}

// extend sees to it that there is memory for record s.size.
func (s *store) extend() {
	n := int(s.size >> slabBits)
	if n == len(s.slabs) {
		records := slabRecords
		if n == 0 {
			records = firstSlab
		}
		s.slabs = append(s.slabs, s.newSlab(records))
		if s.linux {
			s.memory = append(s.memory, make([]linuxMemory, records))
		}
	} else if at := int(s.size & slabMask); 2*at == len(s.slabs[n]) {
		s.slabs[n] = append(make([]unit, 0, 4*at), s.slabs[n]...)[:4*at]
		if s.linux {
			s.memory[n] = append(make([]linuxMemory, 0, 2*at), s.memory[n]...)[:2*at]
		}
	}
	s.bounds.reach(s.size)
}

// newSlab returns a slab of so many records. The slabs of large tables come from
// memory for many.
func (r *records) newSlab(records int) []unit {
	n := 2 * records
	if len(r.spare) < n {
		r.spare = newMemory[unit](n * min(max(len(r.slabs)/8, 1), 128))
	}
	slab := r.spare[:n:n]
	r.spare = r.spare[n:]
	clear(slab)
	return slab
}

// drop6 is drop for IPv6.
func (s *store) drop6(rec uint32) {
	s.index.remove(s.hashOf(rec), rec)
	*s.record(rec) = [2]unit{{uint64(s.free)}}
	s.free = rec
}

func (r *records) clone() records {
	c := *r
	c.index = r.index.clone()
	c.spare = nil
	c.slabs, c.memory = slices.Clone(r.slabs), slices.Clone(r.memory)
	for i := range c.slabs {
		c.slabs[i] = slices.Clone(r.slabs[i])
	}
	for i := range c.memory {
		c.memory[i] = slices.Clone(r.memory[i])
	}
	return c
}
