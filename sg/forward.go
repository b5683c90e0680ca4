package sg

import (
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/member"
)

// An Outcome is what becomes of a packet on its whole way. It is comparable; the
// zero Outcome is a drop.
type Outcome struct {
	Verdict Verdict
	Reason  Reason // of the hop that dropped the packet, else of the first that does not know, else of the last ENI

	n    uint8
	hops [2 + maxBorders]Hop
}

// A Hop is one ENI on a packet's way, or one network ACL: then Decision.Rule is one of
// its entries, and Enforcer the ENI on that side of the subnet's border, nil where no
// ENI is known there. Direction is that of the ACL's list.
type Hop struct {
	Enforcer  *Enforcer
	Direction Direction
	Decision  Decision
}

// Hops returns the ENIs and network ACLs that judged the packet, in the order in which
// they did. The slice points into o.
func (o *Outcome) Hops() []Hop { return o.hops[:o.n] }

// judge lets the next ENI decide, into its place.
func (o *Outcome) judge(e *Enforcer, dir Direction, p *Packet) {
	hop := &o.hops[o.n]
	o.n++
	hop.Enforcer, hop.Direction = e, dir
	e.evaluate(&hop.Decision, dir, p)
	if o.Verdict != Unknown || hop.Decision.Verdict == Drop {
		o.Verdict, o.Reason = hop.Decision.Verdict, hop.Decision.Reason
	}
}

// Forward judges a packet at both its ends: egress of the ENI that owns the
// source address, then ingress of the one that owns the destination, each with
// its own connections (SG-06). The first drop ends the walk; the second ENI has
// not seen such a packet then, while the first one remembers what it admitted.
// An end that no ENI owns lets everything pass.
//
// Where the policy has network ACLs, those of the subnets that the packet leaves and
// enters decide between the two (NACL-22), and at an end that no ENI owns as well where
// a subnet's CIDR holds the address. They are not asked about exempt traffic, nor within
// a subnet. Where Via.Through names a transit gateway attachment, they judge as AWS says
// of packets that leave the VPC or come through it (NACL-57, NACL-58).
//
// Addresses are private ones; an address that exists in several VPCs is the one
// in the VPC of the other end, or in a VPC that is peered with it. Where that does
// not tell, the other end judges alone. Packets that no ENI judges, and those between
// two addresses of one ENI, are not applicable.
//
// A packet with an Err is dropped at the first ENI on its way, or at none where not
// even its addresses could be read.
func (f *Firewall) Forward(p Packet) (o Outcome) {
	var e ends
	f.between(&p, &e)
	if e.second != nil && p.Header.Family == packet.IPv4 { // IPv6 packets gain in batches only
		f.table.Prefetch(e.second.zone, p.Header) // while the first end waits for its own
	}
	e.forward(&p, &o)
	return o
}

// An ahead holds what is known of packets before the first of them is forwarded. They
// are enough to wait for memory together, and few enough for the nearest cache.
type ahead struct {
	ends    [32]ends
	outcome Outcome
}

// ForwardBatch forwards packets in order, as [Firewall.Forward] does, and calls judged
// with the index of each and what becomes of it before the next one is forwarded. The
// outcome is that of this call alone. Look-ups in a large connection table, or for many
// ENIs, wait for memory together, which takes half the time. judged must not forward
// packets.
func (f *Firewall) ForwardBatch(packets []Packet, judged func(i int, o *Outcome)) {
	if f.ahead == nil {
		f.ahead = &ahead{}
	}
	a := f.ahead
	for i := 0; i < len(packets); i += len(a.ends) {
		some := packets[i:min(i+len(a.ends), len(packets))]
		for j := range some {
			e, h := &a.ends[j], some[j].Header
			f.between(&some[j], e)
			if e.first != nil {
				f.table.Prefetch(e.first.zone, h)
			}
			if e.second != nil {
				f.table.Prefetch(e.second.zone, h)
			}
		}
		for j := range some {
			a.outcome = Outcome{}
			a.ends[j].forward(&some[j], &a.outcome)
			judged(i+j, &a.outcome)
		}
	}
}

// Forward is [Firewall.Forward] for a packet whose way is known to be through
// this ENI alone, in direction dir, whatever its addresses say: the ENI's groups and the
// network ACL of its subnet judge. At an ENI that the policy lacks it is not applicable.
func (e *Enforcer) Forward(dir Direction, p Packet) (o Outcome) {
	if e == nil || e.eni == nil {
		return Outcome{Verdict: NotApplicable, Reason: NoInterface}
	}
	if p.Err != nil {
		if v, r := refusal(p.Err); v == NotApplicable {
			return Outcome{Verdict: v, Reason: r}
		}
	}
	p.placed = true
	acls := e.f.w.acls != nil
	if acls && dir == Ingress && !e.ownBorder(dir, &p, &o) {
		return o
	}
	o.judge(e, dir, &p)
	if acls && dir == Egress && o.Verdict != Drop {
		e.ownBorder(dir, &p, &o)
	}
	return o
}

// ends are the ENIs at both ends of a packet.
type ends struct {
	first, second *Enforcer // in the order in which they judge; nil where there is none
	dir           Direction // at first; at second, which there is only after an Egress, it is Ingress
	reason        Reason    // why nobody judges; else NoReason
}

// set makes e the ends of a packet from src to dst, one of which may be nil. It does
// not branch: which of them is depends on the packet's direction, which nobody can
// predict.
func (e *ends) set(src, dst *Enforcer) {
	first, second, dir := src, dst, Egress
	if src == nil {
		first = dst
	}
	if src == nil {
		second = nil
	}
	if src == nil {
		dir = Ingress
	}
	e.first, e.second, e.dir = first, second, dir
}

// nobody makes e the ends of a packet that no ENI judges.
func (e *ends) nobody(why Reason) { *e = ends{reason: why} }

// forward is Forward between e, into a zero Outcome.
func (e *ends) forward(p *Packet, o *Outcome) {
	if e.first == nil {
		o.Verdict, o.Reason = NotApplicable, e.reason
		return
	}
	if e.first.f.w.acls != nil {
		e.across(p, o)
		return
	}
	o.judge(e.first, e.dir, p)
	if e.second != nil && o.Verdict != Drop {
		o.judge(e.second, Ingress, p)
	}
}

// between finds the ENIs at both ends of a packet; one of them may be missing. It
// writes into *e for the reason that evaluate gives.
func (f *Firewall) between(p *Packet, e *ends) {
	h := p.Header
	if p.Err != nil {
		if v, r := refusal(p.Err); v == NotApplicable || h.Length == 0 { // no address was readable
			e.nobody(r)
			return
		}
	}
	if h.Family != packet.IPv4 && h.Family != packet.IPv6 {
		e.nobody(Malformed)
		return
	}
	m := f.w.members
	s, d := m.Sole(h.Family, &h.Src), m.Sole(h.Family, &h.Dst)
	if s == member.Several || d == member.Several {
		if s, d = f.choose(m.Lookup(h.Family, &h.Src), m.Lookup(h.Family, &h.Dst)); s|d == 0 {
			e.nobody(Ambiguous)
			return
		}
	}
	switch {
	case s|d == 0:
		e.nobody(NoInterface)
	case s == d:
		e.nobody(SameInterface)
	default:
		e.set(f.owners[s], f.owners[d])
	}
}

// choose settles which ENIs are meant, by their numbers plus one, where an address has
// several owners: the only pair within one VPC, else the only pair in VPCs that are
// peered. Without any, an end with several owners has none, which is 0. It takes time
// for each owner, not for each pair of them.
func (f *Firewall) choose(allS, allD []uint32) (s, d uint32) {
	if len(allS) == 0 || len(allD) == 0 {
		return 0, 0
	}
	w := f.w
	if n := w.reach.Len(); len(f.inVPC) < n {
		f.inVPC = make([]uint32, n)
	}
	for _, j := range allD { // one in each VPC, as Compile saw to
		f.inVPC[w.enis[j].vpc] = j + 1
	}
	from, to, n := f.within(allS)
	if n == 0 {
		from, to, n = f.peered(allS, allD)
	}
	for _, j := range allD {
		f.inVPC[w.enis[j].vpc] = 0
	}
	if n == 1 {
		return from + 1, to + 1
	}
	if len(allS) == 1 {
		s = allS[0] + 1
	}
	if len(allD) == 1 {
		d = allD[0] + 1
	}
	return s, d
}

// within returns a pair of owners in one VPC, and how many there are, at most two.
func (f *Firewall) within(allS []uint32) (from, to uint32, n int) {
	for _, i := range allS {
		if j := f.inVPC[f.w.enis[i].vpc]; j != 0 && n < 2 {
			from, to, n = i, j-1, n+1
		}
	}
	return from, to, n
}

// peered returns a pair of owners in VPCs that are peered, and how many there are, at
// most two.
func (f *Firewall) peered(allS, allD []uint32) (from, to uint32, n int) {
	w := f.w
	for _, i := range allS {
		vpc := w.enis[i].vpc
		peers := w.reach.Peers(vpc)
		if len(peers) <= len(allD) {
			for _, v := range peers {
				if j := f.inVPC[v]; j != 0 {
					from, to, n = i, j-1, n+1
				}
			}
		} else {
			for _, j := range allD {
				if w.reach.Peered(vpc, w.enis[j].vpc) {
					from, to, n = i, j, n+1
				}
			}
		}
		if n > 1 {
			return from, to, 2
		}
	}
	return from, to, n
}
