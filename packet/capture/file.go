package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"time"
	"unsafe"

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
	switch f {
	case Pcap:
		return "pcap"
	case PcapNG:
		return "pcapng"
	}
	return "unknown format"
}

// An Interface is what a capture file says of one of its interfaces.
type Interface struct {
	Name        string // may be empty
	Description string // may be empty
	LinkType    packet.LinkType
	SnapLen     int           // bytes a packet at most; 0 is no limit
	Resolution  time.Duration // of timestamps; 1 where it is finer than a nanosecond
}

// A File is a capture file that is being read. Use it from one goroutine at a time.
type File struct {
	name   string
	format Format
	win    window
	pcap   pcapHeader
	ng     section
	frames []Frame // of loops
	ahead  []Frame // those of frames that are still to be yielded
	failed error   // what ended the file: io.EOF or a *DamageError

	interfaces []Interface
	close      func() error // nil if there is nothing to close
	packets    int          // read so far
	begun      bool         // the file header is read
	mapped     bool         // win.buf is a mapping, which may fault
}

// Open opens a capture file; "-" is standard input. Regular files are mapped into
// memory where the system allows it.
//
// The size of a mapped file is taken when it is opened: what is appended later is
// not seen. If it shrinks while it is read, the loop ends with [ErrChanged]; a loop
// body that looks at Data at that moment gets a run-time panic that can be
// recovered, because the loop runs under debug.SetPanicOnFault.
func Open(name string) (*File, error) {
	if name == "-" {
		return NewReader(os.Stdin, "standard input")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	data, unmap, err := mapFile(file)
	if err != nil || isGzip(data) {
		if err == nil {
			unmap()
		}
		f, err := NewReader(file, name)
		if err != nil {
			file.Close()
			return nil, err
		}
		f.close = file.Close
		return f, nil
	}
	file.Close()
	f := &File{name: name, win: window{buf: data}, mapped: true, close: unmap}
	if err := f.start(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// NewReader reads a capture from r, gzipped or not. name is for error messages.
// NewReader reads ahead, and does not close r.
func NewReader(r io.Reader, name string) (*File, error) {
	f := &File{name: name, win: window{src: r}}
	if err := f.win.fill(2); err != nil && !errors.Is(err, io.EOF) && err != ErrTruncated {
		return nil, f.damage(err)
	}
	if isGzip(f.win.buf) {
		rest := f.win
		var whole io.Reader = bytes.NewReader(rest.buf)
		if rest.err == nil {
			whole = io.MultiReader(whole, r)
		}
		z, err := gzip.NewReader(whole)
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

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// start reads the file header.
func (f *File) start() (err error) {
	if f.mapped {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer f.catch(&err)
	}
	if err := f.win.fill(4); err != nil {
		if err == io.EOF || err == ErrTruncated {
			err = fmt.Errorf("%w: shorter than 4 bytes", ErrFormat)
		}
		return f.damage(err)
	}
	magic := binary.LittleEndian.Uint32(f.win.buf[f.win.pos:])
	if magic == blockSection {
		f.format, err = PcapNG, f.startNG()
	} else {
		f.format, err = Pcap, f.startPcap(magic)
	}
	f.begun = err == nil
	return err
}

// Format returns the format that the first bytes of the file told.
func (f *File) Format() Format { return f.format }

// Interfaces returns the interfaces described so far: one for a pcap file; for
// pcapng, those of all sections in order, growing as the file is read. The caller
// must not change the slice.
func (f *File) Interfaces() []Interface { return f.interfaces }

// Frames yields the packets of the file in order. It can be used once: a loop that
// starts after another was left goes on with the next packet.
//
// An error is a [*DamageError] and ends the loop: damage of the file, not of a
// packet, which is in Frame.Err.
func (f *File) Frames() iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		if f.mapped {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // for the loop body
		}
		for {
			if len(f.ahead) == 0 {
				if f.frames == nil {
					f.frames = make([]Frame, framesAhead)
				}
				n, err := f.ReadFrames(f.frames)
				if err == io.EOF {
					return
				}
				if err != nil {
					yield(nil, err)
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

// framesAhead is how many frames a loop has read for it at a time: enough that what
// a reading costs besides does not matter, and few enough for the nearest cache.
const framesAhead = 32

// ReadFrames reads the next packets into frames and returns their number: as many
// as are in memory, so that packets of a stream are not kept waiting for later
// ones. It waits for the first, and returns 0 only with an error or for no frames.
// An error comes alone, after all packets before it: io.EOF at the end of the file,
// else a [*DamageError].
//
// The frames belong to the caller, their Data to the File until the next call. Of a
// mapped file that shrinks, looking at Data faults, which ends the process unless
// the goroutine has called [debug.SetPanicOnFault].
func (f *File) ReadFrames(frames []Frame) (n int, err error) {
	if len(frames) == 0 {
		return 0, nil
	}
	if len(f.ahead) > 0 { // left by a loop
		n = copy(frames, f.ahead)
		f.ahead = f.ahead[n:]
		return n, nil
	}
	if f.failed == nil {
		f.failed = f.read(frames, &n)
	}
	if n > 0 {
		return n, nil
	}
	return 0, f.failed
}

// Fault returns the [*DamageError] with [ErrChanged] that a recovered value means:
// a fault on looking at the Data of a frame of the file. It returns nil for all
// other values.
func (f *File) Fault(fr *Frame, recovered any) error {
	fault, ok := recovered.(interface{ Addr() uintptr })
	if !ok || !f.mapped || len(f.win.buf) == 0 || len(fr.Data) == 0 {
		return nil
	}
	data, file := uintptr(unsafe.Pointer(&fr.Data[0])), uintptr(unsafe.Pointer(&f.win.buf[0]))
	if data-file >= uintptr(len(f.win.buf)) || fault.Addr()-data >= uintptr(len(fr.Data)) {
		return nil
	}
	return &DamageError{Name: f.name, Packet: fr.Number, Offset: fr.Offset, Err: ErrChanged}
}

// read adds packets to the n that are in frames. It calls for more of the file only
// while there are none.
func (f *File) read(frames []Frame, n *int) (err error) {
	if f.mapped {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer f.catch(&err)
	}
	if f.format == PcapNG {
		return f.readNG(frames, n)
	}
	return f.readPcap(frames, n)
}

// catch makes a fault of the mapping an error of the function that defers it: a
// file that shrinks behind a mapping, or a disk that fails, would otherwise end the
// process.
func (f *File) catch(err *error) {
	// A fault carries its address; other run-time errors do not.
	switch r := recover().(type) {
	case nil:
	case interface{ Addr() uintptr }:
		*err = f.damage(ErrChanged)
	default:
		panic(r)
	}
}

// damage makes err, which ends the loop, say where.
func (f *File) damage(err error) error {
	e := &DamageError{Name: f.name, Offset: f.win.offset(), Err: err}
	if f.begun {
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
	f.close, f.win = nil, window{}
	return c()
}
