package conntrack

import (
	"math"
	"slices"
	"time"
)

// Expire frees the memory of at most budget dead connections, and returns how
// many. It changes no answer: a dead connection is as good as gone wherever it
// is asked about. Commit frees them on its own before it takes more memory, so
// Expire matters where Len should be exact, and where zones share a maximum while
// others are flooded. A Commit at such a maximum has to free the dead of other zones
// until it comes to one of its own: each once, in 40 ns over IPv4 and 55 over IPv6,
// so that 2 million which nobody freed before make one Commit take 0.1 s. No other
// call frees more than the dead of one segment, some 4,600. Whoever cannot wait calls
// Expire between packets.
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

// sweepSome frees the dead of a few blocks, so that a zone at a maximum that it shares
// finds few of others before its own.
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

// reclaim frees the dead connections of a segment that would otherwise have to grow
// for the next one. Their memory is wanted then and not before: freed as they died,
// one of a block at a time, they took a fifth of the time of a first packet.
func (t *Table) reclaim(s *store, hash uint64, at int64) {
	g := s.segment(hash)
	if len(s.segments) == 0 || !s.full(g.id) {
		return
	}
	records := s.segments[g.id].entries
	first := g.id << (unitBits - boundBits)
	for block := range uint32((len(g.buckets)*bucketUnits + groupMask) >> boundBits) {
		if *s.bounds[0].at(int(first + block)) <= at {
			t.sweepBlock(s, first+block, at, unlimited)
		}
	}
	if freed := records - s.segments[g.id].entries; freed < records/8 {
		s.grow(hash) // or it would soon be full again
	}
}

// bounds find dead records without looking at the living. Level 0 has for every
// 64 records a time before which none of them dies, level 1 the same for 64
// entries of level 0, and so on up to a level of one entry.
//
// A refresh moves a death into the future and leaves the bounds as they are, too
// early, which costs nothing on the packet path. Whoever looks for the dead and
// finds the living there corrects the bound.
type bounds []boundLevel

// A boundLevel is a list that grows without being copied.
type boundLevel [][]int64

const (
	boundBits  = 6
	chunkBits  = 9
	chunkMask  = 1<<chunkBits - 1
	groupMask  = 1<<boundBits - 1
	groupInts  = 1 << boundBits
	chunkGroup = chunkMask &^ groupMask
)

func (l boundLevel) at(i int) *int64 { return &l[i>>chunkBits][i&chunkMask] }

// group returns the up to 64 bounds below entry i of the next level.
func (l boundLevel) group(i int) []int64 {
	i <<= boundBits
	chunk := l[i>>chunkBits]
	first := i & chunkGroup
	return chunk[first:min(first+groupInts, len(chunk))]
}

func (l *boundLevel) len() int {
	n := len(*l)
	if n == 0 {
		return 0
	}
	return (n-1)<<chunkBits + len((*l)[n-1])
}

func (l *boundLevel) append(at int64) {
	n := len(*l)
	if n == 0 || len((*l)[n-1]) == 1<<chunkBits {
		*l = append(*l, nil)
		if n++; n > 1 {
			(*l)[n-1] = make([]int64, 0, 1<<chunkBits)
		}
	}
	(*l)[n-1] = append((*l)[n-1], at)
}

// blocks returns the number of blocks of 64 records that there is room for.
func (b bounds) blocks() int {
	if len(b) == 0 {
		return 0
	}
	return b[0].len()
}

// reach makes room for records up to rec.
func (b *bounds) reach(rec uint32) {
	for block := b.blocks(); block <= int(rec>>boundBits); block++ {
		b.extend(block)
	}
}

// extend makes room for the next block of records.
func (b *bounds) extend(block int) {
	for level, i := 0, block; ; level, i = level+1, i>>boundBits {
		if level == len(*b) {
			*b = append(*b, nil)
			if level > 0 { // the one entry below is all there was
				(*b)[level].append(*(*b)[level-1].at(0))
			}
		}
		if i < (*b)[level].len() {
			return
		}
		(*b)[level].append(never)
		if i == 0 {
			return
		}
	}
}

// lower notes that the record may die at that time.
func (b bounds) lower(rec uint32, at int64) {
	i := int(rec >> boundBits)
	for _, level := range b {
		entry := level.at(i)
		if *entry <= at {
			return
		}
		*entry = at
		i >>= boundBits
	}
}

// first returns the bound of all records.
func (b bounds) first() int64 {
	if len(b) == 0 {
		return never
	}
	return b[len(b)-1][0][0]
}

// due returns a block of 64 records whose bound has come. There is one if first
// has come.
func (b bounds) due(now int64) uint32 {
	i := 0
	for l := len(b) - 1; ; l-- {
		for *b[l].at(i) > now {
			i++
		}
		if l == 0 {
			return uint32(i)
		}
		i <<= boundBits
	}
}

// set corrects the bound of a block, and those above.
func (b bounds) set(block uint32, at int64) {
	i := int(block)
	*b[0].at(i) = at
	for l := 1; l < len(b); l++ {
		i >>= boundBits
		low := int64(never)
		for _, at := range b[l-1].group(i) {
			low = min(low, at)
		}
		*b[l].at(i) = low
	}
}

func (b bounds) clone() bounds {
	c := slices.Clone(b)
	for i := range c {
		c[i] = slices.Clone(b[i])
		for j := range c[i] {
			c[i][j] = slices.Clone(b[i][j])
		}
	}
	return c
}
