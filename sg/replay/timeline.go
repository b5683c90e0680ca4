package replay

import (
	"time"

	"github.com/sgsim/sgsim/sg"
)

// A Timeline counts packets by verdict over the time of the input. It has at most
// [MaxSlots] slots: their width doubles as the input gets longer.
type Timeline struct {
	// Start is when the first slot begins, at or before the first packet; a slot begins
	// at a whole multiple of Width. Both are zero where no packet has a time.
	Start time.Time
	Width time.Duration

	// Slots follow each other without a gap. The first and the last have packets.
	Slots []Slot
}

// MaxSlots is how many slots a timeline has at most.
const MaxSlots = 1024

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

// slots are a timeline that grows. Times are Unix milliseconds, which hold the beginning of
// every slot.
type slots struct {
	width int64 // a unit times a power of two
	first int64 // of the slots: its time by width
	all   []Slot
}

// slotWidth is the narrowest of packets: a tick.
const slotWidth = tick / int64(time.Millisecond)

// at returns the slot of a time. It holds until the next call.
func (s *slots) at(t int64) *Slot {
	n := floor(t, s.width)
	if len(s.all) == 0 {
		s.first = n
	}
	for n-s.first >= MaxSlots || s.first+int64(len(s.all))-n > MaxSlots {
		s.fold()
		n = floor(t, s.width)
	}
	if n < s.first {
		s.all = append(make([]Slot, s.first-n), s.all...)
		s.first = n
	}
	for n >= s.first+int64(len(s.all)) {
		s.all = append(s.all, Slot{})
	}
	return &s.all[n-s.first]
}

// fold makes one slot of two.
func (s *slots) fold() {
	first := floor(s.first, 2)
	var all []Slot
	for i := range s.all {
		n := floor(s.first+int64(i), 2) - first
		if n == int64(len(all)) {
			all = append(all, Slot{})
		}
		all[n].add(s.all[i])
	}
	s.width, s.first, s.all = 2*s.width, first, all
}

// merge adds the slots of another timeline of the same unit.
func (s *slots) merge(o *slots) {
	for s.width < o.width {
		s.fold()
	}
	for i := range o.all {
		if o.all[i] != (Slot{}) {
			s.at((o.first + int64(i)) * o.width).add(o.all[i])
		}
	}
}

// timeline returns the timeline without what is empty at its ends.
func (s *slots) timeline() Timeline {
	first, end := 0, len(s.all)
	for first < end && s.all[first] == (Slot{}) {
		first++
	}
	for end > first && s.all[end-1] == (Slot{}) {
		end--
	}
	if first == end {
		return Timeline{}
	}
	return Timeline{
		Start: time.UnixMilli((s.first + int64(first)) * s.width).UTC(), Width: time.Duration(s.width) * time.Millisecond, Slots: s.all[first:end],
	}
}

// floor divides, and rounds down.
func floor(a, b int64) int64 { return (a - mod(a, b)) / b }

// A watch fills slots with what a tally counts. It looks at the tally where a slot ends,
// so that packets cost nothing.
type watch struct {
	slots
	began, next int64 // a time in the slot that counts now, and its end
	running     bool
	seen        Slot // up to the last slot
}

// now is for every tick. What the tally holds came before it.
func (w *watch) now(now time.Time, t *tally) {
	at := now.UnixMilli()
	if w.running && at < w.next || now.IsZero() {
		return
	}
	if w.running {
		w.end(t)
	}
	w.running, w.began, w.next = true, at, at-mod(at, w.width)+w.width
}

// end counts what came since the last slot. Packets before the first one with a time are
// in the first slot.
func (w *watch) end(t *tally) {
	if !w.running {
		return
	}
	var sum, more Slot
	for v := range t.counts {
		for r := range t.counts[v] {
			*sum.of(sg.Verdict(v)) += t.counts[v][r].Packets
		}
	}
	for v := range t.counts {
		*more.of(sg.Verdict(v)) = *sum.of(sg.Verdict(v)) - *w.seen.of(sg.Verdict(v))
	}
	if w.seen = sum; more != (Slot{}) {
		w.at(w.began).add(more)
	}
}
