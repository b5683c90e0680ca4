package sg

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/match"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// A matcher holds the rules of one list of groups, which it takes for one set (SG-03).
// It belongs to one world.
type matcher struct {
	tables [2]match.Table // by Direction-1
	every  [2]bool        // whether rules name every address of a family
	open   [2]flowSet     // which flows have all their ports open to everybody
	rules  [2][]*ruleInfo // by their index in tables: in topology order
	unsure [2][]*ruleInfo // that name lists of which entries are not known

	groups []*group      // that the rules are those of
	epoch  atomic.Uint64 // of the world when these were looked at last
}

// matcher returns the matcher for an ENI, compiled when it is first wanted: of a large
// policy most never are. A change of rules makes new groups; matchers of other groups
// stay.
func (w *world) matcher(n *eni) *matcher {
	if m := n.fast.Load(); m != nil && m.epoch.Load() == w.epoch {
		return m
	}
	m := w.refresh(n.set)
	n.fast.Store(m)
	return m
}

// refresh is the slow part of matcher. Goroutines that share the world may do it
// several times over, with the same result.
func (w *world) refresh(s *groupSet) *matcher {
	m := s.matcher.Load()
	if m != nil && m.epoch.Load() == w.epoch {
		return m
	}
	if m == nil || !slices.EqualFunc(m.groups, s.numbers, func(g *group, n uint32) bool { return g == w.groups[n] }) {
		m = &matcher{groups: make([]*group, len(s.numbers))}
		for i, n := range s.numbers {
			m.groups[i] = w.groups[n]
		}
		for d := range m.tables {
			m.compile(d)
		}
	}
	m.epoch.Store(w.epoch)
	s.matcher.Store(m)
	return m
}

func (m *matcher) compile(d int) {
	n := 0
	for _, g := range m.groups {
		n += len(g.rules[d])
	}
	rules := make([]match.Rule, 0, n)
	m.rules[d] = make([]*ruleInfo, 0, n)
	for _, g := range m.groups {
		for _, r := range g.rules[d] {
			if r.unsure {
				m.unsure[d] = append(m.unsure[d], r)
			}
			if r.kind == peerNothing {
				continue
			}
			rules = append(rules, match.Rule{Peer: r.peer, Range: r.rule.keys()})
			m.rules[d] = append(m.rules[d], r)
			m.open[d] |= r.opens()
			m.every[d] = m.every[d] || r.peer == everyIPv4 || r.peer == everyIPv6
		}
	}
	m.tables[d] = match.New(rules)
}

// keys returns what the rule covers but for its peer.
func (r *Rule) keys() match.Range {
	typ, code := -1, -1
	if r.ICMP.set {
		typ, code = r.ICMP.Type(), r.ICMP.Code()
	}
	return match.Covered(int(r.Protocol), r.Ports.First(), r.Ports.Last(), typ, code)
}

// covers reports whether the rule covers the packet but for its peer.
func (r *ruleInfo) covers(h *packet.Header) bool { return r.rule.keys().Has(match.KeyOf(h)) }

// A hit is what match found. The zero hit is no rule.
type hit struct {
	rule      *ruleInfo // that admits the packet or, where unknown says so, may
	untracked bool
	unknown   Reason // why it is not known whether a rule admits the packet; else NoReason
}

// match finds the first rule in topology order that admits the packet at the ENI.
func (w *world) match(n *eni, dir Direction, h *packet.Header, via Via) hit {
	m := w.matcher(n)
	t, k := &m.tables[dir-1], match.KeyOf(h)
	if !t.Covers(k) {
		return m.unknown(n, dir, h)
	}
	remote := &h.Src
	if dir == Egress {
		remote = &h.Dst
	}
	first, maybe := uint32(match.None), uint32(match.None)
	if !via.Appliance { // REF-12
		first, maybe = w.firstMember(n, t, k, dir, h.Family, remote)
	}
	if via.Through != "" && dir == Ingress {
		if i, ok := w.eniByID[via.Through]; ok {
			first = firstOf(t, w.enis[i].groups(), k, first)
		}
	}
	if m.every[dir-1] {
		first = min(first, t.First(everyAddr(h.Family), k))
	}
	if h.Family == packet.IPv4 {
		short, long := w.cidrs.Lookup4(binary.BigEndian.Uint32(remote[12:]))
		first = firstOf(t, short, k, first)
		first = firstOf(t, long, k, first)
	} else {
		walk := w.cidrs.Walk6(binary.BigEndian.Uint64(remote[:8]), binary.BigEndian.Uint64(remote[8:]))
		for peers, ok := walk.Next(); ok; peers, ok = walk.Next() {
			first = firstOf(t, peers, k, first)
		}
	}
	switch {
	case first != match.None:
		return hit{rule: m.rules[dir-1][first], untracked: !n.tracked && !w.tracks(via) && m.untracked(dir, h)}
	case maybe != match.None:
		return hit{rule: m.rules[dir-1][maybe], unknown: UnknownReference}
	}
	return m.unknown(n, dir, h)
}

// unknown says why a rule may admit the packet though none is known that does.
func (m *matcher) unknown(n *eni, dir Direction, h *packet.Header) hit {
	for _, r := range m.unsure[dir-1] {
		if r.covers(h) && (r.family == 0 || r.family == h.Family) {
			return hit{rule: r, unknown: MissingList}
		}
	}
	if n.incomplete {
		return hit{unknown: MissingGroup}
	}
	return hit{}
}

// firstOf returns the first rule with one of the peers, or the one given if that comes
// before.
func firstOf(t *match.Table, peers []uint32, k match.Key, first uint32) uint32 {
	for _, p := range peers {
		first = min(first, t.First(p, k))
	}
	return first
}

// firstMember returns the first rule of the ENI that names a group of which the address
// is a member, and the first that may.
func (w *world) firstMember(n *eni, t *match.Table, k match.Key, dir Direction, f packet.Family, remote *[16]byte) (first, maybe uint32) {
	first, maybe = match.None, match.None
	owner, all, ok := w.members.Lookup(f, remote)
	if !ok {
		return first, maybe
	}
	if all == nil {
		all = []uint32{owner}
	}
	for _, o := range all {
		o := &w.enis[o]
		for _, g := range o.groups() {
			if r := t.First(g, k); r < first {
				switch w.reaches(n, o, g, dir) {
				case reach.Yes:
					first = r
				case reach.Maybe:
					maybe = min(maybe, r)
				}
			}
		}
	}
	return first, maybe
}

// reaches says whether rules at the ENI that name a group match o, which carries it.
func (w *world) reaches(n, o *eni, group uint32, dir Direction) reach.Answer {
	if n.vpc == o.vpc {
		return reach.Yes
	}
	return w.reach.Member(n.vpc, o.vpc, w.groups[group].vpcs, dir == Ingress)
}

// tracks reports whether AWS tracks all flows on a path (CT-14).
func (w *world) tracks(via Via) bool {
	if via.Through == "" {
		return via.Tracked
	}
	i, ok := w.eniByID[via.Through]
	return via.Tracked || ok && w.enis[i].tracked
}
