package conntrack

import (
	"time"

	"github.com/sgsim/sgsim/packet"
)

// Commit opens the connection of a packet for which Track just answered New, and
// reports whether there was room. tag belongs to the caller and comes back in
// [Result.Tag]; a firewall keeps the rule there. If the packet already belongs to
// a live connection, Commit does nothing and reports true.
//
// Commit also reports false for a packet that cannot open a connection. It frees dead
// connections before it takes more memory, so a steady stream of new ones does not
// make the table grow.
//
// A Commit looks at no more than the 4,600 records of a segment, a few times at each,
// except at a maximum. There it looks for dead records until they make room, at each
// record at most once, and not again before that one may have died. If 2 million
// connections turn out to live on because each was refreshed, that takes 35 ms for IPv4
// and 80 for IPv6; if 2 million dead ones of other zones come before one of its own, 80
// and 125. A smaller bound would cost every packet time, to keep the connections in the
// order of their deaths. Call [Table.Expire] between packets if you cannot wait.
func (t *Table) Commit(z Zone, h *packet.Header, now time.Time, tag uint32) bool {
	at := t.clock(now)
	t.now = at
	var k key
	hash, absent := t.recall(z, h, &k)
	if !absent {
		k = key{}
		if _, done := t.classify(z, h, at); done {
			return false
		}
		t.keyOf(z, h.Tuple(), &k)
		hash = t.hash.hash(&k)
		if c := t.clear(z, &k, hash, h, at); c != New {
			return c == Tracked
		}
	}
	if t.unconnected(h).Class() != New {
		return false
	}
	if !t.room(z, at) {
		t.stats.Refused++
		return false
	}
	s := t.store(k.v6)
	if t.limits != nil { // else a zone at a maximum would find the dead of all others before its own
		for range 4 {
			t.sweep(at, unlimited)
		}
	}
	t.prepare(s, hash, at)
	rec, ok := s.add(hash, &k)
	if !ok {
		t.stats.Refused++
		return false
	}
	t.open(s, rec, z, &k, h, at, tag)
	return true
}

// clear frees the key's record if it is dead, or if the packet would reopen its
// connection, and then returns New. Otherwise it returns what the packet is to the
// connection.
func (t *Table) clear(z Zone, k *key, hash uint64, h *packet.Header, at int64) Class {
	s := t.store(k.v6)
	u, rec := s.find(hash, k)
	if u == nil {
		return New
	}
	dead := at >= int64(u[wordExpiry])
	if !dead {
		dir := k.direction(u[wordMeta])
		e := t.step(s, rec, u[wordMeta], z, dir, h, at, false)
		if c := t.answer(e, dir).Class(); c != New {
			return c
		}
	}
	t.end(s, rec, dead)
	return New
}

// recall returns the hash of the packet's key and fills in the key, if Track
// missed that key last.
func (t *Table) recall(z Zone, h *packet.Header, k *key) (hash uint64, ok bool) {
	if !whole(h) {
		return 0, false
	}
	k.ofPorts(z, h)
	return t.missed.hash, *k == t.missed.key
}

// open starts the record's connection.
func (t *Table) open(s *store, rec uint32, z Zone, k *key, h *packet.Header, at int64, tag uint32) {
	to := t.timeouts.of(z)
	state, timeout := Unreplied, int64(0)
	switch {
	case h.Protocol != packet.TCP:
		timeout = otherTimeout(t.profile, h.Protocol, state, to)
		if t.profile == Linux {
			s.remembered(rec).opened = at
		}
	case t.profile == Linux:
		first := s.remembered(rec).tcp.open(h, to)
		state, timeout = first.state, first.timeout
	case symbolOf[h.TCPFlags] == symSYN:
		state, timeout = SynSent, to[SynSent]
	default:
		state, timeout = Established, min(to[Established], linuxUnacked)
	}
	meta := metaOf(h.Protocol, state, tag)
	meta |= (k.reversed &^ k.land) << reversedShift
	u := s.head(rec)
	u.setMeta(meta)
	u[wordExpiry] = never
	s.setExpiry(rec, u, at+timeout)
	t.missed.key.proto = 0 // this may have been the key missed last
	t.stats.Inserted++
	if t.limits != nil {
		t.limits.add(z, 1)
	}
}
