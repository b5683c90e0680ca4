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

// cut makes the runs anew from the entries. These nest, so that the ones that a run
// lies in are a stack.
func (n *node) cut() {
	n.runs, n.lists = nil, nil
	if len(n.entries) == 0 {
		return
	}
	type level struct {
		last uint16
		run  run // of the values in this entry, those below in the stack, and no other
	}
	stack := []level{{last: 0xffff}}
	begin := func(v uint16, r run) {
		r.start = v
		if i := len(n.runs) - 1; i >= 0 && n.runs[i].start == v {
			n.runs[i] = r
			return
		}
		n.runs = append(n.runs, r)
	}
	begin(0, run{})
	closeTo := func(v int) { // leaves the entries that end before v
		for top := stack[len(stack)-1]; int(top.last) < v; top = stack[len(stack)-1] {
			stack = stack[:len(stack)-1]
			if top.last != 0xffff {
				begin(top.last+1, stack[len(stack)-1].run)
			}
		}
	}
	for i := 0; i < len(n.entries); {
		e, j := n.entries[i], i+1
		for j < len(n.entries) && n.entries[j].first == e.first && n.entries[j].bits == e.bits {
			j++
		}
		closeTo(int(e.first))
		around := stack[len(stack)-1].run
		r := run{at: [1]uint32{e.number}, count: around.count + uint32(j-i)}
		if r.count > 1 {
			r.at[0] = uint32(len(n.lists))
			n.lists = append(n.lists, n.list(&around)...)
			for ; i < j; i++ {
				n.lists = append(n.lists, n.entries[i].number)
			}
		}
		begin(e.first, r)
		stack = append(stack, level{e.last(), r})
		i = j
	}
	for len(stack) > 1 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if top.last != 0xffff {
			begin(top.last+1, stack[len(stack)-1].run)
		}
	}
	n.runs, n.lists = slices.Clip(n.runs), slices.Clip(n.lists)
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
	c.cut()
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
