package conntrack

import (
	"iter"
	"math"

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
// live is zero in a free record. passed belongs to a bucket of IPv4 records, and
// only its first has it, live or not: it counts the records that would have liked
// to be there or before, found no room, and lie further on. A lookup may stop at a
// bucket where it is zero.
type unit [4]uint64

const (
	wordExpiry = 2
	wordMeta   = 3

	metaProtocol     = 0xff
	metaState        = 0xf << stateShift
	metaLive         = 1 << 12
	metaReversed     = 1 << reversedShift // the original direction goes against the order of the key
	metaReplied      = 1 << replyShift
	metaAssured      = 1 << 18 // Linux
	metaAsked        = 1 << 19 // AWS, UDP: a request since the last reply
	metaSimultaneous = 1 << 20 // AWS, TCP: both sides have sent a SYN
	metaPassed       = 0x3ff << 22
	metaPassedOne    = 1 << 22

	stateShift    = 8
	reversedShift = 16
	replyShift    = 17

	never = math.MaxInt64
)

func metaOf(p packet.Protocol, s State, tag uint32) uint64 {
	return uint64(tag)<<32 | metaLive | uint64(s)<<stateShift | uint64(p)
}

func stateOf(meta uint64) State { return State(meta & metaState >> stateShift) }

func withState(meta uint64, s State) uint64 { return meta&^metaState | uint64(s)<<stateShift }

func protocolOf(meta uint64) packet.Protocol { return packet.Protocol(meta) }

// A store holds the connections of one family: in buckets for IPv4, and as records
// with an index for IPv6.
type store struct {
	v6    bool
	linux bool
	hash  *hasher
	buckets
	records

	used   int
	bounds bounds
}

// linuxMemory is what the Linux profile keeps of a connection besides its record.
type linuxMemory struct {
	tcp    tcpMemory
	opened int64 // UDP: see udpStreamAge
}

const noRecord = math.MaxUint32

func newStore(v6, linux bool, h *hasher) store {
	return store{v6: v6, linux: linux, hash: h, buckets: newBuckets(), records: newRecords()}
}

// head returns the first unit of a record.
func (s *store) head(rec uint32) *unit {
	if s.v6 {
		return &s.record(rec)[0]
	}
	return &s.segments[rec>>slotBits].buckets[rec&slotMask/bucketSlots][rec%bucketSlots]
}

func (s *store) remembered(rec uint32) *linuxMemory {
	if s.v6 {
		return &s.records.memory[rec>>slabBits][rec&slabMask]
	}
	return &s.segments[rec>>slotBits].memory[rec&slotMask]
}

// all yields the records of all connections, dead ones not yet swept among them.
// The loop may drop records and must not add any.
func (s *store) all() iter.Seq2[uint32, *unit] {
	return func(yield func(uint32, *unit) bool) {
		for block := range s.bounds.blocks() {
			for rec, u := range s.block(uint32(block) << boundBits) {
				if !yield(rec, u) {
					return
				}
			}
		}
	}
}

// block yields the records among 64 that follow each other in number, for bounds.
func (s *store) block(first uint32) iter.Seq2[uint32, *unit] {
	return func(yield func(uint32, *unit) bool) {
		if s.v6 {
			for rec := first; rec < min(s.size, first+groupInts); rec++ {
				if u := &s.record(rec)[0]; u[wordMeta]&metaLive != 0 && !yield(rec, u) {
					return
				}
			}
			return
		}
		list := s.segments[first>>slotBits].buckets
		list = list[min(int(first&slotMask/bucketSlots), len(list)):] // the segment may have been larger
		for i := range list[:min(groupInts/bucketSlots, len(list))] {
			for slot := range bucketSlots {
				if u := &list[i][slot]; u[wordMeta]&metaLive != 0 && !yield(first+uint32(i*bucketSlots+slot), u) {
					return
				}
			}
		}
	}
}

func (s *store) key(rec uint32) (k key) {
	u := s.head(rec)
	k.w[0], k.w[1] = u[0], u[1]
	if s.v6 {
		t := &s.record(rec)[1]
		k.w[2], k.w[3], k.w[4], k.v6 = t[0], t[1], t[2], true
	}
	k.proto = protocolOf(u[wordMeta])
	k.reversed = u[wordMeta]&metaReversed != 0
	return k
}

func (s *store) zone(rec uint32) Zone {
	if s.v6 {
		return Zone(s.record(rec)[1][2])
	}
	return Zone(s.head(rec)[1])
}

func (s *store) hashOf(rec uint32) uint64 {
	k := s.key(rec)
	return s.hash.hash(&k)
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

// add makes a record for a key that has none. It reports false where there is
// no room for another.
func (s *store) add(hash uint64, k *key) (rec uint32, ok bool) {
	if s.v6 {
		rec, ok = s.add6(hash, k)
	} else {
		rec, ok = s.add4(hash, k)
	}
	if ok {
		s.used++
	}
	return rec, ok
}

// drop frees a record.
func (s *store) drop(rec uint32) {
	if s.v6 {
		s.drop6(rec)
	} else {
		s.drop4(rec)
	}
	s.used--
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
	c.buckets, c.records, c.bounds = s.buckets.clone(), s.records.clone(), s.bounds.clone()
	return c
}
