package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// maxPacket is the longest packet record believed, bytes: what libpcap and
// Wireshark allow. A longer one is damage, not a reason to ask for its memory.
const maxPacket = 262144

// Magic numbers of classic pcap, as a little-endian host reads its own files.
const (
	magicMicro     = 0xa1b2c3d4
	magicNano      = 0xa1b23c4d
	magicKuznetzov = 0xa1b2cd34 // microseconds, and eight bytes more per record
)

// pcapHeader is what the file header of a classic pcap file settles.
//
//	file header                          record
//	 0 magic                              0 seconds
//	 4 major, minor version               4 micro- or nanoseconds
//	 8 time zone, accuracy: unused        8 bytes captured
//	16 snap length                       12 bytes on the wire
//	20 link type                         16 Kuznetzov only: interface,
//	24 first record                         protocol, packet type
type pcapHeader struct {
	swapped    bool  // not the byte order of a little-endian host
	nanos      int64 // nanoseconds a unit of the second field
	record     int   // bytes of a record header
	swapLength bool  // versions up to 2.3 may have the two lengths exchanged
	link       packet.LinkType
	numbered   bool // records or frames name their interface
}

func (f *File) startPcap(magic uint32) error {
	p := pcapHeader{nanos: 1000, record: 16}
	switch m := bits.ReverseBytes32(magic); m {
	case magicMicro, magicNano, magicKuznetzov:
		magic, p.swapped = m, true
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
	var order binary.ByteOrder = binary.LittleEndian
	if p.swapped {
		order = binary.BigEndian
	}
	major, minor := order.Uint16(b[4:]), order.Uint16(b[6:])
	if major != 2 {
		return fmt.Errorf("%w: pcap version %d.%d", ErrFormat, major, minor)
	}
	p.swapLength = minor <= 3
	p.link = packet.LinkType(order.Uint32(b[20:])) // flags in the upper half
	p.numbered = p.record == 24 || p.link == packet.LinkSLL2
	f.interfaces = []Interface{{
		LinkType:   p.link,
		SnapLen:    clamp(order.Uint32(b[16:])),
		Resolution: time.Duration(p.nanos),
	}}
	f.pcap = p
	f.win.pos += 24
	return nil
}

// readPcap reads the packets of a pcap file that are in memory into frames. It
// returns their number and, where frames are left, the bytes that the next takes.
func (f *File) readPcap(frames []Frame) (n, need int, err error) {
	w, p := &f.win, f.pcap
	for n < len(frames) {
		b := w.buf[w.pos:]
		if len(b) < p.record {
			return n, p.record, nil
		}
		head := (*[16]byte)(b)
		sec, frac := binary.LittleEndian.Uint32(head[0:]), binary.LittleEndian.Uint32(head[4:])
		captured, length := binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:])
		if p.swapped {
			sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
			captured, length = bits.ReverseBytes32(captured), bits.ReverseBytes32(length)
		}
		if captured > length && p.swapLength {
			captured, length = length, captured
		}
		if captured > maxPacket {
			return n, 0, fmt.Errorf("%w: %d bytes captured, more than %d", ErrRecord, captured, maxPacket)
		}
		size := p.record + int(captured)
		if len(b) < size {
			return n, size, nil
		}
		fr := &frames[n]
		fr.Data = b[p.record:size:size]
		fr.Time = time.Unix(int64(sec), int64(frac)*p.nanos).UTC()
		fr.Length = clamp(length)
		fr.LinkType = p.link
		fr.Interface = 0
		if p.numbered {
			fr.Interface = p.number(b[:size])
		}
		fr.Number, fr.Offset = f.packets+1, w.offset()
		fr.decode()
		f.packets++
		w.pos += size
		n++
	}
	return n, 0, nil
}

// number returns the capturing kernel's index of the interface of a record: from
// the record's own header, or from the cooked header of its frame.
func (p *pcapHeader) number(record []byte) int {
	if p.record == 24 {
		n := binary.LittleEndian.Uint32(record[16:])
		if p.swapped {
			n = bits.ReverseBytes32(n)
		}
		return clamp(n)
	}
	if len(record) < p.record+8 {
		return 0
	}
	return clamp(binary.BigEndian.Uint32(record[p.record+4:]))
}
