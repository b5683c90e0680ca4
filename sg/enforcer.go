package sg

import (
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// Evaluate decides about a packet that passes the ENI in direction dir: exempt
// traffic first, then the packet's connection, then the rules (CT-02). A packet
// that is admitted and can be tracked opens a connection; one that is dropped
// leaves no trace. h must come from [packet.Decode] without error or be made by
// one of that package's constructors; see [Firewall.Refuse] for the others.
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
	e.decide(&d, dir, &passage{h, now, via})
	e.observed(dir, h, now, &d)
	return d
}

// A passage is a packet on its way. It goes by reference, because its words would
// be put down and taken up again at every call.
type passage struct {
	h   *packet.Header
	now time.Time
	via Via
}

// observed tells the observer of d.
func (e *Enforcer) observed(dir Direction, h *packet.Header, now time.Time, d *Decision) {
	if e != nil && e.f.opts.Observer != nil {
		e.f.opts.Observer.Observe(Event{e, dir, *h, now, *d})
	}
}

// decide writes the decision into *d, which is zero. A Decision that is handed on by
// value is copied whole right after its bytes were written one by one, and the
// processor waits for these.
func (e *Enforcer) decide(d *Decision, dir Direction, p *passage) {
	switch {
	case e == nil || e.eni == nil:
		d.Reason = NoInterface
	case dir != Ingress && dir != Egress:
		d.Reason = BadDirection
	case p.h.Family != packet.IPv4 && p.h.Family != packet.IPv6:
		d.Reason = Malformed
	default:
		e.judge(d, dir, p)
	}
}

// judge is decide for an ENI that is there and an IP packet with a direction.
func (e *Enforcer) judge(d *Decision, dir Direction, p *passage) {
	f, h := e.f, p.h
	if !f.opts.FilterExempt && e.eni.exempts(dir, h) {
		d.Verdict, d.Reason = Accept, Exempt
		return
	}
	if h.Fragment() {
		*d = e.fragment(dir, h, p.now, p.via)
		return
	}
	r := f.table.Track(e.zone, h, p.now)
	if r.Class == conntrack.Tracked {
		d.Verdict, d.Reason, d.Dir, d.State, d.Rule = Accept, Tracked, r.Dir, r.State, f.tags.rule(r.Tag)
		return
	}
	*d = e.untracked(dir, h, p.now, p.via, r)
}

// untracked decides about a packet without a connection of its own.
func (e *Enforcer) untracked(dir Direction, h *packet.Header, now time.Time, via Via, r conntrack.Result) Decision {
	f := e.f
	switch r.Class {
	case conntrack.Related:
		if f.opts.RelatedICMP {
			return Decision{Accept, Related, r.Dir, r.State, f.tags.rule(r.Tag)}
		}
	case conntrack.Invalid:
		switch {
		case r.Why == conntrack.WhyMissing:
			return Decision{Reason: Cut}
		case f.opts.Profile == conntrack.Linux && r.Why != conntrack.WhyNoSYN:
			return Decision{Reason: Invalid}
		}
	}

	m := f.w.match(e.eni, dir, h, via)
	rule := RuleRef{m.rule}
	switch {
	case m.rule == nil:
		return Decision{Reason: NoRule}
	case m.untracked && f.opts.Profile == conntrack.AWS:
		return Decision{Verdict: Accept, Reason: Untracked, Rule: rule}
	case r.Class == conntrack.New:
		return e.open(h, now, via, ruleAt{m.rule, m.number})
	case r.Class == conntrack.Invalid && h.Protocol == packet.TCP && f.opts.Midstream != MidstreamPass:
		return Decision{Reason: OutOfState, Rule: rule}
	}
	return Decision{Verdict: Accept, Reason: ByRule, Rule: rule}
}

// open opens a connection.
func (e *Enforcer) open(h *packet.Header, now time.Time, via Via, rule ruleAt) Decision {
	f := e.f
	tag := f.tags.tag(rule)
	if via&ViaTracked != 0 {
		tag |= tagViaTracked
	}
	if !f.table.Commit(e.zone, h, now, tag) {
		return Decision{Reason: TableFull, Rule: RuleRef{rule.ruleInfo}}
	}
	state := conntrack.Unreplied
	if h.Protocol == packet.TCP {
		state = conntrack.SynSent
		if h.TCPFlags&packet.SYN == 0 { // picked up
			state = conntrack.Established
		}
	}
	return Decision{Accept, ByRule, conntrack.Original, state, RuleRef{rule.ruleInfo}}
}

// fragment decides about a fragment. Later ones follow the first one of their
// datagram; where that is not known, only a rule for every port admits them
// (CTS-43, CT-61).
func (e *Enforcer) fragment(dir Direction, h *packet.Header, now time.Time, via Via) Decision {
	f := e.f
	switch {
	case h.FragOffset == 8 && h.Protocol == packet.TCP:
		// It would overwrite the flags of the first fragment (RFC 1858).
		return Decision{Reason: BadFragment}
	case !h.LaterFragment() && h.Captured == h.Length && h.Missing != 0:
		// The datagram was cut there, not the capture.
		f.table.CommitFragment(e.zone, h, now, false)
		return Decision{Reason: BadFragment}
	}
	r := f.table.Track(e.zone, h, now)
	switch {
	case r.Class == conntrack.Fragment && r.Known && r.Accepted:
		return Decision{Verdict: Accept, Reason: Tracked}
	case r.Class == conntrack.Fragment && r.Known:
		return Decision{Reason: BadFragment}
	case h.LaterFragment():
		m := f.w.match(e.eni, dir, h, via)
		if m.rule == nil {
			return Decision{Reason: BadFragment}
		}
		return Decision{Verdict: Accept, Reason: ByRule, Rule: RuleRef{m.rule}}
	}
	d := Decision{Accept, Tracked, r.Dir, r.State, f.tags.rule(r.Tag)}
	if r.Class != conntrack.Tracked {
		d = e.untracked(dir, h, now, via, r)
	}
	f.table.CommitFragment(e.zone, h, now, d.Verdict == Accept)
	return d
}
