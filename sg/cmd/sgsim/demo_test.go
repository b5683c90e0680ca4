package main

import (
	"bytes"
	"flag"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the demonstration's capture anew")

// TestDemoCapture makes the capture of the demonstration, so that nothing in it
// comes from a real network.
func TestDemoCapture(t *testing.T) {
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	require.NoError(t, w.WriteFileHeader(65536, layers.LinkTypeEthernet))
	for _, p := range demoPackets() {
		frame := p.frame(t)
		require.NoError(t, w.WritePacket(gopacket.CaptureInfo{
			Timestamp:     time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC).Add(p.at),
			CaptureLength: len(frame), Length: len(frame),
		}, frame))
	}
	const name = "demo/demo.pcap"
	if *update {
		require.NoError(t, os.WriteFile(name, b.Bytes(), 0o644))
	}
	committed, err := os.ReadFile(name)
	require.NoError(t, err)
	require.True(t, bytes.Equal(b.Bytes(), committed), "run go test ./sg/cmd/sgsim -run TestDemoCapture -update")
}

type demoPacket struct {
	at       time.Duration
	from, to end
	flags    string // empty: UDP
	payload  string
}

type end struct {
	addr string
	port uint16
}

func demoPackets() []demoPacket {
	var (
		browser = end{"198.51.100.7", 50122}
		https   = end{"10.0.1.10", 443}
		app     = end{"10.0.1.10", 41872}
		sql     = end{"10.0.2.20", 5432}
		scanner = end{"203.0.113.99", 40404}
		ssh     = end{"10.0.1.10", 22}
		db      = end{"10.0.2.20", 38114}
		update  = end{"198.51.100.80", 443}
		lookup  = end{"10.0.2.20", 53219}
		dns     = end{"10.0.0.2", 53}
	)
	const ms, us = time.Millisecond, time.Microsecond
	return []demoPacket{
		{0, browser, https, "S", ""},
		{90 * us, https, browser, "SA", ""},
		{24 * ms, browser, https, "A", ""},
		{25 * ms, browser, https, "PA", "GET /orders/42"},
		{26 * ms, app, sql, "S", ""},
		{26*ms + 210*us, sql, app, "SA", ""},
		{26*ms + 380*us, app, sql, "A", ""},
		{27 * ms, app, sql, "PA", "select * from orders where id = 42"},
		{29 * ms, sql, app, "PA", "42, 2026-03-01, shipped"},
		{31 * ms, https, browser, "PA", "shipped on 2026-03-01"},
		{840 * ms, scanner, ssh, "S", ""},
		{1840 * ms, scanner, ssh, "S", ""},
		{2100 * ms, lookup, dns, "", "updates.example.com?"},
		{2101 * ms, dns, lookup, "", "198.51.100.80"},
		{2102 * ms, db, update, "S", ""},
		{3102 * ms, db, update, "S", ""},
		{3500 * ms, browser, https, "FA", ""},
		{3501 * ms, https, browser, "FA", ""},
		{3525 * ms, browser, https, "A", ""},
	}
}

func (p demoPacket) frame(t *testing.T) []byte {
	ip := &layers.IPv4{
		Version: 4, TTL: 64, SrcIP: net.ParseIP(p.from.addr), DstIP: net.ParseIP(p.to.addr), Flags: layers.IPv4DontFragment,
	}
	eth := &layers.Ethernet{
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2},
		EthernetType: layers.EthernetTypeIPv4,
	}
	var l4 gopacket.SerializableLayer
	if p.flags == "" {
		ip.Protocol = layers.IPProtocolUDP
		udp := &layers.UDP{SrcPort: layers.UDPPort(p.from.port), DstPort: layers.UDPPort(p.to.port)}
		require.NoError(t, udp.SetNetworkLayerForChecksum(ip))
		l4 = udp
	} else {
		ip.Protocol = layers.IPProtocolTCP
		tcp := &layers.TCP{SrcPort: layers.TCPPort(p.from.port), DstPort: layers.TCPPort(p.to.port), Window: 64240}
		for _, f := range p.flags {
			switch f {
			case 'S':
				tcp.SYN = true
			case 'A':
				tcp.ACK = true
			case 'P':
				tcp.PSH = true
			case 'F':
				tcp.FIN = true
			}
		}
		require.NoError(t, tcp.SetNetworkLayerForChecksum(ip))
		l4 = tcp
	}
	b := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	require.NoError(t, gopacket.SerializeLayers(b, opts, eth, ip, l4, gopacket.Payload(p.payload)))
	return b.Bytes()
}
