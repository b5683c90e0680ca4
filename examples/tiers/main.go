// Tiers is the classic way to build a site: the load balancer takes what comes
// from anywhere, the instance only what comes from the load balancer, the database
// only what comes from the instance. Each rule names the group of the tier before
// it, so none of them changes when an instance is added or replaced.
//
// The last two attempts come straight from outside. The ports are the right ones,
// the sender is not.
//
// Output:
//
//	accept  browser to load balancer
//	        eni-lb ingress: sg-lb ingress[0]
//	accept  load balancer to instance
//	        eni-lb egress: sg-lb egress[0]
//	        eni-app ingress: sg-app ingress[0]
//	accept  instance to database
//	        eni-app egress: sg-app egress[0]
//	        eni-db ingress: sg-db ingress[0]
//	drop    browser straight to instance
//	        eni-app ingress: no_rule
//	drop    browser straight to database
//	        eni-db ingress: no_rule
package main

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

var site = &sg.Topology{
	Groups: []sg.Group{
		{
			ID:      "sg-lb",
			Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4)},
			Egress:  []sg.Rule{sg.HTTP.To(sg.FromGroup("sg-app"))},
		},
		{
			ID:      "sg-app",
			Ingress: []sg.Rule{sg.HTTP.From(sg.FromGroup("sg-lb"))},
			Egress:  []sg.Rule{sg.PostgreSQL.To(sg.FromGroup("sg-db"))},
		},
		{
			ID:      "sg-db",
			Ingress: []sg.Rule{sg.PostgreSQL.From(sg.FromGroup("sg-app"))},
		},
	},
	ENIs: []sg.ENI{
		{ID: "eni-lb", Addrs: addrs("10.0.0.10"), Groups: []sg.GroupID{"sg-lb"}},
		{ID: "eni-app", Addrs: addrs("10.0.1.10"), Groups: []sg.GroupID{"sg-app"}},
		{ID: "eni-db", Addrs: addrs("10.0.2.10"), Groups: []sg.GroupID{"sg-db"}},
	},
}

func addrs(s string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(s)} }

func main() {
	policy, err := sg.Compile(site)
	if err != nil {
		log.Fatal(err)
	}
	fw, now := sg.NewFirewall(policy, nil), time.Unix(0, 0)
	for _, try := range []struct{ what, from, to string }{
		{"browser to load balancer", "198.51.100.7:50001", "10.0.0.10:443"},
		{"load balancer to instance", "10.0.0.10:50002", "10.0.1.10:80"},
		{"instance to database", "10.0.1.10:50003", "10.0.2.10:5432"},
		{"browser straight to instance", "198.51.100.7:50004", "10.0.1.10:80"},
		{"browser straight to database", "198.51.100.7:50005", "10.0.2.10:5432"},
	} {
		syn := packet.TCPHeader(netip.MustParseAddrPort(try.from), netip.MustParseAddrPort(try.to), packet.SYN)
		out := fw.Forward(sg.Packet{Header: &syn, Time: now})
		fmt.Printf("%-7s %s\n", out.Verdict, try.what)
		for _, hop := range out.Hops() {
			why := hop.Decision.Reason.String()
			if rule := hop.Decision.Rule; !rule.IsZero() {
				why = rule.String()
			}
			fmt.Printf("        %s %s: %s\n", hop.Enforcer.ID(), hop.Direction, why)
		}
	}
}
