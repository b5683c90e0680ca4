package flowreplay_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
)

// Somebody reached port 22, though no rule that is given here admits it: AWS has one more.
func Example() {
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{{ID: "sg-web", Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4)}}},
		ENIs:   []sg.ENI{{ID: "eni-web", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-web"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	const file = `interface-id srcaddr dstaddr srcport dstport protocol tcp-flags packets bytes start end action
eni-web 198.51.100.7 10.0.1.10 50001 443 6 3 9 1200 1780315200 1780315210 ACCEPT
eni-web 10.0.1.10 198.51.100.7 443 50001 6 19 8 9000 1780315200 1780315210 ACCEPT
eni-web 203.0.113.9 10.0.1.10 50002 22 6 2 3 180 1780315220 1780315229 REJECT
eni-web 192.0.2.4 10.0.1.10 50003 22 6 3 40 8000 1780315230 1780315240 ACCEPT
`
	report, err := flowreplay.Run(context.Background(), policy, nil, flowlog.NewReader("log", strings.NewReader(file), nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Agreeing.Records, "records agree,", report.Disagreeing.Records, "does not")
	for _, d := range report.Disagreements {
		fmt.Printf("%v: %v %v %v %v: AWS accepted it, the groups %v it: %v\n", d.Position, d.ENI, d.Direction, d.Protocol, d.Port, d.Verdict, d.Cause)
	}
	// Output:
	// 3 records agree, 1 does not
	// log:5: eni-web ingress tcp 22: AWS accepted it, the groups drop it: rule_not_given
}
