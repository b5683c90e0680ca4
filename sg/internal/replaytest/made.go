package replaytest

import (
	"iter"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg/replay"
)

// A made is a capture that is made as it is read, so that none of it is held in memory.
type made func(yield func(*capture.Frame, error) bool)

func (m made) Frames() iter.Seq2[*capture.Frame, error] { return iter.Seq2[*capture.Frame, error](m) }

// Numbered is a capture of n packets. next makes packet i, from 0, of the header of the
// one before, and returns the time between the two; the first one is that long after Began.
func Numbered(n int, next func(i int, h *packet.Header) time.Duration) replay.Source {
	return made(func(yield func(*capture.Frame, error) bool) {
		f := capture.Frame{Length: 100, Time: Began}
		for i := range n {
			f.Number = i + 1
			f.Time = f.Time.Add(next(i, &f.Header))
			if !yield(&f, nil) {
				return
			}
		}
	})
}

// Loop is a capture of so many packets, the same frames again and again, so that a
// benchmark of outputs does not wait for a file.
func Loop(frames []capture.Frame, packets int) replay.Source {
	return made(func(yield func(*capture.Frame, error) bool) {
		for i := range packets {
			if !yield(&frames[i%len(frames)], nil) {
				return
			}
		}
	})
}

// Header reads a packet. It panics if the text is wrong.
func Header(text string) packet.Header {
	h, err := packet.ParseHeader(text)
	if err != nil {
		panic(err)
	}
	return h
}
