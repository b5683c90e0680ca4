package sg

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/member"
)

// An Outcome is what becomes of a packet on its whole way. It is comparable; the
// zero Outcome is a drop.
type Outcome struct {
	Verdict Verdict
	Reason  Reason // of the hop that dropped the packet, else of the last one

	n    uint8
	hops [2]Hop
}

// A Hop is one ENI on a packet's way.
type Hop struct {
	Enforcer  *Enforcer
	Direction Direction
	Decision  Decision
}

// Hops returns the ENIs that judged the packet, in the order in which they did.
// The slice points into o.
func (o *Outcome) Hops() []Hop { return o.hops[:o.n] }

func (o *Outcome) add(e *Enforcer, dir Direction, d Decision) {
	o.hops[o.n] = Hop{e, dir, d}
	o.n++
	o.Verdict, o.Reason = d.Verdict, d.Reason
}

// judge lets the next ENI decide, into its place. The packet is an IP packet, and
// there is no observer.
func (o *Outcome) judge(e *Enforcer, dir Direction, p *passage) {
	hop := &o.hops[o.n&1]
	o.n++
	hop.Enforcer, hop.Direction = e, dir
	if e.eni == nil {
		hop.Decision.Reason = NoInterface
	} else {
		e.judge(&hop.Decision, dir, p)
	}
	o.Verdict, o.Reason = hop.Decision.Verdict, hop.Decision.Reason
}

// Forward judges a packet at both its ends: egress of the ENI that owns the
// source address, then ingress of the one that owns the destination, each with
// its own connections (SG-06). The first drop ends the walk; the second ENI has
// not seen such a packet then, while the first one remembers what it admitted.
// An end that no ENI owns lets everything pass.
//
// Addresses are private ones; an address that exists in several VPCs is the one
// in the VPC of the other end, or in a VPC that is peered with it. Where that does
// not tell, the other end judges alone. Packets that no ENI judges, and those between
// two addresses of one ENI, are not applicable.
//
// now is as for [Enforcer.Evaluate].
func (f *Firewall) Forward(h *packet.Header, now time.Time) Outcome {
	return f.ForwardVia(h, now, 0)
}

// ForwardVia is Forward for a packet whose path matters.
func (f *Firewall) ForwardVia(h *packet.Header, now time.Time, via Via) (o Outcome) {
	e := f.Ends(h)
	if e.second != nil && h.Family == packet.IPv4 { // IPv6 packets gain in batches only
		f.table.Prefetch(e.second.zone, h) // while the first end waits for its own
	}
	f.forward(&e, h, now, via, &o)
	return o
}

// Ends are the ENIs at both ends of a packet, which [Firewall.Ends] finds.
type Ends struct {
	first, second *Enforcer // in the order in which they judge; nil where there is none
	dir           Direction // at first; at second, which there is only after an Egress, it is Ingress
	reason        Reason    // why nobody judges; else NoReason
}

// newEnds returns the Ends of a packet from src to dst, one of which may be nil. It
// does not branch: which of them is depends on the packet's direction, which nobody
// can predict.
func newEnds(src, dst *Enforcer) Ends {
	e := Ends{first: src, second: dst, dir: Egress}
	if src == nil {
		e.first = dst
	}
	if src == nil {
		e.second = nil
	}
	if src == nil {
		e.dir = Ingress
	}
	return e
}

// Ends finds the ENIs at both ends of a packet, with which Forward begins. It
// decides nothing. Whoever has several packets at hand may find the ends of all of
// them first, tell the connection table of them with [Firewall.Prefetch], and forward
// them in order afterwards, with [Firewall.ForwardBetween]: they then wait for
// memory together.
//
// Ends belong to the firewall and hold until Swap.
func (f *Firewall) Ends(h *packet.Header) Ends {
	if h.Family != packet.IPv4 && h.Family != packet.IPv6 {
		return Ends{reason: Malformed}
	}
	return f.between(h)
}

// Prefetch tells the connection table that the packet will be forwarded soon. It
// decides nothing and changes no answer; see [conntrack.Table.Prefetch] for when it
// gains.
func (f *Firewall) Prefetch(e *Ends, h *packet.Header) {
	if e.first != nil {
		f.table.Prefetch(e.first.zone, h)
	}
	if e.second != nil {
		f.table.Prefetch(e.second.zone, h)
	}
}

// ForwardBetween is Forward for a packet whose ends are known. It writes all of o.
func (f *Firewall) ForwardBetween(e *Ends, h *packet.Header, now time.Time, o *Outcome) {
	*o = Outcome{}
	f.forward(e, h, now, 0, o)
}

// forward is Forward between e, into a zero Outcome.
func (f *Firewall) forward(e *Ends, h *packet.Header, now time.Time, via Via, o *Outcome) {
	switch {
	case e.reason == Malformed:
		o.Reason = Malformed
	case e.reason != NoReason:
		o.Verdict, o.Reason = NotApplicable, e.reason
	case f.opts.Observer != nil:
		o.add(e.first, e.dir, e.first.EvaluateVia(e.dir, h, now, via))
		if e.second != nil && o.Verdict != Drop {
			o.add(e.second, Ingress, e.second.EvaluateVia(Ingress, h, now, via))
		}
	default:
		p := passage{h, now, via}
		o.judge(e.first, e.dir, &p)
		if e.second != nil && o.Verdict != Drop {
			o.judge(e.second, Ingress, &p)
		}
	}
}

// Refuse is Forward for a frame that [packet.Decode] returned err for, with what
// could be read of it. It is dropped at the first ENI on its way, and
// not applicable where it holds no IP packet or no readable address. No connection
// sees it.
func (f *Firewall) Refuse(h *packet.Header, err error) Outcome {
	o := Outcome{Reason: refusal(err)}
	if o.Reason == NotIP || h.Length == 0 { // no address was readable
		o.Verdict = NotApplicable
		return o
	}
	e := f.between(h)
	if e.reason != NoReason {
		o.Verdict, o.Reason = NotApplicable, e.reason
	} else {
		o.add(e.first, e.dir, e.first.refused(e.dir, h, o.Reason))
	}
	return o
}

// Forward is [Firewall.Forward] for a packet whose way is known to be through
// this ENI alone, in direction dir, whatever its addresses say. At an ENI that the
// policy lacks it is not applicable.
func (e *Enforcer) Forward(dir Direction, h *packet.Header, now time.Time) Outcome {
	if e == nil || e.eni == nil {
		return Outcome{Verdict: NotApplicable, Reason: NoInterface}
	}
	var o Outcome
	o.add(e, dir, e.EvaluateVia(dir, h, now, 0))
	return o
}

// Refuse is [Firewall.Refuse] for a frame whose way is known to be through this
// ENI alone. Where not even an IP header was there it is not applicable, and no
// hop; all else is dropped here.
func (e *Enforcer) Refuse(dir Direction, h *packet.Header, err error) Outcome {
	if e == nil || e.eni == nil {
		return Outcome{Verdict: NotApplicable, Reason: NoInterface}
	}
	o := Outcome{Reason: refusal(err)}
	if o.Reason == NotIP {
		o.Verdict = NotApplicable
		return o
	}
	o.add(e, dir, e.refused(dir, h, o.Reason))
	return o
}

// refused is a drop that no clock belongs to, and that the observer is told of.
func (e *Enforcer) refused(dir Direction, h *packet.Header, reason Reason) Decision {
	d := Decision{Reason: reason}
	if e.observing() {
		e.observed(dir, h, time.Time{}, &d)
	}
	return d
}

// refusal returns the reason for an error of packet.Decode.
func refusal(err error) Reason {
	switch {
	case errors.Is(err, packet.ErrNotIP), errors.Is(err, packet.ErrLinkType):
		return NotIP
	case errors.Is(err, packet.ErrCut):
		return Cut
	}
	return Malformed
}

// between finds the ENIs at both ends of a packet; one of them may be missing. The
// reason is that of a packet without any, and NoReason otherwise.
func (f *Firewall) between(h *packet.Header) Ends {
	if h.Family == packet.IPv4 {
		// The way of nearly all packets.
		m := f.w.members
		s, d := m.Sole4(binary.BigEndian.Uint32(h.Src[12:])), m.Sole4(binary.BigEndian.Uint32(h.Dst[12:]))
		if s <= member.Most && d <= member.Most && s != d {
			return newEnds(f.owners[s], f.owners[d])
		}
	}
	s, allS, okS := f.w.members.Lookup(h.Family, &h.Src)
	d, allD, okD := f.w.members.Lookup(h.Family, &h.Dst)
	switch {
	case !okS && !okD:
		return Ends{reason: NoInterface}
	case allS != nil || allD != nil:
		s, d, okS, okD = f.w.choose(s, allS, okS, d, allD, okD)
		if !okS && !okD {
			return Ends{reason: Ambiguous}
		}
	}
	if okS && okD && s == d {
		return Ends{reason: SameInterface}
	}
	var src, dst *Enforcer
	if okS {
		src = f.owners[s+1]
	}
	if okD {
		dst = f.owners[d+1]
	}
	return newEnds(src, dst)
}

// choose settles which ENIs are meant where an address has several owners: the
// only pair within one VPC, else the only pair in VPCs that are peered. Without
// any, an end with several owners has none.
func (w *world) choose(s uint32, allS []uint32, okS bool, d uint32, allD []uint32, okD bool) (uint32, uint32, bool, bool) {
	if !okS || !okD {
		return 0, 0, false, false
	}
	okS, okD = allS == nil, allD == nil
	if okS {
		allS = []uint32{s}
	}
	if okD {
		allD = []uint32{d}
	}
	for _, peered := range [...]bool{false, true} {
		n := 0
		var from, to uint32
		for _, i := range allS {
			for _, j := range allD {
				a, b := w.enis[i].vpc, w.enis[j].vpc
				if _, active := w.paths.active[[2]uint32{a, b}]; !peered && a == b || peered && active {
					from, to, n = i, j, n+1
				}
			}
		}
		if n == 1 {
			return from, to, true, true
		}
		if n > 1 {
			break
		}
	}
	return s, d, okS, okD
}
