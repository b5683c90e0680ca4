package sgtest

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Dialer connects from one end of a [Network], as a [net.Dialer] does from its
// machine. Make one with [Network.Dialer].
type Dialer struct {
	// KeepAlive is the time between keepalives of an idle TCP connection, on the
	// network's clock. Zero or less means none, so that a test sees what happens to
	// an idle connection; a [net.Dialer] would use 15 s. The accepting side calls
	// the connection's SetKeepAlive method.
	KeepAlive time.Duration

	n    *Network
	from string
}

// Dialer returns a dialer whose connections start at an end. Its DialContext method
// fits [net/http.Transport] and others.
//
// A connection is a [net.Conn], with most of the other methods of *net.TCPConn:
// CloseRead, CloseWrite, SetLinger, SetNoDelay, SetKeepAlive, SetKeepAlivePeriod and
// SetKeepAliveConfig. It sends what a machine would send, with the intervals of Linux:
// dropped segments are sent again, and it gives up on a silent peer after 127 s while
// connecting, and after 924 s later on. [DropError] describes such errors.
func (n *Network) Dialer(t TB, end string) *Dialer {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, _, err := n.lookup(end); err != nil {
		t.Fatalf("%v", err)
	}
	n.Clock.run(n.advance)
	return &Dialer{n: n, from: end}
}

// Dial is DialContext without a context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext connects to an address such as "app:8080": an end of the network and a
// port. network is "tcp" or "udp", or one of these with a 4 or a 6; without a number
// it means IPv4 if both ends have it. A connection over UDP is a [net.PacketConn]
// too.
//
// ctx ends the attempt, not the connection. The error is a [*net.OpError], a timeout
// if nothing comes back.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: ended(ctx)}
	}
	d.n.mu.Lock()
	defer d.n.mu.Unlock()
	local, remote, err := d.n.route(ctx, network, d.from, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if strings.HasPrefix(network, "udp") {
		return d.n.connectUDP(local, remote)
	}
	port := d.n.freePort(func(port uint16) bool {
		at := local.with(port)
		return d.n.sockets[pair{at, remote}] != nil || d.n.listeners[at] != nil
	})
	if port == 0 {
		return nil, opError("dial", "tcp", place{}, remote, syscall.EADDRNOTAVAIL)
	}
	s := d.n.socket(local.with(port), remote, &trail{via: pair{local, remote}.via()}, 0)
	if d.KeepAlive > 0 {
		s.keepAlive(net.KeepAliveConfig{Enable: true, Idle: d.KeepAlive, Interval: d.KeepAlive})
	}
	if err := s.connect(ctx); err != nil {
		return nil, opError("dial", "tcp", s.local, s.remote, err)
	}
	return s, nil
}

// route finds the addresses of both ends of a connection. The port of the local one
// is not known yet.
func (n *Network) route(ctx context.Context, network, from, to string) (local, remote place, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return local, remote, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(to)
	if err != nil {
		return local, remote, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return local, remote, err
	}
	theirs, b, err := n.lookup(host)
	if err != nil {
		return local, remote, notFound(host)
	}
	ours, a, err := n.lookup(from)
	if err != nil {
		return local, remote, err
	}
	if n.meet(&a, &b, ours, theirs, !strings.HasSuffix(network, "6"), !strings.HasSuffix(network, "4")) {
		return n.at(a, 0), n.at(b, uint16(port)), nil
	}
	return local, remote, &net.AddrError{Err: "no address of a family that " + from + " has", Addr: host}
}

// connect sends a SYN and waits for the result.
func (s *socket) connect(ctx context.Context) error {
	s.heard = s.n.Clock.Now()
	s.output()
	s.n.run()
	if s.state == synSent {
		defer context.AfterFunc(ctx, func() {
			s.n.mu.Lock()
			defer s.n.mu.Unlock()
			s.readable.Broadcast()
		})()
	}
	for s.state == synSent && ctx.Err() == nil {
		s.readable.Wait()
	}
	switch {
	case s.state == gone && s.err != nil:
		return s.err
	case s.state == gone:
		return net.ErrClosed // the test is over
	case s.state != synSent:
		return nil
	}
	s.die(ended(ctx))
	return s.trail.blame(s.err, s.dir)
}

// ended returns the error of a dial whose context has ended.
func ended(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return dialTimeout{}
	}
	return ctx.Err()
}

// dialTimeout is the error of an attempt whose context has timed out, as in package
// net.
type dialTimeout struct{}

func (dialTimeout) Error() string   { return os.ErrDeadlineExceeded.Error() }
func (dialTimeout) Timeout() bool   { return true }
func (dialTimeout) Temporary() bool { return true }
func (dialTimeout) Is(err error) bool {
	return err == context.DeadlineExceeded || err == os.ErrDeadlineExceeded
}

// LookupHost returns the addresses of an end of the network, for programs that resolve
// names themselves. No packet is sent for it: groups do not filter DNS (EX-02).
func (n *Network) LookupHost(_ context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addrs, _, err := n.lookup(name)
	if err != nil {
		return nil, notFound(name)
	}
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return texts, nil
}

func notFound(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// end closes everything that is still open when the test ends, without a packet.
// If the test failed, it logs what was dropped.
func (n *Network) end(t cleaner) {
	if t.Failed() {
		if said := n.losses(); said != "" {
			t.Logf("%s", said)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.listeners {
		l.close()
	}
	for _, s := range n.sockets {
		s.die(net.ErrClosed)
	}
	for _, c := range n.packets {
		c.shut()
	}
	if n.wake != nil {
		n.wake.Stop()
	}
}
