package capture

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/packettest"
)

const benchPackets = 1 << 18

// benchFile writes a capture of TCP segments, 64 bytes each, and returns its name.
func benchFile(b *testing.B, format Format) string {
	name := filepath.Join(b.TempDir(), "bench."+format.String())
	out, err := os.Create(name)
	require.NoError(b, err)
	w := NewWriter(out, format, nil)
	data := packettest.Ethernet(b, "tcp 10.0.0.1:1025 > 10.0.0.2:5432 A len 10")
	f := Frame{LinkType: packet.LinkEthernet, Data: data, Length: len(data)}
	for i := range benchPackets {
		f.Time = time.Unix(1e9, int64(i)*1000)
		data[28], data[29] = byte(i>>8), byte(i)
		require.NoError(b, w.WriteFrame(&f))
	}
	require.NoError(b, w.Flush())
	require.NoError(b, out.Close())
	return name
}

// BenchmarkRead reads a file of 64-byte packets from the page cache, one file per
// operation: ns/pkt is what counts. pcapgo's readers do not decode; impl=pcapgo is
// reading alone, with a buffer of the size that this package uses.
func BenchmarkRead(b *testing.B) {
	for _, format := range []Format{Pcap, PcapNG} {
		name := benchFile(b, format)
		run := func(impl string, read func(b *testing.B) int) {
			b.Run("impl="+impl+"/format="+format.String(), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if n := read(b); n != benchPackets {
						b.Fatal("packets: ", n)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchPackets, "ns/pkt")
			})
		}
		run("sgsim", func(b *testing.B) int {
			f, err := Open(name)
			require.NoError(b, err)
			defer f.Close()
			return drain(b, f)
		})
		run("pcapgo", func(b *testing.B) int {
			in, err := os.Open(name)
			require.NoError(b, err)
			defer in.Close()
			src := pcapgoReader(b, in, format)
			n := 0
			for {
				_, _, err := src.ZeroCopyReadPacketData()
				if err == io.EOF {
					return n
				}
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
		run("sgsim-source-pcapgo", func(b *testing.B) int {
			in, err := os.Open(name)
			require.NoError(b, err)
			defer in.Close()
			n := 0
			for f, err := range NewSource(pcapgoReader(b, in, format), packet.LinkEthernet).Frames() {
				if err != nil || f.Err != nil {
					b.Fatal(err, f)
				}
				n++
			}
			return n
		})
	}
}

func drain(b *testing.B, f *File) int {
	n := 0
	for fr, err := range f.Frames() {
		if err != nil || fr.Err != nil {
			b.Fatal(err, fr)
		}
		n++
	}
	return n
}

func pcapgoReader(b *testing.B, in io.Reader, format Format) interface {
	gopacket.PacketDataSource
	gopacket.ZeroCopyPacketDataSource
} {
	in = bufio.NewReaderSize(in, bufferSize)
	if format == Pcap {
		r, err := pcapgo.NewReader(in)
		require.NoError(b, err)
		return r
	}
	r, err := pcapgo.NewNgReader(in, pcapgo.NgReaderOptions{})
	require.NoError(b, err)
	return r
}

// BenchmarkWrite writes 64-byte packets to nowhere, one per operation.
func BenchmarkWrite(b *testing.B) {
	data := packettest.Ethernet(b, "tcp 10.0.0.1:1025 > 10.0.0.2:5432 A len 10")
	f := Frame{LinkType: packet.LinkEthernet, Data: data, Length: len(data), Time: time.Unix(1e9, 5)}
	for _, format := range []Format{Pcap, PcapNG} {
		b.Run("impl=sgsim/format="+format.String(), func(b *testing.B) {
			b.ReportAllocs()
			w := NewWriter(io.Discard, format, nil)
			for b.Loop() {
				if err := w.WriteFrame(&f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("impl=pcapgo/format=pcap", func(b *testing.B) {
		b.ReportAllocs()
		w := pcapgo.NewWriter(io.Discard)
		require.NoError(b, w.WriteFileHeader(65535, layers.LinkTypeEthernet))
		ci := gopacket.CaptureInfo{Timestamp: f.Time, CaptureLength: len(data), Length: len(data)}
		for b.Loop() {
			if err := w.WritePacket(ci, data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Reading and writing frames allocate nothing per packet.
func TestNoAllocationPerPacket(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, PcapNG, nil)
	data := packettest.Ethernet(t, "tcp 10.0.0.1:1025 > 10.0.0.2:5432 A len 10")
	f := Frame{LinkType: packet.LinkEthernet, Data: data, Length: len(data), Time: time.Unix(1e9, 5)}
	require.NoError(t, w.WriteFrame(&f))
	file.Grow(1 << 20)
	require.Zero(t, testing.AllocsPerRun(1000, func() { w.WriteFrame(&f) }))
	require.NoError(t, w.Flush())

	read := func(packets int) float64 {
		return testing.AllocsPerRun(5, func() {
			r, err := NewReader(bytes.NewReader(file.Bytes()), "written")
			require.NoError(t, err)
			n := 0
			for fr, err := range r.Frames() {
				require.NoError(t, err)
				require.NoError(t, fr.Err)
				if n++; n == packets {
					break
				}
			}
		})
	}
	// One a packet would be a thousand; the runtime adds one now and then.
	require.InDelta(t, read(1), read(1000), 100)
}
