package capture

import (
	"io"
)

// bufferSize is how much a stream is read ahead, bytes. A few hundred packets a
// system call, and small enough to stay in the second-level cache.
const bufferSize = 256 << 10

// A window is the part of a file that is in memory. For a mapped file that is all
// of it; for a stream it is a buffer that fill moves along.
type window struct {
	buf  []byte
	pos  int       // of the next byte to look at, in buf
	base int64     // of buf[0], in the file
	src  io.Reader // nil for a mapped file
	err  error     // what src returned last
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

// fill makes at least n bytes available at pos. It is called only when they are
// not, so that what an iteration handed out stays where it is until the next one.
// The error is io.EOF if there is no byte left, ErrTruncated if there are fewer
// than n, or what reading returned.
func (w *window) fill(n int) error {
	if w.src != nil && w.err == nil {
		w.read(n)
	}
	switch left := len(w.buf) - w.pos; {
	case left >= n:
		return nil
	case w.err != nil && w.err != io.EOF && w.err != io.ErrUnexpectedEOF:
		return w.err
	case w.err == io.ErrUnexpectedEOF: // a gzip stream that ends early
		return ErrTruncated
	case left == 0:
		return io.EOF
	}
	return ErrTruncated
}

func (w *window) read(n int) {
	rest := w.buf[w.pos:]
	if n > cap(w.buf) {
		w.buf = make([]byte, len(rest), max(n, bufferSize))
	}
	// A slice of the whole array, so that the copy moves data to its start.
	w.buf = w.buf[:copy(w.buf[:cap(w.buf)], rest)]
	w.base += int64(w.pos)
	w.pos = 0
	for empty := 0; len(w.buf) < n && w.err == nil; {
		var got int
		got, w.err = w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+got]
		if empty++; got > 0 {
			empty = 0
		} else if empty == 100 && w.err == nil {
			w.err = io.ErrNoProgress
		}
	}
}
