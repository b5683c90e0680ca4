package packet_test

import (
	"fmt"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
)

// A frame is decoded into a header that is used again for the next.
func ExampleDecode() {
	frame := []byte("" +
		"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" + // Ethernet
		"\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x00\x01\x0a\x0a\x00\x02\x14" + // IPv4
		"\x9c\x41\x15\x38\x00\x00\x00\x00\x00\x00\x00\x00\x50\x02\x00\x00\x00\x00\x00\x00") // TCP
	var h packet.Header
	if err := packet.Decode(packet.LinkEthernet, frame, len(frame), &h); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h)
	fmt.Println(h.Protocol, h.DstAddr(), h.DstPort, h.TCPFlags)

	// The capture kept 34 bytes of 54: the packet is fine, its ports are unknown.
	err := packet.Decode(packet.LinkEthernet, frame[:34], len(frame), &h)
	fmt.Println(h.Tuple(), "missing", h.Missing, err)
	// Output:
	// tcp 10.0.1.10:40001 > 10.0.2.20:5432 S
	// tcp 10.0.2.20 5432 S
	// tcp 10.0.1.10:0 > 10.0.2.20:0 missing ports,flags <nil>
}

// A copy of Traffic Mirroring is judged by what is inside, at the ENI that its outer
// source names.
func ExampleUnwrap() {
	frame := []byte("" +
		"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" + // Ethernet
		"\x45\x00\x00\x5a\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x01\x0a\x0a\x00\x09\x05" + // IPv4
		"\xff\xa5\x12\xb5\x00\x46\x00\x00\x08\x00\x00\x00\x01\xe2\x40\x00" + // UDP, VXLAN
		"\x02\x00\x00\x00\x00\x04\x02\x00\x00\x00\x00\x03\x08\x00" + // Ethernet
		"\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x33\x64\x07\x0a\x00\x01\x0a" + // IPv4
		"\xc3\x50\x01\xbb\x00\x00\x00\x00\x00\x00\x00\x00\x50\x02\x00\x00\x00\x00\x00\x00") // TCP
	var h packet.Header
	if err := packet.Decode(packet.LinkEthernet, frame, len(frame), &h); err != nil {
		fmt.Println(err)
		return
	}
	if h.Tunnel() != 0 {
		var tunnels [2]packet.Tunnel // VXLAN, perhaps inside GENEVE
		n, err := packet.Unwrap(packet.LinkEthernet, frame, &h, tunnels[:])
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, t := range tunnels[:n] {
			fmt.Println(t.Kind, t.VNI, "from", t.Outer.SrcAddr())
		}
	}
	fmt.Println(h)
	// Output:
	// vxlan 123456 from 10.0.1.10
	// tcp 198.51.100.7:50000 > 10.0.1.10:443 S
}

// A header says what a scenario or a command line needs, without any bytes.
func ExampleParseHeader() {
	for _, s := range []string{
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432 S",
		"udp 10.0.0.1 > 10.0.0.2 len 80 frag 1480 ipid 77",
		"icmp 10.0.0.9 > 10.0.0.1 3/1 about udp 10.0.0.1:53 > 10.0.0.2:4000",
		"tcp 10.0.1.10:40001 > 10.0.2.20",
	} {
		h, err := packet.ParseHeader(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(h.Protocol, h.Length, h.LaterFragment(), h.Quoted.Tuple)
	}
	// Output:
	// tcp 40 false -
	// udp 100 true -
	// icmp 28 false udp 10.0.0.1:53 > 10.0.0.2:4000
	// packet: "tcp 10.0.1.10:40001 > 10.0.2.20": byte 22: a port on one side only: give both, 49152 say for a client's
}

func ExampleTCPHeader() {
	h := packet.TCPHeader(netip.MustParseAddrPort("[2001:db8::1]:40001"), netip.MustParseAddrPort("[2001:db8::2]:443"), packet.SYN|packet.ACK)
	fmt.Println(h)
	// Output: tcp [2001:db8::1]:40001 > [2001:db8::2]:443 SA
}

// The reply to a connection's packet carries the reversed tuple.
func ExampleFiveTuple_Reverse() {
	request, _ := packet.ParseFiveTuple("tcp 10.0.1.10:40001 > 10.0.2.20:5432")
	ping, _ := packet.ParseFiveTuple("icmp 10.0.1.10 > 10.0.2.20 8/0 id 7")
	fmt.Println(request.Reverse())
	fmt.Println(ping.Reverse())
	// Output:
	// tcp 10.0.2.20:5432 > 10.0.1.10:40001
	// icmp 10.0.2.20 > 10.0.1.10 0/0 id 7
}
