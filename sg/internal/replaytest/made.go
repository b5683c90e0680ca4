package replaytest

import (
	"iter"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg/replay"
)

// Numbered is a capture of n packets, each made from the one before or anew: none is
// held in memory. make returns the time since the one before.
func Numbered(n int, make func(i int, h *packet.Header) time.Duration) replay.Source {
	return numbered{n, make}
}

type numbered struct {
	n    int
	make func(i int, h *packet.Header) time.Duration
}

func (s numbered) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		f := capture.Frame{Length: 100, Time: Began}
		for i := range s.n {
			f.Number = i + 1
			f.Time = f.Time.Add(s.make(i, &f.Header))
			if !yield(&f, nil) {
				return
			}
		}
	}
}

// Header reads a packet.
func Header(text string) packet.Header {
	h, err := packet.ParseHeader(text)
	if err != nil {
		panic(err)
	}
	return h
}

// Loop is a capture of so many packets, the same again and again, so that a benchmark
// of outputs does not wait for a file.
func Loop(frames []capture.Frame, packets int) replay.Source { return loop{frames, packets} }

type loop struct {
	frames  []capture.Frame
	packets int
}

func (l loop) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		for i := range l.packets {
			if !yield(&l.frames[i%len(l.frames)], nil) {
				return
			}
		}
	}
}
