package replay

import (
	"bytes"
	"cmp"
	"io"
	"iter"
	"slices"

	"github.com/sgsim/sgsim/packet/capture"
)

// batchSize is how many packets are looked at together, at most: enough that their
// look-ups wait for memory at the same time, few enough for the nearest cache.
const batchSize = 32

// A batch has room for packets that are looked at together.
type batch struct {
	packets []Packet
	frames  []capture.Frame // as many
}

func newBatch(n int) batch {
	b := batch{make([]Packet, n), make([]capture.Frame, n)}
	for i := range b.packets {
		b.packets[i].Frame = &b.frames[i]
	}
	return b
}

// A stretch is packets of one capture that are at hand together.
type stretch struct {
	packets []Packet
	pause   bool // those behind them may be a while in coming, as those of a pipe are
}

// each calls do for the packets of the captures in order, several at a time where
// several are at hand: nothing waits for a batch to fill. They are unwrapped, and those
// that were there already are left out. Their Frame, Source, Tunnels, place and at are
// set, and hold until do returns.
//
// room says where the packets of a single capture go, two at least, as newBatch makes
// it; those of several are where they are.
func (r *run) each(room func() batch, do func(stretch) error) error {
	if len(r.captures) != 1 {
		return r.merge(do)
	}
	for s, err := range r.feed(0, room) {
		if err != nil {
			return r.interrupted(err)
		}
		for i := 0; i < len(s.packets); i++ {
			p := &s.packets[i]
			if p.Frame.Header.Tunnel() == 0 && len(p.Tunnels) == 0 {
				continue // in no tunnel; calling unwrap for each takes 1 % of a replay
			}
			if r.unwrap(p); len(p.Tunnels) == 0 || !r.double(p) {
				continue
			}
			if i > 0 {
				if err := do(stretch{packets: s.packets[:i]}); err != nil {
					return err
				}
			}
			s.packets, i = s.packets[i+1:], -1
		}
		if len(s.packets) == 0 {
			continue
		}
		if err := do(s); err != nil {
			return err
		}
	}
	return nil
}

// feed yields the packets of a capture in its order. An error ends it.
func (r *run) feed(source int, room func() batch) iter.Seq2[stretch, error] {
	return func(yield func(stretch, error) bool) {
		c := &r.clocks[source]
		var kept capture.Frame // waits for the next
		n := 0                 // kept ones
		// pass yields the kept frame and more that are behind its place in b, but for a
		// last one that waits. It reports whether more may follow.
		pass := func(b batch, more int, pause bool, err error) bool {
			if n > 0 {
				b.frames[0] = kept
			}
			ps := b.packets[:n+more]
			ready := c.readAll(ps, source, err != nil)
			if n = len(ps) - ready; n > 0 {
				kept = b.frames[ready]
				kept.Data = bytes.Clone(kept.Data)
			}
			if ready > 0 && !yield(stretch{ps[:ready], pause}, nil) {
				return false
			}
			if err != nil && err != io.EOF {
				yield(stretch{}, err)
			}
			return err == nil
		}
		file, ok := r.captures[source].(*capture.File)
		for ok {
			b := room()
			more, err := file.ReadFrames(b.frames[n:])
			if !pass(b, more, n+more < len(b.frames), err) {
				return
			}
		}
		for f, err := range r.captures[source].Frames() {
			b, more := room(), 0
			if err == nil {
				b.frames[n], more = *f, 1
			}
			if !pass(b, more, false, err) {
				return
			}
		}
		pass(room(), 0, false, io.EOF)
	}
}

// A head is one of several captures: what it has at hand.
type head struct {
	stretch
	err    error
	source int
	next   func() (stretch, error, bool)
}

// advance goes on to what follows what was at hand, and reports whether anything does.
func (h *head) advance() (ok bool) {
	h.stretch, h.err, ok = h.next()
	return ok
}

// compare orders heads by time, and by the order of the captures where that is the same.
// Damage comes first: it is told where it is, not at the end.
func (h *head) compare(o *head) int {
	switch {
	case h.err == nil && o.err == nil:
		return cmp.Or(cmp.Compare(h.packets[0].at, o.packets[0].at), cmp.Compare(h.source, o.source))
	case h.err == nil:
		return 1
	case o.err == nil:
		return -1
	}
	return cmp.Compare(h.source, o.source)
}

// merge is each for several captures, by time. The captures keep their own order: a
// frame that is earlier than its predecessor does not overtake it, and one without a
// time goes at once.
func (r *run) merge(do func(stretch) error) error {
	var heads []*head // the next one first
	for i := range r.captures {
		own := newBatch(batchSize)
		next, stop := iter.Pull2(r.feed(i, func() batch { return own }))
		defer stop()
		if h := (&head{source: i, next: next}); h.advance() {
			heads = append(heads, h)
		}
	}
	slices.SortFunc(heads, (*head).compare)
	ps := make([]Packet, batchSize)
	for n := 0; len(heads) > 0; {
		h := heads[0]
		if h.err != nil {
			return r.interrupted(h.err)
		}
		p := &h.packets[0]
		if r.unwrap(p); !r.double(p) {
			ps[n].Frame, ps[n].Source, ps[n].at = p.Frame, p.Source, p.at
			ps[n].Tunnels, ps[n].place = p.Tunnels, p.place
			n++
		}
		h.packets = h.packets[1:]
		if n == len(ps) || n > 0 && len(h.packets) == 0 {
			if err := do(stretch{ps[:n], h.pause && len(h.packets) == 0}); err != nil {
				return err
			}
			n = 0
		}
		if len(h.packets) == 0 && !h.advance() {
			heads = heads[1:]
			continue
		}
		i, _ := slices.BinarySearchFunc(heads[1:], h, (*head).compare)
		copy(heads, heads[1:1+i])
		heads[i] = h
	}
	return nil
}
