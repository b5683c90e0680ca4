package diff

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// A num is an address, or the number of a service: 128 bits. An IPv4 address fills the
// lowest 32.
type num struct{ hi, lo uint64 }

func (a num) less(b num) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a num) compare(b num) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

func (a num) next() num {
	lo, carry := bits.Add64(a.lo, 1, 0)
	return num{a.hi + carry, lo}
}

func (a num) previous() num {
	lo, borrow := bits.Sub64(a.lo, 1, 0)
	return num{a.hi - borrow, lo}
}

// A span is the numbers from first to last, both included.
type span struct{ first, last num }

// A set is spans in ascending order with gaps between them.
type set []span

// normal makes a set of spans in any order, in place.
func normal(spans []span) set {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.first.compare(b.first), a.last.compare(b.last)) })
	all := spans[:0]
	for _, s := range spans {
		if n := len(all) - 1; n >= 0 && !all[n].last.less(s.first) {
			if all[n].last.less(s.last) {
				all[n].last = s.last
			}
		} else if n >= 0 && all[n].last.next() == s.first {
			all[n].last = s.last
		} else {
			all = append(all, s)
		}
	}
	return all
}

// from returns the index of the first span that does not end before n.
func (a set) from(n num) int {
	i, j := 0, len(a)
	for i < j {
		if m := int(uint(i+j) / 2); a[m].last.less(n) {
			i = m + 1
		} else {
			j = m
		}
	}
	return i
}

func (a set) has(n num) bool {
	i := a.from(n)
	return i < len(a) && !n.less(a[i].first)
}

// minus returns what is in a and not in b; a itself if that is all of it.
func (a set) minus(b set) set {
	if !a.meets(b) {
		return a
	}
	var out set
	for i, j := 0, 0; i < len(a); i++ {
		s, whole := a[i], false
		j += b[j:].from(s.first)
		for k := j; k < len(b) && !s.last.less(b[k].first); k++ {
			if s.first.less(b[k].first) {
				out = append(out, span{s.first, b[k].first.previous()})
			}
			if whole = !b[k].last.less(s.last); whole {
				break
			}
			s.first = b[k].last.next()
		}
		if !whole {
			out = append(out, s)
		}
	}
	return out
}

// and returns what is in both.
func (a set) and(b set) set {
	var out set
	if len(b) < len(a) {
		a, b = b, a
	}
	for i, j := 0, 0; i < len(a); i++ {
		j += b[j:].from(a[i].first)
		for k := j; k < len(b) && !a[i].last.less(b[k].first); k++ {
			s := a[i]
			if s.first.less(b[k].first) {
				s.first = b[k].first
			}
			if b[k].last.less(s.last) {
				s.last = b[k].last
			}
			out = append(out, s)
		}
	}
	return out
}

// meets reports whether anything is in both.
func (a set) meets(b set) bool {
	if len(b) < len(a) {
		a, b = b, a
	}
	if len(a) == 0 || b[len(b)-1].last.less(a[0].first) || a[len(a)-1].last.less(b[0].first) {
		return false
	}
	for _, s := range a {
		if i := b.from(s.first); i < len(b) && !s.last.less(b[i].first) {
			return true
		}
	}
	return false
}

// within reports whether all of a is in b.
func (a set) within(b set) bool {
	for _, s := range a {
		if i := b.from(s.first); i == len(b) || s.first.less(b[i].first) || b[i].last.less(s.last) {
			return false
		}
	}
	return true
}

// or returns what is in any of the sets.
func or(sets ...set) set { return normal(slices.Concat(sets...)) }

// filled returns a with the gaps in it that lie in b.
func (a set) filled(b set) set {
	out := a[:min(1, len(a)):min(1, len(a))]
	for _, s := range a[len(out):] {
		if last := out[len(out)-1].last; (set{{last.next(), s.first.previous()}}).within(b) {
			out = append(out[:len(out)-1:len(out)-1], span{out[len(out)-1].first, s.last})
		} else {
			out = append(out, s)
		}
	}
	return out
}

// size returns roughly how many numbers are in the set.
func (a set) size() (n float64) {
	for _, s := range a {
		n += float64(s.last.hi-s.first.hi)*(1<<64) + float64(s.last.lo) - float64(s.first.lo) + 1
	}
	return n
}

// numOf returns an address as a number.
func numOf(a netip.Addr) num {
	if a.Is4() {
		b := a.As4()
		return num{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return num{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// addr returns a number as an address.
func (a num) addr(v4 bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	if v4 {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return netip.AddrFrom16(b)
}

// addrsOf returns the addresses of prefixes of one family.
func addrsOf(ps []netip.Prefix, v4 bool) set {
	var spans []span
	for _, p := range ps {
		if p.Addr().Is4() == v4 {
			spans = append(spans, span{numOf(p.Addr()), numOf(netipx.PrefixLastIP(p))})
		}
	}
	return normal(spans)
}

// prefixes returns the fewest prefixes that make up a set of addresses, ascending.
func (a set) prefixes(v4 bool) (ps []netip.Prefix) {
	for _, s := range a {
		ps = netipx.IPRangeFrom(s.first.addr(v4), s.last.addr(v4)).AppendPrefixes(ps)
	}
	return ps
}

// sets gives equal sets one number. Number 0 is the empty set.
type sets struct {
	all    []set
	sizes  []float64
	byHash map[uint64][]uint32 // numbers
}

var hashSeed = maphash.MakeSeed()

func newSets() *sets {
	return &sets{all: []set{nil}, sizes: []float64{0}, byHash: map[uint64][]uint32{}}
}

// number returns the number of a set, which must not change afterwards.
func (t *sets) number(s set) uint32 {
	if len(s) == 0 {
		return 0
	}
	var h uint64
	for _, x := range s {
		h = h*0x9e3779b97f4a7c15 + maphash.Comparable(hashSeed, x)
	}
	for _, n := range t.byHash[h] {
		if slices.Equal(t.all[n], s) {
			return n
		}
	}
	n := uint32(len(t.all))
	t.all, t.sizes = append(t.all, slices.Clip(s)), append(t.sizes, s.size())
	t.byHash[h] = append(t.byHash[h], n)
	return n
}
