package conntrack

import (
	"errors"
	"math"
	"time"
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

	// MaxEntries is the most connections that the table holds; 0 or less means no
	// maximum. At the maximum Commit refuses new ones; nothing is evicted (CTS-57,
	// CT-63). Dead connections do not count, whether or not they were swept.
	MaxEntries int
}

// A Table is a connection table. Make one with [NewTable]; the zero Table is not
// usable.
//
// Only Peek, All, Len, Now, Stats and Clone may run at the same time as each other;
// everything else needs the table to itself. A table and its clones are
// independent. A filter that runs on many goroutines keeps a table for each, and
// gives both directions of a connection to the same one.
//
// A record takes 32 bytes for an IPv4 connection and 64 for an IPv6 one; the Linux
// profile adds 72 to each. With spare room, a million take some 56 and 110 bytes
// each; small tables and those that have just grown take up to twice that. None of it
// holds a pointer, so the garbage collector does not scan it.
//
// On Linux a large table lies in pages of 2 MiB if the kernel agrees. The insert
// that first touches one waits until the kernel has cleared it: some tenths of a
// millisecond, or some milliseconds in a virtual machine whose host has to find
// the memory first. The memory of an ended connection is reused. A table never
// shrinks; its memory is freed only with the table.
type Table struct {
	profile   Profile
	pickup    bool
	now       int64 // the latest time seen, in ns since 1970
	hash      hasher
	v4, v6    store
	timeouts  zoneTimeouts
	max       int
	elsewhere int // connections that count against max and are not here; see Fork
	limits    limits
	frags     fragments
	stats     Stats
	missed    missed
}

// missed is the key that Track last failed to find, so that Commit need not look for
// it again.
type missed struct {
	key  key
	hash uint64
}

// ErrProfile is the error for a Profile that does not exist.
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

// latest is the latest time that a table accepts, in 2194, so that adding a
// timeout does not overflow.
const latest = math.MaxInt64 - math.MaxInt32*int64(time.Second)

// clock returns the time as which now counts.
func (t *Table) clock(now time.Time) int64 { return min(max(now.UnixNano(), t.now), latest) }

func (t *Table) store(v6 bool) *store {
	if v6 {
		return &t.v6
	}
	return &t.v4
}

// Clone returns an independent copy, to try something out or to return to this
// moment later. It copies all memory of the table; both then give the same
// answers to the same calls.
func (t *Table) Clone() *Table {
	c := *t
	c.v4, c.v6 = t.v4.clone(&c.hash), t.v6.clone(&c.hash)
	c.timeouts = t.timeouts.clone()
	c.limits = t.limits.clone()
	c.frags = t.frags.clone()
	return &c
}
