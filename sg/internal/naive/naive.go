// Package naive decides what security groups do, slowly and plainly: it walks the
// topology for every packet, rule by rule and address by address. It shares no
// code with package sg's matchers, so that the two can be held against each other.
// Connections are those of package conntrack, which has an oracle of its own.
package naive

import (
	"fmt"
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Firewall is a topology with a connection table.
type Firewall struct {
	topo  *sg.Topology
	opts  sg.Options
	table *conntrack.Table
	zones map[sg.ENIID]conntrack.Zone
	conns []opened // by tag
}

// An opened connection, as far as rules are concerned.
type opened struct {
	eni  sg.ENIID
	dir  sg.Direction
	rule string
	via  sg.Via
}

// A Decision says what sg.Decision says, with the rule as text.
type Decision struct {
	Verdict sg.Verdict
	Reason  sg.Reason
	Rule    string
}

func (d Decision) String() string { return fmt.Sprintf("%s %s %s", d.Verdict, d.Reason, d.Rule) }

// New returns a firewall for t, which the caller may change from then on; see
// [Firewall.Changed]. It knows the profile of AWS alone and of the ways to treat
// connections after a change the first two.
func New(t *sg.Topology, o sg.Options) (*Firewall, error) {
	table, err := conntrack.NewTable(conntrack.Config{Pickup: o.Midstream == sg.MidstreamPickup, MaxEntries: o.MaxConnections})
	if err != nil {
		return nil, err
	}
	f := &Firewall{topo: t, opts: o, table: table, zones: map[sg.ENIID]conntrack.Zone{}}
	for i := range t.ENIs {
		e := &t.ENIs[i]
		f.zones[e.ID] = conntrack.Zone(i + 1)
		to := e.Timeouts
		if e.NitroV6 && to.TCPEstablished == 0 {
			to.TCPEstablished = 350 * time.Second // CT-30
		}
		if err := table.SetTimeouts(f.zones[e.ID], to); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Changed tells that rules, groups of ENIs or prefix lists changed: live TCP and
// UDP connections whose flow is of the untracked class now end (CT-25).
func (f *Firewall) Changed(now time.Time) {
	if f.opts.OnChange == sg.ChangeKeep {
		return
	}
	f.table.DeleteFunc(now, func(c conntrack.Entry) bool {
		o := f.conns[c.Tag]
		p := c.Tuple.Protocol
		return o.via&sg.ViaTracked == 0 && (p == packet.TCP || p == packet.UDP) &&
			f.openBothWays(f.eni(o.eni), o.dir, c.Tuple.Family, p, int(c.Tuple.DstPort))
	})
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
	e := f.eni(id)
	if !f.opts.FilterExempt && exempt(f.topo, e, dir, h) {
		return Decision{sg.Accept, sg.Exempt, ""}
	}
	first := h.Fragment() && !h.LaterFragment()
	if h.Protocol == packet.TCP && h.FragOffset == 8 {
		return Decision{sg.Drop, sg.BadFragment, ""}
	}
	if first && h.Missing != 0 && h.Captured == h.Length {
		f.table.CommitFragment(f.zones[id], h, now, false)
		return Decision{sg.Drop, sg.BadFragment, ""}
	}
	d := f.decide(e, dir, via, h, now)
	if first {
		f.table.CommitFragment(f.zones[id], h, now, d.Verdict == sg.Accept)
	}
	return d
}

func (f *Firewall) decide(e *sg.ENI, dir sg.Direction, via sg.Via, h *packet.Header, now time.Time) Decision {
	r := f.table.Track(f.zones[e.ID], h, now)
	rule, admitted := f.match(e, dir, via, h)
	switch r.Class {
	case conntrack.Tracked:
		return Decision{sg.Accept, sg.Tracked, f.conns[r.Tag].rule}
	case conntrack.Related:
		if f.opts.RelatedICMP {
			return Decision{sg.Accept, sg.Related, f.conns[r.Tag].rule}
		}
	case conntrack.Fragment:
		switch {
		case r.Known && r.Accepted:
			return Decision{sg.Accept, sg.Tracked, ""}
		case r.Known || !admitted:
			return Decision{sg.Drop, sg.BadFragment, ""}
		}
		return Decision{sg.Accept, sg.ByRule, rule}
	case conntrack.Invalid:
		if r.Why == conntrack.WhyMissing {
			return Decision{sg.Drop, sg.Cut, ""}
		}
	}
	if !admitted {
		return Decision{sg.Drop, sg.NoRule, ""}
	}
	if via&sg.ViaTracked == 0 && f.untracked(e, dir, h) {
		return Decision{sg.Accept, sg.Untracked, rule}
	}
	if r.Class == conntrack.New {
		f.conns = append(f.conns, opened{e.ID, dir, rule, via})
		if !f.table.Commit(f.zones[e.ID], h, now, uint32(len(f.conns)-1)) {
			return Decision{sg.Drop, sg.TableFull, rule}
		}
		return Decision{sg.Accept, sg.ByRule, rule}
	}
	if h.Protocol == packet.TCP && f.opts.Midstream != sg.MidstreamPass {
		return Decision{sg.Drop, sg.OutOfState, rule} // CT-41
	}
	return Decision{sg.Accept, sg.ByRule, rule}
}

// Forward decides about a packet at both ends (SG-06). The addresses of ENIs must
// be distinct. The first drop is the last decision.
func (f *Firewall) Forward(via sg.Via, h *packet.Header, now time.Time) []Decision {
	var src, dst *sg.ENI
	for i := range f.topo.ENIs {
		e := &f.topo.ENIs[i]
		if owns(e, h.SrcAddr()) {
			src = e
		}
		if owns(e, h.DstAddr()) {
			dst = e
		}
	}
	if src == dst { // both missing, or one interface
		return nil
	}
	var ds []Decision
	if src != nil {
		ds = append(ds, f.Evaluate(src.ID, sg.Egress, via, h, now))
		if ds[0].Verdict == sg.Drop {
			return ds
		}
	}
	if dst != nil {
		ds = append(ds, f.Evaluate(dst.ID, sg.Ingress, via, h, now))
	}
	return ds
}

// match returns the first rule in topology order that admits the packet (SG-02,
// SG-03).
func (f *Firewall) match(e *sg.ENI, dir sg.Direction, via sg.Via, h *packet.Header) (string, bool) {
	for i := range f.topo.Groups {
		g := &f.topo.Groups[i]
		if !slices.Contains(e.Groups, g.ID) {
			continue
		}
		for n, r := range rulesOf(g, dir) {
			if covers(&r, h) && f.peerHas(e, g, &r, dir, via, h) {
				return name(g, dir, n, &r), true
			}
		}
	}
	return "", false
}

func rulesOf(g *sg.Group, dir sg.Direction) []sg.Rule {
	if dir == sg.Ingress {
		return g.Ingress
	}
	return g.Egress
}

func name(g *sg.Group, dir sg.Direction, n int, r *sg.Rule) string {
	if r.ID != "" {
		return fmt.Sprintf("%s %s", g.ID, r.ID)
	}
	return fmt.Sprintf("%s %s[%d]", g.ID, dir, n)
}

// untracked reports whether the packet is of an untracked flow, in its first
// direction (CT-10) or as an answer (CT-18). A bare SYN answers nothing.
func (f *Firewall) untracked(e *sg.ENI, dir sg.Direction, h *packet.Header) bool {
	if h.Protocol != packet.TCP && h.Protocol != packet.UDP || h.LaterFragment() {
		return false
	}
	bareSYN := h.Protocol == packet.TCP && h.TCPFlags&packet.SYN != 0 && h.TCPFlags&packet.ACK == 0
	return f.openBothWays(e, dir, h.Family, h.Protocol, int(h.DstPort)) ||
		!bareSYN && f.openBothWays(e, other(dir), h.Family, h.Protocol, int(h.SrcPort))
}

// openBothWays reports whether a flow that is opened in direction dir to a port is
// open to every address, and all ports are the other way (CT-10 to CT-12, CT-15 to
// CT-17).
func (f *Firewall) openBothWays(e *sg.ENI, dir sg.Direction, fam packet.Family, p packet.Protocol, port int) bool {
	every := "0.0.0.0/0"
	if fam == packet.IPv6 {
		every = "::/0"
	}
	has := func(dir sg.Direction, first, last int) bool {
		for i := range f.topo.Groups {
			g := &f.topo.Groups[i]
			if !slices.Contains(e.Groups, g.ID) {
				continue
			}
			for _, r := range rulesOf(g, dir) {
				if !r.Peer.CIDR.IsValid() || r.Peer.CIDR.Masked().String() != every {
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
	return has(dir, port, port) && has(other(dir), 0, 65535)
}

func other(dir sg.Direction) sg.Direction {
	if dir == sg.Ingress {
		return sg.Egress
	}
	return sg.Ingress
}
