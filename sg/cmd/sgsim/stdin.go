package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/packet/capture"
)

// stdinName is what messages call standard input.
const stdinName = "standard input"

var errStdinTwice = errors.New("standard input can be read only once")

// readsTwice reports whether standard input is named several times.
func readsTwice(names ...[]string) bool {
	stdin := 0
	for _, name := range slices.Concat(names...) {
		if _, ok := fromStdin(name); ok {
			stdin++
		}
	}
	return stdin > 1
}

// fromStdin reports whether a name, of which the id of a prefix list may be a part, means
// standard input, and returns what messages call it.
func fromStdin(name string) (string, bool) {
	before, ok := strings.CutSuffix(name, "-")
	if !ok || before != "" && !(strings.HasPrefix(before, "pl-") && strings.HasSuffix(before, "=")) {
		return name, false
	}
	return before + stdinName, true
}

// topologyInput returns standard input from its start, for each topology that it is a part
// of: a plan is one of both worlds. What it reads is kept only if it may be read again.
func (t *tool) topologyInput(again bool) io.Reader {
	switch {
	case t.topologyText != nil:
		return bytes.NewReader(t.topologyText.Bytes())
	case !again:
		return newInterruptible(t.ctx, t.stdin)
	}
	t.topologyText = new(bytes.Buffer)
	return io.TeeReader(newInterruptible(t.ctx, t.stdin), t.topologyText)
}

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
