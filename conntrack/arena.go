package conntrack

import (
	"strings"
	"unsafe"
)

// An arena hands out spans of pages of records, from blocks that it keeps. Spans
// of odd sizes come and go while a table grows; allocated from the garbage
// collector's memory, a table would hold several times what it uses.
type arena struct {
	blocks []block
	pages  int // in all blocks
}

// A new block is an eighth of the memory there is. A block of 16 MiB begins anywhere,
// and up to 2 MiB at its ends may be in small kernel pages: with blocks of 4 MiB a
// hit among a million IPv6 connections took a fourteenth longer. Unused memory is not
// touched, and takes up only addresses.
const (
	leastBlock = 1024 // pages: 16 MiB
	mostBlock  = 4096 // 64 MiB
)

type block struct {
	buckets []bucket // of newMemory
	used    []bool   // by page
	free    int      // pages
}

// A span is pages of a block. The zero span is none.
type span struct {
	block       uint32
	page, pages uint32
}

// buckets returns the memory of a span.
func (a *arena) buckets(r span) []bucket {
	first, last := r.page*pageBuckets, (r.page+r.pages)*pageBuckets
	return a.blocks[r.block].buckets[first:last:last]
}

// take returns the first free span of so many pages, its memory cleared.
func (a *arena) take(pages uint32) span {
	r := a.find(pages)
	a.blocks[r.block].mark(r.page, pages, true)
	clear(a.buckets(r))
	return r
}

// find returns the first span of so many free pages, from a new block if there is none.
func (a *arena) find(pages uint32) span {
	for i := range a.blocks {
		if b := &a.blocks[i]; b.free >= int(pages) {
			if page, ok := b.find(pages); ok {
				return span{uint32(i), page, pages}
			}
		}
	}
	b := newBlock(min(max(a.pages/8, leastBlock), mostBlock))
	a.pages += len(b.used)
	a.blocks = append(a.blocks, b)
	return span{uint32(len(a.blocks) - 1), 0, pages}
}

func newBlock(pages int) block {
	return block{newMemory(pages * pageBuckets), make([]bool, pages), pages}
}

// give takes back a span.
func (a *arena) give(r span) {
	a.blocks[r.block].mark(r.page, r.pages, false)
}

// find returns the first of so many free pages in a row.
func (b *block) find(pages uint32) (page uint32, ok bool) {
	n := uint32(0)
	for i, used := range b.used {
		if n++; used {
			n = 0
		} else if n == pages {
			return uint32(i) + 1 - pages, true
		}
	}
	return 0, false
}

func (b *block) mark(page, pages uint32, used bool) {
	for i := range pages {
		b.used[page+i] = used
	}
	if used {
		b.free -= int(pages)
	} else {
		b.free += int(pages)
	}
}

// newMemory returns memory for many buckets, in large pages if the kernel agrees.
// It is not cleared; whoever hands out a part of it has to clear that part.
// Otherwise one insert would clear all of it: 64 MiB took 4 ms, or 51 ms when
// touched for the first time.
//
// Only strings.Builder gives such memory in the standard library. Nobody else
// holds the string, so nobody relies on its bytes staying the same; a Builder that
// cleared them would only be slower.
func newMemory(n int) []bucket {
	var b strings.Builder
	b.Grow(n * int(unsafe.Sizeof(bucket{})))
	b.WriteByte(0)
	list := unsafe.Slice((*bucket)(unsafe.Pointer(unsafe.StringData(b.String()))), n)
	wantHugePages(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(list))), b.Cap()))
	return list
}
