package packet

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vxlan is a VXLAN header of VNI 7.
func vxlan() *layers.VXLAN { return &layers.VXLAN{ValidIDFlag: true, VNI: 7} }

// geneve is a GENEVE header of VNI 9 in front of etherType, which gopacket does not
// write.
func geneve(etherType uint16, options ...byte) gopacket.Payload {
	b := []byte{byte(len(options) / 4), 0, byte(etherType >> 8), byte(etherType), 0, 0, 9, 0}
	return append(b, options...)
}

// gatewayOptions are those of a Gateway Load Balancer, behind one of somebody else.
func gatewayOptions() []byte {
	b := []byte{0x01, 0x02, 1, 2, 9, 9, 9, 9, 9, 9, 9, 9}
	b = append(b, 0x01, 0x08, 1, 2, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde)
	b = append(b, 0x01, 0x08, 2, 2, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10)
	return append(b, 0x01, 0x08, 3, 1, 0xca, 0xfe, 0xba, 0xbe)
}

func tunnelPort(port uint16) *layers.UDP {
	return &layers.UDP{SrcPort: 4000, DstPort: layers.UDPPort(port)}
}

// mirrored are frames with a copy in them, by name.
func mirrored(t testing.TB) map[string]struct {
	link    LinkType
	frame   []byte
	want    string // the innermost packet
	tunnels []Tunnel
} {
	t.Helper()
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Window: 5, SYN: true, DataOffset: 5}
	echo := gopacket.Payload{8, 0, 0, 0, 0, 7, 0, 1}
	gateway := Tunnel{Kind: Geneve, VNI: 9, Endpoint: 0x123456789abcde, Attachment: 0xfedcba9876543210, Cookie: 0xcafebabe}
	inVXLAN, inGeneve := Tunnel{Kind: VXLAN, VNI: 7}, Tunnel{Kind: Geneve, VNI: 9}
	const tcp4, tcp6 = "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 win 5", "tcp [2001:db8::1]:1 > [2001:db8::2]:2 S seq 3 ack 4 win 5"
	type result = struct {
		link    LinkType
		frame   []byte
		want    string
		tunnels []Tunnel
	}
	all := map[string]result{}
	add := func(name, want string, tunnels []Tunnel, ls ...gopacket.SerializableLayer) {
		ip := frame(t, ls...)
		ethertype := layers.EthernetType(0x0800)
		if ip[0]>>4 == 6 {
			ethertype = 0x86dd
		}
		all[name] = result{LinkEthernet, frame(t, ethernet(ethertype), gopacket.Payload(ip)), want, tunnels}
		all[name+", raw"] = result{LinkRaw, ip, want, tunnels}
	}
	add("vxlan", tcp4, []Tunnel{inVXLAN}, v4(17), tunnelPort(4789), vxlan(), ethernet(0x0800), v4(6), tcp)
	add("vxlan over IPv6", tcp6, []Tunnel{inVXLAN}, v6(17), tunnelPort(4789), vxlan(), ethernet(0x86dd), v6(6), tcp)
	add("vxlan with a tag", "icmp 10.0.0.1 > 10.0.0.2 8/0 id 7", []Tunnel{inVXLAN},
		v4(17), tunnelPort(4789), vxlan(), ethernet(0x8100), &layers.Dot1Q{VLANIdentifier: 5, Type: 0x0800}, v4(1), echo)
	add("geneve with IPv4", tcp4, []Tunnel{gateway}, v4(17), tunnelPort(6081), geneve(0x0800, gatewayOptions()...), v4(6), tcp)
	add("geneve with IPv6", tcp6, []Tunnel{gateway}, v4(17), tunnelPort(6081), geneve(0x86dd, gatewayOptions()...), v6(6), tcp)
	add("geneve with Ethernet", tcp4, []Tunnel{inGeneve}, v6(17), tunnelPort(6081), geneve(0x6558), ethernet(0x0800), v4(6), tcp)
	add("vxlan in geneve", tcp4, []Tunnel{gateway, inVXLAN}, v4(17), tunnelPort(6081), geneve(0x0800, gatewayOptions()...),
		v4(17), tunnelPort(4789), vxlan(), ethernet(0x0800), v4(6), tcp)
	add("geneve in vxlan", tcp6, []Tunnel{inVXLAN, inGeneve}, v4(17), tunnelPort(4789), vxlan(), ethernet(0x0800),
		v4(17), tunnelPort(6081), geneve(0x86dd), v6(6), tcp)
	add("outer IPv4 options", tcp4, []Tunnel{inVXLAN}, optioned(v4(17)), tunnelPort(4789), vxlan(), ethernet(0x0800), v4(6), tcp)
	add("outer IPv6 options", tcp4, []Tunnel{inVXLAN}, v6(0), gopacket.Payload{17, 0, 1, 4, 0, 0, 0, 0},
		gopacket.Payload(frame(t, tunnelPort(4789), vxlan(), ethernet(0x0800), v4(6), tcp)))
	add("inner padding", tcp4, []Tunnel{inVXLAN}, v4(17), tunnelPort(4789), vxlan(), ethernet(0x0800),
		gopacket.Payload(append(frame(t, v4(6), tcp), 0, 0, 0, 0, 0, 0)))
	return all
}

// kinds returns the tunnels without their outer headers.
func kinds(tunnels []Tunnel) []Tunnel {
	out := make([]Tunnel, len(tunnels))
	for i, t := range tunnels {
		t.Outer = Header{}
		out[i] = t
	}
	return out
}

func TestUnwrap(t *testing.T) {
	for name, c := range mirrored(t) {
		var outer Header
		require.NoError(t, Decode(c.link, c.frame, len(c.frame), &outer), name)
		h, tunnels := outer, make([]Tunnel, 4)
		n, err := Unwrap(c.link, c.frame, &h, tunnels)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, h.String(), name)
		assert.Equal(t, c.tunnels, kinds(tunnels[:n]), name)
		assert.Equal(t, outer, tunnels[0].Outer, name)
		assert.Equal(t, c.tunnels[0].Kind, outer.Tunnel(), name)

		// Room for one opens one; for none, none.
		h = outer
		n, err = Unwrap(c.link, c.frame, &h, tunnels[:1])
		require.NoError(t, err, name)
		require.Equal(t, 1, n, name)
		if len(c.tunnels) == 2 {
			assert.Equal(t, tunnels[1].Outer, h, name)
		}
		h = outer
		n, err = Unwrap(c.link, c.frame, &h, nil)
		require.NoError(t, err, name)
		assert.Zero(t, n, name)
		assert.Equal(t, outer, h, name)
	}
}

// However short the copy or the capture, what is there is read, and what is not there
// is cut off.
func TestUnwrapCut(t *testing.T) {
	for name, c := range mirrored(t) {
		var whole Header
		require.NoError(t, Decode(c.link, c.frame, len(c.frame), &whole), name)
		tunnels := make([]Tunnel, 4)
		ports := 0
		wholeInner := whole
		_, err := Unwrap(c.link, c.frame, &wholeInner, tunnels)
		require.NoError(t, err)
		for keep := len(c.frame) - 1; keep >= 0; keep-- {
			var h Header
			if Decode(c.link, c.frame[:keep], len(c.frame), &h) != nil || h.Missing != 0 {
				continue // the outer header itself is cut
			}
			n, err := Unwrap(c.link, c.frame[:keep], &h, tunnels)
			switch {
			case h.Missing != 0 || err != nil:
				require.Positive(t, n, "%s, %d bytes", name, keep)
				if err != nil {
					require.Equal(t, ErrCut, err, "%s, %d bytes", name, keep)
				} else {
					require.True(t, h.Cut(), "%s, %d bytes: %v", name, keep, h)
				}
			default: // no more than payload, or the tail of a TCP header
				require.Equal(t, wholeInner.Tuple(), h.Tuple(), "%s, %d bytes", name, keep)
				ports++
			}
		}
		assert.Positive(t, ports, name)
	}
}

// A copy that the mirror itself cut: its datagram is whole, and the inner IP header
// promises more.
func TestUnwrapShortCopy(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Window: 5, SYN: true, DataOffset: 5}
	inner := frame(t, ethernet(0x0800), v4(6), tcp, gopacket.Payload(make([]byte, 100)))
	for keep, want := range map[int]string{
		14 + 20 + 20: "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 win 5 len 100 captured 40",
		14 + 20 + 14: "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 3 ack 4 len 100 captured 34",
		14 + 20 + 4:  "tcp 10.0.0.1:1 > 10.0.0.2:2 iplen 140 captured 24 missing flags",
		14 + 20:      "tcp 10.0.0.1 > 10.0.0.2 iplen 140 captured 20 missing ports,flags",
		14 + 19:      "",
		14:           "",
		3:            "",
		0:            "",
	} {
		b := frame(t, ethernet(0x0800), v4(17), tunnelPort(4789), vxlan(), gopacket.Payload(inner[:keep]))
		var h Header
		require.NoError(t, Decode(LinkEthernet, b, len(b), &h))
		n, err := Unwrap(LinkEthernet, b, &h, make([]Tunnel, 1))
		require.Equal(t, 1, n)
		if want == "" {
			assert.Equal(t, ErrCut, err, "%d bytes", keep)
			assert.Zero(t, h.Length)
			continue
		}
		require.NoError(t, err, "%d bytes", keep)
		assert.Equal(t, want, h.String())
		assert.Equal(t, h.Missing != 0, h.Cut())
	}
}

// What goes to a tunnel's port without being a tunnel is left as it is; what is wrong
// inside is told as it is outside.
func TestUnwrapErrors(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, DataOffset: 5}
	ip := gopacket.Payload(frame(t, v4(6), tcp))
	first := flagged(v4(17))
	for name, c := range map[string]struct {
		ls   []gopacket.SerializableLayer
		n    int
		want error
	}{
		"no VNI":            {[]gopacket.SerializableLayer{v4(17), tunnelPort(4789), &layers.VXLAN{}, ethernet(0x0800), ip}, 0, ErrTunnel},
		"short VXLAN":       {[]gopacket.SerializableLayer{v4(17), tunnelPort(4789), gopacket.Payload{8, 0, 0, 0}}, 0, ErrTunnel},
		"empty":             {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081)}, 0, ErrTunnel},
		"GENEVE version 1":  {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), edit(geneve(0x0800), 0, 0x40), ip}, 0, ErrTunnel},
		"GENEVE control":    {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), edit(geneve(0x0800), 1, 0x80), ip}, 0, ErrTunnel},
		"short options":     {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), edit(geneve(0x0800), 0, 63), ip}, 0, ErrTunnel},
		"later fragment":    {[]gopacket.SerializableLayer{edit(frame(t, v4(17), tunnelPort(4789), vxlan(), ethernet(0x0800), ip), 7, 1)}, 0, nil},
		"first fragment":    {[]gopacket.SerializableLayer{first, tunnelPort(4789), vxlan(), ethernet(0x0800), ip}, 1, nil},
		"end of a fragment": {[]gopacket.SerializableLayer{first, tunnelPort(4789)}, 1, ErrCut},
		"ARP":               {[]gopacket.SerializableLayer{v4(17), tunnelPort(4789), vxlan(), ethernet(0x0806), ip}, 1, ErrNotIP},
		"protocol 0":        {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), geneve(0), ip}, 1, ErrNotIP},
		"802.2":             {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), geneve(1), gopacket.Payload{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip}, 1, ErrNotIP},
		"wrong version":     {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), geneve(0x86dd), ip}, 1, ErrIPVersion},
		"inner data offset": {[]gopacket.SerializableLayer{v4(17), tunnelPort(6081), geneve(0x0800), edit(frame(t, v4(6), tcp), 32, 0x40)}, 1, ErrTCPOffset},
		"not a tunnel":      {[]gopacket.SerializableLayer{v4(17), tunnelPort(4790), vxlan(), ethernet(0x0800), ip}, 0, nil},
		"TCP":               {[]gopacket.SerializableLayer{v4(6), &layers.TCP{DstPort: 4789, DataOffset: 5}, vxlan(), ethernet(0x0800), ip}, 0, nil},
	} {
		b := frame(t, c.ls...)
		var outer Header
		require.NoError(t, Decode(LinkRaw, b, len(b), &outer), name)
		h, tunnels := outer, make([]Tunnel, 4)
		n, err := Unwrap(LinkRaw, b, &h, tunnels)
		assert.Equal(t, c.want, err, name)
		assert.Equal(t, c.n, n, name)
		if n == 0 {
			assert.Equal(t, outer, h, name)
			assert.Equal(t, make([]Tunnel, 4), tunnels, name)
		}
	}
	// A datagram that is too short for a tunnel is so however little was captured.
	b := frame(t, v4(17), tunnelPort(4789), gopacket.Payload{8, 0, 0, 0})
	var outer Header
	require.NoError(t, Decode(LinkRaw, b[:30], len(b), &outer))
	_, err := Unwrap(LinkRaw, b[:30], &outer, make([]Tunnel, 1))
	assert.Equal(t, ErrTunnel, err)

	h := UDPHeader(netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:4789"))
	before := h
	_, err = Unwrap(LinkType(127), make([]byte, 100), &h, make([]Tunnel, 1))
	assert.Equal(t, ErrLinkType, err)
	assert.Equal(t, before, h)
}

// The tunnel ends where its own lengths say.
func TestUnwrapBounds(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Window: 5, SYN: true, DataOffset: 5}
	open := func(b []byte) (Header, Tunnel) {
		var h Header
		require.NoError(t, Decode(LinkRaw, b, len(b), &h))
		tunnels := make([]Tunnel, 1)
		n, err := Unwrap(LinkRaw, b, &h, tunnels)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return h, tunnels[0]
	}
	// UDP is shorter than IP: 8 of its own, VXLAN, Ethernet, IP, and ports.
	b := frame(t, v4(17), tunnelPort(4789), vxlan(), ethernet(0x0800), v4(6), tcp)
	binary.BigEndian.PutUint16(b[24:], 8+8+14+20+4)
	h, _ := open(b)
	assert.Equal(t, "tcp 10.0.0.1:1 > 10.0.0.2:2 captured 24 missing flags", h.String())

	// What is inside looks like an option.
	mac := ethernet(0x0800)
	mac.DstMAC = []byte{0x01, 0x08, 3, 1, 0xca, 0xfe}
	_, got := open(frame(t, v4(17), tunnelPort(6081), geneve(0x6558), mac, v4(6), tcp))
	assert.Zero(t, got.Cookie)

	// Options of other lengths say something else.
	_, got = open(frame(t, v4(17), tunnelPort(6081), geneve(0x0800,
		0x01, 0x08, 1, 1, 1, 2, 3, 4, 0x01, 0x08, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 0x01, 0x08, 3, 2, 1, 2, 3, 4, 1, 2, 3, 4), v4(6), tcp))
	assert.Equal(t, []Tunnel{{Kind: Geneve, VNI: 9}}, kinds([]Tunnel{got}))
}

// A tunnel of the network's own in a copy can be left closed: its packet is kept.
func TestUnwrapOverlay(t *testing.T) {
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, SYN: true, DataOffset: 5}
	b := frame(t, v4(17), tunnelPort(4789), vxlan(), ethernet(0x86dd), v6(17), tunnelPort(4789), vxlan(), ethernet(0x0800), v4(6), tcp)
	var h Header
	require.NoError(t, Decode(LinkRaw, b, len(b), &h))
	tunnels := make([]Tunnel, 2)
	n, err := Unwrap(LinkRaw, b, &h, tunnels)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	assert.Equal(t, "udp [2001:db8::1]:4000 > [2001:db8::2]:4789 len 68", tunnels[1].Outer.String())
	assert.Equal(t, "tcp 10.0.0.1:1 > 10.0.0.2:2 S", h.String())
}

func TestUnwrapDoesNotAllocate(t *testing.T) {
	frames := mirrored(t)
	var tunnels [2]Tunnel
	var h Header
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		for _, c := range frames {
			Decode(c.link, c.frame, len(c.frame), &h)
			Unwrap(c.link, c.frame, &h, tunnels[:])
		}
	}))
}

func TestTunnelKindText(t *testing.T) {
	assert.Equal(t, []string{"-", "vxlan", "geneve"}, []string{TunnelKind(0).String(), VXLAN.String(), Geneve.String()})
}

func FuzzVXLAN(f *testing.F)  { seedTunnels(f, 4789); f.Fuzz(fuzzTunnel(4789)) }
func FuzzGeneve(f *testing.F) { seedTunnels(f, 6081); f.Fuzz(fuzzTunnel(6081)) }

// seedTunnels adds what is behind the UDP header of frames with a tunnel to port.
func seedTunnels(f *testing.F, port uint16) {
	for _, c := range mirrored(f) {
		var h Header
		if Decode(c.link, c.frame, len(c.frame), &h); h.DstPort != port {
			continue
		}
		payload := c.frame[len(c.frame)-int(h.PayloadLen):]
		f.Add(payload, uint16(0))
		f.Add(payload[:len(payload)*2/3], uint16(0))
		f.Add(payload, uint16(len(payload)/2))
	}
}

// fuzzTunnel puts payload behind UDP to port, takes away cut bytes as a capture would,
// and holds what Unwrap makes of it against its promises and against gopacket.
func fuzzTunnel(port uint16) func(t *testing.T, payload []byte, cut uint16) {
	return func(t *testing.T, payload []byte, cut uint16) {
		if len(payload) > 8000 {
			return
		}
		b := frame(t, v4(17), tunnelPort(port), gopacket.Payload(payload))
		length := len(b)
		b = b[:length-min(int(cut), len(payload))]
		payload = b[28:]
		var outer Header
		if err := Decode(LinkRaw, b, length, &outer); err != nil {
			t.Fatal(err)
		}
		h, tunnels := outer, make([]Tunnel, 1, 4)
		n, err := Unwrap(LinkRaw, b, &h, tunnels)
		if n == 0 {
			if h != outer || err != ErrTunnel {
				t.Fatalf("not opened: %v, %v", h, err)
			}
			return
		}
		tun := tunnels[0]
		if tun.Outer != outer || tun.Kind != outer.Tunnel() {
			t.Fatalf("tunnel %+v in %v", tun, outer)
		}
		checkHeader(t, &h, err)
		if err == ErrIPLength && !isJumbo(&h) {
			t.Fatalf("a copy can be cut: %v", h)
		}

		// All tunnels, into what was used before, begin with the first.
		all, deep := tunnels[:4], outer
		all[0], all[3] = Tunnel{VNI: 99, Cookie: 99}, Tunnel{Endpoint: 99}
		if m, _ := Unwrap(LinkRaw, b, &deep, all); m < 1 || all[0] != tun {
			t.Fatalf("first of %d: %+v, alone %+v", m, all[0], tun)
		}

		inner, peer := compareTunnel(t, tun, err, payload)
		if inner == nil {
			return
		}
		comparePeer(t, &h, err, inner, peer)
		// A copy that is whole is decoded as a frame of its own.
		link := LinkEthernet
		switch peer {
		case layers.LayerTypeIPv4:
			link = LinkIPv4
		case layers.LayerTypeIPv6:
			link = LinkIPv6
		}
		var alone Header
		if aerr := Decode(link, inner, len(inner), &alone); aerr == nil && (alone != h || err != nil) {
			t.Fatalf("unwrapped: %v, %v; alone: %v", h, err, alone)
		} else if aerr == ErrNotIP && err != ErrNotIP {
			t.Fatalf("unwrapped: %v, %v; alone: %v", h, err, aerr)
		}
	}
}

// isJumbo reports whether h is too long to be a copy: its length is in an option,
// which announced does not read.
func isJumbo(h *Header) bool { return h.Family == IPv6 && h.Length > 65575 }

// gopacketGeneve returns gopacket's reading of a GENEVE header, nil where it has none.
func gopacketGeneve(b []byte) (l *layers.Geneve) {
	// Trap: it panics where three bytes are left for an option.
	defer func() {
		if recover() != nil {
			l = nil
		}
	}()
	l = new(layers.Geneve)
	if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return nil
	}
	return l
}

// compareTunnel compares a tunnel with what gopacket reads from payload, and returns
// what is inside and how gopacket starts on it, nil where it cannot.
func compareTunnel(t *testing.T, tun Tunnel, err error, payload []byte) (inner []byte, peer gopacket.Decoder) {
	if tun.Kind == VXLAN {
		var l layers.VXLAN
		if derr := l.DecodeFromBytes(payload, gopacket.NilDecodeFeedback); derr != nil {
			if err != ErrCut {
				t.Fatalf("%v, and gopacket %v", err, derr)
			}
			return nil, nil
		}
		if l.VNI != tun.VNI || !l.ValidIDFlag {
			t.Fatalf("got %+v, want %+v", tun, l)
		}
		return l.Payload, layers.LayerTypeEthernet
	}
	// Trap: offsets have 8 bits, and options beyond them are read from the start.
	if len(payload) < 8 || payload[0]&0x3f > 60 {
		return nil, nil
	}
	l := gopacketGeneve(payload)
	if l == nil {
		return nil, nil
	}
	if l.VNI != tun.VNI || l.OAMPacket {
		t.Fatalf("got %+v, want %+v", tun, l)
	}
	want, size := Tunnel{Kind: Geneve, VNI: l.VNI, Outer: tun.Outer}, 8
	for _, o := range l.Options {
		// Trap: an option's length has 5 bits, of which gopacket reads 4.
		if payload[size+3]&0x10 != 0 || size+int(o.Length) > 8+int(l.OptionsLength) {
			return nil, nil
		}
		size += int(o.Length)
		switch {
		case o.Class != 0x0108:
		case o.Type == 1 && len(o.Data) == 8:
			want.Endpoint = binary.BigEndian.Uint64(o.Data)
		case o.Type == 2 && len(o.Data) == 8:
			want.Attachment = binary.BigEndian.Uint64(o.Data)
		case o.Type == 3 && len(o.Data) == 4:
			want.Cookie = binary.BigEndian.Uint32(o.Data)
		}
	}
	if want != tun {
		t.Fatalf("got %+v, want %+v", tun, want)
	}
	switch l.Protocol {
	case layers.EthernetTypeIPv4:
		return l.Payload, layers.LayerTypeIPv4
	case layers.EthernetTypeIPv6:
		return l.Payload, layers.LayerTypeIPv6
	case layers.EthernetTypeTransparentEthernetBridging:
		return l.Payload, layers.LayerTypeEthernet
	}
	return nil, nil
}
