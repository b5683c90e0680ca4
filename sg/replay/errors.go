package replay

import (
	"fmt"

	"github.com/sgsim/sgsim/packet"
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
