// Quarantine shuts off an instance that somebody has broken into, by giving it a
// group without rules. In one step that leaves the intruder's session alive,
// because it is tracked. In two steps it does not: a group that admits everything
// from everywhere makes live connections untracked, and those end when the group
// without rules takes its place.
//
// Output:
//
//	one step
//	  accept  the intruder's session goes on (tracked)
//	  drop    a new session (no_rule)
//	two steps
//	  drop    the intruder's session goes on (no_rule)
//	  drop    a new session (no_rule)
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
	intruder = netip.MustParseAddrPort("203.0.113.66:40001")
	again    = netip.MustParseAddrPort("203.0.113.66:40002")
	victim   = netip.MustParseAddrPort("10.0.1.10:22")
)

func main() {
	everything := []sg.Rule{sg.AllTraffic.From(sg.AnyIPv4)}
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-app", Ingress: []sg.Rule{sg.SSH.From(sg.MustCIDR("203.0.113.0/24"))}},
			{ID: "sg-open", Ingress: everything, Egress: everything},
			{ID: "sg-quarantine"},
		},
		ENIs: []sg.ENI{{ID: "eni-app", Addrs: []netip.Addr{victim.Addr()}, Groups: []sg.GroupID{"sg-app"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	contain(policy, "one step", "sg-quarantine")
	contain(policy, "two steps", "sg-open", "sg-quarantine")
}

// contain lets a session begin, sets the groups one after the other, and looks
// what still gets through.
func contain(policy *sg.Policy, how string, groups ...sg.GroupID) {
	fw, now := sg.NewFirewall(policy, nil), time.Unix(0, 0)
	send := func(from, to netip.AddrPort, flags packet.TCPFlags) sg.Outcome {
		h := packet.TCPHeader(from, to, flags)
		return fw.Forward(sg.Packet{Header: &h, Time: now})
	}
	send(intruder, victim, packet.SYN)
	send(victim, intruder, packet.SYN|packet.ACK)
	send(intruder, victim, packet.ACK)
	for _, g := range groups {
		if err := fw.SetGroups("eni-app", []sg.GroupID{g}, now); err != nil {
			log.Fatal(err)
		}
		now = now.Add(2 * time.Second)
	}
	fmt.Println(how)
	goesOn := send(intruder, victim, packet.ACK)
	fmt.Printf("  %-7s the intruder's session goes on (%s)\n", goesOn.Verdict, goesOn.Reason)
	begins := send(again, victim, packet.SYN)
	fmt.Printf("  %-7s a new session (%s)\n", begins.Verdict, begins.Reason)
}
