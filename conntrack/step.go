package conntrack

import "github.com/sgsim/sgsim/packet"

// stepTCP is what a segment does to a connection in the AWS profile: the new meta
// word, the timeout where the outcome is outcomeRefresh, and why it changed
// nothing where it did not.
func stepTCP(meta uint64, dir Direction, flags packet.TCPFlags, to *timeouts) (uint64, int64, outcome, Why) {
	sym := symbolOf[flags]
	state := stateOf(meta)
	next := tcpNext[(dir-Original)&1][sym&7][state&15]
	replied := meta&metaReplied != 0
	if next >= tcpInvalid {
		switch {
		case next == tcpReopen, sym == symSYN && (state == TimeWait || state == Close):
			// Whichever side sends it, and whatever has been seen of the
			// end of the old connection (CTS-19).
			return meta, 0, outcomeReopen, WhyNone
		case next == tcpIgnore:
			if dir == Reply {
				meta |= metaReplied
			}
			return meta, 0, outcomeIgnored, WhyIgnored
		case sym == symIllegal:
			return meta, 0, outcomeInvalid, WhyFlags
		}
		return meta, 0, outcomeInvalid, WhyState
	}
	if next == Established && replied { // nearly always
		return withState(meta, Established), to[Established], outcomeRefresh, WhyNone
	}
	timeout := to[next]
	if dir == Reply {
		meta |= metaReplied
	}
	switch {
	case !replied && sym == symRST:
		return withState(meta, Close), 0, outcomeDelete, WhyNone
	case !replied && sym == symSYN && dir == Original && state == SynSent:
		return meta, 0, outcomeKeep, WhyNone // or retries would keep a dead connection (CTS-21)
	case next == SynSent2:
		meta |= metaSimultaneous
	case next == SynRecv && sym == symACK && meta&metaSimultaneous != 0:
		next, timeout = Established, to[Established]
	}
	if next == Established && !replied {
		timeout = min(timeout, linuxUnacked)
	}
	return withState(meta, next), timeout, outcomeRefresh, WhyNone
}

// stepOther is what a packet of any protocol but TCP does to a connection. age is
// how long the connection has lasted, for the Linux profile.
func stepOther(p Profile, meta uint64, dir Direction, age int64, to *timeouts) (uint64, int64) {
	proto, state := protocolOf(meta), stateOf(meta)
	replied := meta&metaReplied != 0
	if dir == Reply {
		meta |= metaReplied
		if state == Unreplied {
			state = Replied
		}
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
	case (proto == packet.UDP || proto == packet.UDPLite) && replied && age > udpStreamAge,
		proto == packet.GRE && replied:
		state = Stream
		meta |= metaAssured
	}
	return withState(meta, state), otherTimeout(p, proto, state, to)
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
func stepLinux(m *tcpMemory, meta uint64, dir Direction, h *packet.Header, to *timeouts) (uint64, int64, outcome, Why) {
	if symbolOf[h.TCPFlags] == symIllegal {
		return meta, 0, outcomeInvalid, WhyFlags
	}
	s := m.segment(stateOf(meta), meta&metaReplied != 0, meta&metaAssured != 0, dir, h, to)
	switch s.outcome {
	case outcomeInvalid:
		return meta, 0, s.outcome, WhyState
	case outcomeReopen:
		return meta, 0, s.outcome, WhyNone
	case outcomeIgnored:
		if dir == Reply {
			meta |= metaReplied
		}
		return meta, 0, s.outcome, WhyIgnored
	}
	meta = withState(meta, s.state)
	if s.assured {
		meta |= metaAssured
	}
	if dir == Reply {
		meta |= metaReplied
	}
	return meta, s.timeout, s.outcome, WhyNone
}
