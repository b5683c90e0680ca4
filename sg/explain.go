package sg

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// An Explanation says what a firewall would do with a packet now, and why: at
// one ENI, or along the packet's whole way. Its String is for people.
type Explanation struct {
	Packet  // with a Header of its own
	Verdict Verdict
	Reason  Reason

	// Hops are the ENIs and network ACLs that judge the packet, in order. A drop ends the
	// path, so the last hop says why.
	Hops []HopExplanation

	// Beyond is what the receiver's ENI would do with a packet that an ENI or network
	// ACL before it drops; nil if there is none. It does not affect the verdict, but
	// tells whether only the rules of one end are missing.
	Beyond *HopExplanation

	// Notes are sentences for people: why no ENI judges the packet, or which end has
	// no known one, what is wrong with a packet that has an Err, and that a packet
	// answers one which is dropped.
	Notes []string

	// refused says where the packet that this one would answer is dropped; "" if it is not.
	refused string
}

// A HopExplanation is what one ENI does with the packet, or one network ACL, and why.
type HopExplanation struct {
	Hop

	// Passed are a network ACL's entries of the packet's IP version before the one that
	// decided, in order, each with what failed. Of the fields below, an ACL has only Near
	// and Hints. Near are then allow entries; those behind a deny entry that matches may
	// have no failed field.
	Passed []NearRule

	Groups []GroupID // of the ENI, in topology order; then those that the topology lacks

	// Conn is the live connection that the packet belongs to, or that it quotes
	// if it is an ICMP error; nil without one.
	Conn *ConnExplanation

	// Match is the rule that admits the packet now and the part of its peer that
	// matched, even if a connection decided before any rule was asked. Its Rule
	// is zero if there is none.
	Match Match

	// Near are the rules of the packet's direction that come nearest to admitting
	// it, nearest first, at most five. It is empty if a rule admits the packet.
	Near []NearRule

	// Hints are sentences for people: what may have been meant, and what would help.
	Hints []string
}

// A ConnExplanation is a tracked connection as it stands before the packet.
type ConnExplanation struct {
	Conn
	Dir       conntrack.Direction // of the packet in the connection
	Remaining time.Duration       // until it expires if nothing more comes
	Quoted    bool                // the packet is an ICMP error about the connection, not part of it
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
	Why   string // the cause beyond the difference, such as "sg-old is not in the topology"
}

// Explain says what [Enforcer.Evaluate] would decide, and why. It changes
// nothing.
func (e *Enforcer) Explain(dir Direction, p Packet) *Explanation {
	p.placed = true
	x := newExplanation(p)
	if e == nil || e.eni == nil {
		x.Reason, x.Notes = NoInterface, append(x.Notes, "the policy does not have this interface")
		return x
	}
	hop := Hop{Enforcer: e, Direction: dir}
	e.f.try(&p, func() { e.evaluate(&hop.Decision, dir, &p) }, e)
	x.Verdict, x.Reason = hop.Decision.Verdict, hop.Decision.Reason
	if dir == Ingress || dir == Egress {
		e.f.tryRequest(x, func(first Packet) Outcome { return e.Forward(dir.Opposite(), first) }, e)
	}
	x.Hops = append(x.Hops, e.f.explain(x, &hop))
	x.noteRefused()
	x.noteThrough(e)
	return x
}

// Explain says what [Firewall.Forward] would decide, and why. It changes nothing.
func (f *Firewall) Explain(p Packet) *Explanation {
	x := newExplanation(p)
	var e ends
	f.between(&p, &e)
	if e.first == nil {
		x.Verdict, x.Reason = NotApplicable, e.reason
		f.note(x, e.reason)
		return x
	}
	if h := p.Header; e.second == nil && (f.several(h.Family, &h.Src) || f.several(h.Family, &h.Dst)) {
		f.note(x, Ambiguous)
	}
	var o Outcome
	f.try(&p, func() { e.forward(&p, &o) }, e.first, e.second)
	x.Verdict, x.Reason = o.Verdict, o.Reason
	f.tryRequest(x, f.Forward, e.first, e.second)
	for i := range o.Hops() {
		x.Hops = append(x.Hops, f.explain(x, &o.Hops()[i]))
	}
	f.noteACLs(x, &e)
	if o.n > 0 && e.second != nil && (o.n == 1 || o.hops[o.n-1].Decision.Rule.ACL() != "") && o.Verdict == Drop && p.Err == nil && o.Reason != Malformed {
		beyond := Hop{Enforcer: e.second, Direction: Ingress}
		f.try(&p, func() { e.second.evaluate(&beyond.Decision, Ingress, &p) }, e.second)
		said := f.explain(x, &beyond)
		x.Beyond = &said
	}
	x.noteRefused()
	x.noteThrough(e.first, e.second)
	return x
}

// tryRequest finds out whether the packet that a dropped one would answer is dropped too.
// forward lets it pass, at some of the given ENIs.
func (f *Firewall) tryRequest(x *Explanation, forward func(Packet) Outcome, at ...*Enforcer) {
	if x.Verdict != Drop || x.Err != nil {
		return
	}
	first, ok := requestOf(x.Header)
	if !ok {
		return
	}
	p := Packet{Header: &first, Time: x.Time, Via: x.Via}
	var o Outcome
	f.try(&p, func() { o = forward(p) }, at...)
	if hops := o.Hops(); o.Verdict == Drop && len(hops) > 0 {
		last := hops[len(hops)-1]
		x.refused = fmt.Sprintf("%s %s, %s", last.Place(), last.Direction, o.Reason)
	}
}

// requestOf returns the packet that opens the connection on which h would be an answer;
// false if h can be none.
func requestOf(h *packet.Header) (packet.Header, bool) {
	back := h.Tuple().Reverse()
	if h.Fragment() || h.Missing&(packet.MissingPorts|packet.MissingICMP) != 0 || back == h.Tuple() ||
		isICMP(h) && !packet.IsQuery(h.Protocol, uint8(back.DstPort>>8)) {
		return packet.Header{}, false
	}
	first := header(&back)
	if h.Protocol == packet.TCP {
		first.TCPFlags = packet.SYN
	}
	return first, true
}

func isICMP(h *packet.Header) bool { return h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6 }

// isAnswer reports whether a packet shows by its header that it answers another, as
// requestOf returns it.
func isAnswer(h *packet.Header) bool {
	const answer = packet.SYN | packet.ACK
	return isICMP(h) || h.Protocol == packet.TCP && h.TCPFlags&answer == answer
}

// noteRefused notes that a packet answers one that is dropped: no host ever sends it.
func (x *Explanation) noteRefused() {
	if x.refused == "" || !isAnswer(x.Header) {
		return
	}
	first := "a request"
	if x.Header.Protocol == packet.TCP {
		first = "a SYN"
	}
	x.Notes = append(x.Notes, fmt.Sprintf("it answers %s that is dropped at %s: no host sends it", first, x.refused))
}

// noteThrough notes that a packet is said to have come through one of its own ends.
func (x *Explanation) noteThrough(ends ...*Enforcer) {
	for _, e := range ends {
		if e != nil && x.Via.Through != "" && e.ID() == x.Via.Through {
			x.Notes = append(x.Notes, fmt.Sprintf("it is said to have come through %s, which is an end of its path: "+
				"meant is the load balancer or Instance Connect Endpoint in between", e.ID()))
		}
	}
}

func newExplanation(p Packet) *Explanation {
	h := *p.Header
	p.Header = &h
	x := &Explanation{Packet: p}
	if p.Err != nil {
		x.Notes = []string{p.Err.Error()}
	}
	return x
}

// try calls judge, which judges the packet at the given ENIs, nil ones left out, and
// leaves no trace of it: connections are opened and changed in a fork of the table,
// and no observer is told. A rule may get its tag too early, which shows nowhere.
func (f *Firewall) try(p *Packet, judge func(), at ...*Enforcer) {
	var zones []conntrack.Zone
	for _, e := range at {
		if e != nil {
			zones = append(zones, e.zone)
		}
	}
	table, fragments, observer := f.table, f.fragments, f.opts.Observer
	defer func() { f.table, f.fragments, f.opts.Observer = table, fragments, observer }()
	f.table, f.opts.Observer = table.Fork(p.Header, p.Time, zones...), nil
	if fragments != nil {
		f.fragments = fragments.Clone()
	}
	judge()
}

// several reports whether an address belongs to more than one ENI.
func (f *Firewall) several(fam packet.Family, a *[16]byte) bool {
	return len(f.w.members.Lookup(fam, a)) > 1
}

// note says why no ENI judges the packet, or which addresses are only public ones.
func (f *Firewall) note(x *Explanation, reason Reason) {
	switch reason {
	case SameInterface:
		x.Notes = append(x.Notes, "source and destination are the same interface: such packets never cross a security group")
		if x.Header.Src == x.Header.Dst {
			// Network Load Balancers guide, "Troubleshoot", read 2026-11.
			x.Notes = append(x.Notes, "a target that reaches itself through a load balancer which keeps client addresses gets no answer on AWS (hairpin), whatever the groups are: turn client IP preservation off")
		}
	case Ambiguous:
		x.Notes = append(x.Notes, "an address belongs to interfaces of several VPCs, and the other end does not tell which is meant")
	case NoInterface:
		x.Notes = append(x.Notes, "neither end is a private address of an interface of the topology")
		for _, a := range []netip.Addr{x.Header.SrcAddr(), x.Header.DstAddr()} {
			if id, ok := f.w.public[a]; ok {
				x.Notes = append(x.Notes, a.String()+" is a public address of "+string(id)+
					"; it is translated before security groups see the packet (REF-02)")
			}
		}
	}
}

// explain says what is behind a decision about a packet, if rules, entries and
// connections could be asked about it. Connections are as they were before the
// packet.
func (f *Firewall) explain(x *Explanation, hop *Hop) HopExplanation {
	said := HopExplanation{Hop: *hop}
	switch r := hop.Decision.Reason; {
	case hop.Decision.Rule.ACL() != "":
		f.w.explainACL(x, &said)
	case x.Err == nil && r != Malformed && r != BadDirection:
		hop.Enforcer.explain(&said, x)
	}
	return said
}

// explain is the part of explain for an ENI.
func (e *Enforcer) explain(hop *HopExplanation, x *Explanation) {
	f, p, h := e.f, &x.Packet, x.Header
	hop.Groups = f.w.carried(e.eni)
	r, c := f.table.Peek(e.zone, h, p.Time)
	if r.Class() == conntrack.Tracked || r.Class() == conntrack.Related {
		hop.Conn = &ConnExplanation{
			Conn: f.conn(c), Dir: r.Dir(), Quoted: r.Class() == conntrack.Related,
			Remaining: min(c.Expires.Sub(p.Time), c.Expires.Sub(f.table.Now())),
		}
	}
	if hit := f.w.match(e.eni, hop.Direction, h, p.Via); hit.rule != nil && hit.unknown == NoReason {
		hop.Match = f.w.matchOf(e.eni, hit, hop.Direction, h, p.Via)
	} else if why := hop.Decision.Reason; why != Exempt && why != Unfiltered {
		hop.Near = e.Near(hop.Direction, *p)
	}
	e.hints(hop, x, r)
}
