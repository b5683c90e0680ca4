package conntrack

import (
	"math"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// A unit is 32 bytes of a record. An IPv4 connection takes one, an IPv6
// connection two, so that no record straddles a cache line:
//
//	unit 0:  key 0 | key 1 | expiry | meta         both families
//	unit 1:  key 2 | key 3 | key 4  | unused       IPv6
//
// expiry is in nanoseconds since 1970. The meta word:
//
//	63 ... 32   20       19     18       17       16        11 ... 8   7 ... 0
//	tag         simult.  asked  assured  replied  reversed  state      protocol
//
// A free record has state None, the number of the next free one in word 0, and
// an expiry that never comes.
type unit [4]uint64

const (
	wordExpiry = 2
	wordMeta   = 3

	metaState        = 0xf << stateShift
	metaReversed     = 1 << reversedShift // the original direction goes against the order of the key
	metaReplied      = 1 << replyShift
	metaAssured      = 1 << 18 // Linux
	metaAsked        = 1 << 19 // AWS, UDP: a request since the last reply
	metaSimultaneous = 1 << 20 // AWS, TCP: both sides have sent a SYN
	metaCapped       = 1 << 21 // AWS, TCP: picked up, and its first reply got no full timeout; see Retime

	stateShift    = 8
	reversedShift = 16
	replyShift    = 17

	never = math.MaxInt64
)

func metaOf(p packet.Protocol, s State, tag uint32) uint64 {
	return uint64(tag)<<32 | uint64(s)<<8 | uint64(p)
}

func stateOf(meta uint64) State { return State(meta >> 8 & 0xf) }

func withState(meta uint64, s State) uint64 { return meta&^metaState | uint64(s)<<8 }

func protocolOf(meta uint64) packet.Protocol { return packet.Protocol(meta) }

// A store holds the connections of one family.
type store struct {
	v6    bool
	hash  *hasher
	index index

	// Records lie in slabs of slabRecords. The first slab grows by copying,
	// so that small tables are small; the others are made whole.
	slabs  [][]unit
	births [][]uint32 // by record, when it was opened: the low bits of Table.births
	memory [][]linuxMemory
	linux  bool

	size   uint32 // records made so far, free ones included
	free   uint32 // first free record, or noRecord
	used   int
	aged   uint32 // the record that age looked at last
	bounds bounds
}

// linuxMemory is what the Linux profile keeps of a connection besides its record.
type linuxMemory struct {
	tcp    tcpMemory
	opened int64 // UDP: see udpStreamAge
}

const (
	slabBits    = 13
	slabRecords = 1 << slabBits
	slabMask    = slabRecords - 1
	firstSlab   = 64 // records
	noRecord    = math.MaxUint32
)

func newStore(v6, linux bool, h *hasher) store {
	return store{v6: v6, linux: linux, hash: h, free: noRecord, index: newIndex()}
}

// head returns the first unit of a record.
func (s *store) head(rec uint32) *unit {
	slab := s.slabs[rec>>slabBits]
	if s.v6 {
		return &slab[rec&slabMask*2]
	}
	return &slab[rec&slabMask]
}

// tail returns the second unit of an IPv6 record.
func (s *store) tail(rec uint32) *unit { return &s.slabs[rec>>slabBits][rec&slabMask*2+1] }

func (s *store) key(rec uint32) (k key) {
	u := s.head(rec)
	k.w[0], k.w[1] = u[0], u[1]
	if s.v6 {
		t := s.tail(rec)
		k.w[2], k.w[3], k.w[4], k.v6 = t[0], t[1], t[2], true
	}
	k.proto = protocolOf(u[wordMeta])
	k.reversed = u[wordMeta]&metaReversed != 0
	return k
}

func (s *store) zone(rec uint32) Zone {
	if s.v6 {
		return Zone(s.tail(rec)[2])
	}
	return Zone(s.head(rec)[1])
}

func (s *store) hashOf(rec uint32) uint64 {
	k := s.key(rec)
	return s.hash.hash(&k)
}

// rehash fills in the hashes of records. Nothing in the loop waits for what was
// read before, so that many records are on their way from memory at a time.
func (s *store) rehash(list []placed) {
	if s.v6 {
		for i := range list {
			u := s.slabs[list[i].rec>>slabBits][list[i].rec&slabMask*2:][:2]
			w := [5]uint64{u[0][0], u[0][1], u[1][0], u[1][1], u[1][2]}
			list[i].hash = s.hash.hash6(&w, protocolOf(u[0][wordMeta]))
		}
		return
	}
	for i := range list {
		u := &s.slabs[list[i].rec>>slabBits][list[i].rec&slabMask]
		list[i].hash = s.hash.hash4(u[0], u[1], protocolOf(u[wordMeta]))
	}
}

// find returns the record of the key, dead or alive, or noRecord.
func (s *store) find(hash uint64, k *key) uint32 {
	var rec uint32
	if k.v6 {
		_, rec = s.find6(hash, &k.w, k.proto)
	} else {
		_, rec = s.find4(hash, k.w[0], k.w[1], k.proto)
	}
	return rec
}

// find4 is find for IPv4, and returns the record's unit with its number.
//
// Nearly all lookups end with the first record of the first bucket. They have a
// way without loops, because the fewer instructions wait for memory, the more
// packets the processor works on at a time.
func (s *store) find4(hash, w0, w1 uint64, p packet.Protocol) (*unit, uint32) {
	seg := s.index.segment(hash)
	b := seg.bucket(seg.home(hash))
	if m := b.match(tagOf(hash)); m != 0 {
		rec := b.recs[slotOf(m)]
		u := &s.slabs[rec>>slabBits][rec&slabMask]
		if u[0] == w0 && u[1] == w1 && protocolOf(u[wordMeta]) == p {
			return u, rec
		}
	} else if b.passed() == 0 {
		return nil, noRecord
	}
	return s.search4(hash, w0, w1, p)
}

// search4 is find4 for records that may lie anywhere.
func (s *store) search4(hash, w0, w1 uint64, p packet.Protocol) (*unit, uint32) {
	seg := s.index.segment(hash)
	tag := tagOf(hash)
	for i := seg.home(hash); ; i = seg.next(i) {
		b := seg.bucket(i)
		for m := b.match(tag); m != 0; m &= m - 1 {
			rec := b.recs[slotOf(m)]
			u := &s.slabs[rec>>slabBits][rec&slabMask]
			if u[0] == w0 && u[1] == w1 && protocolOf(u[wordMeta]) == p {
				return u, rec
			}
		}
		if b.passed() == 0 {
			return nil, noRecord
		}
	}
}

// find6 is find for IPv6, and returns the record's first unit with its number.
func (s *store) find6(hash uint64, w *[5]uint64, p packet.Protocol) (*unit, uint32) {
	seg := s.index.segment(hash)
	b := seg.bucket(seg.home(hash))
	if m := b.match(tagOf(hash)); m != 0 {
		rec := b.recs[slotOf(m)]
		u := s.slabs[rec>>slabBits][rec&slabMask*2:][:2]
		if u[0][0] == w[0] && u[0][1] == w[1] && protocolOf(u[0][wordMeta]) == p &&
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
			if u[0][0] == w[0] && u[0][1] == w[1] && protocolOf(u[0][wordMeta]) == p &&
				u[1][0] == w[2] && u[1][1] == w[3] && u[1][2] == w[4] {
				return &u[0], rec
			}
		}
		if b.passed() == 0 {
			return nil, noRecord
		}
	}
}

// add makes a record for a key that has none. It reports false where there is
// no room for another.
func (s *store) add(hash uint64, k *key, birth uint32) (uint32, bool) {
	rec := s.free
	if rec == noRecord {
		if s.size == noRecord || !s.extend() {
			return 0, false
		}
		rec = s.size
	}
	u := s.head(rec)
	next := uint32(u[0])
	u[0], u[1] = k.w[0], k.w[1]
	u[wordMeta] = uint64(k.proto) // rehash needs it
	if s.v6 {
		*s.tail(rec) = unit{k.w[2], k.w[3], k.w[4]}
	}
	if !s.index.insert(hash, rec, s.rehash) {
		*u = unit{uint64(next), 0, never, 0}
		return 0, false
	}
	if rec == s.size {
		s.size++
	} else {
		s.free = next
	}
	s.births[rec>>slabBits][rec&slabMask] = birth
	s.used++
	return rec, true
}

// extend sees to it that there is memory for record s.size.
func (s *store) extend() bool {
	n := int(s.size >> slabBits)
	units := 1
	if s.v6 {
		units = 2
	}
	if n == len(s.slabs) {
		records := slabRecords
		if n == 0 {
			records = firstSlab
		}
		s.slabs = append(s.slabs, make([]unit, records*units))
		s.births = append(s.births, make([]uint32, records))
		if s.linux {
			s.memory = append(s.memory, make([]linuxMemory, records))
		}
	} else if at := int(s.size & slabMask); at == len(s.births[n]) {
		s.slabs[n] = append(make([]unit, 0, 2*at*units), s.slabs[n]...)[:2*at*units]
		s.births[n] = append(make([]uint32, 0, 2*at), s.births[n]...)[:2*at]
		if s.linux {
			s.memory[n] = append(make([]linuxMemory, 0, 2*at), s.memory[n]...)[:2*at]
		}
	}
	s.bounds.extend(s.size)
	return true
}

// birth returns when the record was opened, as a number before now.
func (s *store) birth(rec uint32) uint32 { return s.births[rec>>slabBits][rec&slabMask] }

// age keeps births comparable although they wrap: connections older than half
// their range all become that old. It looks at one record for each that is
// opened, which is often enough.
func (s *store) age(now uint32) {
	if s.size == 0 {
		return
	}
	if s.aged++; s.aged >= s.size {
		s.aged = 0
	}
	const oldest = 1 << 31
	if b := &s.births[s.aged>>slabBits][s.aged&slabMask]; now-*b > oldest {
		*b = now - oldest
	}
}

// drop frees a record.
func (s *store) drop(rec uint32) {
	s.index.remove(s.hashOf(rec), rec)
	*s.head(rec) = unit{uint64(s.free), 0, never, 0}
	s.free = rec
	s.used--
}

func (s *store) remembered(rec uint32) *linuxMemory {
	return &s.memory[rec>>slabBits][rec&slabMask]
}

// setExpiry sets when a record dies.
func (s *store) setExpiry(rec uint32, u *unit, at int64) {
	if at < int64(u[wordExpiry]) {
		s.bounds.lower(rec, at)
	}
	u[wordExpiry] = uint64(at)
}

// clone returns a deep copy that hashes with h.
func (s *store) clone(h *hasher) store {
	c := *s
	c.hash = h
	c.index = s.index.clone()
	c.slabs, c.births, c.memory = slices.Clone(s.slabs), slices.Clone(s.births), slices.Clone(s.memory)
	for i := range c.slabs {
		c.slabs[i] = slices.Clone(s.slabs[i])
		c.births[i] = slices.Clone(s.births[i])
		if s.linux {
			c.memory[i] = slices.Clone(s.memory[i])
		}
	}
	c.bounds = s.bounds.clone()
	return c
}
