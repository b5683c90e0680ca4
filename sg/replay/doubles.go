package replay

import (
	"hash/maphash"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// doubles finds packets that several captures hold, as those taken at both ends of a
// connection do, whatever their clocks show within bounds. The n-th packet of a kind
// in one capture is the n-th in the others, a kind being all that a header says but
// what changes on the way or with the length that was captured.
type doubles struct {
	Count
	recent, before map[kindIn]uint32
	turned         int64 // Unix nanoseconds: when recent was new
}

// A kindIn is a kind of packets in a capture, or where source is -1 the most that
// any has of it.
type kindIn struct {
	kind   uint64
	source int
}

const (
	// doubleWithin bounds, in nanoseconds, how far the clocks of two captures may be
	// apart: at least once this, at most twice.
	doubleWithin = int64(10 * time.Second)

	maxKinds = 1 << 20 // in recent, for 40 MB
)

var kindSeed = maphash.MakeSeed()

// add reports whether another capture had the packet already.
func (d *doubles) add(p *Packet) bool {
	if p.Frame.Err != nil || p.at == noTime {
		return false
	}
	if p.at-d.turned >= doubleWithin || len(d.recent) >= maxKinds || d.recent == nil {
		d.before = d.recent
		if p.at-d.turned >= 2*doubleWithin {
			d.before = nil
		}
		d.recent, d.turned = map[kindIn]uint32{}, p.at
	}
	h := p.Frame.Header
	h.HopLimit, h.Captured, h.Missing, h.Quoted = 0, 0, 0, packet.Quote{}
	k := kindIn{maphash.Comparable(kindSeed, h), p.Source}
	n := d.get(k) + 1
	d.recent[k] = n
	k.source = -1
	if n <= d.get(k) {
		d.Count.add(p.Frame.Length)
		return true
	}
	d.recent[k] = n
	return false
}

func (d *doubles) get(k kindIn) uint32 {
	if n, ok := d.recent[k]; ok {
		return n
	}
	return d.before[k]
}
