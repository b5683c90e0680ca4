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
	number    uint32 // of the rule
	untracked bool
}

// match finds the first rule in topology order that admits the packet at the ENI.
func (w *world) match(n *eni, dir Direction, h *packet.Header, via Via) hit {
	q := query{w: w, eni: n, h: h, via: via}
	var r ruleAt
	if !h.LaterFragment() && (h.Protocol == packet.TCP || h.Protocol == packet.UDP) {
		r = w.matchPort(&q, dir)
	} else {
		r = w.matchOther(&q, dir)
	}
	if r.ruleInfo == nil {
		return hit{}
	}
	return hit{r.ruleInfo, r.number, !via.Tracked && w.untracked(n, dir, h)}
}

// fewRules is for how many rules, of the one group that may admit a packet, nothing
// is looked up before a rule asks: most packets are admitted by a CIDR then. It
// makes 10 rules a fifth faster and 100 slower.
const fewRules = 16

// matchPort is match for a packet whose port counts. All groups are asked at once,
// as far as that goes: first their fronts about the port, then about the address,
// and only then are rules compared. None of these waits for another group, so that
// the processor waits for the memory of all of them together.
func (w *world) matchPort(q *query, dir Direction) ruleAt {
	var found [8]uint32 // groups that may admit the packet
	d := doorOf(q.h.Protocol, q.h.DstPort)
	fronts := w.fronts[dir-1]
	for groups := q.eni.groups(); len(groups) > 0; {
		k := min(len(groups), len(found))
		n := 0
		for _, g := range groups[:k] {
			found[n&7] = g
			n += fronts[g].admits(&d)
		}
		groups = groups[k:]
		if n == 0 {
			continue
		}
		if !q.aimed {
			q.aim(dir)
			d.look()
		}
		peers := peerSet(0)
		for _, g := range found[:n] {
			peers |= fronts[g].peers
		}
		if n > 1 || len(fronts[found[0]].rules) > fewRules {
			q.learn(peers)
		}
		m := 0
		for _, g := range found[:n] {
			found[m&7] = g
			m += fronts[g].knows(q)
		}
		for _, g := range found[:m] {
			f := &fronts[g]
			if f.crowded {
				if r := q.findPort(f.block); r.ruleInfo != nil {
					return r
				}
				continue
			}
			wide, door, gate := f.runs(&d)
			r := q.scan(f, door.of(f.entries))
			r = min(r, q.scan(f, wide.of(f.entries)))
			r = min(r, q.scan(f, gate.of(f.entries)))
			if r < noRule {
				return f.rules[r]
			}
		}
	}
	return ruleAt{}
}

// findPort returns the first rule of a group's blocks that admits a packet whose
// port counts.
func (q *query) findPort(b *block) ruleAt {
	for ; b != nil; b = b.next {
		t := b.ports(q.h.Protocol)
		if i := b.find(q, t, t.find(q.h.DstPort)); i >= 0 {
			return b.rules[i]
		}
	}
	return ruleAt{}
}

// matchOther is match for packets that rules do not tell by port.
func (w *world) matchOther(q *query, dir Direction) ruleAt {
	q.aim(dir)
	for _, g := range q.eni.groups() {
		for b := w.fronts[dir-1][g].block; b != nil; b = b.next {
			if i := b.findOther(q); i >= 0 {
				return b.rules[i]
			}
		}
	}
	return ruleAt{}
}

// A query is a packet on its way through an ENI's groups. What it needs of lists and
// members is looked up once: ahead, by learn, or when the first rule asks.
type query struct {
	w   *world
	eni *eni
	h   *packet.Header
	via Via

	aimed    bool // whether the remote address is known
	v6       bool
	a4       uint32 // the remote address, by family
	hi, lo   uint64
	chunk    uint32 // of 64 lists, plus one: the one that inLists is about
	asked    bool   // whether first and all are known
	isMember bool
	first    uint32 // owner of the remote address
	inLists  uint64
	all      []uint32 // owners, if there are several

	keys  [4]uint64 // what entries are compared with
	known peerSet   // those of the keys that are filled in
	ask   peerSet   // peers that a front knows nothing more of
	proto uint8     // as in entry.protos
	net   uint8     // as netOf has it
	is4   uint64    // 1 for an IPv4 packet
}

// aim reads the remote address.
func (q *query) aim(dir Direction) {
	q.aimed = true
	q.keys[keyList], q.keys[keyGroup] = ^uint64(0), ^uint64(0)
	if q.via.Appliance { // REF-12
		q.known, q.keys[keyGroup] = withGroups, 0
	}
	remote := &q.h.Src
	if dir == Egress {
		remote = &q.h.Dst
	}
	q.proto = protoBit(q.h.Protocol)
	if q.v6 = q.h.Family == packet.IPv6; q.v6 {
		q.hi, q.lo = binary.BigEndian.Uint64(remote[:8]), binary.BigEndian.Uint64(remote[8:])
		q.keys[keyCIDR], q.keys[keyAsk] = noAddr4, 1<<askList|1<<askCIDR6|1<<askEvery6
		q.ask = withMore | withCIDR6
		return
	}
	q.a4 = binary.BigEndian.Uint32(remote[12:])
	q.keys[keyCIDR], q.keys[keyAsk] = uint64(q.a4), 1<<askList
	q.is4, q.net, q.ask = 1, netOf(q.a4), withMore
}

// learn fills in the keys that entries need. Those that are not filled in let
// confirms ask.
func (q *query) learn(needs peerSet) {
	needs &^= q.known
	q.known |= needs
	if needs&withGroups != 0 {
		q.keys[keyGroup] = 0
		for i := range q.owners() {
			q.keys[keyGroup] |= q.owner(i).marks
		}
	}
	if needs&withLists != 0 {
		q.keys[keyList] = q.lists(0)
	}
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
		if o := q.owner(i); slices.Contains(o.groups(), group) && q.reaches(o, group) {
			return true
		}
	}
	return false
}

// ports returns the table for TCP or UDP.
func (b *block) ports(p packet.Protocol) *portTable {
	if p == packet.UDP {
		return &b.tables[1]
	}
	return &b.tables[0]
}

// find returns the first rule of an interval of ports whose peer the packet has,
// -1 if there is none.
func (b *block) find(q *query, t *portTable, interval int) int {
	if b.words > 1 || b.many != nil {
		return b.findWide(q, t, interval)
	}
	if c := t.intervals[interval].row; c != 0 {
		if i := b.findWord(q, 0, c); i < 64 {
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
	if q.via.Appliance { // REF-12
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
// Of a later fragment, or where the capture cut them off, only rules for the whole
// protocol are known to cover it.
func (r *ruleInfo) covers(h *packet.Header) bool {
	switch p := r.rule.Protocol; {
	case p == AllProtocols:
		return true
	case p != ProtocolNumber(uint8(h.Protocol)), p == ICMP && h.Family == packet.IPv6: // SG-41
		return false
	case p == TCP || p == UDP:
		if h.LaterFragment() || h.Missing&packet.MissingPorts != 0 {
			return r.rule.Ports == allPorts
		}
		return r.rule.Ports.First() <= int(h.DstPort) && int(h.DstPort) <= r.rule.Ports.Last()
	case p == ICMP || p == ICMPv6 && r.rule.ICMP.set:
		m := r.rule.ICMP
		if h.LaterFragment() || h.Missing&packet.MissingICMP != 0 {
			return m == allICMP
		}
		return (m.typ == -1 || m.typ == int32(h.ICMPType)) && (m.code == -1 || m.code == int32(h.ICMPCode))
	}
	return true
}
