package replay

import (
	"math"
	"time"

	"github.com/sgsim/sgsim/packet/capture"
)

// Disorder says how the timestamps of the captures ran, each capture by itself.
type Disorder struct {
	// Late is the number of packets whose timestamp is before that of an earlier
	// packet, and LateBy the most by which one is. They count as that time.
	Late   uint64
	LateBy time.Duration

	// Steps is how many of them are 10 s or more before the packet just before them:
	// the capturing clock was set back.
	Steps uint64

	// Stray is the number of timestamps that are 10 s or more ahead of the packets
	// before and after. They move no clock.
	Stray uint64
}

// farAhead is a jump, nanoseconds, after which a timestamp has to be borne out by the
// next one. It is below all idle timeouts that AWS lets one set (30 s and up).
const farAhead = int64(10 * time.Second)

// noTime is so far before all timestamps that the first one is a jump.
const noTime = math.MinInt64 + farAhead

// A clock tells what time the packets of one capture count as: their own, or the
// latest one before where that is later, Unix nanoseconds; noTime before any.
type clock struct {
	latest int64
	last   int64 // timestamp of the last packet that had one and was no stray
	Disorder
}

// readAll gives packets of a capture their times, and returns how many have one: the last
// may have to wait for the packet after it, unless the capture has ended.
func (c *clock) readAll(ps []Packet, source int, ended bool) int {
	for i := range ps {
		p := &ps[i]
		at, last := unixNano(p.Frame), i+1 == len(ps)
		jump := at-farAhead >= c.latest
		if jump && last && !ended {
			return i
		}
		if p.Source = source; jump && !last && c.stray(at, unixNano(ps[i+1].Frame)) {
			p.at = c.latest
		} else {
			p.at = c.read(at)
		}
	}
	return len(ps)
}

// stray reports whether only one packet jumps, by the timestamp of the packet after it.
func (c *clock) stray(at, after int64) bool {
	if after == noTime || at-farAhead < after {
		return false
	}
	c.Stray++
	if c.latest == noTime {
		c.latest, c.last = after, after
	}
	return true
}

// read goes on to a timestamp, and returns the time that counts.
func (c *clock) read(at int64) int64 {
	switch {
	case at > c.latest:
		c.latest, c.last = at, at
	case at != noTime:
		if at < c.latest {
			c.Late++
			c.LateBy = max(c.LateBy, time.Duration(min(uint64(c.latest-at), math.MaxInt64)))
			if at <= c.last-farAhead {
				c.Steps++
			}
		}
		c.last = at
	}
	return c.latest
}

func (d *Disorder) addAll(o *Disorder) {
	d.Late += o.Late
	d.LateBy = max(d.LateBy, o.LateBy)
	d.Steps += o.Steps
	d.Stray += o.Stray
}

// unixNano returns the frame's timestamp, and noTime where it has none that can be
// expressed: one beyond would stop the clock.
func unixNano(f *capture.Frame) int64 {
	const most = (math.MaxInt64 - 2*farAhead) / int64(time.Second)
	s := f.Time.Unix()
	if s < -most || s > most {
		return noTime
	}
	return s*int64(time.Second) + int64(f.Time.Nanosecond())
}
