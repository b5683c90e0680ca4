package diff

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A box is a [Change] without its interfaces. It holds numbers, so that equal boxes of
// many interfaces are found quickly.
type box struct {
	dir, fam        uint8
	answers         bool
	verdicts        [2]sg.Verdict
	group           uint32
	addrs, services uint32    // numbers of sets in comparer.boxSets
	rules           [2]string // four bytes each, before and after
}

// A found is a box before its sets have numbers.
type found struct {
	box
	rect
}

// A rect is a set of addresses by a set of services.
type rect struct{ addrs, services set }

// boxes passes on what differs as boxes, until the work that naming their rules may take is
// used up.
func (x *differences) boxes(pass func(found)) {
	x.byName(pass)
	for _, from := range verdicts {
		for _, to := range verdicts {
			v := [2]sg.Verdict{from, to}
			for _, r := range x.rects(v) {
				if b := x.box(v, 0, r); x.cl.naming > 0 {
					pass(b)
				}
			}
		}
	}
}

func (x *differences) box(v [2]sg.Verdict, group uint32, r rect) found {
	return found{box{
		dir: uint8(x.dir), fam: uint8(x.fam), answers: x.answers, verdicts: v, group: group,
		rules: [2]string{x.rules(0, v[0], group, r), x.rules(1, v[1], group, r)},
	}, r}
}

// rules returns the rules of a world that give the packets of a box their verdict
// there, and the ACL entries if the worlds' ACLs differ about the packets.
func (x *differences) rules(world int, v sg.Verdict, group uint32, r rect) string {
	var seen []uint32
	work := len(x.said[world]) / 4 // most are about other services
	for _, e := range x.said[world] {
		switch {
		case e.rule == 0, v == sg.Drop, e.maybe != (v == sg.Unknown):
		case !e.meets(r.services):
		case r.addrs == nil && e.group == group:
			seen = append(seen, e.rule)
		default:
			peers := x.c.names.all[e.peers]
			work += 1 + min(len(peers), len(r.addrs))
			if peers.meets(r.addrs) {
				seen = append(seen, e.rule)
			}
		}
	}
	x.cl.naming.spend(work)
	if x.byACL(r) {
		seen = x.cl.borders[world].deciding(x.dir, x.fam, r, v != sg.Drop, seen, &x.cl.naming)
	}
	return ruleKey(seen)
}

// byACL reports whether ACLs let some of the packets pass in only one world.
func (x *differences) byACL(r rect) bool {
	return x.cl.acls != nil && slices.ContainsFunc(x.cl.acls.parts[x.dir][x.fam].changed, func(e entry) bool {
		return e.meets(r.services) && r.addrs.meets(x.c.names.all[e.peers])
	})
}

// byName passes on the boxes of members of a group that a rule names in only one world,
// and removes them from the rows.
func (x *differences) byName(pass func(found)) {
	slices.SortFunc(x.named, func(a, b namedRow) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(btoi(a.opens), btoi(b.opens)), cmp.Compare(a.first, b.first))
	})
	taken := make([][]set, len(x.rows)) // by rows
	for len(x.named) > 0 && x.cl.naming.spend(len(x.rows)) {
		one, n := x.named[0], 1
		for n < len(x.named) && x.named[n].group == one.group && x.named[n].opens == one.opens {
			n++
		}
		var spans []span
		for _, r := range x.named[:n] {
			spans = append(spans, spanOf(r.first, r.end))
		}
		x.named = x.named[n:]
		services := normal(slices.Clone(spans))
		v, admits := [2]sg.Verdict{sg.Accept, sg.Drop}, 0
		if one.opens {
			v, admits = [2]sg.Verdict{sg.Drop, sg.Accept}, 1
		}
		members, elsewhere := x.members(one.group, admits)
		if len(members) == 0 && elsewhere {
			continue // the members have no addresses of this family
		}
		if len(members) == 0 || !x.whole(v, members, services) {
			pass(x.box(v, one.group, rect{nil, x.joinedServices(spans)}))
			continue
		}
		pass(x.box(v, one.group, rect{members, x.joinedServices(spans)}))
		for i, r := range x.rows {
			if r.verdicts == v && services.has(num{0, uint64(r.first)}) {
				taken[i] = append(taken[i], members)
			}
		}
	}
	for i := range x.rows {
		x.rows[i].addrs = x.rows[i].addrs.minus(or(taken[i]...))
	}
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

// rects returns the rows of one kind as few rectangles that do not overlap: one for each
// set of addresses or one for each set of services, whichever takes fewer words.
func (x *differences) rects(v [2]sg.Verdict) []rect {
	var byAddrs []rect
	var distinct *sets
	for _, r := range x.rows {
		if r.verdicts != v || len(r.addrs) == 0 {
			continue
		}
		if distinct == nil {
			distinct = newSets()
		}
		i := int(distinct.number(r.addrs)) - 1
		if i == len(byAddrs) {
			byAddrs = append(byAddrs, rect{addrs: r.addrs})
		}
		byAddrs[i].services = append(byAddrs[i].services, spanOf(r.first, r.end))
	}
	for i := range byAddrs {
		byAddrs[i].services = x.joinedServices(byAddrs[i].services)
	}
	var byServices []rect
	if len(byAddrs) > 1 {
		byServices = turned(byAddrs)
	}
	if len(byServices) == 0 {
		return byAddrs
	}
	for i := range byServices {
		byServices[i].services = x.joinedServices(byServices[i].services)
	}
	if cmp.Or(cmp.Compare(len(byServices), len(byAddrs)), cmp.Compare(pieces(byServices), pieces(byAddrs))) < 0 {
		return byServices
	}
	return byAddrs
}

// joinedServices makes one set of services, and closes gaps of services that no group
// filters.
func (x *differences) joinedServices(spans []span) set {
	s := normal(slices.Clone(spans))
	if families[x.fam] == packet.IPv6 {
		s = s.filled(x.c.names.passing)
	}
	return s
}

// pieces returns how many words it takes to name rectangles.
func pieces(rs []rect) (n int) {
	for _, r := range rs {
		n += len(r.addrs) + len(r.services)
	}
	return n
}

// turned returns the same area as rectangles with different services each, or nothing if
// that takes more of them.
func turned(rs []rect) []rect {
	type edge struct {
		at num
		of int
	}
	var edges []edge
	for i, r := range rs {
		for _, s := range r.addrs {
			edges = append(edges, edge{s.first, i})
			if end := s.last.next(); end != (num{}) { // else nothing follows
				edges = append(edges, edge{end, i})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return a.at.compare(b.at) })
	in, count := make([]bool, len(rs)), 0 // the ones at this place
	var key num                           // their marks, so that equal sets have equal keys
	cells := map[num]*rect{}
	for i, e := range edges {
		in[e.of] = !in[e.of]
		count += 2*btoi(in[e.of]) - 1
		m := num{maphash.Comparable(hashSeed, 2*e.of), maphash.Comparable(hashSeed, 2*e.of+1)}
		key = num{key.hi ^ m.hi, key.lo ^ m.lo}
		if i+1 < len(edges) && edges[i+1].at == e.at || count == 0 {
			continue
		}
		end := num{1<<64 - 1, 1<<64 - 1}
		if i+1 < len(edges) {
			end = edges[i+1].at.previous()
		}
		cell := cells[key]
		if cell == nil {
			if len(cells) == len(rs) {
				return nil
			}
			cell = &rect{}
			cells[key] = cell
			for of := range rs {
				if in[of] {
					cell.services = append(cell.services, rs[of].services...)
				}
			}
		}
		cell.addrs = append(cell.addrs, span{e.at, end})
	}
	var out []rect
	for _, cell := range cells {
		out = append(out, rect{normal(cell.addrs), cell.services})
	}
	slices.SortFunc(out, func(a, b rect) int { return a.addrs[0].first.compare(b.addrs[0].first) })
	return out
}

// changes compares all classes and returns what was found, in its final order.
// Everything is sorted at the end, so classes may be compared on all processors.
func (c *comparer) changes(d *Diff) []Change {
	var workers sync.WaitGroup
	var next, spent atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(c.order)) {
		workers.Go(func() {
			var all []found
			for spent.Load() < int64(c.left) {
				n := int(next.Add(1))
				if n > len(c.order) {
					break
				}
				cl := c.order[n-1]
				all = all[:0]
				for dir := range 2 {
					for f := range families {
						if cl.families[f] {
							c.compare(cl, dir, f, func(b found) { all = append(all, b) })
						}
					}
				}
				c.collect(all, cl)
				spent.Add(int64(c.spent(cl)))
			}
		})
	}
	workers.Wait()
	for _, cl := range c.order { // which classes are late does not depend on who was faster
		cl.late = c.left <= 0
		c.left.spend(int(c.spent(cl)))
		if cl.late || cl.left <= 0 || cl.naming <= 0 {
			c.unfinished = append(c.unfinished, cl.enis...)
		}
	}
	boxes := c.joined()
	all := make([]Change, 0, len(boxes))
	for _, b := range boxes {
		all = append(all, c.change(d, b))
	}
	slices.SortFunc(all, compareChanges)
	return all
}

// collect records the boxes of a class.
func (c *comparer) collect(all []found, cl *class) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range all {
		b.box.addrs, b.box.services = c.boxSets.number(b.rect.addrs), c.boxSets.number(b.rect.services)
		c.found[b.box] = append(c.found[b.box], cl)
	}
}

// A placed is a box with the interfaces where it was found, ascending.
type placed struct {
	box
	enis []sg.ENIID
}

// joined returns the boxes that were found, after joining those at the same interfaces
// that together make one box.
func (c *comparer) joined() []*placed {
	type place struct {
		box
		enis uint64 // their hash
	}
	boxes := make([]*placed, 0, len(c.found))
	for b, classes := range c.found {
		var enis []sg.ENIID
		for _, cl := range classes {
			if !cl.late {
				enis = append(enis, cl.enis...)
			}
		}
		if len(enis) > 0 {
			slices.Sort(enis)
			boxes = append(boxes, &placed{b, slices.Clip(enis)})
		}
	}
	c.found, c.classes, c.order = nil, nil, nil
	// First those with the same services, then those with the same addresses. The
	// part that the key omits is joined.
	for _, key := range [...]func(box) box{
		func(b box) box { b.addrs, b.rules = 0, [2]string{}; return b },
		func(b box) box { b.services, b.rules = 0, [2]string{}; return b },
	} {
		byKey := map[place][]*placed{}
		for _, b := range boxes {
			k := place{key(b.box), hash(b.enis)}
			byKey[k] = append(byKey[k], b)
		}
		boxes = boxes[:0]
		for k, same := range byKey {
			whole := same[:0]
			for _, b := range same { // nearly always all at the same interfaces
				i := slices.IndexFunc(whole, func(w *placed) bool {
					apart := k.group != 0 && k.addrs == 0 && (b.addrs == 0) != (w.addrs == 0) // one is about future members, the other about present ones
					return !apart && slices.Equal(w.enis, b.enis)
				})
				if i < 0 {
					whole = append(whole, b)
				} else {
					whole[i].box = c.join(whole[i].box, b.box)
				}
			}
			boxes = append(boxes, whole...)
		}
	}
	return boxes
}

// join returns the union of two boxes with the same addresses or the same services.
func (c *comparer) join(a, b box) box {
	if a.addrs != b.addrs {
		a.addrs = c.boxSets.number(or(c.boxSets.all[a.addrs], c.boxSets.all[b.addrs]))
	}
	if a.services != b.services {
		a.services = c.boxSets.number(or(c.boxSets.all[a.services], c.boxSets.all[b.services]))
	}
	for i := range a.rules {
		a.rules[i] = ruleKey(append(ruleNumbers(a.rules[i]), ruleNumbers(b.rules[i])...))
	}
	return a
}

func hash(ids []sg.ENIID) uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	for _, id := range ids {
		h.WriteString(string(id))
		h.WriteByte(0)
	}
	return h.Sum64()
}

// ruleKey turns numbers of rules into a key, four bytes each.
func ruleKey(numbers []uint32) string {
	slices.Sort(numbers)
	var key []byte
	for _, n := range slices.Compact(numbers) {
		key = binary.BigEndian.AppendUint32(key, n)
	}
	return string(key)
}

func ruleNumbers(key string) (numbers []uint32) {
	for ; key != ""; key = key[4:] {
		numbers = append(numbers, binary.BigEndian.Uint32([]byte(key[:4])))
	}
	return numbers
}

// change turns a box into a Change.
func (c *comparer) change(d *Diff, b *placed) Change {
	addrs, numbers := c.boxSets.all[b.addrs], c.boxSets.all[b.services]
	ch := Change{
		Direction: sg.Ingress + sg.Direction(b.dir), Family: families[b.fam], Answers: b.answers, Before: b.verdicts[0], After: b.verdicts[1],
		Group: c.names.groupIDs[b.group], Addrs: addrs.prefixes(b.fam == 0), Services: services(numbers, int(b.fam)),
		RulesBefore: c.before.ruleRefs(b.rules[0]), RulesAfter: c.after.ruleRefs(b.rules[1]), ENIs: b.enis, d: d,
	}
	if len(addrs) > 0 {
		ch.witness = addrs[0].first
		ch.Weight = math.Pow(addrs.size(), 1/float64(1+3*int(b.fam))) * numbers.size() * float64(len(b.enis))
	}
	return ch
}

// ruleRefs returns rules by their numbers, sorted.
func (w *world) ruleRefs(key string) (all []sg.RuleRef) {
	for _, n := range ruleNumbers(key) {
		all = append(all, w.rules[n])
	}
	slices.SortStableFunc(all, func(a, b sg.RuleRef) int {
		return cmp.Or(cmp.Compare(a.ACL(), b.ACL()), cmp.Compare(a.Group(), b.Group()),
			cmp.Compare(a.Entry().Number, b.Entry().Number), cmp.Compare(a.Rule().String(), b.Rule().String()))
	})
	return all
}

func compareChanges(a, b Change) int {
	return cmp.Or(
		cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.ENIs[0], b.ENIs[0]), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Family, b.Family),
		cmp.Compare(btoi(a.Answers), btoi(b.Answers)), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After), cmp.Compare(a.Group, b.Group),
		slices.CompareFunc(a.Services, b.Services, func(a, b Service) int {
			return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.First, b.First))
		}),
		slices.CompareFunc(a.Addrs, b.Addrs, func(a, b netip.Prefix) int { return a.Compare(b) }),
		slices.Compare(a.ENIs, b.ENIs),
	)
}
