package replay

import (
	"bytes"
	"hash/maphash"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// maxConns bounds the TCP connections that are told apart in one part of the
// packets: 16.8 million in all 64, for 268 MB.
const maxConns = 1 << 18

// conns are the TCP connections of one part whose packets asked rules. Packets of
// tracked connections do not come here.
type conns struct {
	// Open addressing: the id of a connection and what was seen of it, 0 where none
	// is. A Go map, twice the size, made a replay of 200,000 connections a fifth
	// slower.
	slots []uint64
	n     int

	answered map[uint64]Count // dropped packets of those of which nothing else was seen
	Midstream
}

// What was seen of a connection. The bits above are its id.
const (
	opened   = 1 << iota // its SYN was admitted
	refused              // its SYN was not
	midway               // packets without a SYN before them
	answered             // as midway, and all of them were SYN-ACKs that were dropped
	ended                // packets after its end
	known                // anything
	idBits   = ^uint64(known<<1 - 1)
)

// connSeed keys the ids of connections, so that nobody can choose their slots, or
// make two of one id. That of another connection among 2^18 is the same with a
// probability of 1 in 8 million; only these counts would notice.
var connSeed = maphash.MakeSeed()

// connID is the same for both directions.
func connID(t packet.FiveTuple) uint64 {
	if c := bytes.Compare(t.Src[:], t.Dst[:]); c > 0 || c == 0 && t.SrcPort > t.DstPort {
		t = t.Reverse()
	}
	return maphash.Comparable(connSeed, t)&idBits | known
}

// find returns the slot of a connection, or the free one where it would be.
func (m *conns) find(id uint64) *uint64 {
	mask := uint64(len(m.slots) - 1)
	for i := id >> 6; ; i++ {
		if s := &m.slots[i&mask]; *s == 0 || (*s^id)&idBits == 0 {
			return s
		}
	}
}

// conn returns the slot of a connection, and nil for a new one beyond the bound.
func (m *conns) conn(id uint64) *uint64 {
	if 4*m.n >= 3*len(m.slots) {
		old := m.slots
		m.slots = make([]uint64, max(16, 2*len(old)))
		for _, c := range old {
			if c != 0 {
				*m.find(c) = c
			}
		}
	}
	c := m.find(id)
	if *c == 0 {
		if m.n == maxConns {
			return nil
		}
		*c = id
		m.n++
	}
	return c
}

// add counts a TCP segment that no tracked connection admitted. It reports whether
// the segment belongs to a connection whose SYN was dropped.
func (m *conns) add(p *Packet) (ofRefused bool) {
	id := connID(p.Frame.Header.Tuple())
	c := m.conn(id)
	if c == nil {
		m.Incomplete = true
		return false
	}
	accepted := p.Outcome.Verdict == sg.Accept
	switch p.Outcome.Reason {
	case sg.OutOfState, sg.NoRule, sg.ByRule:
	default:
		if opening(p) != packet.SYN {
			return false
		}
	}
	switch {
	case opening(p) == packet.SYN:
		m.addSYN(id, c, accepted)
	case *c&opened != 0:
		if *c&ended == 0 {
			m.Ended++
		}
		*c |= ended
		if !accepted {
			m.EndedDropped.add(p.Frame.Length)
		}
	case *c&refused != 0:
		if !accepted {
			m.RefusedDropped.add(p.Frame.Length)
		}
		return !accepted
	default:
		m.addMidway(id, c, p)
	}
	return false
}

// opening returns the flags that open and close connections.
func opening(p *Packet) packet.TCPFlags {
	return p.Frame.Header.TCPFlags & (packet.SYN | packet.ACK | packet.RST | packet.FIN)
}

func (m *conns) addSYN(id uint64, c *uint64, accepted bool) {
	if *c&answered != 0 { // by a SYN-ACK that was recorded before it
		cost := m.answered[id]
		delete(m.answered, id)
		m.Swapped++
		m.SwappedDropped.addCount(cost)
		m.Open--
		m.OpenDropped.Packets -= cost.Packets
		m.OpenDropped.Bytes -= cost.Bytes
		*c &^= midway | answered
	}
	if accepted {
		*c |= opened
	} else {
		*c |= refused
	}
}

// addMidway counts a segment of a connection whose SYN is not in the capture, so far.
func (m *conns) addMidway(id uint64, c *uint64, p *Packet) {
	if *c&midway == 0 {
		*c |= midway | answered
		m.Open++
	}
	if p.Outcome.Verdict == sg.Accept {
		m.OpenPassed++
	} else {
		m.OpenDropped.add(p.Frame.Length)
	}
	switch {
	case *c&answered == 0:
	case p.Outcome.Verdict == sg.Accept || opening(p) != packet.SYN|packet.ACK:
		*c &^= answered
		delete(m.answered, id)
	default:
		if m.answered == nil {
			m.answered = map[uint64]Count{}
		}
		cost := m.answered[id]
		cost.add(p.Frame.Length)
		m.answered[id] = cost
	}
}

// addAll adds the counts of another part.
func (m *Midstream) addAll(o *Midstream) {
	m.Open += o.Open
	m.OpenDropped.addCount(o.OpenDropped)
	m.OpenPassed += o.OpenPassed
	m.Swapped += o.Swapped
	m.SwappedDropped.addCount(o.SwappedDropped)
	m.Ended += o.Ended
	m.EndedDropped.addCount(o.EndedDropped)
	m.RefusedDropped.addCount(o.RefusedDropped)
	m.Incomplete = m.Incomplete || o.Incomplete
}
