package sg_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/naive"
)

// Mistakes that other simulators make.

func TestBothEndsMustAdmit(t *testing.T) {
	h := tcp("10.0.1.10:9", "10.0.2.20:22", syn)
	for name, tt := range map[string]struct {
		sender, receiver []string
		want             sg.Reason
		hops             int
	}{
		"both":          {[]string{"all 0.0.0.0/0"}, []string{"tcp 22 sg-a"}, sg.ByRule, 2},
		"sender only":   {[]string{"all 0.0.0.0/0"}, nil, sg.NoRule, 2},
		"receiver only": {nil, []string{"tcp 22 sg-a"}, sg.NoRule, 1},
	} {
		topo := twoENIs(t, tt.receiver, nil)
		topo.Groups[0].Egress = rules(t, tt.sender...)
		f := firewall(t, topo, nil)
		o := f.Forward(sent(h, start))
		assert.Equal(t, tt.want, o.Reason, name)
		assert.Len(t, o.Hops(), tt.hops, name)
		assert.Equal(t, tt.want == sg.ByRule, o.Verdict == sg.Accept, name)
	}
}

func TestMissingReferenceMatchesNothing(t *testing.T) {
	f := firewall(t, twoENIs(t, []string{"all sg-gone", "all sg-gone account=1"}, nil), nil)
	for _, h := range []*packet.Header{tcp("10.0.1.10:9", "10.0.2.20:22", syn), tcp("192.0.2.1:9", "10.0.2.20:22", syn), proto("10.0.1.10", "10.0.2.20", packet.ESP)} {
		assert.Equal(t, sg.NoRule, f.ENI("eni-b").Evaluate(sg.Ingress, sent(h, start)).Reason)
	}
}

func TestICMPCodeCounts(t *testing.T) {
	e := firewall(t, oneENI(t, []string{"icmp 3/4 0.0.0.0/0"}, nil), nil).ENI("eni-e")
	assert.Equal(t, sg.ByRule, e.Evaluate(sg.Ingress, sent(icmp("192.0.2.1", "10.0.1.10", 3, 4, 0), start)).Reason)
	assert.Equal(t, sg.NoRule, e.Evaluate(sg.Ingress, sent(icmp("192.0.2.1", "10.0.1.10", 3, 3, 0), start)).Reason)
	assert.Equal(t, sg.NoRule, e.Evaluate(sg.Ingress, sent(icmp("192.0.2.1", "10.0.1.10", 4, 4, 0), start)).Reason)
}

func TestIPv6RulesWork(t *testing.T) {
	e := firewall(t, oneENI(t, []string{"tcp 443 2001:db8:7::/48", "icmpv6 128/0 ::/0"}, nil), nil).ENI("eni-e")
	assert.Equal(t, sg.ByRule, e.Evaluate(sg.Ingress, sent(tcp("[2001:db8:7::1]:9", "[2001:db8:1::10]:443", syn), start)).Reason)
	assert.Equal(t, sg.Tracked, e.Evaluate(sg.Egress, sent(tcp("[2001:db8:1::10]:443", "[2001:db8:7::1]:9", synAck), start)).Reason)
	assert.Equal(t, sg.NoRule, e.Evaluate(sg.Ingress, sent(tcp("[2001:db8:8::1]:9", "[2001:db8:1::10]:443", syn), start)).Reason)
	assert.Equal(t, sg.ByRule, e.Evaluate(sg.Ingress, sent(icmp("2001:db8:8::1", "2001:db8:1::10", 128, 0, 1), start)).Reason)
}

func TestFamiliesAreNeverCompared(t *testing.T) {
	v4 := tcp("10.0.1.9:9", "10.0.1.10:22", syn)
	v6 := mapped(tcp("10.0.1.9:9", "10.0.1.10:22", syn)) // IPv6 with mapped addresses
	for rule, want := range map[string][2]sg.Reason{
		"tcp 22 10.0.0.0/8": {sg.ByRule, sg.NoRule},
		"tcp 22 0.0.0.0/0":  {sg.ByRule, sg.NoRule},
		"tcp 22 ::/0":       {sg.NoRule, sg.ByRule},
		"tcp 22 ::/80":      {sg.NoRule, sg.ByRule},
	} {
		f := firewall(t, oneENI(t, []string{rule}, nil), nil)
		assert.Equal(t, want[0], f.ENI("eni-e").Evaluate(sg.Ingress, sent(v4, start)).Reason, rule)
		assert.Equal(t, want[1], f.ENI("eni-e").Evaluate(sg.Ingress, sent(v6, start)).Reason, rule)
		o := f.Forward(sent(v6, start))
		assert.Equal(t, sg.NoInterface, o.Reason, "no ENI owns a mapped address")
	}
	// Nor does a group's member own one, nor is the metadata address exempt.
	f := firewall(t, twoENIs(t, []string{"tcp 22 sg-a"}, nil), nil)
	assert.Equal(t, sg.NoRule, f.ENI("eni-b").Evaluate(sg.Ingress, sent(mapped(tcp("10.0.1.10:9", "10.0.2.20:22", syn)), start)).Reason)
	assert.Equal(t, sg.NoRule, f.ENI("eni-b").Evaluate(sg.Egress, sent(mapped(tcp("10.0.2.20:9", "169.254.169.254:80", syn)), start)).Reason)
}

// icmpError is a fragmentation-needed message from a router about h.
func icmpError(h *packet.Header) *packet.Header {
	e := icmp("192.0.2.99", h.SrcAddr().String(), 3, 4, 0)
	e.Quoted = packet.Quote{Tuple: h.Tuple(), Part: packet.QuoteTuple}
	return e
}

func TestICMPErrorsNeedARule(t *testing.T) {
	about := tcp("10.0.1.10:40000", "198.51.100.7:80", syn)
	other := tcp("10.0.1.10:40001", "198.51.100.7:80", syn)
	for name, tt := range map[string]struct {
		ingress []string
		related bool
		want    [2]sg.Reason // about the open connection, about none
	}{
		"no rule":               {nil, false, [2]sg.Reason{sg.NoRule, sg.NoRule}},
		"a rule":                {[]string{"icmp 3/4 0.0.0.0/0"}, false, [2]sg.Reason{sg.ByRule, sg.ByRule}},
		"related":               {nil, true, [2]sg.Reason{sg.Related, sg.NoRule}},
		"related, and unwanted": {[]string{"icmp 3/3 0.0.0.0/0"}, true, [2]sg.Reason{sg.Related, sg.NoRule}},
	} {
		e := firewall(t, oneENI(t, tt.ingress, anyEgress), &sg.Options{RelatedICMP: tt.related}).ENI("eni-e")
		require.Equal(t, sg.ByRule, e.Evaluate(sg.Egress, sent(about, start)).Reason)
		assert.Equal(t, tt.want[0], e.Evaluate(sg.Ingress, sent(icmpError(about), start)).Reason, name)
		assert.Equal(t, tt.want[1], e.Evaluate(sg.Ingress, sent(icmpError(other), start)).Reason, name)
	}
}

func fragment(h *packet.Header, id uint32, offset uint16, more bool) *packet.Header {
	f := *h
	f.FragID, f.FragOffset, f.MoreFrags = id, offset, more
	if offset > 0 {
		f.SrcPort, f.DstPort, f.TCPFlags, f.ICMPType, f.ICMPCode = 0, 0, 0, 0, 0
	}
	return &f
}

func TestLaterFragmentsFollowTheFirst(t *testing.T) {
	good, bad := udp("10.9.0.1:9", "10.0.1.10:53"), udp("10.9.0.1:9", "10.0.1.10:54")
	for name, tt := range map[string]struct {
		rule  string
		frags []*packet.Header
		want  sg.Reason // of the last one
	}{
		"after one that passed":      {"udp 53 10.0.0.0/8", []*packet.Header{fragment(good, 1, 0, true), fragment(good, 1, 1480, false)}, sg.Tracked},
		"after one that did not":     {"udp 53 10.0.0.0/8", []*packet.Header{fragment(bad, 1, 0, true), fragment(bad, 1, 1480, false)}, sg.BadFragment},
		"of another datagram":        {"udp 53 10.0.0.0/8", []*packet.Header{fragment(good, 1, 0, true), fragment(good, 2, 1480, false)}, sg.BadFragment},
		"without a first one":        {"udp 53 10.0.0.0/8", []*packet.Header{fragment(good, 1, 1480, false)}, sg.BadFragment},
		"where every port is let in": {"udp 0-65535 10.0.0.0/8", []*packet.Header{fragment(good, 1, 1480, false)}, sg.ByRule},
		"where everything is let in": {"all 10.0.0.0/8", []*packet.Header{fragment(good, 1, 1480, false)}, sg.ByRule},
		"from elsewhere":             {"all 172.16.0.0/12", []*packet.Header{fragment(good, 1, 1480, false)}, sg.BadFragment},
		"over the TCP flags":         {"all 10.0.0.0/8", []*packet.Header{fragment(tcp("10.9.0.1:9", "10.0.1.10:53", syn), 1, 8, true)}, sg.BadFragment},
		"first too short":            {"all 10.0.0.0/8", []*packet.Header{short(fragment(good, 1, 0, true))}, sg.BadFragment},
		"after a first too short":    {"all 10.0.0.0/8", []*packet.Header{short(fragment(good, 1, 0, true)), fragment(good, 1, 1480, false)}, sg.BadFragment},
	} {
		e := firewall(t, oneENI(t, []string{tt.rule}, nil), nil).ENI("eni-e")
		var d sg.Decision
		for _, h := range tt.frags {
			d = e.Evaluate(sg.Ingress, sent(h, start))
		}
		assert.Equal(t, tt.want, d.Reason, name)
	}
}

// short is a first fragment whose datagram was cut before the ports.
func short(h *packet.Header) *packet.Header {
	h.Missing, h.SrcPort, h.DstPort = packet.MissingPorts, 0, 0
	h.Length = 22
	h.Captured = h.Length
	return h
}

func TestEntriesLiveWhileRepliesAreDue(t *testing.T) {
	topo := oneENI(t, nil, anyEgress)
	f := firewall(t, topo, nil)
	e := f.ENI("eni-e")
	h := udp("10.0.1.10:40000", "8.8.8.8:53")
	require.Equal(t, sg.ByRule, e.Evaluate(sg.Egress, sent(h, start)).Reason)
	f.Expire(seconds(29), 1000)
	topo.Groups[0].Egress = nil
	f.Swap(mustCompile(t, topo), seconds(29))
	assert.Equal(t, sg.Tracked, e.Evaluate(sg.Ingress, sent(udp("8.8.8.8:53", "10.0.1.10:40000"), seconds(29))).Reason)
	assert.Equal(t, sg.Tracked, e.Evaluate(sg.Egress, sent(h, seconds(58))).Reason, "its rule is gone (CT-20)")
}

// The first ENI admitted the packet and cannot know what became of it (SG-06).
func TestDropAtTheSecondENI(t *testing.T) {
	f := firewall(t, twoENIs(t, nil, nil), nil)
	o := f.Forward(sent(tcp("10.0.1.10:9", "10.0.2.20:22", syn), start))
	require.Equal(t, sg.NoRule, o.Reason)
	conns := slices.Collect(f.Conns(start))
	require.Len(t, conns, 1)
	assert.Same(t, f.ENI("eni-a"), conns[0].Enforcer)
	assert.Equal(t, "sg-a egress[0]", conns[0].Rule.String())

	// A packet that the first drops leaves nothing anywhere.
	o = f.Forward(sent(tcp("10.0.2.20:9", "10.0.1.10:22", syn), start))
	require.Equal(t, sg.NoRule, o.Reason)
	require.Len(t, o.Hops(), 1)
	assert.Equal(t, 1, f.Stats().Entries)
}

// What a rule admits is tracked at its own ENI alone (CT-04).
func TestGroupPeers(t *testing.T) {
	topo := twoENIs(t, []string{"tcp 22 sg-a"}, nil)
	topo.ENIs[0].Prefixes = []netip.Prefix{pfx("10.0.1.16/28")}
	for name, tt := range map[string]struct {
		src  string
		via  sg.Via
		edit func(*sg.Topology)
		want sg.Reason
	}{
		"private address":          {src: "10.0.1.10", want: sg.ByRule},
		"delegated prefix":         {src: "10.0.1.17", want: sg.ByRule},
		"public address (REF-02)":  {src: "203.0.113.50", want: sg.NoRule},
		"appliance (REF-12)":       {src: "10.0.1.10", via: sg.Via{Appliance: true}, want: sg.NoRule},
		"not a member":             {src: "10.0.1.11", want: sg.NoRule},
		"another VPC (REF-08)":     {src: "10.0.1.10", edit: func(t *sg.Topology) { t.ENIs[0].VPC, t.Groups[0].VPC = "vpc-2", "vpc-2" }, want: sg.UnknownReference},
		"a peered VPC":             {src: "10.0.1.10", edit: peered("active"), want: sg.ByRule},
		"peering deleted (REF-13)": {src: "10.0.1.10", edit: peered("deleted"), want: sg.NoRule},
		"associated VPC (REF-19)": {src: "10.0.1.10", edit: func(t *sg.Topology) {
			t.ENIs[0].VPC, t.Groups[0].Associations = "vpc-2", []sg.VPCID{"vpc-2"}
		}, want: sg.ByRule},
		"other account": {src: "10.0.1.10", edit: func(t *sg.Topology) {
			t.Groups[0].Account, t.Groups[1].Ingress[0].Peer.Account = "1", "2"
		}, want: sg.NoRule},
	} {
		topo := twoENIs(t, []string{"tcp 22 sg-a"}, nil)
		topo.ENIs[0].Prefixes = []netip.Prefix{pfx("10.0.1.16/28")}
		if tt.edit != nil {
			tt.edit(topo)
		}
		e := firewall(t, topo, nil).ENI("eni-b")
		d := e.Evaluate(sg.Ingress, sg.Packet{Header: tcp(tt.src+":9", "10.0.2.20:22", syn), Time: start, Via: tt.via})
		assert.Equal(t, tt.want, d.Reason, name)
	}
}

func peered(status string) func(*sg.Topology) {
	return func(t *sg.Topology) {
		t.ENIs[0].VPC = "vpc-2"
		t.Peerings = []sg.Peering{{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: status}}
	}
}

func TestForwardFindsENIs(t *testing.T) {
	topo := twoENIs(t, []string{"all 0.0.0.0/0"}, nil)
	topo.ENIs = append(topo.ENIs,
		sg.ENI{ID: "eni-c", VPC: "vpc-2", Addrs: []netip.Addr{ip("10.0.2.20"), ip("10.0.9.9")}, Groups: []sg.GroupID{"sg-b"}},
		sg.ENI{ID: "eni-d", VPC: "vpc-3", Addrs: []netip.Addr{ip("10.0.9.9")}, Groups: []sg.GroupID{"sg-b"}})
	f := firewall(t, topo, nil)
	for name, tt := range map[string]struct {
		h      *packet.Header
		reason sg.Reason
		hops   []sg.ENIID
	}{
		"of the sender's VPC": {udp("10.0.1.10:1", "10.0.2.20:2"), sg.ByRule, []sg.ENIID{"eni-a", "eni-b"}},
		"sender alone":        {udp("10.0.1.10:1", "192.0.2.1:2"), sg.ByRule, []sg.ENIID{"eni-a"}},
		"several VPCs":        {udp("192.0.2.1:1", "10.0.2.20:2"), sg.Ambiguous, nil},
		"in the only pair":    {udp("10.0.2.20:1", "10.0.9.9:2"), sg.SameInterface, nil},
		"sender known":        {udp("10.0.1.10:1", "10.0.9.9:2"), sg.ByRule, []sg.ENIID{"eni-a"}},
		"receiver known":      {udp("10.0.9.9:1", "10.0.1.10:2"), sg.NoRule, []sg.ENIID{"eni-a"}},
		"neither known":       {udp("10.0.9.9:1", "10.0.9.9:2"), sg.Ambiguous, nil},
		"itself":              {udp("10.0.1.10:1", "10.0.1.10:2"), sg.SameInterface, nil},
		"nobody":              {udp("192.0.2.1:1", "192.0.2.2:2"), sg.NoInterface, nil},
	} {
		slow, err := naive.New(topo, sg.Options{})
		require.NoError(t, err)
		assert.Len(t, slow.Forward(sg.Via{}, tt.h, start), len(tt.hops), name)
		assert.Equal(t, tt.reason, f.Explain(sent(tt.h, start)).Reason, name)
		o := f.Forward(sent(tt.h, start))
		var hops []sg.ENIID
		for _, h := range o.Hops() {
			hops = append(hops, h.Enforcer.ID())
		}
		assert.Equal(t, tt.reason, o.Reason, name)
		assert.Equal(t, tt.hops, hops, name)
		assert.Equal(t, tt.hops == nil, o.Verdict == sg.NotApplicable, name)
	}
}

func TestDamagedPackets(t *testing.T) {
	f := firewall(t, twoENIs(t, nil, nil), nil)
	readable := tcp("10.0.1.10:1", "10.0.2.20:2", syn)
	for name, tt := range map[string]struct {
		h    *packet.Header
		err  error
		want sg.Outcome
		hops int
	}{
		"arp":           {&packet.Header{}, packet.ErrNotIP, sg.Outcome{Verdict: sg.NotApplicable, Reason: sg.NotIP}, 0},
		"no address":    {&packet.Header{Family: packet.IPv4}, packet.ErrIPHeader, sg.Outcome{Verdict: sg.NotApplicable, Reason: sg.Malformed}, 0},
		"with an ENI":   {readable, packet.ErrTransport, sg.Outcome{Reason: sg.Malformed}, 1},
		"cut":           {readable, packet.ErrCut, sg.Outcome{Verdict: sg.Unknown, Reason: sg.Cut}, 2},
		"without one":   {tcp("192.0.2.1:1", "192.0.2.2:2", syn), packet.ErrTransport, sg.Outcome{Verdict: sg.NotApplicable, Reason: sg.NoInterface}, 0},
		"receiver only": {tcp("192.0.2.1:1", "10.0.2.20:2", syn), packet.ErrTCPOffset, sg.Outcome{Reason: sg.Malformed}, 1},
	} {
		p := sg.Packet{Header: tt.h, Time: start, Err: tt.err}
		x, o := f.Explain(p), f.Forward(p)
		assert.Equal(t, tt.want.Verdict, o.Verdict, name)
		assert.Equal(t, tt.want.Reason, o.Reason, name)
		assert.Len(t, o.Hops(), tt.hops, name)
		assert.Equal(t, tt.want, sg.Outcome{Verdict: x.Verdict, Reason: x.Reason}, name)
		assert.Len(t, x.Hops, tt.hops, name)
		assert.Contains(t, x.String(), tt.err.Error(), name)
	}
	assert.Zero(t, f.Stats().Entries)

	e := f.ENI("eni-b")
	assert.Equal(t, sg.Decision{Verdict: sg.NotApplicable, Reason: sg.NotIP}, e.Evaluate(sg.Ingress, sg.Packet{Header: readable, Err: packet.ErrNotIP}))
	assert.Equal(t, sg.Decision{Verdict: sg.Unknown, Reason: sg.Cut}, e.Evaluate(sg.Ingress, sg.Packet{Header: readable, Err: packet.ErrCut}))
	assert.Empty(t, hops(e.Forward(sg.Ingress, sg.Packet{Header: readable, Err: packet.ErrNotIP})))
	assert.Len(t, hops(e.Forward(sg.Ingress, sg.Packet{Header: readable, Err: packet.ErrTransport})), 1)
}

func hops(o sg.Outcome) []sg.Hop { return o.Hops() }

func TestMaximumOfConnections(t *testing.T) {
	topo := twoENIs(t, []string{"tcp 22 10.0.0.0/8"}, nil)
	topo.ENIs[0].Instance, topo.ENIs[1].Instance = "i-1", "i-2"
	out := func(port string) *packet.Header { return tcp("10.0.1.10:"+port, "10.0.2.20:22", syn) }
	for name, opts := range map[string]sg.Options{
		"firewall": {MaxConnections: 2},
		"instance": {InstanceMax: map[sg.InstanceID]int{"i-2": 1}},
	} {
		f := firewall(t, topo, &opts)
		require.Equal(t, sg.ByRule, f.Forward(sent(out("1"), start)).Reason, name)
		o := f.Forward(sent(out("2"), start))
		assert.Equal(t, sg.TableFull, o.Reason, name)
		assert.False(t, o.Hops()[len(o.Hops())-1].Decision.Rule.IsZero(), name)
		assert.Equal(t, sg.Tracked, f.Forward(sent(out("1"), start)).Reason, "open ones go on")
		assert.Equal(t, sg.ByRule, f.Forward(sent(out("2"), seconds(121))).Reason, "when the first is dead")
	}
}

// The maximum is the instance's: an ENI that leaves it is free of it.
func TestMaximumStaysWithTheInstance(t *testing.T) {
	topo := twoENIs(t, []string{"tcp 22 10.0.0.0/8"}, nil)
	topo.ENIs[1].Instance = "i-2"
	limits := map[sg.InstanceID]int{"i-2": 1}
	f := firewall(t, topo, &sg.Options{InstanceMax: limits})
	delete(limits, "i-2") // the firewall has a copy
	out := func(port string) *packet.Header { return tcp("10.0.1.10:"+port, "10.0.2.20:22", syn) }
	require.Equal(t, sg.ByRule, f.Forward(sent(out("1"), start)).Reason)
	require.Equal(t, sg.TableFull, f.Forward(sent(out("2"), start)).Reason)

	topo.ENIs[1].Instance = "i-3"
	f.Swap(mustCompile(t, topo), start)
	assert.Equal(t, sg.ByRule, f.Forward(sent(out("2"), start)).Reason)

	topo.ENIs[1].Instance = "i-2"
	f.Swap(mustCompile(t, topo), start)
	assert.Equal(t, sg.TableFull, f.Forward(sent(out("3"), start)).Reason)
}

// ENIs that name no instance are not one instance together.
func TestMaximumOfENIsWithoutInstance(t *testing.T) {
	topo := twoENIs(t, []string{"tcp 22 10.0.0.0/8"}, nil)
	f := firewall(t, topo, &sg.Options{InstanceMax: map[sg.InstanceID]int{"": 1}})
	out := func(port string) *packet.Header { return tcp("10.0.1.10:"+port, "10.0.2.20:22", syn) }
	forward := func(port string) sg.Reason {
		explained := f.Explain(sent(out(port), start)).Reason
		o := f.Forward(sent(out(port), start))
		assert.Equal(t, o.Reason, explained)
		return o.Reason
	}
	assert.Equal(t, sg.ByRule, forward("1"), "one at each end")
	assert.Equal(t, sg.TableFull, forward("2"))
	f.Swap(mustCompile(t, topo), start)
	assert.Equal(t, sg.TableFull, forward("2"))
	assert.Equal(t, sg.ByRule, f.Forward(sent(out("2"), seconds(121))).Reason)
}

func TestNilEnforcer(t *testing.T) {
	f := firewall(t, oneENI(t, nil, nil), nil)
	e := f.ENI("eni-none")
	require.Nil(t, e)
	assert.Equal(t, sg.Decision{Reason: sg.NoInterface}, e.Evaluate(sg.Ingress, sent(tcp("198.51.100.7:9", "10.0.1.10:443", syn), start)))
	assert.Empty(t, e.ID())
}

func TestNitroV6(t *testing.T) {
	for _, tt := range []struct {
		v6      bool
		timeout int
		want    sg.Reason
	}{{true, 0, sg.NoRule}, {false, 0, sg.Tracked}, {true, 432000, sg.Tracked}} {
		topo := oneENI(t, []string{"tcp 443 198.51.100.0/24"}, nil)
		topo.ENIs[0].NitroV6 = tt.v6
		topo.ENIs[0].Timeouts.TCPEstablished = seconds(tt.timeout).Sub(start)
		e := firewall(t, topo, nil).ENI("eni-e")
		e.Evaluate(sg.Ingress, sent(tcp("198.51.100.7:9", "10.0.1.10:443", syn), start))
		e.Evaluate(sg.Egress, sent(tcp("10.0.1.10:443", "198.51.100.7:9", synAck), start))
		e.Evaluate(sg.Ingress, sent(tcp("198.51.100.7:9", "10.0.1.10:443", ack), start))
		assert.Equal(t, tt.want, e.Evaluate(sg.Egress, sent(tcp("10.0.1.10:443", "198.51.100.7:9", ack), seconds(360))).Reason)
	}
}

// Enforcers stay valid through swaps; connections of ENIs that go are gone.
func TestSwap(t *testing.T) {
	full := twoENIs(t, []string{"tcp 22 sg-a"}, nil)
	without := twoENIs(t, []string{"tcp 22 sg-a"}, nil)
	without.ENIs = without.ENIs[:1]
	f := firewall(t, full, nil)
	b := f.ENI("eni-b")
	h := tcp("10.0.1.10:9", "10.0.2.20:22", syn)
	d := b.Evaluate(sg.Ingress, sent(h, start))
	require.Equal(t, sg.ByRule, d.Reason)

	f.Swap(mustCompile(t, full), start)
	kept := b.Evaluate(sg.Ingress, sent(h, start))
	assert.Equal(t, sg.Tracked, kept.Reason)
	assert.Equal(t, d.Rule, kept.Rule, "the rule that opened it")
	clone := f.Clone()

	f.Swap(mustCompile(t, without), start)
	assert.Nil(t, f.ENI("eni-b"))
	assert.Equal(t, sg.NoInterface, b.Evaluate(sg.Ingress, sent(h, start)).Reason)
	f.Swap(mustCompile(t, full), start)
	assert.Same(t, b, f.ENI("eni-b"))
	assert.Equal(t, sg.ByRule, b.Evaluate(sg.Ingress, sent(h, start)).Reason)

	assert.Equal(t, sg.Tracked, clone.ENI("eni-b").Evaluate(sg.Ingress, sent(h, start)).Reason)
}

type recorder []sg.Event

func (r *recorder) Observe(e sg.Event) { *r = append(*r, e) }

func TestObserver(t *testing.T) {
	var r recorder
	f := firewall(t, twoENIs(t, nil, nil), &sg.Options{Observer: &r})
	h := tcp("10.0.1.10:9", "10.0.2.20:22", syn)
	f.Explain(sent(h, start))
	f.Forward(sent(h, start))
	f.Clone().Forward(sent(h, start))
	f.Forward(sg.Packet{Header: h, Time: start, Err: packet.ErrTransport})
	require.Len(t, r, 3)
	assert.Equal(t, sg.Event{Enforcer: f.ENI("eni-a"), Direction: sg.Egress, Header: *h, Time: start.UTC(), Decision: r[0].Decision}, r[0])
	assert.Equal(t, sg.NoRule, r[1].Decision.Reason)
	assert.Equal(t, sg.Malformed, r[2].Decision.Reason)
}

// The first entry settles the family of a prefix list that does not say it, also
// after the last one has gone.
func TestEmptyPrefixListForgetsItsFamily(t *testing.T) {
	for family, want := range map[packet.Family]error{0: nil, packet.IPv4: sg.ErrInvalid} {
		topo := oneENI(t, nil, nil)
		topo.PrefixLists = []sg.PrefixList{{ID: "pl-1", Family: family, Entries: []sg.PrefixListEntry{{CIDR: pfx("10.0.0.0/8")}, {CIDR: pfx("10.0.0.0/8")}}}}
		f := firewall(t, topo, nil)
		require.NoError(t, f.AddEntry("pl-1", pfx("192.0.2.0/24"), start))
		require.NoError(t, f.RemoveEntry("pl-1", pfx("10.0.0.0/8"), start))
		assert.ErrorContains(t, f.AddEntry("pl-1", pfx("2001:db8::/32"), start), "family differs")
		require.NoError(t, f.RemoveEntry("pl-1", pfx("192.0.2.0/24"), start))
		assert.ErrorIs(t, f.AddEntry("pl-1", pfx("2001:db8::/32"), start), want)
	}
}
