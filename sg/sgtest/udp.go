package sgtest

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

const (
	mostDatagram = 65507     // bytes of payload, over IPv4
	mostWaiting  = 208 << 10 // bytes that wait to be read: net.core.rmem_default of Linux
	udpHeader    = 8         // bytes
)

// A packetConn is a UDP socket: at all addresses of an end, or connected to one peer.
// The network's mutex guards all of it.
type packetConn struct {
	n      *Network
	vpc    sg.VPCID // of its end, "" outside
	places []place
	remote place // of a connected one; else invalid

	// heard are the places that datagrams came from which have an address of several VPCs:
	// answers are for them, though they may be in another VPC than this end.
	heard map[netip.AddrPort]place

	waiting  []datagram
	size     int // bytes waiting
	closed   bool
	readable sync.Cond
	readBy   deadline
	writeBy  deadline
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

// ListenPacket opens a UDP socket at an end, on all its addresses; port 0 picks a
// free one. It writes to addresses of type *net.UDPAddr. A datagram that security
// groups drop is lost without an error, and so is one to a port that nobody uses: no
// ICMP message comes back. A datagram longer than the MTU is sent in fragments.
//
// A program with a net.PacketConn of its own wraps that one: see the example
// PacketConn of [sg.Filter].
func (n *Network) ListenPacket(t TB, end string, port uint16) net.PacketConn {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.packetConn()
	var err error
	if c.places, c.vpc, err = n.bind("udp", end, port, n.udpTaken); err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	c.attach()
	return c
}

func (n *Network) udpTaken(p place) bool { return n.packets[p] != nil }

func (n *Network) packetConn() *packetConn {
	c := &packetConn{n: n}
	c.readable.L = &n.mu
	return c
}

func (c *packetConn) attach() {
	for _, p := range c.places {
		c.n.packets[p] = c
	}
}

func (n *Network) connectUDP(local, remote place) (net.Conn, error) {
	port := n.freePort(func(port uint16) bool { return n.udpTaken(local.with(port)) })
	if port == 0 {
		return nil, opError("dial", "udp", place{}, remote, syscall.EADDRNOTAVAIL)
	}
	c := n.packetConn()
	c.places, c.remote = []place{local.with(port)}, remote
	c.attach()
	return c, nil
}

// deliver handles a datagram that has arrived.
func (c *packetConn) deliver(from place, data []byte) {
	if c.remote.IsValid() && from != c.remote || c.size+len(data) > mostWaiting {
		return
	}
	if from.vpc != "" {
		if c.heard == nil {
			c.heard = map[netip.AddrPort]place{}
		}
		c.heard[from.AddrPort] = from
	}
	c.waiting = append(c.waiting, datagram{from.AddrPort, data})
	c.size += len(data)
	c.readable.Signal()
}

// ReadFrom is as for [net.PacketConn]. The part of a datagram that does not fit into b
// is lost.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, nil, c.failed("read", net.ErrClosed)
		case c.readBy.passed:
			return 0, nil, c.failed("read", c.blame(os.ErrDeadlineExceeded))
		case len(c.waiting) > 0:
			d := c.waiting[0]
			c.waiting[0] = datagram{}
			c.waiting = c.waiting[1:]
			c.size -= len(d.data)
			return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
		}
		c.readable.Wait()
	}
}

// Read is ReadFrom for a connected socket.
func (c *packetConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

// WriteTo is as for [net.PacketConn].
func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	addr, ok := to.(*net.UDPAddr)
	if c.remote.IsValid() {
		return 0, c.failed("write", net.ErrWriteToConnected)
	}
	if !ok || addr == nil {
		return 0, c.failed("write", &net.AddrError{Err: "no *net.UDPAddr", Addr: network(to)})
	}
	at := addr.AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
	p, ok := c.heard[at]
	if !ok {
		p = place{at, c.vpc}
	}
	return c.write(b, p)
}

func network(a net.Addr) string {
	if a == nil {
		return "nil"
	}
	return a.Network() + " " + a.String()
}

// Write sends to the peer of a connected socket.
func (c *packetConn) Write(b []byte) (int, error) {
	if !c.remote.IsValid() {
		return 0, c.failed("write", syscall.EDESTADDRREQ)
	}
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	return c.write(b, c.remote)
}

func (c *packetConn) write(b []byte, to place) (int, error) {
	switch {
	case c.closed:
		return 0, c.failed("write", net.ErrClosed)
	case c.writeBy.passed:
		return 0, c.failed("write", os.ErrDeadlineExceeded)
	case len(b) > mostDatagram:
		return 0, c.failed("write", syscall.EMSGSIZE)
	}
	to = c.n.place(to.AddrPort, to.vpc)
	for _, from := range c.places {
		if from.Addr().Is4() == to.Addr().Is4() {
			c.n.sendDatagram(from, to, append([]byte(nil), b...))
			return len(b), nil
		}
	}
	return 0, c.failed("write", &net.AddrError{Err: "no address of its family at this end", Addr: to.String()})
}

// sendDatagram sends a datagram, in fragments if necessary. It arrives if all of
// them do.
func (n *Network) sendDatagram(from, to place, data []byte) {
	t, dir := n.trailOf(pair{from, to})
	h := packet.UDPHeader(from.AddrPort, to.AddrPort)
	ip := int(h.Length) - udpHeader
	whole, most := udpHeader+len(data), min(n.mtu(from.Addr()), n.mtu(to.Addr()))-ip
	if whole <= most {
		h.PayloadLen = uint32(len(data))
		h.Length += h.PayloadLen
		h.Captured = h.Length
		n.transmit(&h, data, t, dir)
		n.run()
		return
	}
	if from.Addr().Is6() {
		ip += 8 // the fragment header
		most -= 8
	}
	most &^= 7
	n.ipID, n.whole = n.ipID+1, whole
	before, arrived := len(n.wire), true
	for off := 0; off < whole; off += most {
		f := h
		size := min(most, whole-off)
		f.FragID, f.FragOffset, f.MoreFrags = n.ipID&0xffff, uint16(off), off+size < whole
		f.Length = uint32(ip + size)
		f.Captured = f.Length
		part := data[max(off-udpHeader, 0) : off+size-udpHeader]
		f.PayloadLen = uint32(len(part))
		if off > 0 {
			f.SrcPort, f.DstPort = 0, 0
		}
		arrived = n.transmit(&f, part, t, dir) && arrived
	}
	n.wire = n.wire[:before]
	if arrived {
		n.wire = append(n.wire, parcel{head: h, data: data, trail: t, dir: dir})
	}
	n.run()
}

// trailOf returns the trail of the datagrams between two addresses, and their direction
// in it.
func (n *Network) trailOf(p pair) (*trail, int) {
	if t := n.trails[p]; t != nil {
		return t, 0
	}
	if t := n.trails[p.reversed()]; t != nil {
		return t, 1
	}
	t := &trail{via: p.via()}
	n.trails[p] = t
	return t, 0
}

// blame returns err, combined with a datagram from or to this socket that was
// dropped and that nothing followed.
func (c *packetConn) blame(err error) error {
	for p, t := range c.n.trails {
		for dir, end := range p {
			if c.n.packets[end] == c && t.lost[0] != t.lost[1] {
				return t.blame(err, dir)
			}
		}
	}
	return err
}

// Close is as for [net.PacketConn].
func (c *packetConn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.failed("close", net.ErrClosed)
	}
	c.shut()
	return nil
}

func (c *packetConn) shut() {
	c.closed = true
	c.readBy.set(c.n, time.Time{}, nil)
	c.writeBy.set(c.n, time.Time{}, nil)
	c.readable.Broadcast()
	for p := range c.n.trails {
		if c.n.packets[p[0]] == c || c.n.packets[p[1]] == c {
			delete(c.n.trails, p)
		}
	}
	for _, p := range c.places {
		delete(c.n.packets, p)
	}
}

// SetDeadline is as for [net.PacketConn].
func (c *packetConn) SetDeadline(t time.Time) error { return c.setDeadlines(t, true, true) }

// SetReadDeadline is as for [net.PacketConn].
func (c *packetConn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, true, false) }

// SetWriteDeadline is as for [net.PacketConn]. Writes never wait.
func (c *packetConn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, false, true) }

func (c *packetConn) setDeadlines(t time.Time, read, write bool) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.failed("set", net.ErrClosed)
	}
	if read {
		c.readBy.set(c.n, t, c.readable.Broadcast)
	}
	if write {
		c.writeBy.set(c.n, t, func() {})
	}
	return nil
}

// LocalAddr returns a *net.UDPAddr: the first of the addresses.
func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.places[0].AddrPort) }

// RemoteAddr returns the *net.UDPAddr of the peer; nil if it is not connected.
func (c *packetConn) RemoteAddr() net.Addr {
	if !c.remote.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(c.remote.AddrPort)
}

func (c *packetConn) failed(op string, err error) error {
	return opError(op, "udp", c.places[0], c.remote, err)
}
