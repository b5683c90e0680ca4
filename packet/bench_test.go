package packet

import (
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// benchFrames returns 256 frames of one shape with different addresses and ports,
// which stay in the nearest cache.
func benchFrames(b *testing.B, size int, ls ...gopacket.SerializableLayer) [][]byte {
	frames := make([][]byte, 256)
	for i := range frames {
		f := frame(b, ls...)
		f = append(f, make([]byte, max(0, size-len(f)))...)
		ip := f[14:]
		switch ip[0] >> 4 {
		case 4:
			binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
			ip[15], ip[19] = byte(i), byte(i*7)
			ip[21] = byte(i)
		case 6:
			binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-40))
			ip[23], ip[39] = byte(i), byte(i*7)
			ip[41] = byte(i)
		}
		frames[i] = f
	}
	return frames
}

var shapes = []struct {
	name   string
	size   int
	layers func() []gopacket.SerializableLayer
}{
	{"frame=tcp4/size=64", 64, func() []gopacket.SerializableLayer {
		return []gopacket.SerializableLayer{ethernet(0x0800), v4(6), &layers.TCP{SrcPort: 1, DstPort: 5432, ACK: true, DataOffset: 5}}
	}},
	{"frame=tcp4/size=512", 512, func() []gopacket.SerializableLayer {
		return []gopacket.SerializableLayer{ethernet(0x0800), v4(6), &layers.TCP{SrcPort: 1, DstPort: 5432, ACK: true, DataOffset: 5}}
	}},
	{"frame=udp4/size=64", 64, func() []gopacket.SerializableLayer {
		return []gopacket.SerializableLayer{ethernet(0x0800), v4(17), &layers.UDP{SrcPort: 1, DstPort: 5432}, gopacket.Payload(make([]byte, 22))}
	}},
	{"frame=tcp6/size=74", 74, func() []gopacket.SerializableLayer {
		return []gopacket.SerializableLayer{ethernet(0x86dd), v6(6), &layers.TCP{SrcPort: 1, DstPort: 5432, ACK: true, DataOffset: 5}}
	}},
}

// floorKey is the least that a connection table can be asked with.
type floorKey struct {
	src, dst [2]uint64
	ports    uint32
	proto    uint8
	flags    uint8
}

// floor is the cheapest parse that does not read past a frame and does not believe
// a wrong length: Ethernet, IP without options, TCP or UDP, into a key.
func floor(b []byte, k *floorKey) bool {
	if len(b) < 14+20+8 {
		return false
	}
	switch binary.LittleEndian.Uint16(b[12:]) {
	case 0x0008:
		b = b[14:]
		total := int(binary.BigEndian.Uint16(b[2:]))
		if b[0] != 0x45 || total > len(b) || total < 28 || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return false
		}
		k.proto = b[9]
		k.src = [2]uint64{0, uint64(binary.LittleEndian.Uint32(b[12:]))<<32 | 0xffff0000}
		k.dst = [2]uint64{0, uint64(binary.LittleEndian.Uint32(b[16:]))<<32 | 0xffff0000}
		b = b[20:total]
	case 0xdd86:
		b = b[14:]
		if len(b) < 48 || b[0]>>4 != 6 || int(binary.BigEndian.Uint16(b[4:])) > len(b)-40 {
			return false
		}
		k.proto = b[6]
		k.src = [2]uint64{binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}
		k.dst = [2]uint64{binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])}
		b = b[40:]
	default:
		return false
	}
	if k.proto == uint8(TCP) {
		if len(b) < 20 {
			return false
		}
		k.flags = b[13]
	}
	k.ports = binary.LittleEndian.Uint32(b)
	return k.proto == uint8(TCP) || k.proto == uint8(UDP)
}

// BenchmarkDecode reads one frame per operation: with Decode; with Decode and the
// five-tuple as a table would take it; with the floor; and with gopacket's
// DecodingLayerParser, which says neither what is missing nor what is wrong.
func BenchmarkDecode(b *testing.B) {
	for _, s := range shapes {
		frames := benchFrames(b, s.size, s.layers()...)
		b.Run("impl=sgsim/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			var h Header
			i := 0
			for b.Loop() {
				f := frames[i&255]
				if err := Decode(LinkEthernet, f, len(f), &h); err != nil {
					b.Fatal(err)
				}
				i++
			}
			require.NotZero(b, h.Length)
		})
		b.Run("impl=sgsim-tuple/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			var h Header
			var t FiveTuple
			i, sum := 0, uint64(0)
			for b.Loop() {
				f := frames[i&255]
				if err := Decode(LinkEthernet, f, len(f), &h); err != nil {
					b.Fatal(err)
				}
				t = h.Tuple()
				sum |= binary.LittleEndian.Uint64(t.Src[8:]) ^ binary.LittleEndian.Uint64(t.Dst[8:])
				i++
			}
			require.NotZero(b, sum|uint64(t.Protocol))
		})
		b.Run("impl=floor/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			var k floorKey
			i := 0
			for b.Loop() {
				if !floor(frames[i&255], &k) {
					b.Fatal("not decoded")
				}
				i++
			}
			require.NotZero(b, k.proto)
		})
		b.Run("impl=gopacket-parser/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			var eth layers.Ethernet
			var ip4 layers.IPv4
			var ip6 layers.IPv6
			var tcp layers.TCP
			var udp layers.UDP
			p := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip4, &ip6, &tcp, &udp)
			p.IgnoreUnsupported = true
			decoded := make([]gopacket.LayerType, 0, 8)
			i := 0
			for b.Loop() {
				if err := p.DecodeLayers(frames[i&255], &decoded); err != nil {
					b.Fatal(err)
				}
				i++
			}
			require.NotZero(b, len(decoded))
		})
	}
}

// BenchmarkUnwrap is BenchmarkDecode for a reader that opens tunnels: it asks every
// packet, and decodes the packet inside of those that are copies.
func BenchmarkUnwrap(b *testing.B) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 5432, ACK: true, DataOffset: 5}
	plain := []gopacket.SerializableLayer{ethernet(0x0800), v4(6), tcp}
	for _, s := range []struct {
		name   string
		layers []gopacket.SerializableLayer
	}{
		{"frame=tcp4/size=64", plain},
		{"frame=vxlan/size=114", append([]gopacket.SerializableLayer{ethernet(0x0800), v4(17), tunnelPort(4789), vxlan()}, plain...)},
		{"frame=geneve/size=122", append([]gopacket.SerializableLayer{ethernet(0x0800), v4(17), tunnelPort(6081), geneve(0x0800, gatewayOptions()...)}, plain[1:]...)},
	} {
		f := append(frame(b, s.layers...), 0, 0, 0, 0)
		b.Run("impl=sgsim/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			var h Header
			var tunnels [2]Tunnel
			for b.Loop() {
				if err := Decode(LinkEthernet, f, len(f), &h); err != nil {
					b.Fatal(err)
				}
				if h.Tunnel() != 0 {
					if _, err := Unwrap(LinkEthernet, f, &h, tunnels[:]); err != nil {
						b.Fatal(err)
					}
				}
			}
			if h.DstPort != 5432 {
				b.Fatal(h)
			}
		})
	}
}
