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

// noTime is before all timestamps.
const noTime = math.MinInt64

// A clock tells what time the packets of one capture count as: their own, or the
// latest one before where that is later, Unix nanoseconds; noTime before any.
type clock struct {
	latest int64
	last   int64 // timestamp of the last packet that had one and was no stray
	Disorder
}

// readAll reads packets of a capture, and returns how many have their times: without the
// next one, unless none comes, a last packet may have to wait.
func (c *clock) readAll(ps []Packet, source int, ended bool) int {
	for i := range ps {
		p := &ps[i]
		var next *capture.Frame
		if i+1 < len(ps) {
			next = ps[i+1].Frame
		} else if !ended && c.jumps(unixNano(p.Frame)) {
			return i
		}
		p.Source, p.at = source, c.read(p.Frame, next)
	}
	return len(ps)
}

func (c *clock) jumps(at int64) bool {
	return at != noTime && (c.latest == noTime || at-farAhead >= c.latest)
}

// read goes on to f. next is the packet after it; nil where there is none, or f does
// not jump.
func (c *clock) read(f, next *capture.Frame) int64 {
	at := unixNano(f)
	if at > c.latest {
		if next != nil && c.jumps(at) {
			if after := unixNano(next); after != noTime && at-farAhead >= after {
				c.Stray++
				if c.latest == noTime {
					c.latest, c.last = after, after
				}
				return c.latest
			}
		}
		c.latest, c.last = at, at
		return at
	}
	if at != noTime && at < c.latest {
		c.Late++
		c.LateBy = max(c.LateBy, time.Duration(min(uint64(c.latest-at), math.MaxInt64)))
		if at <= c.last-farAhead {
			c.Steps++
		}
	}
	if at != noTime {
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
	if s := f.Time.Unix(); s < -most || s > most {
		return noTime
	}
	return f.Time.UnixNano()
}
