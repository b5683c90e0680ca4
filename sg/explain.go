package sg

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/conntrack"
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

	// Unanswered: the packet passes and may open a connection, but its answer would be
	// dropped, so that none comes about. The first of the Notes says where.
	Unanswered bool

	// Notes are sentences for people: why no ENI judges the packet, or which end has
	// no known one, what is wrong with a packet that has an Err, that a packet answers
	// one which is dropped, and that its own answer would be dropped.
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
	return e.explained(dir, p, func(o *Outcome, p *Packet) { o.judge(e, dir, p) })
}

// ExplainForward says what [Enforcer.Forward] would decide, and why: the network ACL of
// the ENI's subnet is asked as well. It changes nothing.
func (e *Enforcer) ExplainForward(dir Direction, p Packet) *Explanation {
	return e.explained(dir, p, func(o *Outcome, p *Packet) { *o = e.Forward(dir, *p) })
}

// explained explains what judge does with the packet at the ENI.
func (e *Enforcer) explained(dir Direction, p Packet, judge func(*Outcome, *Packet)) *Explanation {
	p.placed = true
	x := newExplanation(p)
	if e == nil || e.eni == nil {
		x.Reason, x.Notes = NoInterface, append(x.Notes, "the policy does not have this interface")
		return x
	}
	var o Outcome
	e.f.try(&p, func() { judge(&o, &p) }, e)
	x.Verdict, x.Reason = o.Verdict, o.Reason
	if dir == Ingress || dir == Egress {
		e.f.tryRequest(x, func(first Packet) Outcome { return e.Forward(dir.Opposite(), first) }, e)
	}
	for i := range o.Hops() {
		x.Hops = append(x.Hops, e.f.explain(x, &o.Hops()[i]))
	}
	x.noteRefused()
	e.f.noteThrough(x, e)
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
	h, alone := p.Header, e.second == nil
	if alone && (f.several(&p, &h.Src) || f.several(&p, &h.Dst)) {
		f.note(x, Ambiguous)
		alone = false
	}
	var o Outcome
	f.try(&p, func() { e.forward(&p, &o) }, e.first, e.second)
	x.Verdict, x.Reason = o.Verdict, o.Reason
	f.tryRequest(x, f.Forward, e.first, e.second)
	for i := range o.Hops() {
		x.Hops = append(x.Hops, f.explain(x, &o.Hops()[i]))
	}
	f.noteACLs(x, &e)
	f.tryAnswer(x, &e)
	if alone {
		f.noteAlone(x, &e)
	}
	if o.n > 0 && e.second != nil && (o.n == 1 || o.hops[o.n-1].Decision.Rule.ACL() != "") && o.Verdict == Drop && p.Err == nil && o.Reason != Malformed {
		beyond := Hop{Enforcer: e.second, Direction: Ingress}
		f.try(&p, func() { e.second.evaluate(&beyond.Decision, Ingress, &p) }, e.second)
		said := f.explain(x, &beyond)
		x.Beyond = &said
	}
	x.noteRefused()
	f.noteThrough(x, e.first, e.second)
	return x
}

// noteThrough notes that a packet is said to have come through one of its own ends, or
// through what makes no difference.
func (f *Firewall) noteThrough(x *Explanation, ends ...*Enforcer) {
	if i, ok := f.w.eniByID[x.Via.Through]; ok && !f.w.enis[i].transit && len(f.w.carried(&f.w.enis[i])) == 0 {
		x.Notes = append(x.Notes, fmt.Sprintf("%s, through which it is said to have come, carries no group, so no rule can name it", x.Via.Through))
	}
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

// several reports whether more than one ENI may be meant by an address of the packet.
func (f *Firewall) several(p *Packet, a *[16]byte) bool {
	return len(f.w.ownersIn(p.Via.VPC, f.w.members.Lookup(p.Header.Family, a))) > 1
}

// vpcsOf returns the VPCs whose interfaces have an address of the packet that several have,
// a few of them if they are many.
func (f *Firewall) vpcsOf(p *Packet) (vpcs []string) {
	const most = 4
	for _, a := range []*[16]byte{&p.Header.Src, &p.Header.Dst} {
		if !f.several(p, a) {
			continue
		}
		for _, o := range f.w.members.Lookup(p.Header.Family, a) {
			switch id := cmp.Or(string(f.w.enis[o].inVPC), "an unknown one"); {
			case slices.Contains(vpcs, id):
			case len(vpcs) == most:
				return append(vpcs, "...")
			default:
				vpcs = append(vpcs, id)
			}
		}
	}
	return vpcs
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
		x.Notes = append(x.Notes, fmt.Sprintf("an address belongs to interfaces of several VPCs (%s), and the other end does not tell which is meant: say vpc=ID",
			strings.Join(f.vpcsOf(&x.Packet), ", ")))
	case NoInterface:
		x.Notes = append(x.Notes, "neither end is a private address of an interface of the topology")
		if len(f.w.enis) == 0 {
			x.Notes = append(x.Notes, "the topology has no interfaces: describe-network-interfaces lists them")
		}
		f.notePublic(x, x.Header.SrcAddr())
		f.notePublic(x, x.Header.DstAddr())
	}
}

// notePublic notes that the source or destination is a public address of an ENI, if it is.
func (f *Firewall) notePublic(x *Explanation, a netip.Addr) (is bool) {
	id, is := f.w.public[a]
	if !is {
		return false
	}
	note, ask := a.String()+" is a public address of "+string(id), "about"
	if a == x.Header.SrcAddr() { // what comes in has the public address of its sender
		note, ask = note+", whose egress was not judged", "from"
	} else {
		note += "; it is translated before security groups see the packet (REF-02)"
	}
	if b := f.w.enis[f.w.eniByID[id]].addr4; b != 0 {
		note += fmt.Sprintf(": ask %s %s", ask, netip.AddrFrom4([4]byte{byte(b >> 24), byte(b >> 16), byte(b >> 8), byte(b)}))
	}
	x.Notes = append(x.Notes, note)
	return true
}

// noteAlone notes that only one end judged a packet that passes, although the other may
// be an interface as well.
func (f *Firewall) noteAlone(x *Explanation, e *ends) {
	if x.Verdict == Drop || x.Err != nil || len(x.Hops) == 0 || x.Reason == Exempt {
		return
	}
	other := x.Header.DstAddr()
	if e.dir == Ingress {
		other = x.Header.SrcAddr()
	}
	if !f.notePublic(x, other) && other.IsPrivate() {
		x.Notes = append(x.Notes, fmt.Sprintf("no interface of the topology has %s: only %s judged the packet", other, e.first.id))
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
