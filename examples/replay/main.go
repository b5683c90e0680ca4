// Replay runs a capture through security groups: the packets are judged on the
// capture's own clock, at both ends where the topology knows both. The last packet
// comes more than six minutes after the one before it, and still its connection
// is tracked: established TCP may be idle for five days.
//
// Output:
//
//	12:00:00.000 accept         rule         tcp 198.51.100.7:50001 > 10.0.1.10:443 S
//	12:00:00.001 accept         tracked      tcp 10.0.1.10:443 > 198.51.100.7:50001 SA
//	12:00:00.020 accept         tracked      tcp 198.51.100.7:50001 > 10.0.1.10:443 A
//	12:00:00.021 accept         tracked      tcp 198.51.100.7:50001 > 10.0.1.10:443 PA len 517
//	12:00:00.022 accept         rule         tcp 10.0.1.10:41000 > 10.0.2.10:5432 S
//	12:00:00.023 accept         tracked      tcp 10.0.2.10:5432 > 10.0.1.10:41000 SA
//	12:00:00.500 drop           no_rule      tcp 203.0.113.66:40000 > 10.0.1.10:22 S
//	12:00:01.500 drop           no_rule      tcp 203.0.113.66:40000 > 10.0.1.10:22 S
//	12:00:02.000 drop           no_rule      icmp 203.0.113.66 > 10.0.1.10 8/0 id 1
//	12:00:03.000 not_applicable not_ip       -
//	12:00:04.000 drop           no_rule      udp 10.0.2.10:40001 > 192.0.2.53:53
//	12:06:40.000 accept         tracked      tcp 10.0.1.10:443 > 198.51.100.7:50001 PA len 100
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"log"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

//go:embed site.pcap
var pcap []byte

const site = `
group sg-web
rule sg-web ingress tcp 443 0.0.0.0/0
rule sg-web egress tcp 5432 sg-db
group sg-db
rule sg-db ingress tcp 5432 sg-web
eni eni-web 10.0.1.10 sg-web
eni eni-db 10.0.2.10 sg-db
`

func main() {
	topo, err := sgtest.ParseTopology("site", site)
	check(err)
	policy, err := sg.Compile(topo)
	check(err)
	fw := sg.NewFirewall(policy, nil)

	file, err := capture.NewReader(bytes.NewReader(pcap), "site.pcap") // or capture.Open
	check(err)
	defer file.Close()
	for frame, err := range file.Frames() {
		check(err)
		// Err tells of ARP, and of malformed packets.
		out := fw.Forward(sg.Packet{Header: &frame.Header, Time: frame.Time, Err: frame.Err})
		fmt.Printf("%s %-14s %-12s %s\n", frame.Time.Format("15:04:05.000"), out.Verdict, out.Reason, frame.Header)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
