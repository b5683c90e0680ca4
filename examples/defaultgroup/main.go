// Defaultgroup is a small team's network. Everything was launched into the group
// called default, which admits all traffic from its own members. The second web
// server got a group of its own instead, and cannot reach the database until
// somebody gives it the default group as well.
//
// Output:
//
//	before
//	  accept  web-1 asks the database
//	  drop    web-2 asks the database
//	  drop    outside asks web-1
//	after web-2 got the default group too
//	  accept  web-1 asks the database
//	  accept  web-2 asks the database
//	  drop    outside asks web-1
package main

import (
	"fmt"
	"log"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const team = `
group sg-default name=default
rule sg-default ingress all self
rule sg-default egress all 0.0.0.0/0
group sg-web
rule sg-web ingress tcp 443 0.0.0.0/0
rule sg-web egress all 0.0.0.0/0
eni eni-web1 10.0.0.11 sg-default
eni eni-web2 10.0.0.12 sg-web
eni eni-db 10.0.0.20 sg-default
`

func main() {
	topo, err := sgtest.ParseTopology("team", team)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := sg.Compile(topo)
	if err != nil {
		log.Fatal(err)
	}
	fw, now := sg.NewFirewall(policy, nil), time.Unix(0, 0)

	fmt.Println("before")
	ask(fw, now, 50001)
	if err := fw.Attach("eni-web2", "sg-default", now); err != nil {
		log.Fatal(err)
	}
	fmt.Println("after web-2 got the default group too")
	ask(fw, now, 50002)
}

// ask makes three connections, from a port that none was made from before.
func ask(fw *sg.Firewall, now time.Time, port int) {
	for _, try := range []struct{ what, packet string }{
		{"web-1 asks the database", "tcp 10.0.0.11:%d > 10.0.0.20:3306 S"},
		{"web-2 asks the database", "tcp 10.0.0.12:%d > 10.0.0.20:3306 S"},
		{"outside asks web-1", "tcp 198.51.100.7:%d > 10.0.0.11:443 S"},
	} {
		h, err := packet.ParseHeader(fmt.Sprintf(try.packet, port))
		if err != nil {
			log.Fatal(err)
		}
		out := fw.Forward(sg.Packet{Header: &h, Time: now})
		fmt.Printf("  %-7s %s\n", out.Verdict, try.what)
	}
}
