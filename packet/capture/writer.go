package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// What [Writer.WriteFrame] returns for a frame that its file cannot hold. The file
// stays as it was, and other frames may follow.
var (
	// ErrLinkTypes: a pcap file has one link type. Write pcapng instead.
	ErrLinkTypes = errors.New("pcap files have one link type")

	// ErrTime: a time outside what the format can say: before 1970, or after 2106
	// for pcap and 2262 for pcapng.
	ErrTime = errors.New("time outside the format's range")

	// ErrTooLong: more than 262144 bytes captured.
	ErrTooLong = errors.New("frame too long")
)

// A Writer writes frames to a capture file. Use it from one goroutine at a time.
type Writer struct {
	w      *bufio.Writer
	format Format
	like   *File
	begun  bool
	buf    [28]byte // for headers of the file, packets and blocks
	head   [20]byte // of an enhanced packet block
	tail   []byte   // of a block

	link packet.LinkType // pcap: of the file
	unit int64           // pcap: resolution of the file, nanoseconds
	ids  map[writerKey]writerInterface

	given   map[int]Interface // what Describe said
	options []byte            // of one packet
}

// A pcapng interface has one link type, so each interface is one for each link type.
type writerKey struct {
	id   int
	link packet.LinkType
}

type writerInterface struct {
	id   uint32
	unit int64 // nanoseconds
}

// NewWriter returns a Writer of a file in the given format. Nothing is written
// before the first frame or Flush.
//
// like is the file that the frames come from; the new file keeps its interface
// names and its resolution, microseconds or, where they would lose something,
// nanoseconds. It may be nil, as for frames of a [Source]; then the resolution is
// nanoseconds.
//
// A pcap file has no interfaces. A pcapng file keeps them, renumbered in the
// order of their first frames.
func NewWriter(w io.Writer, format Format, like *File) *Writer {
	return &Writer{
		given:  map[int]Interface{},
		w:      bufio.NewWriterSize(w, 64<<10),
		format: format,
		like:   like,
		ids:    map[writerKey]writerInterface{},
	}
}

// WriteFrame writes f's Data, Length, Time, LinkType and Interface. An error is one
// of this package's Err values, or what the underlying writer returned. A zero Time
// is written as 1970, the formats' own zero.
func (w *Writer) WriteFrame(f *Frame) error { return w.WriteFrameWith(f, PacketOptions{}) }

// WriteFrameWith is WriteFrame, and in pcapng adds options to the packet.
func (w *Writer) WriteFrameWith(f *Frame, o PacketOptions) error {
	if len(f.Data) > maxPacket {
		return fmt.Errorf("packet %d: %w: %d bytes", f.Number, ErrTooLong, len(f.Data))
	}
	var at int64 // nanoseconds since 1970
	if !f.Time.IsZero() {
		sec := f.Time.Unix()
		if sec < 0 || !expressible(sec) || w.format == Pcap && sec > math.MaxUint32 {
			return fmt.Errorf("packet %d: %w: %v", f.Number, ErrTime, f.Time)
		}
		at = f.Time.UnixNano()
	}
	if w.format == PcapNG {
		w.options = o.append(w.options[:0])
		return w.writeNG(f, at)
	}
	return w.writePcap(f, at)
}

// Flush writes what is buffered. A file without frames gets its header, so that it
// is a valid, empty capture.
func (w *Writer) Flush() error {
	link := packet.LinkEthernet
	if w.like != nil && len(w.like.interfaces) > 0 {
		link = w.like.interfaces[0].LinkType
	}
	w.begin(link)
	return w.w.Flush()
}

// begin writes the file header, or the header of the only section, once.
func (w *Writer) begin(link packet.LinkType) {
	if w.begun {
		return
	}
	w.begun = true
	if w.format == PcapNG {
		const unknown = math.MaxUint32 // both halves of the unknown length
		w.writeBlock(blockSection, le(nil, byteOrderMagic, 1 /* version 1.0 */, unknown, unknown), nil, nil)
		return
	}
	w.link, w.unit = link, w.unitOf(0)
	magic := uint32(magicMicro)
	if w.unit == 1 {
		magic = magicNano
	}
	w.w.Write(le(w.buf[:0], magic, 2|4<<16 /* version 2.4 */, 0, 0, maxPacket, uint32(link)))
}

// unitOf returns the resolution to write an interface with, in nanoseconds.
func (w *Writer) unitOf(id int) int64 {
	if intf, ok := w.described(id); ok && intf.Resolution > 0 && intf.Resolution%time.Microsecond == 0 {
		return 1000
	}
	return 1
}

// described returns what the frames' own file says about an interface.
func (w *Writer) described(id int) (Interface, bool) {
	if intf, ok := w.given[id]; ok {
		return intf, true
	}
	if w.like == nil {
		return Interface{}, false
	}
	if w.like.format == Pcap {
		id = 0 // the index, if any, is the capturing kernel's
	}
	if id < 0 || id >= len(w.like.interfaces) {
		return Interface{}, false
	}
	return w.like.interfaces[id], true
}

func (w *Writer) writePcap(f *Frame, at int64) error {
	w.begin(f.LinkType)
	if f.LinkType != w.link {
		return fmt.Errorf("packet %d: %w: %v, and %v before", f.Number, ErrLinkTypes, f.LinkType, w.link)
	}
	b := binary.LittleEndian.AppendUint64(w.buf[:0], uint64(at/1e9)|uint64(at%1e9/w.unit)<<32)
	w.w.Write(binary.LittleEndian.AppendUint64(b, uint64(len(f.Data))|uint64(max(f.Length, len(f.Data)))<<32))
	_, err := w.w.Write(f.Data)
	return err
}

func (w *Writer) writeNG(f *Frame, at int64) error {
	w.begin(f.LinkType)
	key := writerKey{f.Interface, f.LinkType}
	intf, ok := w.ids[key]
	if !ok {
		intf = writerInterface{id: uint32(len(w.ids)), unit: w.unitOf(f.Interface)}
		w.ids[key] = intf
		w.writeInterface(f, intf.unit)
	}
	ts := uint64(at / intf.unit)
	head := le(w.head[:0], intf.id, uint32(ts>>32), uint32(ts), uint32(len(f.Data)), uint32(max(f.Length, len(f.Data))))
	return w.writeBlock(blockEnhanced, head, f.Data, w.options)
}

// writeBlock writes a block of three parts. Only the length of data may be no multiple
// of four.
func (w *Writer) writeBlock(kind uint32, head, data, options []byte) error {
	padding := -len(data) & 3
	size := uint32(12 + len(head) + len(data) + padding + len(options))
	w.w.Write(append(le(w.buf[:0], kind, size), head...))
	w.w.Write(data)
	w.tail = le(append(append(w.tail[:0], make([]byte, padding)...), options...), size)
	_, err := w.w.Write(w.tail)
	return err
}

// le appends numbers as a Writer writes all of them: the lowest byte first.
func le(b []byte, numbers ...uint32) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func (w *Writer) writeInterface(f *Frame, unit int64) {
	known, _ := w.described(f.Interface)
	name := known.Name
	if name == "" && (w.like == nil || w.like.format == Pcap) && f.Interface != 0 {
		name = fmt.Sprintf("interface %d", f.Interface) // all that is known of it
	}
	b := le(nil, uint32(f.LinkType), maxPacket)
	if name != "" {
		b = appendOption(b, optionName, name)
	}
	if d := known.Description; d != "" {
		b = appendOption(b, optionDescription, d)
	}
	if unit == 1 {
		b = appendOption(b, optionResolution, []byte{9})
	}
	w.writeBlock(blockInterface, appendOption(b, optionEnd, ""), nil, nil)
}
