package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// maxPacket is the longest packet record accepted, in bytes: what libpcap and
// Wireshark allow. A longer one is damage, and no memory is allocated for it.
const maxPacket = 262144

// Magic numbers of classic pcap, as a little-endian host reads its own files.
const (
	magicMicro     = 0xa1b2c3d4
	magicNano      = 0xa1b23c4d
	magicKuznetzov = 0xa1b2cd34 // microseconds, and eight bytes more per record
)

// pcapHeader is what the file header of a classic pcap file says.
//
//	file header                          record
//	 0 magic                              0 seconds
//	 4 major, minor version               4 micro- or nanoseconds
//	 8 time zone, accuracy: unused        8 bytes captured
//	16 snap length                       12 bytes on the wire
//	20 link type                         16 Kuznetzov only: interface,
//	24 first record                         protocol, packet type
type pcapHeader struct {
	nanos      int64 // nanoseconds per unit of the second field
	record     int   // bytes of a record header
	swapLength bool  // versions up to 2.3 may have the two lengths exchanged
	link       packet.LinkType
}

func (f *File) startPcap(magic uint32) error {
	p := pcapHeader{nanos: 1000, record: 16}
	if f.big = byte(magic) == magicMicro>>24; f.big { // the same for all three
		magic = bits.ReverseBytes32(magic)
	}
	switch magic {
	case magicMicro:
	case magicNano:
		p.nanos = 1
	case magicKuznetzov:
		p.record = 24
	default:
		return fmt.Errorf("%w: it starts with % x", ErrFormat, f.win.buf[f.win.pos:f.win.pos+4])
	}
	if err := f.win.fill(24); err != nil {
		return err
	}
	b := f.win.buf[f.win.pos:]
	major, minor := f.order().Uint16(b[4:]), f.order().Uint16(b[6:])
	if major != 2 {
		return fmt.Errorf("%w: pcap version %d.%d", ErrFormat, major, minor)
	}
	p.swapLength = minor <= 3
	p.link = packet.LinkType(f.u32(b[20:])) // flags in the upper half
	f.interfaces = []Interface{{
		LinkType:   p.link,
		SnapLen:    clamp(f.u32(b[16:])),
		Resolution: time.Duration(p.nanos),
	}}
	f.pcap = p
	f.win.pos += 24
	return nil
}

// readRecord reads the record at the window's position into fr, and returns its size.
// If it is not whole in memory, nothing is read.
func (f *File) readRecord(fr *Frame) (size int, err error) {
	b, p := f.win.buf[f.win.pos:], &f.pcap
	if len(b) < p.record {
		return p.record, nil
	}
	head := (*[16]byte)(b) // its length is checked once
	captured, length := f.u32(head[8:]), f.u32(head[12:])
	if captured > length && p.swapLength {
		captured, length = length, captured
	}
	if captured > maxPacket {
		return 0, fmt.Errorf("%w: %d bytes captured, more than %d", ErrRecord, captured, maxPacket)
	}
	if size = p.record + int(captured); len(b) < size {
		return size, nil
	}
	fr.Data = b[p.record:size:size]
	fr.Time = time.Unix(int64(f.u32(head[:])), int64(f.u32(head[4:]))*p.nanos).UTC()
	fr.Length = clamp(length)
	fr.LinkType = p.link
	switch { // the capturing kernel's index
	case p.record == 24:
		fr.Interface = clamp(f.u32(b[16:]))
	case p.link == packet.LinkSLL2 && captured >= 8:
		fr.Interface = clamp(binary.BigEndian.Uint32(fr.Data[4:]))
	default:
		fr.Interface = 0
	}
	return size, nil
}
