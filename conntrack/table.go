package conntrack

import (
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

	// MaxEntries is the most connections the table holds; 0 means no maximum.
	// At the maximum Commit refuses; nothing is evicted (CTS-57, CT-63). Dead
	// connections do not count, whether or not they were swept.
	MaxEntries int
}

// A Table is a connection table. Use [NewTable] to make one.
//
// Only Peek, All, Len, Stats and Clone may run at the same time as each other;
// everything else needs the table to itself. A table and its clones are
// independent. Filters that run on many goroutines keep a table for each, and
// give a connection's packets of both directions to the same one.
//
// A connection takes 45 to 49 bytes for IPv4 and 77 to 81 for IPv6, index
// included, in the AWS profile; the Linux profile adds 72. None of them holds a
// pointer, so they cost the garbage collector nothing. The memory of a connection
// that ended is used again, and given back when the table is collected.
type Table struct {
	profile  Profile
	pickup   bool
	now      int64 // the latest time seen, in ns since 1970
	hash     hasher
	v4, v6   store
	timeouts zoneTimeouts
	births   uint32 // connections opened so far
	max      int
	limits   limits
	frags    fragments
	stats    Stats
}

// NewTable returns an empty table. Its error is a [*TimeoutError].
func NewTable(c Config) (*Table, error) {
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
// what [time.Time.UnixNano] can express.
func (t *Table) Track(z Zone, h *packet.Header, now time.Time) Result {
	at := max(now.UnixNano(), t.now)
	t.now = at

	// Whole IPv4 segments and datagrams: the way of nearly all packets.
	if h.Family == packet.IPv4 && (h.Protocol == packet.TCP || h.Protocol == packet.UDP) &&
		h.Missing == 0 && h.FragOffset == 0 {
		a, b := endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort)
		w0, w1 := words4(z, min(a, b), max(a, b))
		u, rec := t.v4.find4(t.hash.hash4(w0, w1, h.Protocol), w0, w1, h.Protocol)
		if rec == noRecord || at >= int64(u[wordExpiry]) {
			return t.fresh(h)
		}
		dir := Original
		if b < a != (u[wordMeta]&metaReversed != 0) || a == b {
			dir = Reply
		}
		return t.advance(&t.v4, rec, u, z, dir, h, at)
	}
	return t.trackAny(z, h, at)
}

func (t *Table) trackAny(z Zone, h *packet.Header, at int64) Result {
	r, done := t.sort(z, h, at)
	if done {
		return r
	}
	s, rec, dir := t.lookup(z, h, at)
	if s == nil {
		return t.fresh(h)
	}
	return t.advance(s, rec, s.head(rec), z, dir, h, at)
}

// Peek answers as Track would and changes nothing. The Entry is the connection
// that the packet, or the packet an ICMP error quotes, belongs to, as it stands
// before the packet; the zero Entry if there is none.
func (t *Table) Peek(z Zone, h *packet.Header, now time.Time) (Result, Entry) {
	at := max(now.UnixNano(), t.now)
	if r, done := t.sort(z, h, at); done {
		if r.Class != Related {
			return r, Entry{}
		}
		s, rec, _ := t.lookupTuple(z, h.Quoted.Tuple, at)
		return r, s.entry(rec)
	}
	s, rec, dir := t.lookup(z, h, at)
	if s == nil {
		return t.fresh(h), Entry{}
	}
	r, _, _, _ := t.step(s, rec, s.head(rec), z, dir, h, at, false)
	return r, s.entry(rec)
}

// Commit opens the connection of a packet for which Track just answered New, and
// reports whether there was room. tag is the caller's own and comes back in
// Result.Tag; a firewall keeps the rule there. For a packet that belongs to a
// live connection already it does nothing and reports true.
//
// Commit frees a few dead connections when there are any, so that a steady stream
// of new ones does not make the table grow.
func (t *Table) Commit(z Zone, h *packet.Header, now time.Time, tag uint32) bool {
	at := max(now.UnixNano(), t.now)
	t.now = at
	t.sweep(at, 4, 4) // more than it opens

	if _, done := t.sort(z, h, at); done {
		return false
	}
	var k key
	t.keyOf(z, h.Tuple(), &k)
	s := t.store(k.v6)
	hash := t.hash.hash(&k)
	rec := s.find(hash, &k)
	if rec != noRecord {
		u := s.head(rec)
		dead := at >= int64(u[wordExpiry])
		if !dead {
			r, _, _, _ := t.step(s, rec, u, z, t.direction(&k, u), h, at, false)
			if r.Class != New {
				return r.Class == Tracked
			}
		}
		t.end(s, rec, dead)
	}
	if r := t.fresh(h); r.Class != New {
		return false
	}
	if !t.room(z, at) {
		t.stats.Refused++
		return false
	}
	rec, ok := s.add(hash, &k, t.births)
	if !ok {
		t.stats.Refused++
		return false
	}
	t.births++
	t.open(s, rec, z, &k, h, at, tag)
	return true
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
	u[wordMeta] = meta
	u[wordExpiry] = never
	s.setExpiry(rec, u, at+timeout)
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
		return Result{Why: WhyMissing}, true
	}
	if h.LaterFragment() {
		known, accepted := t.frags.get(z, h, at)
		return Result{Class: Fragment, Known: known, Accepted: accepted}, true
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
			return Result{Why: WhyMissing}, true
		}
	}
	return Result{}, false
}

// unkeyed is the answer for packets with nothing to key a connection by.
func (t *Table) unkeyed() Result {
	if t.profile == Linux {
		return Result{Why: WhyType}
	}
	return Result{Class: Untracked, Why: WhyType}
}

// fresh answers for a packet that belongs to no connection.
func (t *Table) fresh(h *packet.Header) Result {
	switch h.Protocol {
	case packet.TCP:
		if h.Missing&packet.MissingTCPFlags != 0 {
			return Result{Why: WhyMissing}
		}
		switch symbolOf[h.TCPFlags] {
		case symSYN:
			return Result{Class: New}
		case symACK:
			if t.pickup {
				return Result{Class: New}
			}
		case symIllegal:
			return Result{Why: WhyFlags}
		}
		return Result{Why: WhyNoSYN}
	case packet.ICMP, packet.ICMPv6:
		if !packet.IsQuery(h.Protocol, h.ICMPType) {
			return Result{Why: WhyNoRequest}
		}
	}
	return Result{Class: New}
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

func (t *Table) direction(k *key, u *unit) Direction {
	if k.land || k.reversed != (u[wordMeta]&metaReversed != 0) {
		return Reply
	}
	return Original
}

// lookup returns the live connection of the packet and the packet's direction; a
// nil store if there is none.
func (t *Table) lookup(z Zone, h *packet.Header, at int64) (*store, uint32, Direction) {
	return t.lookupTuple(z, h.Tuple(), at)
}

func (t *Table) lookupTuple(z Zone, tuple packet.FiveTuple, at int64) (*store, uint32, Direction) {
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
	return s, rec, t.direction(&k, u)
}

// step works out what the packet does to its connection: the answer, the new meta
// word and, for outcomeRefresh, the timeout. Only with remember does it change
// what the Linux profile remembers of the connection.
func (t *Table) step(s *store, rec uint32, u *unit, z Zone, dir Direction, h *packet.Header, at int64, remember bool) (r Result, meta uint64, timeout int64, out outcome) {
	to := t.timeouts.of(z)
	meta = u[wordMeta]
	why := WhyNone
	switch {
	case h.Protocol != packet.TCP:
		var age int64
		if t.profile == Linux {
			age = at - s.remembered(rec).opened
		}
		meta, timeout = stepOther(t.profile, meta, dir, age, to)
		out = outcomeRefresh
	case h.Missing&packet.MissingTCPFlags != 0:
		out, why = outcomeInvalid, WhyMissing
	case t.profile == Linux:
		m := &s.remembered(rec).tcp
		if !remember {
			copied := *m
			m = &copied
		}
		meta, timeout, out, why = stepLinux(m, meta, dir, h, to)
	default:
		meta, timeout, out, why = stepTCP(meta, dir, h.TCPFlags, to)
	}
	r = Result{
		Class: Tracked, Dir: dir, State: stateOf(meta), Why: why,
		Replied: meta&metaReplied != 0, Tag: uint32(meta >> 32),
	}
	switch {
	case out == outcomeReopen:
		r = Result{Class: New}
	case out == outcomeInvalid && t.profile == Linux && why != WhyMissing:
		r.Class, r.Dir = Invalid, 0
	}
	return r, meta, timeout, out
}

// advance applies the packet to its connection.
func (t *Table) advance(s *store, rec uint32, u *unit, z Zone, dir Direction, h *packet.Header, at int64) Result {
	r, meta, timeout, out := t.step(s, rec, u, z, dir, h, at, true)
	if out == outcomeRefresh {
		s.setExpiry(rec, u, at+timeout)
	}
	if old := u[wordMeta]; old != meta {
		t.stats.ByState[stateOf(old)]--
		t.stats.ByState[stateOf(meta)]++
		u[wordMeta] = meta
	}
	if out == outcomeDelete {
		t.end(s, rec, false)
	}
	return r
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
