package replay

import (
	"cmp"
	"time"

	"github.com/sgsim/sgsim/sg"
)

// A Timeline counts packets, or records, by verdict over the time of the input. It has at
// most 1,024 slots: their width doubles as the input gets longer.
type Timeline struct {
	// Start is when the first slot begins, at or before the first packet; a slot begins
	// at a whole multiple of Width. Both are zero where no packet has a time.
	Start time.Time
	Width time.Duration

	// Slots follow each other without a gap. The first and the last have packets.
	Slots []Slot
}

const maxSlots = 1024

// A Slot counts the packets of some time.
type Slot struct {
	Accepted, Dropped, Unknown, NotApplicable uint64
}

func (s *Slot) add(o Slot) {
	s.Accepted += o.Accepted
	s.Dropped += o.Dropped
	s.Unknown += o.Unknown
	s.NotApplicable += o.NotApplicable
}

// of returns the count of a verdict.
func (s *Slot) of(v sg.Verdict) *uint64 {
	switch v {
	case sg.Accept:
		return &s.Accepted
	case sg.Drop:
		return &s.Dropped
	case sg.Unknown:
		return &s.Unknown
	}
	return &s.NotApplicable
}

// Of returns the counts of a verdict, slot by slot.
func (l *Timeline) Of(v sg.Verdict) []uint64 {
	counts := make([]uint64, len(l.Slots))
	for i := range l.Slots {
		counts[i] = *l.Slots[i].of(v)
	}
	return counts
}

// Add counts one more. Slots begin as wide as Width says, whole milliseconds, 10 where it
// is 0.
func (l *Timeline) Add(at time.Time, v sg.Verdict) {
	var one Slot
	*one.of(v) = 1
	l.add(at, one)
}

// add counts those of a slot, which has some.
func (l *Timeline) add(at time.Time, more Slot) {
	if len(l.Slots) == 0 {
		l.Width = cmp.Or(l.Width, tick)
		l.Start = l.begin(l.number(at))
	}
	i := l.number(at) - l.number(l.Start)
	for i >= maxSlots || int64(len(l.Slots))-i > maxSlots {
		l.fold()
		i = l.number(at) - l.number(l.Start)
	}
	if i < 0 {
		l.Start = l.begin(l.number(at))
		l.Slots, i = append(make([]Slot, -i), l.Slots...), 0
	}
	for i >= int64(len(l.Slots)) {
		l.Slots = append(l.Slots, Slot{})
	}
	l.Slots[i].add(more)
}

// number is the slot of a time, counted from 1970, and begin when that one begins.
// Milliseconds hold the whole multiples of all widths for all times, as nanoseconds do not.
func (l *Timeline) number(at time.Time) int64 { return floor(at.UnixMilli(), l.millis()) }

func (l *Timeline) begin(number int64) time.Time { return time.UnixMilli(number * l.millis()).UTC() }

func (l *Timeline) millis() int64 { return cmp.Or(l.Width, tick).Milliseconds() }

// fold makes one slot of two.
func (l *Timeline) fold() {
	old := *l
	*l = Timeline{Width: 2 * old.Width}
	l.addAll(&old)
}

// addAll adds another timeline, whose slots are no wider.
func (l *Timeline) addAll(o *Timeline) {
	for i, s := range o.Slots {
		if s != (Slot{}) {
			l.add(o.begin(o.number(o.Start)+int64(i)), s)
		}
	}
}

// merge adds another timeline of the same unit.
func (l *Timeline) merge(o *Timeline) {
	if len(l.Slots) == 0 {
		l.Width = o.Width
	}
	for l.Width < o.Width {
		l.fold()
	}
	l.addAll(o)
}

// floor divides, and rounds down.
func floor(a, b int64) int64 { return (a - mod(a, b)) / b }

// mod is the remainder that is never negative: captures from before 1970 exist.
func mod(a, b int64) int64 { return ((a % b) + b) % b }

// A watch fills a timeline with what a tally counts. It looks at the tally where a slot
// ends, so that packets cost nothing.
type watch struct {
	Timeline
	began time.Time // in the slot that counts now; zero before any
	next  int64     // the number of the slot after it
	seen  Slot      // up to the last slot
}

// now is for every tick. What the tally holds came before it.
func (w *watch) now(now time.Time, t *tally) {
	if now.IsZero() || !w.began.IsZero() && w.number(now) < w.next {
		return
	}
	w.end(t)
	w.began, w.next = now, w.number(now)+1
}

// end counts what came since the last slot. Packets before the first one with a time are
// in the first slot.
func (w *watch) end(t *tally) {
	if w.began.IsZero() {
		return
	}
	var sum, more Slot
	for v := range t.counts {
		for r := range t.counts[v] {
			*sum.of(sg.Verdict(v)) += t.counts[v][r].Packets
		}
		*more.of(sg.Verdict(v)) = *sum.of(sg.Verdict(v)) - *w.seen.of(sg.Verdict(v))
	}
	if w.seen = sum; more != (Slot{}) {
		w.add(w.began, more)
	}
}
