package corpus

import (
	"bytes"
	"io"
	"os"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

var flows = []struct {
	family packet.Family
	proto  packet.Protocol
}{
	{packet.IPv4, packet.TCP}, {packet.IPv4, packet.UDP}, {packet.IPv4, packet.ICMP},
	{packet.IPv6, packet.TCP}, {packet.IPv6, packet.UDP}, {packet.IPv6, packet.ICMPv6},
}

func TestFlowsAreDistinct(t *testing.T) {
	seen := map[packet.FiveTuple]bool{}
	for i := range uint64(100_000) {
		fl := FlowN(packet.IPv4, packet.TCP, i<<12|i) // reaches the upper bits
		h := fl.Header(false, packet.SYN)
		require.False(t, seen[h.Tuple()], "flow %d", i)
		seen[h.Tuple()] = true
	}
}

// Frames say what the header of the same flow says, and gopacket agrees that
// their lengths and checksums are right.
func TestFramesDecode(t *testing.T) {
	for _, f := range flows {
		for _, reply := range []bool{false, true} {
			for _, size := range []int{0, 65, 590} {
				fl := FlowN(f.family, f.proto, 7)
				frame := fl.AppendFrame(nil, reply, packet.ACK, size)
				var h packet.Header
				require.NoError(t, packet.Decode(packet.LinkEthernet, frame, len(frame), &h))
				want := fl.Header(reply, packet.ACK)
				assert.Equal(t, want.Tuple(), h.Tuple())
				assert.Equal(t, want.TCPFlags, h.TCPFlags)
				assert.Len(t, frame, max(size, len(frame)))

				p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
				require.Nil(t, p.ErrorLayer())
				assert.False(t, p.Metadata().Truncated)
				if f.proto == packet.ICMPv6 && size > 0 {
					continue // gopacket v1.1.19 serializes no payload behind an ICMPv6 echo
				}
				again := gopacket.NewSerializeBuffer()
				for _, l := range p.Layers() {
					if tl, ok := l.(interface {
						SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
					}); ok {
						require.NoError(t, tl.SetNetworkLayerForChecksum(p.NetworkLayer()))
					}
				}
				require.NoError(t, gopacket.SerializePacket(again, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, p))
				// gopacket pads to the least an Ethernet carries
				assert.Equal(t, frame, again.Bytes()[:len(frame)], "%v reply %v", f, reply)
			}
		}
	}
}

func TestCapture(t *testing.T) {
	spec := CaptureSpec{Packets: 3000, Flows: 100, Sizes: IMIX, Seed: 1}
	dir := t.TempDir()
	path, err := WriteCapture(dir, spec)
	require.NoError(t, err)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	require.NoError(t, err)
	n, bytes := 0, 0
	state := map[packet.FiveTuple]int{}
	for {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			break
		}
		var h packet.Header
		require.NoError(t, packet.Decode(packet.LinkEthernet, data, ci.Length, &h))
		key := h.Tuple()
		if h.SrcPort == ServerPort {
			key = key.Reverse()
		}
		want := packet.ACK
		switch state[key] {
		case 0:
			want = packet.SYN
		case 1:
			want = packet.SYN | packet.ACK
		}
		require.Equal(t, want, h.TCPFlags)
		state[key]++
		n++
		bytes += ci.Length
	}
	assert.Equal(t, spec.Packets, n)
	assert.Len(t, state, spec.Flows)
	assert.InDelta(t, 354, bytes/n, 30)
	assert.Equal(t, 354, IMIX.Mean())

	before, err := os.Stat(path)
	require.NoError(t, err)
	_, err = WriteCapture(dir, spec)
	require.NoError(t, err)
	after, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, before.ModTime(), after.ModTime(), "a capture that is there is not written again")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

// A feed is a capture as a file would be: of the length asked for, its times in
// order, each connection opened before it is used.
func TestFeed(t *testing.T) {
	spec := CaptureSpec{Packets: 700, Flows: 100, Sizes: IMIX, Seed: 1}
	const size = 1 << 20
	feed := NewFeed(spec, size)
	all, err := io.ReadAll(iotest.OneByteReader(feed))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(all), size)
	assert.Less(t, len(all), size+recordHeader+1514)
	r, err := pcapgo.NewReader(bytes.NewReader(all))
	require.NoError(t, err)
	state := map[packet.FiveTuple]packet.TCPFlags{}
	n := 0
	for ; ; n++ {
		data, ci, err := r.ReadPacketData()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.Equal(t, Start.Add(time.Duration(n)*time.Microsecond), ci.Timestamp.UTC())
		var h packet.Header
		require.NoError(t, packet.Decode(packet.LinkEthernet, data, ci.Length, &h))
		if n < 3*spec.Flows {
			state[h.Tuple()] |= h.TCPFlags
			continue
		}
		require.Equal(t, packet.ACK, h.TCPFlags)
		require.NotZero(t, state[h.Tuple()])
	}
	assert.Len(t, state, 2*spec.Flows)
	assert.Equal(t, n, feed.Packets())
	assert.Greater(t, n, 3*spec.Flows+3*spec.Packets, "the cycle comes again")
}

func TestWorld(t *testing.T) {
	s := WorldSpec{ENIs: 500, Groups: 50, Rules: 60, GroupsPerENI: 5, Lists: 10, Entries: 50, Seed: 3}
	w := NewWorld(s)
	assert.Equal(t, w.Topology, NewWorld(s).Topology, "seeded")
	kinds := map[string]int{}
	for _, g := range w.Topology.Groups {
		assert.Len(t, g.Ingress, 60)
		for _, r := range g.Ingress {
			assert.True(t, r.Ports.First() > 1023 || slices.Contains(knownPorts, r.Ports.First()))
			switch {
			case r.Peer.Group != "":
				kinds["group"]++
			case r.Peer.PrefixList != "":
				kinds["list"]++
			default:
				kinds["cidr"]++
			}
		}
	}
	assert.Equal(t, map[string]int{"cidr": 1500, "list": 600, "group": 900}, kinds)
	for _, k := range Kinds {
		ps := w.Probes(k, 10, 200, 4)
		assert.Len(t, ps, 200)
		assert.Equal(t, ps, w.Probes(k, 10, 200, 4), "seeded")
		enis := map[any]bool{}
		for _, p := range ps {
			enis[p.ENI] = true
		}
		assert.Len(t, enis, 10, "%s", k)
	}
}
