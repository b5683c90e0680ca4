package sg

import (
	"github.com/sgsim/sgsim/packet"
)

// A front stands before the rules of a group for one direction. It turns away
// TCP and UDP packets to ports that no rule covers, with one cache line and no
// look at addresses. It may let others in that no rule covers, never the reverse.
type front struct {
	doors [4]uint64 // a Bloom filter with one hash over protocol and port, for rules of few ports
	wide  [2]uint64 // of TCP and UDP: a bit for each 1024 ports that a rule of many ports touches
	block *block
	flows flowSet
}

// narrow is the most ports that a rule may have to be entered port by port.
const narrow = 16

// A door is where in a front to look for a protocol and port.
type door struct{ word, bit, proto, wide uint8 }

// doorOf returns the door of a TCP or UDP port.
func doorOf(p packet.Protocol, port uint16) door {
	x := (uint32(port)<<8 | uint32(p)) * 0x9e3779b1 // 2^32 divided by the golden ratio
	d := door{word: uint8(x >> 30), bit: uint8(x >> 24 & 63), wide: uint8(port >> 10)}
	if p == packet.UDP {
		d.proto = 1
	}
	return d
}

// admits reports whether a rule may cover the port.
func (f *front) admits(d door) bool {
	return (f.doors[d.word&3]>>(d.bit&63)|f.wide[d.proto&1]>>(d.wide&63))&1 != 0
}

// newFront compiles the rules of a group for one direction.
func newFront(rules []*ruleInfo) front {
	f := front{block: newBlocks(rules)}
	for _, r := range rules {
		switch p := r.rule.Protocol; {
		case r.kind == peerNothing:
		case p == AllProtocols:
			f.wide = [2]uint64{^uint64(0), ^uint64(0)}
		case p == TCP || p == UDP:
			f.open(packet.Protocol(p), r.rule.Ports.First(), r.rule.Ports.Last())
		}
		f.flows |= r.flows()
	}
	return f
}

func (f *front) open(p packet.Protocol, first, last int) {
	if last-first < narrow {
		for port := first; port <= last; port++ {
			d := doorOf(p, uint16(port))
			f.doors[d.word] |= 1 << d.bit
		}
		return
	}
	for b := first >> 10; b <= last>>10; b++ {
		f.wide[doorOf(p, 0).proto] |= 1 << b
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
