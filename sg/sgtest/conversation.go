package sgtest

import (
	"fmt"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Conversation is one connection between two ends of a [Network], opened by
// [Network.Dial]. Its packets are really sent: they keep the connection alive.
type Conversation struct {
	n        *Network
	from, to string
	what     sg.Traffic
	flow     flow
}

// Ping is the traffic of ping over IPv4: echo requests.
var Ping = sg.Traffic{Name: "ping", Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(8, 0)}

// Ping6 is the traffic of ping over IPv6.
var Ping6 = sg.Traffic{Name: "ping6", Protocol: sg.ICMPv6, ICMP: sg.ICMPTypeCode(128, 0)}

// Dial opens a connection: the three segments of TCP, or a first request and its
// answer for UDP, [Ping] and others. For a range of ports it takes the first. It
// ends the test if a packet is dropped.
func (n *Network) Dial(t TB, from, to string, what sg.Traffic) *Conversation {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &Conversation{n: n, from: from, to: to, what: what}
	a, b, err := n.ends(from, to, what)
	if err == nil && what.Protocol == sg.AllProtocols {
		err = fmt.Errorf("one connection cannot be %s; name a port", what)
	}
	if err != nil {
		t.Fatalf("%v", err)
		return c
	}
	c.flow = n.flows(what, a, b)[0]
	if bad := c.send(c.flow.steps(openTCP)); bad != nil {
		t.Fatalf("%s", bad)
	}
	return c
}

// Converse has a whole conversation: open, data both ways, close. Every packet
// has to arrive.
func (n *Network) Converse(t TB, from, to string, what sg.Traffic) bool {
	t.Helper()
	c := n.Dial(t, from, to, what)
	return c.Alive(t) && c.Close(t)
}

// Alive claims that data still passes both ways, and sends some.
func (c *Conversation) Alive(t TB) bool {
	t.Helper()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	return verdict(t, c.send(c.flow.steps(dataTCP)), nil)
}

// Dead claims that the connection no longer works: the next packet of the opening
// side is dropped, or else the answer to it. It does not hold if that is not known,
// or if no security group sees the packet.
func (c *Conversation) Dead(t TB) bool {
	t.Helper()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	steps := c.flow.steps(dataTCP[:2])
	bad := c.send(steps)
	if bad == nil {
		h := c.flow.request(steps[0].flags)
		bad = c.failure("is alive, and should not be", h, c.n.explain(&h, c.flow.via(), c.n.Clock.Now()), sg.Accept)
	}
	if bad.verdict == sg.Drop {
		return true
	}
	t.Errorf("%s", bad)
	return false
}

// Close ends the connection: the FINs of TCP, nothing for other protocols. Every
// packet has to arrive.
func (c *Conversation) Close(t TB) bool {
	t.Helper()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.flow.proto != packet.TCP {
		return true
	}
	return verdict(t, c.send(closeTCP), nil)
}

// Request sends one packet of data from the side that opened the connection, and
// returns what happened to it.
func (c *Conversation) Request() sg.Outcome {
	return c.n.send(c.flow.request(c.dataFlags()), c.flow.via())
}

// Reply sends one packet of data to the side that opened the connection.
func (c *Conversation) Reply() sg.Outcome {
	h, _ := c.flow.reply(c.dataFlags())
	return c.n.send(h, c.flow.via())
}

func (c *Conversation) dataFlags() packet.TCPFlags {
	if c.flow.proto == packet.TCP {
		return packet.PSH | packet.ACK
	}
	return 0
}

// send sends packets until one is dropped, which it returns.
func (c *Conversation) send(steps []step) *failure {
	for _, s := range steps {
		h, ok := c.flow.packet(s)
		if !ok {
			continue
		}
		now := c.n.Clock.Now()
		via := c.flow.via()
		why := c.n.explain(&h, via, now) // first, since the packet may change the connection
		out := c.n.pass(&h, via, nil, now)
		c.n.log.packet(h, via, out, now)
		if v := c.n.verdict(&out, &h, via, s); v != sg.Accept {
			who := c.from
			if s.reply {
				who = c.to
			}
			what := "stops: " + who + "'s packet is lost"
			switch v {
			case sg.Unknown:
				what = "is not known to work: " + who + "'s packet may be lost"
			case sg.NotApplicable:
				what = "is not known to work: no security group sees " + who + "'s packet"
			}
			return c.failure(what, h, why, v)
		}
	}
	return nil
}

func (c *Conversation) failure(what string, h packet.Header, why *sg.Explanation, v sg.Verdict) *failure {
	request := c.flow.request(0)
	return &failure{
		claim:    fmt.Sprintf("%s from %s to %s %s", c.what, c.from, c.to, what),
		packet:   h,
		why:      why,
		verdict:  v,
		scenario: c.n.log.between(&request).String(),
	}
}
