package sg

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/packet"
)

// What packets read of groups and ENIs fills whole cache lines.
func TestSizes(t *testing.T) {
	assert.EqualValues(t, 192, unsafe.Sizeof(front{}))
	assert.EqualValues(t, 64, unsafe.Offsetof(front{}.nets))
	assert.EqualValues(t, 128, unsafe.Offsetof(front{}.entries))
	assert.EqualValues(t, 64, unsafe.Sizeof(eni{}))
	assert.EqualValues(t, 12, unsafe.Sizeof(entry{}))
}

// Every port lies at one of the gates, ascending, and the two protocols apart.
func TestGates(t *testing.T) {
	last := uint8(0)
	for port := range 1 << 16 {
		tcp, udp := doorOf(packet.TCP, uint16(port)), doorOf(packet.UDP, uint16(port))
		if tcp.gate < last || tcp.gate > last+1 || udp.gate != tcp.gate+16 {
			t.Fatal(port, tcp.gate, udp.gate)
		}
		if (tcp.gate == 0) != (port < 1024) {
			t.Fatal(port, tcp.gate)
		}
		last = tcp.gate
	}
	assert.EqualValues(t, 15, last)
}

// Groups as users have them are compared by entries, and only groups with many
// rules for a port by blocks.
func TestCrowded(t *testing.T) {
	var rules []*ruleInfo
	add := func(n int, ports func(i int) PortRange) {
		for i := range n {
			r := &ruleInfo{rule: Rule{Protocol: TCP, Ports: ports(i), Peer: AnyIPv4}, kind: peerCIDR4, number: uint32(len(rules))}
			rules = append(rules, r)
		}
	}
	crowded := func() bool { f := newFront(rules); return f.crowded }
	assert.False(t, crowded())
	add(30, func(i int) PortRange { return Port(1 + 100*i) })
	assert.False(t, crowded())
	add(maxNear-1, func(i int) PortRange { return Ports(1024, 65535-i) })
	assert.False(t, crowded())
	add(1, func(int) PortRange { return AllPorts })
	assert.True(t, crowded())

	rules = nil
	add(50, func(i int) PortRange { return Port(1 + 100*i) })
	f := newFront(rules)
	assert.False(t, f.crowded)
	assert.NotNil(t, f.more, "more doors than first has place for")
	for i := range 50 {
		assert.True(t, f.anywhere(packet.IPv4, packet.TCP, uint16(1+100*i)))
		assert.False(t, f.anywhere(packet.IPv4, packet.TCP, uint16(2+100*i)))
	}
}
