package conntrack

import "github.com/sgsim/sgsim/packet"

// A symbol is what a TCP segment means to the state machine, in this priority:
// RST, SYN with ACK, SYN, FIN, ACK (CTS-10).
type symbol uint8

const (
	symSYN symbol = iota
	symSYNACK
	symFIN
	symACK
	symRST
	symIllegal // flags that no stack sends together
)

// symbolOf maps the flag byte to its symbol. PSH, ECE and CWR mean nothing.
var symbolOf = func() (t [256]symbol) {
	const ignored = packet.PSH | packet.ECE | packet.CWR
	for f := range t {
		switch packet.TCPFlags(f) &^ ignored {
		case packet.SYN, packet.SYN | packet.URG:
			t[f] = symSYN
		case packet.SYN | packet.ACK:
			t[f] = symSYNACK
		case packet.FIN | packet.ACK, packet.FIN | packet.ACK | packet.URG:
			t[f] = symFIN
		case packet.ACK, packet.ACK | packet.URG:
			t[f] = symACK
		case packet.RST, packet.RST | packet.ACK:
			t[f] = symRST
		default:
			t[f] = symIllegal
		}
	}
	return t
}()

// What a cell of tcpNext holds if not the next state.
const (
	tcpInvalid State = Stream + 1 + iota // the segment does not fit
	tcpIgnore                            // the table may be wrong: pass, change nothing
	tcpReopen                            // the connection is over and this SYN opens another
)

// tcpNext is the transition table (CTS-12): next state by direction, symbol and
// state, in the order None, SynSent, SynRecv, Established, FinWait, CloseWait,
// LastAck, TimeWait, Close, SynSent2. Rows have 16 cells so that a four-bit
// state needs no bounds check.
//
// An ACK of the reply direction in SynRecv leads to Established once both sides
// have sent a SYN; that does not fit into the table.
var tcpNext = func() (t [2][8][16]State) {
	const (
		ss = SynSent
		s2 = SynSent2
		sr = SynRecv
		es = Established
		fw = FinWait
		cw = CloseWait
		la = LastAck
		tw = TimeWait
		cl = Close
		xx = tcpInvalid
		ig = tcpIgnore
		re = tcpReopen
	)
	for d := range t {
		for s := range t[d] {
			for i := range t[d][s] {
				t[d][s][i] = xx
			}
		}
	}
	for _, r := range []struct {
		next [10]State
		dir  Direction
		sym  symbol
	}{
		//          no  ss  sr  es  fw  cw  la  tw  cl  s2
		{[...]State{ss, ss, ig, ig, ig, ig, ig, re, re, s2}, Original, symSYN},
		{[...]State{xx, xx, sr, xx, xx, xx, xx, xx, xx, sr}, Original, symSYNACK},
		{[...]State{xx, xx, fw, fw, la, la, la, tw, cl, xx}, Original, symFIN},
		{[...]State{es, xx, es, es, cw, cw, tw, tw, cl, xx}, Original, symACK},
		{[...]State{xx, cl, cl, cl, cl, cl, cl, cl, cl, cl}, Original, symRST},
		{[...]State{xx, s2, xx, xx, xx, xx, xx, re, xx, s2}, Reply, symSYN},
		{[...]State{xx, sr, ig, ig, ig, ig, ig, ig, ig, sr}, Reply, symSYNACK},
		{[...]State{xx, xx, fw, fw, la, la, la, tw, cl, xx}, Reply, symFIN},
		{[...]State{xx, ig, sr, es, cw, cw, tw, tw, cl, ig}, Reply, symACK},
		{[...]State{xx, cl, cl, cl, cl, cl, cl, cl, cl, cl}, Reply, symRST},
	} {
		copy(t[r.dir-Original][r.sym][:], r.next[:])
	}
	return t
}()

// stepTCP returns what a segment does to a connection in the AWS profile.
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
			// Whichever side sends it, and however the old connection ended
			// (CTS-19).
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
		return effect{meta, 0, outcomeKeep, WhyNone} // else retries would keep a dead connection alive (CTS-21)
	case !replied && cell == Established:
		timeout = min(timeout, linuxUnacked)
	case cell == SynSent2:
		meta |= metaSimultaneous
	case cell == SynRecv && sym == symACK && meta&metaSimultaneous != 0:
		cell, timeout = Established, to[Established]
	}
	return effect{withState(meta, cell), timeout, outcomeRefresh, WhyNone}
}
