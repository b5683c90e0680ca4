package capture

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

var (
	pcapDir = flag.String("pcaps", "../../../shared/pcaps", "folder of captures with an expected.json")
)

// facts are what a capture comes to, counted over outermost IP headers. The names
// are those of expected.json, whose figures come from tshark.
type facts struct {
	Packets    int            `json:"packets"`
	Truncated  int            `json:"truncated_packets"`
	Interfaces int            `json:"interfaces_used"`
	Outer      map[string]int `json:"outer"`
	Protocols  map[string]int `json:"outer_protocols"`
	Flows      map[string]int `json:"outer_flows"`
	TCPFlags   map[string]int `json:"outer_tcp_flags"`
}

// TestExpected counts every capture of the folder and prints each figure that
// differs from expected.json.
func TestExpected(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(*pcapDir, "expected.json"))
	if err != nil {
		t.Skip("no reference captures: ", err)
	}
	var expected struct {
		Files []struct {
			File string `json:"file"`
			facts
		} `json:"files"`
	}
	require.NoError(t, json.Unmarshal(data, &expected))
	require.NotEmpty(t, expected.Files)
	for _, want := range expected.Files {
		t.Run(want.File, func(t *testing.T) {
			f, err := Open(filepath.Join(*pcapDir, want.File))
			require.NoError(t, err)
			defer f.Close()
			compareFacts(t, want.facts, count(t, f))
		})
	}
}

func compareFacts(t *testing.T, want, got facts) {
	t.Helper()
	// ARP is part of non_ip; whether an IPv6 header has extensions, and how many
	// blocks of a file are not packets, is nothing that a Header or Frame keeps.
	for _, k := range []string{"arp", "ipv6_exthdr", "ipv4_options", "ipv6_frag_atomic", "non_packet_records"} {
		delete(want.Outer, k)
	}
	if want.Packets != got.Packets || want.Truncated != got.Truncated || want.Interfaces != got.Interfaces {
		t.Errorf("packets, cut, interfaces: got %d, %d, %d, want %d, %d, %d",
			got.Packets, got.Truncated, got.Interfaces, want.Packets, want.Truncated, want.Interfaces)
	}
	compare := func(group string, want, got map[string]int) {
		keys := slices.Sorted(maps.Keys(want))
		for k := range got {
			if _, ok := want[k]; !ok {
				keys = append(keys, k)
			}
		}
		for _, k := range keys {
			if want[k] != got[k] {
				t.Errorf("%s %s: got %d, want %d", group, k, got[k], want[k])
			}
		}
	}
	compare("outer", want.Outer, got.Outer)
	compare("protocol", want.Protocols, got.Protocols)
	compare("flows", want.Flows, got.Flows)
	compare("tcp flags", want.TCPFlags, got.TCPFlags)
}

func count(t *testing.T, f *File) facts {
	got := facts{Outer: map[string]int{}, Protocols: map[string]int{}, Flows: map[string]int{}, TCPFlags: map[string]int{}}
	flows := map[string]map[packet.FiveTuple]bool{}
	interfaces := map[int]bool{}
	for fr, err := range f.Frames() {
		if err != nil {
			t.Errorf("damage: %v", err)
			break
		}
		got.Packets++
		if len(fr.Data) < fr.Length {
			got.Truncated++
		}
		interfaces[fr.Interface] = true
		got.add(&fr.Header, flows)
	}
	got.Interfaces = len(interfaces)
	for name, set := range flows {
		got.Flows[name] = len(set)
	}
	return got
}

func (c *facts) add(h *packet.Header, flows map[string]map[packet.FiveTuple]bool) {
	ip := map[packet.Family]string{packet.IPv4: "ipv4", packet.IPv6: "ipv6"}[h.Family]
	switch {
	case h.Family == 0:
		c.Outer["non_ip"]++
		return
	case h.Length == 0:
		c.Outer[ip]++
		c.Outer[ip+"_unparsed"]++
		return
	}
	c.Outer[ip]++
	c.Protocols[map[packet.Family]string{packet.IPv4: "4/", packet.IPv6: "6/"}[h.Family]+number(h.Protocol)]++
	name := "other"
	switch h.Protocol {
	case packet.TCP:
		name = "tcp"
	case packet.UDP:
		name = "udp"
	case packet.SCTP:
		name = "sctp"
	case packet.ICMP, packet.ICMPv6:
		if (h.Protocol == packet.ICMP) == (h.Family == packet.IPv4) {
			name = "icmp"
		}
	}
	c.Outer[ip+"_"+name]++
	flow := func(name string, t packet.FiveTuple) {
		if flows[name] == nil {
			flows[name] = map[packet.FiveTuple]bool{}
		}
		flows[name][t] = true
	}
	flow("ip_pairs", unordered(packet.FiveTuple{Src: h.Src, Dst: h.Dst}))
	if h.LaterFragment() {
		c.Outer[ip+"_frag_later"]++
		return
	}
	if h.MoreFrags {
		c.Outer[ip+"_frag_first"]++
	}
	if h.Missing&(packet.MissingPorts|packet.MissingICMP) != 0 {
		c.Outer["l4_unparsed"]++
		return
	}
	switch name {
	case "tcp", "udp", "sctp":
		flow(name, unordered(h.Tuple()))
		flow(name+"_directed", h.Tuple())
	case "icmp":
		c.addICMP(h)
		if typ := h.ICMPType; h.Protocol == packet.ICMP && (typ == 0 || typ == 8) || typ == 128 || typ == 129 {
			flow("icmp_echo", unordered(packet.FiveTuple{Src: h.Src, Dst: h.Dst, Family: packet.Family(h.ICMPID), Protocol: packet.Protocol(h.ICMPID >> 8)}))
		}
	}
	if name == "tcp" && h.Missing&packet.MissingTCPFlags == 0 {
		c.addFlags(h.TCPFlags)
	}
}

func (c *facts) addFlags(f packet.TCPFlags) {
	switch f & (packet.SYN | packet.ACK) {
	case packet.SYN:
		c.TCPFlags["syn"]++
	case packet.SYN | packet.ACK:
		c.TCPFlags["synack"]++
	}
	if f&packet.FIN != 0 {
		c.TCPFlags["fin"]++
	}
	if f&packet.RST != 0 {
		c.TCPFlags["rst"]++
	}
}

func (c *facts) addICMP(h *packet.Header) {
	v6 := h.Protocol == packet.ICMPv6
	switch typ := h.ICMPType; {
	case packet.IsError(h.Protocol, typ) && v6:
		c.Outer["icmpv6_error"]++
	case packet.IsError(h.Protocol, typ):
		c.Outer["icmp_error"]++
	case !v6 && typ == 8:
		c.Outer["icmp_echo_request"]++
	case !v6 && typ == 0:
		c.Outer["icmp_echo_reply"]++
	case v6 && typ == 128:
		c.Outer["icmpv6_echo_request"]++
	case v6 && typ == 129:
		c.Outer["icmpv6_echo_reply"]++
	case v6 && (typ >= 130 && typ <= 137 || typ == 143):
		c.Outer["icmpv6_nd_mld"]++
	}
}

func number(p packet.Protocol) string {
	b, _ := json.Marshal(uint8(p))
	return string(b)
}

func unordered(t packet.FiveTuple) packet.FiveTuple {
	if c := bytes.Compare(t.Src[:], t.Dst[:]); c > 0 || c == 0 && t.SrcPort > t.DstPort {
		t.Src, t.Dst, t.SrcPort, t.DstPort = t.Dst, t.Src, t.DstPort, t.SrcPort
	}
	return t
}
