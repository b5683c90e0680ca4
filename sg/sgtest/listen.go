package sgtest

import (
	"net"
	"sync"
	"syscall"

	"github.com/sgsim/sgsim/sg"
)

// A listener waits for connections at one port of all addresses of an end.
type listener struct {
	n       *Network
	places  []place
	ready   []*socket
	closed  bool
	arrived sync.Cond
}

// Listen listens for TCP connections at an end, on all its addresses; port 0 picks
// a free one. Every packet of the connections passes the security groups of both
// ends. A port that is taken ends the test, and so does an address of interfaces in
// several VPCs. Packets of [Network.Dial] and [Network.Send] do not reach listeners; they
// only pass the groups.
//
// The connections are like those of package net: see [Network.Dialer]. The listener
// and its connections end with the test.
func (n *Network) Listen(t TB, end string, port uint16) net.Listener {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{n: n}
	l.arrived.L = &n.mu
	var err error
	if l.places, _, err = n.bind("tcp", end, port, func(p place) bool { return n.listeners[p] != nil }); err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	for _, p := range l.places {
		n.listeners[p] = l
	}
	return l
}

// bind returns the places of an end at a port that is free at all its addresses, and the
// VPC of its interface.
func (n *Network) bind(network, end string, port uint16, taken func(place) bool) (all []place, vpc sg.VPCID, err error) {
	n.Clock.run(n.advance)
	addrs, e, err := n.lookup(end)
	if err != nil {
		return nil, "", err
	}
	some := func(port uint16) bool {
		for _, e.addr = range addrs {
			if taken(n.at(e, port)) {
				return true
			}
		}
		return false
	}
	if port == 0 {
		port = n.freePort(some)
	}
	for _, e.addr = range addrs {
		all = append(all, n.at(e, port))
	}
	switch {
	case len(all) == 0:
		return nil, "", &net.AddrError{Err: "no address", Addr: end}
	case e.eni < 0 && n.isShared(e.addr):
		return nil, "", &net.AddrError{Err: "address of several interfaces", Addr: end}
	case port == 0 || some(port):
		return nil, "", opError("listen", network, place{}, all[0], syscall.EADDRINUSE)
	}
	return all, n.vpcOf(e), nil
}

// open answers a SYN.
func (l *listener) open(p *parcel, local, remote place) {
	s := l.n.socket(local, remote, p.trail, 1-p.dir)
	s.listener, s.state = l, synReceived
	s.rcv, s.window = p.head.Seq+1, int(p.head.Window)
	s.heard = l.n.Clock.Now()
	s.output()
}

// take queues a connection for Accept, unless too many are waiting.
func (l *listener) take(s *socket) bool {
	if len(l.ready) >= backlog {
		return false
	}
	l.ready = append(l.ready, s)
	l.arrived.Signal()
	return true
}

// Accept is as for [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	for len(l.ready) == 0 && !l.closed {
		l.arrived.Wait()
	}
	if l.closed {
		return nil, opError("accept", "tcp", place{}, l.places[0], net.ErrClosed)
	}
	s := l.ready[0]
	l.ready[0] = nil
	l.ready = l.ready[1:]
	return s, nil
}

// Close is as for [net.Listener]. Connections that nobody has accepted are reset.
func (l *listener) Close() error {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.closed {
		return opError("close", "tcp", place{}, l.places[0], net.ErrClosed)
	}
	l.close()
	for _, s := range l.n.sockets {
		if s.listener == l && s.state == synReceived {
			s.die(nil)
		}
	}
	for _, s := range l.ready {
		s.abort = true
		s.shut()
	}
	l.ready = nil
	l.n.run()
	return nil
}

func (l *listener) close() {
	l.closed = true
	l.arrived.Broadcast()
	for _, p := range l.places {
		delete(l.n.listeners, p)
	}
}

// Addr returns a *net.TCPAddr: the first of the end's addresses.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.places[0].AddrPort) }
