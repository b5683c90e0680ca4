package flowreplay

import (
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// A conn is the connection of a record at an ENI. tuple and dir are the record's.
type conn struct {
	at    *sg.Enforcer
	now   int64 // Unix seconds
	dir   sg.Direction
	tuple packet.FiveTuple
	entry sg.RuleRef // of the network ACL that was asked about packets like those of the record
}

// send judges a packet like those of the record, and answer one back.
func (c *conn) send(flags packet.TCPFlags) sg.Decision {
	return c.judge(c.dir, headerOf(c.tuple, flags))
}

func (c *conn) answer(flags packet.TCPFlags) sg.Decision {
	return c.judge(c.dir.Opposite(), headerOf(c.tuple.Reverse(), flags))
}

// judge returns the decision of the groups, or of the network ACL of the interface's
// subnet, whose denials a flow log does not tell from theirs (NACL-65).
func (c *conn) judge(dir sg.Direction, h packet.Header) sg.Decision {
	o := c.at.Forward(dir, sg.Packet{Header: &h, Time: time.Unix(c.now, 0)})
	for _, hop := range o.Hops() {
		if rule := hop.Decision.Rule; dir == c.dir && rule.ACL() != "" {
			c.entry = rule
		}
	}
	for _, hop := range o.Hops() {
		if d := hop.Decision; d.Verdict == o.Verdict && d.Reason == o.Reason {
			return d
		}
	}
	return sg.Decision{Verdict: o.Verdict, Reason: o.Reason}
}

// headerOf is the header of a packet without payload.
func headerOf(t packet.FiveTuple, flags packet.TCPFlags) packet.Header {
	var h packet.Header
	src, dst := netip.AddrPortFrom(t.SrcAddr(), t.SrcPort), netip.AddrPortFrom(t.DstAddr(), t.DstPort)
	switch t.Protocol {
	case packet.TCP:
		return packet.TCPHeader(src, dst, flags)
	case packet.UDP:
		return packet.UDPHeader(src, dst)
	}
	h = packet.IPHeader(t.SrcAddr(), t.DstAddr(), t.Protocol)
	h.SrcPort, h.DstPort = t.SrcPort, t.DstPort
	return h
}

// judgeRequest judges what the side sent that opened the connection.
func (c *conn) judgeRequest(r *Record) {
	if c.tuple.Protocol != packet.TCP {
		r.decide(c.send(0))
		return
	}
	if r.TCPFlags&packet.SYN != 0 {
		r.decide(c.send(packet.SYN))
	} else if d := c.send(packet.ACK); d.Verdict == sg.Drop && d.Reason == sg.OutOfState {
		r.PickedUp = r.Has(flowlog.FieldTCPFlags)
		r.decide(c.send(packet.SYN))
	} else {
		r.decide(d)
	}
	if r.Verdict == sg.Accept && underWay(r) {
		c.answer(packet.SYN | packet.ACK)
		c.send(packet.ACK)
	}
}

// underWay reports whether a record of who asked is of a connection that got an
// answer.
func underWay(r *Record) bool {
	return r.TCPFlags&packet.SYN == 0 || r.Opening.Answered || busy(r)
}

// busy reports whether a record that has a SYN has more than that.
func busy(r *Record) bool {
	largest := uint64(60) // of a SYN: IPv4 with 20 bytes of options of TCP, and then some
	if r.Src().Is6() {
		largest = 80
	}
	return r.TCPFlags&packet.FIN != 0 || r.Bytes > r.Packets*largest
}

// judgeAnswer judges what the other side sent. Without a connection nothing would be
// an answer, so the log's beginning is made up for: its opener is asked for first.
func (c *conn) judgeAnswer(r *Record) {
	flags := packet.ACK
	if c.tuple.Protocol == packet.TCP && r.TCPFlags&packet.SYN != 0 {
		flags |= packet.SYN
	}
	d := c.send(flags)
	if d.Verdict == sg.Drop {
		opened := c.answer(packet.SYN)
		if opened.Verdict == sg.Drop {
			r.decide(opened)
			return
		}
		r.PickedUp = true
		d = c.send(packet.SYN | packet.ACK)
		if c.tuple.Protocol == packet.TCP {
			c.answer(packet.ACK)
		}
	}
	if r.decide(d); d.Verdict == sg.Accept && r.TCPFlags&packet.SYN != 0 && busy(r) {
		c.answer(packet.ACK) // before the entry of half a handshake expires
	}
}

// judgeEither judges a record of which either side may have opened the connection:
// there is a verdict where it is the same for both.
func (c *conn) judgeEither(r *Record) {
	request, other := headerOf(c.tuple, packet.SYN), headerOf(c.tuple.Reverse(), packet.SYN)
	_, asking := c.at.Admits(c.dir, &request)
	_, asked := c.at.Admits(c.dir.Opposite(), &other)
	if asking != asked {
		d := c.send(packet.ACK)
		if d.Reason == sg.Tracked || d.Verdict == sg.Accept && c.tuple.Protocol != packet.TCP {
			r.decide(d) // a connection that is known, or a packet that is admitted alone
			return
		}
		r.undecided(NoOpener)
		return
	}
	c.judgeRequest(r)
}
