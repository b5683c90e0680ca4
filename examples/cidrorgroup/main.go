// Cidrorgroup compares two rules that admit the same packets today: one names the
// web server's address, the other its group. Then the web server is replaced by an
// instance with another address, and a printer gets the old one.
//
// Output:
//
//	who asks the database          CIDR     group
//	web server                     accept   accept
//	web server, at its new address drop     accept
//	printer, at the old address    accept   drop
package main

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// network returns the policy of a database that admits a peer, and of the
// machines around it.
func network(peer sg.Peer, enis ...sg.ENI) *sg.Policy {
	out := []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-web", Egress: out},
			{ID: "sg-office", Egress: out},
			{ID: "sg-db", Ingress: []sg.Rule{sg.PostgreSQL.From(peer)}},
		},
		ENIs: append(enis, eni("eni-db", "10.0.2.10", "sg-db")),
	})
	if err != nil {
		log.Fatal(err)
	}
	return policy
}

func eni(id sg.ENIID, addr string, group sg.GroupID) sg.ENI {
	return sg.ENI{ID: id, Addrs: []netip.Addr{netip.MustParseAddr(addr)}, Groups: []sg.GroupID{group}}
}

func main() {
	peers := []sg.Peer{sg.MustCIDR("10.0.1.10/32"), sg.FromGroup("sg-web")}
	fws, now := make([]*sg.Firewall, 2), time.Unix(0, 0)
	row := func(what, from string) {
		h := packet.TCPHeader(netip.MustParseAddrPort(from), netip.MustParseAddrPort("10.0.2.10:5432"), packet.SYN)
		a, b := fws[0].Forward(sg.Packet{Header: &h, Time: now}), fws[1].Forward(sg.Packet{Header: &h, Time: now})
		fmt.Printf("%-30s %-8s %s\n", what, a.Verdict, b.Verdict)
	}

	fmt.Printf("%-30s %-8s %s\n", "who asks the database", "CIDR", "group")
	for i, peer := range peers {
		fws[i] = sg.NewFirewall(network(peer, eni("eni-web", "10.0.1.10", "sg-web")), nil)
	}
	row("web server", "10.0.1.10:50001")

	for i, peer := range peers {
		moved := network(peer, eni("eni-web", "10.0.1.77", "sg-web"), eni("eni-printer", "10.0.1.10", "sg-office"))
		fws[i].Swap(moved, now)
	}
	row("web server, at its new address", "10.0.1.77:50002")
	row("printer, at the old address", "10.0.1.10:50003")
}
