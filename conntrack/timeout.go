package conntrack

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Idle timeouts that AWS documents. EC2 API, ConnectionTrackingConfiguration, and
// EC2 user guide, "Security group connection tracking", read 2026-11 (CT-30 to
// CT-33). Every packet of a connection, in either direction, refreshes its entry.
const (
	DefaultTCPEstablished = 432_000 * time.Second

	// NitroV6TCPEstablished is the default of TCPEstablished on Nitro v6 instance
	// types, except P6e-GB200.
	NitroV6TCPEstablished = 350 * time.Second

	// DefaultUDP is for connections with packets in one direction only, or with a
	// single request and response.
	DefaultUDP = 30 * time.Second

	// DefaultUDPStream is for connections with more than one request and
	// response.
	DefaultUDPStream = 180 * time.Second

	// OtherTimeout is for protocols other than TCP, UDP, ICMP and ICMPv6. It
	// cannot be set.
	OtherTimeout = 600 * time.Second
)

// Timeouts are idle timeouts. A zero field means the default.
//
// In the AWS profile the fields have documented ranges (CTS-64): TCPEstablished
// 60 s to 432,000 s, UDP 30 s to 60 s, UDPStream 60 s to 180 s. In the Linux
// profile they must be positive and at most 2^31-1 s, and UDPStream is 120 s by
// default. All other timeouts, which AWS does not document, are fixed at the
// values of Linux (CT-34, CT-35, CTS-23).
type Timeouts struct {
	TCPEstablished time.Duration
	UDP            time.Duration
	UDPStream      time.Duration
}

// A TimeoutError says which timeout lies outside its range.
type TimeoutError struct {
	Field    string // of Timeouts
	Value    time.Duration
	Min, Max time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("conntrack: timeout %s is %v: must be from %v to %v", e.Field, e.Value, e.Min, e.Max)
}

// timeouts are nanoseconds by state. TCP states and those of other protocols
// share the array, with UDP in the Unreplied, Replied and Stream slots.
type timeouts [16]int64

const (
	// linuxUnacked caps the timeout of a picked-up connection without reply,
	// and in the Linux profile of one with unacknowledged data, with a closed
	// window, or with its third identical ACK (CTS-23).
	linuxUnacked = int64(300 * time.Second)

	icmpTimeout      = int64(30 * time.Second)
	greTimeout       = int64(30 * time.Second)
	greStreamTimeout = int64(180 * time.Second)
	sctpTimeout      = int64(210 * time.Second)

	// udpStreamAge is how long a UDP connection has to last to count as a stream
	// in the Linux profile (CTS-28).
	udpStreamAge = int64(2 * time.Second)
)

// resolve fills the zero fields of to from def.
func (to Timeouts) resolve(def Timeouts) Timeouts {
	return Timeouts{
		TCPEstablished: cmp.Or(to.TCPEstablished, def.TCPEstablished),
		UDP:            cmp.Or(to.UDP, def.UDP),
		UDPStream:      cmp.Or(to.UDPStream, def.UDPStream),
	}
}

func defaultTimeouts(p Profile) Timeouts {
	to := Timeouts{DefaultTCPEstablished, DefaultUDP, DefaultUDPStream}
	if p == Linux {
		to.UDPStream = 120 * time.Second
	}
	return to
}

// check returns a *TimeoutError for the first field out of range. Zero fields
// are in range.
func (to Timeouts) check(p Profile) error {
	for _, f := range []TimeoutError{
		{"TCPEstablished", to.TCPEstablished, 60 * time.Second, DefaultTCPEstablished},
		{"UDP", to.UDP, 30 * time.Second, 60 * time.Second},
		{"UDPStream", to.UDPStream, 60 * time.Second, 180 * time.Second},
	} {
		if p == Linux {
			f.Min, f.Max = 1, math.MaxInt32*time.Second
		}
		if f.Value != 0 && (f.Value < f.Min || f.Value > f.Max) {
			return &f
		}
	}
	return nil
}

// table returns the timeouts by state; to has no zero fields.
func (to Timeouts) table() timeouts {
	s := int64(time.Second)
	return timeouts{
		SynSent:     120 * s,
		SynRecv:     60 * s,
		Established: int64(to.TCPEstablished),
		FinWait:     120 * s,
		CloseWait:   60 * s,
		LastAck:     30 * s,
		TimeWait:    120 * s,
		Close:       10 * s,
		SynSent2:    120 * s,
		Unreplied:   int64(to.UDP),
		Replied:     int64(to.UDP),
		Stream:      int64(to.UDPStream),
	}
}

// zoneTimeouts finds the timeouts of a zone. Zones with small numbers, as callers
// with thousands of them use, take four bytes and no hashing.
type zoneTimeouts struct {
	base Timeouts // no zero fields
	sets []timeouts
	near []uint32 // set by zone
	far  map[Zone]uint32
	ids  map[Timeouts]uint32
}

const nearZones = 1 << 20

func newZoneTimeouts(base Timeouts) zoneTimeouts {
	return zoneTimeouts{base: base, sets: []timeouts{base.table()}}
}

// of returns the timeouts of the zone.
func (t *zoneTimeouts) of(z Zone) *timeouts {
	if uint64(z) < uint64(len(t.near)) {
		return &t.sets[t.near[z]]
	}
	if t.far == nil {
		return &t.sets[0]
	}
	return &t.sets[t.far[z]]
}

func (t *zoneTimeouts) set(z Zone, to Timeouts) {
	to = to.resolve(t.base)
	var id uint32
	if to != t.base {
		var ok bool
		if id, ok = t.ids[to]; !ok {
			if t.ids == nil {
				t.ids = map[Timeouts]uint32{}
			}
			id = uint32(len(t.sets))
			t.ids[to] = id
			t.sets = append(t.sets, to.table())
		}
	}
	switch {
	case z < nearZones:
		if id == 0 && int(z) >= len(t.near) {
			return
		}
		if n := int(z) + 1; n > len(t.near) {
			t.near = append(t.near, make([]uint32, n-len(t.near))...)
		}
		t.near[z] = id
	case id == 0:
		delete(t.far, z)
	default:
		if t.far == nil {
			t.far = map[Zone]uint32{}
		}
		t.far[z] = id
	}
}

func (t *zoneTimeouts) clone() zoneTimeouts {
	c := *t
	c.sets, c.near = slices.Clone(t.sets), slices.Clone(t.near)
	c.far, c.ids = maps.Clone(t.far), maps.Clone(t.ids)
	return c
}

// SetTimeouts sets the timeouts of connections that are opened or refreshed in
// the zone from now on. Zero fields mean the table's own. On error, a
// [*TimeoutError], nothing changes.
func (t *Table) SetTimeouts(z Zone, to Timeouts) error {
	if err := to.check(t.profile); err != nil {
		return err
	}
	t.timeouts.set(z, to)
	return nil
}
