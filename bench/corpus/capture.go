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
	want := int64(fileHeader)
	for _, n := range sizes {
		want += recordHeader + int64(n)
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
		s[i] = max(minFrame, c.Sizes[rng.IntN(len(c.Sizes))])
	}
	return s
}

func (c CaptureSpec) write(f *os.File, sizes []int) error {
	w := bufio.NewWriterSize(f, 1<<20)
	if _, err := w.Write(appendFileHeader(nil)); err != nil {
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
		b = appendRecord(b[:0], i, &fl, reply, flags, size)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return w.Flush()
}

// Bytes.
const (
	fileHeader   = 24
	recordHeader = 16
	minFrame     = 54 // the headers of TCP over IPv4 in Ethernet
)

// appendFileHeader appends what a pcap file of Ethernet frames with nanosecond
// times begins with.
func appendFileHeader(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, 0xa1b23c4d) // nanoseconds
	b = le.AppendUint32(b, 2|4<<16)    // version 2.4
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 65535)
	return le.AppendUint32(b, 1) // Ethernet
}

// appendRecord appends packet i of a capture, which is of size bytes.
func appendRecord(b []byte, i int, fl *Flow, reply bool, flags packet.TCPFlags, size int) []byte {
	le := binary.LittleEndian
	b = append(b, make([]byte, 8)...)
	putTime(b[len(b)-8:], i)
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(size))
	return fl.AppendFrame(b, reply, flags, size)
}

// putTime writes the time of packet i where its record begins.
func putTime(record []byte, i int) {
	at := Start.Add(time.Duration(i) * time.Microsecond)
	binary.LittleEndian.PutUint32(record, uint32(at.Unix()))
	binary.LittleEndian.PutUint32(record[4:], uint32(at.Nanosecond()))
}
