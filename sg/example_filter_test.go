package sg_test

import (
	"fmt"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A guarded connection sends and gets what the groups of an ENI let through. As
// behind a security group, what is dropped is gone without an error.
type guarded struct {
	net.PacketConn
	filter *sg.Filter
	eni    sg.ENIID
}

func (c guarded) WriteTo(b []byte, to net.Addr) (int, error) {
	h := packet.UDPHeader(addrPort(c.LocalAddr()), addrPort(to))
	if c.filter.Evaluate(c.eni, sg.Egress, sg.Packet{Header: &h, Time: time.Now()}).Verdict != sg.Accept {
		return len(b), nil
	}
	return c.PacketConn.WriteTo(b, to)
}

func (c guarded) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		h := packet.UDPHeader(addrPort(from), addrPort(c.LocalAddr()))
		if c.filter.Evaluate(c.eni, sg.Ingress, sg.Packet{Header: &h, Time: time.Now()}).Verdict == sg.Accept {
			return n, from, nil
		}
	}
}

func addrPort(a net.Addr) netip.AddrPort { return a.(*net.UDPAddr).AddrPort() }

// A Filter inside a wrapper of a [net.PacketConn]: the client may ask one server,
// whose answer needs no rule, and not the other.
func ExampleFilter_packetConn() {
	listen := func() net.PacketConn {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		return c
	}
	answer := func(c net.PacketConn) {
		b := make([]byte, 100)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(append([]byte("re: "), b[:n]...), from)
		}
	}
	client, dns, other := listen(), listen(), listen()
	defer client.Close()
	defer dns.Close()
	defer other.Close()
	go answer(dns)
	go answer(other)

	port := sg.Port(int(addrPort(dns.LocalAddr()).Port()))
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{{ID: "sg-client", Egress: []sg.Rule{sg.Traffic{Protocol: sg.UDP, Ports: port}.To(sg.MustCIDR("127.0.0.1/32"))}}},
		ENIs:   []sg.ENI{{ID: "eni-client", Groups: []sg.GroupID{"sg-client"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	conn := guarded{client, sg.NewFilter(sg.NewFirewall(policy, nil)), "eni-client"}
	for _, server := range []net.PacketConn{other, dns} {
		conn.WriteTo([]byte("hello"), server.LocalAddr())
	}
	b := make([]byte, 100)
	n, from, err := conn.ReadFrom(b)
	fmt.Printf("%s %v, from the first server: %t\n", b[:n], err, from.String() == other.LocalAddr().String())

	// Output:
	// re: hello <nil>, from the first server: false
}
