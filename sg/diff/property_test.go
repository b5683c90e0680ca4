package diff_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/mustip"
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
	fw0, fw1, now := sg.NewFirewall(before, nil), sg.NewFirewall(after, nil), noon
	later := func() { now = now.Add(6 * 24 * time.Hour) } // no connection lives so long
	judge := func(id sg.ENIID, dir sg.Direction, h *packet.Header) (a, b sg.Outcome) {
		p := sg.Packet{Header: h, Time: now}
		a, b = fw0.ENI(id).Forward(dir, p), fw1.ENI(id).Forward(dir, p)
		for _, o := range []*sg.Outcome{&a, &b} {
			if o.Reason == sg.NoInterface {
				o.Verdict = sg.Drop
			}
		}
		return a, b
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
			later()
			if first, ok := c.Opening(n); ok != c.Answers {
				t.Fatalf("seed %d: %s", seed, c)
			} else if ok {
				if a, b := judge(id, c.Direction.Opposite(), &first); a.Verdict != sg.Accept || b.Verdict != sg.Accept {
					t.Fatalf("seed %d: %s\nopening %s: %s %s\n%s\n%s", seed, c, first, a.Reason, b.Reason, describe(t0), describe(t1))
				}
			}
			if a, b := judge(id, c.Direction, &h); a.Verdict != c.Before || b.Verdict != c.After || !covers(c, id, c.Direction, &h) {
				t.Fatalf("seed %d: %s\nwitness %s: %s, %s\n%s\n%s", seed, c, h, a.Reason, b.Reason, describe(t0), describe(t1))
			}
			if causes := causes(c); causes != "" {
				t.Fatalf("seed %d: %s\n%s\n%s\n%s", seed, c, causes, describe(t0), describe(t1))
			}
		}
	}
	for range 300 {
		e, dir := pick(r, drawENIs...), pick(r, sg.Ingress, sg.Egress)
		local := mustip.Addrs("198.51.100.1", "2001:db8:77::1")
		if len(e.Addrs) > 0 {
			local = e.Addrs
		}
		h := drawHeader(r, dir, pick(r, local...))
		later()
		a, b := judge(e.ID, dir, &h)
		if answer, ok := answerTo(&h); ok && a.Verdict == sg.Accept && b.Verdict == sg.Accept {
			a, b := judge(e.ID, dir.Opposite(), &answer)
			if a.Reason == sg.Exempt && b.Reason == sg.Exempt {
				continue
			}
			want, found := [2]sg.Verdict{a.Verdict, b.Verdict}, 0
			for i := range d.Changes {
				if c := &d.Changes[i]; c.Answers && covers(c, e.ID, dir.Opposite(), &answer) {
					if found++; want != [2]sg.Verdict{c.Before, c.After} || found > 1 {
						t.Fatalf("seed %d: answer %s at %s %s: %v, but %s\n%s\n%s", seed, answer, e.ID, dir, want, c, describe(t0), describe(t1))
					}
				}
			}
			if found == 0 && a.Verdict != b.Verdict {
				t.Fatalf("seed %d: answer %s at %s %s: %v, and no change says so\n%s\n%s", seed, answer, e.ID, dir, want, describe(t0), describe(t1))
			}
		}
		passes := func(x sg.Outcome) bool { return x.Reason == sg.Exempt || x.Reason == sg.NoInterface }
		if passes(a) && passes(b) {
			continue // no change is about it, though its numbers may lie between others
		}
		want := [2]sg.Verdict{a.Verdict, b.Verdict}
		found := 0
		for i := range d.Changes {
			if c := &d.Changes[i]; !c.Answers && covers(c, e.ID, dir, &h) {
				found++
				if want != [2]sg.Verdict{c.Before, c.After} || found > 1 && c.Group == "" {
					t.Fatalf("seed %d: %s at %s %s: %v, but %s\n%s\n%s", seed, h, e.ID, dir, want, c, describe(t0), describe(t1))
				}
			}
		}
		toItself := slices.Contains(e.Addrs, h.SrcAddr()) && slices.Contains(e.Addrs, h.DstAddr())
		if found == 0 && a.Verdict != b.Verdict && !toItself {
			t.Fatalf("seed %d: %s at %s %s: %v, and no change says so\n%s\n%s", seed, h, e.ID, dir, want, describe(t0), describe(t1))
		}
	}
}

// answerTo returns an answer to the first packet of a connection, if there is one.
func answerTo(h *packet.Header) (answer packet.Header, ok bool) {
	src, dst := netip.AddrPortFrom(h.DstAddr(), h.DstPort), netip.AddrPortFrom(h.SrcAddr(), h.SrcPort)
	switch {
	case h.Protocol == packet.TCP:
		return packet.TCPHeader(src, dst, packet.SYN|packet.ACK), true
	case h.Protocol == packet.UDP:
		return packet.UDPHeader(src, dst), true
	case h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6:
		reply, ok := packet.ReplyType(h.Protocol, h.ICMPType)
		ok = ok && packet.IsQuery(h.Protocol, h.ICMPType) && (h.Protocol == packet.ICMP) == h.SrcAddr().Is4()
		return packet.ICMPHeader(src.Addr(), dst.Addr(), reply, h.ICMPCode, 1), ok
	}
	return packet.IPHeader(src.Addr(), dst.Addr(), h.Protocol), true
}

// causes returns what is wrong with the rules behind a change: those of groups admit, of
// ACLs each says what the verdict is.
func causes(c *diff.Change) string {
	for i, rules := range [][]sg.RuleRef{c.RulesBefore, c.RulesAfter} {
		v := []sg.Verdict{c.Before, c.After}[i]
		for n, ref := range rules {
			switch {
			case ref.Direction() != c.Direction, n > 0 && slices.Contains(rules[:n], ref):
				return "misplaced: " + ref.String()
			case ref.ACL() != "" && ref.Entry().Allow != (v != sg.Drop), ref.ACL() == "" && (v == sg.Drop || c.Answers):
				return "no cause: " + ref.String()
			}
		}
	}
	if c.Answers && (len(c.RulesBefore) == 0 && len(c.RulesAfter) == 0) {
		return "no cause"
	}
	return ""
}

func TestAgreesWithPackets(t *testing.T) {
	for seed := range seeds(400) {
		testAgrees(t, seed)
	}
}

func FuzzAgreesWithPackets(f *testing.F) {
	f.Fuzz(testAgrees)
}
