// Package sgtest puts security groups into a test.
//
// [NewNetwork] makes a network of the ENIs of a topology, with a clock that moves
// when it is told to. Claims about it read as one would say them:
//
//	net := sgtest.NewNetwork(t, topo, nil)
//	net.Allows(t, "app", "db", sg.PostgreSQL)
//	net.Denies(t, "web", "db", sg.AllTraffic)
//
// Ends are named by ENI id, by ENI name, by address, or by a name given to a host
// outside with [Network.Host]. A claim about a range of ports is about each of
// them. Many claims fit into one table:
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
// a test can change rules, or move the clock, and see what becomes of it:
//
//	conn := net.Dial(t, "app", "db", sg.PostgreSQL)
//	net.SetGroups(t, "db", "sg-quarantine")
//	conn.Alive(t)                                // it was tracked
//	net.Denies(t, "app", "db", sg.PostgreSQL)    // but nothing new gets in
//
// A claim that does not hold fails the test with the explanation of the packet
// that decided it, and with a [Scenario]: a text that shows the same and that can
// be pasted into a file of the test's own, to be run with [RunDir].
//
// # Connections of programs
//
// Programs talk over the network as they are. [Network.Listen], [Network.Dialer] and
// [Network.ListenPacket] give them values of package net, and ends are names to them:
//
//	go http.Serve(net.Listen(t, "app", 8080), handler)
//	client := http.Client{Transport: &http.Transport{DialContext: net.Dialer(t, "web").DialContext}}
//	resp, err := client.Get("http://app:8080/")
//
// Everything is in memory, and yet what the groups see is what would be on the wire:
// the segments of TCP with their flags and numbers, datagrams and their fragments. A
// packet that is dropped is silence, so a dial waits for its context, a write succeeds
// and nobody reads it, and what was lost is sent again. Errors of connections that
// wait for a dropped packet name it ([DropError]), and a test that fails logs the
// first of them, whatever the program made of its errors. [Network.Capture] writes all
// of it for Wireshark. Connections that are open when the test ends are gone then, and
// so are the goroutines that wait for them.
//
// # Time
//
// A clock stands still until it is told to move, or until its network has a listener
// or a dialer; [Clock] has the rule.
//
// Inside a bubble of testing/synctest the timeouts of dials, pools and groups take no
// time at all. The network has to be made in the bubble. What does not work there
// are other ways out of it: sockets of the machine, and so net.Listen,
// httptest.NewServer (give an unstarted one a Listener of the network instead),
// net.DefaultResolver (the dialer knows the names; [Network.LookupHost] is for
// programs that ask themselves) and the stacks of gVisor, whose goroutines never end.
// Goroutines that wait for those, for a system call or for a mutex keep the bubble's
// time from moving, and what programs leave open beside connections, such as the body
// of an HTTP response, keeps the bubble from ending.
//
// The package uses the public API of package sg alone and starts no goroutine, save
// that a timer of package time wakes a network whose connections wait for something.
package sgtest
