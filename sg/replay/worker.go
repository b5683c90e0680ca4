package replay

import (
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

	nitro           nitro
	live, liveNitro samples
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
	if p.late && w.nitro.fw == nil {
		w.nitro.begin(w.fw)
	}
	if f.Err == nil {
		w.fw.ForwardBetween(ends, &f.Header, p.Time, &p.Outcome)
	} else {
		p.Outcome = w.fw.Refuse(&f.Header, f.Err)
	}
	w.tally.add(p)
	if p.late && f.Err == nil {
		w.nitro.judge(p, Place{})
	}
}

// judgeAt is judge for a packet that may have a Place.
func (w *worker) judgeAt(p *Packet, place Place, ends *sg.Ends) {
	if place.ENI == "" {
		w.judge(p, ends)
		return
	}
	f := p.Frame
	if p.late && w.nitro.fw == nil {
		w.nitro.begin(w.fw)
	}
	e := w.enforcer(place.ENI)
	if f.Err == nil {
		p.Outcome = e.Forward(place.Direction, &f.Header, p.Time)
	} else {
		p.Outcome = e.Refuse(place.Direction, &f.Header, f.Err)
	}
	w.tally.add(p)
	if p.late && f.Err == nil {
		w.nitro.judge(p, place)
	}
}

// sample notes the number of live connections at a moment that all workers share.
func (w *worker) sample(now time.Time, late bool) {
	w.live.sample(w.fw, now)
	if late && w.nitro.fw == nil {
		w.nitro.begin(w.fw)
	}
	if w.nitro.fw != nil {
		w.liveNitro.sample(w.nitro.fw, now)
	} else {
		w.liveNitro = append(w.liveNitro, w.live[len(w.live)-1])
	}
}

func (w *worker) enforcer(id sg.ENIID) *sg.Enforcer {
	if id != w.placed {
		w.placed, w.at = id, w.fw.ENI(id)
	}
	return w.at
}
