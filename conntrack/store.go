package conntrack

import (
	"iter"
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
//	63 ... 32  31 ... 22  20       19     18       17       16        12    11 ... 8  7 ... 0
//	tag        passed     simult.  asked  assured  replied  reversed  live  state     protocol
//
// live is zero in a free record. passed belongs to a bucket, and only its first
// unit has it, live or not. It counts the records that belong there or before,
// found no room, and lie further on. A lookup may stop at a bucket where it is
// zero.
type unit [4]uint64

const (
	wordExpiry = 2
	wordMeta   = 3

	metaProtocol     = 0xff
	metaState        = 0xf << stateShift
	metaLive         = 1 << 12
	metaReplied      = 1 << replyShift
	metaAssured      = 1 << 18 // Linux
	metaAsked        = 1 << 19 // AWS, UDP: a request since the last reply
	metaSimultaneous = 1 << 20 // AWS, TCP: both sides have sent a SYN
	metaPassed       = 0x3ff << 22
	metaPassedOne    = 1 << 22

	stateShift    = 8
	reversedShift = 16 // of a bit: the original direction goes against the order of the key
	replyShift    = 17

	never = math.MaxInt64
)

func metaOf(p packet.Protocol, s State, tag uint32) uint64 {
	return uint64(tag)<<32 | metaLive | uint64(s)<<stateShift | uint64(p)
}

func stateOf(meta uint64) State { return State(meta & metaState >> stateShift) }

func withState(meta uint64, s State) uint64 { return meta&^metaState | uint64(s)<<stateShift }

func protocolOf(meta uint64) packet.Protocol { return packet.Protocol(meta) }

// A store holds the connections of one family in an extendible hash table: the top
// bits of the hash choose a segment from the directory, the middle ones a bucket of
// the segment.
//
//	hash  63 ... 40   39 ... 8
//	      directory   bucket
//
// Records lie in the buckets themselves, so a lookup waits for memory only once. The
// families differ only in the size of records and in how keys are compared.
//
// A record has a number, which is valid until its segment moves: the number of the
// segment, then that of its first unit in it.
type store struct {
	v6    bool
	units uint32 // of a record: 1, for IPv6 2
	linux bool
	hash  *hasher

	dir      []segment // 1<<depth, depth at least 1
	shift    uint      // 64 - depth
	segments []segmentInfo
	arena    arena

	used   int
	bounds bounds
}

// A bucket is 128 bytes, two cache lines, which processors tend to fetch
// together. It holds four IPv4 records or two IPv6 ones.
type bucket [bucketUnits]unit

// A segment holds the part of a segment that a lookup needs. Several directory
// entries may hold the same one.
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
	dropped uint32 // records, since the segment was settled or moved
	prefix  uint64 // the first bits of the hash, which all its records share,
	depth   uint8  // and how many
}

const (
	bucketUnits = 4

	unitBits = 13 // of the number of a unit in its segment
	unitMask = 1<<unitBits - 1
)

// noBuckets is the bucket of all empty tables, so that a lookup need not check for nil.
var noBuckets [1]bucket

func newStore(v6, linux bool, h *hasher) store {
	s := store{v6: v6, units: 1, linux: linux, hash: h, shift: 63}
	if v6 {
		s.units = 2
	}
	empty := segment{buckets: noBuckets[:]}
	s.dir = []segment{empty, empty}
	return s
}

func (s *store) segment(hash uint64) *segment { return &s.dir[hash>>(s.shift&63)] }

// home returns the bucket where the hash belongs.
func home(list []bucket, hash uint64) uint32 {
	return uint32(uint64(uint32(hash>>8)) * uint64(len(list)) >> 32)
}

// next returns the bucket after i, wrapping around at the end.
func next(list []bucket, i uint32) uint32 {
	if i++; i == uint32(len(list)) {
		return 0
	}
	return i
}

// home returns the bucket where the hash belongs, and the number of its first unit.
func (s *store) home(hash uint64) (*bucket, uint32) {
	g := s.segment(hash)
	i := home(g.buckets, hash)
	return &g.buckets[i], g.id<<unitBits | i*bucketUnits
}

// find returns the first unit of the key's record, dead or alive, and its number;
// nil if there is none.
func (s *store) find(hash uint64, k *key) (*unit, uint32) {
	if s.v6 {
		return s.find6(hash, &k.w, k.proto)
	}
	return s.find4(hash, k.w[0], k.w[1], k.proto)
}

// find4 is find for IPv4. Nearly all lookups end in the first bucket. The protocol is
// compared last: comparing it along with the words, for all records, made a hit among
// a million connections take twice as long.
func (s *store) find4(hash, w0, w1 uint64, p packet.Protocol) (*unit, uint32) {
	b, rec := s.home(hash)
	at := match4(b, w0, w1)
	if at < bucketUnits && b[at].is(p) {
		return &b[at], rec + uint32(at)
	}
	if at == bucketUnits && b[0][wordMeta]&metaPassed == 0 {
		return nil, 0
	}
	return s.search(hash, &key{w: [5]uint64{w0, w1}, proto: p})
}

// find6 is find for IPv6.
func (s *store) find6(hash uint64, w *[5]uint64, p packet.Protocol) (*unit, uint32) {
	b, rec := s.home(hash)
	at := match6(b, w)
	if at < bucketUnits && b[at].is(p) {
		return &b[at], rec + uint32(at)
	}
	if at == bucketUnits && b[0][wordMeta]&metaPassed == 0 {
		return nil, 0
	}
	return s.search(hash, &key{w: *w, proto: p})
}

// search is find for a record that may lie outside its own bucket, or beside one that
// differs from it only in the protocol.
func (s *store) search(hash uint64, k *key) (*unit, uint32) {
	g := s.segment(hash)
	i := home(g.buckets, hash)
	for range g.buckets {
		b := &g.buckets[i]
		for at := uint32(0); at < bucketUnits; at += s.units {
			u := &b[at]
			if u[0] == k.w[0] && u[1] == k.w[1] && u.is(k.proto) && (!s.v6 || [3]uint64(b[at|1][:3]) == [3]uint64(k.w[2:])) {
				return u, g.id<<unitBits | i*bucketUnits + at
			}
		}
		if b[0][wordMeta]&metaPassed == 0 {
			break
		}
		i = next(g.buckets, i)
	}
	return nil, 0
}

// is reports whether the unit belongs to a live record of the protocol.
func (u *unit) is(p packet.Protocol) bool {
	return u[wordMeta]&(metaLive|metaProtocol) == metaLive|uint64(p)
}

// match4 returns which unit of a bucket has the words, bucketUnits if none has.
//
// It compares all four without a branch. Which one matches cannot be predicted,
// and a wrong guess would discard the work on later packets that goes on while
// this one waits for memory. Inlined, it would have branches, since the compiler
// makes no conditional moves of values that become addresses.
//
//go:noinline
func match4(b *bucket, w0, w1 uint64) uint64 {
	at := uint64(bucketUnits)
	if (b[3][0]^w0)|(b[3][1]^w1) == 0 {
		at = 3
	}
	if (b[2][0]^w0)|(b[2][1]^w1) == 0 {
		at = 2
	}
	if (b[1][0]^w0)|(b[1][1]^w1) == 0 {
		at = 1
	}
	if (b[0][0]^w0)|(b[0][1]^w1) == 0 {
		at = 0
	}
	return at
}

// match6 is match4 for IPv6.
//
//go:noinline
func match6(b *bucket, w *[5]uint64) uint64 {
	at := uint64(bucketUnits)
	if (b[2][0]^w[0])|(b[2][1]^w[1])|(b[3][0]^w[2])|(b[3][1]^w[3])|(b[3][2]^w[4]) == 0 {
		at = 2
	}
	if (b[0][0]^w[0])|(b[0][1]^w[1])|(b[1][0]^w[2])|(b[1][1]^w[3])|(b[1][2]^w[4]) == 0 {
		at = 0
	}
	return at
}

// add makes a record for a key that has none. It reports false if there is no
// room.
func (s *store) add(hash uint64, k *key) (rec uint32, ok bool) {
	id, ok := s.makeRoom(hash)
	if !ok {
		return 0, false
	}
	info := &s.segments[id]
	at := s.place(info.buckets, hash)
	b := &info.buckets[at/bucketUnits]
	u := &b[at%bucketUnits]
	u[0], u[1] = k.w[0], k.w[1]
	u[wordMeta] |= metaLive | uint64(k.proto)
	if s.v6 {
		b[at%bucketUnits|1] = unit{k.w[2], k.w[3], k.w[4]}
	}
	info.entries++
	s.used++
	return id<<unitBits | at, true
}

// place returns the first free place for a record from the hash's home on, and
// records in the buckets before it that it passed them. There is one: segments are
// never full.
func (s *store) place(list []bucket, hash uint64) uint32 {
	for i := home(list, hash); ; i = next(list, i) {
		b := &list[i]
		if at, ok := s.free(b); ok {
			return i*bucketUnits + at
		}
		if b[0][wordMeta]&metaPassed != metaPassed {
			b[0][wordMeta] += metaPassedOne
		} // else it stays, and some lookups go on in vain
	}
}

// free returns the first free place of a bucket.
func (s *store) free(b *bucket) (at uint32, ok bool) {
	for at = 0; at < bucketUnits; at += s.units {
		if b[at][wordMeta]&metaLive == 0 {
			return at, true
		}
	}
	return 0, false
}

// drop frees a record.
func (s *store) drop(rec uint32) {
	info := &s.segments[rec>>unitBits]
	at := rec % bucketUnits
	own := home(info.buckets, s.hashAt(&info.buckets[rec&unitMask/bucketUnits], at))
	vacate(info.buckets, own, rec&unitMask)
	info.entries--
	info.dropped++
	s.used--
}

// vacate frees a place. The buckets from a given one up to that of the place are no longer
// passed by its record.
func vacate(list []bucket, from, place uint32) {
	last := place / bucketUnits
	for i := from; i != last; i = next(list, i) {
		if first := &list[i][0]; first[wordMeta]&metaPassed != metaPassed {
			first[wordMeta] -= metaPassedOne
		}
	}
	u := &list[last][place%bucketUnits]
	*u = unit{wordMeta: u[wordMeta] & metaPassed}
}

// keyAt returns the key of the record in a place of the bucket.
func (s *store) keyAt(b *bucket, at uint32) (k key) {
	u := &b[at]
	k.w[0], k.w[1] = u[0], u[1]
	if s.v6 {
		more := &b[at|1]
		k.w[2], k.w[3], k.w[4], k.v6 = more[0], more[1], more[2], true
	}
	k.proto = protocolOf(u[wordMeta])
	k.reversed = u[wordMeta] >> reversedShift & 1
	return k
}

// hashAt returns the hash of the record in a place of the bucket.
func (s *store) hashAt(b *bucket, at uint32) uint64 {
	k := s.keyAt(b, at)
	return s.hash.hash(&k)
}

// bucket returns the bucket of a record.
func (s *store) bucket(rec uint32) *bucket {
	return &s.segments[rec>>unitBits].buckets[rec&unitMask/bucketUnits]
}

// head returns the first unit of a record.
func (s *store) head(rec uint32) *unit { return &s.bucket(rec)[rec%bucketUnits] }

func (s *store) key(rec uint32) key { return s.keyAt(s.bucket(rec), rec%bucketUnits) }

func (s *store) zone(rec uint32) Zone { k := s.key(rec); return k.zone() }

// linuxMemory is what the Linux profile keeps for a connection besides its record.
type linuxMemory struct {
	tcp    tcpMemory
	opened int64 // UDP: see udpStreamAge
}

func (s *store) remembered(rec uint32) *linuxMemory {
	return &s.segments[rec>>unitBits].memory[rec&unitMask/s.units]
}

// records yields the records of all connections, dead ones not yet swept among them.
// The loop may drop records and must not add any.
func (t *Table) records() iter.Seq2[*store, uint32] {
	return func(yield func(*store, uint32) bool) {
		for _, s := range [...]*store{&t.v4, &t.v6} {
			for id := range s.segments {
				for at := range s.taken(s.segments[id].buckets) {
					if !yield(s, uint32(id)<<unitBits|at) {
						return
					}
				}
			}
		}
	}
}

// block yields the records among 64 consecutive units, for bounds, by their
// places from the first on.
func (s *store) block(first uint32) iter.Seq2[uint32, *unit] {
	list := s.segments[first>>unitBits].buckets
	list = list[min(int(first&unitMask/bucketUnits), len(list)):] // the segment may have been larger
	return s.taken(list[:min(groupSize/bucketUnits, len(list))])
}

// taken yields the places in buckets that hold records, from 0 on, and the records'
// first units.
func (s *store) taken(list []bucket) iter.Seq2[uint32, *unit] {
	return func(yield func(uint32, *unit) bool) {
		for i := range list {
			for at := uint32(0); at < bucketUnits; at += s.units {
				if u := &list[i][at]; u[wordMeta]&metaLive != 0 && !yield(uint32(i*bucketUnits)+at, u) {
					return
				}
			}
		}
	}
}

// setMeta gives a connection its first meta word.
func (u *unit) setMeta(meta uint64) { u[wordMeta] = u[wordMeta]&metaPassed | meta }

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
	c.bounds, c.arena = s.bounds.clone(), arena{}
	c.dir, c.segments = slices.Clone(s.dir), slices.Clone(s.segments)
	for i := range c.segments {
		info := &c.segments[i]
		c.allot(info, uint32(i), uint32(len(info.buckets)))
		copy(info.buckets, s.segments[i].buckets)
		copy(info.memory, s.segments[i].memory)
		c.point(uint32(i), c.copies(uint32(i)))
	}
	return c
}
