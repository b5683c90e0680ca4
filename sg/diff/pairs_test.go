package diff_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

// A pair opens a port if some packet between the two passes afterwards, and none did
// before.
func TestPairsAgreeWithForward(t *testing.T) {
	for seed := range seeds(150) {
		r := rand.New(rand.NewPCG(seed, 2))
		t0 := drawTopology(r)
		t1 := drawChange(r, t0)
		before, after := compile(t, t0), compile(t, t1)
		type key struct {
			from, to sg.ENIID
			f        packet.Family
		}
		pairs := map[key]diff.Pair{}
		for p := range diff.Policies(before, after).Pairs() {
			k := key{p.From, p.To, p.Family}
			if _, twice := pairs[k]; twice || len(p.Opened)+len(p.Broken) == 0 {
				t.Fatalf("seed %d: %+v", seed, p)
			}
			pairs[k] = p
		}
		passes := func(p *sg.Policy, from, to sg.ENI, f packet.Family, port uint16) (sure, maybe bool) {
			fw := sg.NewFirewall(p, nil)
			for _, a := range owns(from) {
				for _, b := range owns(to) {
					if a.Is4() != b.Is4() || a.Is4() != (f == packet.IPv4) {
						continue
					}
					h := packet.TCPHeader(netip.AddrPortFrom(a, 40000), netip.AddrPortFrom(b, port), packet.SYN)
					// Where an end is not in the policy, what passes the other is not between them.
					if o := fw.Explain(sg.Packet{Header: &h}); fw.ENI(from.ID) != nil && fw.ENI(to.ID) != nil {
						sure = sure || o.Verdict == sg.Accept
						maybe = maybe || o.Verdict == sg.Unknown
					}
				}
			}
			return sure, sure || maybe
		}
		for _, from := range drawENIs {
			for _, to := range drawENIs {
				if from.ID == to.ID {
					continue
				}
				for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
					for _, port := range []uint16{22, 80, 443, 1000} {
						p := pairs[key{from.ID, to.ID, f}]
						is := func(ss []diff.Service) bool {
							return slices.ContainsFunc(ss, func(s diff.Service) bool {
								return s.Protocol <= 6 && 6 <= s.LastProtocol && (s.Protocol != s.LastProtocol || s.First <= port && port <= s.Last)
							})
						}
						x, mayX := passes(before, from, to, f, port)
						y, mayY := passes(after, from, to, f, port)
						if is(p.Opened) != (y && !mayX) || is(p.Broken) != (x && !mayY) {
							t.Fatalf("seed %d: %s > %s %d port %d: passes %t, then %t, but %+v\n%s\n%s", seed, from.ID, to.ID, f, port, x, y, p, describe(t0), describe(t1))
						}
					}
				}
			}
		}
	}
}

// owns returns the addresses of an interface, and some of its prefixes.
func owns(e sg.ENI) []netip.Addr {
	as := slices.Clone(e.Addrs)
	for _, p := range e.Prefixes {
		as = append(as, p.Addr(), p.Addr().Next())
	}
	return as
}

// What passed and may not, or the other way round, is not said to differ.
func TestPairsUnknown(t *testing.T) {
	eni := func(id sg.ENIID, vpc sg.VPCID, addr string, group sg.GroupID) sg.ENI {
		return sg.ENI{ID: id, VPC: vpc, Addrs: []netip.Addr{netip.MustParseAddr(addr)}, Groups: []sg.GroupID{group}}
	}
	world := func(peerings ...sg.Peering) *sg.Policy {
		return compile(t, &sg.Topology{
			Groups: []sg.Group{
				{ID: "sg-a", VPC: "vpc-a", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
				{ID: "sg-b", VPC: "vpc-b", Ingress: []sg.Rule{sg.SSH.From(sg.FromGroup("sg-a"))}},
			},
			ENIs:     []sg.ENI{eni("eni-a", "vpc-a", "10.0.0.1", "sg-a"), eni("eni-b", "vpc-b", "10.1.0.1", "sg-b")},
			Peerings: peerings,
		})
	}
	unknown, deleted := world(), world(sg.Peering{ID: "pcx-1", Requester: "vpc-a", Accepter: "vpc-b", Status: "deleted"})
	active := world(sg.Peering{ID: "pcx-1", Requester: "vpc-a", Accepter: "vpc-b"})
	for _, tt := range []struct {
		before, after *sg.Policy
		want          int
	}{{active, unknown, 0}, {unknown, active, 0}, {deleted, unknown, 0}, {active, deleted, 1}} {
		pairs := slices.Collect(diff.Policies(tt.before, tt.after).Pairs())
		if len(pairs) != tt.want {
			t.Errorf("%+v, want %d", pairs, tt.want)
		}
	}
}
