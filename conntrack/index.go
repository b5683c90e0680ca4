package conntrack

import (
	"math/bits"
	"slices"
)

// An index finds the numbers of IPv6 records by hash. It is an extendible hash
// table: the top bits of the hash choose a segment from the directory, the middle
// ones a bucket of the segment, the low ones a tag in the bucket.
//
//	hash  63 ... 40   39 ... 8   14 ... 0
//	      directory   bucket     tag        (bucket uses few of its bits)
//
// A bucket is one cache line, so that a lookup costs one miss here and one for
// the record. A segment that gets full grows by a page of buckets, and one at its
// largest is split in two; that moves a few thousand entries at most, so no
// single insert is slow however large the table.
type index struct {
	dir   []indexSegment // 1<<depth, depth at least 1
	shift uint           // 64 - depth
	infos []indexSegmentInfo
	moved []placed // scratch for growing
	spare []indexPage
}

const (
	indexSlots       = 10
	indexPageBuckets = 128
	indexMaxPages    = 3 // of the four that a segment has place for

	// indexPageFull is how many entries a page should hold at most. At four fifths
	// one entry in twenty lies outside its own bucket.
	indexPageFull = indexPageBuckets * indexSlots * 4 / 5
)

// A segment is what a lookup needs of one, by value so that it need not follow a
// pointer. Several directory entries may hold copies of the same segment.
type indexSegment struct {
	pages   [4]*indexPage
	buckets uint32
	id      uint32 // in infos
}

// noEntries is the page of all empty indexes, so that a lookup need not ask.
var noEntries indexPage

func newIndex() index {
	s := indexSegment{pages: [4]*indexPage{&noEntries}, buckets: indexPageBuckets}
	return index{dir: []indexSegment{s, s}, shift: 63}
}

type indexSegmentInfo struct {
	entries uint32
	depth   uint8 // how many bits of the hash all its entries share
	pages   uint8
}

type indexPage [indexPageBuckets]indexBucket

// newPage takes a page from a block of pages, so that a large table is few objects
// to the memory allocator.
func (x *index) newPage() *indexPage {
	if len(x.spare) == 0 {
		x.spare = newMemory[indexPage](min(max(len(x.infos)/4, 1), 4096))
	}
	p := &x.spare[0]
	x.spare = x.spare[1:]
	*p = indexPage{}
	return p
}

// A bucket holds ten entries.
//
//	tags[0]  slots 0 to 3, 15 of 16 bits each
//	tags[1]  slots 4 to 7
//	tags[2]  slots 8 and 9, then passed
//
// A zero tag is a free slot. passed counts the entries that would have liked to
// be here or before, found no room, and lie further on: a lookup may stop at a
// bucket where it is zero.
type indexBucket struct {
	tags [3]uint64
	recs [indexSlots]uint32
}

const (
	lanes     = 0x0001_0001_0001_0001
	laneTops  = 0x8000_8000_8000_8000
	laneTops2 = 0x0000_0000_8000_8000
	passedOne = 1 << 32
)

// match returns a bit for every slot with the tag. Tags have 15 bits, so that the
// top bit of a lane is free to tell whether the rest of it differs.
func (b *indexBucket) match(tag uint64) uint64 {
	const low = laneTops - lanes
	pattern := tag * lanes
	differ := ((b.tags[0]^pattern)+low)&laneTops>>15 |
		((b.tags[1]^pattern)+low)&laneTops>>14 |
		((b.tags[2]^pattern)+low)&laneTops2>>13
	return differ ^ (lanes | lanes<<1 | laneTops2>>13)
}

// slotOf returns the slot of the lowest bit of a match.
func slotOf(m uint64) uint {
	i := uint(bits.TrailingZeros64(m))
	return i&3*4 + i>>4
}

func (b *indexBucket) passed() uint32 { return uint32(b.tags[2] >> 32) }

func (b *indexBucket) set(slot uint, tag uint64, rec uint32) {
	w, at := slot>>2, slot&3*16
	b.tags[w] = b.tags[w]&^(0xffff<<at) | tag<<at
	b.recs[slot] = rec
}

func tagOf(hash uint64) uint64 { return hash&0x7fff | 1 }

// home returns the bucket where the hash belongs.
func (s *indexSegment) home(hash uint64) uint32 {
	return uint32(uint64(uint32(hash>>8)) * uint64(s.buckets) >> 32)
}

func (s *indexSegment) bucket(i uint32) *indexBucket {
	return &s.pages[i/indexPageBuckets&3][i%indexPageBuckets]
}

// next returns the bucket after i, round the end.
func (s *indexSegment) next(i uint32) uint32 {
	if i++; i == s.buckets {
		return 0
	}
	return i
}

func (x *index) segment(hash uint64) *indexSegment { return &x.dir[hash>>(x.shift&63)] }

// home returns the bucket where the hash belongs.
func (x *index) home(hash uint64) *indexBucket {
	s := x.segment(hash)
	return s.bucket(s.home(hash))
}

// insert adds an entry that is not there. rehash is called to fill in the hashes of
// entries that have to make room.
func (x *index) insert(hash uint64, rec uint32, rehash func([]placed)) {
	if x.infos == nil {
		x.infos = []indexSegmentInfo{{depth: 0, pages: 1}}
		x.dir[0].pages[0] = x.newPage()
		x.dir[1] = x.dir[0]
	}
	for {
		s := x.segment(hash)
		info := &x.infos[s.id]
		if info.entries < uint32(info.pages)*indexPageFull {
			info.entries++
			s.place(hash, rec)
			return
		}
		if info.pages < indexMaxPages {
			x.widen(hash, rehash)
		} else {
			x.split(hash, rehash)
		}
	}
}

// place puts an entry into the first free slot from its home on. There is one:
// segments are never full.
func (s *indexSegment) place(hash uint64, rec uint32) {
	for i := s.home(hash); ; i = s.next(i) {
		b := s.bucket(i)
		if m := b.match(0); m != 0 {
			b.set(slotOf(m), tagOf(hash), rec)
			return
		}
		b.tags[2] += passedOne
	}
}

// remove takes out an entry that is there.
func (x *index) remove(hash uint64, rec uint32) {
	s := x.segment(hash)
	x.infos[s.id].entries--
	for i := s.home(hash); ; i = s.next(i) {
		b := s.bucket(i)
		for m := b.match(tagOf(hash)); m != 0; m &= m - 1 {
			if slot := slotOf(m); b.recs[slot] == rec {
				b.set(slot, 0, 0)
				return
			}
		}
		b.tags[2] -= passedOne
	}
}

// copies returns the directory entries that hold the segment of the hash.
func (x *index) copies(hash uint64) []indexSegment {
	depth := uint(x.infos[x.segment(hash).id].depth)
	n := len(x.dir) >> depth
	first := int(hash >> (x.shift & 63) &^ uint64(n-1))
	return x.dir[first : first+n]
}

// A placed entry is on its way to another bucket.
type placed struct {
	hash uint64
	rec  uint32
}

// lift empties the segment into x.moved.
func (x *index) lift(s *indexSegment, rehash func([]placed)) {
	if x.moved == nil {
		x.moved = make([]placed, 0, indexMaxPages*indexPageFull)
	}
	x.moved = x.moved[:0]
	for i := range s.buckets {
		b := s.bucket(i)
		for slot := range uint(indexSlots) {
			if b.tags[slot>>2]>>(slot&3*16)&0xffff != 0 {
				x.moved = append(x.moved, placed{rec: b.recs[slot]})
			}
		}
		*b = indexBucket{}
	}
	rehash(x.moved)
}

// widen adds a page to the segment of the hash.
func (x *index) widen(hash uint64, rehash func([]placed)) {
	all := x.copies(hash)
	s := all[0]
	x.lift(&s, rehash)
	info := &x.infos[s.id]
	s.pages[info.pages] = x.newPage()
	s.buckets += indexPageBuckets
	info.pages++
	for i := range all {
		all[i] = s
	}
	for _, p := range x.moved {
		s.place(p.hash, p.rec)
	}
}

// split divides the segment of the hash, which has all its pages, by the next bit
// of the hash. Both halves get two pages, and one that has nearly all entries three.
func (x *index) split(hash uint64, rehash func([]placed)) {
	all := x.copies(hash)
	if len(all) == 1 {
		x.dir, x.shift = doubled(x.dir), x.shift-1
		all = x.copies(hash)
	}
	low := all[0]
	x.lift(&low, rehash)
	info := &x.infos[low.id]
	info.depth++
	bit := uint(64 - info.depth)

	n := 0
	for _, p := range x.moved {
		n += int(p.hash >> bit & 1)
	}
	high := indexSegment{id: uint32(len(x.infos))}
	high.pages[0], high.pages[1] = low.pages[2], x.newPage()
	low.pages[2] = nil
	x.infos = append(x.infos, indexSegmentInfo{depth: info.depth, pages: 2})
	info = &x.infos[low.id]
	info.pages, info.entries = 2, 0
	switch { // only if the hash has failed
	case n > 2*indexPageFull:
		high.pages[2], x.infos[high.id].pages = x.newPage(), 3
	case len(x.moved)-n > 2*indexPageFull:
		low.pages[2], info.pages = x.newPage(), 3
	}
	low.buckets = uint32(info.pages) * indexPageBuckets
	high.buckets = uint32(x.infos[high.id].pages) * indexPageBuckets
	for i := range all {
		if i < len(all)/2 {
			all[i] = low
		} else {
			all[i] = high
		}
	}
	for _, p := range x.moved {
		s := &low
		if p.hash>>bit&1 != 0 {
			s = &high
		}
		x.infos[s.id].entries++
		s.place(p.hash, p.rec)
	}
}

// clone returns a deep copy.
func (x *index) clone() index {
	c := *x
	c.dir, c.infos, c.moved = slices.Clone(x.dir), slices.Clone(x.infos), nil
	c.spare = nil
	pages := make([][4]*indexPage, len(c.infos))
	for i := range c.dir {
		if c.infos == nil {
			break
		}
		s := &c.dir[i]
		if copies := &pages[s.id]; copies[0] == nil {
			for j, p := range s.pages {
				if p != nil {
					n := *p
					copies[j] = &n
				}
			}
		}
		s.pages = pages[s.id]
	}
	return c
}
