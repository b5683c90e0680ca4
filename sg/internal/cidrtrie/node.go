package cidrtrie

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// A node stands for 16 bits of an address, and for those before them.
type node struct {
	runs    []run    // ascending, the first at 0; none where there are no entries
	lists   []uint32 // numbers of runs that lie in several prefixes
	entries []entry  // in the order of compare, no two equal
	kids    []kid    // of IPv6, ascending

	lengths uint32 // a bit for each number of bits that entries have: few of the 17 occur
}

// A run is a span of values, up to the next run, that lie in the same prefixes.
type run struct {
	at    [1]uint32 // where its numbers begin in node.lists; where it is one, the number itself
	count uint32
	start uint16
}

// An entry is a prefix that ends within the 16 bits of its node.
type entry struct {
	first  uint16 // host bits cleared
	bits   uint8  // of the 16
	number uint32
}

type kid struct {
	key uint16
	n   *node
}

// last returns the last value that the entry covers.
func (e entry) last() uint16 { return e.first | uint16(0xffff>>e.bits) }

// compare sorts entries so that one comes before those within it.
func compare(a, b entry) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.bits, b.bits), cmp.Compare(a.number, b.number))
}

// key orders entries as compare does, in one word.
func (e entry) key() uint64 { return uint64(e.first)<<48 | uint64(e.bits)<<32 | uint64(e.number) }

// has reports whether the node has an entry.
func (n *node) has(e entry) bool {
	k, lo, hi := e.key(), 0, len(n.entries)
	for lo < hi {
		if mid := (lo + hi) / 2; n.entries[mid].key() < k {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(n.entries) && n.entries[lo] == e
}

// place returns which node of an address a prefix lies in, and its entry there. One of
// 16 bits, or a multiple, is all of the node that follows them.
func place(p netip.Prefix, number uint32) (depth int, e entry) {
	depth = min(p.Bits(), p.Addr().BitLen()-1) / 16
	e = entry{bits: uint8(p.Bits() - 16*depth), number: number}
	e.first = binary.BigEndian.Uint16(p.Addr().AsSlice()[2*depth:]) &^ (0xffff >> e.bits)
	return depth, e
}

// numbers returns the numbers of the entries that cover a value.
func (n *node) numbers(v uint16) []uint32 {
	if n == nil || len(n.runs) == 0 {
		return nil
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

// A cutter makes the runs of nodes from their entries. It keeps what it needs from one
// node to the next, and puts the runs of many nodes together.
type cutter struct {
	stack []level
	runs  []run
	lists []uint32

	room     int   // how many runs, or numbers, are allocated at once for many nodes
	runRoom  []run // behind what earlier nodes have of it
	listRoom []uint32
}

// A level is an entry around a value, and the run of values in it, in those below it in
// the stack, and in no other.
type level struct {
	last uint16
	run  run
}

// cut makes the runs of a node. Its entries nest, so that those that a run lies in are a
// stack.
func (c *cutter) cut(n *node) {
	n.runs, n.lists = nil, nil
	n.lengths = 0
	for _, e := range n.entries {
		n.lengths |= 1 << e.bits
	}
	if len(n.entries) == 0 {
		return
	}
	c.stack, c.runs, c.lists = append(c.stack[:0], level{last: 0xffff}), append(c.runs[:0], run{}), c.lists[:0]
	for i := 0; i < len(n.entries); {
		e, j := n.entries[i], i+1
		for j < len(n.entries) && n.entries[j].first == e.first && n.entries[j].bits == e.bits {
			j++
		}
		c.leave(int(e.first))
		around := c.stack[len(c.stack)-1].run
		r := run{at: [1]uint32{e.number}, count: around.count + uint32(j-i)}
		if r.count > 1 {
			r.at[0] = uint32(len(c.lists))
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
	c.leave(1 << 16)
	n.runs, c.runRoom = kept(c.runs, c.runRoom, c.room)
	n.lists, c.listRoom = kept(c.lists, c.listRoom, c.room)
}

// leave leaves the entries that end before v.
func (c *cutter) leave(v int) {
	for len(c.stack) > 1 && int(c.stack[len(c.stack)-1].last) < v {
		last := c.stack[len(c.stack)-1].last
		c.stack = c.stack[:len(c.stack)-1]
		if last != 0xffff {
			c.begin(last+1, c.stack[len(c.stack)-1].run)
		}
	}
}

// begin begins a run, in place of one that began at the same value.
func (c *cutter) begin(v uint16, r run) {
	r.start = v
	if last := len(c.runs) - 1; c.runs[last].start == v {
		c.runs = c.runs[:last]
	}
	c.runs = append(c.runs, r)
}

// kept copies s into free memory, of which it takes some more where there is not
// enough, and returns what is left of that.
func kept[T any](s, free []T, more int) (copied, left []T) {
	if len(s) > len(free) {
		free = make([]T, max(len(s), more))
	}
	n := copy(free, s)
	return free[:n:n], free[n:]
}

func (n *node) kid(v uint16) *node {
	i, found := slices.BinarySearchFunc(n.kids, v, func(k kid, v uint16) int { return cmp.Compare(k.key, v) })
	if !found {
		return nil
	}
	return n.kids[i].n
}

// with returns a copy of n, which may be nil, with its entries changed by f.
func (n *node) with(e entry, f func([]entry, entry) []entry) *node {
	c := &node{}
	if n != nil {
		*c = *n
	}
	c.entries = f(c.entries, e)
	new(cutter).cut(c)
	return c
}

// kidSlot returns the place of a child, which it makes.
func (n *node) kidSlot(v uint16) **node {
	i, found := slices.BinarySearchFunc(n.kids, v, func(k kid, v uint16) int { return cmp.Compare(k.key, v) })
	if !found {
		n.kids = slices.Insert(n.kids, i, kid{key: v})
	}
	return &n.kids[i].n
}

// all yields the entries of the node, which is at a depth on the way to key, and of all
// below it. It changes the rest of key.
func (n *node) all(key []byte, depth int, yield func(netip.Prefix, uint32) bool) bool {
	if n == nil {
		return true
	}
	clear(key[2*depth:])
	for _, e := range n.entries {
		binary.BigEndian.PutUint16(key[2*depth:], e.first)
		a, _ := netip.AddrFromSlice(key)
		if !yield(netip.PrefixFrom(a, 16*depth+int(e.bits)), e.number) {
			return false
		}
	}
	for _, k := range n.kids {
		binary.BigEndian.PutUint16(key[2*depth:], k.key)
		if !k.n.all(key, depth+1, yield) {
			return false
		}
	}
	return true
}
