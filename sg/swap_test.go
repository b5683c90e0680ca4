package sg

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// A policy goes with all that it holds when the next one comes, though each leaves an
// interface behind and connections that its rules opened.
func TestSwapFreesPolicies(t *testing.T) {
	const (
		enis  = 1000
		swaps = 40
		most  = 1 << 20 // bytes that may stay of all; an array of the interfaces for each swap is 2.5 MiB
	)
	compile := func(newest int) *Policy {
		topo := &Topology{Groups: []Group{{ID: "sg-a", Ingress: []Rule{HTTPS.From(MustCIDR("192.0.2.0/24"))}}}}
		add := func(id ENIID, a netip.Addr) {
			topo.ENIs = append(topo.ENIs, ENI{ID: id, Addrs: []netip.Addr{a}, Groups: []GroupID{"sg-a"}})
		}
		add(ENIID(fmt.Sprintf("eni-new-%d", newest)), netip.AddrFrom4([4]byte{10, 1, 0, byte(newest)}))
		for i := range enis {
			add(ENIID(fmt.Sprintf("eni-%d", i)), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		}
		p, err := Compile(topo)
		require.NoError(t, err)
		return p
	}
	now := time.Unix(0, 0)
	f := NewFirewall(compile(0), nil)
	var worlds []weak.Pointer[world]
	swap := func(newest int) {
		syn := packet.TCPHeader(netip.MustParseAddrPort("192.0.2.9:40000"),
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(newest)}), 443), packet.SYN)
		require.Equal(t, ByRule, f.Forward(Packet{Header: &syn, Time: now}).Reason)
		worlds = append(worlds, weak.Make(f.w))
		f.Swap(compile(newest), now)
	}
	swap(1)
	before := heapInUse()
	for i := range swaps {
		swap(i + 2)
	}
	after := heapInUse()
	kept := 0
	for _, w := range worlds {
		if w.Value() != nil {
			kept++
		}
	}
	assert.Zero(t, kept, "old policies that are still there")
	assert.Less(t, after-before, int64(most), "bytes that %d swaps left", swaps)
	runtime.KeepAlive(f)
}

// heapInUse returns the bytes of the heap that something refers to.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one only finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
