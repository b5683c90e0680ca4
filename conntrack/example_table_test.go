package conntrack_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// A clone answers what would have been; the table goes on as if nobody had asked.
func ExampleTable_Clone() {
	table, _ := conntrack.NewTable(conntrack.Config{})
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	query := packet.UDPHeader(netip.MustParseAddrPort("10.0.1.10:40000"), netip.MustParseAddrPort("8.8.8.8:53"))
	answer := packet.UDPHeader(netip.MustParseAddrPort("8.8.8.8:53"), netip.MustParseAddrPort("10.0.1.10:40000"))
	table.Commit(1, &query, now, 0)

	whatIf := table.Clone()
	fmt.Println(whatIf.Track(1, &answer, now.Add(31*time.Second)).Class() == conntrack.Tracked) // too late
	fmt.Println(table.Track(1, &answer, now.Add(29*time.Second)).Class() == conntrack.Tracked)
	// Output:
	// false
	// true
}

// A change of rules may end connections: here those that rule 17 let in.
func ExampleTable_DeleteFunc() {
	table, _ := conntrack.NewTable(conntrack.Config{})
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for i, client := range []string{"198.51.100.7:50000", "198.51.100.8:50000", "203.0.113.9:50000"} {
		h := packet.TCPHeader(netip.MustParseAddrPort(client), netip.MustParseAddrPort("10.0.1.10:443"), packet.SYN)
		table.Commit(1, &h, now, uint32(16+i))
	}
	fmt.Println(table.DeleteFunc(now, func(e conntrack.Entry) bool { return e.Tag == 17 }))
	for e := range table.All(now) {
		fmt.Println(e.Tuple.SrcAddr(), e.State, e.Expires.Sub(now))
	}
	// Output:
	// 1
	// 198.51.100.7 syn_sent 2m0s
	// 203.0.113.9 syn_sent 2m0s
}

// The ENIs of an instance share its allowance of tracked connections. When it is
// used up, new connections are refused and the others go on.
func ExampleTable_Limit() {
	table, _ := conntrack.NewTable(conntrack.Config{})
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	table.Limit(2, 1, 2) // two connections over zones 1 and 2
	for port := range uint16(4) {
		h := packet.TCPHeader(netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), 50000+port), netip.MustParseAddrPort("10.0.1.10:443"), packet.SYN)
		fmt.Println(table.Commit(1+conntrack.Zone(port%2), &h, now, 0))
	}
	fmt.Println(table.Stats().Refused)
	// Output:
	// true
	// true
	// false
	// false
	// 2
}
