package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/google/gopacket/pcapgo"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
)

// example returns a pcapng file with a TCP SYN and a frame that is not IP.
func example() []byte {
	syn := append([]byte{0: 2, 6: 2, 12: 8, 13: 0}, []byte(""+
		"\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x00\x01\x0a\x0a\x00\x02\x14"+
		"\x9c\x41\x15\x38\x00\x00\x00\x00\x00\x00\x00\x00\x50\x02\x00\x00\x00\x00\x00\x00")...)
	arp := []byte{0: 255, 12: 8, 13: 6, 41: 0}
	var file bytes.Buffer
	w := capture.NewWriter(&file, capture.PcapNG, nil)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i, data := range [][]byte{syn, arp} {
		f := capture.Frame{Time: at.Add(time.Duration(i) * time.Millisecond), LinkType: packet.LinkEthernet, Length: len(data), Data: data}
		if err := w.WriteFrame(&f); err != nil {
			panic(err)
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return file.Bytes()
}

// NewReader reads any stream, Open a file or standard input.
func ExampleNewReader() {
	f, err := capture.NewReader(bytes.NewReader(example()), "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	for frame, err := range f.Frames() {
		switch {
		case err != nil:
			fmt.Println(err) // damage: the loop ends here
		case frame.Err != nil:
			fmt.Println(frame.Number, frame.Time.Format(time.StampMilli), frame.Err)
		default:
			fmt.Println(frame.Number, frame.Time.Format(time.StampMilli), frame.Header)
		}
	}
	// Output:
	// 1 Nov 21 12:00:00.000 tcp 10.0.1.10:40001 > 10.0.2.20:5432 S
	// 2 Nov 21 12:00:00.001 packet: not an IP packet
}

// A damaged file gives every packet before the damage.
func ExampleDamageError() {
	data := example()
	f, err := capture.NewReader(bytes.NewReader(data[:len(data)-10]), "cut.pcapng")
	if err != nil {
		fmt.Println(err)
		return
	}
	for frame, err := range f.Frames() {
		var damage *capture.DamageError
		if errors.As(err, &damage) {
			fmt.Println(err)
			fmt.Println("packet", damage.Packet, errors.Is(err, capture.ErrTruncated))
			break
		}
		fmt.Println("packet", frame.Number)
	}
	// Output:
	// packet 1
	// cut.pcapng: packet 2 at byte 148: file ends inside a record
	// packet 2 true
}

// Every packet source of gopacket can be read: live handles, afpacket, or here
// pcapgo's own reader.
func ExampleNewSource() {
	src, err := pcapgo.NewNgReader(bytes.NewReader(example()), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		fmt.Println(err)
		return
	}
	for frame, err := range capture.NewSource(src, packet.LinkType(src.LinkType())).Frames() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(frame.Number, frame.Header.Tuple())
	}
	// Output:
	// 1 tcp 10.0.1.10:40001 > 10.0.2.20:5432
	// 2 -
}

// Frames that passed are saved as they came.
func ExampleWriter() {
	f, err := capture.NewReader(bytes.NewReader(example()), "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	var out bytes.Buffer
	w := capture.NewWriter(&out, capture.Pcap, f)
	for frame, err := range f.Frames() {
		if err == nil && frame.Err == nil {
			err = w.WriteFrame(frame)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := w.Flush(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(out.Len(), "bytes: a file header of 24, a record header of 16, 54 of the packet")
	// Output: 94 bytes: a file header of 24, a record header of 16, 54 of the packet
}
