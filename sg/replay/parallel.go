package replay

import (
	"errors"
	"sync"
	"sync/atomic"
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
//	reader ──► block 7 ──┬─► worker 0: packets of shards 0, 2, 4, ... ─┬─► observer
//	                     └─► worker 1: packets of shards 1, 3, 5, ... ─┘
type block struct {
	batch
	n       int        // packets in it
	places  []Place    // nil without Options.Place
	data    []byte     // copies of the frames' bytes, for the observer
	mine    [][]uint16 // packets of each worker
	seconds []uint16   // packets before which all workers sample
	judged  sync.WaitGroup
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
			if r.Observer != nil && failed == nil {
				if failed = r.observe(b); failed != nil {
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
	b := &block{batch: newBatch(blockSize), mine: make([][]uint16, workers)}
	if r.Place != nil {
		b.places = make([]Place, blockSize)
	}
	for i := range b.mine {
		b.mine[i] = make([]uint16, 0, blockSize)
	}
	return b
}

func (b *block) reset() {
	b.n, b.data, b.seconds = 0, b.data[:0], b.seconds[:0]
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
		end := min(b.n+batchSize, blockSize)
		return batch{b.packets[b.n:end], b.frames[b.n:end]}
	}
	err := r.each(room, func(ps []Packet, pause bool) error {
		for i := range ps {
			r.fill(b, &ps[i])
			if b.n == blockSize || len(b.data) >= blockBytes || pause && i == len(ps)-1 {
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
		p.Source = in.Source
	}
	if r.Observer != nil {
		n := len(b.data)
		b.data = append(b.data, in.Frame.Data...) // before anything counts, as it may fault
		p.Frame.Data = b.data[n:len(b.data):len(b.data)]
	}
	r.next(p)
	if p.second {
		b.seconds = append(b.seconds, uint16(b.n))
	}
	if r.Place != nil {
		b.places[b.n] = r.Place(in.Source, in.Frame)
	}
	w := r.owner[shardOf(p.Frame)]
	b.mine[w] = append(b.mine[w], uint16(b.n))
	b.n++
}

func (w *worker) judgeBlock(b *block, number int) {
	seconds := b.seconds
	for mine := b.mine[number]; len(mine) > 0; {
		some := mine[:min(len(mine), batchSize)]
		mine = mine[len(some):]
		for j, i := range some {
			w.findEnds(j, &b.frames[i])
		}
		for j, i := range some {
			for len(seconds) > 0 && seconds[0] <= i {
				w.sampleAt(b, seconds[0])
				seconds = seconds[1:]
			}
			if b.places == nil {
				w.judge(&b.packets[i], &w.ends[j])
			} else {
				w.judgeAt(&b.packets[i], b.places[i], &w.ends[j])
			}
		}
	}
	for _, i := range seconds {
		w.sampleAt(b, i)
	}
}

func (w *worker) sampleAt(b *block, i uint16) {
	w.sample(b.packets[i].Time)
}

func (r *run) observe(b *block) error {
	for i := range b.packets[:b.n] {
		if err := r.Observer.Observe(&b.packets[i]); err != nil {
			return err
		}
	}
	return nil
}
