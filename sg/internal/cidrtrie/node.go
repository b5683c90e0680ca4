package cidrtrie

import (
	"cmp"
	"slices"
)

// A node holds the prefixes of a block. Its values are the address bits that follow
// those of the block, from the top of a word.
type node struct {
	runs    []run    // ascending, the first at 0; none if there are no entries, or too many numbers
	lists   []uint32 // numbers of runs that are in several prefixes
	entries []entry  // in the order of compare, no two equal

	// lengths has a bit for each length of an entry, modulo 64: no node has entries of
	// both 0 and 64 bits.
	lengths uint64
}

// A run is a span of values, up to the next run, that are in the same prefixes.
type run struct {
	start uint64
	at    [1]uint32 // where its numbers begin in node.lists; if it has only one, that number
	count uint32
}

// An entry is a prefix.
type entry struct {
	first  uint64 // host bits cleared
	number uint32
	bits   uint8
}

// last returns the last value that the entry covers.
func (e entry) last() uint64 { return e.first | ^uint64(0)>>e.bits }

// compare sorts entries so that each comes before those within it.
func compare(a, b entry) int {
	switch {
	case a.first != b.first:
		return cmp.Compare(a.first, b.first)
	case a.bits != b.bits:
		return cmp.Compare(a.bits, b.bits)
	}
	return cmp.Compare(a.number, b.number)
}

// longest returns the number of bits of the longest entry with a number that covers a
// value.
func (n *node) longest(v uint64, number uint32) (bits int, ok bool) {
	if !slices.Contains(n.numbers(v), number) {
		return 0, false
	}
	for bits = 64; bits > 0; bits-- {
		if n.lengths>>(bits&63)&1 != 0 && n.has(entry{v &^ (^uint64(0) >> bits), number, uint8(bits)}) {
			break
		}
	}
	return bits, true
}

// has reports whether the node has an entry.
func (n *node) has(e entry) bool {
	_, found := slices.BinarySearchFunc(n.entries, e, compare)
	return found
}

// mostNumbers is how many numbers the runs of a node may have for each of its entries, plus
// 64. Runs repeat the numbers of the prefixes around them, so many prefixes inside one that
// is in many lists would take the product of both. No real account comes near it.
const mostNumbers = 64

// uncut reports whether a node would have more numbers than that and therefore has no
// runs.
func (n *node) uncut() bool { return len(n.runs) == 0 && len(n.entries) > 0 }

// search is numbers without runs. It allocates.
func (n *node) search(v uint64) (numbers []uint32) {
	for bits := range 65 {
		if n.lengths>>(bits&63)&1 == 0 {
			continue
		}
		e := entry{first: v &^ (^uint64(0) >> bits), bits: uint8(bits)}
		i, _ := slices.BinarySearchFunc(n.entries, e, compare)
		for ; i < len(n.entries) && n.entries[i].first == e.first && n.entries[i].bits == e.bits; i++ {
			numbers = append(numbers, n.entries[i].number)
		}
	}
	return numbers
}

// numbers returns the numbers of the entries that cover a value.
func (n *node) numbers(v uint64) []uint32 {
	switch {
	case n == nil || len(n.entries) == 0:
		return nil
	case n.uncut():
		return n.search(v)
	}
	rs := n.runs
	for len(rs) > 1 {
		if half := len(rs) / 2; rs[half].start <= v {
			rs = rs[half:]
		} else {
			rs = rs[:half]
		}
	}
	return n.list(&rs[0])
}

// list returns the numbers of a run.
func (n *node) list(r *run) []uint32 {
	if r.count == 1 {
		return r.at[:]
	}
	return n.lists[r.at[0]:][:r.count]
}

// A cutter makes the runs of nodes from their entries. It reuses its memory from node
// to node, and allocates the runs of many nodes together.
type cutter struct {
	stack []level
	runs  []run
	lists []uint32

	room     int   // how many runs, or numbers, are allocated at once
	runRoom  []run // what earlier nodes have left of it
	listRoom []uint32
}

// A level is an entry around a value, with the run of values that are in it, in those
// below it in the stack, and in no other.
type level struct {
	last uint64
	run  run
}

// cut makes the runs of a node. Entries nest, so the entries around a run form a stack.
func (c *cutter) cut(n *node) {
	n.runs, n.lists, n.lengths = nil, nil, 0
	for _, e := range n.entries {
		n.lengths |= 1 << (e.bits & 63)
	}
	if len(n.entries) == 0 {
		return
	}
	c.stack, c.runs, c.lists = append(c.stack[:0], level{last: ^uint64(0)}), append(c.runs[:0], run{}), c.lists[:0]
	for i := 0; i < len(n.entries); {
		e, j := n.entries[i], i+1
		for j < len(n.entries) && n.entries[j].first == e.first && n.entries[j].bits == e.bits {
			j++
		}
		c.leave(e.first)
		around := c.stack[len(c.stack)-1].run
		r := run{at: [1]uint32{e.number}, count: around.count + uint32(j-i)}
		if r.count > 1 {
			if r.at[0] = uint32(len(c.lists)); len(c.lists)+int(r.count) > mostNumbers*(len(n.entries)+64) {
				return // and leave it uncut
			}
			if around.count == 1 {
				c.lists = append(c.lists, around.at[0])
			} else {
				c.lists = append(c.lists, c.lists[around.at[0]:][:around.count]...)
			}
			for _, e := range n.entries[i:j] {
				c.lists = append(c.lists, e.number)
			}
		}
		c.begin(e.first, r)
		c.stack = append(c.stack, level{e.last(), r})
		i = j
	}
	for len(c.stack) > 1 {
		c.pop()
	}
	n.runs, c.runRoom = kept(c.runs, c.runRoom, c.room)
	n.lists, c.listRoom = kept(c.lists, c.listRoom, c.room)
}

// leave pops the entries that end before v.
func (c *cutter) leave(v uint64) {
	for c.stack[len(c.stack)-1].last < v {
		c.pop()
	}
}

// pop pops the innermost entry.
func (c *cutter) pop() {
	last := c.stack[len(c.stack)-1].last
	c.stack = c.stack[:len(c.stack)-1]
	if last != ^uint64(0) {
		c.begin(last+1, c.stack[len(c.stack)-1].run)
	}
}

// begin begins a run, in place of one that began at the same value.
func (c *cutter) begin(v uint64, r run) {
	r.start = v
	if last := len(c.runs) - 1; c.runs[last].start == v {
		c.runs = c.runs[:last]
	}
	c.runs = append(c.runs, r)
}

// kept copies s into free memory, allocating more if there is not enough, and
// returns what is left.
func kept[T any](s, free []T, more int) (copied, left []T) {
	if len(s) > len(free) {
		free = make([]T, max(len(s), more))
	}
	n := copy(free, s)
	return free[:n:n], free[n:]
}
