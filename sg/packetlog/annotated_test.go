package packetlog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// annotatedSite is a site with names. Both of its ENIs beside the database have
// 10.0.9.9, so that it has no name.
func annotatedSite() *sg.Topology {
	topo := site()
	topo.Groups[0].Name, topo.Groups[1].Name = "web-sg", "db-sg"
	topo.Groups[0].Egress = []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4), sg.AllTraffic.To(sg.AnyIPv6)}
	web, db := &topo.ENIs[0], &topo.ENIs[1]
	web.Name, db.Name = "web", "db"
	web.Addrs = append(web.Addrs, addr("2001:db8::10")[0])
	topo.VPCs = []sg.VPC{{ID: "vpc-1"}, {ID: "vpc-2"}}
	topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-old", Name: "old", Addrs: addr("10.0.3.30"), Groups: []sg.GroupID{"sg-gone"}},
		sg.ENI{ID: "eni-x", VPC: "vpc-1", Addrs: addr("10.0.9.9")}, sg.ENI{ID: "eni-y", VPC: "vpc-2", Addrs: addr("10.0.9.9")})
	return topo
}

// annotatedCapture is a pcapng with two link types, a nanosecond between packets.
func annotatedCapture(t *testing.T) []byte {
	var out bytes.Buffer
	w := capture.NewWriter(&out, capture.PcapNG, nil)
	for i, text := range []string{
		"tcp 10.0.1.10:40000 > 10.0.2.20:5432 S",
		"tcp 10.0.2.20:5432 > 10.0.1.10:40000 SA",
		"tcp 203.0.113.9:50000 > 10.0.1.10:22 S",
		"tcp 10.0.1.10:40001 > 10.0.2.20:3306 S",
		"udp 192.0.2.1:1000 > 192.0.2.2:2000 len 4",
		"arp",
		"raw udp 10.0.1.10:1 > 8.8.8.8:2 len 1",
		"udp [2001:db8::10]:1 > [2001:db8::20]:2 len 1",
		"tcp 10.0.1.10:1 > 10.0.3.30:443 S",
	} {
		f := capture.Frame{Time: began.Add(time.Duration(i)), LinkType: packet.LinkEthernet}
		raw := strings.HasPrefix(text, "raw ")
		if text == "arp" {
			f.Data = packettest.ARP(t)
		} else {
			f.Data = packettest.Ethernet(t, strings.TrimPrefix(text, "raw "))
		}
		if raw {
			f.LinkType, f.Data = packet.LinkRaw, f.Data[14:]
		}
		f.Length = len(f.Data)
		require.NoError(t, w.WriteFrame(&f))
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

// annotate returns the annotated capture that a replay writes.
func annotate(t *testing.T, topo *sg.Topology, o replay.Options, file []byte) []byte {
	t.Helper()
	f, err := capture.NewReader(bytes.NewReader(file), "test")
	require.NoError(t, err)
	var out bytes.Buffer
	a := packetlog.NewAnnotated(&out, topo, o.Via)
	o.Observer = a
	_, err = replay.Run(t.Context(), policy(t, topo), &o, f)
	require.NoError(t, err)
	require.NoError(t, a.Flush())
	return out.Bytes()
}

// An annotated is one packet of such a capture.
type annotated struct {
	intf, comments string
	id             uint64
	flags          uint32
}

var wantAnnotated = []annotated{
	{"web", "accept, rule|web egress: web-sg egress[0] (all to 0.0.0.0/0)|db ingress: db-sg ingress[0] (tcp 5432 from web-sg)", 1, 2},
	{"db", "accept, rule|web egress: web-sg egress[0] (all to 0.0.0.0/0)|db ingress: db-sg ingress[0] (tcp 5432 from web-sg)", 1, 1},
	{"db", "accept, tracked|db egress: reply, opened by db-sg ingress[0]|web ingress: reply, opened by web-sg egress[0]", 2, 2},
	{"web", "accept, tracked|db egress: reply, opened by db-sg ingress[0]|web ingress: reply, opened by web-sg egress[0]", 2, 1},
	{"web", "drop, no_rule|web ingress: no ingress rule admits it|" +
		"nearest: web-sg ingress[1]: source 192.0.2.0/24, packet had 203.0.113.9", 3, 1},
	{"web", "accept, rule; in all drop, no_rule|web egress: web-sg egress[0] (all to 0.0.0.0/0)|db ingress: no ingress rule admits it|" +
		"nearest: db-sg ingress[0]: port 5432, packet had 3306", 4, 2},
	{"db", "drop, no_rule|web egress: web-sg egress[0] (all to 0.0.0.0/0)|db ingress: no ingress rule admits it|" +
		"nearest: db-sg ingress[0]: port 5432, packet had 3306", 4, 1},
	{"no ENI", "not_applicable, no_interface|neither end is an ENI of the topology", 5, 0},
	{"no ENI", "not_applicable, not_ip|not an IP packet", 6, 0},
	{"web", "accept, rule|web egress: web-sg egress[0] (all to 0.0.0.0/0)", 7, 2},
	{"web", "accept, rule|web egress: web-sg egress[1] (all to ::/0)", 8, 2},
	{"web", "accept, rule; in all unknown, missing_group|web egress: web-sg egress[0] (all to 0.0.0.0/0)|" +
		"old ingress: the ENI carries a group that the topology lacks", 9, 2},
	{"old", "unknown, missing_group|web egress: web-sg egress[0] (all to 0.0.0.0/0)|" +
		"old ingress: the ENI carries a group that the topology lacks", 9, 1},
}

// blocks reads a little-endian pcapng file without anything of this module: its
// packets' options, and its names.
func blocks(t *testing.T, file []byte) (packets []annotated, names []string) {
	le := binary.LittleEndian
	records := func(b []byte, each func(code uint16, value []byte)) {
		for len(b) >= 4 && le.Uint16(b) != 0 {
			n := int(le.Uint16(b[2:]))
			each(le.Uint16(b), b[4:4+n])
			b = b[4+(n+3)&^3:]
		}
	}
	var interfaces []string
	for len(file) > 0 {
		size := le.Uint32(file[4:])
		b := file[:size]
		require.Equal(t, size, le.Uint32(b[size-4:]))
		body := b[8 : size-4]
		switch le.Uint32(b) {
		case 1:
			records(body[8:], func(code uint16, value []byte) {
				if code == 2 {
					interfaces = append(interfaces, string(value))
				}
			})
		case 4:
			records(body, func(code uint16, value []byte) {
				n := map[uint16]int{1: 4, 2: 16}[code]
				names = append(names, fmt.Sprintf("%x %s", value[:n], value[n:]))
			})
		case 6:
			p := annotated{intf: interfaces[le.Uint32(body)]}
			var comments []string
			records(body[20+(le.Uint32(body[12:])+3)&^3:], func(code uint16, value []byte) {
				switch code {
				case 1:
					comments = append(comments, string(value))
				case 2:
					p.flags = le.Uint32(value)
				case 5:
					p.id = le.Uint64(value)
				}
			})
			p.comments = strings.Join(comments, "|")
			packets = append(packets, p)
		}
		file = file[size:]
	}
	return packets, names
}

func TestAnnotated(t *testing.T) {
	original := annotatedCapture(t)
	file := annotate(t, annotatedSite(), replay.Options{}, original)
	packets, names := blocks(t, file)
	assert.Equal(t, wantAnnotated, packets)
	assert.Equal(t, []string{"0a00010a web\x00", "20010db8000000000000000000000010 web\x00", "0a000214 db\x00", "0a00031e old\x00"}, names)
	for _, workers := range []int{2, 5} {
		assert.Equal(t, file, annotate(t, annotatedSite(), replay.Options{Workers: workers}, original), "%d workers", workers)
	}

	// Bytes, times and link types are those of the source, by the module's own reader.
	was, is := frames(t, original), frames(t, file)
	require.Len(t, is, len(wantAnnotated))
	for i, p := range wantAnnotated {
		assert.Equal(t, was[p.id-1], is[i])
	}

	// And by pcapgo.
	r, err := pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	require.NoError(t, err)
	for _, p := range wantAnnotated {
		_, ci, err := r.ReadPacketData()
		require.NoError(t, err)
		intf, err := r.Interface(ci.InterfaceIndex)
		require.NoError(t, err)
		assert.Equal(t, p.intf, intf.Name)
		assert.Equal(t, began.Add(time.Duration(p.id-1)), ci.Timestamp.UTC())
	}
	_, _, err = r.ReadPacketData()
	assert.Equal(t, io.EOF, err)
}

// Behind a Gateway Load Balancer, the nearest rule is one that names a group.
func TestAnnotatedThroughGateway(t *testing.T) {
	topo := annotatedSite()
	topo.Groups[0].Egress = []sg.Rule{sg.AllTraffic.To(sg.FromGroup(topo.Groups[1].ID))}
	data := packettest.Geneve(t, "udp 10.0.8.1:4000 > 10.0.8.8:6081", packet.Tunnel{Cookie: 5}, packet.LinkIPv4,
		packettest.IP(t, "tcp 10.0.1.10:40000 > 10.0.2.20:5432 S"))
	var in bytes.Buffer
	w := capture.NewWriter(&in, capture.Pcap, nil)
	require.NoError(t, w.WriteFrame(&capture.Frame{Time: began, LinkType: packet.LinkEthernet, Data: data, Length: len(data)}))
	require.NoError(t, w.Flush())
	packets, _ := blocks(t, annotate(t, topo, replay.Options{}, in.Bytes()))
	require.Len(t, packets, 1)
	assert.Contains(t, packets[0].comments, "do not match on a path through an appliance")
}

// Wireshark reads all of it.
func TestAnnotatedForWireshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	name := filepath.Join(t.TempDir(), "annotated.pcapng")
	require.NoError(t, os.WriteFile(name, annotate(t, annotatedSite(), replay.Options{}, annotatedCapture(t)), 0o644))
	cmd := exec.CommandContext(t.Context(), tshark, "-r", name, "-N", "n", "-T", "fields", "-E", "aggregator=|", "-E", "separator=;",
		"-e", "frame.interface_name", "-e", "frame.packet_id", "-e", "frame.packet_flags_direction", "-e", "frame.time_epoch",
		"-e", "ip.src_host", "-e", "ip.dst_host", "-e", "ipv6.src_host", "-e", "ipv6.dst_host", "-e", "frame.comment")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	ends := []string{
		"", "web;db;;", "db;web;;", "203.0.113.9;web;;", "web;db;;", "192.0.2.1;192.0.2.2;;", ";;;", "web;8.8.8.8;;",
		";;web;2001:db8::20", "web;old;;",
	}
	var want strings.Builder
	for _, p := range wantAnnotated {
		flags := ""
		if p.flags != 0 {
			flags = fmt.Sprintf("0x%08x", p.flags)
		}
		fmt.Fprintf(&want, "%s;%d;%s;%d.%09d;%s;%s\n", p.intf, p.id, flags, began.Unix(), p.id-1, ends[p.id], p.comments)
	}
	assert.Equal(t, want.String(), string(out))
}
