package flowlog

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
)

// A gzip file may expand to maxRatio times its size and maxSlack bytes beyond.
// Flow logs shrink to a tenth, the dullest made ones to a hundredth; gzip can do a
// thousandth.
const (
	maxRatio = 250
	maxSlack = 16 << 20
)

// ErrExpands is the error of a gzip file that expands to more than 250 times its
// size and 16 MiB.
var ErrExpands = errors.New("gzip: expands beyond all measure")

// A gunzip is a gzip stream that ends with ErrExpands where it grows too much.
type gunzip struct {
	*gzip.Reader
	in  *counter
	out int64
}

// maybeGunzip returns what is in r where that is gzip, and else r. The first bytes
// tell.
func maybeGunzip(r io.Reader) (io.Reader, error) {
	in := &counter{r: r}
	b := bufio.NewReaderSize(in, blockSize/2)
	if magic, _ := b.Peek(2); string(magic) != "\x1f\x8b" {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	return &gunzip{Reader: z, in: in}, nil
}

func (z *gunzip) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	z.out += int64(n)
	if z.out > maxSlack+maxRatio*z.in.n {
		return 0, ErrExpands
	}
	return n, err
}

// A counter counts what is read, and keeps the error that is not the end.
type counter struct {
	r     io.Reader
	n     int64
	err   error
	total *int64 // of several counters; or nil
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.total != nil {
		*c.total += int64(n)
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
