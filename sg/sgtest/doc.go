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
// The package uses the public API of package sg alone, starts no goroutine and
// reads no clock of its own, so it works inside a bubble of testing/synctest.
package sgtest
