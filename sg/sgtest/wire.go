package sgtest

import (
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A stack runs the connections of a network: TCP and UDP at all of its ends, and
// the wire between them. Everything happens in its users' calls, except what a
// timer has to do.
type stack struct {
	sockets   map[pair]*socket
	listeners map[place]*listener
	packets   map[place]*packetConn
	trails    map[pair]*trail // of datagrams, by the pair that came first
	lossy     []*trail        // that lost a packet, in that order

	wire    []parcel  // in flight, the next one first
	touched []*socket // to settle when the wire is empty
	spare   []*socket // an empty slice for touched

	timers timers
	wake   *time.Timer
	wakeAt time.Time // of the network's clock; zero: it is not set

	isn   uint32 // the first sequence number of the last socket
	ipID  uint32 // of the last datagram in fragments
	whole int    // bytes of UDP that those fragments have
	taps  []*tap
}

// A parcel is a packet that security groups let through.
type parcel struct {
	head  packet.Header
	data  []byte
	trail *trail
	dir   int // in the trail
}

func newStack() stack {
	return stack{
		sockets:   map[pair]*socket{},
		listeners: map[place]*listener{},
		packets:   map[place]*packetConn{},
		trails:    map[pair]*trail{},
	}
}

// pass asks the firewall about a packet that is being sent. data is its payload;
// nil stands for zeros.
func (n *Network) pass(h *packet.Header, via sg.Via, data []byte, now time.Time) (out sg.Outcome) {
	n.filter.Do(func(fw *sg.Firewall) { out = fw.Forward(sg.Packet{Header: h, Time: now, Via: via}) })
	for _, t := range n.taps {
		t.write(n, h, data, now)
	}
	return out
}

func (n *Network) explain(h *packet.Header, via sg.Via, now time.Time) (x *sg.Explanation) {
	n.filter.Do(func(fw *sg.Firewall) { x = fw.Explain(sg.Packet{Header: h, Time: now, Via: via}) })
	return x
}

// transmit sends a packet of a connection: dir is 0 from the end that opened it.
// Packets that no group judges arrive.
func (n *Network) transmit(h *packet.Header, data []byte, t *trail, dir int) bool {
	now := n.Clock.Now()
	var why *sg.Explanation
	if t.lost[dir] == nil && (len(t.events) == 0 || h.TCPFlags == packet.SYN) {
		why = n.explain(h, t.via, now) // first, since the packet may open a connection at its own end
	}
	out := n.pass(h, t.via, data, now)
	n.note(t, event{at: now, h: *h, via: t.via, out: out}, dir, why)
	if !arrives(&out) {
		return false
	}
	n.wire = append(n.wire, parcel{*h, data, t, dir})
	return true
}

// arrives reports whether nothing stops a packet. If the verdict is unknown, or several
// interfaces may be meant, the packet does not arrive, and whoever waits for it is told why.
func arrives(o *sg.Outcome) bool {
	return o.Verdict != sg.Drop && o.Verdict != sg.Unknown && o.Reason != sg.Ambiguous
}

// run carries packets until there are none, and lets every socket involved
// acknowledge what it got and set its timers.
func (n *Network) run() {
	for {
		for i := 0; i < len(n.wire); i++ { // deliver may send more
			n.deliver(&n.wire[i])
		}
		clear(n.wire)
		n.wire = n.wire[:0]
		if len(n.touched) == 0 {
			break
		}
		batch := n.touched
		n.touched = n.spare[:0]
		for _, s := range batch {
			s.touched = false
			s.settle()
		}
		clear(batch)
		n.spare = batch
	}
	n.arm()
}

func (n *Network) touch(s *socket) {
	if !s.touched {
		s.touched = true
		n.touched = append(n.touched, s)
	}
}

// deliver hands a packet to its socket. A TCP segment without a socket is
// answered with a RST, if the machine exists; a datagram without one is lost.
func (n *Network) deliver(at *parcel) {
	p := *at // the wire may move
	h := &p.head
	src := n.place(netip.AddrPortFrom(h.SrcAddr(), h.SrcPort), p.trail.via.VPC)
	dst := n.place(netip.AddrPortFrom(h.DstAddr(), h.DstPort), p.trail.via.VPC)
	if h.Protocol == packet.UDP {
		if c := n.packets[dst]; c != nil {
			c.deliver(src, p.data)
		}
		return
	}
	if s := n.sockets[pair{dst, src}]; s != nil {
		s.input(h, p.data)
		n.touch(s)
		return
	}
	opens := h.TCPFlags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN
	if l := n.listeners[dst]; l != nil && opens {
		l.open(&p, dst, src)
		return
	}
	if h.TCPFlags&packet.RST != 0 || !n.exists(dst.Addr()) {
		return
	}
	answer := packet.TCPHeader(dst.AddrPort, src.AddrPort, packet.RST)
	if h.TCPFlags&packet.ACK != 0 {
		answer.Seq = h.Ack
	} else {
		answer.TCPFlags |= packet.ACK
		answer.Ack = h.Seq + h.PayloadLen + 1 // of a SYN: a segment without ACK is one
	}
	n.transmit(&answer, nil, p.trail, 1-p.dir)
}

// exists reports whether a machine has the address: one of the topology, or one that
// the test has named or listens on.
func (n *Network) exists(a netip.Addr) bool {
	if n.ownedByENI(a) {
		return true
	}
	for _, addrs := range n.hosts {
		if slices.Contains(addrs, a) {
			return true
		}
	}
	for at := range n.listeners {
		if at.Addr() == a {
			return true
		}
	}
	return false
}

func (n *Network) ownedByENI(a netip.Addr) bool {
	for i := range n.topo.ENIs {
		if owns(&n.topo.ENIs[i], a) {
			return true
		}
	}
	return false
}

// owns reports whether an interface has a private address.
func owns(e *sg.ENI, a netip.Addr) bool {
	return slices.Contains(e.Addrs, a) || slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// MTUs of a VPC between interfaces, and through an internet gateway. EC2 user guide,
// "Network maximum transmission unit (MTU)", read 2026-11.
const (
	jumboMTU    = 9001
	internetMTU = 1500
)

func (n *Network) mtu(a netip.Addr) int {
	if n.ownedByENI(a) {
		return jumboMTU
	}
	return internetMTU
}

// freePort returns the next port that taken says is free at the connecting side;
// 0 if all are taken.
func (n *Network) freePort(taken func(port uint16) bool) uint16 {
	for range lastPort - firstPort + 1 {
		if port := n.nextPort(); !taken(port) {
			return port
		}
	}
	return 0
}
