// Package naive decides what security groups do, slowly and plainly: it walks the
// topology for every packet, rule by rule and address by address, and counts
// connections one by one where there is a maximum. It shares no code with package
// sg's matchers, so that the two can be held against each other.
//
// What a packet does to a connection is the one thing that it does not decide by
// itself. It asks package conntrack, as package sg does; that package is held
// against a model of its own and against the Linux kernel. An error there would be
// in both and would not show here.
package naive

import (
	"fmt"
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// A Firewall is a topology with a connection table.
type Firewall struct {
	topo  *sg.Topology
	opts  sg.Options
	table *conntrack.Table
	zones map[sg.ENIID]conntrack.Zone
	conns []opened // by tag

	fragments []remembered // first ones, by network ACLs, where later ones follow them
}

// An opened connection, as far as rules are concerned.
type opened struct {
	eni  sg.ENIID
	dir  sg.Direction
	rule Rule

	tracked bool // the path was one on which AWS tracks everything

	unknown sg.Reason // why it is not known whether its first packet was admitted
}

// A Rule names a rule as sg.RuleRef does, or an entry of a network ACL. The zero Rule
// names none.
type Rule struct {
	Group sg.GroupID
	Dir   sg.Direction
	Index int
	Entry string // "acl-1 egress 100", and nothing else then
}

// A Decision says what sg.Decision says, connections left out.
type Decision struct {
	Verdict sg.Verdict
	Reason  sg.Reason
	Rule    Rule
}

func (d Decision) String() string {
	s := fmt.Sprintf("%s %s", d.Verdict, d.Reason)
	if d.Rule.Entry != "" {
		s += " " + d.Rule.Entry
	} else if d.Rule != (Rule{}) {
		s += fmt.Sprintf(" %s %s[%d]", d.Rule.Group, d.Rule.Dir, d.Rule.Index)
	}
	return s
}

// New returns a firewall for t, which the caller may change from then on; see
// [Firewall.Changed].
func New(t *sg.Topology, o sg.Options) (*Firewall, error) {
	table, err := conntrack.NewTable(conntrack.Config{Profile: o.Profile, Pickup: o.Midstream == sg.MidstreamPickup})
	if err != nil {
		return nil, err
	}
	f := &Firewall{topo: t, opts: o, table: table, zones: map[sg.ENIID]conntrack.Zone{}}
	return f, f.configure()
}

// configure tells the table the timeouts of every ENI.
func (f *Firewall) configure() error {
	for i := range f.topo.ENIs {
		e := &f.topo.ENIs[i]
		if _, known := f.zones[e.ID]; !known {
			f.zones[e.ID] = conntrack.Zone(len(f.zones) + 1)
		}
		to := e.Timeouts
		if e.NitroV6 && to.TCPEstablished == 0 {
			to.TCPEstablished = 350 * time.Second // CT-30
		}
		if err := f.table.SetTimeouts(f.zones[e.ID], to); err != nil {
			return err
		}
	}
	return nil
}

// A Change is what of a topology changed, which matters where connections are
// flushed. The zero Change is everything.
type Change struct {
	ENI   sg.ENIID        // its groups
	Group sg.GroupID      // its rules
	List  sg.PrefixListID // its entries

	Nothing bool // that connections depend on: network ACLs, or what was so before
}

// Changed tells that the topology changed, and ends connections as the options say.
func (f *Firewall) Changed(c Change, now time.Time) error {
	if c.Nothing {
		return nil
	}
	if c == (Change{}) {
		f.fragments = nil
	}
	f.table.DeleteFunc(now, func(conn conntrack.Entry) bool {
		o := f.conns[conn.Tag]
		e := f.eni(o.eni)
		if e == nil {
			return true
		}
		if o.rule == (Rule{}) && f.opts.OnChange != sg.ChangeFlush {
			return false
		}
		switch f.opts.OnChange {
		case sg.ChangeAWS: // CT-20, CT-25
			p := conn.Tuple.Protocol
			return f.opts.Profile == conntrack.AWS && !o.tracked && (p == packet.TCP || p == packet.UDP) &&
				f.openBothWays(e, o.dir, conn.Tuple.Family, p, int(conn.Tuple.DstPort)) && !f.alwaysTracks(e, o.dir, first(conn.Tuple))
		case sg.ChangeRevalidate:
			if f.eni(c.ENI) == nil && !f.touches(c, e) { // a member's groups matter everywhere
				return false
			}
			h := first(conn.Tuple)
			rule, why := f.match(e, o.dir, sg.Via{}, &h)
			return rule == (Rule{}) && why == sg.NoReason
		case sg.ChangeFlush:
			return f.touches(c, e)
		}
		return false
	})
	return f.configure()
}

// first returns the first packet of a connection, as far as rules look at it.
func first(t packet.FiveTuple) packet.Header {
	h := packet.Header{Family: t.Family, Protocol: t.Protocol, Src: t.Src, Dst: t.Dst}
	if t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6 {
		h.ICMPType, h.ICMPCode, h.ICMPID = t.ICMP()
	} else {
		h.SrcPort, h.DstPort = t.SrcPort, t.DstPort
	}
	return h
}

// touches reports whether a change is one of the ENI's groups, of the rules of one
// of them, or of the entries of a list that such a rule names.
func (f *Firewall) touches(c Change, e *sg.ENI) bool {
	if c == (Change{}) || c.ENI == e.ID || slices.Contains(e.Groups, c.Group) {
		return true
	}
	for _, g := range f.topo.Groups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			if slices.Contains(e.Groups, g.ID) && c.List != "" && r.Peer.PrefixList == c.List {
				return true
			}
		}
	}
	return false
}

func (f *Firewall) eni(id sg.ENIID) *sg.ENI {
	for i := range f.topo.ENIs {
		if f.topo.ENIs[i].ID == id {
			return &f.topo.ENIs[i]
		}
	}
	return nil
}

// Evaluate decides about a packet at one ENI, in the order of CT-02.
func (f *Firewall) Evaluate(id sg.ENIID, dir sg.Direction, via sg.Via, h *packet.Header, now time.Time) Decision {
	return f.evaluate(id, dir, via, h, now, true)
}

// evaluate is Evaluate; placed says that the packet was put at the ENI without regard to
// its addresses.
func (f *Firewall) evaluate(id sg.ENIID, dir sg.Direction, via sg.Via, h *packet.Header, now time.Time, placed bool) Decision {
	e := f.eni(id)
	unfiltered := len(e.Groups) == 0 && (e.RequesterManaged || e.Type == "nat_gateway" || e.Type == "network_load_balancer" || e.Type == "transit_gateway")
	if !f.opts.FilterExempt && exempt(f.topo, e, dir, h) {
		if placed && !unfiltered && f.foreign(e, dir, h) {
			return Decision{sg.Drop, sg.SourceDest, Rule{}}
		}
		return Decision{sg.Accept, sg.Exempt, Rule{}}
	}
	if unfiltered {
		return Decision{sg.Accept, sg.Unfiltered, Rule{}}
	}
	first := h.Fragment() && !h.LaterFragment()
	if h.Protocol == packet.TCP && h.FragOffset == 8 {
		return Decision{sg.Drop, sg.BadFragment, Rule{}}
	}
	if first && h.Missing != 0 && h.Captured == h.Length {
		f.table.CommitFragment(f.zones[id], h, now, false)
		return Decision{sg.Drop, sg.BadFragment, Rule{}}
	}
	d := f.decide(e, dir, via, h, now, placed && f.foreign(e, dir, h))
	if first && d.Verdict != sg.Unknown {
		f.table.CommitFragment(f.zones[id], h, now, d.Verdict == sg.Accept)
	}
	return d
}

// foreign reports whether a packet leaves with the address of another interface, or
// comes in for one, where that is not passed on.
func (f *Firewall) foreign(e *sg.ENI, dir sg.Direction, h *packet.Header) bool {
	a := h.SrcAddr()
	if dir == sg.Ingress {
		a = h.DstAddr()
	}
	return !e.NoSourceDestCheck && len(e.Addrs) > 0 && !owns(e, a) && len(f.owners(a)) > 0
}

func (f *Firewall) decide(e *sg.ENI, dir sg.Direction, via sg.Via, h *packet.Header, now time.Time, foreign bool) Decision {
	linux := f.opts.Profile == conntrack.Linux
	r := f.table.Track(f.zones[e.ID], h, now)
	connected := func(why sg.Reason) Decision {
		c := f.conns[r.Tag()]
		if c.unknown != sg.NoReason {
			return Decision{sg.Unknown, c.unknown, c.rule}
		}
		return Decision{sg.Accept, why, c.rule}
	}
	if r.Class() == conntrack.Tracked {
		return connected(sg.Tracked)
	}
	if r.Class() == conntrack.Fragment && r.Known() {
		if r.Accepted() {
			return Decision{sg.Accept, sg.Tracked, Rule{}}
		}
		return Decision{sg.Drop, sg.BadFragment, Rule{}}
	}
	if foreign {
		return Decision{sg.Drop, sg.SourceDest, Rule{}}
	}
	if r.Class() == conntrack.Related && f.opts.RelatedICMP {
		return connected(sg.Related)
	}
	invalid := r.Class() == conntrack.Invalid
	cut := invalid && r.Why() == conntrack.WhyMissing
	if invalid && !cut && linux && r.Why() != conntrack.WhyNoSYN { // CTS-15
		return Decision{sg.Drop, sg.Invalid, Rule{}}
	}
	rule, why := f.match(e, dir, via, h)
	admitted := rule != (Rule{}) && why == sg.NoReason
	if cut {
		flagsOnly := h.Protocol == packet.TCP && h.Missing&packet.MissingPorts == 0
		switch {
		case admitted && !flagsOnly:
			return Decision{sg.Accept, sg.ByRule, rule}
		case admitted && !linux && !f.tracks(via) && f.untracked(e, dir, h):
			return Decision{sg.Accept, sg.Untracked, rule}
		case !admitted && why == sg.NoReason && flagsOnly:
			asked := *h // what it may be an answer to
			asked.Src, asked.Dst, asked.SrcPort, asked.DstPort = h.Dst, h.Src, h.DstPort, h.SrcPort
			if by, maybe := f.match(e, dir.Opposite(), via, &asked); by == (Rule{}) && maybe == sg.NoReason {
				return Decision{sg.Drop, sg.NoRule, Rule{}}
			}
		}
		return Decision{sg.Unknown, sg.Cut, Rule{}}
	}
	switch {
	case r.Class() == conntrack.Fragment && why == sg.NoReason && !admitted:
		return Decision{sg.Drop, sg.BadFragment, Rule{}}
	case why == sg.NoReason && !admitted:
		return Decision{sg.Drop, sg.NoRule, Rule{}}
	case admitted && !linux && !f.tracks(via) && f.untracked(e, dir, h):
		return Decision{sg.Accept, sg.Untracked, rule}
	case r.Class() == conntrack.New:
		if !f.open(e, opened{e.ID, dir, rule, f.tracks(via), why}, h, now) {
			return Decision{sg.Drop, sg.TableFull, rule}
		}
	case admitted && invalid && h.Protocol == packet.TCP && f.opts.Midstream != sg.MidstreamPass:
		return Decision{sg.Drop, sg.OutOfState, rule} // CT-41
	}
	if !admitted {
		return Decision{sg.Unknown, why, rule}
	}
	return Decision{sg.Accept, sg.ByRule, rule}
}

// tracks reports whether AWS tracks all flows on a path (CT-14).
func (f *Firewall) tracks(via sg.Via) bool {
	through := f.eni(via.Through)
	return via.Tracked || through != nil && alwaysTracked(through)
}

// open opens a connection where there is room for it (CT-63). One that the same
// packet ends makes room.
func (f *Firewall) open(e *sg.ENI, o opened, h *packet.Header, now time.Time) bool {
	_, old := f.table.Peek(f.zones[e.ID], h, now)
	all, together := 0, 0
	for c := range f.table.All(now) {
		if c == old {
			continue
		}
		all++
		owner := f.eni(f.conns[c.Tag].eni)
		if owner.ID == e.ID || owner.Instance != "" && owner.Instance == e.Instance {
			together++
		}
	}
	most := f.opts.InstanceMax[e.Instance]
	if f.opts.MaxConnections > 0 && all >= f.opts.MaxConnections || most > 0 && together >= most {
		// Package conntrack ends the closed connection all the same. That shows only
		// where there are more than the maximum, since an interface joined others.
		f.table.DeleteFunc(now, func(c conntrack.Entry) bool { return c == old })
		return false
	}
	f.conns = append(f.conns, o)
	return f.table.Commit(f.zones[e.ID], h, now, uint32(len(f.conns)-1))
}

// Forward decides about a packet at both ends (SG-06), and at the borders of subnets
// between them (NACL-22). The first drop is the last decision.
func (f *Firewall) Forward(via sg.Via, h *packet.Header, now time.Time) []Decision {
	src, dst := f.ends(h, via.VPC)
	if src == dst { // both missing, or one interface
		return nil
	}
	var ds []Decision
	if src != nil {
		ds = append(ds, f.evaluate(src.ID, sg.Egress, via, h, now, false))
		if ds[0].Verdict == sg.Drop {
			return ds
		}
	}
	if ds = append(ds, f.cross(src, dst, via, h, now)...); len(ds) > 0 && ds[len(ds)-1].Verdict == sg.Drop {
		return ds
	}
	if dst != nil {
		ds = append(ds, f.evaluate(dst.ID, sg.Ingress, via, h, now, false))
	}
	return ds
}

// match returns the first rule in topology order that admits the packet (SG-02,
// SG-03). Where there is none, but one may be there, it says why, and which rule it is
// about if any.
func (f *Firewall) match(e *sg.ENI, dir sg.Direction, via sg.Via, h *packet.Header) (Rule, sg.Reason) {
	var maybe, list Rule
	for i := range f.topo.Groups {
		g := &f.topo.Groups[i]
		if !slices.Contains(e.Groups, g.ID) {
			continue
		}
		for n, r := range *topotext.RulesOf(g, dir) {
			if !covers(&r, h) {
				continue
			}
			switch f.peerHas(e, g, &r, dir, via, h) {
			case yes:
				return Rule{Group: g.ID, Dir: dir, Index: n}, sg.NoReason
			case maybeMember:
				if maybe == (Rule{}) {
					maybe = Rule{Group: g.ID, Dir: dir, Index: n}
				}
			case maybeEntry:
				if list == (Rule{}) {
					list = Rule{Group: g.ID, Dir: dir, Index: n}
				}
			}
		}
	}
	switch {
	case maybe != (Rule{}):
		return maybe, sg.UnknownReference
	case list != (Rule{}):
		return list, sg.MissingList
	}
	for _, id := range e.Groups {
		if !slices.ContainsFunc(f.topo.Groups, func(g sg.Group) bool { return g.ID == id && !g.Incomplete }) {
			return Rule{}, sg.MissingGroup
		}
	}
	return Rule{}, sg.NoReason
}

// untracked reports whether the packet is of an untracked flow, in its first
// direction (CT-10) or as an answer (CT-18). A bare SYN answers nothing.
func (f *Firewall) untracked(e *sg.ENI, dir sg.Direction, h *packet.Header) bool {
	if h.Protocol != packet.TCP && h.Protocol != packet.UDP || h.LaterFragment() {
		return false
	}
	bareSYN := h.Protocol == packet.TCP && h.TCPFlags&packet.SYN != 0 && h.TCPFlags&packet.ACK == 0
	return !f.alwaysTracks(e, dir, *h) && (f.openBothWays(e, dir, h.Family, h.Protocol, int(h.DstPort)) ||
		!bareSYN && f.openBothWays(e, dir.Opposite(), h.Family, h.Protocol, int(h.SrcPort)))
}

// alwaysTracks reports whether one of the packet's ends belongs to an interface of a type
// whose flows AWS tracks (CT-14).
func (f *Firewall) alwaysTracks(e *sg.ENI, dir sg.Direction, h packet.Header) bool {
	remote := h.SrcAddr()
	if dir == sg.Egress {
		remote = h.DstAddr()
	}
	for i := range f.topo.ENIs {
		o := &f.topo.ENIs[i]
		if alwaysTracked(o) && (o.VPC == e.VPC || o.VPC == "" || e.VPC == "") && owns(o, remote) {
			return true
		}
	}
	return alwaysTracked(e)
}

// openBothWays reports whether a flow that is opened in direction dir to a port is
// open to every address, and all ports are the other way (CT-10 to CT-12, CT-15 to
// CT-17).
func (f *Firewall) openBothWays(e *sg.ENI, dir sg.Direction, fam packet.Family, p packet.Protocol, port int) bool {
	every := sg.AnyIPv4.CIDR
	if fam == packet.IPv6 {
		every = sg.AnyIPv6.CIDR
	}
	has := func(dir sg.Direction, first, last int) bool {
		for i := range f.topo.Groups {
			g := &f.topo.Groups[i]
			if !slices.Contains(e.Groups, g.ID) {
				continue
			}
			for _, r := range *topotext.RulesOf(g, dir) {
				if !r.Peer.CIDR.IsValid() || r.Peer.CIDR.Masked() != every {
					continue
				}
				if r.Protocol == sg.AllProtocols ||
					r.Protocol == sg.Protocol(p) && r.Ports.First() <= first && last <= r.Ports.Last() {
					return true
				}
			}
		}
		return false
	}
	return has(dir, port, port) && has(dir.Opposite(), 0, 65535)
}

// alwaysTracked reports whether the interface is of a type all of whose flows AWS tracks
// (CT-14).
func alwaysTracked(e *sg.ENI) bool {
	switch e.Type {
	case "lambda", "network_load_balancer", "natGateway", "nat_gateway", "vpc_endpoint", "global_accelerator_managed":
		return true
	}
	return false
}
