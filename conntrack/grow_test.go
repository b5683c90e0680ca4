package conntrack

import (
	"encoding/binary"
	"flag"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/sgsim/sgsim/packet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	long      = flag.Bool("long", false, "the flood, the random runs and growth in full, and the kernel over time")
	floodSize = flag.Int("flood", 10_000_000, "SYNs of the flood, against a maximum of a tenth; without -long a tenth of them")
)

var testStart = time.Unix(1_800_000_000, 0)

// client n speaks to a server, over either family.
func clientHeader(n uint32, v6, reply bool, flags packet.TCPFlags) packet.Header {
	src, dst := netip.MustParseAddrPort("10.0.0.0:40000"), netip.MustParseAddrPort("192.0.2.1:443")
	if v6 {
		src, dst = netip.MustParseAddrPort("[2001:db8::]:40000"), netip.MustParseAddrPort("[2001:db8:1::1]:443")
	}
	h := packet.TCPHeader(src, dst, flags)
	binary.BigEndian.PutUint32(h.Src[12:], binary.BigEndian.Uint32(h.Src[12:])+n)
	if reply {
		h = reversed(h)
	}
	return h
}

func connect(t testing.TB, table *Table, n uint32, v6 bool, now time.Time) {
	syn, synack, ack := clientHeader(n, v6, false, packet.SYN), clientHeader(n, v6, true, packet.SYN|packet.ACK), clientHeader(n, v6, false, packet.ACK)
	if !table.Commit(1, &syn, now, n) || table.Track(1, &synack, now).Dir() != Reply || table.Track(1, &ack, now).State() != Established {
		t.Fatalf("connection %d not established", n)
	}
}

func TestRecordSize(t *testing.T) {
	assert.EqualValues(t, 32, unsafe.Sizeof(unit{}))

	assert.EqualValues(t, 8, unsafe.Sizeof(Result{}))
	assert.LessOrEqual(t, unsafe.Sizeof(linuxMemory{}), uintptr(72))
}

// TestGrow fills a table, takes every third connection out and puts new ones in,
// and looks for all of them at every stage.
func TestGrow(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		n := uint32(12_000)
		if *long {
			n = 60_000
		}
		table, err := NewTable(Config{})
		require.NoError(t, err)
		for i := range n {
			connect(t, table, i, v6, testStart)
		}
		check := func(table *Table, present func(i uint32) bool) {
			for i := range 2 * n {
				h := clientHeader(i, v6, i&1 == 1, packet.ACK)
				r := table.Track(1, &h, testStart)
				want := answer{Why: WhyNoSYN}
				if present(i) {
					want = answer{Class: Tracked, Dir: Original + Direction(i&1), State: Established, Replied: true, Tag: i}
				}
				if got := answerOf(r); got != want {
					t.Fatalf("v6 %v, connection %d: %+v, want %+v", v6, i, r, want)
				}
			}
		}
		check(table, func(i uint32) bool { return i < n })

		before := table.Clone()
		deleted := table.DeleteFunc(testStart, func(e Entry) bool { return e.Tag%3 == 0 })
		require.EqualValues(t, n/3, deleted)
		check(table, func(i uint32) bool { return i < n && i%3 != 0 })
		for i := n; i < n+n/2; i++ {
			connect(t, table, i, v6, testStart)
		}
		kept := func(i uint32) bool { return i < n && i%3 != 0 || i >= n && i < n+n/2 }
		check(table, kept)
		check(before, func(i uint32) bool { return i < n })

		var tags []uint32
		for e := range table.All(testStart) {
			tags = append(tags, e.Tag)
		}
		require.Len(t, tags, int(n-n/3+n/2))
		require.True(t, slices.IsSorted(tags), "not in the order they were opened")
		require.True(t, kept(tags[0]) && kept(tags[len(tags)-1]))

		require.Equal(t, 7, table.Expire(testStart.Add(1000*time.Hour), 7))
		require.Equal(t, len(tags)-7, table.Expire(testStart.Add(1000*time.Hour), math.MaxInt))
		require.Zero(t, table.Len())
	}
}

// TestFlood sends SYNs from ever new sources at a table with a maximum that is
// full, with connections that somebody uses.
func TestFlood(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		flood, max := *floodSize, *floodSize/10
		if v6 {
			flood, max = flood/10, max/10
		}
		if testing.Short() || !*long {
			flood, max = flood/10, max/10
		}
		table, err := NewTable(Config{MaxEntries: max})
		require.NoError(t, err)
		const users = 1000
		for i := range uint32(users) {
			connect(t, table, i, v6, testStart)
		}
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		const lasts = 500 * time.Second // several generations of SYNs
		interval := lasts / time.Duration(flood)
		h := clientHeader(0, v6, false, packet.SYN)
		var full uint64
		refused := 0
		for i := range uint32(flood) {
			now := testStart.Add(time.Duration(i) * interval)
			binary.BigEndian.PutUint32(h.Src[12:], 0x20000000+i)
			if r := table.Track(1, &h, now); r.Class() != New {
				t.Fatalf("SYN %d: %+v", i, r)
			}
			if !table.Commit(1, &h, now, users) {
				refused++
			}
			if i%1000 == 0 {
				user := clientHeader(i/1000%users, v6, i/1000%2 == 1, packet.ACK)
				if r := table.Track(1, &user, now); r.Class() != Tracked || r.Tag() != i/1000%users {
					t.Fatalf("connection %d at %v: %+v", i/1000%users, now, r)
				}
			}
			if table.Len() > max {
				t.Fatalf("%d entries, the maximum is %d", table.Len(), max)
			}
			if int(i) == max+max/2 {
				full = heap()
			}
		}
		require.NotZero(t, refused)
		require.NotZero(t, table.Stats().Expired)
		// Segments fill by chance, so that one may still split; memory comes by the eighth.
		assert.LessOrEqual(t, heap(), full+full/5+1<<20, "memory grew under the flood")
		s := table.Stats()
		assert.Equal(t, uint64(refused), s.Refused)
		later := testStart.Add(lasts + 120*time.Second)
		n := 0
		for range table.All(later) {
			n++
		}
		assert.Equal(t, users, n, "the flood's entries have not expired")
		h = clientHeader(users, v6, false, packet.SYN)
		assert.True(t, table.Commit(1, &h, later, 0), "no room after the flood")
		t.Logf("v6 %v: %d SYNs against a maximum of %d: %d refused, %d expired on the way", v6, flood, max, refused, s.Expired)
		runtime.KeepAlive(table)
	}
}

// TestReadersBesideEachOther runs what the documentation allows side by side, for
// the race detector.
func TestReadersBesideEachOther(t *testing.T) {
	table, err := NewTable(Config{})
	require.NoError(t, err)
	for i := range uint32(2000) {
		connect(t, table, i, i%2 == 0, testStart)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range uint32(2000) {
				h := clientHeader(i, i%2 == 0, false, packet.ACK)
				if r, e := table.Peek(1, &h, testStart); r.Tag() != i || e.Tag != i {
					t.Errorf("Peek: %+v %+v", r, e)
				}
			}
			n := 0
			for range table.All(testStart) {
				n++
			}
			if n != 2000 || table.Len() != n || table.Stats().Entries != n {
				t.Errorf("All: %d, Len: %d", n, table.Len())
			}
		})
		wg.Go(func() { // a clone is another table
			clone := table.Clone()
			for i := range uint32(4000) {
				h := clientHeader(i, i%2 == 0, false, packet.RST)
				clone.Track(1, &h, testStart.Add(time.Second))
				h.TCPFlags = packet.SYN
				clone.Commit(1, &h, testStart.Add(time.Hour), i)
			}
			clone.DeleteFunc(testStart, func(Entry) bool { return true })
		})
	}
	wg.Wait()
	require.Equal(t, 2000, table.Len())
}

func TestNoAllocations(t *testing.T) {
	for _, p := range []Profile{AWS, Linux} {
		for _, v6 := range []bool{false, true} {
			table, err := NewTable(Config{Profile: p})
			require.NoError(t, err)
			connect(t, table, 1, v6, testStart)
			ack, rst, syn := clientHeader(1, v6, true, packet.ACK), clientHeader(2, v6, true, packet.RST), clientHeader(2, v6, false, packet.SYN)
			later := clientHeader(3, v6, true, packet.ACK)
			later.FragOffset = 8
			assert.Zero(t, testing.AllocsPerRun(100, func() {
				table.Track(1, &ack, testStart)
				table.Peek(1, &ack, testStart)
				table.Commit(1, &syn, testStart, 1)
				table.Track(1, &rst, testStart)
				table.Track(1, &later, testStart)
				table.Expire(testStart, 10)
			}))
		}
	}
}

func TestFragmentsAreBounded(t *testing.T) {
	table, err := NewTable(Config{})
	require.NoError(t, err)
	h := packet.UDPHeader(netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2"))
	track := func(id uint32, now time.Time) answer {
		later := h
		later.FragID, later.FragOffset = id, 1480
		return answerOf(table.Track(1, &later, now))
	}
	h.MoreFrags = true
	for i := range uint32(maxFragments + 10) {
		h.FragID = i
		table.CommitFragment(1, &h, testStart, i%2 == 0)
	}
	require.Equal(t, answer{Class: Fragment}, track(9, testStart), "the oldest give way")
	require.Equal(t, answer{Class: Fragment, Known: true, Accepted: true}, track(10, testStart))
	require.Equal(t, answer{Class: Fragment, Known: true}, track(11, testStart))
	require.Equal(t, answer{Class: Fragment, Known: true}, track(11, testStart.Add(fragmentTimeout4-1)))
	require.Equal(t, answer{Class: Fragment}, track(11, testStart.Add(fragmentTimeout4)))
	for i := range uint32(maxFragments) {
		h.FragID = i
		table.CommitFragment(1, &h, testStart.Add(time.Minute), true)
	}
	require.Equal(t, maxFragments, len(table.frags.verdicts))

	// Other parts forget on their own.
	h.FragID = 5
	other := h
	for part := Part(&h); Part(&other) == part; {
		other.Src[15]++
	}
	for i := range uint32(2 * maxFragments) {
		other.FragID = i
		table.CommitFragment(1, &other, testStart.Add(time.Minute), false)
	}
	require.Equal(t, answer{Class: Fragment, Known: true, Accepted: true}, track(5, testStart.Add(time.Minute)))
}

// A packet and all that belongs to it are in one part, and parts are of a size.
func TestPart(t *testing.T) {
	count := [Parts]int{}
	for i := range uint32(64 * Parts) {
		a, b := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1), netip.MustParseAddrPort("192.0.2.1:443")
		h := packet.TCPHeader(a, b, packet.SYN)
		part := Part(&h)
		count[part]++
		back := packet.TCPHeader(b, a, packet.SYN|packet.ACK)
		require.Equal(t, part, Part(&back))
		later := packet.UDPHeader(a, b)
		later.FragOffset, later.SrcPort, later.DstPort = 8, 0, 0
		require.Equal(t, part, Part(&later))
		about := packet.ICMPHeader(netip.MustParseAddr("203.0.113.1"), a.Addr(), 3, 4, 0)
		about.Quoted = packet.Quote{Tuple: h.Tuple(), Part: packet.QuoteTuple}
		require.Equal(t, part, Part(&about))
		whole := about
		whole.Quoted = packet.Quote{}
		about.MoreFrags = true
		require.Equal(t, Part(&whole), Part(&about), "a fragment is with the others of its datagram")
	}
	require.Greater(t, slices.Min(count[:]), 32)
	require.Less(t, slices.Max(count[:]), 128)
}

func TestTimeoutRanges(t *testing.T) {
	for _, c := range []struct {
		to    Timeouts
		field string
	}{
		{Timeouts{}, ""},
		{Timeouts{60 * time.Second, 30 * time.Second, 60 * time.Second}, ""},
		{Timeouts{432_000 * time.Second, 60 * time.Second, 180 * time.Second}, ""},
		{Timeouts{TCPEstablished: NitroV6TCPEstablished}, ""},
		{Timeouts{TCPEstablished: 59 * time.Second}, "TCPEstablished"},
		{Timeouts{TCPEstablished: 432_001 * time.Second}, "TCPEstablished"},
		{Timeouts{UDP: 29 * time.Second}, "UDP"},
		{Timeouts{UDP: 61 * time.Second}, "UDP"},
		{Timeouts{UDPStream: 59 * time.Second}, "UDPStream"},
		{Timeouts{UDPStream: 181 * time.Second}, "UDPStream"},
		{Timeouts{UDP: -1}, "UDP"},
	} {
		_, err := NewTable(Config{Timeouts: c.to})
		table, err2 := NewTable(Config{})
		require.NoError(t, err2)
		err2 = table.SetTimeouts(3, c.to)
		if c.field == "" {
			assert.NoError(t, err)
			assert.NoError(t, err2)
			continue
		}
		var e, e2 *TimeoutError
		require.ErrorAs(t, err, &e)
		require.ErrorAs(t, err2, &e2)
		assert.Equal(t, c.field, e.Field)
		assert.Equal(t, *e, *e2)
	}
	_, err := NewTable(Config{Profile: Linux, Timeouts: Timeouts{UDP: time.Second}})
	assert.NoError(t, err)
	_, err = NewTable(Config{Profile: Linux, Timeouts: Timeouts{UDP: -time.Second}})
	assert.EqualError(t, err, "conntrack: timeout UDP is -1s: must be from 1ns to 596523h14m7s")
}

// Every zone may have timeouts that no other has.
func TestManyTimeouts(t *testing.T) {
	table, err := NewTable(Config{})
	require.NoError(t, err)
	const zones = 1<<16 + 10
	of := func(z Zone) time.Duration { return 60*time.Second + time.Duration(z)*time.Millisecond }
	for z := range Zone(zones) {
		require.NoError(t, table.SetTimeouts(z, Timeouts{TCPEstablished: of(z)}))
	}
	for _, z := range []Zone{0, 9, 1 << 16, zones - 1} {
		require.EqualValues(t, of(z), table.timeouts.of(z)[Established])
	}
}
