package sg

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// A hit is what match found. The zero hit is no rule.
type hit struct {
	rule      *ruleInfo
	untracked bool
}

// match finds the first rule in topology order that admits the packet at the ENI.
// Groups are asked one by one: first their front, which keeps packets away that
// no rule of the group covers, then the rules.
func (w *world) match(n *eni, dir Direction, h *packet.Header, via Via) hit {
	q := query{w: w, eni: n, via: via}
	q.ports = !h.LaterFragment() && (h.Protocol == packet.TCP || h.Protocol == packet.UDP)
	d := doorOf(h.Protocol, h.DstPort)
	for _, g := range n.groups {
		f := &w.fronts[dir-1][g]
		if q.ports && !f.admits(d) {
			continue
		}
		if q.h == nil {
			q.aim(dir, h)
		}
		for b := f.block; b != nil; b = b.next {
			if i := b.find(&q); i >= 0 {
				return hit{b.rules[i], via&ViaTracked == 0 && w.untracked(n, dir, h)}
			}
		}
	}
	return hit{}
}

// A query is a packet on its way through the blocks of an ENI's groups. What it
// needs of lists and groups is looked up once, when the first rule asks.
type query struct {
	w   *world
	eni *eni
	h   *packet.Header
	via Via

	ports    bool // whether the packet has known ports that rules look at
	v6       bool
	a4       uint32 // the remote address, by family
	hi, lo   uint64
	chunk    uint32 // of 64 lists, plus one: the one that inLists is about
	asked    bool   // whether first and all are known
	isMember bool
	first    uint32 // owner of the remote address
	inLists  uint64
	all      []uint32 // owners, if there are several
}

// aim reads the remote address.
func (q *query) aim(dir Direction, h *packet.Header) {
	q.h = h
	remote := q.remote(dir)
	if q.v6 = h.Family == packet.IPv6; q.v6 {
		q.hi, q.lo = binary.BigEndian.Uint64(remote[:8]), binary.BigEndian.Uint64(remote[8:])
		return
	}
	q.a4 = binary.BigEndian.Uint32(remote[12:])
}

func (q *query) remote(dir Direction) *[16]byte {
	if dir == Ingress {
		return &q.h.Src
	}
	return &q.h.Dst
}

// lists returns which of 64 lists the remote address is in.
func (q *query) lists(chunk uint32) uint64 {
	if q.chunk != chunk+1 {
		q.chunk = chunk + 1
		t := &q.w.tries[chunk]
		if q.v6 {
			q.inLists = t.Lookup6(q.hi, q.lo)
		} else {
			q.inLists = t.Lookup4(q.a4)
		}
	}
	return q.inLists
}

// owners returns the number of ENIs that own the remote address.
func (q *query) owners() int {
	if !q.asked {
		q.asked = true
		if q.v6 {
			q.first, q.all, q.isMember = q.w.members.Lookup6(q.hi, q.lo)
		} else {
			q.first, q.all, q.isMember = q.w.members.Lookup4(q.a4)
		}
	}
	switch {
	case !q.isMember:
		return 0
	case q.all != nil:
		return len(q.all)
	}
	return 1
}

// owner returns one of the owners of the remote address.
func (q *query) owner(i int) *eni {
	if q.all != nil {
		return &q.w.enis[q.all[i]]
	}
	return &q.w.enis[q.first]
}

// reaches reports whether rules at the ENI that name a group match o, which
// carries it.
func (q *query) reaches(o *eni, group uint32) bool {
	return o.vpc == q.eni.vpc || q.w.paths.reach(q.eni.vpc, o.vpc, q.w.groups[group])
}

// memberOf reports whether the remote address belongs to a member of the group.
func (q *query) memberOf(group uint32) bool {
	for i := range q.owners() {
		if o := q.owner(i); slices.Contains(o.groups, group) && q.reaches(o, group) {
			return true
		}
	}
	return false
}

// find returns the first rule of the block that admits the packet, -1 if none
// does.
func (b *block) find(q *query) int {
	if !q.ports {
		return b.findOther(q)
	}
	t := &b.tcp
	if q.h.Protocol == packet.UDP {
		t = &b.udp
	}
	i := t.find(q.h.DstPort)
	if b.words > 1 || b.many != nil {
		return b.findWide(q, t, i)
	}
	if c := t.intervals[i].row; c != 0 {
		if i = b.findWord(q, 0, c); i < 64 {
			return i
		}
	}
	return -1
}

// findWide is find for blocks of many rules.
func (b *block) findWide(q *query, t *portTable, i int) int {
	if b.words > 1 {
		return b.findIn(q, t.row(i, b.words))
	}
	row := [1]uint64{t.intervals[i].row}
	return b.findIn(q, row[:])
}

// findOther is find for packets whose ports mean nothing or are not known.
func (b *block) findOther(q *query) int {
	var row [blockWords]uint64
	if p := q.h.Protocol; p == packet.TCP || p == packet.UDP {
		for i, r := range b.rules {
			if r.covers(q.h) {
				set(row[:], i)
			}
		}
	} else {
		for _, i := range b.others {
			if b.rules[i].covers(q.h) {
				set(row[:], int(i))
			}
		}
	}
	return b.findIn(q, row[:b.words])
}

// findIn returns the first rule of a row whose peer the packet has, -1 if there
// is none.
func (b *block) findIn(q *query, row []uint64) int {
	if b.many != nil && b.crowdedRow(row) {
		return b.many.find(b, q, row)
	}
	for w, c := range row {
		if c == 0 {
			continue
		}
		if i := b.findWord(q, w, c); i < 64 {
			return 64*w + i
		}
	}
	return -1
}

// findWord returns the first of the candidates in word w whose peer the packet
// has, 64 if there is none. CIDRs come first, being cheapest, and what is left of
// the others must come before a match in order.
func (b *block) findWord(q *query, w int, candidates uint64) int {
	best := 64
	kinds := b.kinds[w:]
	peers := b.peers[64*w:]
	if !q.v6 {
		for c := candidates & kinds[row4*b.words]; c != 0; c &= c - 1 {
			i := bits.TrailingZeros64(c)
			if p := peers[i]; q.a4&p.b == p.a {
				best = i
				break
			}
		}
	} else {
		for c := candidates & kinds[row6*b.words]; c != 0; c &= c - 1 {
			i := bits.TrailingZeros64(c)
			if p := &b.cidrs6[peers[i].a]; q.hi&p.hiMask == p.hi && q.lo&p.loMask == p.lo {
				best = i
				break
			}
		}
	}
	candidates &= 1<<best - 1
	for c := candidates & kinds[rowList*b.words]; c != 0; c &= c - 1 {
		i := bits.TrailingZeros64(c)
		if l := peers[i].a; q.lists(l/64)>>(l%64)&1 != 0 {
			best = i
			break
		}
	}
	candidates &= 1<<best - 1
	if q.via&ViaAppliance != 0 { // REF-12
		return best
	}
	for c := candidates & kinds[rowGroup*b.words]; c != 0; c &= c - 1 {
		i := bits.TrailingZeros64(c)
		if q.memberOf(peers[i].a) {
			return i
		}
	}
	return best
}

// covers reports whether protocol and ports, or type and code, are the rule's.
// Of a later fragment only rules for the whole protocol are known to cover it.
func (r *ruleInfo) covers(h *packet.Header) bool {
	switch p := r.rule.Protocol; {
	case p == AllProtocols:
		return true
	case p != ProtocolNumber(uint8(h.Protocol)):
		return false
	case p == TCP || p == UDP:
		if h.LaterFragment() {
			return r.rule.Ports == AllPorts
		}
		return r.rule.Ports.First() <= int(h.DstPort) && int(h.DstPort) <= r.rule.Ports.Last()
	case p == ICMP || p == ICMPv6 && r.rule.ICMP.set:
		m := r.rule.ICMP
		if h.LaterFragment() {
			return m == AllICMP
		}
		return (m.typ == -1 || m.typ == int32(h.ICMPType)) && (m.code == -1 || m.code == int32(h.ICMPCode))
	}
	return true
}
