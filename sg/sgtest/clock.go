package sgtest

import (
	"sync"
	"time"
)

// Epoch is where a zero [Clock] starts.
var Epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// A Clock stands still until told to move, so a test of a five-day timeout takes
// no time. The zero Clock shows [Epoch]. It is safe for concurrent use.
//
// The clock of a [Network] with connections runs. Programs at their ends use
// time.Now, so from the first call of [Network.Listen], [Network.ListenPacket] or
// [Network.Dialer] the clock runs on like time.Now, from the time it shows. Inside a
// bubble of testing/synctest that is the bubble's time, and days pass in a moment;
// elsewhere it is the machine's. A clock that already follows something keeps
// following it; that clock should run at the pace of time.Now, or stand still until
// Advance.
type Clock struct {
	mu      sync.Mutex
	moved   time.Duration
	lead    func() time.Time    // nil: Epoch
	advance func(time.Duration) // set by a network with connections; nil: nothing waits
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
//
// Connections send what they would send meanwhile, keepalives and lost segments,
// each at its time. Deadlines, contexts and whatever else programs wait for follow
// time.Now and do not notice: a test that needs those to pass sleeps in a bubble.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	advance := c.advance
	if advance == nil {
		c.moved += d
	}
	c.mu.Unlock()
	if advance != nil {
		advance(d)
	}
}

// Follow makes the clock show what now returns from here on; earlier calls of
// Advance are forgotten. Follow(time.Now) inside a bubble of testing/synctest
// makes the firewall's timers run on the bubble's clock; outside, on the
// machine's. Call it before there are connections, since the times that they wait
// for do not move along.
func (c *Clock) Follow(now func() time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lead, c.moved = now, 0
}

// run makes a clock that stands still run on like time.Now. From here on Advance
// calls advance, which moves the clock with skip.
func (c *Clock) run(advance func(time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lead == nil {
		shown, start := Epoch.Add(c.moved), time.Now()
		c.lead, c.moved = func() time.Time { return shown.Add(time.Since(start)) }, 0
	}
	c.advance = advance
}

func (c *Clock) skip(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}
