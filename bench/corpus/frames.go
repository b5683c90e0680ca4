package corpus

import (
	"math/rand/v2"

	"github.com/sgsim/sgsim/packet"
)

// Frames is a set of raw Ethernet frames, laid out one behind the other at a
// fixed stride: what a ring buffer of a capture looks like to the memory.
type Frames struct {
	buf    []byte
	size   int
	stride int
	Reply  []bool // frame i travels from the server to the client
}

// Len returns the number of frames.
func (f *Frames) Len() int { return len(f.Reply) }

// At returns frame i. It aliases the set.
func (f *Frames) At(i int) []byte {
	o := i * f.stride
	return f.buf[o : o+f.size : o+f.size]
}

func (f *Frames) add(fl *Flow, reply bool, flags packet.TCPFlags) {
	at := len(f.buf)
	f.buf = fl.AppendFrame(f.buf, reply, flags, f.size)
	f.size = len(f.buf) - at
	for len(f.buf)-at < f.stride {
		f.buf = append(f.buf, 0)
	}
	f.Reply = append(f.Reply, reply)
}

// NewFrames returns n frames of random connections numbered below conns, in both
// directions, each of size bytes or as short as its headers. TCP segments carry
// flags; with SYN all frames come from the client.
func NewFrames(fam packet.Family, proto packet.Protocol, conns uint64, n, size int, flags packet.TCPFlags, seed uint64) *Frames {
	if fam == packet.IPv6 {
		size = max(size, 74)
	}
	f := &Frames{size: size, stride: (size + 63) &^ 63}
	f.buf = make([]byte, 0, n*f.stride)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range n {
		fl := FlowN(fam, proto, rng.Uint64N(conns))
		f.add(&fl, flags != packet.SYN && rng.Uint64()&1 == 1, flags)
	}
	return f
}

// Distinct returns one frame of each of the first n connections, from the client.
func Distinct(fam packet.Family, proto packet.Protocol, n, size int, flags packet.TCPFlags) *Frames {
	if fam == packet.IPv6 {
		size = max(size, 74)
	}
	f := &Frames{size: size, stride: (size + 63) &^ 63}
	f.buf = make([]byte, 0, n*f.stride)
	for i := range n {
		fl := FlowN(fam, proto, uint64(i))
		f.add(&fl, false, flags)
	}
	return f
}
