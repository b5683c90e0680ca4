package replay

import (
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
)

// A Split is an [Observer] that writes the accepted packets to one capture and
// the dropped ones to another. Packets that nobody judged are in neither. A nil
// Writer leaves its packets out. Flush the writers at the end.
type Split struct {
	Accepted *capture.Writer
	Dropped  *capture.Writer
}

// Observe implements [Observer].
func (s *Split) Observe(p *Packet) error {
	switch {
	case p.Outcome.Verdict == sg.Accept && s.Accepted != nil:
		return s.Accepted.WriteFrame(p.Frame)
	case p.Outcome.Verdict == sg.Drop && s.Dropped != nil:
		return s.Dropped.WriteFrame(p.Frame)
	}
	return nil
}
