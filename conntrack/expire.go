package conntrack

import (
	"math"
	"time"
)

// Expire frees the memory of at most budget dead connections, and returns how
// many. It changes no answer: a dead connection is as good as gone wherever it
// is asked about. Commit sweeps a little on its own, so Expire matters where
// packets have stopped, or where Len should be exact.
func (t *Table) Expire(now time.Time, budget int) int {
	at := max(now.UnixNano(), t.now)
	t.now = at
	freed, _ := t.sweep(at, at, budget, all)
	return freed
}

// all is a budget that is never used up.
const all = math.MaxInt

// sweepSlack is how long a block may be due before Commit sweeps it. Deaths lie all
// over the buckets, in blocks of which one record dies at a time: at once, a sweep
// would look at 64 records for each dead one, and took 40 % of the time of a first
// packet.
const sweepSlack = int64(8 * time.Second)

// sweep frees dead connections, at most budget, in blocks that were due at that
// time, looking at no more than so many of them. done reports whether none are left.
func (t *Table) sweep(at, due int64, budget, blocks int) (freed int, done bool) {
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for ; s.bounds.first() <= due; blocks-- {
			if freed == budget || blocks == 0 {
				return freed, false
			}
			freed += t.sweepBlock(s, s.bounds.due(due), at, budget-freed)
		}
	}
	return freed, true
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
