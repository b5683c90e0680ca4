package sg_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

func Example() {
	web := sg.Group{ID: "sg-web",
		Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4)},
		Egress:  []sg.Rule{sg.PostgreSQL.To(sg.FromGroup("sg-db"))}}
	db := sg.Group{ID: "sg-db", Ingress: []sg.Rule{sg.PostgreSQL.From(sg.FromGroup("sg-web"))}}
	policy, err := sg.Compile(&sg.Topology{Groups: []sg.Group{web, db}, ENIs: []sg.ENI{
		{ID: "eni-web", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-web"}},
		{ID: "eni-db", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.20")}, Groups: []sg.GroupID{"sg-db"}},
	}})
	if err != nil {
		panic(err)
	}
	firewall, now := sg.NewFirewall(policy, nil), time.Unix(0, 0)
	for _, text := range []string{
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432 S",   // web connects to its database
		"tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA",  // which replies without an egress rule
		"tcp 10.0.2.20:40002 > 198.51.100.7:443 S", // but cannot connect to the internet
	} {
		header, err := packet.ParseHeader(text)
		if err != nil {
			panic(err)
		}
		outcome := firewall.Forward(sg.Packet{Header: &header, Time: now})
		fmt.Println(outcome.Verdict, outcome.Reason)
	}
	// Output:
	// accept rule
	// accept tracked
	// drop no_rule
}
