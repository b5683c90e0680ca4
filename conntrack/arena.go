package conntrack

import "slices"

// An arena hands out spans of pages of records, from blocks that it keeps. It is
// there because spans of odd sizes come and go while a table grows: of the garbage
// collector's memory a table would hold several times what it uses.
type arena struct {
	blocks []block
	pages  int // in all blocks
}

const blockPages = 256 // 4 MiB

type block struct {
	buckets []bucket // all zero but where used
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

// take returns the first span of so many pages that is free. Its memory is zero.
func (a *arena) take(pages uint32) span {
	for i := range a.blocks {
		if b := &a.blocks[i]; b.free >= int(pages) {
			if page, ok := b.find(pages); ok {
				b.mark(page, pages, true)
				return span{uint32(i), page, pages}
			}
		}
	}
	// Small tables get small blocks.
	n := min(max(a.pages/8, int(pages)), blockPages)
	buckets := make([]bucket, n*pageBuckets)
	wantHugePages(buckets)
	a.blocks = append(a.blocks, block{buckets, make([]bool, n), n})
	a.pages += n
	a.blocks[len(a.blocks)-1].mark(0, pages, true)
	return span{uint32(len(a.blocks) - 1), 0, pages}
}

// give takes back a span.
func (a *arena) give(r span) {
	clear(a.buckets(r))
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

func (a *arena) clone() arena {
	c := *a
	c.blocks = slices.Clone(a.blocks)
	for i := range c.blocks {
		b := &c.blocks[i]
		b.buckets, b.used = slices.Clone(b.buckets), slices.Clone(b.used)
	}
	return c
}
