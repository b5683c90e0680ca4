package replay

import (
	"errors"
	"io"
	"iter"

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

// each calls do for the packets of the captures in order, several at a time where
// several are at hand: nothing waits for a batch to fill. Their Frame and Source
// are set, and hold until do returns. pause says that those behind them may be a
// while in coming, as those of a pipe are.
//
// room says where the packets of a single file go, as newBatch makes it; others are
// where they are.
func (r *run) each(room func() batch, do func(ps []Packet, pause bool) error) error {
	if len(r.captures) != 1 {
		return r.merge(do)
	}
	if f, ok := r.captures[0].(*capture.File); ok {
		return r.file(f, room, do)
	}
	ps := make([]Packet, 1)
	for f, err := range r.captures[0].Frames() {
		if err != nil {
			return r.interrupted(err)
		}
		ps[0].Frame = f
		if err := do(ps, false); err != nil {
			return err
		}
	}
	return nil
}

// file is each for a single file.
func (r *run) file(f *capture.File, room func() batch, do func([]Packet, bool) error) error {
	for {
		b := room()
		n, err := f.ReadFrames(b.frames)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return r.interrupted(err)
		}
		if err := do(b.packets[:n], n < len(b.frames)); err != nil {
			return err
		}
	}
}

// A head is the next frame of one of several captures.
type head struct {
	frame *capture.Frame // nil at the end
	err   error

	file   *capture.File // nil where frames are pulled one by one
	frames []capture.Frame
	ahead  []capture.Frame // behind frame
	filled bool            // frames all were
	next   func() (*capture.Frame, error, bool)
}

// advance goes on to the next frame. Where that takes reading, earlier ones of the
// capture are gone.
func (h *head) advance() {
	switch {
	case h.file == nil:
		h.frame, h.err, _ = h.next()
	case len(h.ahead) > 0:
		h.frame, h.ahead = &h.ahead[0], h.ahead[1:]
	default:
		n, err := h.file.ReadFrames(h.frames)
		if err != nil {
			h.frame = nil
			if !errors.Is(err, io.EOF) {
				h.err = err
			}
			return
		}
		h.frame, h.ahead, h.filled = &h.frames[0], h.frames[1:n], n == len(h.frames)
	}
}

// pause reports whether the frame behind the next may be a while in coming.
func (h *head) pause() bool { return h.file != nil && !h.filled && len(h.ahead) == 0 }

// merge is each for several captures, by time. The captures keep their own order:
// a frame that is earlier than its predecessor does not overtake it, and one
// without a time goes at once.
func (r *run) merge(do func(ps []Packet, pause bool) error) error {
	ps := make([]Packet, batchSize)
	heads := make([]head, len(r.captures))
	for i, s := range r.captures {
		h := &heads[i]
		if f, ok := s.(*capture.File); ok {
			h.file, h.frames = f, make([]capture.Frame, batchSize)
		} else {
			var stop func()
			h.next, stop = iter.Pull2(s.Frames())
			defer stop()
		}
		h.advance()
	}
	for n := 0; ; {
		first := -1
		for i := range heads {
			h := &heads[i]
			if h.err != nil { // damage is told where it is, not at the end
				return r.interrupted(h.err)
			}
			if h.frame != nil && (first < 0 || timeOf(h.frame).Before(timeOf(heads[first].frame))) {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		h := &heads[first]
		ps[n].Frame, ps[n].Source = h.frame, first
		if n++; n == len(ps) || len(h.ahead) == 0 {
			if err := do(ps[:n], h.pause()); err != nil {
				return err
			}
			n = 0
		}
		h.advance()
	}
}
