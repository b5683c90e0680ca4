package main

import (
	"context"
	"io"
	"os"

	"github.com/sgsim/sgsim/packet/capture"
)

// openPipe opens a named pipe, which may wait for its writer until the context is
// done.
func (r *replayer) openPipe(name string) (*capture.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	c := make(chan opened, 1)
	go func() {
		file, err := os.Open(name)
		c <- opened{file, err}
	}()
	select {
	case o := <-c:
		if o.err != nil {
			return nil, o.err
		}
		return capture.NewReader(newInterruptible(r.ctx, o.file), name)
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

// An interruptible reader gives up when its context is done, which a read of
// standard input does not. The goroutine that reads is left behind, for a
// process that is about to end.
type interruptible struct {
	ctx    context.Context
	chunks chan chunk
	rest   []byte
	err    error
}

type chunk struct {
	data []byte
	err  error
}

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	i := &interruptible{ctx: ctx, chunks: make(chan chunk, 4)}
	go func() {
		for {
			b := make([]byte, 256<<10)
			n, err := r.Read(b)
			select {
			case i.chunks <- chunk{b[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return i
}

func (i *interruptible) Read(b []byte) (int, error) {
	for len(i.rest) == 0 {
		if i.err != nil {
			return 0, i.err
		}
		select {
		case c := <-i.chunks:
			i.rest, i.err = c.data, c.err
		case <-i.ctx.Done():
			return 0, i.ctx.Err()
		}
	}
	n := copy(b, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}
