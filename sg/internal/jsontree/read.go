package jsontree

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"
)

var (
	errUTF16    = errors.New("UTF-16 with an odd number of bytes: the file is cut off")
	errGzip     = errors.New("gzip: the file is cut off")
	errUnpacked = fmt.Errorf("gzip: more than %d GB unpacked", maxUnpacked>>30)
)

// maxUnpacked bounds what a small file may unpack to.
const maxUnpacked = 2 << 30

// ReadText reads r to its end, unless refuse has an error for what it begins with, and returns
// the text as UTF-8 without byte order mark, unpacked where it is gzip.
func ReadText(r io.Reader, refuse func(start string) error) (string, error) {
	var size int64 // 0: not known
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	br := bufio.NewReaderSize(r, 64<<10)
	if start, _ := br.Peek(2); string(start) == "\x1f\x8b" { // an error comes back from the next read
		return unpack(br, refuse)
	}
	return readPlain(br, size, refuse)
}

func readPlain(br *bufio.Reader, size int64, refuse func(string) error) (string, error) {
	start, _ := br.Peek(3)
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		br.Discard(3)
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		return readUTF16(br, binary.LittleEndian)
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		return readUTF16(br, binary.BigEndian)
	}
	start, _ = br.Peek(4096)
	if err := refuse(string(start)); err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(int(min(size, 1<<30)))
	_, err := io.Copy(&b, io.LimitReader(br, maxText+1)) // more is an error of parse
	return b.String(), err
}

// unpack reads what is packed once: there are files that unpack to themselves.
func unpack(r io.Reader, refuse func(string) error) (string, error) {
	z, err := gzip.NewReader(r)
	if err == nil {
		limited := &io.LimitedReader{R: z, N: maxUnpacked}
		var text string
		if text, err = readPlain(bufio.NewReaderSize(limited, 64<<10), 0, refuse); err == nil && limited.N > 0 {
			return text, nil
		}
		if limited.N == 0 {
			return "", errUnpacked
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = errGzip
	}
	return "", err
}

// readUTF16 reads what Windows PowerShell makes of a program's output.
func readUTF16(r *bufio.Reader, order binary.ByteOrder) (string, error) {
	r.Discard(2)
	data, err := io.ReadAll(io.LimitReader(r, maxText))
	if err != nil {
		return "", err
	}
	if len(data)%2 != 0 {
		return "", errUTF16
	}
	var b strings.Builder // utf16.Decode would take three times the memory of what was read
	for i := 0; i < len(data); i += 2 {
		c := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(c) && i+4 <= len(data) {
			if pair := utf16.DecodeRune(c, rune(order.Uint16(data[i+2:]))); pair != '\uFFFD' {
				c = pair
				i += 2
			}
		}
		b.WriteRune(c) // half a pair becomes U+FFFD
	}
	return b.String(), nil
}
