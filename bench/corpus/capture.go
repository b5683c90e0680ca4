package corpus

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// Mix is a distribution of frame sizes in bytes, drawn evenly from its elements.
type Mix []int

var (
	// Small is the smallest Ethernet frame, for the packet rate.
	Small = Mix{64}
	// IMIX is the classic 7:4:1 mix, 354 bytes in the mean.
	IMIX = Mix{54, 54, 54, 54, 54, 54, 54, 590, 590, 590, 590, 1514}
)

// Mean returns the mean frame size in bytes, rounded down.
func (m Mix) Mean() int {
	s := 0
	for _, n := range m {
		s += n
	}
	return s / len(m)
}

// Start is the time of the first packet of every capture.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A CaptureSpec says what is in a capture: TCP connections over IPv4 from clients
// to the server, each packet of a connection chosen at random. A connection
// begins with its handshake.
type CaptureSpec struct {
	Packets int
	Flows   int
	Sizes   Mix
	Seed    uint64
}

// Name returns the file name of the capture, which names its parameters.
func (c CaptureSpec) Name() string {
	return fmt.Sprintf("sgsim-bench-%dx%d-%d-%d.pcap", c.Packets, c.Sizes.Mean(), c.Flows, c.Seed)
}

// WriteCapture writes the capture as a pcap file with nanosecond times into dir,
// one microsecond between packets, and returns its path. A file of that name and
// of the right length is taken as it is.
func WriteCapture(dir string, c CaptureSpec) (string, error) {
	path := filepath.Join(dir, c.Name())
	sizes := c.sizes()
	want := int64(24)
	for _, n := range sizes {
		want += 16 + int64(n)
	}
	if st, err := os.Stat(path); err == nil && st.Size() == want {
		return path, nil
	}
	f, err := os.CreateTemp(dir, "sgsim-bench-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	if err := c.write(f, sizes); err != nil {
		f.Close()
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}

// sizes draws the length of every frame; none is shorter than its headers.
func (c CaptureSpec) sizes() []int {
	rng := rand.New(rand.NewPCG(c.Seed, 2))
	s := make([]int, c.Packets)
	for i := range s {
		s[i] = max(54, c.Sizes[rng.IntN(len(c.Sizes))])
	}
	return s
}

func (c CaptureSpec) write(f *os.File, sizes []int) error {
	w := bufio.NewWriterSize(f, 1<<20)
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0xa1b23c4d) // nanoseconds
	head = le.AppendUint32(head, 2|4<<16)    // version 2.4
	head = append(head, make([]byte, 8)...)
	head = le.AppendUint32(head, 65535)
	head = le.AppendUint32(head, 1) // Ethernet
	if _, err := w.Write(head); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(c.Seed, 3))
	seen := make([]uint8, c.Flows) // packets of the flow so far, up to 3
	var b []byte
	for i, size := range sizes {
		n := rng.IntN(c.Flows)
		fl := FlowN(packet.IPv4, packet.TCP, uint64(n))
		reply, flags := rng.IntN(2) == 1, packet.ACK
		switch seen[n] {
		case 0:
			reply, flags = false, packet.SYN
		case 1:
			reply, flags = true, packet.SYN|packet.ACK
		case 2:
			reply = false
		}
		seen[n] = min(3, seen[n]+1)
		at := Start.Add(time.Duration(i) * time.Microsecond)
		b = le.AppendUint32(b[:0], uint32(at.Unix()))
		b = le.AppendUint32(b, uint32(at.Nanosecond()))
		b = le.AppendUint32(b, uint32(size))
		b = le.AppendUint32(b, uint32(size))
		b = fl.AppendFrame(b, reply, flags, size)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return w.Flush()
}
