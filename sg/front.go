package sg

import (
	"math/bits"

	"github.com/sgsim/sgsim/packet"
)

// A front is what a packet of TCP or UDP meets of a group's rules for one
// direction: three cache lines.
//
// The first two turn away packets to ports that no rule covers, and from or to
// addresses that are in no rule's peer. They may let others in, never the reverse.
// Rules of few ports open doors, those of more open gates, and those of nearly all
// ports are for all above some port.
//
// The third one leads to the entries to compare with the packet, where these are
// few for every port, as in the groups of most users. Entries of rules for nearly
// all ports come first, then those of each open door, then of each open gate, so
// that the number of open ones before a packet's own says where they start:
//
//	doors     0 0 1 0 0 0 1 0 1 0 0 ...
//	first         1       4   5
//	entries   [ wide ][ door 2 ][ door 6 ][ door 8 ] ... [ gate 3 ] ...
//
// Groups of more open doors and gates have first elsewhere, in more. Groups of yet
// more rules have no entries; their blocks are asked instead.
type front struct {
	doors   [3]uint64 // a Bloom filter with one hash over protocol and port
	gates   uint32    // a bit for each gate
	above   [2]uint16 // of TCP and UDP: first port that a rule for nearly all covers
	flows   flowSet   // of this direction
	answers flowSet   // of the opposite direction
	open    uint8     // how many doors are
	crowded bool      // blocks are to be asked
	peers   peerSet
	lists   uint64 // the first 64 that rules name
	marks   uint64 // of groups that rules name
	more    *[allSlots + 1]uint16

	nets  [4]uint64 // a Bloom filter over the first half of addresses in IPv4 CIDRs
	rules []ruleAt
	block *block

	entries []entry
	first   [maxSlots + 1]uint8 // index of the first entry of each open door and gate, and their end
}

const (
	maxSlots = 39        // open doors and gates that front.first has place for
	allSlots = 3*64 + 32 // as many as there are
	maxNear  = 64        // entries that a packet is compared with

	// A rule of at most so many ports is entered at the door of each, and one of
	// at most so many at the gates.
	atDoors = 4
	atGates = 8192
)

// A ruleAt is a rule and its number, which is wanted where the rule itself is not:
// it lies far away.
type ruleAt struct {
	*ruleInfo
	number uint32
}

// A peerSet says which kinds of peers rules have. It is a set of kinds of keys.
type peerSet uint8

const (
	withLists  peerSet = 1 << keyList
	withGroups peerSet = 1 << keyGroup
	withMore   peerSet = 1 << (keyAsk + iota) // lists beyond the first 64
	withCIDR6
)

// A door is where in a front to look for a protocol and port.
type door struct {
	before [3]uint64 // the doors before it
	word   uint8     // of front.doors
	bit    uint8
	gate   uint8  // 0 to 15 for TCP, 16 to 31 for UDP: that of ports below 1024, then each of 4,369
	proto  uint8  // 0 for TCP, 1 for UDP
	port   uint16 // itself
}

// doorOf returns the door of a TCP or UDP port.
func doorOf(p packet.Protocol, port uint16) (d door) {
	x := (uint32(port)<<8 | uint32(p)) * 0x9e3779b1 // 2^32 divided by the golden ratio
	x = x >> 16 * (64 * uint32(len(d.before))) >> 16
	d.word, d.bit, d.port = uint8(x>>6), uint8(x&63), port
	if p == packet.UDP {
		d.proto = 1
	}
	d.gate = d.proto << 4
	if port >= 1024 {
		d.gate += uint8(1 + (uint32(port)-1024)*15>>16)
	}
	return d
}

// look fills in what runs needs beyond what admits needs.
func (d *door) look() {
	for i := range d.before {
		if i < int(d.word) {
			d.before[i] = ^uint64(0)
		}
	}
	d.before[d.word] = 1<<(d.bit&63) - 1
}

// admits returns 1 if a rule may cover the port, else 0. It has no branch, so that
// the processor need not guess which of an ENI's groups admit a packet.
func (f *front) admits(d *door) int {
	n := f.doors[d.word]>>(d.bit&63) | uint64(f.gates>>(d.gate&31))
	return int(n&1 | uint64(f.isAbove(d)))
}

// isAbove returns 1 if a rule for nearly all ports may cover the port.
func (f *front) isAbove(d *door) uint8 {
	if d.port >= f.above[d.proto&1] {
		return 1
	}
	return 0
}

// A run is where entries lie in a front: from the index in the low half up to that
// in the high one. It is one word, not two, since halves that are written one by one
// and read together make the processor wait.
type run uint32

func (r run) of(es []entry) []entry {
	from, to := uint16(r), uint16(r>>16)
	return es[from:to]
}

// knows returns 1 if some rule's peer may have the address of the query, else 0. It
// has no branch either.
func (f *front) knows(q *query) int {
	n := f.nets[q.net>>6]>>(q.net&63)&q.is4 | f.lists&q.keys[keyList] | f.marks&q.keys[keyGroup] | uint64(f.peers&q.ask)
	return int((n | -n) >> 63)
}

// netOf returns where in front.nets to look for an address.
func netOf(a uint32) uint8 { return uint8(a >> 16 * 0x9e3779b1 >> 24) }

// addNet enters an IPv4 CIDR.
func (f *front) addNet(p peerRef) {
	if n := ^p.b >> 16; n < 64 {
		for i := range n + 1 {
			h := netOf(p.a + i<<16)
			f.nets[h>>6] |= 1 << (h & 63)
		}
		return
	}
	for i := range f.nets {
		f.nets[i] = ^uint64(0)
	}
}

// runs returns the entries that a packet is to be compared with: of rules for nearly
// all ports, of its door, and of its gate. It has no branch that depends on the
// packet.
func (f *front) runs(d *door) (wide, door, gate run) {
	n, g := f.openBefore(d), f.gateSlot(d)
	doorOpen, gateOpen := f.doors[d.word]>>(d.bit&63)&1, f.gates>>(d.gate&31)&1
	return f.at(0) * run(f.isAbove(d)) << 16,
		f.at(n) | f.at(n+int(doorOpen))<<16,
		f.at(g) | f.at(g+int(gateOpen))<<16
}

// at returns the index where the entries of a slot end and those of the next begin.
func (f *front) at(slot int) run {
	switch {
	case f.more != nil && slot <= allSlots:
		return run(f.more[slot])
	case slot <= maxSlots:
		return run(f.first[slot])
	}
	return 0 // of a front without entries
}

// openBefore returns how many doors before d are open.
func (f *front) openBefore(d *door) int {
	return bits.OnesCount64(f.doors[0]&d.before[0]) +
		bits.OnesCount64(f.doors[1]&d.before[1]) +
		bits.OnesCount64(f.doors[2]&d.before[2])
}

// gateSlot returns how many doors are open, and gates before that of d.
func (f *front) gateSlot(d *door) int {
	return int(f.open) + bits.OnesCount32(f.gates&(1<<(d.gate&31)-1))
}

// newFront compiles the rules of a group for one direction.
func newFront(rules []*ruleInfo) front {
	f := front{rules: make([]ruleAt, len(rules)), above: [2]uint16{65535, 65535}}
	for i, r := range rules {
		f.rules[i] = ruleAt{r, r.number}
		switch p := r.rule.Protocol; {
		case r.kind == peerNothing:
		case p == AllProtocols:
			f.above = [2]uint16{}
		case p == TCP || p == UDP:
			f.openPorts(packet.Protocol(p), r.rule.Ports.First(), r.rule.Ports.Last())
		}
		f.flows |= r.flows()
	}
	for _, w := range f.doors {
		f.open += uint8(bits.OnesCount64(w))
	}
	f.block = newBlocks(f.rules)
	f.crowded = !f.enter()
	if f.crowded {
		f.peers = withMore // lets every address in
		for b := f.block; b != nil; b = b.next {
			b.addTables()
		}
	}
	return f
}

func (f *front) openPorts(p packet.Protocol, first, last int) {
	from, to := doorOf(p, uint16(first)), doorOf(p, uint16(last))
	switch n := last - first + 1; {
	case n <= atDoors:
		for port := first; port <= last; port++ {
			d := doorOf(p, uint16(port))
			f.doors[d.word] |= 1 << d.bit
		}
	case n <= atGates:
		f.gates |= 1<<(to.gate+1) - 1<<from.gate
	default:
		f.above[from.proto] = min(f.above[from.proto], uint16(first))
	}
}

// A flowSet says for which of TCP and UDP over IPv4 and IPv6 a group has rules
// with a literal 0.0.0.0/0 or ::/0 (CT-10).
type flowSet uint8

// Bits of a flowSet: a rule for some ports, four kinds of flow; then one for all
// ports.
const allPortsShift = 4

// flowBit returns the bit of one kind of flow.
func flowBit(f packet.Family, p packet.Protocol) flowSet {
	bit := flowSet(1)
	if f == packet.IPv6 {
		bit <<= 2
	}
	if p == packet.UDP {
		bit <<= 1
	}
	return bit
}

func (r *ruleInfo) flows() (s flowSet) {
	for _, f := range [...]packet.Family{packet.IPv4, packet.IPv6} {
		for _, p := range [...]packet.Protocol{packet.TCP, packet.UDP} {
			if r.anywhere(f, p) {
				s |= flowBit(f, p)
				if r.rule.Protocol == AllProtocols || r.rule.Ports == allPorts {
					s |= flowBit(f, p) << allPortsShift
				}
			}
		}
	}
	return s
}

// anywhere reports whether the rule admits flows of a family and protocol from or
// to every address, at some port at least.
func (r *ruleInfo) anywhere(f packet.Family, p packet.Protocol) bool {
	kind := peerCIDR4
	if f == packet.IPv6 {
		kind = peerCIDR6
	}
	return r.kind == kind && r.mayUntrack() && (r.rule.Protocol == AllProtocols || r.rule.Protocol == Protocol(p))
}

// mayUntrack reports whether the rule can make flows untracked: its CIDR is
// literally every address, not a list or several halves (CT-17).
func (r *ruleInfo) mayUntrack() bool {
	return (r.kind == peerCIDR4 || r.kind == peerCIDR6) && r.rule.Peer.CIDR.Bits() == 0
}
