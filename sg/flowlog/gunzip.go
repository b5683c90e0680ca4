package flowlog

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
)

// Everything packed in a file, including gzip inside its JSON, may together expand
// to maxRatio times the size of the file plus maxSlack bytes. Flow logs shrink to a
// tenth, the dullest synthetic ones to a hundredth; gzip can reach a thousandth.
const (
	maxRatio = 250
	maxSlack = 16 << 20
)

// ErrExpands is the error of a file whose gzip expands to more than 250 times its
// size plus 16 MiB.
var ErrExpands = errors.New("gzip: expands beyond all measure")

// A gunzip is a gzip stream that ends with ErrExpands if it grows too much.
type gunzip struct {
	*gzip.Reader
	file *counter
}

// maybeGunzip returns the content of r if r is gzip, by its first bytes, else r. r
// is the file or a part of it.
func maybeGunzip(r io.Reader, file *counter) (io.Reader, error) {
	b := bufio.NewReaderSize(r, blockSize/2)
	if magic, _ := b.Peek(2); string(magic) != "\x1f\x8b" {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	return &gunzip{z, file}, nil
}

func (z *gunzip) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	z.file.unpacked += int64(n)
	if z.file.unpacked > maxSlack+maxRatio*z.file.n {
		return 0, ErrExpands
	}
	return n, err
}

// A counter is a file that counts the bytes read from it, and keeps any error but
// io.EOF.
type counter struct {
	r        io.Reader
	n        int64
	unpacked int64 // bytes that came out of gzip in it
	err      error
	total    *int64 // of all files
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	*c.total += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
