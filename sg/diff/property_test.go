package diff_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

func compile(t testing.TB, topo *sg.Topology) *sg.Policy {
	p, err := sg.Compile(topo)
	require.NoError(t, err)
	return p
}

// covers reports whether a change is about a packet at one of its interfaces.
func covers(c *diff.Change, id sg.ENIID, dir sg.Direction, h *packet.Header) bool {
	remote := h.SrcAddr()
	if dir == sg.Egress {
		remote = h.DstAddr()
	}
	return c.Direction == dir && c.Family == h.Family && slices.Contains(c.ENIs, id) &&
		slices.ContainsFunc(c.Addrs, func(p netip.Prefix) bool { return p.Contains(remote) }) &&
		slices.ContainsFunc(c.Services, func(s diff.Service) bool {
			n := uint16(0)
			switch {
			case h.Protocol == packet.TCP, h.Protocol == packet.UDP:
				n = h.DstPort
			case h.Protocol == packet.ICMP, h.Protocol == packet.ICMPv6:
				n = uint16(h.ICMPType)<<8 | uint16(h.ICMPCode)
			}
			return s.Protocol <= h.Protocol && h.Protocol <= s.LastProtocol && (s.Protocol != s.LastProtocol || s.First <= n && n <= s.Last)
		})
}

// Every packet that two worlds judge differently is in a change that says so, and no
// other packet is in any; every change has a witness at each of its interfaces.
func testAgrees(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	t0 := drawTopology(r)
	t1 := drawChange(r, t0)
	before, after := compile(t, t0), compile(t, t1)
	d := diff.Policies(before, after)
	fw0, fw1 := sg.NewFirewall(before, nil), sg.NewFirewall(after, nil)
	judge := func(id sg.ENIID, dir sg.Direction, h *packet.Header) (a, b *sg.Explanation) {
		return fw0.ENI(id).Explain(dir, sg.Packet{Header: h}), fw1.ENI(id).Explain(dir, sg.Packet{Header: h})
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Before == c.After || len(c.Services) == 0 || len(c.ENIs) == 0 || (c.Weight == 0) != (len(c.Addrs) == 0) {
			t.Fatalf("seed %d: %+v", seed, *c)
		}
		for n, id := range c.ENIs {
			h, ok := c.Witness(n)
			if !ok {
				continue
			}
			if a, b := judge(id, c.Direction, &h); a.Verdict != c.Before || b.Verdict != c.After || !covers(c, id, c.Direction, &h) {
				t.Fatalf("seed %d: %s\nwitness %s\n%s%s\n%s\n%s", seed, c, h, a, b, describe(t0), describe(t1))
			}
		}
	}
	for range 300 {
		e, dir := pick(r, drawENIs...), pick(r, sg.Ingress, sg.Egress)
		local := addrs("198.51.100.1", "2001:db8:77::1")
		if len(e.Addrs) > 0 {
			local = e.Addrs
		}
		h := drawHeader(r, dir, pick(r, local...))
		a, b := judge(e.ID, dir, &h)
		passes := func(x *sg.Explanation) bool { return x.Reason == sg.Exempt || x.Reason == sg.NoInterface }
		if passes(a) && passes(b) {
			continue // no change is about it, though its numbers may lie between others
		}
		want := [2]sg.Verdict{a.Verdict, b.Verdict}
		found := 0
		for i := range d.Changes {
			if c := &d.Changes[i]; covers(c, e.ID, dir, &h) {
				found++
				if want != [2]sg.Verdict{c.Before, c.After} || found > 1 && c.Group == "" {
					t.Fatalf("seed %d: %s at %s %s: %v, but %s\n%s\n%s", seed, h, e.ID, dir, want, c, describe(t0), describe(t1))
				}
			}
		}
		if found == 0 && a.Verdict != b.Verdict {
			t.Fatalf("seed %d: %s at %s %s: %v, and no change says so\n%s\n%s", seed, h, e.ID, dir, want, describe(t0), describe(t1))
		}
	}
}

func TestAgreesWithPackets(t *testing.T) {
	for seed := range uint64(400) {
		testAgrees(t, seed)
	}
}

func FuzzAgreesWithPackets(f *testing.F) {
	f.Fuzz(testAgrees)
}
