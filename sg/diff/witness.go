package diff

import (
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// Witness returns a packet of the box for one of its interfaces, and false where Addrs
// is empty. [sg.Enforcer.Explain] judges it at ENIs[i] as Before says by the one policy
// and as After says by the other, given firewalls without connections. An interface
// that has no address of the family has one of documentation in it.
func (c *Change) Witness(i int) (h packet.Header, ok bool) {
	if len(c.Addrs) == 0 {
		return packet.Header{}, false
	}
	local, remote := c.local(c.ENIs[i]), c.witness.addr(c.Family == packet.IPv4)
	if c.Direction == sg.Ingress {
		return c.Services[0].packet(remote, local), true
	}
	return c.Services[0].packet(local, remote), true
}

// local returns an address of an interface, one that it has in both worlds if there is
// any.
func (c *Change) local(id sg.ENIID) netip.Addr {
	var best netip.Addr
	for _, a := range c.d.before.sets.Addrs(id) {
		if a := a.Addr(); a.Is4() == (c.Family == packet.IPv4) && !best.IsValid() {
			best = a
		}
	}
	kept := false
	for _, a := range c.d.after.sets.Addrs(id) {
		a := a.Addr()
		if a.Is4() != (c.Family == packet.IPv4) {
			continue
		}
		had := c.d.before.owns(id, a)
		if !best.IsValid() || had && !kept {
			best, kept = a, had
		}
	}
	switch {
	case best.IsValid():
		return best
	case c.Family == packet.IPv4:
		return netip.AddrFrom4([4]byte{192, 0, 2, 1})
	}
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})
}

func (w *world) owns(id sg.ENIID, a netip.Addr) bool {
	for _, p := range w.sets.Addrs(id) {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// somePort is that of clients: none at which groups let packets pass unfiltered.
const somePort = 40001

// packet returns the first packet of a connection for the service.
func (s Service) packet(src, dst netip.Addr) packet.Header {
	switch {
	case s.Protocol == packet.TCP:
		return packet.TCPHeader(netip.AddrPortFrom(src, somePort), netip.AddrPortFrom(dst, s.First), packet.SYN)
	case s.Protocol == packet.UDP:
		return packet.UDPHeader(netip.AddrPortFrom(src, somePort), netip.AddrPortFrom(dst, s.First))
	case s.Protocol == packet.ICMP && src.Is4(), s.Protocol == packet.ICMPv6 && src.Is6():
		return packet.ICMPHeader(src, dst, uint8(s.First>>8), uint8(s.First), 1)
	}
	h := packet.IPHeader(src, dst, s.Protocol)
	if s.Protocol == packet.ICMPv6 { // in IPv4, where nobody sends it
		h.ICMPType, h.ICMPCode = uint8(s.First>>8), uint8(s.First)
	}
	return h
}
