package conntrack

import (
	"time"

	"github.com/sgsim/sgsim/packet"
)

// Track finds the connection that the packet belongs to in the zone, advances it,
// and classifies the packet. It never opens a connection and does not allocate.
//
// Do not pass a Header for which Decode returned an error. Times must be within
// what [time.Time.UnixNano] can express; those after 2194 count as 2194.
func (t *Table) Track(z Zone, h *packet.Header, now time.Time) Result {
	at := t.clock(now)
	t.now = at
	if !whole(h) {
		return t.track(z, h, at)
	}
	// Whole segments and datagrams, that is, nearly all packets.
	var (
		s              *store
		u              *unit
		rec            uint32
		reversed, land uint64
	)
	if h.Family == packet.IPv4 {
		var w0, w1 uint64
		w0, w1, reversed, land = order4(z, endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort))
		s = &t.v4
		hash := t.hash.hash4(w0, w1, h.Protocol)
		if u, rec = s.find4(hash, w0, w1, h.Protocol); u == nil {
			t.missed = missed{key{[5]uint64{w0, w1}, reversed, land, h.Protocol, false}, hash}
		}
	} else {
		var w [5]uint64
		reversed, land = order6(z, &h.Src, &h.Dst, h.SrcPort, h.DstPort, &w)
		s = &t.v6
		hash := t.hash.hash6(&w, h.Protocol)
		if u, rec = s.find6(hash, &w, h.Protocol); u == nil {
			t.missed = missed{key{w, reversed, land, h.Protocol, true}, hash}
		}
	}
	if u == nil || at >= int64(u[wordExpiry]) {
		return t.unconnected(h)
	}
	meta := u[wordMeta]
	dir := directionOf(reversed, land, meta)
	if h.Protocol == packet.TCP && t.profile == AWS && symbolOf[h.TCPFlags] == symACK &&
		meta&(metaReplied|metaState) == metaReplied|uint64(Established)<<stateShift {
		// What advance would do for nearly all segments.
		s.setExpiry(rec, u, at+t.timeouts.of(z)[Established])
		return about(Tracked, dir, WhyNone, meta)
	}
	return t.advance(s, rec, u, z, dir, h, at)
}

// whole reports whether the packet is a segment or datagram with nothing missing.
func whole(h *packet.Header) bool {
	return (h.Protocol == packet.TCP || h.Protocol == packet.UDP) && h.Missing == 0 && h.FragOffset == 0 &&
		(h.Family == packet.IPv4 || h.Family == packet.IPv6)
}

// track is Track for all packets.
func (t *Table) track(z Zone, h *packet.Header, at int64) Result {
	if r, done := t.classify(z, h, at); done {
		return r
	}
	s, rec, dir := t.lookup(z, h.Tuple(), at)
	if s == nil {
		return t.unconnected(h)
	}
	return t.advance(s, rec, s.head(rec), z, dir, h, at)
}

// Peek answers as Track would and changes nothing. The Entry is the connection
// that the packet, or the packet an ICMP error quotes, belongs to, as it stands
// before the packet; the zero Entry if there is none.
func (t *Table) Peek(z Zone, h *packet.Header, now time.Time) (r Result, conn Entry) {
	at := t.clock(now)
	if r, done := t.classify(z, h, at); done {
		if r.Class() == Related {
			s, rec, _ := t.lookup(z, h.Quoted.Tuple, at)
			conn = s.entry(rec)
		}
		return r, conn
	}
	s, rec, dir := t.lookup(z, h.Tuple(), at)
	if s == nil {
		return t.unconnected(h), Entry{}
	}
	e := t.step(s, rec, s.head(rec)[wordMeta], z, dir, h, at, false)
	return t.answer(e, dir), s.entry(rec)
}

// classify answers for packets that by their nature have no connection. done is false
// for all others.
func (t *Table) classify(z Zone, h *packet.Header, at int64) (r Result, done bool) {
	if h.Family != packet.IPv4 && h.Family != packet.IPv6 {
		return plain(Invalid, WhyMissing), true
	}
	if h.LaterFragment() {
		return t.frags.get(z, h, at), true
	}
	switch h.Protocol {
	case packet.ICMP, packet.ICMPv6:
		return t.classifyICMP(z, h, at)
	case packet.NoNext:
		if h.Family == packet.IPv6 {
			return t.untrackable(), true
		}
	default:
		if h.Missing&packet.MissingPorts != 0 && hasPorts(t.profile, h.Protocol) {
			return plain(Invalid, WhyMissing), true
		}
	}
	return Result{}, false
}

// untrackable is the answer for packets with nothing to key a connection by.
func (t *Table) untrackable() Result {
	if t.profile == Linux {
		return plain(Invalid, WhyType)
	}
	return plain(Untracked, WhyType)
}

// unconnected answers for a packet that belongs to no connection.
func (t *Table) unconnected(h *packet.Header) Result {
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

// lookup returns the live connection of a tuple and the tuple's direction in it; a
// nil store if there is none.
func (t *Table) lookup(z Zone, tuple packet.FiveTuple, at int64) (*store, uint32, Direction) {
	var k key
	t.keyOf(z, tuple, &k)
	s := t.store(k.v6)
	u, rec := s.find(t.hash.hash(&k), &k)
	if u == nil || at >= int64(u[wordExpiry]) {
		return nil, 0, 0
	}
	return s, rec, k.direction(u[wordMeta])
}

// keyOf returns the key of the tuple, in either direction.
func (t *Table) keyOf(z Zone, tuple packet.FiveTuple, k *key) {
	if p := tuple.Protocol; !hasPorts(t.profile, p) && p != packet.ICMP && p != packet.ICMPv6 {
		tuple.SrcPort, tuple.DstPort = 0, 0
	}
	keyOf(z, &tuple, k)
}
