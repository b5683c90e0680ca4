package sgtest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A trail is what one connection sent, from both ends, and what happened to it.
// The end that opened the connection is 0.
type trail struct {
	via    sg.Via // of all its packets
	events []event
	runs   [2]dataRun

	lost  [2]*sg.Explanation // of the last packet of this end, if that was dropped
	first *sg.Explanation    // of the first packet that was dropped
	drops int
}

// A dataRun is a run of packets from one end that groups cannot tell apart, at most a
// second long. A trail keeps only its first and last packet: no timer of a security
// group is so short that the others could matter.
type dataRun struct {
	start time.Time
	last  int // in events, if two are kept; else 0
	swaps int // changes of the network before it
}

// note adds a packet to a trail and, if it was dropped, its explanation: why, if not
// nil.
func (n *Network) note(t *trail, e event, dir int, why *sg.Explanation) {
	if n.opts.Profile == conntrack.AWS {
		e.h = plain(&e.h)
	}
	n.log.number++
	e.number = n.log.number
	run := &t.runs[dir]
	switch i := run.last; {
	case e.h.Protocol == packet.TCP && e.h.TCPFlags&(packet.SYN|packet.FIN|packet.RST) != 0,
		run.swaps != n.log.swaps, e.at.Sub(run.start) > time.Second:
		*run = dataRun{start: e.at, swaps: n.log.swaps}
		t.events = append(t.events, e)
	case i > 0 && t.events[i].out == e.out:
		t.events[i] = e
	default:
		run.last = len(t.events)
		t.events = append(t.events, e)
	}
	if arrives(&e.out) {
		t.lost[dir] = nil
		return
	}
	if t.lost[dir] == nil {
		if why == nil {
			why = n.explain(&e.h, e.via, e.at)
		}
		h := e.h
		why.Header = &h
		t.lost[dir] = why
	}
	if t.drops++; t.first == nil {
		t.first = t.lost[dir]
		if len(n.lossy) < mostLossy {
			n.lossy = append(n.lossy, t)
		}
	}
}

// plain returns h without fields that no security group looks at, so that messages
// say what matters.
func plain(h *packet.Header) packet.Header {
	if h.Protocol != packet.TCP {
		return *h
	}
	return packet.TCPHeader(netip.AddrPortFrom(h.SrcAddr(), h.SrcPort), netip.AddrPortFrom(h.DstAddr(), h.DstPort), h.TCPFlags)
}

// mostLossy is how many connections that lost a packet a network remembers, and
// mostTold how many of them a failing test tells about.
const (
	mostLossy = 1000
	mostTold  = 5
)

// scenario returns what the connection sent, with the changes meanwhile, as a
// scenario.
func (n *Network) scenario(t *trail) string {
	h := t.events[0].h
	part := n.log.between(&h).with(t.events)
	slices.SortFunc(part.events, func(a, b event) int { return cmp.Compare(a.number, b.number) })
	return part.String()
}

// losses reports which packets were dropped, for a test that failed.
func (n *Network) losses() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b strings.Builder
	for i, t := range n.lossy {
		if i == mostTold {
			fmt.Fprintf(&b, "%d more connections lost packets.\n", len(n.lossy)-mostTold)
			break
		}
		fmt.Fprintf(&b, "A connection lost %d of its packets. The first:\n%s", t.drops, indented(t.first.String()))
		if i == 0 && !n.log.limited() { // else the scenario would need all connections
			fmt.Fprintf(&b, "As a scenario:\n%s", indented(n.scenario(t)))
		}
	}
	return b.String()
}

// A DropError is the error of a connection that waits in vain because packets were
// dropped. Like every error of a connection, it comes inside a [net.OpError].
type DropError struct {
	// Err is the error of a real connection, such as [os.ErrDeadlineExceeded].
	// Most are timeouts.
	Err error

	// Explanation is that of the first packet in the last series of drops.
	Explanation *sg.Explanation
}

// Error returns the error of a real connection and, on the same line, the packet,
// the interface that dropped it, and the rule that came nearest:
//
//	i/o timeout: tcp 10.0.1.10:32768 > 10.0.3.10:5432 S: drop, no_rule at eni-db ingress, nearest sg-db ingress[0]: port 5433, packet had 5432
func (e *DropError) Error() string {
	x := e.Explanation
	s := fmt.Sprintf("%v: %s: %s, %s", e.Err, x.Header.String(), x.Verdict, x.Reason)
	if len(x.Hops) > 0 {
		hop := x.Hops[len(x.Hops)-1]
		s += fmt.Sprintf(" at %s %s", hop.Place(), hop.Direction)
		if len(hop.Near) > 0 {
			s += ", nearest " + hop.Near[0].String()
		}
	}
	return s
}

// Unwrap returns Err.
func (e *DropError) Unwrap() error { return e.Err }

// Timeout reports whether Err is a timeout.
func (e *DropError) Timeout() bool {
	t, ok := e.Err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// Temporary is needed for a [net.Error]; it returns what Timeout does.
func (e *DropError) Temporary() bool { return e.Timeout() }

// blame returns err, combined with what was dropped last if the connection waits
// for that: from this end, else from the other.
func (t *trail) blame(err error, dir int) error {
	x := t.lost[dir]
	if x == nil {
		x = t.lost[1-dir]
	}
	if x == nil {
		return err
	}
	return &DropError{err, x}
}
