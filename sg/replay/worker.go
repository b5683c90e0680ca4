package replay

import (
	"time"

	"github.com/sgsim/sgsim/sg"
)

// A worker judges packets with a firewall of its own and counts what happens.
// It is used from one goroutine.
type worker struct {
	fw    *sg.Firewall
	tally tally

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

// judge sets the packet's Outcome and counts it.
func (w *worker) judge(p *Packet, place Place) {
	f := p.Frame
	if p.late && w.nitro.fw == nil {
		w.nitro.begin(w.fw)
	}
	if place.ENI != "" {
		e := w.enforcer(place.ENI)
		if f.Err != nil {
			p.Outcome = e.Refuse(place.Direction, &f.Header, f.Err)
		} else {
			p.Outcome = e.Forward(place.Direction, &f.Header, p.Time)
		}
	} else if f.Err != nil {
		p.Outcome = w.fw.Refuse(&f.Header, f.Err)
	} else {
		p.Outcome = w.fw.Forward(&f.Header, p.Time)
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
