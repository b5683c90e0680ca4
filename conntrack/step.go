package conntrack

import "github.com/sgsim/sgsim/packet"

// An effect is what a packet does to its connection.
type effect struct {
	meta    uint64
	timeout int64 // of outcomeRefresh
	outcome outcome
	why     Why // why it changed nothing
}

// withReply records a packet of the reply direction.
func withReply(meta uint64, dir Direction) uint64 {
	if dir == Reply {
		meta |= metaReplied
	}
	return meta
}

// stepOther returns what a packet of any protocol but TCP does to a connection.
// age is how long the connection has lasted, for the Linux profile.
func stepOther(p Profile, meta uint64, dir Direction, age int64, to *timeouts) effect {
	proto, state := protocolOf(meta), stateOf(meta)
	replied := meta&metaReplied != 0
	meta = withReply(meta, dir)
	if dir == Reply && state == Unreplied {
		state = Replied
	}
	switch {
	case proto == packet.UDP && p == AWS:
		// A transaction is a request and the first reply after it; from the
		// second one on the connection is a stream (CTS-28).
		if dir == Original {
			meta |= metaAsked
		} else {
			if replied && meta&metaAsked != 0 {
				state = Stream
			}
			meta &^= metaAsked
		}
	case p == AWS:
	case proto == packet.UDP && replied && age > udpStreamAge,
		(proto == packet.UDPLite || proto == packet.GRE) && replied:
		state = Stream
		meta |= metaAssured
	}
	return effect{withState(meta, state), otherTimeout(p, proto, state, to), outcomeRefresh, WhyNone}
}

// otherTimeout is the timeout of a connection that is not TCP.
func otherTimeout(p Profile, proto packet.Protocol, state State, to *timeouts) int64 {
	switch proto {
	case packet.UDP:
		return to[state&15]
	case packet.ICMP, packet.ICMPv6:
		return icmpTimeout
	}
	if p == Linux {
		switch {
		case proto == packet.UDPLite:
			return to[state&15]
		case proto == packet.GRE && state == Stream:
			return greStreamTimeout
		case proto == packet.GRE:
			return greTimeout
		case proto == packet.SCTP:
			return sctpTimeout
		}
	}
	return int64(OtherTimeout)
}

// step returns what the packet does to its connection. Only with remember does it
// change what the Linux profile remembers of the connection.
func (t *Table) step(s *store, rec uint32, meta uint64, z Zone, dir Direction, h *packet.Header, at int64, remember bool) effect {
	to := t.timeouts.of(z)
	switch {
	case h.Protocol != packet.TCP:
		var age int64
		if t.profile == Linux {
			age = at - s.remembered(rec).opened
		}
		return stepOther(t.profile, meta, dir, age, to)
	case h.Missing&packet.MissingTCPFlags != 0:
		return effect{meta, 0, outcomeInvalid, WhyMissing}
	case t.profile == AWS:
		return stepTCP(meta, dir, h.TCPFlags, to)
	}
	m := &s.remembered(rec).tcp
	if !remember {
		copied := *m
		m = &copied
	}
	return stepLinux(m, meta, dir, h, to)
}

// answer returns the Result for a packet with this effect on its connection.
func (t *Table) answer(e effect, dir Direction) Result {
	switch {
	case e.outcome == outcomeReopen:
		return plain(New, WhyNone)
	case e.outcome == outcomeInvalid && t.profile == Linux && e.why != WhyMissing:
		return about(Invalid, 0, e.why, e.meta)
	}
	return about(Tracked, dir, e.why, e.meta)
}

// advance applies the packet to its connection.
func (t *Table) advance(s *store, rec uint32, u *unit, z Zone, dir Direction, h *packet.Header, at int64) Result {
	e := t.step(s, rec, u[wordMeta], z, dir, h, at, true)
	if e.outcome == outcomeRefresh {
		s.setExpiry(rec, u, at+e.timeout)
	}
	u[wordMeta] = e.meta
	if e.outcome == outcomeDelete || e.outcome == outcomeReopen && t.profile == Linux {
		// Linux forgets the old connection when it sees the SYN, whatever happens to
		// the SYN. Assumption: AWS changes nothing for a packet that is not admitted
		// (CTS-19).
		t.end(s, rec, false)
	}
	return t.answer(e, dir)
}

// end frees the record of a connection.
func (t *Table) end(s *store, rec uint32, expired bool) {
	if expired {
		t.stats.Expired++
	} else {
		t.stats.Deleted++
	}
	if t.limits != nil {
		t.limits.add(s.zone(rec), -1)
	}
	s.drop(rec)
}
