package capture

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// maxBlock is the longest pcapng block accepted, in bytes: Wireshark's limit.
const maxBlock = 16 << 20

// maxDescribed bounds what is kept of a file's interface descriptions, in bytes:
// a small gzipped file can hold millions of them, and a packet may name any.
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

// A section is a part of a pcapng file with its own byte order and interfaces.
// Concatenated files have several.
type section struct {
	first int     // of the section's interfaces, in File.interfaces
	clock []clock // by interface of the section

	described int // bytes of interface descriptions so far, in all sections
}

// A clock turns an interface's timestamps into time.
type clock struct {
	perSecond uint64
	offset    int64 // seconds
}

// time returns the zero Time if ts cannot be one: see Frame.Time.
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
	if sec > math.MaxInt64/2 || !expressible(at) { // a smaller sec cannot wrap around to an expressible one
		return time.Time{}
	}
	return time.Unix(at, int64(nanos)).UTC()
}

func (f *File) startNG() error {
	b, size, err := f.block()
	for ; b == nil && err == nil; b, size, err = f.block() {
		if err := f.win.fill(size); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return f.readSection(b)
}

// block returns the block at the window's position and its size. If it is not whole in
// memory, block returns nil and how many bytes it needs to go on.
func (f *File) block() (b []byte, size int, err error) {
	b = f.win.buf[f.win.pos:]
	if len(b) < 12 {
		return nil, 12, nil
	}
	if binary.LittleEndian.Uint32(b) == blockSection {
		magic := binary.LittleEndian.Uint32(b[8:])
		if f.big = magic != byteOrderMagic; f.big && bits.ReverseBytes32(magic) != byteOrderMagic {
			return nil, 0, fmt.Errorf("%w: byte-order magic %08x", ErrFormat, magic)
		}
	}
	// Some writers leave lengths that are not a multiple of four; they mean the
	// next multiple.
	length := (f.u32(b[4:]) + 3) &^ 3
	if length < 12 || length > maxBlock {
		return nil, 0, fmt.Errorf("%w: block length %d", ErrRecord, length)
	}
	if size = int(length); len(b) < size {
		return nil, size, nil
	}
	if trailer := f.u32(b[size-4:]); (trailer+3)&^3 != length {
		return nil, 0, fmt.Errorf("%w: block length %d at the start, %d at the end", ErrRecord, length, trailer)
	}
	return b[:size:size], size, nil
}

// readSection reads a section header block.
func (f *File) readSection(b []byte) error {
	if len(b) < 28 {
		return fmt.Errorf("%w: section header of %d bytes", ErrRecord, len(b))
	}
	if major, minor := f.order().Uint16(b[12:]), f.order().Uint16(b[14:]); major != 1 {
		return fmt.Errorf("%w: pcapng version %d.%d", ErrFormat, major, minor)
	}
	f.ng.first, f.ng.clock = len(f.interfaces), f.ng.clock[:0]
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
		LinkType: packet.LinkType(f.order().Uint16(b[8:])),
		SnapLen:  clamp(f.u32(b[12:])),
	}
	c := clock{perSecond: 1e6}
	for options := b[16 : len(b)-4]; len(options) >= 4; {
		code, size := f.order().Uint16(options), int(f.order().Uint16(options[2:]))
		options = options[4:]
		if code == optionEnd || size > len(options) {
			break
		}
		value := options[:size]
		options = options[min(len(options), (size+3)&^3):]
		switch {
		case code == optionName:
			intf.Name = string(value)
		case code == optionDescription:
			intf.Description = string(value)
		case code == optionResolution && size == 1:
			if c.perSecond = perSecond(value[0]); c.perSecond == 0 {
				return fmt.Errorf("%w: timestamp resolution %#x", ErrRecord, value[0])
			}
		case code == optionOffset && size == 8:
			c.offset = int64(f.order().Uint64(value))
		}
	}
	intf.Resolution = time.Duration(max(1, 1e9/c.perSecond))
	f.interfaces = append(f.interfaces, intf)
	f.ng.clock = append(f.ng.clock, c)
	return nil
}

// perSecond returns the units per second of an if_tsresol option, 0 if there are
// too many to count.
func perSecond(resolution byte) uint64 {
	switch {
	case resolution >= 0x80:
		return 1 << (resolution & 0x7f)
	case resolution > 19:
		return 0
	}
	return uint64(math.Pow10(int(resolution))) // is exact
}

// readBlock is readRecord for a block, which may hold no packet.
func (f *File) readBlock(fr *Frame) (size int, isPacket bool, err error) {
	b, size, err := f.block()
	if b == nil {
		return size, false, err
	}
	switch f.u32(b) {
	case blockSection:
		err = f.readSection(b)
	case blockInterface:
		err = f.readInterface(b)
	case blockEnhanced, blockPacket, blockSimple:
		isPacket, err = true, f.readPacket(b, fr)
	}
	return size, isPacket, err
}

// readPacket reads an enhanced packet block, or the obsolete packet block, which
// differs in how it counts interfaces. A simple packet block has no time, and belongs
// to the section's first interface.
//
//	enhanced                                                 simple
//	 8 interface (obsolete: 2 bytes, then a count of drops)
//	12 time, upper and lower half
//	20 bytes captured
//	24 bytes on the wire                                      8 bytes on the wire
//	28 packet, options                                       12 packet
func (f *File) readPacket(b []byte, fr *Frame) error {
	kind, head := f.u32(b), 28
	if kind == blockSimple {
		head = 12
	}
	if len(b) < head+4 {
		return fmt.Errorf("%w: packet block of %d bytes", ErrRecord, len(b))
	}
	id := 0
	switch kind {
	case blockEnhanced:
		id = int(f.u32(b[8:]))
	case blockPacket:
		id = int(f.order().Uint16(b[8:]))
	}
	if id < 0 || id >= len(f.ng.clock) {
		return fmt.Errorf("%w: interface %d of %d", ErrInterface, id, len(f.ng.clock))
	}
	fr.Interface = f.ng.first + id
	of := &f.interfaces[fr.Interface]
	length := f.u32(b[head-4:])
	captured := length
	if kind != blockSimple {
		captured = f.u32(b[20:])
	} else if of.SnapLen != 0 {
		captured = min(captured, uint32(of.SnapLen))
	}
	if captured > uint32(len(b)-head-4) || captured > maxPacket {
		return fmt.Errorf("%w: %d bytes captured in a block of %d", ErrRecord, captured, len(b))
	}
	end := head + int(captured)
	fr.Data, fr.Length, fr.LinkType, fr.Time = b[head:end:end], clamp(length), of.LinkType, time.Time{}
	if kind != blockSimple {
		fr.Time = f.ng.clock[id].time(uint64(f.u32(b[12:]))<<32 | uint64(f.u32(b[16:])))
	}
	return nil
}
