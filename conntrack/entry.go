package conntrack

import (
	"time"

	"github.com/sgsim/sgsim/packet"
)

// An Entry describes one connection. It is a copy.
type Entry struct {
	Zone    Zone
	Tuple   packet.FiveTuple // of the original direction
	State   State
	Replied bool
	Assured bool // Linux: seen to be real, as conntrack -L shows it (CTS-06)
	Tag     uint32
	Expires time.Time
}
