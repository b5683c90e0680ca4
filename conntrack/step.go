package conntrack

import "github.com/sgsim/sgsim/packet"

// An effect is what a packet makes of its connection.
type effect struct {
	meta    uint64
	timeout int64 // of outcomeRefresh
	outcome outcome
	why     Why // it changed nothing
}

// stepTCP is what a segment does to a connection in the AWS profile.
func stepTCP(meta uint64, dir Direction, flags packet.TCPFlags, to *timeouts) effect {
	sym := symbolOf[flags]
	state := stateOf(meta)
	cell := tcpNext[(dir-Original)&1][sym&7][state&15]
	replied := meta&metaReplied != 0
	if cell == Established && replied { // nearly always
		return effect{withState(meta, Established), to[Established], outcomeRefresh, WhyNone}
	}
	if cell >= tcpInvalid {
		switch {
		case cell == tcpReopen, sym == symSYN && (state == TimeWait || state == Close):
			// Whichever side sends it, and whatever has been seen of the
			// end of the old connection (CTS-19).
			return effect{meta, 0, outcomeReopen, WhyNone}
		case cell == tcpIgnore:
			return effect{withReply(meta, dir), 0, outcomeIgnored, WhyIgnored}
		case sym == symIllegal:
			return effect{meta, 0, outcomeInvalid, WhyFlags}
		}
		return effect{meta, 0, outcomeInvalid, WhyState}
	}
	meta = withReply(meta, dir)
	timeout := to[cell]
	switch {
	case !replied && sym == symRST:
		return effect{withState(meta, Close), 0, outcomeDelete, WhyNone}
	case !replied && sym == symSYN && dir == Original && state == SynSent:
		return effect{meta, 0, outcomeKeep, WhyNone} // or retries would keep a dead connection (CTS-21)
	case !replied && cell == Established:
		timeout = min(timeout, linuxUnacked)
	case cell == SynSent2:
		meta |= metaSimultaneous
	case cell == SynRecv && sym == symACK && meta&metaSimultaneous != 0:
		cell, timeout = Established, to[Established]
	}
	return effect{withState(meta, cell), timeout, outcomeRefresh, WhyNone}
}

// withReply notes a packet of the reply direction.
func withReply(meta uint64, dir Direction) uint64 {
	if dir == Reply {
		meta |= metaReplied
	}
	return meta
}

// stepOther is what a packet of any protocol but TCP does to a connection. age is
// how long the connection has lasted, for the Linux profile.
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

// stepLinux is stepTCP for the Linux profile. It changes the memory.
func stepLinux(m *tcpMemory, meta uint64, dir Direction, h *packet.Header, to *timeouts) effect {
	if symbolOf[h.TCPFlags] == symIllegal {
		return effect{meta, 0, outcomeInvalid, WhyFlags}
	}
	s := m.segment(stateOf(meta), meta&metaReplied != 0, meta&metaAssured != 0, dir, h, to)
	switch s.outcome {
	case outcomeInvalid:
		return effect{meta, 0, s.outcome, WhyState}
	case outcomeReopen:
		return effect{meta, 0, s.outcome, WhyNone}
	case outcomeIgnored:
		return effect{withReply(meta, dir), 0, s.outcome, WhyIgnored}
	}
	meta = withState(meta, s.state)
	if s.assured {
		meta |= metaAssured
	}
	return effect{withReply(meta, dir), s.timeout, s.outcome, WhyNone}
}
