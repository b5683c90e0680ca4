// Smallsite follows the four connections of a small site: a browser that calls the
// web server, the web server that asks its database, an answer from outside to a
// question that nobody asked, and the database that tries to call out.
//
// Answers need no rule of their own: the web server may send nothing but queries
// to the database, and still the browser gets its page.
//
// Output:
//
//	(1) browser to web server
//	  accept  tcp 198.51.100.7:50001 > 10.0.1.10:443 S    rule
//	  accept  tcp 10.0.1.10:443 > 198.51.100.7:50001 SA   tracked
//	(2) web server to database
//	  accept  tcp 10.0.1.10:50002 > 10.0.2.10:3306 S      rule
//	  accept  tcp 10.0.2.10:3306 > 10.0.1.10:50002 SA     tracked
//	(3) an answer that nobody asked for
//	  drop    tcp 203.0.113.9:443 > 10.0.1.10:50003 SA    no_rule
//	(4) database calls out
//	  drop    tcp 10.0.2.10:50004 > 203.0.113.9:443 S     no_rule
package main

import (
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const site = `
group sg-web
rule sg-web ingress tcp 443 0.0.0.0/0
rule sg-web egress tcp 3306 sg-db
group sg-db
rule sg-db ingress tcp 3306 sg-web
eni eni-web 10.0.1.10 sg-web
eni eni-db 10.0.2.10 sg-db
`

const packets = `
(1) browser to web server
tcp 198.51.100.7:50001 > 10.0.1.10:443 S
tcp 10.0.1.10:443 > 198.51.100.7:50001 SA
(2) web server to database
tcp 10.0.1.10:50002 > 10.0.2.10:3306 S
tcp 10.0.2.10:3306 > 10.0.1.10:50002 SA
(3) an answer that nobody asked for
tcp 203.0.113.9:443 > 10.0.1.10:50003 SA
(4) database calls out
tcp 10.0.2.10:50004 > 203.0.113.9:443 S
`

func main() {
	topo, err := sgtest.ParseTopology("site", site)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := sg.Compile(topo)
	if err != nil {
		log.Fatal(err)
	}
	fw, now := sg.NewFirewall(policy, nil), time.Unix(0, 0)
	for _, line := range strings.Split(strings.TrimSpace(packets), "\n") {
		h, err := packet.ParseHeader(line)
		if err != nil {
			fmt.Println(line) // a heading
			continue
		}
		out := fw.Forward(sg.Packet{Header: &h, Time: now})
		fmt.Printf("  %-7s %-43s %s\n", out.Verdict, line, out.Reason)
	}
}
