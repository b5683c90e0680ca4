package conntrack

import (
	"math"
	"time"
)

// Stats counts what happened to a table since it was made. Inserted is always the
// sum of Expired, Deleted and Entries.
type Stats struct {
	Inserted uint64
	Expired  uint64 // freed after they had expired
	Deleted  uint64 // gone earlier: by DeleteFunc, by a RST before any reply, by a SYN that opens the tuple again, in the Linux profile also one that is not admitted
	Refused  uint64 // commits refused at a maximum
	Entries  int    // as Len
}

// Len returns the number of connections that take up room: live ones and dead
// ones not yet swept.
func (t *Table) Len() int { return t.v4.used + t.v6.used }

// Now returns the latest time that the table has seen, in UTC; earlier times
// count as this one. It is the zero Time before any call.
func (t *Table) Now() time.Time {
	if t.now == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, t.now).UTC()
}

// Stats returns counts since the table was made.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Entries = t.Len()
	return s
}
