package corpus

import (
	"io"
	"math/rand/v2"

	"github.com/sgsim/sgsim/packet"
)

// A Feed is a capture that is made while it is read, for those that are larger
// than what one wants to write: as it comes out of a pipe. Every connection is
// opened by its handshake, then packets of some of them come again and again.
type Feed struct {
	spec    CaptureSpec
	bytes   int64  // that remain to be made
	opened  int    // flows
	packets int    // made so far
	cycle   []byte // records
	starts  []int  // of the records of cycle
	next    int    // of starts
	made    []byte // and not yet read; a part of cycle or of opening
	opening []byte // one handshake
}

// NewFeed returns a capture of the flows, sizes and seed of spec that ends with
// the packet that reaches so many bytes, as a file would have. spec.Packets is how
// many packets the cycle is made of, which are kept.
func NewFeed(spec CaptureSpec, bytes int64) *Feed {
	f := &Feed{spec: spec, bytes: bytes - fileHeader, made: appendFileHeader(nil)}
	rng := rand.New(rand.NewPCG(spec.Seed, 6))
	for _, size := range spec.sizes() {
		fl := FlowN(packet.IPv4, packet.TCP, rng.Uint64N(uint64(spec.Flows)))
		f.starts = append(f.starts, len(f.cycle))
		f.cycle = appendRecord(f.cycle, 0, &fl, rng.Uint64()&1 == 1, packet.ACK, size)
	}
	return f
}

// Packets returns how many packets were made so far.
func (f *Feed) Packets() int { return f.packets }

// Read implements [io.Reader].
func (f *Feed) Read(p []byte) (int, error) {
	if len(f.made) == 0 {
		if f.bytes <= 0 {
			return 0, io.EOF
		}
		f.make()
	}
	n := copy(p, f.made)
	f.made = f.made[n:]
	return n, nil
}

// make makes the next handshake, or the next packets of the cycle.
func (f *Feed) make() {
	if f.opened < f.spec.Flows {
		fl := FlowN(packet.IPv4, packet.TCP, uint64(f.opened))
		f.opened++
		f.opening = f.opening[:0]
		for i, flags := range []packet.TCPFlags{packet.SYN, packet.SYN | packet.ACK, packet.ACK} {
			f.opening = appendRecord(f.opening, f.packets, &fl, i == 1, flags, minFrame)
			f.packets++
		}
		f.made = f.opening
	} else {
		const most = 256 // packets at once
		begin := f.starts[f.next]
		end := begin
		for range most {
			putTime(f.cycle[end:], f.packets)
			f.packets++
			if f.next++; f.next == len(f.starts) {
				f.next, end = 0, len(f.cycle)
				break
			}
			if end = f.starts[f.next]; int64(end-begin) >= f.bytes {
				break
			}
		}
		f.made = f.cycle[begin:end]
	}
	f.bytes -= int64(len(f.made))
}
