package diff

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// A box is a [Change] without its interfaces: numbers, so that those of many interfaces
// are found to be one.
type box struct {
	dir, fam        uint8
	verdicts        [2]sg.Verdict
	group           uint32
	addrs, services uint32    // numbers of the sets
	rules           [2]string // four bytes each, before and after
}

// A rect is a set of addresses by a set of services.
type rect struct{ addrs, services set }

// boxes returns what differs as boxes.
func (x *differences) boxes() (all []box) {
	all = x.byName()
	for _, from := range verdicts {
		for _, to := range verdicts {
			v := [2]sg.Verdict{from, to}
			for _, r := range x.rects(v) {
				all = append(all, x.box(v, 0, r))
			}
		}
	}
	return all
}

func (x *differences) box(v [2]sg.Verdict, group uint32, r rect) box {
	n := x.c.names
	return box{
		dir: uint8(x.dir), fam: uint8(x.fam), verdicts: v, group: group, addrs: n.number(r.addrs), services: n.number(r.services),
		rules: [2]string{x.rules(0, v[0], group, r), x.rules(1, v[1], group, r)},
	}
}

// rules returns the rules of a world because of which the packets of a box get their
// verdict there.
func (x *differences) rules(world int, v sg.Verdict, group uint32, r rect) string {
	var key []byte
	var seen []uint32
	for _, e := range x.said[world] {
		switch {
		case e.rule == 0, v == sg.Drop, e.maybe != (v == sg.Unknown), slices.Contains(seen, e.rule):
		case !r.services.meets(set{span{num{0, uint64(e.first)}, num{0, uint64(e.end) - 1}}}):
		case r.addrs == nil && e.group == group || x.c.names.all[e.peers].meets(r.addrs):
			seen = append(seen, e.rule)
		}
	}
	slices.Sort(seen)
	for _, n := range seen {
		key = binary.BigEndian.AppendUint32(key, n)
	}
	return string(key)
}

// byName returns the boxes of members of a group that a rule names in one world alone,
// and takes them out of the rows.
func (x *differences) byName() (all []box) {
	slices.SortFunc(x.named, func(a, b namedRow) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(btoi(a.opens), btoi(b.opens)), cmp.Compare(a.first, b.first))
	})
	rows := slices.Clone(x.rows)
	for len(x.named) > 0 {
		one, n := x.named[0], 1
		for n < len(x.named) && x.named[n].group == one.group && x.named[n].opens == one.opens {
			n++
		}
		var spans []span
		for _, r := range x.named[:n] {
			spans = append(spans, span{num{0, uint64(r.first)}, num{0, uint64(r.end) - 1}})
		}
		x.named = x.named[n:]
		services := normal(spans)
		v, admits := [2]sg.Verdict{sg.Accept, sg.Drop}, 0
		if one.opens {
			v, admits = [2]sg.Verdict{sg.Drop, sg.Accept}, 1
		}
		members, elsewhere := x.members(one.group, admits)
		if len(members) == 0 && elsewhere {
			continue // the members have no addresses of this family
		}
		if len(members) == 0 || !x.whole(v, members, services) {
			all = append(all, x.box(v, one.group, rect{nil, services}))
			continue
		}
		all = append(all, x.box(v, one.group, rect{members, services}))
		for i, r := range rows {
			if r.verdicts == v && services.has(num{0, uint64(r.first)}) {
				rows[i].addrs = r.addrs.minus(members)
			}
		}
	}
	x.rows = rows
	return all
}

// whole reports whether the rows hold all of a box.
func (x *differences) whole(v [2]sg.Verdict, addrs, services set) bool {
	n := 0.0
	for _, r := range x.rows {
		if r.verdicts == v && services.has(num{0, uint64(r.first)}) && addrs.within(r.addrs) {
			n += float64(r.end - r.first)
		}
	}
	return n == services.size()
}

// rects returns the rows of one kind as few rectangles that do not overlap: either one
// for each set of addresses or one for each set of services, whatever is fewer.
func (x *differences) rects(v [2]sg.Verdict) []rect {
	var addrs []set // distinct
	var services []set
	for _, r := range x.rows {
		if r.verdicts != v || len(r.addrs) == 0 {
			continue
		}
		s := span{num{0, uint64(r.first)}, num{0, uint64(r.end) - 1}}
		i := slices.IndexFunc(addrs, func(a set) bool { return slices.Equal(a, r.addrs) })
		if i < 0 {
			i = len(addrs)
			addrs, services = append(addrs, r.addrs), append(services, nil)
		}
		services[i] = append(services[i], s)
	}
	byAddrs := make([]rect, len(addrs))
	for i := range addrs {
		byAddrs[i] = rect{addrs[i], normal(services[i])}
	}
	if len(byAddrs) < 2 {
		return byAddrs
	}
	if byServices := turned(byAddrs); len(byServices) < len(byAddrs) {
		return byServices
	}
	return byAddrs
}

// turned returns the same as rectangles with different services each.
func turned(rs []rect) []rect {
	type edge struct {
		at     num
		of     int
		begins bool
	}
	var edges []edge
	for i, r := range rs {
		for _, s := range r.addrs {
			edges = append(edges, edge{s.first, i, true})
			if end := s.last.next(); end != (num{}) { // else nothing comes behind
				edges = append(edges, edge{end, i, false})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return a.at.compare(b.at) })
	in := make([]byte, len(rs)) // 1 for the rectangles at the place
	cells := map[string][]span{}
	for i, e := range edges {
		in[e.of] = byte(btoi(e.begins))
		if i+1 < len(edges) && edges[i+1].at == e.at {
			continue
		}
		end := num{1<<64 - 1, 1<<64 - 1}
		if i+1 < len(edges) {
			end = edges[i+1].at.previous()
		}
		if strings.Contains(string(in), "\x01") {
			cells[string(in)] = append(cells[string(in)], span{e.at, end})
		}
	}
	var out []rect
	for of, spans := range cells {
		var services set
		for i := range rs {
			if of[i] == 1 {
				services = append(services, rs[i].services...)
			}
		}
		out = append(out, rect{normal(spans), normal(services)})
	}
	slices.SortFunc(out, func(a, b rect) int { return a.addrs[0].first.compare(b.addrs[0].first) })
	return out
}

// changes compares all classes and returns what was found, in its final order.
func (c *comparer) changes(d *Diff) []Change {
	for _, cl := range c.order {
		for dir := range 2 {
			for f := range families {
				if !cl.families[f] {
					continue
				}
				if x := c.compare(cl, dir, f); x != nil {
					for _, b := range x.boxes() {
						c.found[b] = append(c.found[b], cl.enis...)
					}
				}
			}
		}
	}
	all := make([]Change, 0, len(c.found))
	for b, enis := range c.found {
		all = append(all, c.change(d, b, enis))
	}
	slices.SortFunc(all, compareChanges)
	return all
}

// change gives a box its words.
func (c *comparer) change(d *Diff, b box, enis []sg.ENIID) Change {
	addrs, numbers := c.names.all[b.addrs], c.names.all[b.services]
	slices.Sort(enis)
	ch := Change{
		Direction: sg.Ingress + sg.Direction(b.dir), Family: families[b.fam], Before: b.verdicts[0], After: b.verdicts[1],
		Group: c.names.groupIDs[b.group], Addrs: addrs.prefixes(b.fam == 0), Services: services(numbers, int(b.fam)),
		RulesBefore: c.before.ruleRefs(b.rules[0]), RulesAfter: c.after.ruleRefs(b.rules[1]), ENIs: enis, d: d,
	}
	if len(addrs) > 0 {
		ch.witness = addrs[0].first
		ch.Weight = math.Pow(addrs.size(), 1/float64(1+3*int(b.fam))) * numbers.size() * float64(len(enis))
	}
	return ch
}

// ruleRefs returns rules by their numbers, sorted.
func (w *world) ruleRefs(key string) (all []sg.RuleRef) {
	for ; key != ""; key = key[4:] {
		all = append(all, w.rules[binary.BigEndian.Uint32([]byte(key[:4]))])
	}
	slices.SortStableFunc(all, func(a, b sg.RuleRef) int {
		return cmp.Or(cmp.Compare(a.Group(), b.Group()), cmp.Compare(a.Rule().String(), b.Rule().String()))
	})
	return all
}

func compareChanges(a, b Change) int {
	return cmp.Or(
		cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.ENIs[0], b.ENIs[0]), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Family, b.Family),
		cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After), cmp.Compare(a.Group, b.Group),
		slices.CompareFunc(a.Services, b.Services, func(a, b Service) int {
			return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.First, b.First))
		}),
		slices.CompareFunc(a.Addrs, b.Addrs, func(a, b netip.Prefix) int { return a.Compare(b) }),
		slices.Compare(a.ENIs, b.ENIs),
	)
}
