package sg

import (
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// Evaluate decides about a packet that passes the ENI in direction dir: exempt
// traffic first, then the packet's connection, then the rules (CT-02). A packet
// that is admitted and can be tracked opens a connection; one that is dropped
// leaves no trace, but see [conntrack.Linux]. h must come from [packet.Decode]
// without error or be made by one of that package's constructors; see
// [Firewall.Refuse] for the others.
//
// now must be a time that [time.Time.UnixNano] can express, or the zero Time before
// any other: a damaged timestamp beyond, or far in the future, would stop the clock
// of the connections, which never runs backwards.
//
// It cannot fail and does not allocate.
func (e *Enforcer) Evaluate(dir Direction, h *packet.Header, now time.Time) Decision {
	return e.EvaluateVia(dir, h, now, 0)
}

// EvaluateVia is Evaluate for a packet whose path matters.
func (e *Enforcer) EvaluateVia(dir Direction, h *packet.Header, now time.Time, via Via) (d Decision) {
	if d.Reason = e.unjudged(dir, h); d.Reason == NoReason {
		e.judge(&d, dir, &passage{h, now, via})
	}
	if e.observing() {
		e.observed(dir, h, now, &d)
	}
	return d
}

// A passage is a packet on its way. It goes by reference, because its words would
// be put down and taken up again at every call.
type passage struct {
	h   *packet.Header
	now time.Time
	via Via
}

// observing reports whether there is an observer.
func (e *Enforcer) observing() bool { return e != nil && e.f.opts.Observer != nil }

// observed tells the observer of d.
func (e *Enforcer) observed(dir Direction, h *packet.Header, now time.Time, d *Decision) {
	e.f.opts.Observer.Observe(Event{e, dir, *h, now, *d})
}

// unjudged is the reason to drop what the ENI does not judge: it is not there, or
// the packet is no IP packet with a direction. It is NoReason for all others.
func (e *Enforcer) unjudged(dir Direction, h *packet.Header) Reason {
	switch {
	case e == nil || e.eni == nil:
		return NoInterface
	case dir != Ingress && dir != Egress:
		return BadDirection
	case h.Family != packet.IPv4 && h.Family != packet.IPv6:
		return Malformed
	}
	return NoReason
}

// judge decides about a packet that the ENI judges. It writes into *d, which is zero:
// a Decision that is handed on by value is copied whole right after its bytes were
// written one by one, and the processor waits for these.
func (e *Enforcer) judge(d *Decision, dir Direction, p *passage) {
	f, h := e.f, p.h
	if !f.opts.FilterExempt && e.eni.exempts(dir, h) {
		d.Verdict, d.Reason = Accept, Exempt
		return
	}
	if h.Fragment() {
		e.fragment(d, dir, p)
		return
	}
	if r := f.table.Track(e.zone, h, p.now); r.Class() == conntrack.Tracked {
		e.connected(d, Tracked, r)
	} else {
		e.untracked(d, dir, p, r)
	}
}

// connected admits a packet because of a connection.
func (e *Enforcer) connected(d *Decision, why Reason, r conntrack.Result) {
	d.Verdict, d.Reason, d.Dir, d.State, d.Rule = Accept, why, r.Dir(), r.State(), e.f.tags.rule(r.Tag())
}

// untracked decides about a packet without a connection of its own.
func (e *Enforcer) untracked(d *Decision, dir Direction, p *passage, r conntrack.Result) {
	f, h := e.f, p.h
	switch r.Class() {
	case conntrack.Related:
		if f.opts.RelatedICMP {
			e.connected(d, Related, r)
			return
		}
	case conntrack.Invalid:
		switch {
		case r.Why() == conntrack.WhyMissing:
			d.Reason = Cut
			return
		case f.opts.Profile == conntrack.Linux && r.Why() != conntrack.WhyNoSYN:
			d.Reason = Invalid
			return
		}
	}

	m := f.w.match(e.eni, dir, h, p.via)
	d.Rule = RuleRef{m.rule}
	switch {
	case m.rule == nil:
		d.Reason = NoRule
	case m.untracked && f.opts.Profile == conntrack.AWS:
		d.Verdict, d.Reason = Accept, Untracked
	case r.Class() == conntrack.New:
		e.open(d, p, m.rule)
	case r.Class() == conntrack.Invalid && h.Protocol == packet.TCP && f.opts.Midstream != MidstreamPass:
		d.Reason = OutOfState
	default:
		d.Verdict, d.Reason = Accept, ByRule
	}
}

// open opens a connection.
func (e *Enforcer) open(d *Decision, p *passage, rule *ruleInfo) {
	tag := e.f.tags.tag(rule)
	if p.via&ViaTracked != 0 {
		tag |= tagViaTracked
	}
	if !e.f.table.Commit(e.zone, p.h, p.now, tag) {
		d.Reason = TableFull
		return
	}
	d.Verdict, d.Reason, d.Dir, d.State = Accept, ByRule, conntrack.Original, opened(p.h)
}

// fragment decides about a fragment. Later ones follow the first one of their
// datagram; where that is not known, only a rule for every port admits them
// (CTS-43, CT-61).
func (e *Enforcer) fragment(d *Decision, dir Direction, p *passage) {
	f, h, now := e.f, p.h, p.now
	switch {
	case h.FragOffset == 8 && h.Protocol == packet.TCP:
		// It would overwrite the flags of the first fragment (RFC 1858).
		d.Reason = BadFragment
		return
	case !h.LaterFragment() && h.Captured == h.Length && h.Missing != 0:
		// The datagram was cut there, not the capture.
		f.table.CommitFragment(e.zone, h, now, false)
		d.Reason = BadFragment
		return
	}
	r := f.table.Track(e.zone, h, now)
	switch {
	case r.Class() == conntrack.Fragment && r.Known() && r.Accepted():
		d.Verdict, d.Reason = Accept, Tracked
		return
	case r.Class() == conntrack.Fragment && r.Known():
		d.Reason = BadFragment
		return
	case h.LaterFragment():
		d.Reason = BadFragment
		if m := f.w.match(e.eni, dir, h, p.via); m.rule != nil {
			d.Verdict, d.Reason, d.Rule = Accept, ByRule, RuleRef{m.rule}
		}
		return
	case r.Class() == conntrack.Tracked:
		e.connected(d, Tracked, r)
	default:
		e.untracked(d, dir, p, r)
	}
	f.table.CommitFragment(e.zone, h, now, d.Verdict == Accept)
}
