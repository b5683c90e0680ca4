package sg

import (
	"math"
	"math/bits"

	"github.com/sgsim/sgsim/packet"
)

// An entry is one rule as a front compares it with a packet: what the query has
// under key, shifted, must be value, as far as the mask of the key goes.
//
//	key        what the query has               value
//	keyCIDR    the IPv4 address                 the network, shifted
//	keyList    bits: lists with the address     number of the list, and a 1
//	keyGroup   marks of the owners' groups      number of the group, and a 1
//	keyAsk     bits: what may be asked          index or number, and a 1
//
// Of the last three, only the last bit of value is compared; the rest of it says
// what to look at where the bit is not all: groups share marks, for one.
type entry struct {
	value       uint32
	first, last uint16 // ports
	shift       uint8
	key         uint8
	protos      uint8 // 1 for TCP, 2 for UDP
	rule        uint8 // index in front.rules
}

// Keys of entries.
const (
	keyCIDR = iota
	keyList
	keyGroup
	keyAsk
)

// Bits of keyAsk.
const (
	askList   = iota // one of a number beyond the first 64
	askCIDR6         // its index in block.cidrs6
	askEvery6        // ::/0
)

// keyMasks say how much of a shifted key is compared.
var keyMasks = [4]uint64{keyCIDR: ^uint64(0), keyList: 1, keyGroup: 1, keyAsk: 1}

// noAddr4 is the keyCIDR of packets over IPv6. Shifted, it is the value of no entry.
const noAddr4 = 1 << 63

// entryOf returns the entry of a rule for TCP, UDP or all protocols; others have
// none.
func entryOf(r *ruleInfo, peer peerRef) (e entry, ok bool) {
	switch r.rule.Protocol {
	case AllProtocols:
		e.last, e.protos = 65535, 3
	case TCP, UDP:
		e.first, e.last, e.protos = uint16(r.rule.Ports.First()), uint16(r.rule.Ports.Last()), 1
		if r.rule.Protocol == UDP {
			e.protos = 2
		}
	default:
		return e, false
	}
	e.value = peer.a<<1 | 1
	switch r.kind {
	case peerCIDR4:
		e.shift = uint8(32 - r.rule.Peer.CIDR.Bits())
		e.key, e.value = keyCIDR, peer.a>>e.shift
	case peerCIDR6:
		e.key, e.shift = keyAsk, askCIDR6
		if r.rule.Peer.CIDR.Bits() == 0 {
			e.shift = askEvery6
		}
	case peerList:
		e.key, e.shift = keyList, uint8(peer.a)
		if peer.a > 63 {
			e.key, e.shift = keyAsk, askList
		}
	case peerGroup:
		e.key, e.shift = keyGroup, uint8(peer.a&63)
	default:
		return e, false // stale
	}
	return e, true
}

// enter fills in the entries of f, and what turns addresses away. It reports false,
// and enters no entries, where a packet would be compared with too many.
func (f *front) enter() bool {
	if len(f.rules) > noRule {
		return false
	}
	doors := int(f.open)
	open := doors + bits.OnesCount32(f.gates)
	// Slot 0 is that of rules for nearly all ports; those of doors and gates follow.
	type slotted struct {
		entry
		slot uint8
	}
	var (
		room [128]slotted
		size [allSlots + 1]int
	)
	all := room[:0]
	add := func(e entry, slot int) {
		size[slot]++
		all = append(all, slotted{e, uint8(slot)})
	}
	for i, r := range f.rules {
		e, ok := entryOf(r.ruleInfo, f.block.peers[i])
		if !ok {
			continue
		}
		f.addPeer(e, f.block.peers[i])
		e.rule = uint8(i)
		p, first, last := packet.Protocol(r.rule.Protocol), e.first, int(e.last)
		switch n := last - int(first) + 1; {
		case n <= atDoors:
			for port := int(first); port <= last; port++ {
				e.first, e.last = uint16(port), uint16(port)
				d := doorOf(p, e.first)
				d.look()
				add(e, f.openBefore(&d)+1)
			}
		case n <= atGates:
			from, to := doorOf(p, first), doorOf(p, e.last)
			slot := f.gateSlot(&from) + 1
			for g := from.gate; g <= to.gate; g++ { // all of them open
				add(e, slot)
				slot++
			}
		default:
			add(e, 0)
		}
	}
	most := [2]int{} // of a door, of a gate
	for slot, n := range size[1:] {
		i := 0
		if slot >= doors {
			i = 1
		}
		most[i] = max(most[i], n)
	}
	if size[0]+most[0]+most[1] > maxNear {
		return false
	}
	if open > maxSlots || len(all) > math.MaxUint8 {
		f.more = new([allSlots + 1]uint16)
	}
	var next [allSlots + 1]int // place of the next entry of a slot
	end := 0
	for slot, n := range size[:open+1] {
		next[slot] = end
		end += n
		if f.more != nil {
			f.more[slot] = uint16(end)
		} else {
			f.first[slot] = uint8(end)
		}
	}
	f.entries = make([]entry, len(all))
	for _, e := range all {
		f.entries[next[e.slot]] = e.entry
		next[e.slot]++
	}
	return true
}

// addPeer enters the peer of a rule with an entry.
func (f *front) addPeer(e entry, p peerRef) {
	switch e.key {
	case keyCIDR:
		f.addNet(p)
	case keyList:
		f.peers |= withLists
		f.lists |= 1 << (e.shift & 63)
	case keyGroup:
		f.peers |= withGroups
		f.marks |= 1 << (e.shift & 63)
	case keyAsk:
		if e.shift == askList {
			f.peers |= withMore
		} else {
			f.peers |= withCIDR6
		}
	}
}

// scan returns the rule of the first of a group's entries that the packet fits, or
// noRule.
//
// It decides about an entry without a branch on what kind of entry it is: kinds
// follow each other at random, and each wrong guess of the processor would cost as
// much as several entries.
func (q *query) scan(f *front, es []entry) int {
	port, proto := uint32(q.h.DstPort), q.proto
	for i := range es {
		e := &es[i]
		differs := (q.keys[e.key&3]>>(e.shift&63) ^ uint64(e.value)) & keyMasks[e.key&3]
		beside := ((port - uint32(e.first)) | (uint32(e.last) - port)) >> 31
		if differs|uint64(beside)|uint64(proto&^e.protos) == 0 && q.confirms(f, e) {
			return int(e.rule)
		}
	}
	return noRule
}

// noRule is above the index of every rule of a front with entries.
const noRule = 256

// confirms looks at what the bit of an entry leaves open.
func (q *query) confirms(f *front, e *entry) bool {
	n := e.value >> 1
	switch {
	case e.key == keyGroup:
		return q.memberOf(n)
	case e.key == keyList:
		return q.known&withLists != 0 || q.lists(0)>>n&1 != 0
	case e.key == keyAsk && e.shift == askList:
		return q.lists(n/64)>>(n%64)&1 != 0
	case e.key == keyAsk && e.shift == askCIDR6:
		c := &f.block.cidrs6[n]
		return q.hi&c.hiMask == c.hi && q.lo&c.loMask == c.lo
	}
	return true
}

// anywhere reports whether an entry admits a port from or to every address of the
// family.
func (f *front) anywhere(fam packet.Family, p packet.Protocol, port uint16) bool {
	key, shift := uint8(keyCIDR), uint8(32)
	if fam == packet.IPv6 {
		key, shift = keyAsk, askEvery6
	}
	d := doorOf(p, port)
	d.look()
	wide, door, gate := f.runs(&d)
	for _, r := range [...]run{wide, door, gate} {
		es := r.of(f.entries)
		for i := range es {
			e := &es[i]
			if e.key == key && e.shift == shift && e.protos&protoBit(p) != 0 && e.first <= port && port <= e.last {
				return true
			}
		}
	}
	return false
}

// protoBit returns the bit of TCP or UDP in entry.protos.
func protoBit(p packet.Protocol) uint8 {
	if p == packet.UDP {
		return 2
	}
	return 1
}
