package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// compile returns a firewall for the topology.
func compile(tb testing.TB, t *sg.Topology) *sg.Firewall {
	p, err := sg.Compile(t)
	if err != nil {
		tb.Fatal(err)
	}
	return sg.NewFirewall(p, nil)
}

// connect opens n connections to the server, TCP ones with their handshake.
func connect(tb testing.TB, server *sg.Enforcer, fam packet.Family, proto packet.Protocol, n int) {
	pass := func(dir sg.Direction, h packet.Header) {
		if d := server.Evaluate(dir, sg.Packet{Header: &h, Time: start}); d.Verdict != sg.Accept {
			tb.Fatal("connection refused:", d.Reason)
		}
	}
	for i := range n {
		fl := corpus.FlowN(fam, proto, uint64(i))
		pass(sg.Ingress, fl.Header(false, packet.SYN))
		pass(sg.Egress, fl.Header(true, packet.SYN|packet.ACK))
		if proto == packet.TCP {
			pass(sg.Ingress, fl.Header(false, packet.ACK))
		}
	}
}

func transport(fam packet.Family, icmp bool) (packet.Protocol, string) {
	switch {
	case !icmp:
		return packet.TCP, "tcp"
	case fam == packet.IPv6:
		return packet.ICMPv6, "icmp"
	}
	return packet.ICMP, "icmp"
}

// BenchmarkEvaluate takes raw frames to decisions at one interface.
func BenchmarkEvaluate(b *testing.B) {
	small := 10_000
	for _, fam := range []packet.Family{packet.IPv4, packet.IPv6} {
		for _, n := range measure.Conns() {
			if fam == packet.IPv6 && n > 1_000_000 {
				continue
			}
			benchEstablished(b, fam, false, 300, n)
		}
		benchEstablished(b, fam, true, 300, small)
		benchUntracked(b, fam, 300)
		benchFirst(b, fam, corpus.Closed, 300)
		benchFirst(b, fam, corpus.Open, 300)
	}
	for _, rules := range []int{10, 100, 1000} {
		if testing.Short() && rules > 100 {
			continue
		}
		benchEstablished(b, packet.IPv4, false, rules, small)
		benchFirst(b, packet.IPv4, corpus.Closed, rules)
		benchFirst(b, packet.IPv4, corpus.Open, rules)
	}
}

// evaluate runs the benchmark proper: every frame must be decided for the reason
// given. gap lies between two packets.
func evaluate(b *testing.B, fw *sg.Firewall, frames *corpus.Frames, gap time.Duration, want sg.Reason) {
	server, dirs := fw.ENI(corpus.ServerENI), directionsOf(frames)
	now := start
	var h packet.Header
	measure.Packets(b, frames.Len(), func(lo, hi int) {
		now = now.Add(gap * time.Duration(hi-lo)) // once, since that costs as much as decoding
		for i := lo; i < hi; i++ {
			frame := frames.At(i)
			if err := packet.Decode(packet.LinkEthernet, frame, len(frame), &h); err != nil {
				b.Fatal(err)
			}
			if got := server.Evaluate(dirs[i], sg.Packet{Header: &h, Time: now}).Reason; got != want {
				b.Fatalf("%v: %v, want %v", h.Tuple(), got, want)
			}
		}
	})
}

// evaluateBatch is evaluate for frames that come several at a time. The server is
// found by its address as well.
func evaluateBatch(b *testing.B, fw *sg.Firewall, frames *corpus.Frames, gap time.Duration, want sg.Reason) {
	now := start
	var headers [batch]packet.Header
	var packets [batch]sg.Packet
	judged := func(i int, o *sg.Outcome) {
		if o.Reason != want {
			b.Fatalf("%v: %v, want %v", headers[i].Tuple(), o.Reason, want)
		}
	}
	measure.Packets(b, frames.Len(), func(lo, hi int) {
		now = now.Add(gap * time.Duration(hi-lo))
		for ; lo < hi; lo += batch {
			some := headers[:min(batch, hi-lo)]
			for i := range some {
				frame := frames.At(lo + i)
				if err := packet.Decode(packet.LinkEthernet, frame, len(frame), &some[i]); err != nil {
					b.Fatal(err)
				}
				packets[i] = sg.Packet{Header: &some[i], Time: now}
			}
			fw.ForwardBatch(packets[:len(some)], judged)
		}
	})
}

// directionsOf says for each frame in which direction the server sees it.
func directionsOf(frames *corpus.Frames) []sg.Direction {
	dirs := make([]sg.Direction, frames.Len())
	for i := range dirs {
		dirs[i] = sg.Ingress
		if frames.Reply[i] {
			dirs[i] = sg.Egress
		}
	}
	return dirs
}

// benchEstablished sends random packets, in both directions, of n connections
// that are all open. No rule admits the replies.
func benchEstablished(b *testing.B, fam packet.Family, icmp bool, rules, n int) {
	proto, name := transport(fam, icmp)
	path := "established"
	if icmp {
		path = "icmp"
	}
	var fw *sg.Firewall // of both cases
	run := func(name string, evaluate func(*testing.B, *sg.Firewall, *corpus.Frames, time.Duration, sg.Reason)) {
		b.Run(name, func(b *testing.B) {
			if fw == nil {
				fw = compile(b, corpus.Server(rules, corpus.Open))
				connect(b, fw.ENI(corpus.ServerENI), fam, proto, n)
			}
			evaluate(b, fw, corpus.NewFrames(fam, proto, uint64(n), measure.Draws(n), 64, packet.ACK, 1), step, sg.Tracked)
		})
	}
	name = fmt.Sprintf("impl=sgsim/path=%s/hops=1/family=%s/proto=%s/rules=%d/conns=%d", path, familyName(fam), name, rules, n)
	run(name, evaluate)
	if !icmp && rules == 300 && n >= 10_000 {
		run(fmt.Sprintf("%s/prefetch=%d", name, batch), evaluateBatch)
	}
}

// benchUntracked sends packets of flows that leave no connection: rules admit
// every address in both directions.
func benchUntracked(b *testing.B, fam packet.Family, rules int) {
	b.Run(fmt.Sprintf("impl=sgsim/path=untracked/hops=1/family=%s/proto=tcp/rules=%d", familyName(fam), rules), func(b *testing.B) {
		fw := compile(b, corpus.Server(rules, corpus.Public))
		evaluate(b, fw, corpus.NewFrames(fam, packet.TCP, 1<<20, measure.Draws(0), 64, packet.ACK, 1), step, sg.Untracked)
	})
}

// benchFirst sends first segments of connections, which the rules admit and the
// table keeps until it times out, or which no rule admits. A flow comes again
// when its entry is dead, so that the table neither grows nor empties.
func benchFirst(b *testing.B, fam packet.Family, a corpus.Access, rules int) {
	path, want := "new", sg.ByRule
	if a == corpus.Closed {
		path, want = "denied", sg.NoRule
	}
	const flows, lap = 1 << 16, 4 * time.Minute // SYN_SENT lasts 2
	b.Run(fmt.Sprintf("impl=sgsim/path=%s/hops=1/family=%s/proto=tcp/rules=%d", path, familyName(fam), rules), func(b *testing.B) {
		fw := compile(b, corpus.Server(rules, a))
		frames := corpus.Distinct(fam, packet.TCP, flows, 64, packet.SYN)
		evaluate(b, fw, frames, lap/flows, want)
	})
}

// BenchmarkForward takes raw frames of established connections to the outcome at
// both ends: two interfaces judge each packet, each with its own state.
func BenchmarkForward(b *testing.B) {
	for _, n := range measure.Conns() {
		if n > 1_000_000 {
			continue
		}
		b.Run(fmt.Sprintf("impl=sgsim/path=established/hops=2/family=v4/proto=tcp/rules=300/conns=%d", n), func(b *testing.B) {
			fw := compile(b, corpus.BothEnds(300))
			for i := range n {
				fl := corpus.FlowN(packet.IPv4, packet.TCP, uint64(i))
				for _, h := range []packet.Header{fl.Header(false, packet.SYN), fl.Header(true, packet.SYN|packet.ACK), fl.Header(false, packet.ACK)} {
					if o := fw.Forward(sg.Packet{Header: &h, Time: start}); o.Verdict != sg.Accept {
						b.Fatal("connection refused:", o.Reason)
					}
				}
			}
			frames := corpus.NewFrames(packet.IPv4, packet.TCP, uint64(n), measure.Draws(n), 64, packet.ACK, 1)
			now := start
			var h packet.Header
			measure.Packets(b, frames.Len(), func(lo, hi int) {
				now = now.Add(step * time.Duration(hi-lo))
				for i := lo; i < hi; i++ {
					frame := frames.At(i)
					if err := packet.Decode(packet.LinkEthernet, frame, len(frame), &h); err != nil {
						b.Fatal(err)
					}
					if o := fw.Forward(sg.Packet{Header: &h, Time: now}); o.Reason != sg.Tracked || len(o.Hops()) != 2 {
						b.Fatal("wrong outcome", o)
					}
				}
			})
		})
	}
}
