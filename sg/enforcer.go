package sg

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// Evaluate decides about a packet that passes the ENI in direction dir: exempt traffic
// first, then the packet's connection, then the rules (CT-02). A packet with the
// address of another ENI is neither exempt nor put to the rules (SG-12). A packet that
// is admitted and can be tracked opens a connection; one that is dropped leaves no
// trace, but see [conntrack.Linux]. Evaluate does not ask network ACLs;
// [Firewall.Forward] does.
//
// It cannot fail and does not allocate.
func (e *Enforcer) Evaluate(dir Direction, p Packet) (d Decision) {
	p.placed = true
	e.evaluate(&d, dir, &p)
	return d
}

// evaluate writes into *d, which is zero. A Decision returned by value would be
// copied whole right after its bytes were written one by one, and the processor would
// wait for those writes. Packets go by reference within the package for the same
// reason.
func (e *Enforcer) evaluate(d *Decision, dir Direction, p *Packet) {
	switch h := p.Header; {
	case e == nil:
		d.Reason = NoInterface
		return
	case e.eni == nil:
		d.Reason = NoInterface
	case dir != Ingress && dir != Egress:
		d.Reason = BadDirection
	case p.Err != nil:
		d.Verdict, d.Reason = refusal(p.Err)
	case h.Family != packet.IPv4 && h.Family != packet.IPv6:
		d.Reason = Malformed
	default:
		e.judge(d, dir, p)
	}
	if o := e.f.opts.Observer; o != nil {
		// The time is built anew: taken from p, it would put the header on the heap.
		at := time.Unix(p.Time.Unix(), int64(p.Time.Nanosecond())).UTC()
		o.Observe(Event{e, dir, *p.Header, at, *d})
	}
}

// judge decides about an IP packet.
func (e *Enforcer) judge(d *Decision, dir Direction, p *Packet) {
	f, h := e.f, p.Header
	if !f.opts.FilterExempt && e.eni.exempts(dir, h) {
		if p.placed && !e.eni.unfiltered && e.foreign(dir, h) { // exempt from groups, and not from the check (SG-12)
			d.Reason = SourceDest
			return
		}
		d.Verdict, d.Reason = Accept, Exempt
		return
	}
	if e.eni.unfiltered {
		d.Verdict, d.Reason = Accept, Unfiltered
		return
	}
	if h.Fragment() {
		e.fragment(d, dir, p)
		return
	}
	if r := f.table.Track(e.zone, h, p.Time); r.Class() == conntrack.Tracked {
		e.connected(d, Tracked, r)
	} else {
		e.untracked(d, dir, p, r)
	}
}

// connected admits a packet because of a connection.
func (e *Enforcer) connected(d *Decision, why Reason, r conntrack.Result) {
	d.Verdict, d.Reason, d.Dir, d.State, d.Rule = Accept, why, r.Dir(), r.State(), e.f.tags.rule(r.Tag())
	if why := unknown(r.Tag()); why != NoReason {
		d.Verdict, d.Reason = Unknown, why
	}
}

// untracked decides about a packet without a connection of its own.
func (e *Enforcer) untracked(d *Decision, dir Direction, p *Packet, r conntrack.Result) {
	f, h := e.f, p.Header
	if p.placed && e.foreign(dir, h) {
		d.Reason = SourceDest
		return
	}
	cut := false
	switch r.Class() {
	case conntrack.Related:
		if f.opts.RelatedICMP {
			e.connected(d, Related, r)
			return
		}
	case conntrack.Invalid:
		cut = r.Why() == conntrack.WhyMissing
		if !cut && f.opts.Profile == conntrack.Linux && r.Why() != conntrack.WhyNoSYN {
			d.Reason = Invalid
			return
		}
	}

	m := f.w.match(e.eni, dir, h, p.Via)
	d.Rule = RuleRef{m.rule}
	switch {
	case cut:
		e.cut(d, dir, p, m)
	case m.unknown != NoReason:
		if r.Class() == conntrack.New {
			e.open(d, p, m)
		} else {
			d.Verdict, d.Reason = Unknown, m.unknown
		}
	case m.rule == nil:
		d.Reason = NoRule
	case m.untracked && f.opts.Profile == conntrack.AWS:
		d.Verdict, d.Reason = Accept, Untracked
	case r.Class() == conntrack.New:
		e.open(d, p, m)
	case r.Class() == conntrack.Invalid && h.Protocol == packet.TCP && f.opts.Midstream != MidstreamPass:
		d.Reason = OutOfState
	default:
		d.Verdict, d.Reason = Accept, ByRule
	}
}

// cut decides about a packet whose capture lacks what the connection table needs.
// Rules may need less: a rule for all ports admits it whatever is missing, and so does
// any without the TCP flags where no connection is kept. If only the flags are missing,
// none admits it if no rule covers its port, and none admits the connection that it may
// answer.
func (e *Enforcer) cut(d *Decision, dir Direction, p *Packet, m hit) {
	h := p.Header
	flags := h.Protocol == packet.TCP && h.Missing&packet.MissingPorts == 0
	switch admitted := m.rule != nil && m.unknown == NoReason; {
	case admitted && m.untracked && e.f.opts.Profile == conntrack.AWS:
		d.Verdict, d.Reason = Accept, Untracked // CT-42
	case admitted && !flags:
		d.Verdict, d.Reason = Accept, ByRule
	case !admitted && flags && m.unknown == NoReason && !e.answers(dir, h, p.Via):
		d.Reason = NoRule
	default:
		d.Verdict, d.Reason, d.Rule = Unknown, Cut, RuleRef{}
	}
}

// answers reports whether rules may admit a connection that the TCP segment answers.
func (e *Enforcer) answers(dir Direction, h *packet.Header, via Via) bool {
	back := h.Tuple().Reverse()
	first := header(&back)
	m := e.f.w.match(e.eni, dir.Opposite(), &first, via)
	return m.rule != nil || m.unknown != NoReason
}

// foreign reports whether the ENI drops the packet because it leaves from, or comes in
// for, an address of another ENI. An address that no ENI has may just be unknown.
func (e *Enforcer) foreign(dir Direction, h *packet.Header) bool {
	own := &h.Src
	if dir == Ingress {
		own = &h.Dst
	}
	a4, v6 := binary.BigEndian.Uint32(own[12:]), h.Family == packet.IPv6
	if !v6 && a4 == e.addr4 && a4 != 0 || v6 && *own == e.addr6 && *own != [16]byte{} {
		return false // without a look at all addresses
	}
	all := e.f.w.members.Lookup(h.Family, own)
	return len(all) > 0 && e.eni.checked && !slices.ContainsFunc(all, func(n uint32) bool { return &e.f.w.enis[n] == e.eni })
}

// open opens a connection. It also opens one whose admission is unknown, so that the
// verdicts of its later packets are unknown too.
func (e *Enforcer) open(d *Decision, p *Packet, m hit) {
	tag := e.f.tags.tag(m.rule)
	if e.f.w.tracks(p.Via) {
		tag |= tagViaTracked
	}
	if m.unknown != NoReason {
		tag |= uint32(m.unknown-Cut) << tagUnknown
	}
	if !e.f.table.Commit(e.zone, p.Header, p.Time, tag) {
		d.Reason = TableFull
		return
	}
	d.Verdict, d.Reason, d.Dir, d.State = Accept, ByRule, conntrack.Original, opened(p.Header)
	if m.unknown != NoReason {
		d.Verdict, d.Reason = Unknown, m.unknown
	}
}

// opened returns the state of a connection that h opens.
func opened(h *packet.Header) conntrack.State {
	switch {
	case h.Protocol != packet.TCP:
		return conntrack.Unreplied
	case h.TCPFlags&packet.SYN == 0:
		return conntrack.Established // picked up
	}
	return conntrack.SynSent
}

// fragment decides about a fragment. Later fragments follow the first one of
// their datagram; if that is not known, only a rule for every port admits them
// (CTS-43, CT-61).
func (e *Enforcer) fragment(d *Decision, dir Direction, p *Packet) {
	f, h := e.f, p.Header
	switch {
	case h.FragOffset == 8 && h.Protocol == packet.TCP:
		// It would overwrite the flags of the first fragment (RFC 1858).
		d.Reason = BadFragment
		return
	case !h.LaterFragment() && h.Captured == h.Length && h.Missing != 0:
		// The datagram was cut there, not the capture.
		f.table.CommitFragment(e.zone, h, p.Time, false)
		d.Reason = BadFragment
		return
	}
	r := f.table.Track(e.zone, h, p.Time)
	switch {
	case r.Class() == conntrack.Fragment && r.Known() && r.Accepted():
		d.Verdict, d.Reason = Accept, Tracked
		return
	case r.Class() == conntrack.Fragment && r.Known():
		d.Reason = BadFragment
		return
	case h.LaterFragment():
		switch m := f.w.match(e.eni, dir, h, p.Via); {
		case p.placed && e.foreign(dir, h):
			d.Reason = SourceDest
		case m.unknown != NoReason:
			d.Verdict, d.Reason, d.Rule = Unknown, m.unknown, RuleRef{m.rule}
		case m.rule != nil:
			d.Verdict, d.Reason, d.Rule = Accept, ByRule, RuleRef{m.rule}
		default:
			d.Reason = BadFragment
		}
		return
	case r.Class() == conntrack.Tracked:
		e.connected(d, Tracked, r)
	default:
		e.untracked(d, dir, p, r)
	}
	if d.Verdict != Unknown {
		f.table.CommitFragment(e.zone, h, p.Time, d.Verdict == Accept)
	}
}
