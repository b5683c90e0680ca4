package capture

import (
	"bytes"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

func TestWriterKeepsFrames(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(*pcapDir, "*.pcap*"))
	if len(names) == 0 {
		t.Skip("no reference captures")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, wantInterfaces := reread(t, PcapNG, func() (*File, error) { return Open(name) }, nil)
			for _, format := range []Format{Pcap, PcapNG} {
				var out bytes.Buffer
				_, _ = reread(t, format, func() (*File, error) { return Open(name) }, &out)
				got, gotInterfaces := reread(t, format, func() (*File, error) { return NewReader(&out, "written") }, nil)
				if format == PcapNG {
					assert.Len(t, gotInterfaces, len(wantInterfaces))
				}
				if format == Pcap && len(got) < len(want) {
					continue // several link types
				}
				require.Len(t, got, len(want))
				for i := range want {
					if format == Pcap {
						got[i].id = want[i].id
					}
					if want[i].time == (time.Time{}).UnixNano() {
						want[i].time = 0
					}
					require.Equal(t, want[i], got[i], "packet %d", i+1)
				}
			}
		})
	}
}

// reread returns the packets of a file and the interfaces that have any, in order
// of their first packet, by whose position packets name them. It writes the packets
// to out if that is not nil.
func reread(t *testing.T, format Format, open func() (*File, error), out *bytes.Buffer) (all []record, used []Interface) {
	f, err := open()
	require.NoError(t, err)
	defer f.Close()
	var w *Writer
	if out != nil {
		w = NewWriter(out, format, f)
	}
	ids := map[int]int{}
	for fr, err := range f.Frames() {
		require.NoError(t, err)
		if w != nil {
			if err := w.WriteFrame(fr); format == Pcap && err != nil {
				require.ErrorIs(t, err, ErrLinkTypes)
			} else {
				require.NoError(t, err)
			}
		}
		id, ok := ids[fr.Interface]
		if !ok {
			id = len(ids)
			ids[fr.Interface] = id
			if fr.Interface < len(f.Interfaces()) {
				used = append(used, f.Interfaces()[fr.Interface])
			} else {
				used = append(used, f.Interfaces()[0])
			}
		}
		all = append(all, record{fr.Header, fr.Err, fr.Time.UnixNano(), fr.LinkType, id, fr.Length, string(fr.Data)})
	}
	if w != nil {
		require.NoError(t, w.Flush())
	}
	return all, used
}

// What is written is read by pcapgo, so that the format is not only our own idea.
func TestWriterForPcapgo(t *testing.T) {
	at := time.Date(2026, 11, 21, 1, 2, 3, 456789012, time.UTC)
	frames := []Frame{
		{Time: at, Number: 1, LinkType: packet.LinkRaw, Length: 90, Data: []byte("12345")},
		{Time: at.Add(1), Number: 2, LinkType: packet.LinkRaw, Interface: 3, Length: 4, Data: []byte("1234")},
	}
	for _, format := range []Format{Pcap, PcapNG} {
		var out bytes.Buffer
		w := NewWriter(&out, format, nil)
		for i := range frames {
			require.NoError(t, w.WriteFrame(&frames[i]))
		}
		require.NoError(t, w.Flush())
		var src gopacket.PacketDataSource
		var err error
		if format == Pcap {
			src, err = pcapgo.NewReader(&out)
		} else {
			src, err = pcapgo.NewNgReader(&out, pcapgo.NgReaderOptions{})
		}
		require.NoError(t, err)
		for i, f := range frames {
			data, ci, err := src.ReadPacketData()
			require.NoError(t, err)
			assert.Equal(t, f.Data, data)
			assert.Equal(t, f.Length, ci.Length)
			assert.Equal(t, f.Time, ci.Timestamp)
			if format == PcapNG {
				assert.Equal(t, i, ci.InterfaceIndex)
				intf, err := src.(*pcapgo.NgReader).Interface(i)
				require.NoError(t, err)
				assert.Equal(t, layers.LinkTypeRaw, intf.LinkType)
				assert.Equal(t, []string{"", "interface 3"}[i], intf.Name)
			}
		}
	}
}

func TestWriterErrors(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, Pcap, nil)
	ok := Frame{Time: time.Unix(5, 0), Number: 1, LinkType: packet.LinkEthernet, Data: []byte("1")}
	require.NoError(t, w.WriteFrame(&ok))
	for want, f := range map[error]Frame{
		ErrLinkTypes: {Number: 2, LinkType: packet.LinkRaw},
		ErrTime:      {Number: 2, LinkType: packet.LinkEthernet, Time: time.Unix(math.MaxUint32+1, 0)},
		ErrTooLong:   {Number: 2, LinkType: packet.LinkEthernet, Data: make([]byte, maxPacket+1)},
	} {
		assert.ErrorIs(t, w.WriteFrame(&f), want)
	}
	require.NoError(t, w.WriteFrame(&ok))
	require.NoError(t, w.Flush())
	f, err := NewReader(&out, "written")
	require.NoError(t, err)
	all, err := readAll(t, f)
	require.NoError(t, err)
	assert.Len(t, all, 2)
}

func TestWriterEmpty(t *testing.T) {
	for _, format := range []Format{Pcap, PcapNG} {
		name := filepath.Join(t.TempDir(), "empty")
		out, err := os.Create(name)
		require.NoError(t, err)
		require.NoError(t, NewWriter(out, format, nil).Flush())
		require.NoError(t, out.Close())
		f, err := Open(name)
		require.NoError(t, err)
		assert.Equal(t, format, f.Format())
		all, err := readAll(t, f)
		require.NoError(t, err)
		assert.Empty(t, all)
		require.NoError(t, f.Close())
	}
}

// What pcapng says beside the bytes of packets is for those who ask for it: files are as
// before without, and pcap files whatever is asked for.
func TestWriterOptions(t *testing.T) {
	frame := Frame{Time: time.Unix(5, 0), Number: 1, LinkType: packet.LinkRaw, Interface: 7, Length: 5, Data: []byte("12345")}
	var names []Name
	for i := range 2*maxNames + 1 {
		names = append(names, Name{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), strings.Repeat("n", 2000)})
	}
	written := func(format Format, more bool) []byte {
		var out bytes.Buffer
		w := NewWriter(&out, format, nil)
		if !more {
			require.NoError(t, w.WriteFrame(&frame))
		} else {
			require.NoError(t, w.WriteNames(names))
			w.Describe(7, Interface{Name: "web", Description: "eni-web"})
			require.NoError(t, w.WriteFrameWith(&frame, PacketOptions{Comments: []string{"a", strings.Repeat("b", 1<<17)}, ID: 3, Inbound: true}))
			require.NoError(t, w.WriteFrame(&frame))
		}
		require.NoError(t, w.Flush())
		return out.Bytes()
	}
	assert.Equal(t, written(Pcap, true)[:24+16+5], written(Pcap, false))

	f, err := NewReader(bytes.NewReader(written(PcapNG, true)), "written")
	require.NoError(t, err)
	all, err := readAll(t, f)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []Interface{{Name: "web", Description: "eni-web", LinkType: packet.LinkRaw, SnapLen: maxPacket, Resolution: 1}}, f.Interfaces())

	ng := written(PcapNG, false)
	assert.Contains(t, string(ng), "interface 7")
	assert.Len(t, ng, 28+48+40, "section, interface, and a packet without options")
}
