package replaytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
)

// Captures returns the real captures that some checkouts have beside them, with the number
// of packets in each. Those of more than 1,000 packets are only for tests that may take
// long. It is for packages two folders below the checkout, and skips the test if there
// are no captures.
func Captures(t testing.TB, long bool) map[string]int {
	t.Helper()
	dir := "../../../shared/pcaps"
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Skipf("no captures to read: %v", err)
	}
	var expected struct {
		Files []struct {
			File    string
			Packets int
		}
	}
	if err := json.Unmarshal(data, &expected); err != nil || len(expected.Files) == 0 {
		t.Fatal("no captures are expected", err)
	}
	out := map[string]int{}
	for _, f := range expected.Files {
		if long || f.Packets <= 1000 {
			out[filepath.Join(dir, f.File)] = f.Packets
		}
	}
	return out
}

// TopologyOf gives an ENI to two of three addresses in a capture. Their rules admit some
// of what is in it.
func TopologyOf(t testing.TB, name string) *sg.Topology {
	t.Helper()
	f, err := capture.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	addrs := map[netip.Addr]bool{}
	for f, err := range f.Frames() {
		if err != nil {
			t.Fatal(err)
		}
		if f.Header.Length != 0 {
			addrs[f.Header.SrcAddr()], addrs[f.Header.DstAddr()] = true, true
		}
	}
	topo := &sg.Topology{Groups: []sg.Group{
		{ID: "sg-out", Egress: []sg.Rule{
			{Protocol: sg.AllProtocols, Peer: sg.AnyIPv4}, {Protocol: sg.AllProtocols, Peer: sg.AnyIPv6},
		}},
		{ID: "sg-in", Ingress: []sg.Rule{
			{Protocol: sg.TCP, Ports: sg.Ports(0, 1023), Peer: sg.AnyIPv4},
			{Protocol: sg.TCP, Ports: sg.Ports(0, 1023), Peer: sg.FromGroup("sg-out")},
			{ID: "sgr-udp", Protocol: sg.UDP, Ports: sg.Ports(0, 65535), Peer: sg.AnyIPv6},
		}},
	}}
	for n, a := range slices.SortedFunc(maps.Keys(addrs), netip.Addr.Compare) {
		e := sg.ENI{ID: sg.ENIID(fmt.Sprintf("eni-%d", n)), Addrs: []netip.Addr{a}, Groups: []sg.GroupID{"sg-out"}}
		switch {
		case n%3 == 2, !a.IsValid(), a.IsUnspecified(), a.IsMulticast():
			continue
		case n%3 == 1:
			e.Groups = []sg.GroupID{"sg-in"}
		}
		topo.ENIs = append(topo.ENIs, e)
	}
	return topo
}
