package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/packettest"
)

// sample returns a capture of n packets, 6 bytes longer one by one.
func sample(t testing.TB, format Format, n int) []byte {
	var out bytes.Buffer
	w := NewWriter(&out, format, nil)
	data := packettest.Ethernet(t, "udp 10.0.0.1:53 > 10.0.0.2:4000 len 100")
	for i := range n {
		f := Frame{Number: i + 1, Time: time.Unix(100, int64(i)), LinkType: packet.LinkEthernet, Length: len(data), Data: data[:20+6*i]}
		require.NoError(t, w.WriteFrame(&f))
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

// A file cut anywhere gives every packet before the cut, then an error that says
// where, or none if the cut is between two records.
func TestTruncated(t *testing.T) {
	for _, format := range []Format{Pcap, PcapNG} {
		whole := sample(t, format, 5)
		f, err := NewReader(bytes.NewReader(whole), "whole")
		require.NoError(t, err)
		want, err := readAll(t, f)
		require.NoError(t, err)
		var ends []int64 // of packets, in the file
		f, _ = NewReader(bytes.NewReader(whole), "whole")
		ends = append(ends, f.win.offset())
		for one := make([]Frame, 1); ; ends = append(ends, f.win.offset()) {
			if n, _ := f.ReadFrames(one); n == 0 {
				break
			}
			if len(ends) > 1 { // the first has an interface before it
				require.Equal(t, ends[len(ends)-1], one[0].Offset)
			}
		}
		require.Len(t, ends, 6)
		for n := range whole {
			f, err := NewReader(bytes.NewReader(whole[:n]), "cut")
			if err != nil {
				assert.Less(t, int64(n), max(ends[0], 28), "no header at %d bytes", n)
				assert.True(t, errors.Is(err, ErrFormat) || errors.Is(err, ErrTruncated), err)
				continue
			}
			got, err := readAll(t, f)
			packets := 0
			for packets < 5 && ends[packets+1] <= int64(n) {
				packets++
			}
			require.Len(t, got, packets, "%v cut at %d", format, n)
			require.True(t, slices.Equal(want[:packets], got))
			start := ends[packets]
			if packets == 0 && format == PcapNG && n > 28 {
				start = 28 // the description of the interface
				if f.Interfaces() != nil {
					start = ends[1] - int64(32+len(want[0].data))
				}
			}
			if err == nil {
				assert.LessOrEqual(t, start, int64(n))
				continue
			}
			var damage *DamageError
			require.ErrorAs(t, err, &damage)
			assert.ErrorIs(t, err, ErrTruncated)
			assert.Equal(t, packets+1, damage.Packet)
			assert.Equal(t, "cut", damage.Name)
			assert.Less(t, damage.Offset, int64(n))
			if packets > 0 {
				assert.Equal(t, ends[packets], damage.Offset)
			}
		}
	}
}

func TestDamage(t *testing.T) {
	pcap, ng := sample(t, Pcap, 2), sample(t, PcapNG, 2)
	second := 24 + 16 + 20                                 // of the pcap file's records
	firstNG, secondNG := len(ng)-2*32-20-28, len(ng)-32-28 // 26 bytes are padded to 28
	for name, c := range map[string]struct {
		data    []byte
		at      int // where to write with
		with    uint32
		packets int
		offset  int
		want    error
		message string
	}{
		"pcap length":        {pcap, second + 8, 300000, 1, second, ErrRecord, "damaged: packet 2 at byte 60: broken record: 300000 bytes captured, more than 262144"},
		"block length":       {ng, secondNG + 4, 8, 1, secondNG, ErrRecord, ""},
		"block too long":     {ng, secondNG + 4, 1 << 30, 1, secondNG, ErrRecord, ""},
		"trailing length":    {ng, len(ng) - 4, 8, 1, secondNG, ErrRecord, ""},
		"unknown interface":  {ng, firstNG + 8, 1, 0, firstNG, ErrInterface, ""},
		"length in block":    {ng, secondNG + 20, 29, 1, secondNG, ErrRecord, ""},
		"second section":     {append(bytes.Clone(ng), ng...), len(ng) + 12, 2, 2, len(ng), ErrFormat, ""},
		"byte order":         {append(bytes.Clone(ng), ng...), len(ng) + 8, 7, 2, len(ng), ErrFormat, ""},
		"resolution":         {ng, 28 + 20, 0x40, 0, 28, ErrRecord, ""},
		"interface of 12":    {append(bytes.Clone(ng), 1, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0), 0, blockSection, 2, len(ng), ErrRecord, ""},
		"enhanced of 12":     {append(bytes.Clone(ng), 6, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0), 0, blockSection, 2, len(ng), ErrRecord, ""},
		"simple of 12":       {append(bytes.Clone(ng), 3, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0), 0, blockSection, 2, len(ng), ErrRecord, ""},
		"simple without any": {append(bytes.Clone(ng[:28]), 3, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0), 0, blockSection, 0, 28, ErrInterface, ""},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(c.data)
			binary.LittleEndian.PutUint32(data[c.at:], c.with)
			f, err := NewReader(bytes.NewReader(data), "damaged")
			require.NoError(t, err)
			got, err := readAll(t, f)
			assert.Len(t, got, c.packets)
			var damage *DamageError
			require.ErrorAs(t, err, &damage)
			assert.ErrorIs(t, err, c.want)
			assert.EqualValues(t, c.offset, damage.Offset)
			if c.message != "" {
				assert.EqualError(t, err, c.message)
			}
		})
	}
}

// Interfaces are kept for packets to name, so that their number must have a limit:
// gzipped, a million of them are small.
func TestTooManyInterfaces(t *testing.T) {
	le := binary.LittleEndian
	file := le.AppendUint32(nil, blockSection)
	file = le.AppendUint32(file, 28)
	file = le.AppendUint32(file, byteOrderMagic)
	file = le.AppendUint16(file, 1)
	file = append(file, make([]byte, 10)...)
	file = le.AppendUint32(file, 28)
	header := len(file)
	intf := le.AppendUint32(nil, blockInterface)
	intf = le.AppendUint32(intf, 1<<20)
	intf = append(intf, make([]byte, 1<<20-12)...)
	intf = le.AppendUint32(intf, 1<<20)
	for range 17 {
		file = append(file, intf...)
	}
	f, err := NewReader(bytes.NewReader(file), "many")
	require.NoError(t, err)
	_, err = readAll(t, f)
	require.ErrorIs(t, err, ErrRecord)
	damage := &DamageError{}
	require.ErrorAs(t, err, &damage)
	assert.Equal(t, int64(header+16<<20), damage.Offset)
	assert.Len(t, f.Interfaces(), 16)
}

func TestNotACapture(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"empty": "", "short": "ab", "text": "this is not a capture, whatever its name says", "gzip": "\x1f\x8b\x08rest",
		"version": "\xd4\xc3\xb2\xa1\x03\x00\x04\x00" + string(make([]byte, 16)), "header": "\xd4\xc3\xb2\xa1\x02\x00",
	} {
		path := filepath.Join(dir, name+".pcap")
		require.NoError(t, os.WriteFile(path, []byte(data), 0o666))
		_, err := Open(path)
		var damage *DamageError
		require.ErrorAs(t, err, &damage, name)
		assert.Equal(t, 0, damage.Packet)
		assert.Equal(t, path, damage.Name)
		_, err = NewReader(bytes.NewReader([]byte(data)), name)
		require.ErrorAs(t, err, &damage, name)
	}
	_, err := Open(filepath.Join(dir, "absent"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Open(dir)
	assert.Error(t, err)
}

func TestGzip(t *testing.T) {
	plain := sample(t, Pcap, 5)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(plain)
	require.NoError(t, z.Close())
	path := filepath.Join(t.TempDir(), "capture") // no telling name
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o666))
	f, err := Open(path)
	require.NoError(t, err)
	got, err := readAll(t, f)
	require.NoError(t, err)
	assert.Len(t, got, 5)
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())

	f, err = NewReader(bytes.NewReader(packed.Bytes()[:packed.Len()-12]), "cut")
	require.NoError(t, err)
	_, err = readAll(t, f)
	assert.ErrorIs(t, err, ErrTruncated)
}

// readerError is the error of a disk or pipe, which is not the file's fault.
func TestReaderError(t *testing.T) {
	whole := sample(t, Pcap, 5)
	broken := errors.New("cable pulled")
	f, err := NewReader(io.MultiReader(bytes.NewReader(whole[:100]), errorReader{broken}), "pipe")
	require.NoError(t, err)
	got, err := readAll(t, f)
	assert.ErrorIs(t, err, broken)
	assert.Len(t, got, 1)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// A loop that is left goes on with the next packet.
func TestFramesGoOn(t *testing.T) {
	for _, format := range []Format{Pcap, PcapNG} {
		f, err := NewReader(bytes.NewReader(sample(t, format, 5)), "sample")
		require.NoError(t, err)
		var numbers []int
		for range 7 {
			for fr := range f.Frames() {
				numbers = append(numbers, fr.Number)
				break
			}
		}
		assert.Equal(t, []int{1, 2, 3, 4, 5}, numbers)
	}
}

// ReadFrames returns what is there, and an error alone, again and again; frames that
// a loop has left come first.
func TestReadFrames(t *testing.T) {
	for _, format := range []Format{Pcap, PcapNG} {
		whole := sample(t, format, 20)
		src := &once{whole[:len(whole)-30]} // the last packet is cut
		f, err := NewReader(src, "cut")
		require.NoError(t, err)
		for fr, err := range f.Frames() {
			require.NoError(t, err)
			if fr.Number == 7 {
				break
			}
		}
		frames := make([]Frame, 6)
		n, err := f.ReadFrames(nil)
		require.NoError(t, err)
		require.Zero(t, n)
		for at := 7; at < 19; at += n {
			n, err = f.ReadFrames(frames)
			require.NoError(t, err)
			require.Positive(t, n)
			for i := range n {
				require.Equal(t, at+i+1, frames[i].Number)
				require.Len(t, frames[i].Data, 20+6*(at+i))
				require.Equal(t, int64(at+i), frames[i].Time.UnixNano()%1e9)
			}
		}
		for range 2 {
			n, err = f.ReadFrames(frames)
			require.Zero(t, n)
			var damage *DamageError
			require.ErrorAs(t, err, &damage)
			require.ErrorIs(t, err, ErrTruncated)
			require.Equal(t, 20, damage.Packet)
		}
		f, err = NewReader(bytes.NewReader(sample(t, format, 1)), "whole")
		require.NoError(t, err)
		n, err = f.ReadFrames(frames)
		require.Equal(t, 1, n)
		require.NoError(t, err)
		_, err = f.ReadFrames(frames)
		require.Equal(t, io.EOF, err)
	}
}

// once is a reader that returns all it has at once.
type once struct{ data []byte }

func (o *once) Read(b []byte) (int, error) {
	if len(o.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, o.data)
	o.data = o.data[n:]
	return n, nil
}

// Sections that were concatenated keep their interfaces apart.
func TestSections(t *testing.T) {
	one := sample(t, PcapNG, 1)
	f, err := NewReader(bytes.NewReader(append(bytes.Clone(one), one...)), "two")
	require.NoError(t, err)
	got, err := readAll(t, f)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []int{0, 1}, []int{got[0].id, got[1].id})
	assert.Len(t, f.Interfaces(), 2)
	assert.Equal(t, time.Nanosecond, f.Interfaces()[1].Resolution)
}

// The kernel's interface index is kept from where a format has it.
func TestInterfaceNumbers(t *testing.T) {
	sll2 := append([]byte{8, 0, 0, 0, 0, 0, 0, 7}, make([]byte, 12)...)
	sll2 = append(sll2, packettest.IP(t, "udp 10.0.0.1:1 > 10.0.0.2:2")...)
	var out bytes.Buffer
	w := NewWriter(&out, Pcap, nil)
	require.NoError(t, w.WriteFrame(&Frame{LinkType: packet.LinkSLL2, Data: sll2}))
	require.NoError(t, w.Flush())
	f, err := NewReader(&out, "sll2")
	require.NoError(t, err)
	got, err := readAll(t, f)
	require.NoError(t, err)
	assert.Equal(t, 7, got[0].id)
	assert.NoError(t, got[0].err)

	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := order.AppendUint32(nil, magicKuznetzov)
		b = order.AppendUint16(order.AppendUint16(b, 2), 4)
		for _, v := range []uint32{0, 0, 65535, 101} {
			b = order.AppendUint32(b, v)
		}
		for _, v := range []uint32{1, 2, 1, 40, 9, 0} {
			b = order.AppendUint32(b, v)
		}
		f, err := NewReader(bytes.NewReader(append(b, 'x')), "kuznetzov")
		require.NoError(t, err)
		got, err := readAll(t, f)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, 9, got[0].id)
		assert.Equal(t, 40, got[0].length)
		assert.EqualValues(t, 1_000_002_000, got[0].time)
	}
}

// A damaged length on the wire is the same number on every machine.
func TestLengthOf31Bits(t *testing.T) {
	for format, at := range map[Format]int{Pcap: 24 + 12, PcapNG: 28 + 32 + 24} {
		data := sample(t, format, 1)
		binary.LittleEndian.PutUint32(data[at:], math.MaxUint32)
		f, err := NewReader(bytes.NewReader(data), "long")
		require.NoError(t, err)
		got, err := readAll(t, f)
		require.NoError(t, err)
		assert.Equal(t, math.MaxInt32, got[0].length)
		assert.Equal(t, 20, len(got[0].data))
	}
}

// Timestamps of any resolution come out to the nanosecond.
func TestClock(t *testing.T) {
	for _, c := range []struct {
		resolution byte
		ts         uint64
		want       time.Time
	}{
		{6, 1_500_000, time.Unix(1, 500_000_000)},
		{9, 1_500_000_001, time.Unix(1, 500_000_001)},
		{3, 1_500, time.Unix(1, 500_000_000)},
		{0, 7, time.Unix(7, 0)},
		{12, 1_500_000_001_999, time.Unix(1, 500_000_001)},
		{0x80 | 10, 1 << 9, time.Unix(0, 500_000_000)},
		{0x80 | 32, 5<<32 + 1<<31, time.Unix(5, 500_000_000)},
	} {
		assert.Equal(t, c.want.UTC(), clock{perSecond: perSecond(c.resolution)}.time(c.ts), "%#x", c.resolution)
	}
	assert.Equal(t, time.Unix(-3, 0).UTC(), clock{perSecond: 1e6, offset: -5}.time(2e6))
	last := time.Unix(math.MaxInt64/int64(1e9)-1, 999_999_999).UTC()
	assert.Equal(t, last, clock{perSecond: 1e9}.time(uint64(last.UnixNano())))
	for _, c := range []struct { // nothing that UnixNano could express
		perSecond uint64
		offset    int64
		ts        uint64
	}{
		{1e9, 0, uint64(last.UnixNano()) + 1},
		{1e6, 0, math.MaxUint64},
		{1, 0, math.MaxUint64},
		{1, math.MaxInt64, math.MaxInt64},
		{1000, 0, math.MaxUint64},
		{1e6, math.MaxInt64, 1},
		{1e6, math.MinInt64, 1},
	} {
		assert.Equal(t, time.Time{}, clock{c.perSecond, c.offset}.time(c.ts), "%+v", c)
	}
	assert.Zero(t, perSecond(20))
	assert.Zero(t, perSecond(0x80|64))
}

// A file that shrinks while it is read is damaged where it ends then.
func TestShrinkingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shrinks")
	whole := sample(t, PcapNG, 10)
	data := bytes.Repeat(whole, 4*bufferSize/len(whole))
	require.NoError(t, os.WriteFile(path, data, 0o666))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	n := 0
	for _, err = range f.Frames() {
		if n++; n == 10 {
			if err := os.Truncate(path, 64<<10); err != nil {
				t.Skip("cannot be cut while it is open:", err)
			}
		}
	}
	var damage *DamageError
	require.ErrorAs(t, err, &damage)
	assert.ErrorIs(t, err, ErrTruncated)
	assert.Equal(t, n, damage.Packet) // the error's iteration counts too
	assert.Greater(t, damage.Offset, int64(10*len(whole)))
	assert.Less(t, damage.Offset, int64(bufferSize))
}

// Panics of a loop body pass, and the loop after goes on.
func TestPanicOfBody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample")
	require.NoError(t, os.WriteFile(path, sample(t, Pcap, 3), 0o666))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	assert.PanicsWithValue(t, "mine", func() {
		for range f.Frames() {
			panic("mine")
		}
	})
	got := 0
	for range f.Frames() {
		got++
	}
	assert.Equal(t, 2, got)
}

// A file that is closed has no more packets, not even those in memory.
func TestClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample")
	require.NoError(t, os.WriteFile(path, sample(t, PcapNG, 3), 0o666))
	f, err := Open(path)
	require.NoError(t, err)
	for range f.Frames() {
		break
	}
	require.NoError(t, f.Close())
	_, err = f.ReadFrames(make([]Frame, 1))
	assert.ErrorIs(t, err, os.ErrClosed)
}

func TestSource(t *testing.T) {
	data := sample(t, Pcap, 3)
	for name, link := range map[string]packet.LinkType{"ethernet": packet.LinkEthernet, "raw": packet.LinkRaw} {
		src, err := pcapgo.NewReader(bytes.NewReader(data))
		require.NoError(t, err)
		n := 0
		for f, err := range NewSource(src, link).Frames() {
			require.NoError(t, err)
			n++
			assert.Equal(t, n, f.Number)
			assert.Equal(t, link, f.LinkType)
			assert.Equal(t, time.Unix(100, int64(n-1)).UTC(), f.Time)
			assert.Len(t, f.Data, 20+6*(n-1))
			var h packet.Header
			assert.Equal(t, packet.Decode(link, f.Data, f.Length, &h), f.Err, name)
			assert.Equal(t, h, f.Header)
		}
		assert.Equal(t, 3, n)
	}
	// A source that says of each packet what it is.
	ng, err := pcapgo.NewNgReader(bytes.NewReader(sample(t, PcapNG, 3)), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	require.NoError(t, err)
	for f, err := range NewSource(ng, packet.LinkRaw).Frames() {
		require.NoError(t, err)
		assert.Equal(t, packet.LinkEthernet, f.LinkType)
	}
}

// What a source says of a time that UnixNano cannot express is left out.
func TestSourceTimes(t *testing.T) {
	for at, want := range map[time.Time]time.Time{
		time.Unix(5, 6): time.Unix(5, 6).UTC(),
		{}:              {},
		time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC): {},
	} {
		src := NewSource(&script{errs: []error{nil, io.EOF}, ci: gopacket.CaptureInfo{Timestamp: at}}, packet.LinkEthernet)
		for f, err := range src.Frames() {
			require.NoError(t, err)
			assert.Equal(t, want, f.Time, "%v", at)
		}
	}
}

type script struct {
	errs []error
	ci   gopacket.CaptureInfo
}

func (s *script) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	err := s.errs[0]
	s.errs = s.errs[1:]
	return nil, s.ci, err
}

// Timeouts are read over, other errors end the loop, and the next loop goes on.
func TestSourceErrors(t *testing.T) {
	broken := errors.New("ring lost")
	src := NewSource(&script{errs: []error{nil, os.ErrDeadlineExceeded, nil, broken, nil, io.EOF}, ci: gopacket.CaptureInfo{InterfaceIndex: 4}}, packet.LinkEthernet)
	var numbers []int
	var last error
	loop := func() {
		for f, err := range src.Frames() {
			if last = err; err == nil {
				numbers = append(numbers, f.Number)
				assert.Equal(t, 4, f.Interface)
			}
		}
	}
	loop()
	assert.Equal(t, broken, last)
	loop()
	assert.NoError(t, last)
	assert.Equal(t, []int{1, 2, 3}, numbers)
}

// Link types that package packet leaves to gopacket.
func TestUnwrap(t *testing.T) {
	ip := packettest.IP(t, "udp 10.0.0.1:53 > 10.0.0.2:4000 len 30")
	snap := []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}
	fddi := append(append(append(make([]byte, 1), make([]byte, 12)...), snap...), ip...)
	fddi[0] = 0x50
	pflog := append(make([]byte, 64), ip...)
	pflog[0], pflog[1] = 61, 2
	var h packet.Header
	for link, b := range map[layers.LinkType][]byte{layers.LinkTypeFDDI: fddi, layers.LinkTypePFLog: pflog} {
		f := Frame{LinkType: packet.LinkType(link), Data: b, Length: len(b) + 5}
		f.decode()
		assert.NoError(t, f.Err, "%v", link)
		assert.Equal(t, "udp 10.0.0.1:53 > 10.0.0.2:4000 len 30", f.Header.String(), "%v", link)
		f.Data = f.Data[:10]
		f.decode()
		assert.Equal(t, packet.ErrCut, f.Err)
		f.Length = 10
		f.decode()
		assert.Equal(t, packet.ErrNotIP, f.Err)
	}
	assert.Equal(t, packet.ErrLinkType, decodeOther(147, ip, len(ip), &h))
	assert.Equal(t, packet.ErrLinkType, decodeOther(276, ip, len(ip), &h))
}
