package bench

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

// ahead is how many headers a stream makes at once.
const ahead = 64

// A stream yields headers of TCP segments of random established connections, the
// same ones to every implementation. It makes them from what differs between
// them, since an array of headers would fill the caches; and some ahead, since one
// that was just written cannot be read until the packets before it are done with.
type stream struct {
	draws   []draw // a multiple of ahead
	drawn   int
	client  [2]uint64 // address of all clients, the words as they lie in memory
	server  [2]uint64
	headers [ahead]packet.Header
}

// A draw is a packet of a connection between a client and the server: the parts
// in which headers of one family differ.
type draw struct {
	addr  uint32 // low bits of the client's address, as they lie in memory
	port  uint16
	reply uint16 // 1: from the server
}

// Directions of a stream's segments.
type directions uint64

const (
	original directions = iota
	both                // at random
)

// newStream returns a stream of segments of the first conns connections.
func newStream(fam packet.Family, conns int, d directions) *stream {
	s := &stream{draws: make([]draw, (measure.Draws(conns)+ahead-1)/ahead*ahead)}
	fl := corpus.FlowN(fam, packet.TCP, 0)
	h := fl.Header(false, packet.ACK)
	le := binary.LittleEndian
	s.client = [2]uint64{le.Uint64(h.Src[:]), uint64(le.Uint32(h.Src[8:]))}
	s.server = [2]uint64{le.Uint64(h.Dst[:]), le.Uint64(h.Dst[8:])}
	for i := range s.headers {
		s.headers[i] = h
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range s.draws {
		fl := corpus.FlowN(fam, packet.TCP, rng.Uint64N(uint64(conns)))
		a := fl.Client.Addr().As16()
		s.draws[i] = draw{
			addr:  le.Uint32(a[12:]),
			port:  fl.Client.Port(),
			reply: uint16(rng.Uint64() & uint64(d)),
		}
	}
	return s
}

// next returns the headers of the next segments, which are valid until the call
// after. It makes them without a branch on the direction, which nobody could
// predict, and by whole words.
func (s *stream) next() *[ahead]packet.Header {
	draws := (*[ahead]draw)(s.draws[s.drawn:])
	if s.drawn += ahead; s.drawn == len(s.draws) {
		s.drawn = 0
	}
	le := binary.LittleEndian
	client, server := s.client, s.server
	for i := range draws {
		d, h := draws[i], &s.headers[i]
		low := client[1] | uint64(d.addr)<<32
		swap := -uint64(d.reply)
		x, y := (client[0]^server[0])&swap, (low^server[1])&swap
		p := (d.port ^ corpus.ServerPort) & uint16(swap)
		le.PutUint64(h.Src[:], client[0]^x)
		le.PutUint64(h.Src[8:], low^y)
		le.PutUint64(h.Dst[:], server[0]^x)
		le.PutUint64(h.Dst[8:], server[1]^y)
		h.SrcPort, h.DstPort = d.port^p, corpus.ServerPort^p
	}
	return &s.headers
}
