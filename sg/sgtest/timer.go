package sgtest

import (
	"container/heap"
	"time"
)

// timers are the sockets that wait for a time of the network's clock, the next one
// first. A socket may be listed with an earlier time than it needs; it then checks
// and waits again.
type timers []*socket

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due.Before(t[j].due) }

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].slot, t[j].slot = i, j
}

func (t *timers) Push(x any) {
	s := x.(*socket)
	s.slot = len(*t)
	*t = append(*t, s)
}

func (t *timers) Pop() any {
	old := *t
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	s.slot = -1
	return s
}

// wait makes s tick at due or earlier.
func (t *timers) wait(s *socket, due time.Time) {
	switch {
	case s.slot < 0:
		s.due = due
		heap.Push(t, s)
	case due.Before(s.due):
		s.due = due
		heap.Fix(t, s.slot)
	}
}

func (t *timers) remove(s *socket) {
	if s.slot >= 0 {
		heap.Remove(t, s.slot)
	}
}

// fire lets every socket tick whose time has come.
func (n *Network) fire() {
	now := n.Clock.Now()
	for len(n.timers) > 0 && !n.timers[0].due.After(now) {
		s := heap.Pop(&n.timers).(*socket)
		s.tick(now)
		n.touch(s)
	}
	n.run()
}

// arm sets a timer that wakes the network when the next socket has to tick. This
// one timer is all that ever runs by itself.
func (n *Network) arm() {
	if len(n.timers) == 0 || !n.wakeAt.IsZero() && !n.timers[0].due.Before(n.wakeAt) {
		return
	}
	n.wakeAt = n.timers[0].due
	wait := n.wakeAt.Sub(n.Clock.Now())
	if n.wake == nil {
		n.wake = time.AfterFunc(wait, n.woken)
	} else {
		n.wake.Reset(wait)
	}
}

func (n *Network) woken() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wakeAt = time.Time{}
	n.fire()
}

// advance is Clock.Advance: time passes from one tick to the next.
func (n *Network) advance(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.timers) > 0 {
		wait := n.timers[0].due.Sub(n.Clock.Now())
		if wait > d {
			break
		}
		if wait > 0 {
			n.Clock.skip(wait)
			d -= wait
		}
		n.fire()
	}
	n.Clock.skip(d)
	n.wakeAt = time.Time{} // what is left to wait has changed
	n.arm()
}
