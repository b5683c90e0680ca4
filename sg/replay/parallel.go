package replay

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/sgsim/sgsim/conntrack"
)

const (
	blockSize  = 1024    // packets; large enough that passing a block on costs nothing a packet
	blockBytes = 1 << 20 // of copied frames, so that jumbo packets do not fill the memory
	blocks     = 8       // under way: each goes to all workers, so more of these need no more
)

// A block is a stretch of the capture on its way from the reader through all
// workers, each of which judges its own packets in it, to the observer. Blocks
// leave in the order in which they came, so neither decisions nor their order
// depend on how fast a worker is.
//
//	reader ──► block 7 ──┬─► worker 0: packets of parts 0, 2, 4, ... ─┬─► observer
//	                     └─► worker 1: packets of parts 1, 3, 5, ... ─┘
type block struct {
	batch
	n      int        // packets in it
	data   []byte     // copies of the frames' bytes, for the observer
	mine   [][]uint16 // packets of each worker
	ticks  []uint16   // packets before which all workers sample
	judged sync.WaitGroup

	// What they found, by packet: as worker.sample returns it.
	live, made []atomic.Int64
}

func (r *run) parallel(n int) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for i := range r.owner {
		r.owner[i] = uint8(i % n)
	}
	free := make(chan *block, blocks)
	order := make(chan *block, blocks)
	inbox := make([]chan *block, n)
	for range cap(free) {
		free <- r.newBlock(n)
	}
	for i := range n {
		w := r.hire()
		inbox[i] = make(chan *block, blocks)
		go func() {
			for b := range inbox[i] {
				w.judgeBlock(b, i)
				b.judged.Done()
			}
		}()
	}

	var stopped atomic.Bool // the observer failed
	failure := make(chan error, 1)
	go func() {
		var failed error
		for b := range order {
			b.judged.Wait()
			for _, i := range b.ticks {
				r.endTick(b.live[i].Swap(0), b.made[i].Swap(0), b.packets[i].Time)
			}
			if failed == nil {
				if failed = r.observe(b.packets[:b.n]); failed != nil {
					stopped.Store(true)
				}
			}
			free <- b
		}
		failure <- failed
	}()

	send := func(b *block) {
		b.judged.Add(n)
		for _, c := range inbox {
			c <- b
		}
		order <- b
	}
	err := r.read(free, send, &stopped)
	for _, c := range inbox {
		close(c)
	}
	close(order)
	if failed := <-failure; failed != nil {
		return failed
	}
	return err
}

func (r *run) newBlock(workers int) *block {
	const most = blockSize + batchSize
	b := &block{batch: newBatch(most), live: make([]atomic.Int64, most), made: make([]atomic.Int64, most), mine: make([][]uint16, workers)}
	for i := range b.mine {
		b.mine[i] = make([]uint16, 0, most)
	}
	return b
}

func (b *block) reset() {
	b.n, b.data, b.ticks = 0, b.data[:0], b.ticks[:0]
	for i := range b.mine {
		b.mine[i] = b.mine[i][:0]
	}
}

// errStopped ends the reading because the observer failed.
var errStopped = errors.New("stopped")

// read fills blocks and sends them on. A block that is not full goes too where its
// packets would have to wait for the source.
func (r *run) read(free <-chan *block, send func(*block), stopped *atomic.Bool) error {
	b := <-free
	b.reset()
	room := func() batch {
		return batch{b.packets[b.n : b.n+batchSize], b.frames[b.n : b.n+batchSize]}
	}
	err := r.each(room, func(s stretch) error {
		for i := range s.packets {
			r.fill(b, &s.packets[i])
			if last := i == len(s.packets)-1; last && (b.n >= blockSize || s.pause) || len(b.data) >= blockBytes {
				send(b)
				b = <-free
				b.reset()
				if stopped.Load() {
					return errStopped
				}
			}
		}
		return r.check()
	})
	send(b)
	if err == errStopped {
		return nil
	}
	return err
}

// fill adds a packet to a block, where it may be already. The observer gets a copy
// of its bytes: those of the source are gone by then.
func (r *run) fill(b *block, in *Packet) {
	p := &b.packets[b.n]
	if in != p {
		b.frames[b.n] = *in.Frame
		p.Source, p.at = in.Source, in.at
	}
	if r.Observer != nil {
		n := len(b.data)
		b.data = append(b.data, in.Frame.Data...)
		p.Frame.Data = b.data[n:len(b.data):len(b.data)]
	}
	r.next(p)
	if p.tick {
		b.ticks = append(b.ticks, uint16(b.n))
	}
	w := r.owner[conntrack.Part(&p.Frame.Header)]
	b.mine[w] = append(b.mine[w], uint16(b.n))
	b.n++
}

func (w *worker) judgeBlock(b *block, number int) {
	ticks := b.ticks
	sample := func() {
		i := ticks[0]
		ticks = ticks[1:]
		live, made := w.sample(b.packets[i].Time)
		b.live[i].Add(live)
		b.made[i].Add(made)
	}
	for _, i := range b.mine[number] {
		for len(ticks) > 0 && ticks[0] <= i {
			sample()
		}
		w.judge(&b.packets[i])
	}
	w.flush()
	for len(ticks) > 0 {
		sample()
	}
}
