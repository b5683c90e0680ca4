package replay

import (
	"hash/maphash"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// doubles finds packets that several captures hold, as those taken at both ends of a
// connection do, whatever their clocks show within bounds, and copies of one packet
// from several interfaces. The n-th packet of a kind from one point of view is the n-th
// from the others, a kind being all that a header says but what changes on the way or
// with the length that was captured.
type doubles struct {
	Count
	recent, before map[kindIn]uint32
	turned         int64 // Unix nanoseconds: when recent was new
}

// A kindIn is a kind of packets from a point of view: in a capture, and if they are
// copies, from the address that sent them. Where source is -1 it is the most from any.
type kindIn struct {
	kind   uint64
	source int
	outer  [16]byte
}

const (
	// doubleWithin bounds, in nanoseconds, how far the clocks of two captures may be
	// apart: at least once this, at most twice.
	doubleWithin = int64(10 * time.Second)

	maxKinds = 1 << 20 // in recent, for 40 MB
)

var kindSeed = maphash.MakeSeed()

// double reports whether the packet was there already.
func (r *run) double(p *Packet) bool {
	if r.Place != nil || len(r.captures) == 1 && len(p.Tunnels) == 0 || p.Frame.Err != nil || p.at == noTime ||
		!r.doubles.add(p) {
		return false
	}
	if len(p.Tunnels) > 0 {
		r.copies.Doubles.add(p.Frame.Length)
	} else {
		r.doubles.Count.add(p.Frame.Length)
	}
	return true
}

func (d *doubles) add(p *Packet) bool {
	if p.at-d.turned >= doubleWithin || len(d.recent) >= maxKinds || d.recent == nil {
		d.before = d.recent
		if p.at-d.turned >= 2*doubleWithin {
			d.before = nil
		}
		d.recent, d.turned = map[kindIn]uint32{}, p.at
	}
	h := p.Frame.Header
	h.HopLimit, h.Captured, h.Missing, h.Quoted = 0, 0, 0, packet.Quote{}
	k := kindIn{kind: maphash.Comparable(kindSeed, h), source: p.Source}
	if len(p.Tunnels) > 0 {
		k.outer = p.Tunnels[len(p.Tunnels)-1].Outer.Src
	}
	n := d.get(k) + 1
	d.recent[k] = n
	if p.place.ENI != "" { // it counts at its own interface, unless another capture has it
		own := kindIn{k.kind, -1, k.outer}
		if n <= d.get(own) {
			return true
		}
		d.recent[own] = n
	}
	all := kindIn{kind: k.kind, source: -1}
	if n <= d.get(all) {
		return p.place.ENI == ""
	}
	d.recent[all] = n
	return false
}

func (d *doubles) get(k kindIn) uint32 {
	if n, ok := d.recent[k]; ok {
		return n
	}
	return d.before[k]
}
