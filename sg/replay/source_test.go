package replay_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg/replay"
)

// pcap returns a capture of n packets between web and db, size bytes each.
func pcap(t testing.TB, n, size int) []byte {
	var out bytes.Buffer
	w := capture.NewWriter(&out, capture.Pcap, nil)
	data := packettest.Ethernet(t, fmt.Sprintf("udp 10.0.1.10:53 > 10.0.2.20:4000 len %d", size))
	for i := range n {
		f := capture.Frame{Number: i + 1, Time: began.Add(time.Duration(i)), LinkType: packet.LinkEthernet, Length: len(data), Data: data}
		require.NoError(t, w.WriteFrame(&f))
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

// A slow reader returns what it has in pieces, and each piece only once the replay
// has seen all packets of the one before.
type slow struct {
	t      *testing.T
	pieces [][]byte
	seen   chan int // packets
	want   []int    // packets seen before each piece
}

func (s *slow) Read(b []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	for s.want[0] > 0 {
		select {
		case <-s.seen:
			s.want[0]--
		case <-time.After(time.Minute):
			s.t.Error("packets of a stream are kept waiting")
			return 0, io.EOF
		}
	}
	n := copy(b, s.pieces[0])
	s.pieces, s.want = s.pieces[1:], s.want[1:]
	return n, nil
}

// Packets of a stream are judged as they come, although they are read ahead where
// they are there.
func TestStreamIsNotKeptWaiting(t *testing.T) {
	whole := pcap(t, 100, 10)
	at := func(packets int) int { return 24 + packets*(len(whole)-24)/100 }
	for _, workers := range []int{1, 2} {
		s := &slow{t: t, seen: make(chan int, 200), want: []int{0, 3, 1, 95},
			pieces: [][]byte{whole[:at(3)], whole[at(3) : at(4)+5], whole[at(4)+5 : at(99)], whole[at(99):]}}
		f, err := capture.NewReader(s, "slow")
		require.NoError(t, err)
		o := replay.Options{Workers: workers, Observer: observe(func(*replay.Packet) error { s.seen <- 1; return nil })}
		r, err := replay.Run(t.Context(), policy(t, site()), &o, f)
		require.NoError(t, err)
		assert.EqualValues(t, 100, r.Packets)
	}
}

// A file that shrinks while it is replayed is an error with its place, for merged
// files too.
func TestShrinkingFile(t *testing.T) {
	whole := pcap(t, 12_000, 1000) // more than workers have under way
	for _, workers := range []int{1, 2} {
		for _, files := range []int{1, 2} {
			t.Run(fmt.Sprintf("workers=%d/files=%d", workers, files), func(t *testing.T) {
				var sources []replay.Source
				path := filepath.Join(t.TempDir(), "shrinks.pcap")
				for range files {
					require.NoError(t, os.WriteFile(path, whole, 0o666))
					f, err := capture.Open(path)
					require.NoError(t, err)
					defer f.Close()
					sources = append(sources, f)
				}
				seen, sum := 0, 0
				o := replay.Options{Workers: workers, Observer: observe(func(p *replay.Packet) error {
					if seen++; seen == 10 {
						if err := os.Truncate(path, 4096); err != nil {
							t.Skip("cannot be cut while it is open:", err)
						}
					}
					for _, b := range p.Frame.Data {
						sum += int(b)
					}
					return nil
				})}
				_, err := replay.Run(t.Context(), policy(t, site()), &o, sources...)
				var damage *capture.DamageError
				require.ErrorAs(t, err, &damage)
				assert.ErrorIs(t, err, capture.ErrTruncated)
				assert.Equal(t, path, damage.Name)
				assert.Greater(t, damage.Packet, 3)
				assert.GreaterOrEqual(t, damage.Offset, int64(4096-1100))
				assert.NotZero(t, sum)
			})
		}
	}
}

// Panics of an observer pass.
func TestPanicOfObserver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.pcap")
	require.NoError(t, os.WriteFile(path, pcap(t, 3, 10), 0o666))
	f, err := capture.Open(path)
	require.NoError(t, err)
	defer f.Close()
	assert.PanicsWithValue(t, "mine", func() {
		o := replay.Options{Observer: observe(func(*replay.Packet) error { panic("mine") })}
		replay.Run(t.Context(), policy(t, site()), &o, f)
	})
}
