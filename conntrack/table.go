package conntrack

import (
	"errors"
	"math"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// Config says how a [Table] behaves. The zero Config is the AWS profile with its
// documented timeouts, no pick-up and no maximum.
type Config struct {
	Profile  Profile
	Timeouts Timeouts // zero fields: the profile's defaults

	// Pickup lets a TCP segment with ACK that belongs to no connection open
	// one in state Established, as Linux does with nf_conntrack_tcp_loose
	// (CTS-13). Without it such a segment is Invalid with WhyNoSYN.
	Pickup bool

	// MaxEntries is the most connections the table holds; 0 or less means no maximum.
	// At the maximum Commit refuses; nothing is evicted (CTS-57, CT-63). Dead
	// connections do not count, whether or not they were swept.
	MaxEntries int
}

// A Table is a connection table. Use [NewTable] to make one; the zero Table is none.
//
// Only Peek, All, Len, Now, Stats and Clone may run at the same time as each other;
// everything else needs the table to itself. A table and its clones are
// independent. Filters that run on many goroutines keep a table for each, and
// give a connection's packets of both directions to the same one.
//
// A record of an IPv4 connection takes 32 bytes, one of an IPv6 connection 64 and
// some 9 to be found by; the Linux profile has another 72 for each. With the room
// for more, a million take some 56 and 75 bytes each; small tables and those that
// have just grown take up to twice that. None of it holds a pointer, so that the
// garbage collector passes it by.
//
// On Linux a large table lies in pages of 2 MiB where the kernel likes. The insert
// that is first to touch one waits until the kernel has cleared it: some tenths of
// a millisecond, and some milliseconds in a virtual machine whose host has to find
// the memory first. The memory of a connection that ended is used again. A table
// never shrinks, and all of its memory goes with it.
type Table struct {
	profile  Profile
	pickup   bool
	now      int64 // the latest time seen, in ns since 1970
	hash     hasher
	v4, v6   store
	timeouts zoneTimeouts
	max      int
	limits   limits
	frags    fragments
	stats    Stats
	missed   missed
	hints    hints
}

// missed is the IPv4 key that Track looked for last and that has no record, so that
// Commit need not look for it again.
type missed struct {
	w0, w1, hash uint64
	proto        packet.Protocol // 0: none
}

// ErrProfile is the error for a Profile that there is not.
var ErrProfile = errors.New("conntrack: unknown profile")

// NewTable returns an empty table. Its error is a [*TimeoutError] or [ErrProfile].
func NewTable(c Config) (*Table, error) {
	if c.Profile > Linux {
		return nil, ErrProfile
	}
	if err := c.Timeouts.check(c.Profile); err != nil {
		return nil, err
	}
	t := &Table{
		profile:  c.Profile,
		pickup:   c.Pickup,
		now:      math.MinInt64,
		hash:     newHasher(),
		timeouts: newZoneTimeouts(c.Timeouts.resolve(defaultTimeouts(c.Profile))),
		max:      c.MaxEntries,
	}
	linux := c.Profile == Linux
	t.v4, t.v6 = newStore(false, linux, &t.hash), newStore(true, linux, &t.hash)
	return t, nil
}

// Track finds the connection that the packet belongs to in the zone, advances
// it, and says what the packet is to the table. It never opens a connection. It
// does not allocate.
//
// A Header that Decode gave an error for must not be passed. Times must be within
// what [time.Time.UnixNano] can express; those after 2194 count as then.
func (t *Table) Track(z Zone, h *packet.Header, now time.Time) Result {
	at := t.clock(now)
	t.now = at
	if !whole(h) {
		return t.track(z, h, at)
	}
	// Whole segments and datagrams: the way of nearly all packets.
	var (
		s              *store
		u              *unit
		rec            uint32
		reversed, land uint64
	)
	switch h.Family {
	case packet.IPv4:
		var w0, w1 uint64
		w0, w1, reversed, land = order4(z, endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort))
		s = &t.v4
		hash := t.hash.hash4(w0, w1, h.Protocol)
		// What find4 would do, for nearly all: with 10,000 connections that took
		// 52 ns instead of 57, making the header included.
		g := s.segment(hash)
		i := g.home(hash)
		b := &g.buckets[i]
		switch slot := match4(b, w0, w1); {
		case slot < bucketSlots && b[slot][wordMeta]&(metaLive|metaProtocol) == metaLive|uint64(h.Protocol):
			u, rec = &b[slot], g.record(i, uint32(slot))
		case slot < bucketSlots || b[0][wordMeta]&metaPassed != 0:
			u, rec = s.find4(hash, w0, w1, h.Protocol)
		}
		if u == nil {
			t.missed = missed{w0, w1, hash, h.Protocol}
		}
	case packet.IPv6:
		var w [5]uint64
		reversed, land = order6(z, &h.Src, &h.Dst, h.SrcPort, h.DstPort, &w)
		s = &t.v6
		u, rec = s.find6(t.hash.hash6(&w, h.Protocol), &w, h.Protocol)
	default:
		return t.track(z, h, at)
	}
	if u == nil || at >= int64(u[wordExpiry]) {
		return t.fresh(h)
	}
	meta := u[wordMeta]
	dir := directionOf(reversed, land, meta)
	if h.Protocol == packet.TCP && t.profile == AWS && symbolOf[h.TCPFlags] == symACK &&
		meta&(metaReplied|metaState) == metaReplied|uint64(Established)<<stateShift {
		// What advance would do, for what nearly all segments are.
		s.setExpiry(rec, u, at+t.timeouts.of(z)[Established])
		return about(Tracked, dir, WhyNone, meta)
	}
	return t.advance(s, rec, u, z, dir, h, at)
}

// latest is the latest time that a table knows, in 2194: a timeout more can be
// expressed too.
const latest = math.MaxInt64 - math.MaxInt32*int64(time.Second)

// clock returns the time that now counts as.
func (t *Table) clock(now time.Time) int64 { return min(max(now.UnixNano(), t.now), latest) }

// whole reports whether the packet is a segment or datagram of which nothing is
// missing.
func whole(h *packet.Header) bool {
	return (h.Protocol == packet.TCP || h.Protocol == packet.UDP) && h.Missing == 0 && h.FragOffset == 0
}

// track is Track for all packets.
func (t *Table) track(z Zone, h *packet.Header, at int64) Result {
	if r, done := t.sort(z, h, at); done {
		return r
	}
	s, rec, dir := t.lookup(z, h.Tuple(), at)
	if s == nil {
		return t.fresh(h)
	}
	return t.advance(s, rec, s.head(rec), z, dir, h, at)
}

// Peek answers as Track would and changes nothing. The Entry is the connection
// that the packet, or the packet an ICMP error quotes, belongs to, as it stands
// before the packet; the zero Entry if there is none.
func (t *Table) Peek(z Zone, h *packet.Header, now time.Time) (r Result, conn Entry) {
	at := t.clock(now)
	if r, done := t.sort(z, h, at); done {
		if r.Class() == Related {
			s, rec, _ := t.lookup(z, h.Quoted.Tuple, at)
			conn = s.entry(rec)
		}
		return r, conn
	}
	s, rec, dir := t.lookup(z, h.Tuple(), at)
	if s == nil {
		return t.fresh(h), Entry{}
	}
	e := t.step(s, rec, s.head(rec)[wordMeta], z, dir, h, at, false)
	return t.answer(e, dir), s.entry(rec)
}

// Commit opens the connection of a packet for which Track just answered New, and
// reports whether there was room. tag is the caller's own and comes back in
// [Result.Tag]; a firewall keeps the rule there. For a packet that belongs to a
// live connection already it does nothing and reports true.
//
// Commit reports false too for a packet that opens nothing. It frees dead connections
// before it takes more memory, over IPv6 those that have been dead for 8 s, so that
// a steady stream of new ones does not make the table grow.
func (t *Table) Commit(z Zone, h *packet.Header, now time.Time, tag uint32) bool {
	at := t.clock(now)
	t.now = at
	var k key
	hash, absent := t.recall(z, h, &k)
	if !absent {
		if _, done := t.sort(z, h, at); done {
			return false
		}
		t.keyOf(z, h.Tuple(), &k)
		hash = t.hash.hash(&k)
		if c := t.clear(z, &k, hash, h, at); c != New {
			return c == Tracked
		}
	}
	if t.fresh(h).Class() != New {
		return false
	}
	if !t.room(z, at) {
		t.stats.Refused++
		return false
	}
	s := t.store(k.v6)
	if t.limits != nil {
		t.sweepSome(at)
	}
	t.reclaim(s, hash, at)
	rec, ok := s.add(hash, &k)
	if !ok {
		t.stats.Refused++
		return false
	}
	t.open(s, rec, z, &k, h, at, tag)
	return true
}

// clear frees the record of the key where it is dead, or of a connection that the
// packet would open again, and returns New then; else it returns what the packet is
// to the connection.
func (t *Table) clear(z Zone, k *key, hash uint64, h *packet.Header, at int64) Class {
	s := t.store(k.v6)
	rec := s.find(hash, k)
	if rec == noRecord {
		return New
	}
	u := s.head(rec)
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

// recall returns the hash of the packet's key, and fills in the key, if it is the
// one that Track missed last.
func (t *Table) recall(z Zone, h *packet.Header, k *key) (hash uint64, ok bool) {
	if h.Family != packet.IPv4 || !whole(h) || h.Protocol != t.missed.proto {
		return 0, false
	}
	var reversed, land uint64
	k.w[0], k.w[1], reversed, land = order4(z, endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort))
	k.proto, k.reversed, k.land = h.Protocol, reversed != 0, land != 0
	return t.missed.hash, k.w[0] == t.missed.w0 && k.w[1] == t.missed.w1
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
	if k.reversed && !k.land {
		meta |= metaReversed
	}
	u := s.head(rec)
	u.setMeta(meta)
	u[wordExpiry] = never
	s.setExpiry(rec, u, at+timeout)
	t.missed.proto = 0 // it may have been this one
	t.stats.Inserted++
	t.stats.ByState[state]++
	*t.stats.of(h.Protocol)++
	if t.limits != nil {
		t.limits.add(z, 1)
	}
}

// sort answers for packets that have no connection by their nature. done is false
// for the others.
func (t *Table) sort(z Zone, h *packet.Header, at int64) (r Result, done bool) {
	if h.Family != packet.IPv4 && h.Family != packet.IPv6 {
		return plain(Invalid, WhyMissing), true
	}
	if h.LaterFragment() {
		return t.frags.get(z, h, at), true
	}
	switch h.Protocol {
	case packet.ICMP, packet.ICMPv6:
		return t.sortICMP(z, h, at)
	case packet.NoNext:
		if h.Family == packet.IPv6 {
			return t.unkeyed(), true
		}
	default:
		if h.Missing&packet.MissingPorts != 0 && hasPorts(t.profile, h.Protocol) {
			return plain(Invalid, WhyMissing), true
		}
	}
	return Result{}, false
}

// unkeyed is the answer for packets with nothing to key a connection by.
func (t *Table) unkeyed() Result {
	if t.profile == Linux {
		return plain(Invalid, WhyType)
	}
	return plain(Untracked, WhyType)
}

// fresh answers for a packet that belongs to no connection.
func (t *Table) fresh(h *packet.Header) Result {
	switch h.Protocol {
	case packet.TCP:
		if h.Missing&packet.MissingTCPFlags != 0 {
			return plain(Invalid, WhyMissing)
		}
		switch symbolOf[h.TCPFlags] {
		case symSYN:
			return plain(New, WhyNone)
		case symACK:
			if t.pickup {
				return plain(New, WhyNone)
			}
		case symIllegal:
			return plain(Invalid, WhyFlags)
		}
		return plain(Invalid, WhyNoSYN)
	case packet.ICMP, packet.ICMPv6:
		if !packet.IsQuery(h.Protocol, h.ICMPType) {
			return plain(Invalid, WhyNoRequest)
		}
	}
	return plain(New, WhyNone)
}

// keyOf returns the key of the tuple, in either direction.
func (t *Table) keyOf(z Zone, tuple packet.FiveTuple, k *key) {
	if p := tuple.Protocol; !hasPorts(t.profile, p) && p != packet.ICMP && p != packet.ICMPv6 {
		tuple.SrcPort, tuple.DstPort = 0, 0
	}
	keyOf(z, &tuple, k)
}

func (t *Table) store(v6 bool) *store {
	if v6 {
		return &t.v6
	}
	return &t.v4
}

// directionOf returns the direction of a packet in the connection with the meta
// word; reversed and land are those of the packet's key, 0 or 1. It has no branch,
// because nobody could predict it.
func directionOf(reversed, land, meta uint64) Direction {
	return Original + Direction((meta>>reversedShift^reversed|land)&1)
}

// lookup returns the live connection of a tuple and the tuple's direction in it; a
// nil store if there is none.
func (t *Table) lookup(z Zone, tuple packet.FiveTuple, at int64) (*store, uint32, Direction) {
	var k key
	t.keyOf(z, tuple, &k)
	s := t.store(k.v6)
	rec := s.find(t.hash.hash(&k), &k)
	if rec == noRecord {
		return nil, 0, 0
	}
	u := s.head(rec)
	if at >= int64(u[wordExpiry]) {
		return nil, 0, 0
	}
	return s, rec, k.direction(u[wordMeta])
}

// step works out what the packet does to its connection. Only with remember does
// it change what the Linux profile remembers of the connection.
func (t *Table) step(s *store, rec uint32, meta uint64, z Zone, dir Direction, h *packet.Header, at int64, remember bool) effect {
	to := t.timeouts.of(z)
	switch {
	case h.Protocol != packet.TCP:
		var age int64
		if t.profile == Linux {
			age = at - s.remembered(rec).opened
		}
		return stepOther(t.profile, meta, dir, age, to)
	case h.Missing&packet.MissingTCPFlags != 0:
		return effect{meta, 0, outcomeInvalid, WhyMissing}
	case t.profile == AWS:
		return stepTCP(meta, dir, h.TCPFlags, to)
	}
	m := &s.remembered(rec).tcp
	if !remember {
		copied := *m
		m = &copied
	}
	return stepLinux(m, meta, dir, h, to)
}

// answer says of a packet what it made of its connection.
func (t *Table) answer(e effect, dir Direction) Result {
	switch {
	case e.outcome == outcomeReopen:
		return plain(New, WhyNone)
	case e.outcome == outcomeInvalid && t.profile == Linux && e.why != WhyMissing:
		return about(Invalid, 0, e.why, e.meta)
	}
	return about(Tracked, dir, e.why, e.meta)
}

// advance applies the packet to its connection.
func (t *Table) advance(s *store, rec uint32, u *unit, z Zone, dir Direction, h *packet.Header, at int64) Result {
	old := u[wordMeta]
	e := t.step(s, rec, old, z, dir, h, at, true)
	if e.outcome == outcomeRefresh {
		s.setExpiry(rec, u, at+e.timeout)
	}
	if old != e.meta {
		t.stats.ByState[stateOf(old)]--
		t.stats.ByState[stateOf(e.meta)]++
		u[wordMeta] = e.meta
	}
	if e.outcome == outcomeDelete || e.outcome == outcomeReopen && t.profile == Linux {
		// Linux forgets the old connection when it sees the SYN, whatever becomes of
		// that. Assumption: AWS changes nothing for a packet that is not admitted
		// (CTS-19).
		t.end(s, rec, false)
	}
	return t.answer(e, dir)
}

// end frees the record of a connection.
func (t *Table) end(s *store, rec uint32, expired bool) {
	meta := s.head(rec)[wordMeta]
	t.stats.ByState[stateOf(meta)]--
	*t.stats.of(protocolOf(meta))--
	if expired {
		t.stats.Expired++
	} else {
		t.stats.Deleted++
	}
	if t.limits != nil {
		t.limits.add(s.zone(rec), -1)
	}
	s.drop(rec)
}
