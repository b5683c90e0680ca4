package sgtest

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A deadline is that of a [net.Conn], in the time of time.Now. The network's mutex
// guards it.
type deadline struct {
	passed bool
	timer  *time.Timer
}

// set sets the deadline, and has wake called when it passes. The zero t means no
// deadline.
func (d *deadline) set(n *Network, t time.Time, wake func()) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	wait := time.Until(t)
	d.passed = !t.IsZero() && wait <= 0
	if d.passed {
		wake()
	} else if !t.IsZero() {
		var timer *time.Timer
		timer = time.AfterFunc(wait, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			if d.timer == timer { // and no later call has set another
				d.passed = true
				wake()
			}
		})
		d.timer = timer
	}
}

// fault returns why the socket cannot be used in one direction: it was closed, or
// the deadline has passed.
func (s *socket) fault(by *deadline) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case by.passed:
		return s.trail.blame(os.ErrDeadlineExceeded, s.dir)
	}
	return nil
}

// Read is as for [net.Conn].
func (s *socket) Read(b []byte) (int, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	for {
		switch err := s.fault(&s.readBy); {
		case err != nil:
			return 0, s.failed("read", err)
		case len(b) == 0:
			return 0, nil
		case s.in.size > 0:
			k := s.in.read(b)
			s.makeRoom()
			return k, nil
		case s.eof, s.noRead, s.state == gone && s.err == nil:
			return 0, io.EOF
		case s.state == gone:
			return 0, s.failed("read", s.err)
		}
		s.readable.Wait()
	}
}

// makeRoom tells the peer about buffer space, once there is much more than it knows
// of.
func (s *socket) makeRoom() {
	known := int(int32(s.edge - s.rcv))
	if s.state == open && !s.eof && bufferSize-s.in.size-known >= bufferSize/2 {
		s.owesAck = true
		s.n.touch(s)
		s.n.run()
	}
}

// Write is as for [net.Conn]. It waits if the peer reads too slowly, but not for
// the data to arrive.
func (s *socket) Write(b []byte) (int, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	done := 0
	for {
		switch err := s.fault(&s.writeBy); {
		case err != nil:
			return done, s.failed("write", err)
		case s.fin || s.state == gone && s.err == nil:
			return done, s.failed("write", syscall.EPIPE)
		case s.state == gone:
			return done, s.failed("write", s.err)
		case done == len(b):
			return done, nil
		case s.out.size < bufferSize:
			k := min(len(b)-done, bufferSize-s.out.size)
			s.out.write(b[done : done+k])
			done += k
			s.output()
			s.n.run()
			if done == len(b) {
				return done, nil
			}
		default:
			s.writable.Wait()
		}
	}
}

// Close is as for [net.Conn]. What was written before is still sent. Received data
// that was not read is lost, and the peer then gets a RST, as in Linux.
func (s *socket) Close() error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.failed("close", net.ErrClosed)
	}
	s.shut()
	s.n.run()
	return nil
}

func (s *socket) shut() {
	s.closed = true
	s.readBy.set(s.n, time.Time{}, nil)
	s.writeBy.set(s.n, time.Time{}, nil)
	s.readable.Broadcast()
	s.writable.Broadcast()
	switch {
	case s.state == gone:
	case s.in.size > 0 || s.abort:
		s.reset()
	default:
		s.fin = true
		s.output()
	}
	s.in = queue{}
}

// CloseWrite tells the peer that nothing more will come. Reading still works.
func (s *socket) CloseWrite() error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.failed("close", net.ErrClosed)
	}
	s.fin = true
	s.output()
	s.n.run()
	return nil
}

// CloseRead makes reads return io.EOF and discards what arrives.
func (s *socket) CloseRead() error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.failed("close", net.ErrClosed)
	}
	s.noRead, s.in = true, queue{}
	s.readable.Broadcast()
	return nil
}

// SetLinger is as for [net.TCPConn]; only 0 makes a difference: Close then sends a
// RST.
func (s *socket) SetLinger(sec int) error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	s.abort = sec == 0
	return nil
}

// SetNoDelay has no effect: nothing is ever delayed.
func (s *socket) SetNoDelay(bool) error { return nil }

// SetKeepAlive is as for [net.TCPConn].
func (s *socket) SetKeepAlive(on bool) error {
	return s.SetKeepAliveConfig(net.KeepAliveConfig{Enable: on})
}

// SetKeepAlivePeriod is as for [net.TCPConn]. It does not turn keepalives on.
func (s *socket) SetKeepAlivePeriod(d time.Duration) error {
	s.n.mu.Lock()
	on := s.keep.Enable
	s.n.mu.Unlock()
	return s.SetKeepAliveConfig(net.KeepAliveConfig{Enable: on, Idle: d, Interval: d})
}

// SetKeepAliveConfig is as for [net.TCPConn].
func (s *socket) SetKeepAliveConfig(c net.KeepAliveConfig) error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.failed("set", net.ErrClosed)
	}
	s.keepAlive(c)
	s.n.run()
	return nil
}

// keepAlive fills the zero fields of c as package net does.
func (s *socket) keepAlive(c net.KeepAliveConfig) {
	for _, d := range []*time.Duration{&c.Idle, &c.Interval} {
		if *d <= 0 {
			*d = 15 * time.Second
		}
	}
	if c.Count <= 0 {
		c.Count = 9
	}
	s.keep, s.unheard, s.heard = c, 0, s.n.Clock.Now()
	s.n.touch(s)
}

// SetDeadline is as for [net.Conn].
func (s *socket) SetDeadline(t time.Time) error { return s.setDeadlines(t, true, true) }

// SetReadDeadline is as for [net.Conn].
func (s *socket) SetReadDeadline(t time.Time) error { return s.setDeadlines(t, true, false) }

// SetWriteDeadline is as for [net.Conn].
func (s *socket) SetWriteDeadline(t time.Time) error { return s.setDeadlines(t, false, true) }

func (s *socket) setDeadlines(t time.Time, read, write bool) error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.failed("set", net.ErrClosed)
	}
	if read {
		s.readBy.set(s.n, t, s.readable.Broadcast)
	}
	if write {
		s.writeBy.set(s.n, t, s.writable.Broadcast)
	}
	return nil
}

// LocalAddr returns a *net.TCPAddr.
func (s *socket) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(s.local.AddrPort) }

// RemoteAddr returns a *net.TCPAddr.
func (s *socket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote.AddrPort) }

// failed wraps an error as package net does.
func (s *socket) failed(op string, err error) error {
	return opError(op, "tcp", s.local, s.remote, err)
}

func opError(op, network string, local, remote place, err error) error {
	call := op
	if op == "dial" {
		call = "connect"
	}
	switch x := err.(type) {
	case syscall.Errno:
		err = os.NewSyscallError(call, x)
	case *DropError:
		if no, ok := x.Err.(syscall.Errno); ok {
			err = &DropError{os.NewSyscallError(call, no), x.Explanation}
		}
	}
	e := &net.OpError{Op: op, Net: network, Err: err}
	addr := func(p place) net.Addr {
		if network == "udp" {
			return net.UDPAddrFromAddrPort(p.AddrPort)
		}
		return net.TCPAddrFromAddrPort(p.AddrPort)
	}
	if local.IsValid() {
		e.Source = addr(local)
	}
	if remote.IsValid() {
		e.Addr = addr(remote)
	}
	return e
}
