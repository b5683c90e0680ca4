package sg

import (
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/member"
)

// An Outcome is what happens to a packet on its whole path. It is comparable; the
// zero Outcome is a drop.
type Outcome struct {
	Verdict Verdict
	Reason  Reason // of the hop that dropped the packet, else of the first whose verdict is unknown, else of the last ENI

	n    uint8
	hops [2 + maxBorders]Hop
}

// A Hop is one ENI or network ACL on a packet's path. For an ACL, Decision.Rule is one
// of its entries, Enforcer is the ENI on that side of the subnet's border, nil if none
// is known there, and Direction is that of the ACL's list.
type Hop struct {
	Enforcer  *Enforcer
	Direction Direction
	Decision  Decision
}

// Hops returns the ENIs and network ACLs that judged the packet, in order. The slice
// points into o.
func (o *Outcome) Hops() []Hop { return o.hops[:o.n] }

// judge lets the next ENI decide, and stores its decision as the next hop.
func (o *Outcome) judge(e *Enforcer, dir Direction, p *Packet) {
	hop := &o.hops[o.n]
	o.n++
	hop.Enforcer, hop.Direction = e, dir
	e.evaluate(&hop.Decision, dir, p)
	// Both are loaded one at a time, as they were stored: a single load of the two would
	// wait until the stores have reached the cache, 6 of 123 ns.
	v, why := hop.Decision.Verdict, hop.Decision.Reason
	if o.Verdict != Unknown || v == Drop {
		o.Verdict, o.Reason = v, why
	}
}

// Forward judges a packet at both its ends: egress of the ENI that owns the
// source address, then ingress of the one that owns the destination, each with
// its own connections (SG-06). The first drop ends the path. If the second end
// drops, the first one still remembers what it admitted; if the first one drops,
// the second never sees the packet. An end that no ENI owns lets everything pass.
//
// If the policy has network ACLs, those of the subnets that the packet leaves and enters
// decide between the two ENIs (NACL-22). At an end that no ENI owns, a subnet whose CIDR
// holds the address counts. ACLs are not asked about exempt traffic, nor within a
// subnet. If Via.Through names a transit gateway attachment, they judge as AWS says for
// packets that leave or enter the VPC through it (NACL-57, NACL-58).
//
// Addresses are private ones. An address that exists in several VPCs is taken to be
// in the VPC of the other end, or in a VPC peered with it. If that leaves a choice,
// the other end judges alone. Packets that no ENI judges, and those between two
// addresses of one ENI, are not applicable.
//
// A packet with an Err is dropped at the first ENI on its path, or at none if not
// even its addresses could be read.
func (f *Firewall) Forward(p Packet) (o Outcome) {
	var e ends
	f.between(&p, &e)
	if e.second != nil && p.Header.Family == packet.IPv4 { // IPv6 packets gain only in batches
		f.table.Prefetch(e.second.zone, p.Header) // while the first end waits for its own memory
	}
	e.forward(&p, &o)
	return o
}

// An ahead holds what is known of the next packets before the first of them is
// forwarded: enough packets to wait for memory together, and few enough for the
// nearest cache.
type ahead struct {
	ends    [32]ends
	outcome Outcome
}

// ForwardBatch forwards packets in order, as [Firewall.Forward] does. After each one,
// before the next, it calls judged with its index and outcome. The outcome is valid
// only during that call, and judged must not forward packets. With a large connection
// table or many ENIs, this takes half the time, because look-ups wait for memory
// together.
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

// Forward is [Firewall.Forward] for a packet known to pass only this ENI, in direction
// dir, whatever its addresses say: the ENI's groups and the network ACL of its subnet
// judge. If the policy lacks the ENI, the packet is not applicable.
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
	first, second *Enforcer // in the order in which they judge; nil if there is none
	dir           Direction // at first; at second, which there is only after an Egress, it is Ingress
	reason        Reason    // why no ENI judges; else NoReason
}

// set makes e the ends of a packet from src to dst, one of which may be nil. It does
// not branch: which one is nil depends on the packet's direction, which no branch
// predictor can guess.
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

// noENI makes e the ends of a packet that no ENI judges.
func (e *ends) noENI(why Reason) { *e = ends{reason: why} }

// forward is Forward between e, into a zero Outcome.
func (e *ends) forward(p *Packet, o *Outcome) {
	if e.first == nil {
		o.Verdict, o.Reason = NotApplicable, e.reason
		return
	}
	if e.first.f.w.acls != nil {
		e.throughACLs(p, o)
		return
	}
	o.judge(e.first, e.dir, p)
	if e.second != nil && o.Verdict != Drop {
		o.judge(e.second, Ingress, p)
	}
}

// between finds the ENIs at both ends of a packet; one of them may be missing. It
// writes into *e for the same reason as evaluate.
func (f *Firewall) between(p *Packet, e *ends) {
	h := p.Header
	if p.Err != nil {
		if v, r := refusal(p.Err); v == NotApplicable || h.Length == 0 { // no address was readable
			e.noENI(r)
			return
		}
	}
	if h.Family != packet.IPv4 && h.Family != packet.IPv6 {
		e.noENI(Malformed)
		return
	}
	m := f.w.members
	s, d := m.Sole(h.Family, &h.Src), m.Sole(h.Family, &h.Dst)
	if s == member.Several || d == member.Several {
		vpc := p.Via.VPC
		if s, d = f.choose(f.w.ownersIn(vpc, m.Lookup(h.Family, &h.Src)), f.w.ownersIn(vpc, m.Lookup(h.Family, &h.Dst))); s|d == 0 {
			e.noENI(Ambiguous)
			return
		}
	}
	switch {
	case s|d == 0:
		e.noENI(NoInterface)
	case s == d:
		e.noENI(SameInterface)
	default:
		e.set(f.owners[s], f.owners[d])
	}
}

// ownersIn returns the one of several owners of an address that is in the VPC; all if none is,
// or the VPC is not said. There is at most one: Compile refuses more.
func (w *world) ownersIn(id VPCID, owners []uint32) []uint32 {
	n, known := w.reach.Find(string(id))
	for i, o := range owners {
		if known && w.enis[o].vpc == n {
			return owners[i : i+1]
		}
	}
	return owners
}

// choose decides which ENIs are meant, by their numbers plus one, if an address has
// several owners: the only pair within one VPC, else the only pair in peered VPCs. If
// there is no such pair, an end with several owners gets 0, no ENI. Its time grows
// with the owners, not with the pairs of them.
func (f *Firewall) choose(allS, allD []uint32) (s, d uint32) {
	if len(allS) > 0 && len(allD) > 0 {
		if s, d = f.pair(allS, allD); s != 0 {
			return s, d
		}
	}
	if len(allS) == 1 {
		s = allS[0] + 1
	}
	if len(allD) == 1 {
		d = allD[0] + 1
	}
	return s, d
}

// pair is choose for a pair; 0 if there is none, or several.
func (f *Firewall) pair(allS, allD []uint32) (s, d uint32) {
	w := f.w
	if n := w.reach.Len(); len(f.inVPC) < n {
		f.inVPC = make([]uint32, n)
	}
	for _, j := range allD { // at most one in each VPC; Compile refuses more
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
	return 0, 0
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
