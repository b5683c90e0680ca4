package diff_test

import (
	"fmt"
	"net/netip"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

// A group in place of a CIDR block: what breaks, what opens, and a packet for each.
func Example() {
	topology := func(peer sg.Peer) *sg.Topology {
		return &sg.Topology{
			Groups: []sg.Group{{ID: "sg-web"}, {ID: "sg-db", Ingress: []sg.Rule{sg.PostgreSQL.From(peer)}}},
			ENIs: []sg.ENI{
				{ID: "eni-web", Addrs: []netip.Addr{netip.MustParseAddr("10.1.0.10")}, Groups: []sg.GroupID{"sg-web"}},
				{ID: "eni-db", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.20")}, Groups: []sg.GroupID{"sg-db"}},
			},
		}
	}
	before, err := sg.Compile(topology(sg.MustCIDR("10.0.0.0/16")))
	if err != nil {
		panic(err)
	}
	after, err := sg.Compile(topology(sg.FromGroup("sg-web")))
	if err != nil {
		panic(err)
	}
	d := diff.Policies(before, after)
	for i := range d.Changes {
		c := &d.Changes[i]
		witness, _ := c.Witness(0)
		fmt.Printf("%s\n  %s\n", c, witness)
	}
	// Output:
	// broken: ingress of eni-db: tcp 5432 from 10.0.0.0/16
	//   tcp 10.0.0.4:40001 > 10.0.2.20:5432 S
	// opened: ingress of eni-db: tcp 5432 from members of sg-web (10.1.0.10/32)
	//   tcp 10.1.0.10:40001 > 10.0.2.20:5432 S
}
