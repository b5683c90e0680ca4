package conntrack

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// An Entry describes one connection. It is a copy.
type Entry struct {
	Zone    Zone
	Tuple   packet.FiveTuple // of the original direction
	State   State
	Replied bool
	Assured bool // Linux: known to be real, as conntrack -L shows it (CTS-06)
	Tag     uint32
	Expires time.Time // dead from then on; in UTC
}

func (s *store) entry(rec uint32) Entry {
	u, k := s.head(rec), s.key(rec)
	meta := u[wordMeta]
	return Entry{
		Zone:    k.zone(),
		Tuple:   k.tuple(),
		State:   stateOf(meta),
		Replied: meta&metaReplied != 0,
		Assured: meta&metaAssured != 0,
		Tag:     uint32(meta >> 32),
		Expires: time.Unix(0, int64(u[wordExpiry])).UTC(),
	}
}

// All yields the live connections at now, zone by zone, IPv4 first. They are
// ordered by their lower endpoints and then by their higher ones, whichever end
// opened them; ICMP and ICMPv6 queries by asker and then by the address asked. The
// order does not depend on the table's history. If zones are given, it yields only
// theirs. It needs memory for the keys of all that it yields.
//
// The loop may change the table. Connections that it ends before their turn are
// left out, and those it opens on other tuples do not appear.
func (t *Table) All(now time.Time, zones ...Zone) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		at := t.clock(now)
		for _, k := range t.live(at, zones) {
			s := t.store(k.v6)
			if u, rec := s.find(t.hash.hash(&k), &k); u != nil && s.alive(rec, at) && !yield(s.entry(rec)) {
				return
			}
		}
	}
}

// DeleteFunc removes the live connections for which del returns true, and returns
// their number. If zones are given, it looks only at theirs. del sees connections
// in no particular order and must not use the table.
func (t *Table) DeleteFunc(now time.Time, del func(Entry) bool, zones ...Zone) int {
	at := t.clock(now)
	t.now = at
	in, n := zoneSet(zones), 0
	for s, rec := range t.records() {
		if s.alive(rec, at) && in.has(s, rec) && del(s.entry(rec)) {
			t.end(s, rec, false)
			n++
		}
	}
	return n
}

func (s *store) alive(rec uint32, at int64) bool {
	u := s.head(rec)
	return u[wordMeta]&metaLive != 0 && at < int64(u[wordExpiry])
}

// live returns the keys of the live connections of the zones in the order of All.
func (t *Table) live(at int64, zones []Zone) []key {
	var list []key
	in := zoneSet(zones)
	for s, rec := range t.records() {
		if s.alive(rec, at) && in.has(s, rec) {
			list = append(list, s.key(rec))
		}
	}
	slices.SortFunc(list, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.zone(), b.zone()),
			slices.Compare(a.ends(), b.ends()),
			cmp.Compare(a.proto, b.proto))
	})
	return list
}

// ends are the family and the two endpoints in the order of the key, for sorting.
func (k *key) ends() []uint64 {
	if k.v6 {
		return []uint64{6, k.w[0], k.w[1], k.w[4] >> 48, k.w[2], k.w[3], k.w[4]}
	}
	return []uint64{4, k.w[0], k.w[1]}
}

// zones restrict a walk over the table; nil does not.
type zones map[Zone]bool

func zoneSet(list []Zone) zones {
	if len(list) == 0 {
		return nil
	}
	set := make(zones, len(list))
	for _, z := range list {
		set[z] = true
	}
	return set
}

func (z zones) has(s *store, rec uint32) bool { return z == nil || z[s.zone(rec)] }
