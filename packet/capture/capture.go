// Package capture reads packets from capture files and live sources and decodes
// their headers with package packet.
//
// A [File] is a pcap or pcapng file, gzipped or not, recognized by its first bytes
// and never by its name. A [Source] wraps any gopacket packet source: live handles,
// afpacket, readers of other formats. Both yield [Frame] values in the order of the
// file or the wire:
//
//	f, err := capture.Open("trace.pcapng")
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	for frame, err := range f.Frames() {
//		if err != nil {
//			return err // the file is damaged; every packet before came first
//		}
//		if frame.Err != nil {
//			continue // not an IP packet, or a malformed one: the error says
//		}
//		fmt.Println(frame.Time, &frame.Header)
//	}
//
// A [Writer] saves frames in either format, for example those that a replay accepted.
//
// Reading does not allocate per packet: files and streams go through one buffer, in
// which packets are decoded in place. The package does not use pcapgo's readers for
// files: they refuse Kuznetzov records and captured lengths that tcpdump and
// Wireshark accept, have 8 bits for a link type, know no byte offsets, and a damaged
// pcapng file can make them panic or allocate gigabytes. Tests compare the readers
// here with them.
//
// The package does not use goroutines, and its values are not safe for concurrent
// use.
package capture

import (
	"math"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// A Frame is one captured packet. The *Frame that a loop gets and its Data are valid
// until the next iteration. Header is a value and may be copied out.
type Frame struct {
	// Header is what [packet.Decode] read, and Err what it returned: nil for a
	// well-formed IP packet. Malformed packets and those that are not IP are
	// ordinary frames, not errors of the loop.
	Header packet.Header
	Err    error

	// Time is the packet's own timestamp, in UTC. It is the zero Time if the file
	// has none, as in pcapng's simple packet blocks, or one that
	// [time.Time.UnixNano] cannot express: a timestamp outside the years 1678 to
	// 2261 is damaged, and would stop any clock that follows it.
	Time time.Time

	// Number counts packets from 1. Offset is where the packet's record starts in its
	// file, in bytes, after gunzip for gzipped files; 0 if there is no file.
	Number int
	Offset int64

	// Interface tells the interfaces of one capture apart. For a pcapng file it
	// indexes [File.Interfaces]. For others it is the interface index in the
	// capturing host's kernel, 0 if the file or source does not tell.
	Interface int

	LinkType packet.LinkType
	Length   int    // bytes on the wire; len(Data) may be less
	Data     []byte // from the link header on; it must not be written
}

// expressible reports whether every nanosecond of a Unix second can be expressed by
// [time.Time.UnixNano].
func expressible(second int64) bool {
	const most = math.MaxInt64 / int64(1e9) // 2262-04-11
	return -most <= second && second < most
}

// decode fills Header and Err from the other fields.
func (f *Frame) decode() {
	if f.Err = packet.Decode(f.LinkType, f.Data, f.Length, &f.Header); f.Err == packet.ErrLinkType {
		f.Err = decodeOther(f.LinkType, f.Data, f.Length, &f.Header)
	}
}

// clamp returns v as an int that is the same on 32-bit systems: no length or number
// in a valid capture needs more than 31 bits.
func clamp(v uint32) int { return int(min(v, math.MaxInt32)) }
