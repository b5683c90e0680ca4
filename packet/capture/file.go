package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"os"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// A Format is a capture file format.
type Format uint8

// The formats of capture files.
const (
	Pcap   Format = iota + 1 // classic pcap
	PcapNG                   // pcap next generation
)

// String returns "pcap" or "pcapng".
func (f Format) String() string {
	if f != Pcap && f != PcapNG {
		return "unknown format"
	}
	return [...]string{Pcap: "pcap", PcapNG: "pcapng"}[f]
}

// An Interface is what a capture file says about one of its interfaces.
type Interface struct {
	Name        string // may be empty
	Description string // may be empty
	LinkType    packet.LinkType
	SnapLen     int           // most bytes per packet; 0 is no limit
	Resolution  time.Duration // of timestamps; 1 ns if it is finer than that
}

// A File is a capture file that is being read. Use it from one goroutine at a time.
type File struct {
	name   string
	format Format // 0 until the file header is read
	win    window
	pcap   pcapHeader
	ng     section
	frames [framesAhead]Frame // of loops
	ahead  []Frame            // those of frames that have yet to be yielded
	failed error              // what ended the file: io.EOF or a *DamageError

	interfaces []Interface
	close      func() error // nil if there is nothing to close
	big        bool         // its numbers have the byte order of big-endian hosts
	packets    int          // read so far
}

// Open opens a capture file; "-" is standard input.
func Open(name string) (*File, error) {
	if name == "-" {
		return NewReader(os.Stdin, "standard input")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f, err := NewReader(file, name)
	if err != nil {
		file.Close()
		return nil, err
	}
	f.close = file.Close
	return f, nil
}

// NewReader reads a capture from r, gzipped or not. name is for error messages.
// NewReader reads ahead, and does not close r.
func NewReader(r io.Reader, name string) (*File, error) {
	f := &File{name: name, win: window{src: r}}
	f.win.fill(2) // the next fill returns any error again
	if bytes.HasPrefix(f.win.buf, gzipMagic) {
		z, err := gzip.NewReader(io.MultiReader(bytes.NewReader(f.win.buf), r))
		if err != nil {
			return nil, f.damage(err)
		}
		f.win = window{src: z}
	}
	if err := f.start(); err != nil {
		return nil, err
	}
	return f, nil
}

var gzipMagic = []byte{0x1f, 0x8b}

// start reads the file header.
func (f *File) start() error {
	format, err := Pcap, f.win.fill(4)
	if err == io.EOF || err == ErrTruncated {
		err = fmt.Errorf("%w: shorter than 4 bytes", ErrFormat)
	}
	if err == nil {
		if magic := binary.LittleEndian.Uint32(f.win.buf[f.win.pos:]); magic == blockSection {
			format, err = PcapNG, f.startNG()
		} else {
			err = f.startPcap(magic)
		}
	}
	if err != nil {
		return f.damage(err)
	}
	f.format = format
	return nil
}

// Format returns the format that the file's first bytes show.
func (f *File) Format() Format { return f.format }

// Interfaces returns the interfaces described so far: one for a pcap file; for
// pcapng, those of all sections in order, growing as the file is read. The caller
// must not change the slice.
func (f *File) Interfaces() []Interface { return f.interfaces }

// Frames yields the packets of the file in order. It can be used once: a second
// loop goes on with the packet after the first loop's last one.
//
// An error is a [*DamageError] and ends the loop. It means damage to the file;
// that of a packet is in Frame.Err.
func (f *File) Frames() iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		for {
			if len(f.ahead) == 0 {
				n, err := f.ReadFrames(f.frames[:])
				if err != nil {
					if err != io.EOF {
						yield(nil, err)
					}
					return
				}
				f.ahead = f.frames[:n]
			}
			fr := &f.ahead[0]
			f.ahead = f.ahead[1:]
			if !yield(fr, nil) {
				return
			}
		}
	}
}

// framesAhead is how many frames are read at a time for a loop: enough that the
// cost of a call does not matter, and few enough for the nearest cache.
const framesAhead = 32

// ReadFrames reads the next packets into frames and returns their number. It
// returns as many as are in memory, so packets of a stream do not wait for later
// ones. It waits for the first one, and returns 0 only with an error or if
// len(frames) is 0. An error comes alone, after all packets before it: io.EOF at
// the end of the file, else a [*DamageError].
//
// The frames belong to the caller, their Data to the File until the next call.
func (f *File) ReadFrames(frames []Frame) (n int, err error) {
	switch {
	case len(f.ahead) > 0: // left over from a loop
		n = copy(frames, f.ahead)
		f.ahead = f.ahead[n:]
	case f.failed == nil:
		n, f.failed = f.read(frames)
	}
	if n > 0 || len(frames) == 0 {
		return n, nil
	}
	return 0, f.failed
}

// read reads the packets that are in memory, and waits only for the first of them.
func (f *File) read(frames []Frame) (n int, err error) {
	for n < len(frames) {
		fr, size, isPacket := &frames[n], 0, true
		if f.format == PcapNG {
			size, isPacket, err = f.readBlock(fr)
		} else {
			size, err = f.readRecord(fr)
		}
		if err == nil && size > len(f.win.buf)-f.win.pos {
			if n > 0 {
				break
			}
			if err = f.win.fill(size); err == nil {
				continue
			}
		}
		if err == io.EOF { // at the end of a record
			return n, err
		}
		if err != nil {
			return n, f.damage(err)
		}
		if isPacket {
			f.packets++
			fr.Number, fr.Offset = f.packets, f.win.offset()
			fr.decode()
			n++
		}
		f.win.pos += size
	}
	return n, nil
}

func (f *File) order() binary.ByteOrder {
	if f.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// u32 is order().Uint32, and faster.
func (f *File) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if f.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// damage adds the place to err, which ends the loop.
func (f *File) damage(err error) error {
	e := &DamageError{Name: f.name, Offset: f.win.offset(), Err: err}
	if f.format != 0 {
		e.Packet = f.packets + 1
	}
	return e
}

// Close releases the file. The Data of a frame must not be used after it.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	c := f.close
	f.close, f.ahead, f.failed = nil, nil, f.damage(os.ErrClosed)
	return c()
}
