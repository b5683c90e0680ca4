package sgtest

import (
	"sync"
	"time"
)

// Epoch is where a zero [Clock] starts.
var Epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// A Clock stands still until it is told to move, so a test of a five-day timeout
// takes no time. The zero Clock shows [Epoch]. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	moved time.Duration
	lead  func() time.Time // nil: Epoch
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lead == nil {
		return Epoch.Add(c.moved)
	}
	return c.lead().Add(c.moved)
}

// Advance moves the clock by d. Security groups never see time go backwards, so a
// negative d has no effect on them.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}

// Follow makes the clock show what now returns, and move with it from here on;
// earlier calls of Advance are forgotten. Follow(time.Now) inside a bubble of
// testing/synctest makes the firewall's timers run on the bubble's clock; outside,
// on the machine's.
func (c *Clock) Follow(now func() time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lead, c.moved = now, 0
}
