package peers

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
)

// benchFile reads a whole capture in each operation and wants as many packets as
// it holds.
func benchFile(b *testing.B, path string, read func(*pcapgo.Reader) (int, error)) {
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r, err := pcapgo.NewReader(bufio.NewReaderSize(f, 1<<20))
		if err != nil {
			b.Fatal(err)
		}
		n, err := read(r)
		if err != io.EOF || n != measure.CapturePackets() {
			b.Fatal(n, "packets,", err)
		}
		f.Close()
	}
	measure.File(b, measure.CapturePackets())
}

// BenchmarkCapture reads a file without decoding what is in its packets.
func BenchmarkCapture(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		path := measure.CaptureFile(b, mix, 10_000)
		b.Run(fmt.Sprintf("impl=pcapgo/decode=no/size=%d", mix.Mean()), func(b *testing.B) {
			benchFile(b, path, func(r *pcapgo.Reader) (n int, err error) {
				for ; ; n++ {
					if _, _, err := r.ReadPacketData(); err != nil {
						return n, err
					}
				}
			})
		})
		b.Run(fmt.Sprintf("impl=pcapgo-zerocopy/decode=no/size=%d", mix.Mean()), func(b *testing.B) {
			benchFile(b, path, func(r *pcapgo.Reader) (n int, err error) {
				for ; ; n++ {
					if _, _, err := r.ZeroCopyReadPacketData(); err != nil {
						return n, err
					}
				}
			})
		})
		b.Run(fmt.Sprintf("impl=gopacket-parser/decode=yes/size=%d", mix.Mean()), func(b *testing.B) {
			port := parserPort()
			benchFile(b, path, func(r *pcapgo.Reader) (n int, err error) {
				for ; ; n++ {
					data, _, err := r.ZeroCopyReadPacketData()
					if err != nil {
						return n, err
					}
					if _, err := port(data); err != nil {
						return n, err
					}
				}
			})
		})
	}
}

// A flowPair is what gopacket offers as a key of a connection's direction.
type flowPair struct{ network, transport gopacket.Flow }

// BenchmarkReplay takes a capture from the page cache to something decided about
// each packet: for tcpdump, that it is copied.
func BenchmarkReplay(b *testing.B) {
	for _, mix := range []corpus.Mix{corpus.Small, corpus.IMIX} {
		for _, flows := range measure.Flows() {
			path := measure.CaptureFile(b, mix, flows)
			name := fmt.Sprintf("size=%d/flows=%d/cores=1", mix.Mean(), flows)
			b.Run("impl=tcpdump/"+name, func(b *testing.B) { benchTcpdump(b, path) })
			b.Run("impl=parser-map/"+name, func(b *testing.B) {
				benchFile(b, path, parserMap)
			})
			b.Run("impl=tutorial/"+name, func(b *testing.B) {
				if mix.Mean() != 64 || flows != 10_000 {
					b.Skip("measured at 64 bytes and 10,000 connections: seconds a file")
				}
				benchFile(b, path, tutorial)
			})
		}
	}
}

func benchTcpdump(b *testing.B, path string) {
	tool, err := exec.LookPath("tcpdump")
	if err != nil {
		b.Skip("tcpdump is not installed")
	}
	for b.Loop() {
		if out, err := exec.Command(tool, "-r", path, "-w", "/dev/null").CombinedOutput(); err != nil {
			b.Skipf("tcpdump: %v: %s", err, out)
		}
	}
	measure.File(b, measure.CapturePackets())
}

// parserMap keeps a connection for each pair of flows, with gopacket's fastest
// decoder.
func parserMap(r *pcapgo.Reader) (n int, err error) {
	var (
		eth     layers.Ethernet
		ip4     layers.IPv4
		tcp     layers.TCP
		payload gopacket.Payload
		decoded []gopacket.LayerType
	)
	p := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip4, &tcp, &payload)
	p.IgnoreUnsupported = true
	conns := map[flowPair]*uint64{}
	for ; ; n++ {
		data, _, err := r.ZeroCopyReadPacketData()
		if err != nil {
			return n, err
		}
		if err := p.DecodeLayers(data, &decoded); err != nil {
			return n, err
		}
		count(conns, flowPair{ip4.NetworkFlow(), tcp.TransportFlow()})
	}
}

// tutorial does what introductions to gopacket do.
func tutorial(r *pcapgo.Reader) (n int, err error) {
	conns := map[flowPair]*uint64{}
	for ; ; n++ {
		data, _, err := r.ReadPacketData()
		if err != nil {
			return n, err
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Lazy)
		if p.NetworkLayer() == nil || p.TransportLayer() == nil {
			return n, errFrame
		}
		count(conns, flowPair{p.NetworkLayer().NetworkFlow(), p.TransportLayer().TransportFlow()})
	}
}

// count finds the connection of a packet in either direction and counts it.
func count(conns map[flowPair]*uint64, k flowPair) {
	c := conns[k]
	if c == nil {
		c = conns[flowPair{k.network.Reverse(), k.transport.Reverse()}]
	}
	if c == nil {
		c = new(uint64)
		conns[k] = c
	}
	*c++
}
