package replay

import (
	"hash/maphash"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// maxConns bounds the TCP connections that are told apart in one part of the
// packets: 16.8 million in all 64, for 700 MB.
const maxConns = 1 << 18

// conns are the TCP connections of one part whose packets asked rules. Packets of
// tracked connections do not come here.
type conns struct {
	byID map[uint64]conn
	Midstream
}

// A conn is what was seen of a TCP connection.
type conn struct {
	seen    seen
	packets uint32 // dropped while seen is answered alone
	bytes   uint64 // of them
}

type seen uint8

const (
	opened   seen = 1 << iota // its SYN was admitted
	refused                   // its SYN was not
	midway                    // packets without a SYN before them
	answered                  // as midway, and all of them were SYN-ACKs
	ended                     // packets after its end
)

// connSeed keys the ids of connections, so that nobody can make two of one id. An
// id of 64 bits is that of another among 16.8 million with a probability of 1 in
// 130,000; only these counts would notice.
var connSeed = maphash.MakeSeed()

// connID is the same for both directions.
func connID(t packet.FiveTuple) uint64 {
	return maphash.Comparable(connSeed, t) + maphash.Comparable(connSeed, t.Reverse())
}

// add counts a TCP segment that no tracked connection admitted. It reports whether
// the segment belongs to a connection whose SYN was dropped.
func (m *conns) add(p *Packet) (ofRefused bool) {
	h := &p.Frame.Header
	id := connID(h.Tuple())
	c, known := m.byID[id]
	if !known && len(m.byID) == maxConns {
		m.Incomplete = true
		return false
	}
	accepted := p.Outcome.Verdict == sg.Accept
	switch {
	case h.TCPFlags&(packet.SYN|packet.ACK|packet.RST|packet.FIN) == packet.SYN:
		if c.seen&answered != 0 {
			m.Swapped++
			m.SwappedDropped.addCount(Count{uint64(c.packets), c.bytes})
			m.Open--
			m.OpenDropped.Packets -= uint64(c.packets)
			m.OpenDropped.Bytes -= c.bytes
			c.seen &^= midway | answered
		}
		if accepted {
			c.seen |= opened
		} else {
			c.seen |= refused
		}
	case p.Outcome.Reason != sg.OutOfState && p.Outcome.Reason != sg.NoRule && p.Outcome.Reason != sg.ByRule:
		return false
	case c.seen&opened != 0:
		if c.seen&ended == 0 {
			m.Ended++
		}
		c.seen |= ended
		if !accepted {
			m.EndedDropped.add(p.Frame.Length)
		}
	case c.seen&refused != 0:
		if !accepted {
			m.RefusedDropped.add(p.Frame.Length)
		}
		return !accepted
	default:
		m.addMidway(&c, p)
	}
	if m.byID == nil {
		m.byID = map[uint64]conn{}
	}
	m.byID[id] = c
	return false
}

// addMidway counts a segment of a connection whose SYN is not in the capture, so far.
func (m *conns) addMidway(c *conn, p *Packet) {
	if c.seen&midway == 0 {
		c.seen |= midway | answered
		m.Open++
	}
	if p.Frame.Header.TCPFlags&(packet.SYN|packet.ACK|packet.RST|packet.FIN) != packet.SYN|packet.ACK {
		c.seen &^= answered
	}
	if p.Outcome.Verdict == sg.Accept {
		c.seen &^= answered
		m.OpenPassed++
		return
	}
	c.packets++
	c.bytes += uint64(p.Frame.Length)
	m.OpenDropped.add(p.Frame.Length)
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
