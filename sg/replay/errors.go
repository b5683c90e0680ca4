package replay

import (
	"errors"
	"fmt"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
)

// A LinkError says that packets were not judged because nobody can tell where in
// their frames the IP header is. They count as not applicable; all other packets
// were judged.
type LinkError struct {
	Source  int             // the first one's capture, among those given to Run
	Packet  int             // the first one's number in that capture
	Link    packet.LinkType // and its link type
	Packets uint64          // how many there were, over all captures and link types
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("unsupported link type: %v; packets not judged: %d, packet %d first", e.Link, e.Packets, e.Packet)
}

// Unwrap returns [packet.ErrLinkType].
func (e *LinkError) Unwrap() error { return packet.ErrLinkType }

// frameError says which packet it was that a capture cannot hold.
func frameError(p *Packet, err error) error {
	if errors.Is(err, capture.ErrTime) || errors.Is(err, capture.ErrTooLong) || errors.Is(err, capture.ErrLinkTypes) {
		return &FrameError{Source: p.Source, Packet: p.Frame.Number, Offset: p.Frame.Offset, Err: err}
	}
	return err
}

// A FrameError says which packet could not be written.
type FrameError struct {
	Source int   // the packet's capture, among those given to Run
	Packet int   // its number in that capture
	Offset int64 // where its record starts there, bytes
	Err    error // of [capture.Writer.WriteFrame], which names the packet
}

func (e *FrameError) Error() string { return fmt.Sprintf("byte %d: %v", e.Offset, e.Err) }

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }
