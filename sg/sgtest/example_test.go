package sgtest_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// A test of who may talk to whom, and of what becomes of a connection when an
// instance is put into quarantine.
func ExampleNetwork() {
	topo := &sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-app", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
			{ID: "sg-db", Ingress: []sg.Rule{sg.PostgreSQL.From(sg.FromGroup("sg-app"))}},
			{ID: "sg-quarantine"},
		},
		ENIs: []sg.ENI{
			{ID: "eni-1", Name: "app", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-app"}},
			{ID: "eni-2", Name: "db", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.20")}, Groups: []sg.GroupID{"sg-db"}},
		},
	}
	t := &recorder{} // in a test of your own: its *testing.T

	net := sgtest.NewNetwork(t, topo, nil)
	net.Host("internet", "198.51.100.7")
	net.Matrix(t, `
		from\to   app:https  db:postgresql  db:all
		internet  no         no             no
		app       -          yes            -
	`)
	conn := net.Dial(t, "app", "db", sg.PostgreSQL)
	net.SetGroups(t, "app", "sg-quarantine")
	net.Denies(t, "app", "db", sg.PostgreSQL)
	conn.Alive(t)
	net.Clock.Advance(5*24*time.Hour + time.Second)
	conn.Dead(t)

	fmt.Println(len(t.said), "claims do not hold")
	// Output: 0 claims do not hold
}
