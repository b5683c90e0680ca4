// Revoke removes the rules of two connections while they live. Sessions of SSH are
// tracked, since their rule names one address: they go on until they are closed.
// Web traffic is not tracked, since its rule is for everybody and everything may
// leave: it ends with its rule.
//
// Output:
//
//	with both rules
//	  accept  tcp 203.0.113.5:40001 > 10.0.1.10:22 S    rule
//	  accept  tcp 10.0.1.10:22 > 203.0.113.5:40001 SA   tracked
//	  accept  tcp 198.51.100.7:40002 > 10.0.1.10:80 S   untracked
//	  accept  tcp 10.0.1.10:80 > 198.51.100.7:40002 SA  untracked
//	without
//	  accept  tcp 203.0.113.5:40001 > 10.0.1.10:22 PA   tracked
//	  drop    tcp 198.51.100.7:40002 > 10.0.1.10:80 PA  no_rule
//	  drop    tcp 203.0.113.5:40003 > 10.0.1.10:22 S    no_rule
package main

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

var (
	ssh = sg.SSH.From(sg.MustCIDR("203.0.113.5/32"))
	web = sg.HTTP.From(sg.AnyIPv4)
)

func main() {
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{{
			ID:      "sg-web",
			Ingress: []sg.Rule{ssh, web},
			Egress:  []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)},
		}},
		ENIs: []sg.ENI{{
			ID: "eni-web", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-web"},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fw, now := sg.NewFirewall(policy, nil), time.Unix(0, 0)
	send := func(packets ...string) {
		for _, p := range packets {
			h, err := packet.ParseHeader(p)
			if err != nil {
				log.Fatal(err)
			}
			out := fw.Forward(sg.Packet{Header: &h, Time: now})
			fmt.Printf("  %-7s %-41s %s\n", out.Verdict, p, out.Reason)
		}
	}

	fmt.Println("with both rules")
	send("tcp 203.0.113.5:40001 > 10.0.1.10:22 S", "tcp 10.0.1.10:22 > 203.0.113.5:40001 SA",
		"tcp 198.51.100.7:40002 > 10.0.1.10:80 S", "tcp 10.0.1.10:80 > 198.51.100.7:40002 SA")
	for _, rule := range []sg.Rule{ssh, web} {
		if err := fw.Revoke("sg-web", sg.Ingress, rule, now); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("without")
	send("tcp 203.0.113.5:40001 > 10.0.1.10:22 PA", "tcp 198.51.100.7:40002 > 10.0.1.10:80 PA",
		"tcp 203.0.113.5:40003 > 10.0.1.10:22 S")
}
