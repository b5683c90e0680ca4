package naive_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// What a rule's peer is as a set agrees with what Match says about packets, for a rule
// that covers all of them.
func TestSetsAgreeWithMatch(t *testing.T) {
	contains := func(ps []netip.Prefix, a netip.Addr) bool {
		return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	compiled := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 21))
		data := make([]byte, 600)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		d := &draw{data}
		topo := d.topology()
		for i := range topo.Groups { // one rule each, for everything
			g := &topo.Groups[i]
			r := d.part(ruleBytes).rule()
			r.Protocol, r.Ports, r.ICMP = sg.AllProtocols, sg.PortRange{}, sg.ICMPMatch{}
			g.Ingress, g.Egress = []sg.Rule{r}, nil
		}
		policy, err := sg.Compile(topo)
		if err != nil {
			continue // two peers in one rule
		}
		compiled++
		sets := policy.Sets()
		for _, e := range topo.ENIs {
			at, ok := sets.Setting(e.ID)
			assert.True(t, ok)
			var rules []sg.RuleRef
			for r := range policy.Rules() {
				if slices.Contains(e.Groups, r.Group()) {
					rules = append(rules, r)
				}
			}
			for _, a := range append(slices.Clone(drawOutside), mustip.Addrs("10.0.1.10", "10.0.3.5", "10.1.1.30", "2001:db8:2::20", "10.0.2.21")...) {
				a = a.Unmap()
				local := mustip.Addrs("10.9.9.9", "2001:db8:77::1")[map[bool]int{true: 0, false: 1}[a.Is4()]]
				h := packet.IPHeader(a, local, 47)
				_, matched := policy.Match(e.ID, sg.Ingress, &h)
				in := slices.ContainsFunc(rules, func(r sg.RuleRef) bool {
					sure, _ := at.Peers(r).Addrs()
					return contains(sure, a)
				})
				assert.Equal(t, matched, in, "seed %d: %s at %s", seed, a, e.ID)
			}
		}
		assert.ElementsMatch(t, mustip.Prefixes("10.0.2.20/32", "10.0.2.21/32", "10.0.3.0/28", "2001:db8:2::20/128"), sets.Addrs("eni-2"))
	}
	assert.Greater(t, compiled, 200)
	_, ok := (&sg.Policy{}).Sets().Setting("eni-1")
	assert.False(t, ok)
	assert.Empty(t, (&sg.Policy{}).Sets().Addrs("eni-1"))
}

func TestSettingExempt(t *testing.T) {
	policy, err := sg.Compile(&sg.Topology{VPCs: drawVPCs, ENIs: drawInterfaces[:1]})
	assert.NoError(t, err)
	at, _ := policy.Sets().Setting("eni-1")
	fw, n := sg.NewFirewall(policy, nil).ENI("eni-1"), 0
	for a := range at.Exempt() {
		local := drawInterfaces[0].Addrs[btoi(a.Is6())]
		h := packet.IPHeader(a, local, 47)
		assert.Equal(t, sg.Exempt, fw.Evaluate(sg.Ingress, sg.Packet{Header: &h}).Reason, a)
		n++
	}
	assert.Equal(t, 6+5+5+2, n) // everywhere and of the VPC, for each family
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The addresses inside a border are those about which an ACL that denies all is not asked.
func TestBorderInside(t *testing.T) {
	borders, inside := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 22))
		data := make([]byte, 600)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		topo := (&draw{data}).topology()
		for i := range topo.NetworkACLs {
			topo.NetworkACLs[i].Ingress, topo.NetworkACLs[i].Egress = nil, nil
		}
		for i := range topo.ENIs {
			topo.ENIs[i].RequesterManaged, topo.ENIs[i].Groups = true, nil
		}
		if rng.IntN(2) == 0 { // interfaces whose addresses are elsewhere, or several have
			topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-8", VPC: "vpc-2", Subnet: "subnet-3", Addrs: mustip.Addrs("10.0.1.77"), Prefixes: mustip.Prefixes("10.0.2.0/23"), RequesterManaged: true},
				sg.ENI{ID: "eni-9", VPC: "vpc-9", Addrs: mustip.Addrs("10.0.2.7", "10.0.2.20"), RequesterManaged: true})
		}
		policy, err := sg.Compile(topo)
		if err != nil {
			continue
		}
		sets, fw := policy.Sets(), sg.NewFirewall(policy, nil)
		for _, e := range topo.ENIs {
			border, known := sets.Border(e.ID)
			if !known {
				continue
			}
			borders++
			assert.NotEmpty(t, border.ACL())
			in := border.Inside()
			for _, a := range append(slices.Clone(drawOutside), mustip.Addrs("10.0.1.10", "10.0.1.77", "10.0.1.0", "10.0.2.0", "10.0.3.5", "10.0.3.0", "10.0.3.200", "10.0.2.7", "10.1.1.30",
				"10.1.1.255", "2001:db8:2::20", "2001:db8:3::1", "10.0.2.21", "10.0.2.20", "192.0.2.1", "192.0.2.15", "192.0.2.16", "192.0.2.31")...) {
				a = a.Unmap()
				local := mustip.Addrs("10.9.9.9", "2001:db8:77::1")[btoi(a.Is6())]
				h := packet.IPHeader(a, local, 47)
				want := slices.ContainsFunc(in, func(p netip.Prefix) bool { return p.Contains(a) })
				inside += btoi(want)
				o := fw.ENI(e.ID).Forward(sg.Ingress, sg.Packet{Header: &h})
				assert.Equal(t, want || o.Reason == sg.Exempt, o.Verdict == sg.Accept, "seed %d: %s at %s: %s, %v", seed, a, e.ID, o.Reason, in)
			}
		}
	}
	assert.Greater(t, borders, 100)
	assert.Greater(t, inside, 100)
}
