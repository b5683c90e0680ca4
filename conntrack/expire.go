package conntrack

import (
	"math"
	"time"
)

// Expire frees the memory of at most budget dead connections, and returns how
// many. It changes no answer: a dead connection is as good as gone wherever it
// is asked about. Commit frees them on its own before it takes more memory, so
// Expire matters where Len should be exact, and where zones share a maximum while
// others are flooded: one at its maximum may have to free the dead of all of them
// first. 2 million took 1.7 s over IPv4 and 4.1 s over IPv6.
func (t *Table) Expire(now time.Time, budget int) int {
	at := t.clock(now)
	t.now = at
	return t.sweep(at, budget)
}

// unlimited is a budget that is never used up.
const unlimited = math.MaxInt

// sweep frees dead connections, at most budget.
func (t *Table) sweep(at int64, budget int) (freed int) {
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for freed < budget && s.bounds.first() <= at {
			freed += t.sweepBlock(s, s.bounds.due(at), at, budget-freed)
		}
	}
	return freed
}

// sweepSome frees the dead of a few blocks. Where zones share a maximum, a zone at it
// finds its own dead only behind those of all others.
func (t *Table) sweepSome(at int64) {
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for n := 0; n < 2 && s.bounds.first() <= at; n++ {
			t.sweepBlock(s, s.bounds.due(at), at, unlimited)
		}
	}
}

// sweepBlock frees the dead of a block whose bound has come, at most budget, and
// corrects the bound.
func (t *Table) sweepBlock(s *store, block uint32, at int64, budget int) int {
	freed := 0
	low := int64(math.MaxInt64)
	for rec, u := range s.block(block << boundBits) {
		expiry := int64(u[wordExpiry])
		switch {
		case expiry > at:
			low = min(low, expiry)
		case freed == budget:
			return freed // the bound still holds
		default:
			t.end(s, rec, true)
			freed++
		}
	}
	s.bounds.set(block, low)
	return freed
}

// reclaim frees dead connections where the next one would otherwise make the store
// grow, of IPv6 where no freed record is left. Their memory is wanted then and not
// before: freed as they died, one of a block at a time, they took a fifth of the time
// of a first packet.
func (t *Table) reclaim(s *store, hash uint64, at int64) {
	if s.v6 {
		t.reclaim6(at)
		return
	}
	g := s.segment(hash)
	if len(s.segments) == 0 || !s.full(g.id) {
		return
	}
	freed := 0
	first := g.id << (slotBits - boundBits)
	for block := range uint32((len(g.buckets)*bucketSlots + groupMask) >> boundBits) {
		if *s.bounds[0].at(int(first + block)) <= at {
			freed += t.sweepBlock(s, first+block, at, unlimited)
		}
	}
	if freed < len(g.buckets)*bucketSlots/8 {
		s.grow(hash) // or it would soon be full again
	}
}

const (
	// reclaimBlocks bounds the work of one insert: about as much as moving a
	// segment of the index.
	reclaimBlocks = 64

	// reclaimSlack is how long a block of IPv6 records must have been due. Deaths
	// lie all over the blocks, so that one that has just come due has one to free.
	reclaimSlack = int64(8 * time.Second)
)

// reclaim6 is reclaim for IPv6, whose records are taken from anywhere.
func (t *Table) reclaim6(at int64) {
	due := max(at, math.MinInt64+reclaimSlack) - reclaimSlack
	for n := 0; n < reclaimBlocks && t.v6.free == noRecord && t.v6.bounds.first() <= due; n++ {
		t.sweepBlock(&t.v6, t.v6.bounds.due(due), at, unlimited)
	}
}
