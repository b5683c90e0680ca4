package packetlog

import (
	"errors"
	"fmt"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/replay"
)

// A Split is a [replay.Observer] that writes the accepted packets to one capture and
// the dropped ones to another. Packets that nobody judged are in neither. A nil
// Writer leaves its packets out. Flush the writers at the end.
type Split struct {
	Accepted *capture.Writer
	Dropped  *capture.Writer
}

// Observe implements [replay.Observer]. The error for a packet that the format of the
// output cannot hold is a [*FrameError].
func (s *Split) Observe(p *replay.Packet) error {
	var w *capture.Writer
	switch p.Outcome.Verdict {
	case sg.Accept:
		w = s.Accepted
	case sg.Drop:
		w = s.Dropped
	}
	if w == nil {
		return nil
	}
	return frameError(p, w.WriteFrame(p.Frame))
}

// A FrameError says which packet could not be written.
type FrameError struct {
	Source int   // the packet's capture, among those given to [replay.Run]
	Packet int   // its number in that capture
	Offset int64 // where its record starts there, bytes
	Err    error // of [capture.Writer.WriteFrame], which names the packet
}

func (e *FrameError) Error() string { return fmt.Sprintf("byte %d: %v", e.Offset, e.Err) }

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }

// frameError says which packet it was that a capture cannot hold.
func frameError(p *replay.Packet, err error) error {
	if errors.Is(err, capture.ErrTime) || errors.Is(err, capture.ErrTooLong) || errors.Is(err, capture.ErrLinkTypes) {
		return &FrameError{Source: p.Source, Packet: p.Frame.Number, Offset: p.Frame.Offset, Err: err}
	}
	return err
}
