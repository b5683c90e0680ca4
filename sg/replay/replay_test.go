package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// What these tests have in common with those of flowreplay.
type script = replaytest.Script

var (
	began              = replaytest.Began
	addr, site, policy = replaytest.Addr, replaytest.Site, replaytest.Policy
	strange            = replaytest.Strange
	format, flowLog    = replaytest.Format, replaytest.FlowLog
)

// run replays scripts at the site with every number of workers, which must not
// show, and returns report and JSON lines.
func run(t testing.TB, o replay.Options, sources ...replay.Source) (*replay.Report, string) {
	t.Helper()
	var report *replay.Report
	var lines, text string
	for _, workers := range []int{1, 2, 5} {
		var b bytes.Buffer
		j := packetlog.NewJSONL(&b)
		o.Observer, o.Workers = j, workers
		r, err := replay.Run(context.Background(), policy(t, site()), &o, sources...)
		require.NoError(t, err)
		require.NoError(t, j.Flush())
		var out bytes.Buffer
		require.NoError(t, r.WriteText(&out, replay.TextOptions{}))
		if report == nil {
			report, lines, text = r, b.String(), out.String()
		}
		require.Equal(t, lines, b.String(), "%d workers", workers)
		require.Equal(t, text, out.String(), "%d workers", workers)
	}
	return report, lines
}

func reasons(t testing.TB, lines string) []string {
	var out []string
	for l := range strings.Lines(lines) {
		var v struct{ Reason string }
		require.NoError(t, json.Unmarshal([]byte(l), &v))
		out = append(out, v.Reason)
	}
	return out
}

// A rule that cannot match is told from one that another makes needless.
func TestReportUnusedRules(t *testing.T) {
	topo := site()
	web := &topo.Groups[0]
	web.Ingress = append(web.Ingress, sg.HTTP.From(sg.FromGroup("sg-gone")), sg.SSH.From(sg.MustCIDR("192.0.2.0/25")))
	r, err := replay.Run(t.Context(), policy(t, topo), nil, script{"0 tcp 203.0.113.9:5 > 10.0.1.10:443 S"})
	require.NoError(t, err)
	r.Blame(lint.Check(topo))
	var out strings.Builder
	require.NoError(t, r.WriteText(&out, replay.TextOptions{}))
	assert.Regexp(t, `tcp 443 from \S+ +0 +0\n    ingress`, out.String())
	assert.Regexp(t, `tcp 80 from sg-gone +0 +0\n      can never match: sg-gone is not in the topology\n`, out.String())
	assert.Regexp(t, `tcp 22 from 192.0.2.0/25 +0 +0\n      not needed: ingress\[1\] admits all of it\n`, out.String())
}

func TestReport(t *testing.T) {
	r, lines := run(t, replay.Options{}, script{
		"0 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
		"0.1 tcp 10.0.2.20:5432 > 10.0.1.10:4000 SA",
		"0.2 tcp 10.0.1.10:4000 > 10.0.2.20:5432 A",
		"0.3 tcp 203.0.113.9:5 > 10.0.1.10:443 S",
		"0.4 tcp 203.0.113.9:6 > 10.0.1.10:443 S",
		"0.5 tcp 203.0.113.9:6 > 10.0.1.10:444 S",
		"2 not ip",
		"2 bad",
		"2 udp 192.0.2.1:1 > 192.0.2.2:2",
		"2 tcp 10.0.1.10:4000 > 10.0.1.10:5 S",
	})
	assert.Equal(t, []string{"rule", "tracked", "tracked", "no_rule", "no_rule", "no_rule", "not_ip", "malformed", "no_interface", "same_interface"}, reasons(t, lines))
	assert.EqualValues(t, 10, r.Packets)
	assert.EqualValues(t, 1000, r.Bytes)
	assert.Equal(t, began, r.First)
	assert.Equal(t, began.Add(2*time.Second), r.Last)
	assert.Equal(t, replay.Count{Packets: 3, Bytes: 300}, r.Of(sg.Accept))
	assert.Equal(t, replay.Count{Packets: 3, Bytes: 300}, r.Of(sg.Drop))
	assert.Equal(t, replay.Count{Packets: 4, Bytes: 400}, r.Of(sg.NotApplicable))
	assert.EqualValues(t, 1, r.Connections)
	assert.EqualValues(t, 2, r.Entries)
	assert.EqualValues(t, 2, r.Peak)

	require.Len(t, r.Rules, 5)
	r.Blame(lint.Check(site()))
	var rules []string
	for _, h := range r.Rules {
		rules = append(rules, fmt.Sprintf("%v %d %d %t", h.Rule, h.Admitted, h.Carried, h.Never == ""))
	}
	assert.Equal(t, []string{
		"sg-web ingress[0] 0 0 true",
		"sg-web ingress[1] 0 0 true",
		"sg-web egress[0] 1 2 true",
		"sg-db ingress[0] 1 2 true",
		"sg-db ingress[1] 0 0 false",
	}, rules)

	require.Len(t, r.Talkers, 1)
	k := r.Talkers[0]
	assert.Equal(t, "203.0.113.9 10.0.1.10 tcp eni-web ingress no_rule\n", fmt.Sprintln(k.First.SrcAddr(), k.First.DstAddr(), k.First.Protocol, k.ENI, k.Direction, k.Reason))
	assert.EqualValues(t, 3, k.Packets)
	assert.EqualValues(t, 4, k.Number)
	assert.True(t, k.SeveralPorts)
	require.NotEmpty(t, k.Near)
	assert.Equal(t, "sg-web ingress[0]", k.Near[0].Rule.String())
}

func TestMidstream(t *testing.T) {
	s := script{
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 A len 5",  // open before
		"0 tcp 10.0.1.10:443 > 198.51.100.1:1 A len 5",  // the same
		"0 tcp 10.0.1.10:443 > 198.51.100.2:1 PA len 5", // another, its answer seen first
		"1 tcp 198.51.100.3:1 > 10.0.1.10:443 S",        // opened here
		"1 tcp 10.0.1.10:443 > 198.51.100.3:1 SA",
		"1 tcp 198.51.100.3:1 > 10.0.1.10:443 A",
		"2 tcp 198.51.100.3:1 > 10.0.1.10:443 R",
		"99 tcp 198.51.100.3:1 > 10.0.1.10:443 A", // and long closed
		"99 tcp 203.0.113.1:1 > 10.0.1.10:443 S",  // refused
		"99 tcp 10.0.1.10:443 > 203.0.113.1:1 SA", // so this is no connection from before
		"99 tcp 203.0.113.1:1 > 10.0.1.10:443 A",
	}
	r, _ := run(t, replay.Options{}, s)
	assert.Equal(t, replay.Midstream{
		Open: 2, OpenDropped: replay.Count{Packets: 3, Bytes: 300}, Ended: 1, EndedDropped: replay.Count{Packets: 1, Bytes: 100},
		RefusedDropped: replay.Count{Packets: 2, Bytes: 200},
	}, r.Midstream)
	assert.EqualValues(t, 7, r.Of(sg.Drop).Packets)

	r, _ = run(t, replay.Options{Firewall: sg.Options{Midstream: sg.MidstreamPickup}}, s)
	assert.EqualValues(t, 2, r.Midstream.Open)
	assert.EqualValues(t, 1, r.Midstream.OpenPassed)
	assert.EqualValues(t, 1, r.Midstream.OpenDropped.Packets)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "2 TCP connections were open already when the capture began: 1 packet dropped, 1\n  packet let pass by rules\n")
}

// What nobody can decide is no drop: not in the report, nor in what is written.
func TestUnknown(t *testing.T) {
	s := script{
		"0 tcp 203.0.113.9 > 10.0.1.10 missing ports,flags captured 20",
		"1 tcp 198.51.100.1:9 > 10.0.1.10:443 S",
	}
	r, lines := run(t, replay.Options{}, s)
	assert.Equal(t, []string{"cut", "rule"}, reasons(t, lines))
	assert.Contains(t, lines, `"verdict":"unknown","reason":"cut","hops":[{"eni":"eni-web","direction":"ingress","verdict":"unknown"`)
	assert.EqualValues(t, 1, r.Of(sg.Unknown).Packets)
	assert.Zero(t, r.Of(sg.Drop))
	assert.Empty(t, r.Talkers)
	assert.Equal(t, sg.Unknown, r.Reasons[0].Verdict, "it is told first")
	var text bytes.Buffer
	require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "  unknown             1            100  the capture cut off what decides\n  accepted ")
	text.Reset()
	x := packetlog.NewText(&text, replay.TextOptions{})
	_, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: x}, s)
	require.NoError(t, err)
	require.NoError(t, x.Flush())
	assert.Contains(t, text.String(), "  unknown  tcp 203.0.113.9 > 10.0.1.10 missing ports,flags\n        eni-web ingress: the capture cut off what decides\n")
	assert.Equal(t, "eni-web ACCEPT OK\neni-web - SKIPDATA\neni-db - NODATA\n",
		flowLog(t, site(), packetlog.FlowLogOptions{Format: format(t, "${interface-id} ${action} ${log-status}")}, s))
}

// Later fragments pass for the first one of their datagram and count at no rule.
func TestReportFragments(t *testing.T) {
	r, _ := run(t, replay.Options{}, script{
		"0 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
		"0.1 tcp 10.0.1.10:4000 > 10.0.2.20:5432 A len 1000 frag 0+ ipid 7",
		"0.2 tcp 10.0.1.10 > 10.0.2.20 len 1000 frag 1024 ipid 7",
		"0.3 tcp 10.0.1.10 > 10.0.2.20 len 1000 frag 1024 ipid 8", // of an unknown first
	})
	assert.EqualValues(t, 2, r.Fragments, "one packet at two ENIs")
	var text strings.Builder
	require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "\n  no rule counts the 2 later fragments that followed an admitted first one\n")
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	r, lines := run(t, replay.Options{}, script{
		"100 udp 192.0.2.1:9 > 192.0.2.9:1",
		"100 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"20 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"99.5 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
		"159 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
	})
	assert.Equal(t, []string{"no_interface", "rule", "tracked", "tracked", "tracked"}, reasons(t, lines))
	assert.Contains(t, lines, `"time":"2026-06-01T12:00:20.000000000Z"`, "its own time is shown")
	assert.Equal(t, replay.Disorder{Late: 2, LateBy: 80 * time.Second, Steps: 1}, r.Disorder)
}

// A timestamp that is none leaves the clock alone, wherever it stands.
func TestDamagedTime(t *testing.T) {
	damaged := func(s script, at time.Time, numbers ...int) replay.Source {
		return sourceFunc(func(yield func(*capture.Frame, error) bool) {
			for f, err := range s.Frames() {
				if slices.Contains(numbers, f.Number) {
					f.Time = at
				}
				if !yield(f, err) {
					return
				}
			}
		})
	}
	for _, at := range []time.Time{{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		a := damaged(script{
			"0 udp 192.0.2.1:9 > 192.0.2.9:1",
			"1 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
			"2 udp 192.0.2.1:9 > 192.0.2.9:1",
			"3 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
			"1000 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
		}, at, 1, 3)
		r, lines := run(t, replay.Options{}, a)
		assert.Equal(t, []string{"no_interface", "rule", "no_interface", "tracked", "midstream"}, reasons(t, lines), "%v", at)
		assert.Equal(t, began.Add(time.Second), r.First)
		assert.Equal(t, began.Add(1000*time.Second), r.Last)
		_, lines = run(t, replay.Options{}, a, script{"2000 udp 192.0.2.1:9 > 192.0.2.9:1"})
		assert.Equal(t, []string{"no_interface", "rule", "no_interface", "tracked", "midstream", "no_interface"}, reasons(t, lines), "%v", at)
	}
}

// Without times nothing times out, which is said.
func TestNoTimes(t *testing.T) {
	s := sourceFunc(func(yield func(*capture.Frame, error) bool) {
		for f, err := range (script{"0 udp 192.0.2.1:9 > 192.0.2.9:1"}).Frames() {
			f.Time = time.Time{}
			yield(f, err)
		}
	})
	for want, c := range map[string]replay.Source{"\nno packet has a time: ": s, "1 packet in 0s, 100 bytes": script{"0 udp 192.0.2.1:9 > 192.0.2.9:1"}} {
		r, _ := run(t, replay.Options{}, c)
		var text bytes.Buffer
		require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
		assert.Contains(t, text.String(), want)
		assert.Equal(t, r.First.IsZero(), strings.Contains(text.String(), "has a time"))
	}
}

// Drops of ICMP are reported by type and code, each with the rule that is nearest to it.
func TestTalkersOfICMP(t *testing.T) {
	r, _ := run(t, replay.Options{}, script{
		"0 icmp 192.0.2.1 > 10.0.1.10 0/0 id 7", "0 icmp 192.0.2.1 > 10.0.1.10 8/0 id 7", "1 icmp 192.0.2.1 > 10.0.1.10 8/0 id 8",
	})
	require.Len(t, r.Talkers, 2)
	assert.Equal(t, []uint64{2, 1}, []uint64{r.Talkers[0].Packets, r.Talkers[1].Packets})
	assert.Equal(t, []uint8{8, 0}, []uint8{r.Talkers[0].First.ICMPType, r.Talkers[1].First.ICMPType})
}

type sourceFunc func(func(*capture.Frame, error) bool)

func (f sourceFunc) Frames() iter.Seq2[*capture.Frame, error] {
	return iter.Seq2[*capture.Frame, error](f)
}

func TestMerge(t *testing.T) {
	a := script{"1 udp 192.0.2.1:1 > 192.0.2.9:1", "4 udp 192.0.2.1:2 > 192.0.2.9:1", "3 udp 192.0.2.1:3 > 192.0.2.9:1"}
	b := script{"2 udp 192.0.2.1:4 > 192.0.2.9:1", "4 udp 192.0.2.1:5 > 192.0.2.9:1"}
	var order []int
	var sources []int
	o := replay.Options{Observer: observe(func(p *replay.Packet) error {
		order, sources = append(order, int(p.Frame.Header.SrcPort)), append(sources, p.Source)
		return nil
	})}
	for _, o.Workers = range []int{1, 3} {
		order, sources = nil, nil
		_, err := replay.Run(t.Context(), policy(t, site()), &o, a, b, script{})
		require.NoError(t, err)
		assert.Equal(t, []int{1, 4, 2, 3, 5}, order)
		assert.Equal(t, []int{0, 1, 0, 0, 1}, sources)
		order = nil
		_, err = replay.Run(t.Context(), policy(t, site()), &o, a, script{"0 udp 192.0.2.1:9 > 192.0.2.9:1", "2 damage"})
		assert.ErrorContains(t, err, "damage")
		assert.Equal(t, []int{9}, order, "what was before the damage")
	}
	r, err := replay.Run(t.Context(), policy(t, site()), nil)
	require.NoError(t, err)
	assert.Zero(t, r.Packets)
}

type observe func(*replay.Packet) error

func (f observe) Observe(p *replay.Packet) error { return f(p) }

func TestPlace(t *testing.T) {
	s := script{
		"0 tcp 198.51.100.1:1 > 203.0.113.7:443 S",
		"0 tcp 203.0.113.7:443 > 198.51.100.1:1 SA",
		"0 bad",
		"0 not ip",
	}
	place := func(_ int, f *capture.Frame) replay.Place {
		if f.Number == 2 {
			return replay.Place{ENI: "eni-web", Direction: sg.Egress}
		}
		return replay.Place{ENI: "eni-web", Direction: sg.Ingress}
	}
	_, lines := run(t, replay.Options{Place: place}, s)
	assert.Equal(t, []string{"rule", "tracked", "malformed", "not_ip"}, reasons(t, lines))
	assert.Contains(t, strings.Split(lines, "\n")[2], `"hops":[{"eni":"eni-web","direction":"ingress","verdict":"drop","reason":"malformed"}]`)
	_, lines = run(t, replay.Options{Place: func(int, *capture.Frame) replay.Place { return replay.Place{ENI: "eni-no", Direction: sg.Egress} }}, s)
	assert.Equal(t, []string{"no_interface", "no_interface", "no_interface", "no_interface"}, reasons(t, lines))
}

// alike is a capture of many packets of which none is held in memory.
type alike struct {
	packets int
	stop    func(int)
}

func (l alike) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		h, _ := packet.ParseHeader("tcp 198.51.100.1:1 > 10.0.1.10:22 S")
		f := capture.Frame{Header: h, Length: 64, Data: make([]byte, 64), Time: began}
		for i := range l.packets {
			if l.stop != nil {
				l.stop(i)
			}
			f.Header.Src[12] = byte(i)
			f.Number = i + 1
			if !yield(&f, nil) {
				return
			}
		}
	}
}

// An interrupted replay reports what the observer has seen, no more and no less.
func TestInterrupted(t *testing.T) {
	for _, workers := range []int{1, 4} {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		var last uint64
		o := replay.Options{Workers: workers,
			Observer: observe(func(p *replay.Packet) error { seen++; return nil }),
			Progress: func(packets, bytes uint64) {
				assert.Equal(t, packets*64, bytes)
				assert.Greater(t, packets, last)
				last = packets
			},
		}
		r, err := replay.Run(ctx, policy(t, site()), &o, alike{1e6, func(i int) {
			if i == 50_000 {
				cancel()
			}
		}})
		assert.ErrorIs(t, err, context.Canceled)
		assert.EqualValues(t, seen, r.Packets)
		assert.EqualValues(t, seen, r.Of(sg.Drop).Packets)
		assert.Greater(t, seen, 49_999)
		assert.Less(t, seen, 60_000)
		assert.NotZero(t, last)

		r, err = replay.Run(ctx, policy(t, site()), &o, alike{packets: 10})
		assert.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, r.Packets)
	}
}

func TestObserverFails(t *testing.T) {
	for _, workers := range []int{1, 4} {
		seen := 0
		full := errors.New("disk full")
		o := replay.Options{Workers: workers, Observer: observe(func(p *replay.Packet) error {
			if seen++; p.Number == 3000 {
				return full
			}
			return nil
		})}
		_, err := replay.Run(t.Context(), policy(t, site()), &o, alike{packets: 100_000})
		assert.ErrorIs(t, err, full)
		assert.Equal(t, 3000, seen)
	}
}

// A maximum and an observer of the firewall need one place for all.
func TestEffectiveWorkers(t *testing.T) {
	o := &replay.Options{Workers: 8}
	assert.Equal(t, 8, o.EffectiveWorkers())
	assert.Equal(t, 1, (&replay.Options{}).EffectiveWorkers())
	assert.Equal(t, 1, (*replay.Options)(nil).EffectiveWorkers())
	o.Firewall.MaxConnections = 5
	assert.Equal(t, 1, o.EffectiveWorkers())
	o.Firewall = sg.Options{InstanceMax: map[sg.InstanceID]int{"i-1": 5}}
	assert.Equal(t, 1, o.EffectiveWorkers())
	o.Firewall = sg.Options{Observer: events{}}
	assert.Equal(t, 1, o.EffectiveWorkers())
}

type events struct{}

func (events) Observe(sg.Event) {}

// Nothing is allocated for a packet that belongs to a connection.
func TestAllocations(t *testing.T) {
	for _, workers := range []int{1, 2} {
		allocs := func(packets int) float64 {
			return testing.AllocsPerRun(1, func() {
				_, err := replay.Run(context.Background(), policy(t, site()), &replay.Options{Workers: workers}, alike{packets: packets})
				require.NoError(t, err)
			})
		}
		assert.Less(t, allocs(70_000)-allocs(20_000), 500.0, "%d workers", workers)
	}
}

// What a replay holds does not grow with the packets, nor with the workers.
func TestMemoryIsBounded(t *testing.T) {
	const size = 200_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := &replay.Options{Workers: 64, Observer: observe(func(p *replay.Packet) error {
		assert.Len(t, p.Frame.Data, size)
		return nil
	})}
	_, err := replay.Run(t.Context(), policy(t, site()), o, replaytest.Loop([]capture.Frame{{Data: make([]byte, size), Length: size, Err: packet.ErrNotIP}}, 3000))
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20))
}

// Every reason has words, and a place in the counts.
func TestReasonsAreKnown(t *testing.T) {
	last := sg.Reason(0)
	for r := sg.Reason(1); !strings.HasPrefix(r.String(), "Reason("); r++ {
		last = r
	}
	assert.Less(t, int(last), 32)
}

// That a packet belongs to a refused connection says nothing about the next one.
func TestRefusedIsOfThePacket(t *testing.T) {
	s := script{
		"0 tcp 203.0.113.9:1 > 10.0.1.10:443 S",
		"1 tcp 203.0.113.9:1 > 10.0.1.10:443 A",
		"2 udp 203.0.113.9:1 > 10.0.1.10:443",
	}
	var refused []bool
	_, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: observe(func(p *replay.Packet) error {
		refused = append(refused, p.Refused)
		return nil
	})}, s)
	require.NoError(t, err)
	assert.Equal(t, []bool{false, true, false}, refused)
}
