package sg_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

const explainTopology = `
group sg-web
rule sg-web egress all 0.0.0.0/0
group sg-db
rule sg-db ingress tcp 5432 sg-web
rule sg-db ingress tcp 0 10.0.0.0/8
rule sg-db ingress icmp 0/0 0.0.0.0/0
rule sg-db ingress udp 0-65535 pl-corp
rule sg-db ingress tcp 22 sg-old
rule sg-db ingress udp 514 10.0.9.0/24
prefixlist pl-corp
entry pl-corp 198.51.100.0/24
entry pl-corp 198.51.0.0/16
eni eni-web 10.0.1.10 sg-web
eni eni-db 10.0.2.20 sg-db public=203.0.113.50
`

func explainFirewall(t *testing.T) *sg.Firewall {
	t.Helper()
	topo, err := topotext.Parse("explain", explainTopology)
	require.NoError(t, err)
	p, err := sg.Compile(topo)
	require.NoError(t, err)
	return sg.NewFirewall(p, nil)
}

func mustHeader(t *testing.T, s string) *packet.Header {
	t.Helper()
	h, err := packet.ParseHeader(s)
	require.NoError(t, err, s)
	return &h
}

// CTS-65: connection, direction, state, remaining time, rule and what matched.
func TestExplainStructure(t *testing.T) {
	fw := explainFirewall(t)
	syn := mustHeader(t, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S")
	x := fw.Explain(sent(syn, start))
	require.Len(t, x.Hops, 2)
	assert.Equal(t, sg.Accept, x.Verdict)
	assert.Equal(t, "0.0.0.0/0", x.Hops[0].Match.CIDR.String())
	assert.Equal(t, sg.ENIID("eni-web"), x.Hops[1].Match.Member)
	assert.Nil(t, x.Hops[1].Conn)
	assert.Zero(t, fw.Stats().Entries, "an explanation opens nothing")

	fw.Forward(sent(syn, start))
	x = fw.Explain(sent(mustHeader(t, "tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA"), start.Add(time.Second)))
	require.Len(t, x.Hops, 2)
	c := x.Hops[0].Conn
	require.NotNil(t, c)
	assert.Equal(t, sg.ENIID("eni-db"), x.Hops[0].Enforcer.ID())
	assert.Equal(t, conntrack.SynSent, c.State, "as it stands before the packet")
	assert.Equal(t, conntrack.Reply, c.Dir)
	assert.Equal(t, 119*time.Second, c.Remaining)
	assert.Equal(t, "sg-db ingress[0]", c.Rule.String())
	x = fw.Explain(sent(mustHeader(t, "tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA"), start.Add(-time.Minute)))
	assert.Equal(t, 120*time.Second, x.Hops[0].Conn.Remaining, "by the clock, which does not run backwards")

	x = fw.ENI("eni-db").Explain(sg.Ingress, sent(mustHeader(t, "udp 198.51.100.7:1 > 10.0.2.20:9"), start))
	assert.Equal(t, sg.PrefixListID("pl-corp"), x.Hops[0].Match.PrefixList)
	assert.Equal(t, "198.51.100.0/24", x.Hops[0].Match.CIDR.String(), "the longest entry")

	x = fw.ENI("eni-db").Explain(sg.Ingress, sent(mustHeader(t, "tcp 10.0.1.10:40001 > 10.0.2.20:3306 S"), start))
	require.Len(t, x.Hops[0].Near, 5)
	near := x.Hops[0].Near[0]
	assert.Equal(t, "sg-db ingress[0]", near.Rule.String())
	assert.Equal(t, []sg.Fail{{Field: "port", Want: "5432", Got: "3306"}}, near.Fails)
	assert.Equal(t, x.Hops[0].Near, fw.ENI("eni-db").Near(sg.Ingress, x.Packet))
	assert.Empty(t, fw.ENI("eni-none").Near(sg.Ingress, x.Packet))
	assert.Empty(t, fw.ENI("eni-db").Near(0, x.Packet))
}

func TestExplainText(t *testing.T) {
	for name, c := range map[string]struct {
		eni    sg.ENIID
		dir    sg.Direction
		packet string
		want   string
	}{
		"the wrong port": {"", 0, "tcp 10.0.1.10:40001 > 10.0.2.20:3306 S", `tcp 10.0.1.10:40001 > 10.0.2.20:3306 S: drop, no_rule
eni-web egress: accept, rule
  connection  none
  rule        sg-web egress[0]: all 0.0.0.0/0
  matched     10.0.2.20 in 0.0.0.0/0
eni-db ingress: drop, no_rule
  connection  none
  groups      sg-db
  nearest     sg-db ingress[0]: port 5432, packet had 3306
  nearest     sg-db ingress[1]: port 0, packet had 3306
  nearest     sg-db ingress[4]: port 22, packet had 3306; source sg-old, packet had 10.0.1.10: sg-old is not in the topology
  nearest     sg-db ingress[2]: protocol icmp, packet had tcp
  nearest     sg-db ingress[3]: protocol udp, packet had tcp; source pl-corp, packet had 10.0.1.10: no entry of the list contains it
  hint        sg-db ingress[1] is for port 0 only; all ports are 0-65535 (SG-24)
`},
		"ping": {"eni-db", sg.Ingress, "icmp 10.0.1.10 > 10.0.2.20 8/0 id 7", `icmp 10.0.1.10 > 10.0.2.20 8/0 id 7: drop, no_rule
eni-db ingress: drop, no_rule
  connection  none
  groups      sg-db
  nearest     sg-db ingress[2]: icmp type 0, packet had 8
  nearest     sg-db ingress[0]: protocol tcp, packet had icmp
  nearest     sg-db ingress[1]: protocol tcp, packet had icmp
  nearest     sg-db ingress[3]: protocol udp, packet had icmp; source pl-corp, packet had 10.0.1.10: no entry of the list contains it
  nearest     sg-db ingress[4]: protocol tcp, packet had icmp; source sg-old, packet had 10.0.1.10: sg-old is not in the topology
  hint        sg-db ingress[2] is for the echo reply only; ping is icmp 8/-1, all of ICMP -1/-1 (SG-30)
`},
		"a late reply": {"eni-web", sg.Ingress, "udp 8.8.8.8:53 > 10.0.1.10:40000", `udp 8.8.8.8:53 > 10.0.1.10:40000: drop, no_rule
eni-web ingress: drop, no_rule
  connection  none
  groups      sg-web
  hint        none of its groups has ingress rules, so no new connection is admitted (SG-07)
  hint        sg-web egress[0] admits the connection that this would answer, but none is tracked: it expired, or it began before the first packet (CT-44, CT-45)
`},
		"nobody's packet": {"", 0, "tcp 192.0.2.1:1 > 203.0.113.50:2 S", `tcp 192.0.2.1:1 > 203.0.113.50:2 S: not_applicable, no_interface
  note        neither end is a private address of an interface of the topology
  note        203.0.113.50 is a public address of eni-db; it is translated before security groups see the packet (REF-02): ask about 10.0.2.20
`},
		"exempt": {"eni-db", sg.Egress, "udp 10.0.2.20:1 > 169.254.169.253:53", `udp 10.0.2.20:1 > 169.254.169.253:53: accept, exempt
eni-db egress: accept, exempt
  exempt      security groups do not filter this traffic: the DNS resolver (EX-02)
`},
	} {
		t.Run(name, func(t *testing.T) {
			fw, h := explainFirewall(t), mustHeader(t, c.packet)
			x := fw.Explain(sent(h, start))
			if c.eni != "" {
				x = fw.ENI(c.eni).Explain(c.dir, sent(h, start))
			}
			assert.Equal(t, c.want, x.String())
		})
	}
}

// A rule that names a load balancer's group admits what comes through it.
func TestExplainThrough(t *testing.T) {
	topo, err := topotext.Parse("nlb", `
group sg-nlb
rule sg-nlb egress all 0.0.0.0/0
group sg-t
rule sg-t ingress tcp 8080 sg-nlb
eni eni-nlb 10.0.9.10 sg-nlb type=network_load_balancer
eni eni-t 10.0.1.10 sg-t
`)
	require.NoError(t, err)
	fw := sg.NewFirewall(mustCompile(t, topo), nil)
	ask := func(h string, via sg.Via) *sg.HopExplanation {
		p := sent(mustHeader(t, h), start)
		p.Via = via
		hops := fw.Explain(p).Hops
		return &hops[len(hops)-1]
	}
	const client = "tcp 203.0.113.5:4000 > 10.0.1.10:8080 S"
	assert.Contains(t, ask(client, sg.Via{}).Hints[0], "say through=eni-nlb")
	for _, via := range []sg.Via{{Through: "eni-nlb"}, {Through: "eni-nlb", Appliance: true}} {
		hop := ask(client, via)
		assert.Equal(t, sg.ENIID("eni-nlb"), hop.Match.Member)
		assert.True(t, hop.Match.Through)
	}
	p := sent(mustHeader(t, client), start)
	p.Via.Through = "eni-nlb"
	assert.Contains(t, fw.Explain(p).String(), "matched     203.0.113.5 came through eni-nlb, a member of sg-nlb\n")
	own := ask("tcp 10.0.9.10:4000 > 10.0.1.10:8080 S", sg.Via{Through: "eni-nlb"})
	assert.Equal(t, sg.ENIID("eni-nlb"), own.Match.Member)
	assert.False(t, own.Match.Through, "the address is its own")
	p.Via.Through = "eni-t"
	assert.Contains(t, fw.Explain(p).Notes[0], "through eni-t, which is an end of its path")
	assert.Contains(t, fw.ENI("eni-t").Explain(sg.Ingress, p).Notes[0], "which is an end of its path")
	near := ask("tcp 203.0.113.5:4000 > 10.0.1.10:80 S", sg.Via{Through: "eni-nlb"}).Near[0]
	assert.Equal(t, "sg-t ingress[0]: port 8080, packet had 80", near.String(), "its source is right")
}

// An answer to what is dropped is not an answer that comes too late.
func TestExplainRefused(t *testing.T) {
	topo, err := topotext.Parse("ping", `
group sg-a
rule sg-a ingress all 0.0.0.0/0
rule sg-a ingress all ::/0
group sg-b
eni eni-a 10.0.1.10 2001:db8::a sg-a
eni eni-b 10.0.2.20 2001:db8::b sg-b
`)
	require.NoError(t, err)
	fw := sg.NewFirewall(mustCompile(t, topo), nil)
	for in, want := range map[string]string{
		"icmpv6 2001:db8::a > 2001:db8::b 129/0":   "note        it answers a request that is dropped at eni-b egress, no_rule: no host sends it",
		"icmp 10.0.1.10 > 10.0.2.20 0/0":           "note        it answers a request that is dropped at eni-b egress, no_rule: no host sends it",
		"tcp 10.0.1.10:443 > 10.0.2.20:40000 SA":   "note        it answers a SYN that is dropped at eni-b egress, no_rule: no host sends it",
		"udp 10.0.1.10:53 > 10.0.2.20:40000":       "hint        sg-a ingress[0] admits the connection that this would answer, but its first packet is dropped at eni-b egress, no_rule",
		"udp 10.0.1.10:53 > 198.51.100.7:40000":    "none is tracked: it expired",
		"icmp 10.0.1.10 > 198.51.100.7 0/0":        "none is tracked: it expired",
		"icmpv6 2001:db8::a > 2001:db8:9::b 129/0": "none is tracked: it expired",
	} {
		said := fw.Explain(sent(mustHeader(t, in), start)).String()
		assert.Contains(t, said, want, in)
		assert.Equal(t, strings.Contains(want, "expired"), strings.Contains(said, "expired"), said)
		assert.Equal(t, 1, strings.Count(said, "would answer")+strings.Count(said, "it answers"), "said once: %s", said)
	}
}

// What an id holds begins no line of its own.
func TestExplainForgedLine(t *testing.T) {
	const group = "sg-1\neni-b ingress: accept, rule"
	topo := &sg.Topology{
		Groups: []sg.Group{{ID: group, Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}}},
		ENIs:   []sg.ENI{{ID: "eni-a\nx", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Groups: []sg.GroupID{group}}},
	}
	x := sg.NewFirewall(mustCompile(t, topo), nil).Explain(sg.Packet{Header: tcp("10.0.0.1:1", "10.0.0.2:2", syn), Time: start})
	for line := range strings.Lines(x.String()) {
		assert.False(t, strings.HasPrefix(line, "eni-b") || strings.HasPrefix(line, "x"), "%q", line)
	}
}

// Where a connection decides, a rule that would match is not what decided.
func TestExplainRulesNotAsked(t *testing.T) {
	fw := explainFirewall(t)
	fw.Forward(sent(mustHeader(t, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"), start))
	text := fw.Explain(sent(mustHeader(t, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 A len 9"), start)).String()
	assert.Contains(t, text, "  admitted    by sg-web egress[0]: all 0.0.0.0/0\n  not asked   would match: sg-web egress[0]: all 0.0.0.0/0\n")
	assert.NotContains(t, text, "  rule ")
	assert.NotContains(t, text, "  matched ")
}

func TestExplainNobody(t *testing.T) {
	var e *sg.Enforcer
	x := e.Explain(sg.Ingress, sent(mustHeader(t, "tcp 192.0.2.1:1 > 203.0.113.50:2 S"), start))
	assert.Equal(t, sg.Drop, x.Verdict)
	assert.Equal(t, sg.NoInterface, x.Reason)
	assert.Contains(t, x.String(), "the policy does not have this interface")
	x = explainFirewall(t).ENI("eni-db").Explain(0, sent(mustHeader(t, "tcp 192.0.2.1:1 > 10.0.2.20:2 S"), start))
	assert.Equal(t, sg.BadDirection, x.Reason)
	assert.NotPanics(t, func() { _ = explainFirewall(t).Explain(sent(&packet.Header{}, start)).String() })

	none, err := sg.Compile(&sg.Topology{Groups: []sg.Group{{ID: "sg-a"}}})
	require.NoError(t, err)
	x = sg.NewFirewall(none, nil).Explain(sent(mustHeader(t, "tcp 192.0.2.1:1 > 10.0.2.20:2 S"), start))
	assert.Contains(t, x.String(), "the topology has no interfaces")
}

// Ports that the capture cut off are not port zero.
func TestMatchWithoutPorts(t *testing.T) {
	p := explainFirewall(t).Policy()
	_, ok := p.Match("eni-db", sg.Ingress, mustHeader(t, "tcp 10.0.1.10 > 10.0.2.20 missing ports,flags"))
	assert.False(t, ok)
	m, ok := p.Match("eni-db", sg.Ingress, mustHeader(t, "udp 198.51.100.9 > 10.0.2.20 missing ports"))
	assert.True(t, ok)
	assert.Equal(t, "sg-db ingress[3]", m.Rule.String())
	assert.False(t, m.Untracked)
}

// What is exempt says which service it is.
func TestExplainExempt(t *testing.T) {
	topo, err := topotext.Parse("t", "vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.2.0/24\ngroup sg-a vpc=vpc-1\neni eni-a 10.0.2.20 2001:db8::1 sg-a vpc=vpc-1\n")
	require.NoError(t, err)
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	for packet, want := range map[string]string{
		"udp 10.0.2.20:1 > 169.254.169.253:53":       "the DNS resolver",
		"udp 10.0.2.20:1 > 10.0.0.2:53":              "the DNS resolver",
		"tcp 10.0.2.20:1 > 169.254.169.254:80 S":     "instance metadata",
		"udp 10.0.2.20:1 > 169.254.169.123:123":      "time",
		"tcp 10.0.2.20:1 > 169.254.170.2:80 S":       "ECS task metadata",
		"tcp 10.0.2.20:1 > 169.254.169.250:1688 S":   "Windows activation",
		"icmp 10.0.2.20 > 10.0.2.1 8/0":              "the subnet's router",
		"udp 10.0.2.20:68 > 10.0.2.1:67":             "DHCP",
		"udp [2001:db8::1]:546 > [fe80::1]:547":      "DHCP",
		"icmpv6 2001:db8::1 > ff02::1 135/0 ttl 255": "neighbour and multicast listener discovery",
		"udp [2001:db8::1]:1 > [fd00:ec2::253]:53":   "the DNS resolver",
	} {
		h := mustHeader(t, packet)
		assert.Contains(t, sg.NewFirewall(policy, nil).Explain(sent(h, start)).String(), "exempt      security groups do not filter this traffic: "+want+" (EX-0", packet)
	}
}
