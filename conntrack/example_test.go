package conntrack_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// A firewall asks its rules only about the first packet of a connection.
func Example() {
	table, err := conntrack.NewTable(conntrack.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	const eni conntrack.Zone = 1
	client := netip.MustParseAddrPort("198.51.100.7:50000")
	server := netip.MustParseAddrPort("10.0.1.10:443")
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

	see := func(h packet.Header) {
		r := table.Track(eni, &h, now)
		if r.Class() == conntrack.New {
			table.Commit(eni, &h, now, 17) // the rules admit it; 17 is the caller's own note
		}
		fmt.Println(h.TCPFlags, r)
	}
	see(packet.TCPHeader(client, server, packet.SYN))
	see(packet.TCPHeader(server, client, packet.SYN|packet.ACK))
	see(packet.TCPHeader(client, server, packet.ACK))

	now = now.Add(5 * 24 * time.Hour) // idle for as long as AWS remembers
	see(packet.TCPHeader(client, server, packet.ACK))
	// Output:
	// S new
	// SA tracked reply syn_recv tag 17
	// A tracked original established tag 17
	// A invalid, no_syn
}
