package sg

import (
	"cmp"
	"math/bits"
	"slices"
)

// blockRules is the most rules of a block. It bounds the memory of a block, which
// grows with the square of its rules, and that of the masks on the stack.
const (
	blockRules = 64 * blockWords
	blockWords = 16
)

// A block is up to blockRules rules of one group and direction, ready to match.
// Rules are bits: rule i of the block is bit i%64 of word i/64 of a row, and rows
// that say "covers this port" and "has this peer" are combined with AND. A block
// never changes.
//
//	row of port 443     0 1 1 0 0 1 0 0
//	row of the address  0 0 1 0 1 0 0 0
//	both                0 0 1 0 0 0 0 0   rule 2 admits
type block struct {
	words int       // of a row
	kinds []uint64  // four rows: rules with IPv4 and IPv6 CIDRs, lists, groups
	peers []peerRef // by rule

	cidrs6 []cidr6 // by peerRef.a
	rules  []ruleAt
	others []uint16 // rules that are not for TCP or UDP alone
	every  []uint64 // two rows: rules with 0.0.0.0/0, with ::/0

	tables *[2]portTable // for TCP and UDP; nil where the front has entries
	many   *peerRows     // where a port may have many rules; else nil
	next   *block        // further rules of the group
}

// A peerRef is what a rule's peer is compared with: network and mask of an IPv4
// CIDR, the index of an IPv6 CIDR, or the number of a prefix list or group.
type peerRef struct{ a, b uint32 }

type cidr6 struct {
	hi, lo, hiMask, loMask uint64
}

// Rows of block.kinds.
const (
	row4 = iota
	row6
	rowList
	rowGroup
)

// A portTable finds the row of the rules that cover a port. Ports that are covered
// by the same rules lie in one interval; an index by the port's leading bits says
// with which interval to start. Most rules name single low ports, so buckets are
// finer there.
type portTable struct {
	index     [portBuckets]uint16 // the interval with the bucket's first port
	intervals []interval
	rows      []uint64 // of the intervals, where a row has more than one word
}

// An interval lies between two ports where rules start or end.
type interval struct {
	row   uint64 // where a row is one word
	start uint16 // the first one starts at 0
}

const portBuckets = 64 + 64

// bucket returns the bucket of a port: 16 ports wide below 1024, 1024 ports above.
func bucket(port uint16) int {
	if port < 1024 {
		return int(port >> 4)
	}
	return 64 + int(port>>10)
}

// find returns the interval of a port.
func (t *portTable) find(port uint16) int {
	i := int(t.index[bucket(port)])
	for i+1 < len(t.intervals) && t.intervals[i+1].start <= port {
		i++
	}
	return i
}

// row returns the row of interval i.
func (t *portTable) row(i, words int) []uint64 {
	return t.rows[i*words : (i+1)*words]
}

// newBlocks compiles the rules of a group for one direction. Without rules it
// returns nil.
func newBlocks(rules []ruleAt) *block {
	if len(rules) == 0 {
		return nil
	}
	n := min(len(rules), blockRules)
	b := newBlock(rules[:n])
	b.next = newBlocks(rules[n:])
	return b
}

func newBlock(rules []ruleAt) *block {
	words := (len(rules) + 63) / 64
	masks := make([]uint64, 6*words)
	b := &block{
		words: words,
		kinds: masks[: 4*words : 4*words],
		every: masks[4*words:],
		peers: make([]peerRef, len(rules)),
		rules: rules,
	}
	for i, r := range rules {
		b.addPeer(i, r.ruleInfo)
		if r.rule.Protocol != TCP && r.rule.Protocol != UDP {
			b.others = append(b.others, uint16(i))
		}
	}
	if b.crowdedOthers() {
		b.many = newPeerRows(b)
	}
	return b
}

// addTables makes the block one that can be asked by port.
func (b *block) addTables() {
	b.tables = &[2]portTable{newPortTable(b.rules, TCP, b.words), newPortTable(b.rules, UDP, b.words)}
	if b.many == nil && (b.crowded(&b.tables[0]) || b.crowded(&b.tables[1])) {
		b.many = newPeerRows(b)
	}
}

func (b *block) addPeer(i int, r *ruleInfo) {
	row := -1
	c := r.rule.Peer.CIDR
	switch r.kind {
	case peerCIDR4:
		row = row4
		b.peers[i] = peerRef{word4(c.Addr()) & mask4(c.Bits()), mask4(c.Bits())}
	case peerCIDR6:
		row = row6
		b.peers[i].a = uint32(len(b.cidrs6))
		hi, lo := words6(c.Addr())
		m := cidr6{hiMask: mask64(c.Bits()), loMask: mask64(c.Bits() - 64)}
		m.hi, m.lo = hi&m.hiMask, lo&m.loMask
		b.cidrs6 = append(b.cidrs6, m)
	case peerList:
		row = rowList
		b.peers[i].a = r.peer
	case peerGroup:
		row = rowGroup
		b.peers[i].a = r.peer
	default:
		return // stale: in no row
	}
	set(b.kinds[row*b.words:], i)
	if r.mayUntrack() {
		set(b.every[row*b.words:], i)
	}
}

func set(row []uint64, i int) { row[i/64] |= 1 << (i % 64) }

func mask4(n int) uint32 { return ^uint32(0) << (32 - n) }

// mask64 returns the first n bits, all for n above 64 and none below 0.
func mask64(n int) uint64 { return ^uint64(0) << (64 - min(max(n, 0), 64)) }

// newPortTable cuts the ports into intervals that the same rules cover.
func newPortTable(rules []ruleAt, p Protocol, words int) portTable {
	var t portTable
	cuts := make([]cut[uint32], 0, 2*len(rules)+1)
	for i, r := range rules {
		if r.kind == peerNothing {
			continue
		}
		switch r.rule.Protocol {
		case AllProtocols:
			cuts = append(cuts, cut[uint32]{0, i, true})
		case p:
			cuts = append(cuts, cut[uint32]{uint32(r.rule.Ports.First()), i, true},
				cut[uint32]{uint32(r.rule.Ports.Last()) + 1, i, false})
		}
	}
	starts, rows := sweep(cuts, words, cmp.Compare[uint32])
	for i, s := range starts {
		if s > 65535 {
			starts, rows = starts[:i], rows[:i*words]
			break
		}
	}
	t.intervals = make([]interval, len(starts))
	for i, s := range starts {
		t.intervals[i] = interval{rows[i*words], uint16(s)}
	}
	if words > 1 {
		t.rows = rows
	}
	t.fill(t.index[:64], 4)
	t.fill(t.index[64:], 10)
	return t
}

// fill writes a part of the index whose buckets are 1<<shift ports wide.
func (t *portTable) fill(index []uint16, shift int) {
	i := 0
	for k := range index {
		for i+1 < len(t.intervals) && int(t.intervals[i+1].start) <= k<<shift {
			i++
		}
		index[k] = uint16(i)
	}
}

// A cut is a place from which on a rule applies, or no longer.
type cut[K any] struct {
	at   K
	rule int
	on   bool
}

// sweep returns the starts of the intervals between cuts, the first of which is
// the zero K, and for each the row of the rules that apply in it.
func sweep[K comparable](cuts []cut[K], words int, compare func(K, K) int) (starts []K, rows []uint64) {
	slices.SortFunc(cuts, func(a, b cut[K]) int { return compare(a.at, b.at) })
	starts = make([]K, 1, len(cuts)+1)
	rows = make([]uint64, words, (len(cuts)+1)*words)
	var row [blockWords]uint64
	for i := 0; i < len(cuts); {
		at := cuts[i].at
		for ; i < len(cuts) && cuts[i].at == at; i++ {
			row[cuts[i].rule/64] ^= 1 << (cuts[i].rule % 64) // on, then off
		}
		if starts[len(starts)-1] != at {
			starts = append(starts, at)
			rows = append(rows, row[:words]...)
		} else {
			copy(rows[len(rows)-words:], row[:words])
		}
	}
	return starts, rows
}

// fewCandidates is how many CIDRs of one family are compared one by one; beyond
// it a search in a sorted table is faster.
const fewCandidates = 12

// crowded reports whether a port has more rules with CIDRs or groups than are
// compared one by one.
func (b *block) crowded(t *portTable) bool {
	for i := range t.intervals {
		row := []uint64{t.intervals[i].row}
		if b.words > 1 {
			row = t.row(i, b.words)
		}
		if b.crowdedRow(row) {
			return true
		}
	}
	return false
}

// crowdedOthers is crowded for packets that are neither TCP nor UDP.
func (b *block) crowdedOthers() bool {
	var row [blockWords]uint64
	for _, i := range b.others {
		set(row[:], int(i))
	}
	return b.crowdedRow(row[:b.words])
}

// crowdedRow reports whether a row asks for more than fewCandidates comparisons.
func (b *block) crowdedRow(row []uint64) bool {
	n := 0
	for w, c := range row {
		n += bits.OnesCount64(c &^ b.kinds[rowList*b.words+w])
	}
	return n > fewCandidates
}
