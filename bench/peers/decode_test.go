package peers

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	tspacket "tailscale.com/net/packet"
	"tailscale.com/types/ipproto"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
)

// decodeFrames are the frames that all decoders read, by the name they have in
// sgsim's own BenchmarkDecode.
func decodeFrames() map[string]*corpus.Frames {
	const n = 256
	return map[string]*corpus.Frames{
		"frame=tcp4/size=64":  corpus.NewFrames(packet.IPv4, packet.TCP, 1<<20, n, 64, packet.ACK, 1),
		"frame=tcp4/size=512": corpus.NewFrames(packet.IPv4, packet.TCP, 1<<20, n, 512, packet.ACK, 1),
		"frame=tcp6/size=74":  corpus.NewFrames(packet.IPv6, packet.TCP, 1<<20, n, 74, packet.ACK, 1),
	}
}

// BenchmarkDecode reads frames that lie in the nearest caches. Each decoder has a
// loop of its own, so that none pays for a call through a function value.
func BenchmarkDecode(b *testing.B) {
	for name, frames := range decodeFrames() {
		b.Run("impl=gopacket-newpacket/"+name, func(b *testing.B) {
			measure.Packets(b, frames.Len(), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if _, err := newPacketPort(frames.At(i)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		b.Run("impl=gopacket-parser/"+name, func(b *testing.B) {
			port := parserPort()
			measure.Packets(b, frames.Len(), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if _, err := port(frames.At(i)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		b.Run("impl=tailscale/"+name, func(b *testing.B) {
			var q tspacket.Parsed
			measure.Packets(b, frames.Len(), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if q.Decode(frames.At(i)[14:]); q.IPProto != ipproto.TCP {
						b.Fatal("not TCP")
					}
				}
			})
		})
		if name == "frame=tcp6/size=74" {
			continue
		}
		b.Run("impl=hand/"+name, func(b *testing.B) {
			var k flatKey
			measure.Packets(b, frames.Len(), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if err := handParse(frames.At(i), &k); err != nil || k.src == k.dst {
						b.Fatal("wrong key", k, err)
					}
				}
			})
		})
	}
}

var errFrame = errors.New("not TCP over IPv4 in Ethernet")

// A flatKey is what a table keyed by value uses: no pointers, whole words.
type flatKey struct {
	src, dst [2]uint64
	ports    uint64 // and protocol
}

// handParse is as little as a correct parse can do.
func handParse(f []byte, k *flatKey) error {
	if len(f) < 14+20+20 || f[12] != 8 || f[13] != 0 {
		return errFrame
	}
	ip := f[14:]
	ihl := int(ip[0]&15) * 4
	total := int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || ihl < 20 || total < ihl+20 || total > len(ip) || ip[9] != 6 || binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
		return errFrame
	}
	tcp := ip[ihl:total]
	if n := int(tcp[12]>>4) * 4; n < 20 || n > len(tcp) {
		return errFrame
	}
	const mapped = 0xffff << 16
	k.src = [2]uint64{0, mapped | uint64(binary.LittleEndian.Uint32(ip[12:]))<<32}
	k.dst = [2]uint64{0, mapped | uint64(binary.LittleEndian.Uint32(ip[16:]))<<32}
	p := binary.BigEndian.Uint32(tcp)
	k.ports = uint64(tcp[13])<<40 | 6<<32 | uint64(p)
	return nil
}

func newPacketPort(f []byte) (uint16, error) {
	p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	if p.NetworkLayer() == nil {
		return 0, errFrame
	}
	tcp, ok := p.TransportLayer().(*layers.TCP)
	if !ok {
		return 0, errFrame
	}
	return uint16(tcp.DstPort), nil
}

// parserPort returns a decoder with layers of its own.
func parserPort() func([]byte) (uint16, error) {
	var (
		eth     layers.Ethernet
		ip4     layers.IPv4
		ip6     layers.IPv6
		tcp     layers.TCP
		udp     layers.UDP
		icmp    layers.ICMPv4
		icmp6   layers.ICMPv6
		payload gopacket.Payload
		decoded []gopacket.LayerType
	)
	p := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip4, &ip6, &tcp, &udp, &icmp, &icmp6, &payload)
	p.IgnoreUnsupported = true // port 443 is taken for TLS, which nobody asked for
	return func(f []byte) (uint16, error) {
		err := p.DecodeLayers(f, &decoded)
		return uint16(tcp.DstPort), err
	}
}
