package conntrack

import (
	"math"
	"slices"
	"time"
)

// Expire frees the memory of at most budget dead connections, and returns how
// many. It changes no answer, since a dead connection counts as gone everywhere.
// Commit frees them by itself before it takes more memory, so Expire matters only
// if Len has to be exact, or if a Commit at a maximum must not wait: after Expire
// it has less to look at.
//
// It looks at the table in blocks of 64 records, 32 for IPv6, and skips blocks in
// which no record can have died. A block in which all live on counts as one freed, so
// budget bounds the work as well. With [math.MaxInt] it frees all dead connections.
func (t *Table) Expire(now time.Time, budget int) (freed int) {
	at := t.clock(now)
	t.now = at
	for budget > 0 {
		n, ok := t.sweep(at, budget)
		if !ok {
			break
		}
		freed += n
		budget -= max(n, 1)
	}
	return freed
}

// unlimited is a budget that is never used up.
const unlimited = math.MaxInt

// sweep frees the dead of one block whose bound has come, at most budget. It reports
// false if there is no such block: nothing is dead.
func (t *Table) sweep(at int64, budget int) (freed int, ok bool) {
	for _, s := range [...]*store{&t.v4, &t.v6} {
		if s.bounds.first() <= at {
			return t.sweepBlock(s, s.bounds.due(at), at, budget), true
		}
	}
	return 0, false
}

// sweepBlock frees the dead of a block whose bound has come, at most budget, and
// corrects the bound.
func (t *Table) sweepBlock(s *store, block uint32, at int64, budget int) int {
	freed := 0
	low := int64(math.MaxInt64)
	first := block << boundBits
	for place, u := range s.block(first) {
		expiry := int64(u[wordExpiry])
		switch {
		case expiry > at:
			low = min(low, expiry)
		case freed == budget:
			return freed // the bound still holds
		default:
			t.end(s, first+place, true)
			freed++
		}
	}
	s.bounds.set(block, low)
	return freed
}

// prepare makes the segment of a hash ready for one more record: it reclaims one that is
// full, and settles one that lost a quarter of its places' worth of records.
func (t *Table) prepare(s *store, hash uint64, at int64) {
	if len(s.segments) == 0 {
		return
	}
	if s.full(s.segment(hash).id) {
		t.reclaim(s, hash, at)
	}
	g := s.segment(hash)
	if s.segments[g.id].dropped > uint32(len(g.buckets))*bucketUnits/s.units/4 {
		s.settle(g.id)
	}
}

// reclaim frees the dead connections of a segment that would otherwise have to grow
// for the next one. Their memory is not needed before: freeing them as they died,
// one of a block at a time, took a fifth of the time of a first packet.
func (t *Table) reclaim(s *store, hash uint64, at int64) {
	g := s.segment(hash)
	records := s.segments[g.id].entries
	first := g.id << (unitBits - boundBits)
	for block := range uint32((len(g.buckets)*bucketUnits + groupSize - 1) >> boundBits) {
		if s.bounds[0][first+block] <= at {
			t.sweepBlock(s, first+block, at, unlimited)
		}
	}
	if freed := records - s.segments[g.id].entries; freed < records/8 {
		s.grow(hash) // else it would soon be full again
	}
}

// bounds find dead records without looking at live ones. For every 64 records,
// level 0 has a time before which none of them dies. Level 1 has the same for
// every 64 entries of level 0, and so on up to a level of one entry.
//
// A refresh postpones a death and leaves the bounds as they are, too early, which
// costs nothing on the packet path. A search that finds no dead record there
// corrects the bound.
type bounds [levels][]int64

const (
	boundBits = 6
	groupSize = 1 << boundBits
	levels    = 6 // enough for all record numbers: 32 bits
)

// reach makes room for records up to rec.
func (b *bounds) reach(rec uint32) {
	for l := range b {
		rec >>= boundBits
		for len(b[l]) <= int(rec) {
			b[l] = append(b[l], never)
		}
	}
}

// lower records that the record may die at that time.
func (b *bounds) lower(rec uint32, at int64) {
	for l := range b {
		rec >>= boundBits
		if b[l][rec] <= at {
			return
		}
		b[l][rec] = at
	}
}

// first returns the bound of all records.
func (b *bounds) first() int64 {
	if top := b[levels-1]; len(top) > 0 {
		return top[0]
	}
	return never
}

// due returns a block of 64 records whose bound has come. There is one if the
// time of first has come.
func (b *bounds) due(now int64) uint32 {
	i := 0
	for l := levels - 1; ; l-- {
		for b[l][i] > now {
			i++
		}
		if l == 0 {
			return uint32(i)
		}
		i <<= boundBits
	}
}

// set corrects the bound of a block, and those above.
func (b *bounds) set(block uint32, at int64) {
	b[0][block] = at
	for l := 1; l < levels; l++ {
		first := int(block &^ (groupSize - 1))
		block >>= boundBits
		b[l][block] = slices.Min(b[l-1][first:min(first+groupSize, len(b[l-1]))])
	}
}

func (b *bounds) clone() (c bounds) {
	for l := range b {
		c[l] = slices.Clone(b[l])
	}
	return c
}
