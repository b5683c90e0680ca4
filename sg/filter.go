package sg

import (
	"sync"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// A Filter is a [Firewall] for raw frames and several goroutines, to be called by
// a link between two network stacks, a TUN device or a packet queue. Make one
// with [NewFilter].
//
// A link that carries only packets of ENIs should pass what is accepted and
// nothing else, so that a misspelt ENI does not open it. A link that carries
// Ethernet should also pass frames that are not IP, whose Decision.Reason is
// NotIP.
type Filter struct {
	mu sync.Mutex
	f  *Firewall
}

// NewFilter returns a filter over f. From then on f must be used only through the
// filter, [Filter.Do] included.
func NewFilter(f *Firewall) *Filter { return &Filter{f: f} }

// Frame decides about a frame that passes an ENI. It keeps nothing of frame and
// does not allocate. Frames that are not IP are not applicable: ARP passes below
// security groups (EX-09), so links should let such frames through.
func (x *Filter) Frame(id ENIID, dir Direction, link packet.LinkType, frame []byte, now time.Time) Decision {
	var h packet.Header
	err := packet.Decode(link, frame, len(frame), &h)
	return x.Evaluate(id, dir, Packet{Header: &h, Time: now, Err: err})
}

// Evaluate decides about a packet that passes an ENI. It is for callers who have
// a header instead of a frame: a wrapper of a net.PacketConn sees no frame, but
// knows both addresses.
func (x *Filter) Evaluate(id ENIID, dir Direction, p Packet) Decision {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.f.ENI(id).Evaluate(dir, p)
}

// Forward decides about a frame on its whole path, as [Firewall.Forward] does.
func (x *Filter) Forward(link packet.LinkType, frame []byte, now time.Time) Outcome {
	var h packet.Header
	err := packet.Decode(link, frame, len(frame), &h)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.f.Forward(Packet{Header: &h, Time: now, Err: err})
}

// Do calls fn with the firewall while no frame is being decided, to change rules
// or swap the policy. fn must not keep the firewall.
func (x *Filter) Do(fn func(*Firewall)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	fn(x.f)
}
