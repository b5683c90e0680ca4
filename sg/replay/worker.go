package replay

import (
	"math"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
)

// A worker judges packets with a firewall of its own and counts what happens.
// It is used from one goroutine.
type worker struct {
	fw    *sg.Firewall
	tally tally

	ends [batchSize]sg.Ends // of the packets that are judged next

	// The enforcer that Place named last: captures are seldom placed at many.
	placed sg.ENIID
	at     *sg.Enforcer

	open uint64 // entries that were made, less those that packets ended
}

func newWorker(p *sg.Policy, o *Options) *worker {
	fo := o.Firewall
	w := &worker{fw: sg.NewFirewall(p, &fo)}
	w.tally.init()
	return w
}

// find finds the ends of packets that will be judged soon.
func (w *worker) find(ps []Packet) {
	for i := range ps {
		w.findEnds(i, ps[i].Frame)
	}
}

// findEnds finds the ends of a frame that is judged as number i.
func (w *worker) findEnds(i int, f *capture.Frame) {
	if f.Err != nil {
		return
	}
	w.ends[i] = w.fw.Ends(&f.Header)
	w.fw.Prefetch(&w.ends[i], &f.Header)
}

// judge sets the packet's Outcome and counts it. ends are those of a frame without
// Err.
func (w *worker) judge(p *Packet, ends *sg.Ends) {
	f, at := p.Frame, p.place
	switch placed := at.ENI != ""; {
	case !placed && f.Err == nil:
		w.fw.ForwardBetween(ends, &f.Header, p.Time, &p.Outcome)
	case !placed:
		p.Outcome = w.fw.Refuse(&f.Header, f.Err)
	case f.Err == nil:
		p.Outcome = w.enforcer(at.ENI).Forward(at.Direction, &f.Header, p.Time)
	default:
		p.Outcome = w.enforcer(at.ENI).Refuse(at.Direction, &f.Header, f.Err)
	}
	w.count(p)
}

// sample returns the number of live entries at a moment that all workers share.
func (w *worker) sample(now time.Time) int64 {
	w.fw.Expire(now, math.MaxInt)
	return int64(w.fw.Table().Len())
}

// count counts a packet that was judged.
func (w *worker) count(p *Packet) {
	p.entries, p.Refused = 0, false
	if h := &p.Frame.Header; h.TCPFlags&(packet.SYN|packet.RST) != 0 || !carried(&p.Outcome) {
		s := w.fw.Stats()
		open := s.Inserted - s.Deleted // and not how many died, which is found out later
		p.entries, w.open = int32(open-w.open), open
	}
	w.tally.add(p)
}

// carried reports whether a packet only went on in connections that there were.
func carried(o *sg.Outcome) bool {
	for _, hop := range o.Hops() {
		if hop.Decision.Reason != sg.Tracked {
			return false
		}
	}
	return true
}

func (w *worker) enforcer(id sg.ENIID) *sg.Enforcer {
	if id != w.placed {
		w.placed, w.at = id, w.fw.ENI(id)
	}
	return w.at
}
