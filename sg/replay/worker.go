package replay

import (
	"math"
	"time"

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

	live samples
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
	f := p.Frame
	if f.Err == nil {
		w.fw.ForwardBetween(ends, &f.Header, p.Time, &p.Outcome)
	} else {
		p.Outcome = w.fw.Refuse(&f.Header, f.Err)
	}
	w.tally.add(p)
}

// judgeAt is judge for a packet that may have a Place.
func (w *worker) judgeAt(p *Packet, place Place, ends *sg.Ends) {
	if place.ENI == "" {
		w.judge(p, ends)
		return
	}
	f := p.Frame
	e := w.enforcer(place.ENI)
	if f.Err == nil {
		p.Outcome = e.Forward(place.Direction, &f.Header, p.Time)
	} else {
		p.Outcome = e.Refuse(place.Direction, &f.Header, f.Err)
	}
	w.tally.add(p)
}

// samples are the sizes of a connection table at moments that all workers share:
// the first packet of each second that has packets, and the end.
type samples []int32

// sample notes the number of live entries.
func (w *worker) sample(now time.Time) {
	t := w.fw.Table()
	t.Expire(now, math.MaxInt)
	w.live = append(w.live, int32(min(t.Len(), math.MaxInt32)))
}

// peak adds up the samples of all workers and returns the largest sum, and where
// it was first.
func peak(of []samples) (most uint64, at int) {
	for i := range of[0] {
		var sum uint64
		for _, s := range of {
			sum += uint64(s[i])
		}
		if sum > most {
			most, at = sum, i
		}
	}
	return most, at
}

func (w *worker) enforcer(id sg.ENIID) *sg.Enforcer {
	if id != w.placed {
		w.placed, w.at = id, w.fw.ENI(id)
	}
	return w.at
}
