// Alltraffic puts two rules side by side that many take for the same: "All
// traffic" from a group, and "HTTPS" from it. Both let the web servers call the
// API over HTTPS. Only one lets a web server that was broken into try everything
// else.
//
// Output:
//
//	from a web server to the API   All traffic   HTTPS
//	tcp 443, HTTPS                 accept        accept
//	tcp 22, SSH                    accept        drop
//	udp 53, DNS                    accept        drop
//	icmp 8/0, ping                 accept        drop
//	GRE                            accept        drop
package main

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

var web, api = netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("10.0.2.10")

// network returns the firewall of a network whose API admits traffic from the
// group of the web servers.
func network(traffic sg.Traffic) *sg.Firewall {
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-web", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
			{ID: "sg-api", Ingress: []sg.Rule{traffic.From(sg.FromGroup("sg-web"))}},
		},
		ENIs: []sg.ENI{
			{ID: "eni-web", Addrs: []netip.Addr{web}, Groups: []sg.GroupID{"sg-web"}},
			{ID: "eni-api", Addrs: []netip.Addr{api}, Groups: []sg.GroupID{"sg-api"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return sg.NewFirewall(policy, nil)
}

func main() {
	all, https, now := network(sg.AllTraffic), network(sg.HTTPS), time.Unix(0, 0)
	to := func(port uint16) (src, dst netip.AddrPort) {
		return netip.AddrPortFrom(web, 50000), netip.AddrPortFrom(api, port)
	}
	tcp := func(port uint16) packet.Header {
		src, dst := to(port)
		return packet.TCPHeader(src, dst, packet.SYN)
	}
	src, dns := to(53)
	fmt.Println("from a web server to the API   All traffic   HTTPS")
	for _, try := range []struct {
		what string
		h    packet.Header
	}{
		{"tcp 443, HTTPS", tcp(443)},
		{"tcp 22, SSH", tcp(22)},
		{"udp 53, DNS", packet.UDPHeader(src, dns)},
		{"icmp 8/0, ping", packet.ICMPHeader(web, api, 8, 0, 1)},
		{"GRE", packet.IPHeader(web, api, packet.GRE)},
	} {
		a, b := all.Forward(sg.Packet{Header: &try.h, Time: now}), https.Forward(sg.Packet{Header: &try.h, Time: now})
		fmt.Printf("%-30s %-13s %s\n", try.what, a.Verdict, b.Verdict)
	}
}
