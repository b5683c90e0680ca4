package conntrack

// An arena hands out spans of pages of records, from blocks that it keeps. It is
// there because spans of odd sizes come and go while a table grows: of the garbage
// collector's memory a table would hold several times what it uses.
type arena struct {
	blocks []block
}

const blockPages = 256 // 4 MiB

type block struct {
	buckets []bucket // all zero but where used
	memory  *memory
	used    []bool // by page
	free    int    // pages
}

// memory owns buckets that the garbage collector does not know: they are gone when
// nothing refers to it any more. A [Table] holds its memories, so every exported
// method that reads or writes records keeps the Table alive to its end.
type memory struct {
	mapped []byte
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
	b := newBlock()
	b.mark(0, pages, true)
	a.blocks = append(a.blocks, b)
	return span{uint32(len(a.blocks) - 1), 0, pages}
}

func newBlock() block {
	buckets, memory := newMemory(blockPages * pageBuckets)
	return block{buckets, memory, make([]bool, blockPages), blockPages}
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
	c := arena{make([]block, len(a.blocks))}
	for i := range c.blocks {
		c.blocks[i] = newBlock()
		for page, used := range a.blocks[i].used {
			if used {
				c.blocks[i].mark(uint32(page), 1, true)
				at := page * pageBuckets
				copy(c.blocks[i].buckets[at:at+pageBuckets], a.blocks[i].buckets[at:])
			}
		}
	}
	return c
}
