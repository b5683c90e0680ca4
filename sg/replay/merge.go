package replay

import (
	"iter"

	"github.com/sgsim/sgsim/packet/capture"
)

// A captured frame knows which capture it comes from.
type captured struct {
	frame  *capture.Frame
	source int
}

// frames yields those of one capture.
func frames(s Source) iter.Seq2[captured, error] {
	return func(yield func(captured, error) bool) {
		for f, err := range s.Frames() {
			if !yield(captured{f, 0}, err) {
				return
			}
		}
	}
}

// merge yields the frames of all sources by time. The sources keep their own
// order: a frame that is earlier than its predecessor does not overtake it,
// and one without a time goes at once.
func merge(sources []Source) iter.Seq2[captured, error] {
	if len(sources) == 1 {
		return frames(sources[0])
	}
	return func(yield func(captured, error) bool) {
		type head struct {
			frame *capture.Frame // nil at the end
			err   error
			next  func() (*capture.Frame, error, bool)
		}
		heads := make([]head, len(sources))
		for i, s := range sources {
			next, stop := iter.Pull2(s.Frames())
			defer stop()
			heads[i].next = next
			heads[i].frame, heads[i].err, _ = next()
		}
		for {
			first := -1
			for i := range heads {
				h := &heads[i]
				if h.err != nil { // damage is told where it is, not at the end
					yield(captured{source: i}, h.err)
					return
				}
				if h.frame != nil && (first < 0 || timeOf(h.frame).Before(timeOf(heads[first].frame))) {
					first = i
				}
			}
			if first < 0 {
				return
			}
			h := &heads[first]
			if !yield(captured{h.frame, first}, nil) {
				return
			}
			h.frame, h.err, _ = h.next()
		}
	}
}
