package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/sgsim/sgsim/packet"
)

// seedFiles adds small captures of both formats and, where the reference captures
// are at hand, the smaller ones of those.
func seedFiles(f *testing.F, format Format) {
	var buf bytes.Buffer
	if format == Pcap {
		w := pcapgo.NewWriterNanos(&buf)
		w.WriteFileHeader(65535, layers.LinkTypeEthernet)
		w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 2), CaptureLength: 20, Length: 60}, make([]byte, 20))
		w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(2, 3), CaptureLength: 3, Length: 3}, make([]byte, 3))
	} else {
		w, _ := pcapgo.NewNgWriter(&buf, layers.LinkTypeRaw)
		w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 2), CaptureLength: 20, Length: 60}, make([]byte, 20))
		w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(2, 3), CaptureLength: 3, Length: 3}, make([]byte, 3))
		w.Flush()
		buf.Write(buf.Bytes()) // two sections
	}
	f.Add(buf.Bytes(), uint8(0))
	f.Add(buf.Bytes(), uint8(7))
	names, _ := filepath.Glob(filepath.Join(*pcapDir, "*.pcap*"))
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && len(data) < 3000 {
			f.Add(data, uint8(13))
		}
	}
}

// record is what the ways to read a file must agree on.
type record struct {
	header packet.Header
	err    error
	time   int64
	link   packet.LinkType
	id     int
	length int
	data   string
}

// readAll reads to the end, and checks that an error says where.
func readAll(t *testing.T, f *File) ([]record, error) {
	var all []record
	for fr, err := range f.Frames() {
		if err != nil {
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Packet != len(all)+1 || damage.Offset < 0 {
				t.Fatalf("after %d packets: %v", len(all), err)
			}
			return all, err
		}
		if fr.Number != len(all)+1 {
			t.Fatalf("packet %d is number %d", len(all)+1, fr.Number)
		}
		all = append(all, record{fr.Header, fr.Err, fr.Time.UnixNano(), fr.LinkType, fr.Interface, fr.Length, string(fr.Data)})
	}
	return all, nil
}

// chunks reads n bytes at a time.
type chunks struct {
	r io.Reader
	n int
}

func (c chunks) Read(b []byte) (int, error) { return c.r.Read(b[:min(len(b), c.n)]) }

func FuzzPcap(f *testing.F)   { seedFiles(f, Pcap); f.Fuzz(fuzzFile) }
func FuzzPcapNG(f *testing.F) { seedFiles(f, PcapNG); f.Fuzz(fuzzFile) }

// fuzzFile reads data at once and in chunks, which must agree in packets and error,
// and holds the packets against pcapgo's.
func fuzzFile(t *testing.T, data []byte, chunk uint8) {
	if bytes.HasPrefix(data, gzipMagic) {
		return // a stream only, and compress/gzip is not what is tested
	}
	whole, err := NewReader(bytes.NewReader(data), "fuzz")
	if err != nil {
		if _, serr := NewReader(chunks{bytes.NewReader(data), int(chunk) + 1}, "fuzz"); serr == nil || serr.Error() != err.Error() {
			t.Fatalf("whole: %v; in chunks: %v", err, serr)
		}
		return
	}
	got, err := readAll(t, whole)

	streamed, serr := NewReader(chunks{bytes.NewReader(data), int(chunk) + 1}, "fuzz")
	if serr != nil {
		t.Fatal(serr)
	}
	again, serr := readAll(t, streamed)
	if !slices.Equal(got, again) {
		t.Fatalf("whole: %d packets; in chunks: %d", len(got), len(again))
	}
	if (err == nil) != (serr == nil) || err != nil && err.Error() != serr.Error() {
		t.Fatalf("whole: %v; in chunks: %v", err, serr)
	}
	var damage *DamageError
	if errors.As(err, &damage) && damage.Offset > int64(len(data)) {
		t.Fatalf("%v, but the file has %d bytes", err, len(data))
	}
	comparePcapgo(t, whole, data, got)
}

// longResolution matches what may be an if_tsresol option of another length than 1.
var longResolution = regexp.MustCompile(`(?s)\x09\x00[^\x01]\x00|\x00\x09\x00[^\x01]`)

// comparePcapgo reads as many packets with pcapgo as this package accepted, until
// pcapgo stops: it is the stricter of the two, refuses Kuznetzov records and
// captured lengths beyond the file's snap length.
func comparePcapgo(t *testing.T, f *File, data []byte, want []record) {
	// Trap: pcapgo's pcapng reader panics on some resolutions and empty options.
	defer func() { _ = recover() }()
	var src gopacket.PacketDataSource
	var err error
	if f.format == Pcap {
		src, err = pcapgo.NewReader(bytes.NewReader(data))
	} else {
		// Trap: without mixed link types, packets of other interfaces are dropped.
		src, err = pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	}
	if err != nil {
		return
	}
	var differs bool
	for i, w := range want {
		if len(w.data) > 1<<16 {
			return // Trap: it allocates what a packet claims before it looks
		}
		b, ci, err := src.ReadPacketData()
		if err != nil {
			return
		}
		link := w.link
		if len(ci.AncillaryData) > 0 {
			link = packet.LinkType(ci.AncillaryData[0].(layers.LinkType))
		}
		// Trap: gopacket's link types have eight bits.
		// And lengths here have 31.
		if string(b) != w.data || clamp(uint32(ci.Length)) != w.length || uint8(link) != uint8(w.link) {
			differs = true
			t.Errorf("packet %d: %d of %d bytes, link type %d; pcapgo: %d of %d, %d",
				i+1, len(w.data), w.length, w.link, len(b), ci.Length, link)
		}
		// Trap: resolutions that do not divide a nanosecond are rounded twice.
		exact := len(f.ng.clock) == len(f.interfaces) || f.format == Pcap
		// Trap: the first byte of a resolution that is not one byte long counts there. Here,
		// and in Wireshark, there is none then.
		exact = exact && !longResolution.Match(data)
		for _, c := range f.ng.clock {
			exact = exact && 1e9%c.perSecond == 0
		}
		// Trap: microseconds beyond a second are turned into nanoseconds in 32 bits.
		if off := w.time - ci.Timestamp.UnixNano(); exact && w.time != (time.Time{}).UnixNano() && off%(1<<32) != 0 {
			differs = true
			t.Errorf("packet %d: time %d; pcapgo: %d", i+1, w.time, ci.Timestamp.UnixNano())
		}
		if differs {
			return
		}
	}
}
