package match

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// walk is what a table must do: the first rule, in order, that has one of the peers
// and covers the key.
func walk(rules []Rule, peers []uint32, k Key) uint32 {
	for i, r := range rules {
		if slices.Contains(peers, r.Peer) && r.First <= k && k <= r.Last {
			return uint32(i)
		}
	}
	return None
}

func check(t *testing.T, rules []Rule, table *Table, peers []uint32, k Key) {
	got := uint32(None)
	for _, p := range peers {
		got = min(got, table.First(p, k))
	}
	want := walk(rules, peers, k)
	if got != want {
		t.Fatalf("key %#x, peers %d: rule %d, want %d of %+v", k, peers, int32(got), int32(want), rules)
	}
	if covers := slices.ContainsFunc(rules, func(r Rule) bool { return r.Has(k) }); covers && !table.Covers(k) {
		t.Fatalf("key %#x is not covered by %+v", k, rules)
	}
}

func randomRange(rng *rand.Rand) Range {
	switch p := [...]packet.Protocol{packet.TCP, packet.UDP, packet.ICMP, packet.ICMPv6, 0, 50, 255}[rng.IntN(7)]; rng.IntN(5) {
	case 0:
		return All
	case 1:
		return AllOf(p)
	case 2:
		n := uint16(rng.IntN(100))
		return Ports(p, n, n)
	case 3:
		n := uint16(rng.IntN(1 << 16))
		return Ports(p, n, 65535)
	default:
		n := uint16(rng.IntN(200))
		return Ports(p, n, n+uint16(rng.IntN(100)))
	}
}

func TestTableAgainstWalk(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 0))
		rules := make([]Rule, rng.IntN(60))
		for i := range rules {
			rules[i] = Rule{rng.Uint32N(1 + rng.Uint32N(40)), randomRange(rng)}
		}
		table := New(rules)
		for range 300 {
			peers := make([]uint32, rng.IntN(4))
			for i := range peers {
				peers[i] = rng.Uint32N(40)
			}
			k := randomRange(rng).First
			if len(rules) > 0 && rng.IntN(2) == 0 { // at an edge
				r := rules[rng.IntN(len(rules))]
				k = [...]Key{r.First, r.Last, r.First - 1, r.Last + 1}[rng.IntN(4)] & (1<<26 - 1)
			}
			check(t, rules, &table, peers, k)
		}
	}
}

// FuzzTable reads rules and questions from bytes.
func FuzzTable(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), uint32(6<<17|443))
	f.Fuzz(func(t *testing.T, data []byte, k uint32) {
		var rules []Rule
		for ; len(data) >= 9; data = data[9:] {
			a, b := Key(binary.BigEndian.Uint32(data[1:]))%(All.Last+1), Key(binary.BigEndian.Uint32(data[5:]))%(All.Last+1)
			rules = append(rules, Rule{uint32(data[0] % 8), Range{min(a, b), max(a, b)}})
		}
		table := New(rules)
		for peer := range uint32(8) {
			check(t, rules, &table, []uint32{peer}, Key(k)%(All.Last+1))
			check(t, rules, &table, []uint32{peer, (peer + 1) % 8}, Key(k)%(All.Last+1))
		}
		for _, r := range rules {
			check(t, rules, &table, []uint32{r.Peer}, r.First)
			check(t, rules, &table, []uint32{r.Peer}, r.Last)
		}
	})
}

// A packet lies within the range for its port and that for all ports; one that does
// not tell, within the latter alone.
func TestKeyOf(t *testing.T) {
	in := func(k Key, r Range) bool { return r.First <= k && k <= r.Last }
	tcp := packet.Header{Family: packet.IPv4, Protocol: packet.TCP, DstPort: 65535}
	later := tcp
	later.FragOffset = 8
	cut := tcp
	cut.Missing = packet.MissingPorts
	for _, tt := range []struct {
		name        string
		h           packet.Header
		r           Range
		want        bool
		wantAll     bool
		wantAllKeys bool
	}{
		{"port", tcp, Ports(packet.TCP, 65535, 65535), true, true, true},
		{"other port", tcp, Ports(packet.TCP, 0, 65534), false, true, true},
		{"later fragment", later, Ports(packet.TCP, 0, 65535), false, true, true},
		{"ports cut off", cut, Ports(packet.TCP, 0, 65535), false, true, true},
		{"echo", packet.Header{Family: packet.IPv4, Protocol: packet.ICMP, ICMPType: 8}, Ports(packet.ICMP, 8<<8, 8<<8|255), true, true, true},
		{"icmp in IPv6", packet.Header{Family: packet.IPv6, Protocol: packet.ICMP, ICMPType: 8}, Ports(packet.ICMP, 8<<8, 8<<8|255), false, false, true},
		{"icmpv6 in IPv4", packet.Header{Family: packet.IPv4, Protocol: packet.ICMPv6, ICMPType: 255, ICMPCode: 255}, Ports(packet.ICMPv6, 65535, 65535), true, true, true},
		{"esp", packet.Header{Family: packet.IPv4, Protocol: 50, DstPort: 9}, Ports(50, 1, 65535), false, true, true},
		{"protocol 255", packet.Header{Family: packet.IPv4, Protocol: 255}, AllOf(254), false, true, true},
	} {
		k := KeyOf(&tt.h)
		assert.Equal(t, tt.want, in(k, tt.r), tt.name)
		assert.Equal(t, tt.wantAll, in(k, AllOf(tt.h.Protocol)), tt.name)
		assert.Equal(t, tt.wantAllKeys, in(k, All), tt.name)
	}
}

// Few ports that no rule covers get past the line of bits.
func TestCoversTurnsAway(t *testing.T) {
	rules := []Rule{{0, Ports(packet.TCP, 40_000, 65_535)}}
	for i := range 30 {
		port := uint16(1 + i*97)
		rules = append(rules, Rule{0, Ports(packet.TCP, port, port)}, Rule{0, Ports(packet.UDP, port, port)})
	}
	table, past := New(rules), 0
	for port := 10_000; port < 38_000; port++ {
		if table.Covers(Ports(packet.TCP, uint16(port), 0).First) {
			past++
		}
	}
	assert.Less(t, past, 28_000/5)
	table = New(nil)
	assert.False(t, table.Covers(0))
}

func TestFirstDoesNotAllocate(t *testing.T) {
	table := New([]Rule{{1, All}, {2, AllOf(6)}, {2, AllOf(17)}})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if table.First(2, Ports(17, 53, 53).First) != 2 || table.First(3, 0) != None {
			t.Error("wrong rule")
		}
	}))
}

// Nor do many more get past where the rules are three hundred, of well-known ports and
// ranges of up to a thousand. A single line of bits lets a quarter pass.
func TestCoversOfManyRules(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	known := []uint16{22, 53, 80, 123, 389, 443, 636, 1433, 2049, 3306, 3389, 5432, 6379, 8080, 8443, 9092, 9200, 11211, 27017}
	past, all := 0, 0
	for range 50 {
		var rules []Rule
		for range 300 {
			p := [...]packet.Protocol{packet.TCP, packet.TCP, packet.TCP, packet.UDP}[rng.IntN(4)]
			r := Ports(p, 1024, 65535)
			switch n := uint16(1024 + rng.IntN(63_000)); rng.IntN(10) {
			case 0:
			case 1:
				r = Ports(p, n, n+uint16(rng.IntN(1000)))
			default:
				n = known[rng.IntN(len(known))]
				r = Ports(p, n, n)
			}
			rules = append(rules, Rule{0, r})
		}
		table := New(rules)
		for port := uint16(1); port < 1024; port++ {
			if slices.Contains(known, port) {
				continue
			}
			all++
			if table.Covers(Ports(packet.TCP, port, port).First) {
				past++
			}
		}
	}
	assert.Less(t, past, all/10)
}
