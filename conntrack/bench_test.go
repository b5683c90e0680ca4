package conntrack_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

var (
	benchStart = time.Unix(1_800_000_000, 0)
	benchSizes = []int{1_000, 10_000, 100_000, 1_000_000, 10_000_000}
)

// benchHeader returns a TCP header to be filled by benchConn.
func benchHeader(f packet.Family, flags packet.TCPFlags) packet.Header {
	h := packet.Header{Family: f, Protocol: packet.TCP, HopLimit: 64, TCPFlags: flags, Window: 65535, Length: 40, Captured: 40}
	if f == packet.IPv4 {
		h.Src[10], h.Src[11], h.Dst[10], h.Dst[11] = 0xff, 0xff, 0xff, 0xff
	} else {
		copy(h.Src[:], "\x20\x01\x0d\xb8")
		copy(h.Dst[:], "\x20\x01\x0d\xb8")
	}
	return h
}

// benchConn gives the header the endpoints of connection n, in reply direction
// if reply is 1.
func benchConn(h *packet.Header, n, reply uint32) {
	client, server := 0x0a000000|n>>4, 0xac100000|n*2654435761>>24
	cport, sport := uint16(32768+n&15), uint16(443)
	// Without a branch: which direction comes next is hard to predict.
	a, p := (client^server)*reply, (cport^sport)*uint16(reply)
	client, server, cport, sport = client^a, server^a, cport^p, sport^p
	binary.BigEndian.PutUint32(h.Src[12:], client)
	binary.BigEndian.PutUint32(h.Dst[12:], server)
	h.SrcPort, h.DstPort = cport, sport
}

// benchBatch is how many headers a stream makes ahead.
const benchBatch = 64

// A stream yields segments of random established connections. It makes the
// headers from the connection's number, because an array of them would fill the
// caches, and some ahead, because a header that was just written by the piece
// cannot be read by the word until all packets before it are done with: one that
// comes from the decoder can.
type stream struct {
	walk
	made     uint
	segments [benchBatch]segment
}

// A segment is a header with its connection and its time.
type segment struct {
	header packet.Header
	conn   uint32
	at     time.Time
}

func newStream(f packet.Family, conns int) *stream {
	s := &stream{walk: newWalk(conns)}
	for i := range s.segments {
		s.segments[i] = segment{
			header: benchHeader(f, packet.ACK|packet.PSH),
			at:     benchStart.Add(time.Second + time.Duration(i)*time.Microsecond),
		}
	}
	return s
}

// next returns a segment that is valid until the call after.
func (s *stream) next() *segment {
	i := s.made % benchBatch
	if i == 0 {
		s.fill()
	}
	s.made++
	return &s.segments[i]
}

func (s *stream) fill() {
	for i := range s.segments {
		p := &s.segments[i]
		p.conn = s.walk.next()
		benchConn(&p.header, p.conn, p.conn>>7&1)
	}
}

// A walk visits numbers below n at random.
type walk struct {
	n uint64
	x uint32
}

func newWalk(n int) walk { return walk{n: uint64(n)} }

func (w *walk) next() uint32 {
	w.x = w.x*1664525 + 1013904223
	return uint32(uint64(w.x) * w.n >> 32)
}

func establish(b *testing.B, f packet.Family, conns int) *conntrack.Table {
	b.Helper()
	table, err := conntrack.NewTable(conntrack.Config{})
	if err != nil {
		b.Fatal(err)
	}
	h := benchHeader(f, packet.SYN)
	for n := range uint32(conns) {
		benchConn(&h, n, 0)
		h.TCPFlags = packet.SYN
		if !table.Commit(1, &h, benchStart, n) {
			b.Fatal("refused")
		}
		benchConn(&h, n, 1)
		h.TCPFlags = packet.SYN | packet.ACK
		table.Track(1, &h, benchStart)
		benchConn(&h, n, 0)
		h.TCPFlags = packet.ACK
		if r := table.Track(1, &h, benchStart); r.State() != conntrack.Established {
			b.Fatal(r)
		}
	}
	return table
}

// A mapKey is a flat five-tuple with its zone, 40 bytes, in the order of the
// endpoints so that one lookup serves both directions.
type mapKey struct {
	a, b         [16]byte
	aport, bport uint16
	zone         uint16
	proto        packet.Protocol
	_            uint8
}

func mapKeyOf(h *packet.Header) mapKey {
	k := mapKey{h.Src, h.Dst, h.SrcPort, h.DstPort, 1, h.Protocol, 0}
	if h.DstPort < h.SrcPort {
		k.a, k.b, k.aport, k.bport = k.b, k.a, k.bport, k.aport
	}
	return k
}

type mapValue struct {
	expires int64
	tag     uint32
	state   conntrack.State
}

func buildMap(f packet.Family, conns int) map[mapKey]mapValue {
	m := map[mapKey]mapValue{}
	h := benchHeader(f, packet.ACK)
	for n := range uint32(conns) {
		benchConn(&h, n, 0)
		m[mapKeyOf(&h)] = mapValue{benchStart.Add(time.Hour).UnixNano(), n, conntrack.Established}
	}
	return m
}

var families = []struct {
	name   string
	family packet.Family
}{{"v4", packet.IPv4}, {"v6", packet.IPv6}}

// each runs a benchmark of the table and the same on a Go map, for both families
// and all sizes from min on; with -short only the small ones.
func each(b *testing.B, min int, table, baseline func(b *testing.B, f packet.Family, conns int)) {
	for _, f := range families {
		for _, conns := range benchSizes {
			if conns < min || testing.Short() && conns > 100_000 {
				continue
			}
			b.Run(fmt.Sprintf("family=%s/conns=%d/table=conntrack", f.name, conns), func(b *testing.B) { table(b, f.family, conns) })
			b.Run(fmt.Sprintf("family=%s/conns=%d/table=map", f.name, conns), func(b *testing.B) { baseline(b, f.family, conns) })
		}
	}
}

// BenchmarkTrackHit is a segment of an established connection: lookup, state
// machine and a new idle timeout. The map does the same for such segments alone.
// Making the header is included in both.
func BenchmarkTrackHit(b *testing.B) {
	each(b, 0, func(b *testing.B, f packet.Family, conns int) {
		table := establish(b, f, conns)
		s := newStream(f, conns)
		b.ReportAllocs()
		i, missed := 0, 0
		for b.Loop() {
			p := s.next()
			if r := table.Track(1, &p.header, p.at); r.Class() != conntrack.Tracked || r.Tag() != p.conn {
				missed++
			}
			i++
		}
		if missed > 0 {
			b.Fatalf("%d of %d missed", missed, i)
		}
	}, func(b *testing.B, f packet.Family, conns int) {
		m := buildMap(f, conns)
		s := newStream(f, conns)
		b.ReportAllocs()
		i, missed := 0, 0
		for b.Loop() {
			p := s.next()
			k := mapKeyOf(&p.header)
			v, ok := m[k]
			at := p.at.UnixNano()
			if !ok || v.tag != p.conn || at >= v.expires {
				missed++
			}
			if p.header.TCPFlags&(packet.SYN|packet.FIN|packet.RST) == 0 {
				v.expires = at + int64(conntrack.DefaultTCPEstablished)
				m[k] = v
			}
			i++
		}
		if missed > 0 {
			b.Fatalf("%d of %d missed", missed, i)
		}
	})
}

// BenchmarkTrackBatch is BenchmarkTrackHit for segments that come 64 at a time, of
// which the table is told by Prefetch.
func BenchmarkTrackBatch(b *testing.B) {
	for _, f := range families {
		for _, conns := range benchSizes {
			b.Run(fmt.Sprintf("family=%s/conns=%d/table=conntrack", f.name, conns), func(b *testing.B) {
				table := establish(b, f.family, conns)
				s := newStream(f.family, conns)
				b.ReportAllocs()
				i, missed := 0, 0
				for b.Loop() {
					p := s.next()
					if i%benchBatch == 0 {
						for j := range s.segments {
							table.Prefetch(1, &s.segments[j].header)
						}
					}
					if r := table.Track(1, &p.header, p.at); r.Class() != conntrack.Tracked || r.Tag() != p.conn {
						missed++
					}
					i++
				}
				if missed > 0 {
					b.Fatalf("%d of %d missed", missed, i)
				}
			})
		}
	}
}

// BenchmarkTrackMiss is a SYN of an unknown connection that is not admitted.
func BenchmarkTrackMiss(b *testing.B) {
	each(b, 0, func(b *testing.B, f packet.Family, conns int) {
		table := establish(b, f, conns)
		h := benchHeader(f, packet.SYN)
		w := newWalk(conns)
		b.ReportAllocs()
		hit := 0
		for b.Loop() {
			benchConn(&h, 1<<24+w.next(), 0)
			if r := table.Track(1, &h, benchStart); r.Class() != conntrack.New {
				hit++
			}
		}
		if hit > 0 {
			b.Fatal(hit)
		}
	}, func(b *testing.B, f packet.Family, conns int) {
		m := buildMap(f, conns)
		h := benchHeader(f, packet.SYN)
		w := newWalk(conns)
		b.ReportAllocs()
		hit := 0
		for b.Loop() {
			benchConn(&h, 1<<24+w.next(), 0)
			if _, ok := m[mapKeyOf(&h)]; ok {
				hit++
			}
		}
		if hit > 0 {
			b.Fatal(hit)
		}
	})
}

// BenchmarkInsert fills an empty table: ns/conn for each commit, B/conn what one
// takes up in the end, worst-us the longest single commit on the way.
func BenchmarkInsert(b *testing.B) {
	each(b, 10_000, func(b *testing.B, f packet.Family, conns int) {
		h := benchHeader(f, packet.SYN)
		fill(b, conns, func() (func(n uint32), any) {
			table, err := conntrack.NewTable(conntrack.Config{})
			if err != nil {
				b.Fatal(err)
			}
			return func(n uint32) {
				benchConn(&h, n, 0)
				table.Commit(1, &h, benchStart, n)
			}, table
		})
	}, func(b *testing.B, f packet.Family, conns int) {
		h := benchHeader(f, packet.SYN)
		fill(b, conns, func() (func(n uint32), any) {
			m := map[mapKey]mapValue{}
			return func(n uint32) {
				benchConn(&h, n, 0)
				m[mapKeyOf(&h)] = mapValue{0, n, conntrack.SynSent}
			}, m
		})
	})
}

func fill(b *testing.B, conns int, start func() (insert func(n uint32), keep any)) {
	var rounds int
	var worst []time.Duration
	var bytes float64
	for b.Loop() {
		rounds++
		before := resident(b)
		insert, keep := start()
		var slowest time.Duration
		last := time.Now()
		for n := range uint32(conns) {
			insert(n)
			if n&15 == 15 { // the clock costs as much as an insert
				now := time.Now()
				slowest = max(slowest, now.Sub(last))
				last = now
			}
		}
		worst = append(worst, slowest)
		bytes = float64(resident(b)-before) / float64(conns)
		runtime.KeepAlive(keep)
	}
	slices.Sort(worst)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds)/float64(conns), "ns/conn")
	b.ReportMetric(bytes, "B/conn")
	b.ReportMetric(float64(worst[len(worst)/2].Nanoseconds())/1e3, "worst-us/16")
	b.ReportMetric(0, "ns/op")
}

// resident is the memory that is private to the process, in bytes, once the garbage
// is collected. What was taken and not touched is not in it.
func resident(b *testing.B) int {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	_, rest, found := strings.Cut(string(status), "RssAnon:")
	if err != nil || !found {
		b.Skip("resident memory is not told here")
	}
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib << 10
}

// BenchmarkReplace ends a connection, by a RST that refuses it, and opens another.
func BenchmarkReplace(b *testing.B) {
	each(b, 10_000, func(b *testing.B, f packet.Family, conns int) {
		table, err := conntrack.NewTable(conntrack.Config{})
		if err != nil {
			b.Fatal(err)
		}
		h := benchHeader(f, packet.SYN)
		for n := range uint32(conns) {
			benchConn(&h, n, 0)
			table.Commit(1, &h, benchStart, n)
		}
		b.ReportAllocs()
		old, next, failed := uint32(0), uint32(conns), 0
		for b.Loop() {
			benchConn(&h, old, 1)
			h.TCPFlags = packet.RST | packet.ACK
			if table.Track(1, &h, benchStart).State() != conntrack.Close {
				failed++
			}
			benchConn(&h, next, 0)
			h.TCPFlags = packet.SYN
			if !table.Commit(1, &h, benchStart, next) {
				failed++
			}
			old, next = (old+1)&(1<<24-1), (next+1)&(1<<24-1)
		}
		if failed > 0 || table.Len() != conns {
			b.Fatal(failed, table.Len())
		}
	}, func(b *testing.B, f packet.Family, conns int) {
		m := buildMap(f, conns)
		h := benchHeader(f, packet.SYN)
		b.ReportAllocs()
		old, next := uint32(0), uint32(conns)
		for b.Loop() {
			benchConn(&h, old, 1)
			delete(m, mapKeyOf(&h))
			benchConn(&h, next, 0)
			m[mapKeyOf(&h)] = mapValue{0, next, conntrack.SynSent}
			old, next = (old+1)&(1<<24-1), (next+1)&(1<<24-1)
		}
		if len(m) != conns {
			b.Fatal(len(m))
		}
	})
}

// BenchmarkExpire fills a table, lets all connections die and sweeps them: ns/conn
// for both together, of which sweep-ns/conn is the second half.
func BenchmarkExpire(b *testing.B) {
	each(b, 10_000, func(b *testing.B, f packet.Family, conns int) {
		h := benchHeader(f, packet.SYN)
		var sweep time.Duration
		rounds := 0
		for b.Loop() {
			table, err := conntrack.NewTable(conntrack.Config{})
			if err != nil {
				b.Fatal(err)
			}
			for n := range uint32(conns) {
				benchConn(&h, n, 0)
				table.Commit(1, &h, benchStart, n)
			}
			start := time.Now()
			if n := table.Expire(benchStart.Add(time.Hour), math.MaxInt); n != conns {
				b.Fatal(n)
			}
			sweep += time.Since(start)
			rounds++
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds)/float64(conns), "ns/conn")
		b.ReportMetric(float64(sweep.Nanoseconds())/float64(rounds)/float64(conns), "sweep-ns/conn")
		b.ReportMetric(0, "ns/op")
	}, func(b *testing.B, f packet.Family, conns int) {
		h := benchHeader(f, packet.SYN)
		var sweep time.Duration
		rounds := 0
		for b.Loop() {
			m := map[mapKey]mapValue{}
			for n := range uint32(conns) {
				benchConn(&h, n, 0)
				m[mapKeyOf(&h)] = mapValue{0, n, conntrack.SynSent}
			}
			start := time.Now()
			for k, v := range m {
				if v.expires == 0 {
					delete(m, k)
				}
			}
			sweep += time.Since(start)
			rounds++
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds)/float64(conns), "ns/conn")
		b.ReportMetric(float64(sweep.Nanoseconds())/float64(rounds)/float64(conns), "sweep-ns/conn")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkGC is a forced collection with a table alive. table=none is the cost
// without any.
func BenchmarkGC(b *testing.B) {
	collect := func(b *testing.B, keep any) {
		runtime.GC()
		for b.Loop() {
			runtime.GC()
		}
		runtime.KeepAlive(keep)
	}
	b.Run("table=none", func(b *testing.B) { collect(b, nil) })
	each(b, 1_000_000, func(b *testing.B, f packet.Family, conns int) {
		collect(b, establish(b, f, conns))
	}, func(b *testing.B, f packet.Family, conns int) {
		collect(b, buildMap(f, conns))
	})
}

// A Limit after the first costs what its zones cost, however full the table is.
func BenchmarkLimit(b *testing.B) {
	for _, conns := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			table := establish(b, packet.IPv4, conns)
			table.Limit(1<<30, 0)
			for b.Loop() {
				table.Limit(1<<30, 0, 1)
			}
		})
	}
}
