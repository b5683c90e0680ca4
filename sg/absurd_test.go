package sg_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// Topologies that nobody should have compile and decide all the same, or are
// refused with an error that says why.
func TestAbsurdTopologies(t *testing.T) {
	start := time.Unix(0, 0)
	t.Run("nothing", func(t *testing.T) {
		for _, p := range []*sg.Policy{nil, {}, must(sg.Compile(&sg.Topology{}))} {
			fw := sg.NewFirewall(p, nil)
			out := fw.Forward(sent(mustHeader(t, asks), start))
			assert.Equal(t, sg.NoInterface, out.Reason)
			assert.NotEmpty(t, fw.Explain(sent(mustHeader(t, asks), start)).String())
			assert.Equal(t, sg.NoInterface, fw.ENI("eni-1").Evaluate(sg.Ingress, sent(mustHeader(t, asks), start)).Reason)
			fw.Swap(nil, start)
			assert.NotNil(t, fw.Clone().Policy())
		}
		assert.NotNil(t, must(sg.Compile(nil)))
	})

	t.Run("10,000 groups on one interface, each naming the next", func(t *testing.T) {
		const n = 10_000
		e := sg.ENI{ID: "eni-1", Addrs: mustip.Addrs("10.0.0.1")}
		topo := &sg.Topology{}
		for i := range n {
			g := sg.Group{ID: sg.GroupID(fmt.Sprint("sg-", i))}
			g.Ingress = []sg.Rule{{Protocol: sg.TCP, Ports: sg.Port(i), Peer: sg.FromGroup(sg.GroupID(fmt.Sprint("sg-", (i+1)%n)))}}
			topo.Groups = append(topo.Groups, g)
			e.Groups = append(e.Groups, g.ID)
		}
		topo.ENIs = []sg.ENI{e, {ID: "eni-2", Addrs: mustip.Addrs("10.0.0.2"), Groups: []sg.GroupID{"sg-0"}}}
		fw := sg.NewFirewall(must(sg.Compile(topo)), nil)
		d := fw.ENI("eni-1").Evaluate(sg.Ingress, sent(mustHeader(t, "tcp 10.0.0.2:1 > 10.0.0.1:9999 S"), start))
		assert.Equal(t, "sg-9999 ingress[0]", d.Rule.String())
		d = fw.ENI("eni-1").Evaluate(sg.Ingress, sent(mustHeader(t, "tcp 10.0.0.2:1 > 10.0.0.1:9998 S"), start))
		assert.Equal(t, sg.NoRule, d.Reason, "sg-9999 is not on eni-2")
		require.NoError(t, fw.Attach("eni-2", "sg-9999", start))
		d = fw.ENI("eni-1").Evaluate(sg.Ingress, sent(mustHeader(t, "tcp 10.0.0.2:1 > 10.0.0.1:9998 S"), start))
		assert.Equal(t, "sg-9998 ingress[0]", d.Rule.String())
	})

	t.Run("100,000 rules in a group", func(t *testing.T) {
		const n = 100_000
		g := sg.Group{ID: "sg-a"}
		host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, byte(i >> 16), byte(i >> 8), byte(i)}) }
		for i := range n {
			g.Ingress = append(g.Ingress, sg.Rule{Protocol: sg.UDP, Ports: sg.Port(i % 1000), Peer: sg.Peer{CIDR: netip.PrefixFrom(host(i), 32)}})
		}
		topo := &sg.Topology{Groups: []sg.Group{g}, ENIs: []sg.ENI{{ID: "eni-1", Addrs: mustip.Addrs("10.0.0.1"), Groups: []sg.GroupID{"sg-a"}}}}
		fw := sg.NewFirewall(must(sg.Compile(topo)), nil)
		to := func(i, port int) *packet.Header {
			h := packet.UDPHeader(netip.AddrPortFrom(host(i), 1), netip.AddrPortFrom(topo.ENIs[0].Addrs[0], uint16(port)))
			return &h
		}
		for _, i := range []int{0, 1, 65_535, 65_536, n - 1} {
			d := fw.ENI("eni-1").Evaluate(sg.Ingress, sent(to(i, i%1000), start))
			assert.Equal(t, i, d.Rule.Index())
			assert.Equal(t, sg.NoRule, fw.Forward(sent(to(i, (i+1)%1000), start)).Reason)
		}
		require.NoError(t, fw.Revoke("sg-a", sg.Ingress, g.Ingress[n-1], start))
		assert.Equal(t, sg.NoRule, fw.Forward(sent(to(n-1, (n-1)%1000), start.Add(time.Minute))).Reason)
	})

	t.Run("peerings in a ring, with itself, twice and with nobody", func(t *testing.T) {
		topo := must(topotext.Parse("t", `
peering pcx-1 vpc-1 vpc-2 status=active
peering pcx-2 vpc-2 vpc-3 status=active
peering pcx-3 vpc-3 vpc-1 status=active
peering pcx-4 vpc-2 vpc-1 status=deleted
peering pcx-5 vpc-1 vpc-1 status=active
peering pcx-6 vpc-8 vpc-9 status=active
group sg-a vpc=vpc-1
rule sg-a ingress tcp 80 sg-b
rule sg-a ingress tcp 81 sg-b peering=pcx-4
rule sg-a ingress tcp 82 sg-b peering=pcx-6
group sg-b vpc=vpc-2
eni eni-a 10.1.0.1 sg-a vpc=vpc-1
eni eni-b 10.2.0.1 sg-b vpc=vpc-2
eni eni-c 10.3.0.1 sg-b vpc=vpc-4
`))
		fw := sg.NewFirewall(must(sg.Compile(topo)), nil)
		reason := func(packet string) sg.Reason {
			return fw.ENI("eni-a").Evaluate(sg.Ingress, sent(mustHeader(t, packet), start)).Reason
		}
		assert.Equal(t, sg.ByRule, reason("tcp 10.2.0.1:1 > 10.1.0.1:80 S"))
		assert.Equal(t, sg.ByRule, reason("tcp 10.2.0.1:1 > 10.1.0.1:81 S"), "another peering between them is active (REF-14)")
		assert.Equal(t, sg.ByRule, reason("tcp 10.2.0.1:1 > 10.1.0.1:82 S"), "and again")
		assert.Equal(t, sg.NoRule, reason("tcp 10.3.0.1:1 > 10.1.0.1:80 S"), "no peering leads to its VPC")
	})

	t.Run("one address at several interfaces", func(t *testing.T) {
		twice := &sg.Topology{ENIs: []sg.ENI{{ID: "eni-1", Addrs: mustip.Addrs("10.0.0.1")}, {ID: "eni-2", Addrs: mustip.Addrs("10.0.0.1")}}}
		_, err := sg.Compile(twice)
		assert.ErrorContains(t, err, "eni-1")
		twice.ENIs[0].VPC, twice.ENIs[1].VPC = "vpc-1", "vpc-2"
		fw := sg.NewFirewall(must(sg.Compile(twice)), nil)
		assert.Equal(t, sg.Ambiguous, fw.Forward(sent(mustHeader(t, "tcp 192.0.2.9:1 > 10.0.0.1:80 S"), start)).Reason)
		// A delegated prefix around another's address: neither is preferred.
		within := &sg.Topology{ENIs: []sg.ENI{{ID: "eni-1", Prefixes: mustip.Prefixes("10.0.0.0/28")}, {ID: "eni-2", VPC: "vpc-2", Addrs: mustip.Addrs("10.0.0.1")}}}
		_, ok := must(sg.Compile(within)).ENIByAddr(netip.MustParseAddr("10.0.0.1"))
		assert.False(t, ok)
		within.ENIs[1].VPC = ""
		_, err = sg.Compile(within)
		assert.ErrorIs(t, err, sg.ErrExists)
	})

	t.Run("maxima below zero and empty lists", func(t *testing.T) {
		topo := &sg.Topology{
			PrefixLists: []sg.PrefixList{{ID: "pl-1", MaxEntries: 0}, {ID: "pl-2", MaxEntries: -5}},
			Groups:      []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{sg.HTTPS.From(sg.FromPrefixList("pl-1")), sg.HTTPS.From(sg.FromPrefixList("pl-2")), sg.HTTP.From(sg.AnyIPv4)}}},
			ENIs:        []sg.ENI{{ID: "eni-1", Addrs: mustip.Addrs("10.0.0.1"), Groups: []sg.GroupID{"sg-a"}}},
		}
		_, err := sg.Compile(topo)
		assert.ErrorContains(t, err, "pl-2: -5")
		topo.PrefixLists[1].MaxEntries = 0
		p := must(sg.Compile(topo))
		for _, o := range []sg.Options{{MaxConnections: -1}, {InstanceMax: map[sg.InstanceID]int{"": -1}}} {
			fw := sg.NewFirewall(p, &o)
			assert.Equal(t, sg.NoRule, fw.Forward(sent(mustHeader(t, "tcp 192.0.2.9:1 > 10.0.0.1:443 S"), start)).Reason)
			assert.Equal(t, sg.ByRule, fw.Forward(sent(mustHeader(t, "tcp 192.0.2.9:1 > 10.0.0.1:80 S"), start)).Reason)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A flood of SYNs takes what room there is and no more, and harms nobody who was
// there before (CT-63).
func TestSYNFlood(t *testing.T) {
	const most, flood = 500, 200_000
	policy := must(sg.Compile(&sg.Topology{
		Groups: []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4)}}},
		ENIs:   []sg.ENI{{ID: "eni-1", Addrs: mustip.Addrs("10.0.0.1"), Groups: []sg.GroupID{"sg-a"}}},
	}))
	for _, o := range []sg.Options{{MaxConnections: most}, {InstanceMax: map[sg.InstanceID]int{"": most}}} {
		fw := sg.NewFirewall(policy, &o)
		now := time.Unix(0, 0)
		for _, s := range []string{"tcp 192.0.2.9:1 > 10.0.0.1:443 S", "tcp 10.0.0.1:443 > 192.0.2.9:1 SA", "tcp 192.0.2.9:1 > 10.0.0.1:443 A"} {
			require.Equal(t, sg.Accept, fw.Forward(sent(mustHeader(t, s), now)).Verdict)
		}
		reasons := map[sg.Reason]int{}
		for i := range flood {
			now = now.Add(2 * time.Millisecond) // 400 s long, of which an unanswered SYN lives 120
			h := packet.TCPHeader(netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)}), 9), netip.MustParseAddrPort("10.0.0.1:443"), packet.SYN)
			reasons[fw.Forward(sent(&h, now)).Reason]++
			if n := fw.Stats().Entries; n > most {
				t.Fatalf("%d connections after %d packets", n, i)
			}
		}
		require.Equal(t, map[sg.Reason]int{sg.ByRule: 4 * (most - 1), sg.TableFull: flood - 4*(most-1)}, reasons)
		require.EqualValues(t, reasons[sg.TableFull], fw.Stats().Refused)
		require.Equal(t, sg.Tracked, fw.Forward(sent(mustHeader(t, "tcp 192.0.2.9:1 > 10.0.0.1:443 PA len 9"), now)).Reason)
	}
}
