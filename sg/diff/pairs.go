package diff

import (
	"iter"
	"math"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Pair is two interfaces between which something new passes, or something no longer
// does: from an address of one to an address of the other, by the egress rules of the
// first, the ingress rules of the second, and any network ACLs between them.
type Pair struct {
	From, To       sg.ENIID
	Family         packet.Family
	Opened, Broken []Service // services of connections from From to To, ascending
}

// Pairs yields the pairs of interfaces between which something differs, in the order of
// the changes behind them, then by the interface of the change and the other one. They
// are found while the loop runs, so a loop that ends early costs little.
//
// A service that passed between some addresses of two interfaces, and now passes
// between others too, is not new to the pair. Where a verdict is unknown, nothing is said
// to differ. An address of several interfaces is left out, since packets do not
// tell whose it is.
func (d *Diff) Pairs() iter.Seq[Pair] {
	return func(yield func(Pair) bool) { d.pairs(math.MaxInt, math.MaxInt64, yield) }
}

// mostAsked bounds the pairs that are looked at if output names only a few: a rule for
// every address makes a pair of every two interfaces. askedWork bounds the work for them,
// in units of mostWork. Up to either takes some seconds.
const (
	mostAsked = 100_000
	askedWork = 1 << 28
)

// somePairs is Pairs within these bounds. It reports whether these were all.
func (d *Diff) somePairs(yield func(Pair) bool) (all bool) {
	return d.pairs(mostAsked, askedWork, yield)
}

// pairs is somePairs with the bounds.
func (d *Diff) pairs(most int, work budget, yield func(Pair) bool) (all bool) {
	type key struct {
		from, to sg.ENIID
		fam      int
	}
	owners, seen := d.owners(), map[key]bool{}
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Answers {
			continue
		}
		f := btoi(c.Family == packet.IPv6)
		peers := owners[f].in(addrsOf(c.Addrs, f == 0))
		for _, id := range c.ENIs {
			for _, peer := range peers {
				k := key{peer, id, f}
				if c.Direction == sg.Egress {
					k.from, k.to = id, peer
				}
				if id == peer || seen[k] {
					continue
				}
				if len(seen) == most || work <= 0 {
					return false
				}
				seen[k] = true
				if p, ok := d.pair(k.from, k.to, f, &work); ok && !yield(p) {
					return false
				}
			}
		}
	}
	return true
}

// pair compares what passes from one interface to another.
func (d *Diff) pair(from, to sg.ENIID, f int, work *budget) (Pair, bool) {
	newly := func(in, than *world) []Service {
		return services(in.between(from, to, f, false, work).minus(than.between(from, to, f, true, work)), f)
	}
	p := Pair{From: from, To: to, Family: families[f], Opened: newly(d.after, d.before), Broken: newly(d.before, d.after)}
	return p, len(p.Opened)+len(p.Broken) > 0
}

// between returns the services that pass from one interface to another, with maybe also
// those that may. Whether egress rules and the ACL there admit a packet depends only on the
// address of the other end, and the same holds for ingress, so each end can be asked
// separately.
func (w *world) between(from, to sg.ENIID, f int, maybe bool, work *budget) set {
	return w.admits(from, 1, f, w.own(to, f), maybe, work).and(w.admits(to, 0, f, w.own(from, f), maybe, work))
}

// admits returns the services for which an interface admits, with maybe also may admit,
// packets from or to one of several addresses.
func (w *world) admits(id sg.ENIID, dir, f int, peers set, maybe bool, work *budget) set {
	lists, _ := w.said(id, nil, nil)
	w.make(lists...)
	border := w.border(id)
	var spans []span
	atBorder, services := newSets(), [][]span{nil} // what groups admit, by sets of addresses
	for n, l := range lists {
		work.spend(len(l.entries[dir][f]) * (1 + len(peers)))
		for _, e := range l.entries[dir][f] {
			if e.maybe && !maybe || !w.names.all[e.peers].meets(peers) {
				continue
			}
			if n == 0 || border == nil || maybe && border.tooLong() { // exempt, no border, or one that may let it pass
				spans = append(spans, e.services())
				continue
			}
			i := int(atBorder.number(w.names.all[e.peers].and(peers)))
			if i == len(services) {
				services = append(services, nil)
			}
			services[i] = append(services[i], e.services())
		}
	}
	for i, addrs := range atBorder.all[1:] {
		admitted := normal(services[i+1])
		for _, s := range border.acl.slabs[dir][f] {
			if !s.meets(admitted) {
				continue
			}
			work.spend(1 + len(addrs))
			if passing, _ := border.split(dir, f, s.first, addrs); len(passing) > 0 {
				spans = append(spans, set{s.services()}.and(admitted)...)
			}
		}
	}
	return normal(spans)
}

// own returns the addresses that only this interface has.
func (w *world) own(id sg.ENIID, f int) set {
	var spans []span
	for _, p := range w.sets.Addrs(id) {
		if _, sole := w.policy.ENIByAddr(p.Addr()); sole {
			spans = append(spans, addrsOf([]netip.Prefix{p}, f == 0)...)
		}
	}
	return normal(spans)
}

// An owned is an address or prefix of an interface.
type owned struct {
	span
	id sg.ENIID
}

// owners returns the addresses of the interfaces of both worlds, by family, ascending.
// Prefixes, which may contain others, are separate.
func (d *Diff) owners() (all [2]owners) {
	for _, w := range [...]*world{d.before, d.after} {
		for id := range w.policy.ENIs() {
			for f := range families {
				for _, s := range w.own(id, f) {
					if s.first == s.last {
						all[f].single = append(all[f].single, owned{s, id})
					} else {
						all[f].prefixes = append(all[f].prefixes, owned{s, id})
					}
				}
			}
		}
	}
	for f := range all {
		slices.SortFunc(all[f].single, func(a, b owned) int { return a.first.compare(b.first) })
	}
	return all
}

type owners struct{ single, prefixes []owned }

// in returns the interfaces that have one of the addresses, ascending.
func (o owners) in(addrs set) (ids []sg.ENIID) {
	for _, s := range addrs {
		i, _ := slices.BinarySearchFunc(o.single, s.first, func(a owned, n num) int { return a.first.compare(n) })
		for ; i < len(o.single) && !s.last.less(o.single[i].first); i++ {
			ids = append(ids, o.single[i].id)
		}
	}
	for _, p := range o.prefixes {
		if addrs.meets(set{p.span}) {
			ids = append(ids, p.id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
