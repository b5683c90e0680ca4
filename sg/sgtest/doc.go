// Package sgtest brings security groups into tests.
//
// [NewNetwork] makes a network from the ENIs of a topology, with a clock that
// moves when told to. Claims about it read like sentences:
//
//	net := sgtest.NewNetwork(t, topo, nil)
//	net.Allows(t, "app", "db", sg.PostgreSQL)
//	net.Denies(t, "web", "db", sg.AllTraffic)
//
// Ends are named by ENI id, by ENI name, by address, by the instance or the group of one
// ENI alone, or by a name given to a host outside with [Network.Host]. An address that
// exists in several VPCs is that of the other end's VPC. A claim about a range of ports is
// about every one of them. Many claims fit into one table:
//
//	net.Host("internet", "198.51.100.7")
//	net.Matrix(t, `
//		from\to   web:https  app:tcp/8080  db:postgresql
//		internet  yes        no            no
//		web       -          yes           no
//		app       no         -             yes
//	`)
//
// Claims change nothing. [Network.Dial] opens a connection that lives on, so that
// a test can change rules or move the clock and see what happens to it:
//
//	conn := net.Dial(t, "app", "db", sg.PostgreSQL)
//	net.SetGroups(t, "db", "sg-quarantine")
//	conn.Alive(t)                                // it was tracked
//	net.Denies(t, "app", "db", sg.PostgreSQL)    // but nothing new gets in
//
// A claim that does not hold fails the test with the explanation of the packet
// that decided it, and with a [Scenario] that shows the same. Paste that text
// into a file of your own and run it with [RunDir].
//
// # Connections of programs
//
// Unmodified programs can talk over the network. [Network.Listen], [Network.Dialer]
// and [Network.ListenPacket] give them values of package net, in which ends are host
// names:
//
//	go http.Serve(net.Listen(t, "app", 8080), handler)
//	client := http.Client{Transport: &http.Transport{DialContext: net.Dialer(t, "web").DialContext}}
//	resp, err := client.Get("http://app:8080/")
//
// Everything is in memory, yet the groups see what would be on the wire: TCP segments
// with their flags and numbers, datagrams and their fragments. A dropped packet is
// silence: a dial waits for its context, a write succeeds and nobody reads it, and
// lost segments are sent again. Errors of connections that wait for a dropped packet
// name it ([DropError]), and a failing test logs the first such packets, whatever the
// program did with its errors. [Network.Capture] writes all of it for Wireshark. When
// the test ends, open connections are closed, and the goroutines that wait for them
// end.
//
// # Time
//
// A clock stands still until told to move, or until its network has a listener or a
// dialer; see [Clock].
//
// Inside a bubble of testing/synctest the timeouts of dials, pools and groups take no
// time at all. Make the network inside the bubble. Whatever leaves the bubble does not
// work there:
//
//   - The machine's sockets, and so net.Listen. For httptest.NewServer, make an unstarted
//     server and give it a Listener of the network.
//   - net.DefaultResolver. The dialer knows the names; [Network.LookupHost] is for
//     programs that resolve names themselves.
//   - gVisor's stacks, whose goroutines never end.
//
// Goroutines that wait for those, for a system call or for a mutex keep the bubble's time
// from moving. What programs leave open besides connections, such as the body of an HTTP
// response, keeps the bubble from ending.
//
// The package uses only the public API of package sg. It starts no goroutine, except
// that a timer of package time wakes a network whose connections wait for something.
package sgtest
