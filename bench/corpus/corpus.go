// Package corpus makes the packets, captures and topologies that the benchmarks
// of sgsim and of its peers share.
//
// Everything is drawn from a seed and laid out by this package's own code, so
// two programs that name the same parameters measure the same bytes. Nothing is
// read from the machine, and only [WriteCapture] writes to it.
package corpus

import (
	"encoding/binary"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
)

// Addresses that the single-server corpora use. Clients lie in ClientNet4 and
// ClientNet6 and talk to ServerPort.
var (
	ClientNet4 = netip.MustParsePrefix("10.0.0.0/8")
	ClientNet6 = netip.MustParsePrefix("fd00:a::/32")
	Server4    = netip.MustParseAddr("192.168.0.10")
	Server6    = netip.MustParseAddr("fd00:b::10")
)

// ServerPort is the port that the server listens on, TCP and UDP.
const ServerPort = 443

// A Flow is one connection from a client to the server.
type Flow struct {
	Client, Server netip.AddrPort
	Protocol       packet.Protocol // TCP, UDP, ICMP or ICMPv6; port of Client is the identifier there
}

// FlowN returns connection number i, below 1<<36. Different numbers of one family
// are different connections, scattered over 2^24 client addresses as a random
// draw would be.
func FlowN(f packet.Family, proto packet.Protocol, i uint64) Flow {
	x := scatter(i)
	port := 32768 | uint16(x>>24)
	if f == packet.IPv6 {
		a := ClientNet6.Addr().As16()
		binary.BigEndian.PutUint32(a[12:], uint32(x)&0xffffff)
		return Flow{netip.AddrPortFrom(netip.AddrFrom16(a), port), netip.AddrPortFrom(Server6, ServerPort), proto}
	}
	a := [4]byte{10, byte(x >> 16), byte(x >> 8), byte(x)}
	return Flow{netip.AddrPortFrom(netip.AddrFrom4(a), port), netip.AddrPortFrom(Server4, ServerPort), proto}
}

// scatter permutes the numbers below 1<<36: each step can be undone.
func scatter(x uint64) uint64 {
	const mask = 1<<36 - 1
	x ^= x >> 19
	x = x * 0x9e3779b97f4a7c15 & mask
	x ^= x >> 17
	x = x * 0xbf58476d1ce4e5b9 & mask
	return x ^ x>>18
}

// Header returns the header of a packet of the flow, from the server if reply.
// Flags are those of a TCP segment. It allocates nothing.
func (f *Flow) Header(reply bool, flags packet.TCPFlags) packet.Header {
	src, dst := f.Client, f.Server
	if reply {
		src, dst = dst, src
	}
	switch f.Protocol {
	case packet.TCP:
		return packet.TCPHeader(src, dst, flags)
	case packet.UDP:
		return packet.UDPHeader(src, dst)
	}
	return packet.ICMPHeader(src.Addr(), dst.Addr(), f.echoType(reply), 0, f.Client.Port())
}

func (f *Flow) echoType(reply bool) uint8 {
	switch {
	case f.Client.Addr().Is6() && reply:
		return 129
	case f.Client.Addr().Is6():
		return 128
	case reply:
		return 0
	}
	return 8
}

// AppendFrame appends an Ethernet frame of the flow, from the server if reply,
// padded with payload to size bytes; a size below the headers means none. The
// checksums are right, so that a kernel takes the frame for good.
func (f *Flow) AppendFrame(b []byte, reply bool, flags packet.TCPFlags, size int) []byte {
	src, dst := f.Client, f.Server
	if reply {
		src, dst = dst, src
	}
	return AppendFrame(b, src, dst, f.Protocol, flags, f.echoType(reply), size)
}

// AppendFrame appends an Ethernet frame from src to dst; see [Flow.AppendFrame].
// icmpType is used by ICMP and ICMPv6 alone, which take the higher port as the
// identifier.
func AppendFrame(b []byte, src, dst netip.AddrPort, proto packet.Protocol, flags packet.TCPFlags, icmpType uint8, size int) []byte {
	start := len(b)
	b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2) // locally administered MACs
	v6 := src.Addr().Is6()
	ipLen, transport := 20, 8
	if v6 {
		ipLen = 40
	}
	if proto == packet.TCP {
		transport = 20
	}
	payload := max(0, size-14-ipLen-transport)
	length := transport + payload
	if v6 {
		b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0, byte(length>>8), byte(length), byte(proto), 64)
		b = append(b, src.Addr().AsSlice()...)
		b = append(b, dst.Addr().AsSlice()...)
	} else {
		total := ipLen + length
		b = append(b, 0x08, 0x00, 0x45, 0, byte(total>>8), byte(total), 0, 0, 0x40, 0, 64, byte(proto), 0, 0)
		b = append(b, src.Addr().AsSlice()...)
		b = append(b, dst.Addr().AsSlice()...)
		ip := b[start+14:]
		binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip)))
	}
	at, sumAt := len(b), 0
	switch proto {
	case packet.TCP:
		b = binary.BigEndian.AppendUint16(b, src.Port())
		b = binary.BigEndian.AppendUint16(b, dst.Port())
		b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, byte(flags), 0xff, 0xff, 0, 0, 0, 0)
		sumAt = 16
	case packet.UDP:
		b = binary.BigEndian.AppendUint16(b, src.Port())
		b = binary.BigEndian.AppendUint16(b, dst.Port())
		b = append(b, byte(length>>8), byte(length), 0, 0)
		sumAt = 6
	default:
		b = append(b, icmpType, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, max(src.Port(), dst.Port()))
		b = append(b, 0, 1)
		sumAt = 2
	}
	for range payload {
		b = append(b, 0)
	}
	var pseudo uint32
	if proto != packet.ICMP {
		pseudo = sum(uint32(proto)+uint32(length), src.Addr().AsSlice())
		pseudo = sum(pseudo, dst.Addr().AsSlice())
	}
	binary.BigEndian.PutUint16(b[at+sumAt:], ^fold(sum(pseudo, b[at:])))
	return b
}

// sum adds the 16-bit words of b to s, as RFC 1071 does.
func sum(s uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
