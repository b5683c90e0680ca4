package replay

import (
	"math"
	"time"

	"github.com/sgsim/sgsim/sg"
)

// A worker judges packets with a firewall of its own and counts what happens.
// It is used from one goroutine.
type worker struct {
	fw    *sg.Firewall
	tally tally

	via sg.Via // of every packet

	// Packets that are judged together, since they then wait for memory together.
	queue   [batchSize]*Packet
	packets [batchSize]sg.Packet
	queued  int

	made  uint64 // entries, up to the last sample
	watch watch
}

// hire adds a worker.
func (r *run) hire() *worker {
	w := &worker{fw: sg.NewFirewall(r.policy, &r.Firewall), via: r.Via}
	for i := range w.packets {
		w.packets[i].Via = r.Via
	}
	w.tally.rules.byRule, w.tally.observed = map[sg.RuleRef]*RuleHits{}, r.Observer != nil
	r.workers = append(r.workers, w)
	return w
}

// judge sets the packet's Outcome and counts it, if not at once then when the worker
// is flushed.
func (w *worker) judge(p *Packet) {
	if p.place.ENI != "" {
		w.flush()
		o := p.Forward(w.fw, w.via)
		w.tally.add(p, &o)
		return
	}
	f := p.Frame
	w.queue[w.queued] = p
	in := &w.packets[w.queued]
	in.Header, in.Time, in.Err = &f.Header, p.Time, f.Err
	if len(p.Tunnels) > 0 || in.Via.Appliance != w.via.Appliance { // of one before
		in.Via = p.via(w.via)
	}
	if w.queued++; w.queued == batchSize {
		w.flush()
	}
}

// flush judges the packets in the queue.
func (w *worker) flush() {
	n := w.queued
	w.queued = 0
	w.fw.ForwardBatch(w.packets[:n], w.judged)
}

func (w *worker) judged(i int, o *sg.Outcome) {
	w.tally.add(w.queue[i], o)
}

// sample returns the number of live entries at a moment that all workers share, and
// of those that were made since the one before.
func (w *worker) sample(now time.Time) (live, made int64) {
	w.flush()
	w.watch.now(now, &w.tally)
	w.fw.Expire(now, math.MaxInt)
	s := w.fw.Stats()
	made = int64(s.Inserted - w.made)
	w.made = s.Inserted
	return int64(s.Entries), made
}
