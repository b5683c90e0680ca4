package sg_test

import (
	"encoding/binary"
	"flag"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

var soakFor = flag.Duration("soak", 300*time.Millisecond, "how long TestSoak runs; memory is looked at from 10s on")

const (
	soakLive = 1000    // connections that must not be lost
	soakMax  = 100_000 // connections in all
)

// TestSoak runs a Filter under eight goroutines: four speak on live connections, two
// flood it with SYNs of ever other sources, one changes rules, groups, lists and the
// whole policy, one clones, explains and expires. No live connection is lost, and
// memory does not grow. At length, with the race detector, half an hour is
//
//	go test -race -timeout 1h -run 'TestSoak$' -v ./sg -soak 30m
func TestSoak(t *testing.T) {
	s := newSoak(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	run := func(f func(n int)) {
		wg.Go(func() {
			for n := 0; !t.Failed(); n++ {
				select {
				case <-stop:
					return
				default:
					f(n)
				}
			}
		})
	}
	for i := range 4 {
		run(func(n int) { s.speak(uint32(4*n+i) % soakLive) })
	}
	for range 2 {
		run(func(int) { s.flood() })
	}
	run(s.change)
	run(s.look)

	const samples = 10
	var heap [samples]uint64
	full := samples // the first that was taken of a full table
	for i := range samples {
		time.Sleep(*soakFor / samples)
		if s.refused.Load() > 0 {
			full = min(full, i)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap[i] = m.HeapAlloc
	}
	close(stop)
	wg.Wait()
	for i := range uint32(soakLive) {
		s.speak(i)
	}
	t.Logf("%d sources, of which %d were refused; %d packets of live connections, %d changes, %d clones; heap in MB:", s.sources.Load(), s.refused.Load(), s.spoken.Load(), s.changes.Load(), s.clones.Load())
	for _, h := range heap {
		t.Logf("%6.1f", float64(h)/1e6)
	}
	if *soakFor >= 10*time.Second {
		require.Less(t, full, samples-1, "the flood filled the table too late to see what happens then")
		// A clone is now there when memory is looked at and now not, and doubles it.
		assert.Less(t, heap[samples-1], 2*slices.Max(heap[full:min(full+3, samples-1)])+8<<20, "memory grows")
	}
	assert.Positive(t, s.changes.Load())
	assert.Positive(t, s.clones.Load())
}

type soak struct {
	t        *testing.T
	x        *sg.Filter
	policies [2]*sg.Policy
	clock    atomic.Int64 // nanoseconds since start

	sources                          atomic.Uint32
	refused, spoken, changes, clones atomic.Int64
}

func newSoak(t *testing.T) *soak {
	s := &soak{t: t}
	for i := range s.policies {
		topo := &sg.Topology{
			Groups: []sg.Group{
				{ID: "sg-web", Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4)}},
				{ID: "sg-more", Ingress: []sg.Rule{sg.SSH.From(sg.FromPrefixList("pl-1"))}},
			},
			PrefixLists: []sg.PrefixList{{ID: "pl-1", Family: packet.IPv4}},
			ENIs: []sg.ENI{
				{ID: "eni-web", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-web"}},
				{ID: "eni-other", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.11")}, Groups: []sg.GroupID{"sg-more"}},
			},
		}
		if i == 1 {
			topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.SSH.From(sg.MustCIDR("203.0.113.0/24")))
		}
		s.policies[i] = mustCompile(t, topo)
	}
	s.x = sg.NewFilter(sg.NewFirewall(s.policies[0], &sg.Options{MaxConnections: soakMax}))
	for i := range uint32(soakLive) {
		syn := s.live(i, packet.SYN)
		back := answer(syn, packet.SYN|packet.ACK)
		require.Equal(t, sg.ByRule, s.x.Evaluate("eni-web", sg.Ingress, sent(&syn, s.now())).Reason)
		require.Equal(t, sg.Tracked, s.x.Evaluate("eni-web", sg.Egress, sent(&back, s.now())).Reason)
		s.speak(i)
	}
	return s
}

func (s *soak) now() time.Time { return start.Add(time.Duration(s.clock.Load())) }

// live returns a segment of a live connection, from its client.
func (s *soak) live(i uint32, flags packet.TCPFlags) packet.Header {
	h := packet.TCPHeader(netip.MustParseAddrPort("198.51.100.7:1"), netip.MustParseAddrPort("10.0.1.10:443"), flags)
	h.SrcPort += uint16(i)
	return h
}

// answer returns a segment that goes the other way.
func answer(h packet.Header, flags packet.TCPFlags) packet.Header {
	h.Src, h.Dst, h.SrcPort, h.DstPort, h.TCPFlags = h.Dst, h.Src, h.DstPort, h.SrcPort, flags
	return h
}

// speak sends a segment there and one back, which the connection has to admit.
func (s *soak) speak(i uint32) {
	h := s.live(i, packet.ACK)
	back := answer(h, packet.ACK)
	now := s.now()
	if d := s.x.Evaluate("eni-web", sg.Ingress, sent(&h, now)); d.Reason != sg.Tracked {
		s.t.Errorf("live connection %d at %s: %v %v", i, now, d.Verdict, d.Reason)
	}
	if d := s.x.Evaluate("eni-web", sg.Egress, sent(&back, now)); d.Reason != sg.Tracked {
		s.t.Errorf("back to live connection %d at %s: %v %v", i, now, d.Verdict, d.Reason)
	}
	s.spoken.Add(2)
}

// flood sends SYNs of other sources each, 10,000 in a second of the clock: one as a
// frame and hundreds while it has the firewall, so that others wait for it too.
func (s *soak) flood() {
	frame := rawTCP("0.0.0.0:40000", "10.0.1.10:443", packet.SYN)
	next := func() time.Time {
		binary.BigEndian.PutUint32(frame[12:], 0x0b000000+s.sources.Add(1)) // 11.0.0.0 on
		return start.Add(time.Duration(s.clock.Add(int64(100 * time.Microsecond))))
	}
	judged := func(d sg.Decision) {
		switch d.Reason {
		case sg.ByRule:
		case sg.TableFull:
			s.refused.Add(1)
		default:
			s.t.Errorf("flood: %v %v", d.Verdict, d.Reason)
		}
	}
	now := next()
	judged(s.x.Frame("eni-web", sg.Ingress, packet.LinkRaw, frame, now))
	s.x.Do(func(f *sg.Firewall) {
		web := f.ENI("eni-web")
		var h packet.Header
		for range 500 {
			now := next()
			err := packet.Decode(packet.LinkRaw, frame, len(frame), &h)
			judged(web.Evaluate(sg.Ingress, sg.Packet{Header: &h, Time: now, Err: err}))
		}
	})
}

// change changes something that live connections outlive, and takes it back.
func (s *soak) change(n int) {
	entry, r := netip.MustParsePrefix("203.0.113.0/24"), sg.PostgreSQL.From(sg.MustCIDR("203.0.113.0/24"))
	s.x.Do(func(f *sg.Firewall) {
		now := s.now()
		for _, err := range []error{
			f.Authorize("sg-web", sg.Ingress, r, now), f.Revoke("sg-web", sg.Ingress, sg.HTTPS.From(sg.AnyIPv4), now),
			f.Authorize("sg-web", sg.Ingress, sg.HTTPS.From(sg.AnyIPv4), now), f.Revoke("sg-web", sg.Ingress, r, now),
			f.AddEntry("pl-1", entry, now), f.Attach("eni-web", "sg-more", now),
			f.Detach("eni-web", "sg-more", now), f.RemoveEntry("pl-1", entry, now),
		} {
			if err != nil {
				s.t.Errorf("change: %v", err)
			}
		}
		if n%16 == 0 {
			f.Swap(s.policies[n/16%2], now)
		}
	})
	s.changes.Add(1)
	time.Sleep(200 * time.Millisecond) // each looks at all connections
}

// look clones the firewall, explains on the clone, and expires connections.
func (s *soak) look(n int) {
	var clone *sg.Firewall
	h, now := s.live(uint32(n%soakLive), packet.ACK), s.now()
	s.x.Do(func(f *sg.Firewall) {
		f.Expire(now, 10_000)
		if n%64 == 0 {
			clone = f.Clone()
		}
		f.Explain(sent(&h, now))
	})
	if clone != nil {
		if o := clone.Forward(sent(&h, now)); o.Reason != sg.Tracked {
			s.t.Errorf("a clone lacks live connection %d: %v %v", n%soakLive, o.Verdict, o.Reason)
		}
		s.clones.Add(1)
	}
	time.Sleep(time.Millisecond)
}
