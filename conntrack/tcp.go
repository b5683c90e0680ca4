package conntrack

import "github.com/sgsim/sgsim/packet"

// A symbol is what a TCP segment means to the state machine. By priority: RST,
// SYN with ACK, SYN, FIN, ACK (CTS-10).
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

// What a cell of tcpNext says where it is not the next state.
const (
	tcpInvalid State = Stream + 1 + iota // the segment does not fit
	tcpIgnore                            // it may be the table that is wrong: pass, change nothing
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
