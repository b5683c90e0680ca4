package sg

import (
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/match"
)

// A border is where a packet leaves a subnet, or enters it.
type border struct {
	subnet uint32
	dir    Direction
	side   *Enforcer // the ENI on the inner side; nil where none is known
}

// throughACLs is forward with network ACLs between the ends (NACL-22). A connection that
// the sender's groups open stays open even if an ACL then drops the packet. The
// receiver's groups do not see what an ACL drops (NACL-55).
func (e *ends) throughACLs(p *Packet, o *Outcome) {
	f := e.first.f
	src, dst := e.first, e.second
	if e.dir == Ingress {
		src, dst = nil, e.first
	}
	asked := p.Err == nil
	if src != nil {
		o.judge(src, Egress, p)
		if o.Verdict == Drop {
			return
		}
		asked = asked && o.Reason != Exempt // NACL-61
	} else {
		asked = asked && !f.exempted(Ingress, dst, p.Header)
	}
	if asked && !f.passes(p, src, dst, o) {
		return
	}
	if dst != nil {
		o.judge(dst, Ingress, p)
	}
}

// passes lets the ACLs on a packet's way decide, and reports whether it goes on. Nearly all
// packets are between ENIs in two ordinary subnets (NACL-52).
func (f *Firewall) passes(p *Packet, src, dst *Enforcer, o *Outcome) bool {
	if src == nil || dst == nil || p.Via.Through != "" {
		return f.passesAll(p, src, dst, o)
	}
	if src.subnet == dst.subnet {
		return true // NACL-51
	}
	a, v := f.w.acls, version(p.Header.Family)
	out, in := a.subnets[src.subnet].open[Egress-1][v], a.subnets[dst.subnet].open[Ingress-1][v]
	if out == nil || in == nil || f.opts.ACLFragments != ACLFragmentsL3 {
		return f.cross(&border{src.subnet, Egress, src}, p, o) && f.cross(&border{dst.subnet, Ingress, dst}, p, o)
	}
	// They are written behind the only hop there is, field by field, which is fastest.
	leaves, comes := &o.hops[1], &o.hops[2]
	leaves.Enforcer, leaves.Direction = src, Egress
	leaves.Decision.Verdict, leaves.Decision.Reason, leaves.Decision.Rule = Accept, ACLAllow, RuleRef{out}
	comes.Enforcer, comes.Direction = dst, Ingress
	comes.Decision.Verdict, comes.Decision.Reason, comes.Decision.Rule = Accept, ACLAllow, RuleRef{in}
	o.n = 3
	return true
}

// passesAll is passes for any packet.
func (f *Firewall) passesAll(p *Packet, src, dst *Enforcer, o *Outcome) bool {
	var borders [maxBorders]border
	for i := range f.borders(p, src, dst, &borders) {
		if !f.cross(&borders[i], p, o) {
			return false
		}
	}
	return true
}

// exempted reports whether network ACLs leave a packet alone, as the groups of the first
// ENI on its way do (NACL-61).
func (f *Firewall) exempted(dir Direction, first *Enforcer, h *packet.Header) bool {
	return !f.opts.FilterExempt && first.eni.exempts(dir, h)
}

// maxBorders is the most borders that a packet crosses: two, and that of a transit
// gateway's subnet.
const maxBorders = 3

// borders finds the borders that a packet crosses, in order: none within a subnet
// (NACL-51), else out of the sender's subnet and into the receiver's (NACL-52,
// NACL-53). It returns how many there are.
func (f *Firewall) borders(p *Packet, src, dst *Enforcer, to *[maxBorders]border) int {
	w, h := f.w, p.Header
	out, in := w.subnetOf(src, dst, h.Family, &h.Src), w.subnetOf(dst, src, h.Family, &h.Dst)
	if t := f.gateway(p.Via.Through); t != nil {
		vpc := w.vpcOf(t, t.subnet)
		leaves, comes := w.vpcOf(src, out) == vpc, w.vpcOf(dst, in) == vpc
		switch {
		case vpc == 0 || leaves == comes: // the packet does not go through the gateway
		case leaves: // NACL-57, NACL-58
			*to = [maxBorders]border{{out, Egress, src}, {t.subnet, Ingress, t}, {in, Ingress, dst}}
			return 3
		case t.subnet == in: // NACL-57
			to[0] = border{out, Egress, src}
			return 1
		default: // NACL-58
			*to = [maxBorders]border{{out, Egress, src}, {t.subnet, Egress, t}, {in, Ingress, dst}}
			return 3
		}
	}
	if out == in {
		return 0
	}
	to[0], to[1] = border{out, Egress, src}, border{in, Ingress, dst}
	return 2
}

// gateway returns the transit gateway attachment with an id; nil if the id is none.
func (f *Firewall) gateway(id ENIID) *Enforcer {
	if id == "" {
		return nil
	}
	if t := f.ENI(id); t != nil && t.eni.transit {
		return t
	}
	return nil
}

// subnetOf returns the subnet at one end of a packet: that of the ENI or, if no ENI has
// the address, that of the address as seen from the other end.
func (w *world) subnetOf(e, other *Enforcer, fam packet.Family, addr *[16]byte) uint32 {
	if e != nil {
		return e.subnet
	}
	return w.locate(fam, addr, w.vpcOf(other, other.subnet))
}

// vpcOf returns the VPC of an ENI in a subnet, or of the subnet where e is nil; 0 where
// not known.
func (w *world) vpcOf(e *Enforcer, subnet uint32) uint32 {
	if e != nil && e.eni.vpc != 0 {
		return e.eni.vpc
	}
	return w.acls.subnets[subnet].vpc
}

// of returns the ACL of a subnet, nil if it is not known.
func (a *acls) of(subnet uint32) *acl {
	if n := a.subnets[subnet].acl; n > 0 {
		return a.all[n-1]
	}
	return nil
}

// cross lets the ACL at a border decide, if it is known, and reports whether the
// packet goes on. An ACL that allows leaves verdict and reason to the groups.
func (f *Firewall) cross(b *border, p *Packet, o *Outcome) bool {
	h := p.Header
	acl := f.w.acls.of(b.subnet)
	if acl == nil || f.opts.ACLFragments == ACLFragmentsPass && h.LaterFragment() {
		return true
	}
	hop := &o.hops[o.n]
	o.n++
	hop.Enforcer, hop.Direction = b.side, b.dir
	d := &hop.Decision
	f.ask(d, acl, b, p)
	if d.Verdict == Drop || d.Verdict == Unknown && o.Verdict != Unknown {
		o.Verdict, o.Reason = d.Verdict, d.Reason
	}
	return d.Verdict != Drop
}

// ask decides about a packet at a border by the entries of its ACL.
func (f *Firewall) ask(d *Decision, a *acl, b *border, p *Packet) {
	h, l := p.Header, &a.lists[b.dir-1]
	r := l.find(h, remoteBytes(b.dir, h)) // NACL-41
	allow := r.allow
	switch {
	case !h.Fragment():
		if h.Missing != 0 && a.unsure(b.dir, r, h) {
			d.Verdict, d.Reason, d.Rule = Unknown, Cut, RuleRef{r}
			return
		}
	case f.fragments != nil:
		zone := conntrack.Zone(2*b.subnet + uint32(b.dir-1))
		if !h.LaterFragment() {
			f.fragments.CommitFragment(zone, h, p.Time, allow)
		} else if first := f.fragments.Track(zone, h, p.Time); first.Known() {
			r, allow = l.first, first.Accepted()
		}
	}
	d.Rule = RuleRef{r}
	if d.Verdict, d.Reason = Drop, ACLDeny; allow {
		d.Verdict, d.Reason = Accept, ACLAllow
	}
}

// unsure reports whether an entry before the one that matched might have decided
// otherwise if the capture held the packet's ports or type.
func (a *acl) unsure(dir Direction, found *ruleInfo, h *packet.Header) bool {
	k := match.KeyOf(h)
	if k.Told() {
		return false
	}
	for _, r := range a.rules[dir-1] {
		if r == found {
			break
		}
		if r.allow != found.allow && r.rule.keys().SameProtocol(k) && r.rule.Peer.CIDR.Contains(remoteAddr(dir, h)) {
			return true
		}
	}
	return false
}

// ownBorder lets the ACL of an ENI's subnet decide about a packet whose way is known to
// be through the ENI, and reports whether the packet goes on.
func (e *Enforcer) ownBorder(dir Direction, p *Packet, o *Outcome) bool {
	f, h := e.f, p.Header
	if p.Err != nil || f.exempted(dir, e, h) {
		return true
	}
	far := f.w.subnetAt(h.Family, remoteBytes(dir, h), f.w.vpcOf(e, e.subnet))
	return far == e.subnet || f.cross(&border{e.subnet, dir, e}, p, o)
}
