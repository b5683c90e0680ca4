package diff

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// A border is the edge of a subnet with a network ACL. nil stands for a border at
// which everything passes.
type border struct {
	number uint32 // in its world, from 1
	acl    *acl
	inside [2]set // addresses within, by family, about which the ACL is not asked
}

// An acl is what a network ACL lets pass, by direction and family.
type acl struct {
	entries [2][2][]aclEntry // in the order in which they are asked
	slabs   [2][2][]slab     // ascending, without gaps
	open    bool             // everything passes
	long    bool             // it is too long, or one too many: what passes is not known, and its slabs let nothing pass
}

// mostEntries is the most entries of a direction and family that are compared; AWS allows
// 40. The work grows with the third power of their number.
const mostEntries = 256

// mostSpans bounds what the slabs of all ACLs take: 32 bytes each, 1 GB.
const mostSpans = 1 << 25

// tooLong reports whether the ACL is not compared.
func (b *border) tooLong() bool { return b != nil && b.acl.long }

// An aclEntry is what an entry of a network ACL matches.
type aclEntry struct {
	term
	addrs set
	allow bool
	rule  uint32 // its place in world.rules
}

// A slab is services that an ACL treats alike, with the addresses that it lets pass. Which
// entries decide about each is found again when it is asked: for all slabs of 256 entries
// that would take 30 MB.
type slab struct {
	term
	allowed set
}

// border returns the border of an interface's subnet.
func (w *world) border(id sg.ENIID) *border {
	at, ok := w.sets.Border(id)
	if !ok {
		return nil
	}
	b, known := w.borders[at]
	if !known {
		b = w.newBorder(at)
		w.borders[at] = b
	}
	return b
}

// newBorder makes a border, or finds an equal one: all subnets without an address that
// the ACL denies share one border.
func (w *world) newBorder(at sg.Border) *border {
	k := borderKey{acl: at.ACL()}
	a := w.acls[k.acl]
	if a == nil {
		a = w.acl(at)
		w.acls[k.acl] = a
	}
	b := &border{acl: a}
	if !a.open {
		inside := at.Inside()
		for f := range families {
			b.inside[f] = addrsOf(inside, f == 0)
			k.inside[f] = w.names.number(b.inside[f])
		}
	}
	if same := w.bordersByKey[k]; same != nil {
		return same
	}
	b.number = uint32(len(w.bordersByKey) + 1)
	w.bordersByKey[k] = b
	return b
}

type borderKey struct {
	acl    sg.NetworkACLID
	inside [2]uint32 // numbers of sets
}

// acl splits the network ACL at a border into slabs.
func (w *world) acl(at sg.Border) *acl {
	a := &acl{open: true}
	for dir := range 2 {
		var entries [2][]aclEntry
		for ref := range at.Entries(sg.Ingress + sg.Direction(dir)) {
			r := ref.Rule()
			f := btoi(r.Peer.CIDR.Addr().Is6())
			n := aclEntry{addrs: addrsOf([]netip.Prefix{r.Peer.CIDR}, f == 0), allow: ref.Entry().Allow, rule: uint32(len(w.rules))}
			n.first, n.end = spaces[f].Span(covered(r))
			w.rules = append(w.rules, ref)
			if n.first < n.end {
				entries[f] = append(entries[f], n)
			}
		}
		for f := range families {
			if len(entries[f]) > mostEntries || w.names.spans <= 0 {
				a.long, entries[f] = true, nil
			}
			a.entries[dir][f], a.slabs[dir][f] = entries[f], slabs(entries[f], f)
			for _, s := range a.slabs[dir][f] {
				w.names.spans.spend(2 + len(s.allowed) + len(entries[f])/16) // the last for the time
			}
			a.open = a.open && !slices.ContainsFunc(a.slabs[dir][f], func(s slab) bool { return !slices.Equal(s.allowed, everything[f]) })
		}
	}
	return a
}

// slabs returns what entries let pass. For every slab it looks once at each entry
// and once at each column, that is, addresses that no entry distinguishes.
func slabs(entries []aclEntry, f int) (all []slab) {
	cuts, begins := []uint32{0, spaces[f].Size()}, []num{{}} // of slabs, and of columns
	for _, e := range entries {
		cuts = append(cuts, e.first, e.end)
		for _, one := range e.addrs {
			begins = append(begins, one.first, one.last.next())
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	slices.SortFunc(begins, num.compare)
	begins = slices.Compact(begins)
	columns := make([][][2]int, len(entries))
	for i, e := range entries {
		columns[i] = columnsOf(e.addrs, begins)
	}
	var allowed []span // of the slab at hand
	left := untaken{begins: begins, last: everything[f][0].last, next: make([]int, len(begins)+1)}
	for i, first := range cuts[:len(cuts)-1] {
		s := slab{term: term{first: first, end: cuts[i+1]}}
		left.reset()
		allowed = allowed[:0]
		for i, e := range entries {
			if !e.covers(first, s.end) {
				continue
			}
			if addrs := left.take(columns[i]); e.allow {
				allowed = append(allowed, addrs...)
			}
		}
		s.allowed = slices.Clone(normal(allowed))
		all = append(all, s)
	}
	return all
}

// untaken are the columns of addresses that no entry has decided about yet.
type untaken struct {
	begins []num // of columns
	last   num   // address
	next   []int // leads from a taken column to a later one, from others to themselves
}

func (u *untaken) reset() {
	for c := range u.next {
		u.next[c] = c
	}
}

// from returns the first column from c on.
func (u *untaken) from(c int) int {
	for u.next[c] != c {
		u.next[c] = u.next[u.next[c]]
		c = u.next[c]
	}
	return c
}

// take takes those of the given columns that are left, and returns their addresses.
func (u *untaken) take(columns [][2]int) (s set) {
	for _, cs := range columns {
		for c := u.from(cs[0]); c < cs[1]; c = u.from(c) {
			one := span{u.begins[c], u.last}
			if c+1 < len(u.begins) {
				one.last = u.begins[c+1].previous()
			}
			if n := len(s) - 1; n >= 0 && s[n].last.next() == one.first {
				s[n].last = one.last
			} else {
				s = append(s, one)
			}
			u.next[c] = c + 1
		}
	}
	return s
}

// at returns the slab of a service.
func (b *border) at(dir, f int, service uint32) *slab {
	all := b.acl.slabs[dir][f]
	i, found := slices.BinarySearchFunc(all, service, func(s slab, n uint32) int { return int(s.first) - int(n) })
	if !found {
		i--
	}
	return &all[i]
}

// split divides addresses by whether packets for a service pass.
func (b *border) split(dir, f int, service uint32, all set) (passing, blocked set) {
	if b == nil {
		return all, nil
	}
	blocked = all.minus(b.at(dir, f, service).allowed).minus(b.inside[f])
	return all.minus(blocked), blocked
}

// cuts appends the services between two given ones at which the ACL's verdicts change.
func (b *border) cuts(dir, f int, first, end uint32, to []uint32) []uint32 {
	if b != nil {
		for _, s := range b.acl.slabs[dir][f] {
			if first < s.first && s.first < end {
				to = append(to, s.first)
			}
		}
	}
	return to
}

// deciding appends the numbers of the entries that let some of the packets pass, or stop
// some.
func (b *border) deciding(dir, f int, r rect, allow bool, to []uint32, work *budget) []uint32 {
	if b == nil {
		return to
	}
	addrs := r.addrs.minus(b.inside[f])
	for _, s := range b.acl.slabs[dir][f] {
		if !s.meets(r.services) {
			continue
		}
		left := addrs
		work.spend(1 + len(b.acl.entries[dir][f])/4)
		for _, e := range b.acl.entries[dir][f] {
			if !e.covers(s.first, s.end) || !e.addrs.meets(left) {
				continue
			}
			work.spend(len(left))
			if left = left.minus(e.addrs); e.allow == allow {
				to = append(to, e.rule)
			}
		}
	}
	return to
}

// A bordering is the borders of an interface's subnet, before and after.
type bordering [2]*border

// bordersDelta returns what ACLs let pass at only one of two borders.
func (c *comparer) bordersDelta(bs bordering) *delta {
	d, known := c.borderings[bs]
	if known {
		return d
	}
	d = &delta{}
	for dir := range d.parts {
		for f := range families {
			p := &d.parts[dir][f]
			end := spaces[f].Size()
			cuts := bs[1].cuts(dir, f, 0, end, bs[0].cuts(dir, f, 0, end, []uint32{0, end}))
			slices.Sort(cuts)
			cuts = slices.Compact(cuts)
			for i, n := range cuts[:len(cuts)-1] {
				_, before := bs[0].split(dir, f, n, everything[f])
				_, after := bs[1].split(dir, f, n, everything[f])
				c.left.spend(8 * (1 + len(before) + len(after)))
				if !slices.Equal(before, after) {
					other := or(before.minus(after), after.minus(before))
					e := entry{term: term{first: n, end: cuts[i+1], peers: c.names.number(other)}}
					if last := len(p.changed) - 1; last >= 0 && p.changed[last].end == n && p.changed[last].peers == e.peers {
						p.changed[last].end = e.end
					} else {
						p.changed = append(p.changed, e)
					}
				}
			}
			p.focus = c.focusOn(p.changed)
			d.differ = d.differ || len(p.changed) > 0
		}
	}
	c.borderings[bs] = d
	return d
}
