package sgtest

import (
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// TCP parameters, from Linux if it has them (tcp(7),
// Documentation/networking/ip-sysctl.rst, read 2026-11). Round trips take no time
// here, so retransmissions start from the least interval.
const (
	bufferSize  = 256 << 10 // bytes that a socket keeps for each direction
	windowShift = 7         // of the window scale option that all SYNs carry
	optionBytes = 8         // of a SYN: maximum segment size, window scale, and padding

	firstRTO  = time.Second // for SYNs, RFC 6298
	leastRTO  = 200 * time.Millisecond
	mostRTO   = 120 * time.Second
	synTries  = 6  // tcp_syn_retries: it gives up after 127 s
	ackTries  = 5  // tcp_synack_retries: 63 s
	dataTries = 15 // tcp_retries2: 924.6 s

	finTimeout = 60 * time.Second // tcp_fin_timeout

	backlog = 4096 // net.core.somaxconn
)

// tcpState is how far a connection has come. The later states of RFC 9293 are in fin,
// finSent, eof and closed.
type tcpState uint8

const (
	synSent tcpState = iota
	synReceived
	open
	gone // nothing more is sent or received
)

// A socket is one end of a TCP connection: this file has the half that the network
// sees, conn.go the half that a program sees. The network's mutex guards all of it.
//
// There is no congestion window, since the wire is never full, and no TIME_WAIT: a
// socket with nothing more to send or receive forgets the connection.
type socket struct {
	n             *Network
	local, remote place
	head          packet.Header // of its segments, before flags and numbers
	listener      *listener     // that accepted the connection; nil: it dialed
	trail         *trail
	dir           int // in the trail
	state         tcpState
	mss           int // bytes of payload

	// What it sends. Numbers from una to nxt are in flight; after a timeout nxt goes
	// back to una, and top stays.
	out           queue // from una on
	una, nxt, top uint32
	window        int       // bytes from una on that the peer has room for
	fin           bool      // a FIN follows out
	finSent       bool      // and top is after it
	said          bool      // everything up to the FIN has arrived
	retries       int       // of the oldest segment, or of a probe of a closed window
	resent        bool      // out was sent again because of a duplicate acknowledgement
	again         time.Time // when the next retry is due; zero: nothing waits

	// What it receives.
	in      queue
	rcv     uint32 // the number that comes next
	edge    uint32 // the first number that the peer has no room for
	eof     bool   // the FIN has come
	owesAck bool
	heard   time.Time // when the last segment arrived
	unheard int       // probes since then

	keep   net.KeepAliveConfig
	forget time.Time // when a closed socket no longer waits for the peer's FIN

	due     time.Time // in timers
	slot    int       // in timers; -1: not there
	touched bool

	// What the program did: it closed the socket, reads no more, or wants Close to
	// send a RST.
	closed, noRead, abort bool
	err                   error // why the connection is gone; nil: both ends closed it
	readable, writable    sync.Cond
	readBy, writeBy       deadline
}

// socket makes a socket and puts it on the network.
func (n *Network) socket(local, remote place, t *trail, dir int) *socket {
	n.isn = n.isn*1664525 + 1013904223 // a generator from Numerical Recipes
	s := &socket{
		n: n, local: local, remote: remote, trail: t, dir: dir, slot: -1,
		head: packet.TCPHeader(local.AddrPort, remote.AddrPort, 0),
		una:  n.isn, nxt: n.isn, top: n.isn,
	}
	s.mss = min(n.mtu(local.Addr()), n.mtu(remote.Addr())) - int(s.head.Length)
	s.readable.L, s.writable.L = &n.mu, &n.mu
	n.sockets[pair{local, remote}] = s
	return s
}

// send sends a segment. Every segment but the first acknowledges what has arrived.
func (s *socket) send(flags packet.TCPFlags, seq uint32, data []byte) {
	h := s.head
	h.TCPFlags, h.Seq = flags, seq
	if s.state != synSent {
		h.TCPFlags |= packet.ACK
		h.Ack = s.rcv
		s.owesAck = false
	}
	room := max(bufferSize-s.in.size, 0)
	h.Window = uint16(room >> windowShift)
	if flags&packet.SYN != 0 {
		h.Window = uint16(min(room, 0xffff))
		h.Length += optionBytes
	}
	s.edge = s.rcv + uint32(room)
	h.PayloadLen = uint32(len(data))
	h.Length += h.PayloadLen
	h.Captured = h.Length
	s.n.transmit(&h, data, s.trail, s.dir)
}

// output sends what the window allows.
func (s *socket) output() {
	if s.state < open && s.nxt == s.una {
		s.send(packet.SYN, s.nxt, nil)
		s.nxt++
		s.top = s.nxt
	}
	for s.state == open {
		off := int(s.nxt - s.una)
		if s.retries > 0 && off > 0 {
			break // one segment at a time, until the peer has answered
		}
		data := s.out.at(off, min(s.mss, s.window-off))
		end := off+len(data) == s.out.size
		fin := s.fin && !s.said && end
		if len(data) == 0 && !fin {
			break
		}
		var flags packet.TCPFlags
		if end && len(data) > 0 {
			flags |= packet.PSH
		}
		seq := s.nxt
		s.nxt += uint32(len(data))
		if fin {
			flags |= packet.FIN
			s.nxt++
			s.finSent = true
		}
		if int32(s.nxt-s.top) > 0 {
			s.top = s.nxt
		}
		s.send(flags, seq, data)
	}
	s.n.touch(s)
}

// input handles a segment that has arrived.
func (s *socket) input(h *packet.Header, data []byte) {
	s.heard, s.unheard = s.n.Clock.Now(), 0
	flags := h.TCPFlags
	switch {
	case flags&packet.RST != 0:
		switch early := int32(h.Seq - s.rcv); {
		case s.state == synSent && h.Ack == s.nxt:
			s.die(syscall.ECONNREFUSED)
		case s.state != synSent && early == 0:
			s.die(syscall.ECONNRESET)
		case s.state != synSent && early > 0:
			s.owesAck = true // RFC 5961: a peer that has forgotten the connection answers with the right number
		}
		return
	case s.state == synSent:
		if flags&(packet.SYN|packet.ACK) == packet.SYN|packet.ACK && h.Ack == s.nxt {
			s.rcv = h.Seq + 1
			s.opened(h)
			s.window = int(h.Window)
			s.owesAck = true
			s.readable.Broadcast()
		}
		return
	case s.state == synReceived:
		if flags&packet.SYN != 0 { // the other end did not get the answer
			s.nxt = s.una
			s.output()
			return
		}
		if h.Ack != s.nxt || !s.listener.take(s) {
			return
		}
		s.opened(h)
	case flags&packet.SYN != 0:
		s.owesAck = true // the last ACK of the handshake was lost
		return
	}
	s.acknowledged(h, len(data) == 0 && flags&packet.FIN == 0)
	s.receive(h.Seq, data, flags&packet.FIN != 0)
	s.output()
}

func (s *socket) opened(h *packet.Header) {
	s.state, s.una, s.retries, s.again = open, h.Ack, 0, time.Time{}
}

// acknowledged handles the acknowledgement and the window of a segment.
func (s *socket) acknowledged(h *packet.Header, bare bool) {
	window := int(h.Window) << windowShift
	got := int32(h.Ack - s.una)
	switch {
	case got < 0 || int32(s.top-h.Ack) < 0:
		return
	case got > 0:
		s.out.drop(min(int(got), s.out.size))
		s.una = h.Ack
		s.said = s.finSent && s.una == s.top
		if int32(s.nxt-s.una) < 0 {
			s.nxt = s.una
		}
		s.retries, s.resent, s.again = 0, false, time.Time{}
		s.writable.Broadcast()
	case bare && window == s.window && s.top != s.una && !s.resent:
		s.nxt, s.resent = s.una, true // the peer lacks something and got what follows
	case window > s.window && s.top == s.una:
		s.retries, s.again = 0, time.Time{} // the peer had no room, and now it has
	}
	s.window = window
}

// receive takes the next bytes from a segment. Bytes that arrive too early are lost:
// the peer sends them again.
func (s *socket) receive(seq uint32, data []byte, fin bool) {
	old := int32(s.rcv - seq)
	if len(data) > 0 || fin || old > 0 {
		s.owesAck = true
	}
	if old < 0 || int(old) > len(data) || s.eof {
		return
	}
	if data = data[old:]; len(data) > 0 {
		if s.closed { // nobody will read it
			s.reset()
			return
		}
		s.rcv += uint32(len(data))
		if !s.noRead {
			s.in.push(data)
		}
	}
	if fin {
		s.rcv++
		s.eof = true
	}
	if len(data) > 0 || fin {
		s.readable.Broadcast()
	}
}

// reset ends the connection with a RST.
func (s *socket) reset() {
	s.send(packet.RST, s.top, nil)
	s.die(syscall.ECONNRESET)
}

// die removes the socket from the network. What has arrived can still be read.
func (s *socket) die(err error) {
	if s.state == gone {
		return
	}
	s.state, s.err, s.out = gone, err, queue{}
	delete(s.n.sockets, pair{s.local, s.remote})
	s.n.timers.remove(s)
	s.readable.Broadcast()
	s.writable.Broadcast()
}

// settle does what is left to do once nothing is in flight.
func (s *socket) settle() {
	if s.state == gone {
		return
	}
	if s.owesAck {
		s.send(0, s.top, nil)
	}
	if s.said && s.eof {
		s.die(nil)
		return
	}
	now := s.n.Clock.Now()
	switch waits := s.top != s.una || s.out.size > 0; {
	case !waits:
		s.retries, s.again = 0, time.Time{}
	case s.again.IsZero():
		s.again = now.Add(s.rto())
	}
	if s.closed && s.said && s.forget.IsZero() {
		s.forget = now.Add(finTimeout)
	}
	for _, due := range []time.Time{s.again, s.forget, s.keepAliveDue()} {
		if !due.IsZero() {
			s.n.timers.wait(s, due)
		}
	}
}

// rto is how long the socket waits for an acknowledgement.
func (s *socket) rto() time.Duration {
	first := leastRTO
	if s.state < open {
		first = firstRTO
	}
	return min(first<<min(s.retries, 10), mostRTO)
}

func (s *socket) keepAliveDue() time.Time {
	if !s.keep.Enable || s.state != open || s.top != s.una {
		return time.Time{}
	}
	return s.heard.Add(s.keep.Idle + time.Duration(s.unheard)*s.keep.Interval)
}

// tick does what is due at this time.
func (s *socket) tick(now time.Time) {
	passed := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	switch {
	case passed(s.forget):
		s.die(nil)
	case passed(s.again):
		s.retries++
		s.again = time.Time{}
		most := dataTries
		switch s.state {
		case synSent:
			most = synTries
		case synReceived:
			most = ackTries
		}
		if under := s.top != s.una; under && s.retries > most || !under && s.unheard > most {
			s.die(s.trail.blame(syscall.ETIMEDOUT, s.dir))
		} else if under {
			s.nxt, s.resent = s.una, false
			s.output()
		} else {
			s.probe() // for room
		}
	case passed(s.keepAliveDue()):
		if s.unheard >= s.keep.Count {
			s.die(s.trail.blame(syscall.ETIMEDOUT, s.dir))
		} else {
			s.probe()
		}
	}
}

// probe sends a segment without new data, which the peer answers.
func (s *socket) probe() {
	s.unheard++
	s.send(0, s.top-1, nil)
}
