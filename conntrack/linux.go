package conntrack

import "github.com/sgsim/sgsim/packet"

// A tcpMemory is what the Linux profile remembers of a TCP connection besides its
// state. Sequence numbers never make a segment invalid here, because the profile
// tracks liberally. But they decide whether a RST closes the connection, whether
// a SYN that was let through has been answered, and which timeout applies.
//
// TCP options are not part of a packet.Header, so windows are unscaled and
// selective acknowledgements are ignored.
type tcpMemory struct {
	side [2]tcpSide // by direction

	// The last segment that counted: an acceptable one, or one that was let
	// through because the table may be out of step.
	lastSeq, lastAck, lastEnd uint32
	lastWin                   uint16
	lastSym                   symbol
	lastDir                   uint8 // 0: original
	repeats                   uint8 // identical ACKs in a row, after the first
	simultaneous              bool  // both sides have sent a SYN
	expectChallenge           bool  // a SYN was let through in LastAck
}

// A tcpSide is what one side has sent, and what the other allowed it to send.
type tcpSide struct {
	end    uint32 // after the highest sequence number sent
	maxEnd uint32 // the highest right edge of the window that was offered to it
	maxWin uint32 // the largest window it offered; 0 until it sent something
	maxAck uint32 // highest acknowledgement it sent, if acked

	acked   bool
	unacked bool // it has sent data that was not acknowledged
	sentFIN bool // it was the first to close
}

// An outcome is what a segment does to a connection.
type outcome uint8

const (
	outcomeInvalid outcome = iota
	outcomeIgnored         // passes and changes neither state nor timeout
	outcomeReopen          // a new connection on the same tuple; this one is over
	outcomeDelete          // passes, and the connection is gone
	outcomeKeep            // passes, and the timeout keeps running
	outcomeRefresh         // passes, and the timeout starts again
)

// step is the result of a segment in the Linux profile.
type step struct {
	outcome outcome
	state   State
	timeout int64 // of outcomeRefresh
	assured bool
}

func after(a, b uint32) bool  { return int32(a-b) > 0 }
func before(a, b uint32) bool { return int32(a-b) < 0 }

// stepLinux is stepTCP for the Linux profile. It updates the memory.
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

// open makes the memory of a connection whose first segment is h, and returns
// the state and timeout it starts with.
func (m *tcpMemory) open(h *packet.Header, to *timeouts) step {
	*m = tcpMemory{lastSym: symIllegal}
	first := &m.side[0]
	first.end = segmentEnd(h)
	first.maxWin = max(1, uint32(h.Window))
	first.maxEnd = first.end
	if symbolOf[h.TCPFlags] != symSYN {
		first.maxEnd += first.maxWin
	}
	return m.segment(None, false, false, Original, h, to)
}

// segment advances the memory of a connection in the given state by one segment.
// replied and assured are those flags before the segment.
//
// The order of the checks, and what each leaves behind, follow nf_conntrack of
// Linux 6.18 with nf_conntrack_tcp_be_liberal and _ignore_invalid_rst set; the
// test against the running kernel holds them to it (CTS-12 to CTS-23).
func (m *tcpMemory) segment(state State, replied, assured bool, dir Direction, h *packet.Header, to *timeouts) step {
	sym := symbolOf[h.TCPFlags]
	d := uint8(dir - Original)
	next := tcpNext[d][sym][state&15]
	window := true // whether the segment updates what is known of the windows

	switch next {
	case tcpInvalid:
		return step{outcome: outcomeInvalid, state: state}

	case tcpReopen, tcpIgnore:
		if next == tcpReopen && (m.side[0].sentFIN || m.side[1].sentFIN || m.lastDir == d && m.lastSym == symRST) {
			return step{outcome: outcomeReopen, state: state}
		}
		if sym == symSYNACK && m.lastSym == symSYN && m.lastDir != d && h.Ack == m.lastEnd {
			// The SYN that was let through was answered: the table was out of
			// step, and now follows these two (CTS-17).
			m.side[m.lastDir] = tcpSide{end: m.lastEnd, maxEnd: m.lastEnd, maxWin: max(1, uint32(m.lastWin))}
			m.side[d] = tcpSide{}
			m.expectChallenge = false
			state, next = SynSent, SynRecv
			break
		}
		m.lastSym, m.lastDir = sym, d
		m.lastSeq, m.lastEnd, m.lastWin = h.Seq, segmentEnd(h), h.Window
		if sym == symSYN && dir == Original {
			m.simultaneous = false
			m.expectChallenge = state == LastAck
		}
		if state == SynSent && sym == symACK && dir == Reply {
			m.lastAck = h.Ack
		}
		return step{outcome: outcomeIgnored, state: state}

	case TimeWait:
		if state == LastAck && sym == symACK && m.lastDir != d && m.lastSym == symSYN && m.expectChallenge {
			// The answer to a SYN that was let through, not to the FIN (CTS-18).
			m.expectChallenge = false
			return step{outcome: outcomeIgnored, state: state}
		}

	case SynSent2:
		m.simultaneous = true

	case SynRecv:
		if dir == Reply && sym == symACK && m.simultaneous {
			next = Established
		}

	case Close:
		if sym == symRST {
			next, window = m.reset(state, replied, assured, d, h)
		}
	}

	if window {
		m.window(state, d, sym, h)
	}
	m.lastSym, m.lastDir = sym, d
	if state != next && next == FinWait {
		m.side[d].sentFIN = true
	}
	return m.finish(state, next, replied, assured, sym, to)
}

// reset decides whether a RST closes the connection, and whether its numbers
// update the windows (CTS-16).
func (m *tcpMemory) reset(state State, replied, assured bool, d uint8, h *packet.Header) (next State, window bool) {
	switch state {
	case FinWait, CloseWait, LastAck, TimeWait, Close:
		return Close, false
	}
	next = Close
	if peer := &m.side[1-d]; peer.acked && m.lastSym != symSYN {
		established := state == Established && assured
		switch {
		case !established, h.Seq == peer.maxAck:
			return Close, true
		case m.lastSym == symACK && m.lastDir == d && h.Seq == m.lastEnd:
			return Close, true // right after the segment before it
		}
		next = state // may be forged: see whether the peer challenges it
	}
	switch {
	case (replied && m.lastSym == symSYN || !assured && m.lastSym == symACK) && h.Ack == m.lastEnd:
		return next, false // answers a SYN or ACK that was let through
	case state == SynSent && m.lastSym == symACK && m.lastDir == 1 && h.Seq == m.lastAck:
		return next, false // answers a challenge that was let through
	}
	return next, true
}

// window updates what both sides have sent and allowed. A segment outside the
// window is accepted but updates nothing.
func (m *tcpMemory) window(state State, d uint8, sym symbol, h *packet.Header) {
	sender, receiver := &m.side[d], &m.side[1-d]
	seq, ack, win, end := h.Seq, h.Ack, uint32(h.Window), segmentEnd(h)
	syn, hasAck := h.TCPFlags&packet.SYN != 0, h.TCPFlags&packet.ACK != 0

	switch {
	case sender.maxWin == 0 && syn:
		sender.end, sender.maxEnd, sender.maxWin = end, end, max(1, win)
		if !hasAck {
			return
		}
	case sender.maxWin == 0: // picked up mid-connection: believe it
		sender.end, sender.maxWin = end, max(1, win)
		sender.maxEnd = end + sender.maxWin
		if receiver.maxWin == 0 {
			receiver.end, receiver.maxEnd = ack, ack
		} else if ack == receiver.end+1 {
			receiver.end++ // answers a keep-alive
		}
	case syn && after(end, sender.end) && (state == SynSent || state == SynRecv):
		sender.end, sender.maxEnd, sender.maxWin = end, end, max(1, win)
		if d == 1 && !hasAck {
			return
		}
	}

	if !hasAck || sym == symRST && ack == 0 {
		ack = receiver.end
	}
	if sym == symRST && seq == 0 && state == SynSent {
		seq, end = sender.end, sender.end // answers a SYN
	}

	if !before(seq, sender.maxEnd+1) {
		overshot := end - sender.maxEnd + 1
		if receiver.maxWin != 0 && after(end, sender.end-receiver.maxWin-1) &&
			overshot <= receiver.maxWin &&
			after(ack, receiver.end-maxAckWindow(sender)-1) && before(ack, receiver.end+1) {
			sender.end, sender.unacked = end, true
		}
		return
	}
	if !before(ack, receiver.end+1) ||
		receiver.maxWin != 0 && !after(end, sender.end-receiver.maxWin-1) ||
		!after(ack, receiver.end-maxAckWindow(sender)-1) {
		return
	}

	sender.maxWin = max(sender.maxWin, win)
	if after(end, sender.end) {
		sender.end, sender.unacked = end, true
	}
	if hasAck && (!sender.acked || after(ack, sender.maxAck)) {
		sender.maxAck, sender.acked = ack, true
	}
	if receiver.maxWin != 0 && after(end, sender.maxEnd) {
		receiver.maxWin += end - sender.maxEnd
	}
	if after(ack+win, receiver.maxEnd-1) {
		receiver.maxEnd = ack + max(1, win)
	}
	if ack == receiver.end {
		receiver.unacked = false
	}
	if sym == symACK {
		if m.lastDir == d && m.lastSeq == seq && m.lastAck == ack && m.lastEnd == end && m.lastWin == h.Window {
			m.repeats++ // wraps around at 256, as in Linux
		} else {
			m.lastDir, m.lastSeq, m.lastAck, m.lastEnd, m.lastWin = d, seq, ack, end, h.Window
			m.repeats = 0
		}
	}
}

// maxAckWindow is how far an acknowledgement may lag behind.
func maxAckWindow(s *tcpSide) uint32 { return max(s.maxWin, 66000) }

// finish picks the timeout of an acceptable segment.
func (m *tcpMemory) finish(state, next State, replied, assured bool, sym symbol, to *timeouts) step {
	const maxRepeats = 3
	t := to[next]
	switch {
	case m.repeats >= maxRepeats && t > linuxUnacked:
		t = linuxUnacked
	case sym == symRST:
		t = to[Close]
	case (m.side[0].unacked || m.side[1].unacked || m.lastWin == 0) && t > linuxUnacked:
		t = linuxUnacked
	}
	r := step{outcome: outcomeRefresh, state: next, timeout: t, assured: assured}
	switch {
	case replied:
		if (state == SynRecv || state == Established) && next == Established {
			r.assured = true
		}
	case sym == symRST:
		r.outcome = outcomeDelete
	case sym == symSYN && state == SynSent:
		r.outcome = outcomeKeep // else retries would keep a dead connection alive (CTS-21)
	case next == Established:
		r.timeout = min(t, linuxUnacked)
	}
	return r
}

// segmentEnd is the sequence number after the segment.
func segmentEnd(h *packet.Header) uint32 {
	end := h.Seq + h.PayloadLen
	if h.TCPFlags&packet.SYN != 0 {
		end++
	}
	if h.TCPFlags&packet.FIN != 0 {
		end++
	}
	return end
}
