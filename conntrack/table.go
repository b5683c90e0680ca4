package conntrack

import (
	"iter"
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
	// At the maximum Commit refuses; nothing is evicted (CTS-57, CT-63).
	MaxEntries int
}

// A Table is a connection table. Use [NewTable] to make one.
//
// One goroutine at a time may call its methods.
type Table struct {
	m model
}

// NewTable returns an empty table. It fails if a timeout lies outside its documented
// range.
func NewTable(c Config) (*Table, error) {
	if err := c.Timeouts.check(c.Profile); err != nil {
		return nil, err
	}
	return &Table{newModel(c)}, nil
}

// Track finds the connection that the packet belongs to in the zone, advances
// it, and says what the packet is to the table. It never opens a connection.
// A Header that Decode gave an error for must not be passed.
func (t *Table) Track(z Zone, h *packet.Header, now time.Time) Result {
	return t.m.Track(z, h, now)
}

// Peek answers as Track would and changes nothing. The Entry is the connection
// as it stands before the packet; the zero Entry if there is none.
func (t *Table) Peek(z Zone, h *packet.Header, now time.Time) (Result, Entry) {
	return t.m.Peek(z, h, now)
}

// Commit opens the connection of a packet for which Track just answered New, and
// reports whether there was room. tag is the caller's own and comes back in
// Result.Tag; a firewall keeps the rule there.
func (t *Table) Commit(z Zone, h *packet.Header, now time.Time, tag uint32) bool {
	return t.m.Commit(z, h, now, tag)
}

// CommitFragment remembers what was decided for the first fragment of a datagram,
// so that Track can answer for the later ones: 30 s for IPv4, 60 s for IPv6
// (CTS-43).
func (t *Table) CommitFragment(z Zone, h *packet.Header, now time.Time, accepted bool) {
	t.m.CommitFragment(z, h, now, accepted)
}

// SetTimeouts sets the timeouts of connections that are opened or refreshed in
// the zone from now on. Zero fields mean the table's own.
func (t *Table) SetTimeouts(z Zone, to Timeouts) error { return t.m.SetTimeouts(z, to) }

// Limit sets a maximum that the zones share, besides the table's: AWS counts an
// instance's connections over all its ENIs (CT-04, CT-63). 0 lifts it.
func (t *Table) Limit(max int, zones ...Zone) { t.m.Limit(max, zones...) }

// DeleteFunc removes the live connections for which del returns true and returns
// their number. With zones given it looks only at theirs.
func (t *Table) DeleteFunc(now time.Time, del func(Entry) bool, zones ...Zone) int {
	return t.m.DeleteFunc(now, del, zones...)
}

// Expire frees the memory of at most budget dead connections, and returns how
// many. It changes no answer; Commit sweeps a little on its own.
func (t *Table) Expire(now time.Time, budget int) int { return t.m.Expire(now, budget) }

// Len returns the number of connections that take up room: live ones and dead
// ones not yet swept.
func (t *Table) Len() int { return len(t.m.conns) }

// Stats returns counts since the table was made.
func (t *Table) Stats() Stats { return t.m.Stats() }

// Clone returns an independent copy, so that a what-if may go on from here.
func (t *Table) Clone() *Table { return &Table{t.m.clone()} }

// All yields the live connections at now, in the order they were opened. With
// zones given it yields only theirs.
func (t *Table) All(now time.Time, zones ...Zone) iter.Seq[Entry] { return t.m.All(now, zones...) }
