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

	// Packets that are judged together, in order, as many as queued says.
	queued   int
	queue    [batchSize]*Packet
	packets  [batchSize]sg.Packet
	outcomes [batchSize]sg.Outcome

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

// judge sets the packet's Outcome and counts it, if not at once then when the worker
// is flushed.
func (w *worker) judge(p *Packet, place Place) {
	if p.late && w.nitro.fw == nil {
		w.flush()
		w.nitro.begin(w.fw)
	}
	f := p.Frame
	if place.ENI != "" {
		in := sg.Packet{Header: &f.Header, Time: p.Time, Err: f.Err}
		w.flush()
		p.Outcome = w.enforcer(place.ENI).Forward(place.Direction, in)
		w.count(p, place)
		return
	}
	w.queue[w.queued] = p
	in := &w.packets[w.queued]
	in.Header, in.Time, in.Err = &f.Header, p.Time, f.Err
	if w.queued++; w.queued == batchSize {
		w.flush()
	}
}

// flush judges the packets in the queue.
func (w *worker) flush() {
	n := w.queued
	w.queued = 0
	w.fw.ForwardBatch(w.packets[:n], w.outcomes[:n])
	for i, p := range w.queue[:n] {
		p.Outcome = w.outcomes[i]
		w.count(p, Place{})
	}
}

// count counts a packet that was judged.
func (w *worker) count(p *Packet, place Place) {
	w.tally.add(p)
	if p.late && p.Frame.Err == nil {
		w.nitro.judge(p, place)
	}
}

// sample notes the number of live connections at a moment that all workers share.
func (w *worker) sample(now time.Time, late bool) {
	w.flush()
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
