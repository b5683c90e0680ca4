package diff

import (
	"math"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// Witness returns a packet of the box for ENIs[i], and false if Addrs is empty. There
// [sg.Enforcer.Forward] gives it the verdict Before under the first policy and After
// under the second, in firewalls without connections, or for an answer with only the
// connection of [Change.Opening]. If the interface has no address of the family, the
// packet has a documentation address.
func (c *Change) Witness(i int) (h packet.Header, ok bool) {
	if len(c.Addrs) == 0 {
		return packet.Header{}, false
	}
	if c.Answers {
		opening, ok := c.Opening(i)
		return answerTo(&opening), ok
	}
	return c.first(i, c.Direction, c.likely().usual()), true
}

// Opening returns the packet that opens the connection on which [Change.Witness] is an
// answer. [sg.Enforcer.Forward] accepts it in the other direction. It returns false if
// Answers is not set.
func (c *Change) Opening(i int) (h packet.Header, ok bool) {
	if !c.Answers {
		return packet.Header{}, false
	}
	id, answer, dir, f := c.ENIs[i], c.likely(), c.Direction.Opposite(), btoi(c.Family == packet.IPv6)
	ports := answer.Protocol == packet.TCP || answer.Protocol == packet.UDP
	request := Service{Protocol: answer.Protocol}
	if typ, ok := packet.ReplyType(answer.Protocol, uint8(answer.First>>8)); ok {
		request.First = uint16(typ)<<8 | answer.First&255
	} else if ports {
		far := numOf(c.remote(id, c.local(id)))
		work := budget(math.MaxInt64)
		admits := func(w *world) set { return w.admits(id, int(dir-sg.Ingress), f, set{{far, far}}, false, &work) }
		for _, s := range services(admits(c.d.before).and(admits(c.d.after)), f) {
			if s.Protocol <= answer.Protocol && answer.Protocol <= s.LastProtocol {
				request.First = s.First
				break
			}
		}
	}
	h = c.first(i, dir, request)
	if ports && (answer.First > somePort || answer.Last < somePort) {
		h.SrcPort = answer.First
	}
	return h, true
}

// answerTo returns the answer to a packet that opens a connection.
func answerTo(h *packet.Header) packet.Header {
	src, dst := h.DstAddr(), h.SrcAddr()
	switch h.Protocol {
	case packet.TCP:
		return packet.TCPHeader(netip.AddrPortFrom(src, h.DstPort), netip.AddrPortFrom(dst, h.SrcPort), packet.SYN|packet.ACK)
	case packet.UDP:
		return packet.UDPHeader(netip.AddrPortFrom(src, h.DstPort), netip.AddrPortFrom(dst, h.SrcPort))
	}
	if typ, ok := packet.ReplyType(h.Protocol, h.ICMPType); ok {
		return packet.ICMPHeader(src, dst, typ, h.ICMPCode, 1)
	}
	return packet.IPHeader(src, dst, h.Protocol)
}

// likely returns the service of the box that people would try: TCP, UDP or ICMP if it has
// any, else the first.
func (c *Change) likely() Service {
	icmp := packet.ICMP
	if c.Family == packet.IPv6 {
		icmp = packet.ICMPv6
	}
	for _, p := range [...]packet.Protocol{packet.TCP, packet.UDP, icmp} {
		for _, s := range c.Services {
			switch {
			case s.Protocol == p && s.LastProtocol == p:
				return s
			case s.Protocol <= p && p <= s.LastProtocol:
				return Service{p, p, 0, 65535}
			}
		}
	}
	return c.Services[0]
}

// wellKnownServices are those that people would try, the best known first.
var wellKnownServices = map[packet.Protocol][]uint16{packet.TCP: {443, 80}, packet.UDP: {53}, packet.ICMP: {8 << 8}, packet.ICMPv6: {128 << 8}}

// usual is a service within s that people know, if there is any.
func (s Service) usual() Service {
	for _, n := range wellKnownServices[s.Protocol] {
		if s.First <= n && n <= s.Last {
			s.First = n
			break
		}
	}
	return s
}

// first returns the first packet of a connection through an interface of the box.
func (c *Change) first(i int, dir sg.Direction, s Service) packet.Header {
	local := c.local(c.ENIs[i])
	remote := c.remote(c.ENIs[i], local)
	if dir == sg.Ingress {
		return s.packet(remote, local)
	}
	return s.packet(local, remote)
}

// Documentation addresses, which people recognize (RFC 5737, RFC 3849).
var wellKnown = [...]netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")}

// remote returns an address of the other end: a documentation address if the box has
// it, else one that a host may have, else the first.
func (c *Change) remote(id sg.ENIID, local netip.Addr) netip.Addr {
	fits := func(a netip.Addr) bool {
		return a != local && !c.d.before.exempts(id, a) && !c.d.after.exempts(id, a)
	}
	for _, a := range wellKnown {
		in := slices.ContainsFunc(c.Addrs, func(p netip.Prefix) bool { return p.Contains(a) })
		if in && fits(a) {
			return a
		}
	}
	first := c.witness.addr(c.Family == packet.IPv4)
	if !mayBeReserved(first) && first != local {
		return first
	}
	for _, p := range c.Addrs {
		for _, a := range [...]netip.Addr{p.Addr(), hostOf(p), netipx.PrefixLastIP(p)} {
			if !mayBeReserved(a) && fits(a) {
				return a
			}
		}
	}
	return first
}

// mayBeReserved reports whether a subnet may have an address as one of its first four or
// its last, which AWS reserves. Subnets have at least 16 addresses. (VPC guide, "Subnet
// CIDR blocks", read 2026-11.)
func mayBeReserved(a netip.Addr) bool {
	b := a.As16()
	return b[15]%16 < 4 || b[15]%16 == 15
}

// hostOf returns the fifth address of a prefix, or its first if there are fewer.
func hostOf(p netip.Prefix) netip.Addr {
	num := numOf(p.Addr())
	num.lo += 4
	if a := num.addr(p.Addr().Is4()); p.Contains(a) {
		return a
	}
	return p.Addr()
}

// exempts reports whether groups filter nothing to or from an address at an interface.
func (w *world) exempts(id sg.ENIID, a netip.Addr) bool {
	at, ok := w.sets.Setting(id)
	if !ok {
		return false
	}
	for free := range at.Exempt() {
		if free == a {
			return true
		}
	}
	return false
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
		had := addrsOf(c.d.before.sets.Addrs(id), a.Is4()).has(numOf(a))
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

// somePort is a client port, none of those that groups leave unfiltered.
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
	if s.Protocol == packet.ICMPv6 { // in IPv4, which nobody sends
		h.ICMPType, h.ICMPCode = uint8(s.First>>8), uint8(s.First)
	}
	return h
}
