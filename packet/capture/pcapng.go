package capture

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// maxBlock is the longest pcapng block believed, bytes: Wireshark's limit.
const maxBlock = 16 << 20

// maxDescribed bounds what is kept of a file's interface descriptions, bytes: a
// small gzipped file can hold millions of them, and a packet may name any.
const maxDescribed = 16 << 20

// Types of the pcapng blocks that matter here; all others are skipped.
const (
	blockSection   = 0x0a0d0d0a // the same in both byte orders
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockNames     = 4 // written only
	blockEnhanced  = 6

	byteOrderMagic = 0x1a2b3c4d
)

// A section is a stretch of a pcapng file with a byte order and interfaces of its
// own. Files that were concatenated have several.
type section struct {
	order binary.ByteOrder
	big   bool
	first int     // of the section's interfaces, in File.interfaces
	clock []clock // by interface of the section

	described int // bytes of interface descriptions so far, in all sections
}

// A clock turns an interface's timestamps into time.
type clock struct {
	perSecond uint64
	offset    int64 // seconds
}

// time returns the zero Time where ts cannot be one: see Frame.Time.
func (c clock) time(ts uint64) time.Time {
	var sec, nanos uint64
	switch c.perSecond {
	case 1e6: // the usual two, divided by constants
		sec, nanos = ts/1e6, ts%1e6*1000
	case 1e9:
		sec, nanos = ts/1e9, ts%1e9
	default:
		hi, lo := bits.Mul64(ts%c.perSecond, 1e9)
		sec = ts / c.perSecond
		nanos, _ = bits.Div64(hi, lo, c.perSecond)
	}
	at := int64(sec) + c.offset
	if sec > math.MaxInt64/2 || !expressible(at) { // a smaller sec cannot wrap into what is expressible
		return time.Time{}
	}
	return time.Unix(at, int64(nanos)).UTC()
}

func (f *File) startNG() error {
	for {
		b, need, err := f.block()
		if err == nil && b == nil {
			err = f.win.fill(need)
		}
		if err != nil {
			return err
		}
		if b != nil {
			return f.readSection(b)
		}
	}
}

// block returns the block at the window's position. Where it is not whole in
// memory, it returns nil and how many bytes are needed to go on.
func (f *File) block() (b []byte, need int, err error) {
	b = f.win.buf[f.win.pos:]
	if len(b) < 12 {
		return nil, 12, nil
	}
	if binary.LittleEndian.Uint32(b) == blockSection {
		if err := f.setOrder(binary.LittleEndian.Uint32(b[8:])); err != nil {
			return nil, 0, err
		}
	}
	size := f.u32(b[4:])
	// Some writers leave lengths that are not a multiple of four; they mean the
	// next one that is.
	size = (size + 3) &^ 3
	if size < 12 || size > maxBlock {
		return nil, 0, fmt.Errorf("%w: block length %d", ErrRecord, size)
	}
	if len(b) < int(size) {
		return nil, int(size), nil
	}
	b = b[:size:size]
	if trailer := f.u32(b[size-4:]); (trailer+3)&^3 != size {
		return nil, 0, fmt.Errorf("%w: block length %d at the start, %d at the end", ErrRecord, size, trailer)
	}
	return b, 0, nil
}

func (f *File) setOrder(magic uint32) error {
	switch {
	case magic == byteOrderMagic:
		f.ng.order, f.ng.big = binary.LittleEndian, false
	case bits.ReverseBytes32(magic) == byteOrderMagic:
		f.ng.order, f.ng.big = binary.BigEndian, true
	default:
		return fmt.Errorf("%w: byte-order magic %08x", ErrFormat, magic)
	}
	return nil
}

func (f *File) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if f.ng.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// readSection reads a section header block.
func (f *File) readSection(b []byte) error {
	if len(b) < 28 {
		return fmt.Errorf("%w: section header of %d bytes", ErrRecord, len(b))
	}
	if major, minor := f.ng.order.Uint16(b[12:]), f.ng.order.Uint16(b[14:]); major != 1 {
		return fmt.Errorf("%w: pcapng version %d.%d", ErrFormat, major, minor)
	}
	f.ng.first = len(f.interfaces)
	f.ng.clock = f.ng.clock[:0]
	return nil
}

// readInterface reads an interface description block.
func (f *File) readInterface(b []byte) error {
	if len(b) < 20 {
		return fmt.Errorf("%w: interface description of %d bytes", ErrRecord, len(b))
	}
	if f.ng.described += len(b); f.ng.described > maxDescribed {
		return fmt.Errorf("%w: more than %d bytes of interface descriptions", ErrRecord, maxDescribed)
	}
	intf := Interface{
		LinkType: packet.LinkType(f.ng.order.Uint16(b[8:])),
		SnapLen:  clamp(f.u32(b[12:])),
	}
	c := clock{perSecond: 1e6}
	for options := b[16 : len(b)-4]; len(options) >= 4; {
		code, size := f.ng.order.Uint16(options), int(f.ng.order.Uint16(options[2:]))
		options = options[4:]
		if code == 0 || size > len(options) {
			break
		}
		value := options[:size]
		options = options[min(len(options), (size+3)&^3):]
		switch {
		case code == 2:
			intf.Name = string(value)
		case code == 3:
			intf.Description = string(value)
		case code == 9 && size == 1:
			if c.perSecond = perSecond(value[0]); c.perSecond == 0 {
				return fmt.Errorf("%w: timestamp resolution %#x", ErrRecord, value[0])
			}
		case code == 14 && size == 8:
			c.offset = int64(f.ng.order.Uint64(value))
		}
	}
	intf.Resolution = time.Duration(max(1, 1e9/c.perSecond))
	f.interfaces = append(f.interfaces, intf)
	f.ng.clock = append(f.ng.clock, c)
	return nil
}

// perSecond returns the units a second of an if_tsresol option, 0 if there are too
// many to count.
func perSecond(resolution byte) uint64 {
	exponent := resolution & 0x7f
	if resolution&0x80 != 0 {
		if exponent > 63 {
			return 0
		}
		return 1 << exponent
	}
	if exponent > 19 {
		return 0
	}
	n := uint64(1)
	for range exponent {
		n *= 10
	}
	return n
}

// readNG is readPcap for a pcapng file.
func (f *File) readNG(frames []Frame) (n, need int, err error) {
	for n < len(frames) {
		b, need, err := f.block()
		if b == nil {
			return n, need, err
		}
		fr := &frames[n]
		isPacket := false
		switch f.u32(b) {
		case blockSection:
			err = f.readSection(b)
		case blockInterface:
			err = f.readInterface(b)
		case blockEnhanced, blockPacket:
			isPacket, err = true, f.readEnhanced(b, fr)
		case blockSimple:
			isPacket, err = true, f.readSimple(b, fr)
		}
		if err != nil {
			return n, 0, err
		}
		if isPacket {
			fr.Number, fr.Offset = f.packets+1, f.win.offset()
			fr.decode()
			f.packets++
			n++
		}
		f.win.pos += len(b)
	}
	return n, 0, nil
}

// readEnhanced reads an enhanced packet block, or the obsolete packet block, which
// differs in how it counts interfaces.
//
//	8 interface (obsolete: 2 bytes, then a count of drops)
//	12 time, upper and lower half
//	20 bytes captured
//	24 bytes on the wire
//	28 packet, options
func (f *File) readEnhanced(b []byte, fr *Frame) error {
	if len(b) < 32 {
		return fmt.Errorf("%w: packet block of %d bytes", ErrRecord, len(b))
	}
	id := int(f.u32(b[8:]))
	if f.u32(b) == blockPacket {
		id = int(f.ng.order.Uint16(b[8:]))
	}
	if id < 0 || id >= len(f.ng.clock) {
		return fmt.Errorf("%w: interface %d of %d", ErrInterface, id, len(f.ng.clock))
	}
	captured := f.u32(b[20:])
	if captured > uint32(len(b)-32) || captured > maxPacket {
		return fmt.Errorf("%w: %d bytes captured in a block of %d", ErrRecord, captured, len(b))
	}
	f.setPacket(fr, id, b[28:28+captured], f.u32(b[24:]))
	fr.Time = f.ng.clock[id].time(uint64(f.u32(b[12:]))<<32 | uint64(f.u32(b[16:])))
	return nil
}

// readSimple reads a simple packet block: no time, and the section's first
// interface.
func (f *File) readSimple(b []byte, fr *Frame) error {
	if len(b) < 16 {
		return fmt.Errorf("%w: packet block of %d bytes", ErrRecord, len(b))
	}
	if len(f.ng.clock) == 0 {
		return fmt.Errorf("%w: interface 0 of 0", ErrInterface)
	}
	length := f.u32(b[8:])
	captured := length
	if snap := uint32(f.interfaces[f.ng.first].SnapLen); snap != 0 {
		captured = min(captured, snap)
	}
	if captured > uint32(len(b)-16) || captured > maxPacket {
		return fmt.Errorf("%w: %d bytes captured in a block of %d", ErrRecord, captured, len(b))
	}
	f.setPacket(fr, 0, b[12:12+captured], length)
	fr.Time = time.Time{}
	return nil
}

func (f *File) setPacket(fr *Frame, id int, data []byte, length uint32) {
	fr.Interface = f.ng.first + id
	fr.LinkType = f.interfaces[fr.Interface].LinkType
	fr.Data = data[:len(data):len(data)]
	fr.Length = clamp(length)
}
