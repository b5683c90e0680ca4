package sgtest

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A flow makes the packets of one connection, from the side that opens it.
type flow struct {
	proto    packet.Protocol
	src, dst place // for ICMP, the port of src is the identifier

	typ, code uint8 // of an ICMP request
}

func (f flow) via() sg.Via { return pair{f.src, f.dst}.via() }

// steps returns the steps of a TCP connection, or those of other protocols.
func (f flow) steps(tcp []step) []step {
	if f.proto == packet.TCP {
		return tcp
	}
	return askOther
}

// packet returns the packet of a step; ok is false if it is an answer that nobody gives.
func (f flow) packet(s step) (h packet.Header, ok bool) {
	if s.reply {
		return f.reply(s.flags)
	}
	return f.request(s.flags), true
}

func (f flow) request(flags packet.TCPFlags) packet.Header {
	return f.header(f.src.AddrPort, f.dst.AddrPort, f.typ, flags)
}

// reply is the answer to the request; ok is false if there is none.
func (f flow) reply(flags packet.TCPFlags) (h packet.Header, ok bool) {
	typ, ok := f.typ, true
	if f.proto == packet.ICMP || f.proto == packet.ICMPv6 {
		typ, ok = packet.ReplyType(f.proto, f.typ)
	}
	return f.header(f.dst.AddrPort, f.src.AddrPort, typ, flags), ok
}

func (f flow) header(src, dst netip.AddrPort, typ uint8, flags packet.TCPFlags) packet.Header {
	switch f.proto {
	case packet.TCP:
		return packet.TCPHeader(src, dst, flags)
	case packet.UDP:
		return packet.UDPHeader(src, dst)
	case packet.ICMP, packet.ICMPv6:
		h := packet.ICMPHeader(src.Addr(), dst.Addr(), typ, f.code, 0)
		if _, query := packet.ReplyType(h.Protocol, typ); query {
			h.ICMPID = f.src.Port()
		}
		h.Protocol = f.proto // ICMP inside IPv6 is a packet too, if a strange one
		return h
	}
	return packet.IPHeader(src.Addr(), dst.Addr(), f.proto)
}

// A step is one packet of a conversation.
type step struct {
	flags packet.TCPFlags
	reply bool
}

// What a connection looks like on the wire. Protocols other than TCP have no
// flags: they send a request and its answer to open and for data, and nothing to
// close.
var (
	openTCP  = []step{{packet.SYN, false}, {packet.SYN | packet.ACK, true}, {packet.ACK, false}}
	dataTCP  = []step{{packet.PSH | packet.ACK, false}, {packet.ACK, true}, {packet.PSH | packet.ACK, true}, {packet.ACK, false}}
	closeTCP = []step{{packet.FIN | packet.ACK, false}, {packet.FIN | packet.ACK, true}, {packet.ACK, false}}
	askOther = []step{{0, false}, {0, true}}
)

// flows returns sample connections of the traffic between two ends: one for every
// range of protocols, ports, types and codes that no rule of either end and no entry of
// a network ACL divides.
// Rules treat all of such a range alike, so a claim that holds for each of these
// connections holds for the whole traffic.
func (n *Network) flows(what sg.Traffic, a, b end) []flow {
	rules := n.rulesAt(a.addr, b.addr)
	icmp := sg.ICMP
	if a.addr.Is6() {
		icmp = sg.ICMPv6
	}
	var out []flow
	add := func(p sg.Protocol, port int, typ, code uint8) {
		out = append(out, flow{
			proto: packet.Protocol(uint8(p)), typ: typ, code: code,
			src: n.at(a, n.nextPort()), dst: n.at(b, uint16(port)),
		})
	}
	protos := []sg.Protocol{what.Protocol}
	if what.Protocol == sg.AllProtocols {
		protos = []sg.Protocol{sg.TCP, sg.UDP, icmp}
		for _, r := range rules {
			if !slices.Contains(protos, r.Protocol) && r.Protocol != sg.AllProtocols &&
				r.Protocol != sg.ICMP && r.Protocol != sg.ICMPv6 {
				protos = append(protos, r.Protocol)
			}
		}
		for other := sg.ProtocolNumber(253); ; other-- { // 253: for experiments, RFC 3692
			if !slices.Contains(protos, other) {
				protos = append(protos, other)
				break
			}
		}
	}
	for _, p := range protos {
		switch p {
		case sg.TCP, sg.UDP:
			ports := what.Ports
			if !ports.IsSet() {
				ports = sg.Ports(0, 65535)
			}
			for _, port := range portCuts(p, ports, rules) {
				add(p, port, 0, 0)
			}
		case sg.ICMP, sg.ICMPv6:
			match := what.ICMP
			if !match.IsSet() {
				match = sg.ICMPTypeCode(-1, -1)
			}
			for _, tc := range icmpCuts(p, match, rules) {
				add(p, 0, tc[0], tc[1])
			}
		default:
			add(p, 0, 0, 0)
		}
	}
	return out
}

// rulesAt returns the rules of all groups that interfaces with an address carry, and what
// the network ACLs match.
func (n *Network) rulesAt(addrs ...netip.Addr) []sg.Rule {
	var rules []sg.Rule
	var groups []sg.GroupID
	for i := range n.topo.ENIs {
		if e := &n.topo.ENIs[i]; slices.ContainsFunc(addrs, func(a netip.Addr) bool { return owns(e, a) }) {
			groups = append(groups, e.Groups...)
		}
	}
	for i := range n.topo.Groups {
		if g := &n.topo.Groups[i]; slices.Contains(groups, g.ID) {
			rules = append(append(rules, g.Ingress...), g.Egress...)
		}
	}
	for _, acl := range n.topo.NetworkACLs {
		for _, e := range slices.Concat(acl.Ingress, acl.Egress) {
			rules = append(rules, e.Rule())
		}
	}
	return rules
}

// portCuts returns the first port of every such range within ports.
func portCuts(p sg.Protocol, ports sg.PortRange, rules []sg.Rule) []int {
	cuts := []int{ports.First()}
	for _, r := range rules {
		if r.Protocol != p {
			continue
		}
		for _, c := range []int{r.Ports.First(), r.Ports.Last() + 1} {
			if c > ports.First() && c <= ports.Last() {
				cuts = append(cuts, c)
			}
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// icmpCuts returns a type and code from every such range within match. Echo
// requests come first, to stand for the types that no rule names.
func icmpCuts(p sg.Protocol, match sg.ICMPMatch, rules []sg.Rule) [][2]uint8 {
	types, codes := []int{match.Type()}, []int{match.Code()}
	if match.Type() < 0 {
		types = []int{8}
		if p == sg.ICMPv6 {
			types = []int{128}
		}
	}
	if match.Code() < 0 {
		codes = []int{0}
	}
	for _, r := range rules {
		if r.Protocol != p || !r.ICMP.IsSet() {
			continue
		}
		if match.Type() < 0 && r.ICMP.Type() >= 0 {
			types = append(types, r.ICMP.Type())
		}
		if match.Code() < 0 && r.ICMP.Code() >= 0 {
			codes = append(codes, r.ICMP.Code())
		}
	}
	if match.Type() < 0 {
		types = append(types, unnamed(types, 253)) // 253: for experiments, RFC 4727
	}
	if match.Code() < 0 {
		codes = append(codes, unnamed(codes, 255))
	}
	var out [][2]uint8
	for _, t := range distinct(types) {
		for _, c := range distinct(codes) {
			out = append(out, [2]uint8{uint8(t), uint8(c)})
		}
	}
	return out
}

// unnamed returns the largest number up to top that is not in list.
func unnamed(list []int, top int) int {
	for slices.Contains(list, top) {
		top--
	}
	return top
}

// distinct returns the first of each number, in order.
func distinct[T cmp.Ordered](list []T) []T {
	var out []T
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
