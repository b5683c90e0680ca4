package conntrack

import (
	"math"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// Fork returns a small table that does with this one packet, in these zones and at this
// time, what t would do. It serves to try a packet without changing t. Of t's
// connections and verdicts it has only those that the packet meets; it counts the
// others against the maxima. Its answers about any other packet mean nothing;
// [Table.Clone] makes a full copy.
//
// Fork changes nothing in t. It looks at all connections only if the packet may
// hit a maximum.
func (t *Table) Fork(h *packet.Header, now time.Time, zones ...Zone) *Table {
	c, err := NewTable(Config{Profile: t.profile, Timeouts: t.timeouts.base, Pickup: t.pickup})
	if err != nil {
		panic(err) // t's configuration is valid
	}
	c.now = t.now
	at := t.clock(now)
	for _, z := range zones {
		to := t.timeouts.of(z)
		c.timeouts.set(z, Timeouts{time.Duration(to[Established]), time.Duration(to[Unreplied]), time.Duration(to[Stream])})
		c.take(t, z, h.Tuple(), at)
		if h.Quoted.Part == packet.QuoteTuple {
			c.take(t, z, h.Quoted.Tuple.Reverse(), at)
		}
		c.frags.take(&t.frags, z, h)
	}
	c.bound(t, zones, at)
	return c
}

// take copies the live connection of a tuple from t, if there is one.
func (t *Table) take(from *Table, z Zone, tuple packet.FiveTuple, at int64) {
	s, rec, _ := from.lookup(z, tuple, at)
	if s == nil {
		return
	}
	if here, _, _ := t.lookup(z, tuple, at); here != nil {
		return
	}
	k := s.key(rec)
	to := t.store(k.v6)
	copied, _ := to.add(t.hash.hash(&k), &k)
	old, u := s.head(rec), to.head(copied)
	u.setMeta(old[wordMeta] &^ metaPassed)
	u[wordExpiry] = never
	to.setExpiry(copied, u, int64(old[wordExpiry]))
	if t.profile == Linux {
		*to.remembered(copied) = *s.remembered(rec)
	}
	t.stats.Inserted++
}

// take copies the verdict for the packet's datagram, if there is one.
func (f *fragments) take(from *fragments, z Zone, h *packet.Header) {
	if v, ok := from.verdicts[fragmentKeyOf(z, h)]; ok {
		f.put(z, h, math.MinInt64, v)
	}
}

// bound gives t the maxima of another table, and the counts of that table's live
// connections.
func (t *Table) bound(from *Table, zones []Zone, at int64) {
	// Each zone may get one more connection. Dead ones count until they are swept.
	near := from.max > 0 && from.Len()+len(zones) > from.max
	for _, z := range zones {
		u := from.limits[z]
		near = near || u != nil && u.limit != nil && u.limit.used+len(zones) > u.limit.max
	}
	if !near {
		return
	}
	if t.limits = from.limits.clone(); t.limits == nil {
		t.limits = limits{}
	}
	for _, u := range t.limits {
		if u.n = 0; u.limit != nil {
			u.limit.used = 0
		}
	}
	live := 0
	for s, rec := range from.records() {
		if s.alive(rec, at) {
			live++
			t.limits.add(s.zone(rec), 1)
		}
	}
	t.max, t.elsewhere = from.max, live-t.Len()
}
