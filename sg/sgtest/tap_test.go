package sgtest_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
)

// An asked notes each packet that a firewall is asked about, once.
type asked struct {
	headers []packet.Header
	sent    bool // the last one has only left its sender
}

func (a *asked) Observe(e sg.Event) {
	if last := len(a.headers) - 1; a.sent && e.Direction == sg.Ingress && a.headers[last] == e.Header {
		a.sent = false
		return
	}
	a.headers = append(a.headers, e.Header)
	a.sent = e.Direction == sg.Egress
}

// A capture has the packets that the firewall saw, every field of them, and another
// reader agrees.
func TestCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked asked
		n := newSite(t, &sg.Options{Observer: &asked})
		n.Authorize(t, "sg-six", sg.Ingress, sg.AllTraffic.From(sg.AnyIPv6))
		n.Authorize(t, "sg-six", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4))
		n.Authorize(t, "sg-app", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4))
		var file bytes.Buffer
		stop := n.Capture(&file)

		l := n.Listen(t, "app", 8080)
		go func() {
			c, _ := l.Accept()
			io.Copy(c, io.LimitReader(zeros{}, 100001))
			time.Sleep(time.Second)
			c.Close()
		}()
		c, err := n.Dialer(t, "web").Dial("tcp", "app:8080")
		require.NoError(t, err)
		io.Copy(io.Discard, c)
		c.Close()
		_, err = n.Dialer(t, "web").Dial("tcp", "app:8088")
		require.Error(t, err)
		_, err = n.Dialer(t, "web").DialContext(expired(t), "tcp", "db:5432")
		require.Error(t, err)
		for _, network := range []string{"udp4", "udp6"} {
			from := "six"
			if network == "udp6" {
				from = "internet"
			}
			c, err := n.Dialer(t, from).Dial(network, map[string]string{"udp4": "10.0.3.10:9", "udp6": "six:9"}[network])
			require.NoError(t, err)
			c.Write([]byte("datagram"))
			c.Write(make([]byte, 20000))
			c.Close()
		}
		_, err = n.Dialer(t, "internet").Dial("tcp6", "six:80")
		require.Error(t, err)
		n.Dial(t, "app", "internet", sg.MustTraffic("All ICMP - IPv4"))
		require.NoError(t, stop())
		want := asked.headers
		n.Dial(t, "app", "db", sg.PostgreSQL) // no longer
		require.NoError(t, stop(), "again")

		f, err := capture.NewReader(&file, "test.pcapng")
		require.NoError(t, err)
		var got []packet.Header
		for frame, err := range f.Frames() {
			require.NoError(t, err)
			require.NoError(t, frame.Err)
			got = append(got, frame.Header)
			check(t, frame.Data)
		}
		require.Equal(t, len(want), len(got))
		for i := range got {
			assert.Equal(t, want[i], got[i], "packet %d: %v", i, &got[i])
		}
	})
}

// check holds lengths and checksums of an IP packet against those that gopacket writes.
func check(t *testing.T, data []byte) {
	first := layers.LayerTypeIPv4
	if data[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	p := gopacket.NewPacket(data, first, gopacket.Default)
	if ip, ok := p.NetworkLayer().(*layers.IPv4); ok && (ip.FragOffset != 0 || ip.Flags&layers.IPv4MoreFragments != 0) || p.Layer(layers.LayerTypeIPv6Fragment) != nil {
		return // gopacket puts no fragments together
	}
	require.Nil(t, p.ErrorLayer(), "%v", p)
	var all []gopacket.SerializableLayer
	for _, l := range p.Layers() {
		s, ok := l.(gopacket.SerializableLayer)
		require.True(t, ok, "%v", l.LayerType())
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			require.NoError(t, c.SetNetworkLayerForChecksum(p.NetworkLayer()))
		}
		all = append(all, s)
		if l.LayerType() == layers.LayerTypeUDP || l.LayerType() == layers.LayerTypeTCP {
			all = append(all, gopacket.Payload(p.TransportLayer().LayerPayload()))
			break
		}
	}
	buf := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{ComputeChecksums: true, FixLengths: true}, all...))
	assert.Equal(t, buf.Bytes(), data)
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write(b []byte) (int, error) { return 0, errFull }

func TestCaptureError(t *testing.T) {
	n := newSite(t, nil)
	stop := n.Capture(fullDisk{})
	n.Dial(t, "app", "db", sg.PostgreSQL)
	assert.ErrorIs(t, stop(), errFull)
}
