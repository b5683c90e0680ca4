package flowlog

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

const blockSize = 64 << 10 // bytes of text read at once

// ErrLineLength is the error of a line of 64 KiB or more. The longest record that
// AWS can write, with six tags, has a few KiB.
var ErrLineLength = errors.New("line of 64 KiB or more")

// A lineReader yields the lines of a text. It turns whole blocks into strings, so
// that a line needs no allocation of its own; keeping a line, or part of it,
// keeps its block.
type lineReader struct {
	r    io.Reader
	buf  []byte // read, but not in block yet
	fill int    // bytes of buf that are used

	block string // whole lines, and the last one without a newline at the end
	err   error  // of r, once it had one
	skip  bool   // inside a line that is too long
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: r, buf: make([]byte, blockSize)}
}

// next returns the next line without its newline, or r's error at the end, or
// ErrLineLength, once for each such line.
func (l *lineReader) next() (string, error) {
	for l.block == "" {
		switch {
		case l.err == nil:
			if err := l.read(); err != nil {
				return "", err
			}
		case l.err == io.EOF && l.fill > 0: // the last line has no newline
			l.block, l.fill = string(l.buf[:l.fill]), 0
		default: // the rest was cut, and would be misread
			return "", l.err
		}
	}
	var line string
	line, l.block, _ = strings.Cut(l.block, "\n")
	return line, nil
}

// read reads once, and moves the lines that are whole into block.
func (l *lineReader) read() error {
	n, err := l.r.Read(l.buf[l.fill:])
	l.err = err
	fresh := l.buf[l.fill : l.fill+n] // the part left over has no newline
	if l.skip {
		end := bytes.IndexByte(fresh, '\n')
		if end < 0 {
			return nil
		}
		l.skip = false
		fresh = l.buf[:copy(l.buf, fresh[end+1:])]
	}
	l.fill += len(fresh)
	if end := bytes.LastIndexByte(fresh, '\n'); end >= 0 {
		end += l.fill - len(fresh) + 1
		l.block = string(l.buf[:end])
		l.fill = copy(l.buf, l.buf[end:l.fill])
	} else if l.fill == len(l.buf) {
		l.fill, l.skip = 0, true
		return ErrLineLength
	}
	return nil
}
