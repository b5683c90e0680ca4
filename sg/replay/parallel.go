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
	n       int        // packets in it
	data    []byte     // copies of the frames' bytes, for the observer
	mine    [][]uint16 // packets of each worker
	seconds []second
	judged  sync.WaitGroup
}

// A second begins with a packet, before which all workers say how many entries are
// live.
type second struct {
	packet uint16
	live   *atomic.Int64
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
			if failed == nil {
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
	b := &block{batch: newBatch(blockSize + batchSize), mine: make([][]uint16, workers)}
	for i := range b.mine {
		b.mine[i] = make([]uint16, 0, len(b.packets))
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
	if p.second {
		b.seconds = append(b.seconds, second{uint16(b.n), new(atomic.Int64)})
	}
	w := r.owner[conntrack.Part(&p.Frame.Header)]
	b.mine[w] = append(b.mine[w], uint16(b.n))
	b.n++
}

func (w *worker) judgeBlock(b *block, number int) {
	seconds := b.seconds
	for _, i := range b.mine[number] {
		for len(seconds) > 0 && seconds[0].packet <= i {
			w.sampleAt(b, seconds[0])
			seconds = seconds[1:]
		}
		w.judge(&b.packets[i])
	}
	w.flush()
	for _, s := range seconds {
		w.sampleAt(b, s)
	}
}

func (w *worker) sampleAt(b *block, s second) {
	s.live.Add(w.sample(b.packets[s.packet].Time))
}

// observe goes through the packets of a block that all workers have judged.
func (r *run) observe(b *block) error {
	seconds := b.seconds
	for i := range b.packets[:b.n] {
		p := &b.packets[i]
		if p.second {
			r.live = seconds[0].live.Load()
			seconds = seconds[1:]
		}
		if err := r.show(p); err != nil {
			return err
		}
	}
	return nil
}
