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
	Expires time.Time // dead from then on
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
		Expires: time.Unix(0, int64(u[wordExpiry])),
	}
}

// All yields the live connections at now, in the order they were opened; among
// those that more than two billion others were opened after, the order is fixed
// but any. With zones given it yields only theirs.
//
// The loop may change the table. Connections that it ends before their turn are
// left out, and those it opens do not appear.
func (t *Table) All(now time.Time, zones ...Zone) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		at := max(now.UnixNano(), t.now)
		for _, l := range t.live(at, zones) {
			s := l.store
			if s.birth(l.rec) != l.birth || !s.alive(l.rec, at) {
				continue
			}
			if !yield(s.entry(l.rec)) {
				return
			}
		}
	}
}

// DeleteFunc removes the live connections for which del returns true, and returns
// their number. With zones given it looks only at theirs. del sees connections in
// no particular order and must not use the table.
func (t *Table) DeleteFunc(now time.Time, del func(Entry) bool, zones ...Zone) int {
	at := max(now.UnixNano(), t.now)
	t.now = at
	in, n := zoneSet(zones), 0
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for rec := range s.size {
			if s.alive(rec, at) && in.has(s, rec) && del(s.entry(rec)) {
				t.end(s, rec, false)
				n++
			}
		}
	}
	return n
}

func (s *store) alive(rec uint32, at int64) bool {
	u := s.head(rec)
	return stateOf(u[wordMeta]) != None && at < int64(u[wordExpiry])
}

type liveRecord struct {
	store *store
	rec   uint32
	birth uint32
}

// live returns the live connections of the zones in the order they were opened.
func (t *Table) live(at int64, zones []Zone) []liveRecord {
	var list []liveRecord
	in := zoneSet(zones)
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for rec := range s.size {
			if s.alive(rec, at) && in.has(s, rec) {
				list = append(list, liveRecord{s, rec, s.birth(rec)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b liveRecord) int {
		return cmp.Compare(t.births-b.birth, t.births-a.birth) // oldest first
	})
	return list
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
