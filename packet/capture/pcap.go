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
}

func (f *File) startPcap(magic uint32) error {
	p := pcapHeader{nanos: 1000, record: 16}
	switch magic {
	case magicMicro, magicNano, magicKuznetzov:
	default:
		magic = bits.ReverseBytes32(magic)
		p.swapped = true
	}
	switch magic {
	case magicMicro:
	case magicNano:
		p.nanos = 1
	case magicKuznetzov:
		p.record = 24
	default:
		return f.damage(fmt.Errorf("%w: it starts with % x", ErrFormat, f.win.buf[f.win.pos:f.win.pos+4]))
	}
	if err := f.win.fill(24); err != nil {
		return f.damage(err)
	}
	b := f.win.buf[f.win.pos:]
	var order binary.ByteOrder = binary.LittleEndian
	if p.swapped {
		order = binary.BigEndian
	}
	major, minor := order.Uint16(b[4:]), order.Uint16(b[6:])
	if major != 2 {
		return f.damage(fmt.Errorf("%w: pcap version %d.%d", ErrFormat, major, minor))
	}
	p.swapLength = minor <= 3
	p.link = packet.LinkType(order.Uint32(b[20:])) // flags in the upper half
	f.interfaces = []Interface{{
		LinkType:   p.link,
		SnapLen:    int(order.Uint32(b[16:])),
		Resolution: time.Duration(p.nanos),
	}}
	f.pcap = p
	f.frame.LinkType = p.link
	f.win.pos += 24
	return nil
}

func (f *File) runPcap(yield func(*Frame, error) bool) error {
	w, fr, p := &f.win, &f.frame, f.pcap
	for {
		if len(w.buf)-w.pos < p.record {
			if err := w.fill(p.record); err != nil {
				return f.endOrDamage(err)
			}
		}
		b := w.buf[w.pos : w.pos+p.record]
		sec, frac := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		captured, length := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		if p.swapped {
			sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
			captured, length = bits.ReverseBytes32(captured), bits.ReverseBytes32(length)
		}
		if captured > length && p.swapLength {
			captured, length = length, captured
		}
		if captured > maxPacket {
			return f.damage(fmt.Errorf("%w: %d bytes captured, more than %d", ErrRecord, captured, maxPacket))
		}
		size := p.record + int(captured)
		if len(w.buf)-w.pos < size {
			if err := w.fill(size); err != nil {
				return f.damage(truncated(err))
			}
			b = w.buf[w.pos:]
		}
		if p.record == 24 {
			fr.Interface = int(binary.LittleEndian.Uint32(b[16:]))
			if p.swapped {
				fr.Interface = int(bits.ReverseBytes32(uint32(fr.Interface)))
			}
		}
		fr.Data = w.buf[w.pos+p.record : w.pos+size : w.pos+size]
		fr.Time = time.Unix(int64(sec), int64(frac)*p.nanos).UTC()
		fr.Length = int(length)
		if p.link == packet.LinkSLL2 && len(fr.Data) >= 8 {
			fr.Interface = int(binary.BigEndian.Uint32(fr.Data[4:]))
		}
		fr.Number++
		fr.decode()
		w.pos += size
		f.inBody = true
		if !yield(fr, nil) {
			f.inBody = false
			return nil
		}
		f.inBody = false
	}
}
