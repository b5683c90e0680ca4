package sg

import (
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// An Explanation says what a firewall would do with a packet now, and why: at
// one ENI, or along the packet's whole way. Its String is for people.
type Explanation struct {
	Header  packet.Header
	Time    time.Time
	Via     Via
	Verdict Verdict
	Reason  Reason

	// Hops are the ENIs that judge the packet, in order. A drop ends the way,
	// so that it is always the last hop that says why.
	Hops []HopExplanation

	// Notes say what there is to say where no ENI judges the packet, or where it is
	// not known which one does at an end.
	Notes []string
}

// A HopExplanation is what one ENI does with the packet, and why.
type HopExplanation struct {
	ENI       ENIID
	Direction Direction
	Decision  Decision
	Groups    []GroupID // of the ENI, in topology order

	// Conn is the live connection that the packet belongs to, or that it quotes
	// if it is an ICMP error; nil without one.
	Conn *ConnExplanation

	// Match is the rule that admits the packet now and what of its peer matched,
	// whether the rule was asked or a connection spoke first. Its Rule is zero
	// if there is none.
	Match Match

	// Near are the rules of the packet's direction that come nearest to
	// admitting it, nearest first, at most five. Empty where a rule admits.
	Near []NearRule

	// Hints are sentences for people: what may be meant, and what would help.
	Hints []string
}

// A ConnExplanation is a tracked connection as it stands before the packet.
type ConnExplanation struct {
	Tuple     packet.FiveTuple    // of the original direction
	Dir       conntrack.Direction // of the packet in it
	State     conntrack.State
	Remaining time.Duration // until it expires if nothing more comes
	Rule      RuleRef       // that admitted its first packet
	Quoted    bool          // the packet is an error about it and not of it
}

// A NearRule is a rule that does not admit the packet, with each field that
// failed.
type NearRule struct {
	Rule  RuleRef
	Fails []Fail
}

// A Fail is one field of a rule that the packet does not fit.
type Fail struct {
	Field string // "protocol", "port", "icmp type", "icmp code", "source", "destination"
	Want  string // the rule's
	Got   string // the packet's
	Why   string // more than that Want and Got differ, "sg-old is not in the topology" say
}

// Explain says what [Enforcer.Evaluate] would decide, and why. It changes
// nothing.
func (e *Enforcer) Explain(dir Direction, p Packet) *Explanation {
	x := &Explanation{Header: *p.Header, Time: p.Time, Via: p.Via}
	x.add(e.explain(dir, &p, nil))
	if e == nil || e.eni == nil {
		x.Hops, x.Notes = nil, []string{"the policy does not have this interface"}
	}
	return x
}

// Explain says what [Firewall.Forward] would decide, and why. It changes nothing.
func (f *Firewall) Explain(p Packet) *Explanation {
	h := p.Header
	x := &Explanation{Header: *h, Time: p.Time, Via: p.Via}
	e := f.between(&p)
	if e.first == nil {
		x.Verdict, x.Reason = e.verdict, e.reason
		if e.verdict == NotApplicable {
			x.Notes = f.notes(h, e.reason)
		}
		return x
	}
	if e.second == nil && (f.several(h.Family, &h.Src) || f.several(h.Family, &h.Dst)) {
		x.Notes = f.notes(h, Ambiguous)
	}
	x.add(e.first.explain(e.dir, &p, nil))
	if e.second == nil || x.Verdict == Drop {
		return x
	}
	var first *opening
	if d := x.Hops[0].Decision; d.Reason == ByRule && d.Dir == conntrack.Original {
		_, replaced := f.table.Peek(e.first.zone, h, p.Time)
		first = &opening{e.first, replaced}
	}
	x.add(e.second.explain(Ingress, &p, first))
	return x
}

// several reports whether an address belongs to more than one ENI.
func (f *Firewall) several(fam packet.Family, a *[16]byte) bool {
	_, all, _ := f.w.members.Lookup(fam, a)
	return all != nil
}

func (x *Explanation) add(hop HopExplanation) {
	x.Hops = append(x.Hops, hop)
	x.Verdict, x.Reason = hop.Decision.Verdict, hop.Decision.Reason
}

// notes says which addresses no ENI owns, and which are only public ones.
func (f *Firewall) notes(h *packet.Header, reason Reason) []string {
	switch reason {
	case SameInterface:
		return []string{"source and destination are the same interface: such packets never cross a security group"}
	case Ambiguous:
		return []string{"an address belongs to interfaces of several VPCs, and the other end does not tell which is meant"}
	}
	notes := []string{"neither end is a private address of an interface of the topology"}
	for _, a := range []netip.Addr{h.SrcAddr(), h.DstAddr()} {
		if id, ok := f.w.public[a]; ok {
			notes = append(notes, a.String()+" is a public address of "+string(id)+
				"; it is translated before security groups see the packet (REF-02)")
		}
	}
	return notes
}

// An opening is a connection that the packet has opened at the end before, by then,
// and the one that it replaced there, which is the zero Entry if there was none.
type opening struct {
	at       *Enforcer
	replaced conntrack.Entry
}

// explain explains one hop. first is nil where no connection was opened before.
func (e *Enforcer) explain(dir Direction, p *Packet, first *opening) HopExplanation {
	h, now, via := p.Header, p.Time, p.Via
	hop := HopExplanation{ENI: e.ID(), Direction: dir}
	switch {
	case e == nil || e.eni == nil:
		hop.Decision.Reason = NoInterface
		return hop
	case dir != Ingress && dir != Egress:
		hop.Decision.Reason = BadDirection
		return hop
	case h.Family != packet.IPv4 && h.Family != packet.IPv6:
		hop.Decision.Reason = Malformed
		return hop
	}
	r, conn := e.f.table.Peek(e.zone, h, now)
	hop.Decision = e.foresee(dir, h, now, via, r, conn, first)
	for _, g := range e.eni.groups() {
		hop.Groups = append(hop.Groups, e.f.w.groups[g].id)
	}
	if r.Class() == conntrack.Tracked || r.Class() == conntrack.Related {
		hop.Conn = &ConnExplanation{
			Tuple: conn.Tuple, Dir: r.Dir(), State: conn.State, Rule: e.f.tags.rule(conn.Tag),
			Remaining: min(conn.Expires.Sub(now), conn.Expires.Sub(e.f.table.Now())), Quoted: r.Class() == conntrack.Related,
		}
	}
	if hit := e.f.w.matchKnown(e.eni, dir, h, via); hit.rule != nil {
		hop.Match = e.f.w.matchOf(e.eni, hit, dir, h)
	} else if hop.Decision.Reason != Exempt {
		hop.Near = e.near(dir, h, via)
	}
	hop.Hints = e.hints(&hop, dir, h, via, r)
	return hop
}

// foresee returns the decision about a packet for which Peek gave r, without the
// effects of making it.
func (e *Enforcer) foresee(dir Direction, h *packet.Header, now time.Time, via Via, r conntrack.Result, conn conntrack.Entry, first *opening) Decision {
	f := e.f
	fragment := h.Fragment()
	rule := RuleRef{f.w.match(e.eni, dir, h, via).rule}
	switch {
	case !f.opts.FilterExempt && e.eni.exempts(dir, h):
		return Decision{Verdict: Accept, Reason: Exempt}
	case fragment && h.FragOffset == 8 && h.Protocol == packet.TCP:
		return Decision{Reason: BadFragment}
	case fragment && !h.LaterFragment() && h.Captured == h.Length && h.Missing != 0:
		return Decision{Reason: BadFragment}
	case r.Class() == conntrack.Tracked:
		return Decision{Accept, Tracked, r.Dir(), r.State(), f.tags.rule(r.Tag())}
	case r.Class() == conntrack.Fragment && r.Known() && r.Accepted():
		return Decision{Verdict: Accept, Reason: Tracked}
	case r.Class() == conntrack.Fragment && r.Known(), h.LaterFragment() && rule.IsZero():
		return Decision{Reason: BadFragment}
	case h.LaterFragment():
		return Decision{Verdict: Accept, Reason: ByRule, Rule: rule}
	case r.Class() == conntrack.Related && f.opts.RelatedICMP:
		return Decision{Accept, Related, r.Dir(), r.State(), f.tags.rule(r.Tag())}
	case r.Class() == conntrack.Invalid && r.Why() == conntrack.WhyMissing:
		return Decision{Reason: Cut}
	case r.Class() == conntrack.Invalid && f.opts.Profile == conntrack.Linux && r.Why() != conntrack.WhyNoSYN:
		return Decision{Reason: Invalid}
	case rule.IsZero():
		return Decision{Reason: NoRule}
	case f.opts.Profile == conntrack.AWS && f.w.match(e.eni, dir, h, via).untracked:
		return Decision{Verdict: Accept, Reason: Untracked, Rule: rule}
	case r.Class() == conntrack.New && e.full(now, conn, first):
		return Decision{Reason: TableFull, Rule: rule}
	case r.Class() == conntrack.New:
		return Decision{Accept, ByRule, conntrack.Original, opened(h), rule}
	case r.Class() == conntrack.Invalid && h.Protocol == packet.TCP && f.opts.Midstream != MidstreamPass:
		return Decision{Reason: OutOfState, Rule: rule}
	}
	return Decision{Verdict: Accept, Reason: ByRule, Rule: rule}
}

// full reports whether the table has no room for one more connection. Those that new
// ones replace do not count, here and at the end before; the one opened there does.
func (e *Enforcer) full(now time.Time, replaced conntrack.Entry, first *opening) bool {
	f := e.f
	gone, pending := []conntrack.Entry{replaced}, 0
	if first != nil {
		gone, pending = append(gone, first.replaced), 1
	}
	count := func(zones ...conntrack.Zone) (n int) {
		for c := range f.table.All(now, zones...) {
			if !slices.Contains(gone, c) {
				n++
			}
		}
		return n
	}
	if f.opts.MaxConnections > 0 && count()+pending >= f.opts.MaxConnections {
		return true
	}
	most := f.opts.InstanceMax[e.eni.instance]
	if most <= 0 {
		return false
	}
	var zones []conntrack.Zone
	for _, o := range f.enforcers {
		if o.eni.sharesMax(e.eni) {
			zones = append(zones, o.zone)
		}
	}
	if first != nil && !first.at.eni.sharesMax(e.eni) {
		pending = 0
	}
	return count(zones...)+pending >= most
}
