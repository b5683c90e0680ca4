package peers

import (
	"fmt"
	"math/rand"
	"net/netip"
	"testing"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/faketime"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/header/parse"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	tspacket "tailscale.com/net/packet"
	tsfilter "tailscale.com/wgengine/filter"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// BenchmarkEvaluate takes raw frames of established connections to a verdict, as
// sgsim's benchmark of that name does.
func BenchmarkEvaluate(b *testing.B) {
	b.Run("impl=tailscale/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=10000", func(b *testing.B) {
		benchTailscale(b, packet.TCP, 10_000)
	})
	// Its state for UDP holds 512 flows; with more, packets meet the rules.
	b.Run("impl=tailscale/path=established/hops=1/family=v4/proto=udp/rules=300/conns=500", func(b *testing.B) {
		benchTailscale(b, packet.UDP, 500)
	})
	for _, n := range measure.Conns() {
		if n > 100_000 {
			continue // see BenchmarkEvaluateOnce
		}
		b.Run(fmt.Sprintf("impl=gvisor/path=established/hops=1/family=v4/proto=tcp/rules=0/conns=%d", n), func(b *testing.B) {
			benchGvisor(b, 0, n)
		})
	}
	for _, n := range measure.Rules() {
		b.Run(fmt.Sprintf("impl=gvisor/path=established/hops=1/family=v4/proto=tcp/rules=%d/conns=1000", n), func(b *testing.B) {
			benchGvisor(b, n, 1000)
		})
	}
}

// BenchmarkEvaluateOnce is what one round has to do for: gVisor keeps connections
// in 512 chains, which get long: the time to open them grows with their square.
func BenchmarkEvaluateOnce(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 1000
	}
	b.Run(fmt.Sprintf("impl=gvisor/path=established/hops=1/family=v4/proto=tcp/rules=0/conns=%d", n), func(b *testing.B) {
		benchGvisor(b, 0, n)
	})
}

func benchTailscale(b *testing.B, proto packet.Protocol, n int) {
	w := corpus.NewWorld(corpus.Ruled(300))
	topo := *w.Topology
	topo.Groups = append([]sg.Group(nil), topo.Groups...)
	topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{
		Protocol: sg.Protocol(proto), Ports: sg.Port(corpus.ServerPort), Peer: sg.Peer{CIDR: corpus.ClientNet4},
	})
	f := tailscaleFilter(&topo, corpus.Server4)
	frames := corpus.NewFrames(packet.IPv4, proto, uint64(n), measure.Draws(n), 64, packet.ACK, 1)
	clients := make([]bool, frames.Len())
	var q tspacket.Parsed
	for i := range frames.Len() {
		clients[i] = !frames.Reply[i]
		// Packets that leave open the way for those that come back.
		if frames.Reply[i] {
			q.Decode(frames.At(i)[14:])
			f.RunOut(&q, 0)
		}
	}
	measure.Packets(b, frames.Len(), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			q.Decode(frames.At(i)[14:])
			var got tsfilter.Response
			if clients[i] {
				got = f.RunIn(&q, 0)
			} else {
				got, _ = f.RunOut(&q, 0)
			}
			if got != tsfilter.Accept {
				b.Fatal("wrong verdict for", q.String())
			}
		}
	})
}

// A gvisorPorts matches a range of TCP destination ports, as the extension of
// iptables does.
type gvisorPorts struct{ first, last uint16 }

func (m gvisorPorts) Match(_ stack.Hook, p *stack.PacketBuffer, _, _ string) (matches, hotdrop bool) {
	port := header.TCP(p.TransportHeader().Slice()).DestinationPort()
	return m.first <= port && port <= m.last, false
}

// gvisorTables returns tables whose input chain holds n rules of which the last
// admits connections to the server, and accepts what leaves.
func gvisorTables(n int) *stack.IPTables {
	it := stack.DefaultTables(faketime.NewManualClock(), rand.New(rand.NewSource(1)))
	if n == 0 {
		it.ForceReplaceTable(stack.FilterID, it.GetTable(stack.FilterID, false), false)
		return it
	}
	accept := &stack.AcceptTarget{NetworkProtocol: header.IPv4ProtocolNumber}
	drop := &stack.DropTarget{NetworkProtocol: header.IPv4ProtocolNumber}
	var rules []stack.Rule
	rng := rand.New(rand.NewSource(2))
	for i := range n {
		port := uint16(1024 + rng.Intn(60000))
		net := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + rng.Intn(200)), byte(rng.Intn(256))}), 16)
		if i == n-1 {
			port, net = corpus.ServerPort, corpus.ClientNet4
		}
		mask := ^uint32(0) << (32 - net.Bits())
		f := stack.EmptyFilter4()
		f.Protocol, f.CheckProtocol = header.TCPProtocolNumber, true
		f.Src = tcpip.AddrFrom4(net.Addr().As4())
		f.SrcMask = tcpip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)})
		rules = append(rules, stack.Rule{Filter: f, Matchers: []stack.Matcher{gvisorPorts{port, port}}, Target: accept})
	}
	rules = append(rules,
		stack.Rule{Filter: stack.EmptyFilter4(), Target: drop},   // n: input
		stack.Rule{Filter: stack.EmptyFilter4(), Target: accept}, // n+1: forward
		stack.Rule{Filter: stack.EmptyFilter4(), Target: accept}, // n+2: output
		stack.Rule{Filter: stack.EmptyFilter4(), Target: &stack.ErrorTarget{NetworkProtocol: header.IPv4ProtocolNumber}},
	)
	it.ForceReplaceTable(stack.FilterID, stack.Table{
		Rules: rules,
		BuiltinChains: [stack.NumHooks]int{
			stack.Prerouting: stack.HookUnset, stack.Input: 0, stack.Forward: n + 1, stack.Output: n + 2, stack.Postrouting: stack.HookUnset,
		},
		Underflows: [stack.NumHooks]int{
			stack.Prerouting: stack.HookUnset, stack.Input: n, stack.Forward: n + 1, stack.Output: n + 2, stack.Postrouting: stack.HookUnset,
		},
	}, false)
	return it
}

// gvisorPass takes a frame through the hooks of a host: prerouting and input if
// it comes from a client, output and postrouting if it is a reply.
func gvisorPass(it *stack.IPTables, frame []byte, reply bool) bool {
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(frame[14:])})
	defer p.DecRef()
	p.NetworkProtocolNumber = header.IPv4ProtocolNumber
	p.RXChecksumValidated = true
	if !parse.IPv4(p) || !parse.TCP(p) {
		return false
	}
	if reply {
		// As a host does that leaves checksums to its link; there is no route to ask.
		p.GSOOptions = stack.GSO{Type: stack.GSOTCPv4, NeedsCsum: true}
		return it.CheckOutput(p, nil, "eth0") && it.CheckPostrouting(p, nil, nil, "eth0")
	}
	return it.CheckPrerouting(p, nil, "eth0") && it.CheckInput(p, "eth0")
}

func benchGvisor(b *testing.B, rules, n int) {
	it := gvisorTables(rules)
	var frame []byte
	for i := range n {
		fl := corpus.FlowN(packet.IPv4, packet.TCP, uint64(i))
		for _, s := range []struct {
			reply bool
			flags packet.TCPFlags
		}{{false, packet.SYN}, {true, packet.SYN | packet.ACK}, {false, packet.ACK}} {
			frame = fl.AppendFrame(frame[:0], s.reply, s.flags, 64)
			if !gvisorPass(it, frame, s.reply) {
				b.Fatal("handshake refused")
			}
		}
	}
	frames := corpus.NewFrames(packet.IPv4, packet.TCP, uint64(n), measure.Draws(n), 64, packet.ACK, 1)
	measure.Packets(b, frames.Len(), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if !gvisorPass(it, frames.At(i), frames.Reply[i]) {
				b.Fatal("wrong verdict")
			}
		}
	})
}
