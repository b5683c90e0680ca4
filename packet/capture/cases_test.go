package capture

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

var casesDir = flag.String("cases", "../../../shared/cases", "folder of captures that were read wrongly once")

func openCase(t *testing.T, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join(*casesDir, name))
	if err != nil {
		t.Skip("no cases: ", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Mirrored captures come down to what gopacket finds in their copies.
func TestMirroredCases(t *testing.T) {
	for name, packets := range map[string]int{"mirror/mirror.pcap": 47, "captures/aws-mirror-vxlan.pcap": 4} {
		t.Run(name, func(t *testing.T) {
			n := 0
			for fr, err := range openCase(t, name).Frames() {
				require.NoError(t, err)
				require.NoError(t, fr.Err)
				n++
				h, tunnels := fr.Header, make([]packet.Tunnel, 2)
				opened, err := packet.Unwrap(fr.LinkType, fr.Data, &h, tunnels)
				require.Equal(t, 1, opened)
				assert.Equal(t, fr.Header, tunnels[0].Outer)
				assert.EqualValues(t, 4789, fr.Header.DstPort)

				var ips []*layers.IPv4
				var ports [2]uint16
				var seq uint32
				for _, l := range gopacket.NewPacket(fr.Data, layers.LayerTypeEthernet, gopacket.Default).Layers() {
					switch l := l.(type) {
					case *layers.VXLAN:
						assert.Equal(t, l.VNI, tunnels[0].VNI)
					case *layers.IPv4:
						ips, ports = append(ips, l), [2]uint16{}
					case *layers.UDP:
						ports = [2]uint16{uint16(l.SrcPort), uint16(l.DstPort)}
					case *layers.TCP:
						ports, seq = [2]uint16{uint16(l.SrcPort), uint16(l.DstPort)}, l.Seq
					}
				}
				if len(ips) == 1 { // the copy is of ARP
					require.Equal(t, packet.ErrNotIP, err, "packet %d", n)
					continue
				}
				require.NoError(t, err, "packet %d", n)
				assert.Equal(t, ips[0].SrcIP.String(), tunnels[0].Outer.SrcAddr().String())
				assert.Equal(t, ips[1].SrcIP.String(), h.SrcAddr().String())
				assert.Equal(t, ips[1].DstIP.String(), h.DstAddr().String())
				assert.EqualValues(t, ips[1].Protocol, h.Protocol)
				assert.Equal(t, ports, [2]uint16{h.SrcPort, h.DstPort})
				assert.Equal(t, seq, h.Seq)
			}
			assert.Equal(t, packets, n)
		})
	}
}

// A log of netfilter holds packets, and a short snap length cuts them.
func TestLinkCases(t *testing.T) {
	for name, want := range map[string][]string{
		"captures/nflog.pcap": {
			"tcp 198.51.100.7:50000 > 10.0.1.10:8080 S seq 1 win 8192",
			"tcp 10.0.1.10:8080 > 198.51.100.7:50000 SA seq 9 ack 2 win 8192",
			"tcp 198.51.100.7:50000 > 10.0.1.10:8080 A seq 2 ack 10 win 8192",
		},
		"captures/snap34.pcap": {
			"tcp 198.51.100.7 > 10.0.1.10 captured 20 missing ports,flags",
			"tcp 10.0.1.10 > 198.51.100.7 captured 20 missing ports,flags",
			"tcp 198.51.100.7 > 10.0.1.10 captured 20 missing ports,flags",
			"tcp 10.0.1.10 > 198.51.100.7 iplen 1440 captured 20 missing ports,flags",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for fr, err := range openCase(t, name).Frames() {
				require.NoError(t, err)
				require.NoError(t, fr.Err)
				assert.Equal(t, fr.Header.Missing != 0, fr.Header.Cut())
				h := fr.Header
				h.FragID = 0
				got = append(got, h.String())
			}
			assert.Equal(t, want, got)
		})
	}
}
