package sg

import (
	"cmp"
	"math/bits"
	"slices"
)

// A peerRows holds rows of a block by peer, so that a packet that many rules cover
// costs a search instead of a comparison with each of them.
type peerRows struct {
	starts4 []uint32 // intervals of IPv4 addresses that are in the same CIDRs
	rows4   []uint64
	starts6 [][2]uint64
	rows6   []uint64

	chunks []listChunk // ascending
	lists  []uint64    // rows, chunk by chunk in order of list
	groups []uint32    // ascending
	byPeer []uint64    // rows of groups
}

// A listChunk names those of 64 lists that rules of the block name.
type listChunk struct {
	number uint32 // of the chunk
	first  uint32 // row of its first list
	lists  uint64
}

func newPeerRows(b *block) *peerRows {
	m := &peerRows{}
	var cuts4 []cut[uint32]
	var cuts6 []cut[[2]uint64]
	var lists []uint32
	for i, r := range b.rules {
		p := b.peers[i]
		switch r.kind {
		case peerCIDR4:
			cuts4 = append(cuts4, cut[uint32]{p.a, i, true})
			if end := (p.a | ^p.b) + 1; end != 0 {
				cuts4 = append(cuts4, cut[uint32]{end, i, false})
			}
		case peerCIDR6:
			c := b.cidrs6[p.a]
			cuts6 = append(cuts6, cut[[2]uint64]{[2]uint64{c.hi, c.lo}, i, true})
			lo, carry := bits.Add64(c.lo|^c.loMask, 1, 0)
			hi, over := bits.Add64(c.hi|^c.hiMask, 0, carry)
			if over == 0 {
				cuts6 = append(cuts6, cut[[2]uint64]{[2]uint64{hi, lo}, i, false})
			}
		case peerList:
			lists = append(lists, p.a)
		case peerGroup:
			m.groups = append(m.groups, p.a)
		}
	}
	m.starts4, m.rows4 = sweep(cuts4, b.words, cmp.Compare[uint32])
	m.starts6, m.rows6 = sweep(cuts6, b.words, compare6)

	slices.Sort(m.groups)
	m.groups = slices.Compact(m.groups)
	slices.Sort(lists)
	lists = slices.Compact(lists)
	for i, l := range lists {
		if len(m.chunks) == 0 || m.chunks[len(m.chunks)-1].number != l/64 {
			m.chunks = append(m.chunks, listChunk{number: l / 64, first: uint32(i)})
		}
		m.chunks[len(m.chunks)-1].lists |= 1 << (l % 64)
	}
	m.byPeer = make([]uint64, len(m.groups)*b.words)
	m.lists = make([]uint64, len(lists)*b.words)
	for i, r := range b.rules {
		switch r.kind {
		case peerList:
			n, _ := slices.BinarySearch(lists, b.peers[i].a)
			set(m.lists[n*b.words:], i)
		case peerGroup:
			n, _ := slices.BinarySearch(m.groups, b.peers[i].a)
			set(m.byPeer[n*b.words:], i)
		}
	}
	return m
}

func compare6(a, b [2]uint64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }

// find returns the first rule among the candidates whose peer the packet has, -1
// if there is none.
func (m *peerRows) find(b *block, q *query, candidates []uint64) int {
	var row [blockWords]uint64
	in := row[:b.words]
	if q.v6 {
		i, found := slices.BinarySearchFunc(m.starts6, [2]uint64{q.hi, q.lo}, compare6)
		if !found {
			i--
		}
		copy(in, m.rows6[i*b.words:])
	} else {
		i, found := slices.BinarySearch(m.starts4, q.a4)
		if !found {
			i--
		}
		copy(in, m.rows4[i*b.words:])
	}
	for _, c := range m.chunks {
		for sets := q.lists(c.number) & c.lists; sets != 0; sets &= sets - 1 {
			below := c.lists & (sets&-sets - 1)
			or(in, m.lists[(int(c.first)+bits.OnesCount64(below))*b.words:])
		}
	}
	if len(m.groups) > 0 && !q.via.Appliance {
		for i := range q.owners() {
			o := q.owner(i)
			for _, g := range o.groups() {
				if n, ok := slices.BinarySearch(m.groups, g); ok && q.reaches(o, g) {
					or(in, m.byPeer[n*b.words:])
				}
			}
		}
	}
	for w, c := range candidates {
		if c &= in[w]; c != 0 {
			return 64*w + bits.TrailingZeros64(c)
		}
	}
	return -1
}

func or(row, by []uint64) {
	for i := range row {
		row[i] |= by[i]
	}
}
