package conntrack

// Sizes of segments, in buckets and pages. Small segments double until they have
// the least number of pages; then they grow by half, and a segment of the largest
// size becomes two of the least size. So a large table has between 0.54 and 0.81
// of its places in use, and between 0.46 and 0.69 for IPv6. Smaller steps would save
// memory and cost time, since each step moves all records of the segment.
const (
	leastBuckets = 4
	pageBuckets  = 128
	leastPages   = 6
	mostPages    = 9
	mostSegments = 1 << (32 - unitBits) // as many as record numbers allow

	// arenaFrom is how many connections make an arena worthwhile: fewer leave
	// little garbage.
	arenaFrom = 1 << 16
)

// fullAt is the most records that a segment of so many buckets holds: 13/16 of its
// places, and 11/16 for IPv6. With more, too many would lie outside their own bucket,
// which overflows sooner with the two places for IPv6 than with four.
func (s *store) fullAt(buckets uint32) uint32 {
	return buckets * bucketUnits / s.units * (15 - 2*s.units) / 16
}

// full reports whether the segment has to grow before it takes another record.
func (s *store) full(id uint32) bool {
	info := &s.segments[id]
	return info.entries >= s.fullAt(uint32(len(info.buckets)))
}

// makeRoom returns the segment of the hash with room for one more record. It
// reports false if there are no more numbers for segments.
func (s *store) makeRoom(hash uint64) (id uint32, ok bool) {
	if len(s.segments) == 0 {
		s.newSegment(0, 0, leastBuckets)
		s.point(0, s.dir)
	}
	for s.full(s.segment(hash).id) {
		if !s.grow(hash) {
			return 0, false
		}
	}
	return s.segment(hash).id, true
}

// grow makes room in the segment of the hash. It reports false as makeRoom does.
func (s *store) grow(hash uint64) bool {
	id := s.segment(hash).id
	n := uint32(len(s.segments[id].buckets))
	switch {
	case n < leastPages*pageBuckets:
		s.resize(id, min(2*n, leastPages*pageBuckets))
	case n < mostPages*pageBuckets:
		s.resize(id, mostPages*pageBuckets)
	case len(s.segments) == mostSegments:
		return false
	default:
		s.split(id)
	}
	return true
}

// newSegment makes a segment for hashes that begin with the first depth bits of
// prefix. No directory entry leads to it yet.
func (s *store) newSegment(prefix uint64, depth uint8, n uint32) uint32 {
	id := uint32(len(s.segments))
	s.segments = append(s.segments, segmentInfo{prefix: prefix, depth: depth})
	s.allot(&s.segments[id], id, n)
	return id
}

// allot gives the segment memory for so many buckets, all free.
func (s *store) allot(info *segmentInfo, id, n uint32) {
	info.buckets, info.span = nil, span{}
	if s.used < arenaFrom {
		info.buckets = make([]bucket, n)
	} else {
		info.span = s.arena.take(n / pageBuckets)
		info.buckets = s.arena.buckets(info.span)
	}
	if s.linux {
		info.memory = make([]linuxMemory, n*bucketUnits/s.units)
	}
	s.bounds.reach(id<<unitBits | (n*bucketUnits - 1))
}

// resize moves the records of a segment to memory for so many buckets.
func (s *store) resize(id, n uint32) {
	old := s.segments[id]
	s.allot(&s.segments[id], id, n)
	s.move(&old, 0, id, id)
	s.point(id, s.copies(id))
}

// split divides a segment of full size by the next bit of the hash.
func (s *store) split(low uint32) {
	all := s.copies(low)
	if len(all) == 1 {
		s.dir, s.shift = doubled(s.dir), s.shift-1
		all = s.copies(low)
	}
	old := s.segments[low]
	bit := uint64(1) << (63 - old.depth)
	n := s.countBit(&old, bit)
	high := s.newSegment(old.prefix|bit, old.depth+1, s.halfOf(n))
	s.allot(&s.segments[low], low, s.halfOf(old.entries-n))
	s.segments[low].depth++
	s.move(&old, bit, low, high)
	s.point(low, all[:len(all)/2])
	s.point(high, all[len(all)/2:])
}

// countBit returns how many records of a segment have the bit in their hash.
func (s *store) countBit(info *segmentInfo, bit uint64) (n uint32) {
	for at := range s.taken(info.buckets) {
		if s.hashAt(&info.buckets[at/bucketUnits], at%bucketUnits)&bit != 0 {
			n++
		}
	}
	return n
}

// halfOf returns how many buckets a half of a split segment with so many records
// gets: more than the least only if the hash has failed.
func (s *store) halfOf(n uint32) uint32 {
	if n < s.fullAt(leastPages*pageBuckets) {
		return leastPages * pageBuckets
	}
	return mostPages * pageBuckets
}

// doubled returns a directory with every entry twice.
func doubled(dir []segment) []segment {
	twice := make([]segment, 0, 2*len(dir))
	for _, entry := range dir {
		twice = append(twice, entry, entry)
	}
	return twice
}

// copies returns the directory entries of a segment.
func (s *store) copies(id uint32) []segment {
	info := &s.segments[id]
	n := len(s.dir) >> info.depth
	first := int(info.prefix >> (s.shift & 63))
	return s.dir[first : first+n]
}

// point makes directory entries lead to the segment.
func (s *store) point(id uint32, entries []segment) {
	for i := range entries {
		entries[i] = segment{s.segments[id].buckets, id}
	}
}

// move moves old's records into segment high if their hash has the bit, else into
// low, and gives back old's memory.
func (s *store) move(old *segmentInfo, bit uint64, low, high uint32) {
	s.segments[low].entries, s.segments[low].dropped = 0, 0
	for from := range s.taken(old.buckets) {
		hash, id := s.hashAt(&old.buckets[from/bucketUnits], from%bucketUnits), low
		if hash&bit != 0 {
			id = high
		}
		info := &s.segments[id]
		s.carry(old, from, id, s.place(info.buckets, hash))
		info.entries++
	}
	if old.span.pages > 0 {
		s.arena.give(old.span)
	}
}

// carry copies a record to a free place of a segment.
func (s *store) carry(old *segmentInfo, from, id, to uint32) {
	info, u := &s.segments[id], &old.buckets[from/bucketUnits][from%bucketUnits]
	b := &info.buckets[to/bucketUnits]
	b[to%bucketUnits] = unit{u[0], u[1], u[wordExpiry], b[to%bucketUnits][wordMeta] | u[wordMeta]&^metaPassed}
	if s.v6 {
		b[to%bucketUnits|1] = old.buckets[from/bucketUnits][from%bucketUnits|1]
	}
	if s.linux {
		info.memory[to/s.units] = old.memory[from/s.units]
	}
	s.bounds.lower(id<<unitBits|to, int64(u[wordExpiry]))
}
