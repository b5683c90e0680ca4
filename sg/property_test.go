package sg

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// A walker matches by walking all rules of the topology, and knows nothing of
// what Compile makes of them.
type walker struct{ t *Topology }

func (k walker) group(id GroupID) *Group {
	i := slices.IndexFunc(k.t.Groups, func(g Group) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	return &k.t.Groups[i]
}

func (k walker) eni(id ENIID) *ENI {
	return &k.t.ENIs[slices.IndexFunc(k.t.ENIs, func(e ENI) bool { return e.ID == id })]
}

func (g *Group) rulesFor(dir Direction) []Rule {
	if dir == Ingress {
		return g.Ingress
	}
	return g.Egress
}

// match returns the names of the first rule in topology order that admits the
// packet, and whether its flow is untracked.
func (k walker) match(id ENIID, dir Direction, h *packet.Header, via Via) (rule string, untracked bool) {
	e := k.eni(id)
	for i := range k.t.Groups {
		g := &k.t.Groups[i]
		if !slices.Contains(e.Groups, g.ID) {
			continue
		}
		for n, r := range g.rulesFor(dir) {
			if k.covers(r, h) && k.hasPeer(e, g, r, dir, h, via) {
				return fmt.Sprintf("%s %s[%d]", g.ID, dir, n), !via.Tracked && k.untracked(e, dir, h)
			}
		}
	}
	return "", false
}

func (k walker) covers(r Rule, h *packet.Header) bool {
	switch r.Protocol {
	case AllProtocols:
		return true
	case TCP, UDP:
		if h.FragOffset > 0 {
			return int(r.Protocol) == int(h.Protocol) && r.Ports.First() == 0 && r.Ports.Last() == 65535
		}
		return int(r.Protocol) == int(h.Protocol) && r.Ports.First() <= int(h.DstPort) && int(h.DstPort) <= r.Ports.Last()
	case ICMP, ICMPv6:
		all := r.Protocol == ICMPv6 && !r.ICMP.IsSet() || r.ICMP.Type() == -1
		if int(r.Protocol) != int(h.Protocol) || h.FragOffset > 0 && !all || r.Protocol == ICMP && h.Family == packet.IPv6 {
			return false
		}
		return all || r.ICMP.Type() == int(h.ICMPType) && (r.ICMP.Code() == -1 || r.ICMP.Code() == int(h.ICMPCode))
	}
	return r.Protocol == ProtocolNumber(uint8(h.Protocol))
}

func (k walker) hasPeer(e *ENI, g *Group, r Rule, dir Direction, h *packet.Header, via Via) bool {
	a := h.SrcAddr()
	if dir == Egress {
		a = h.DstAddr()
	}
	p := r.Peer
	switch {
	case p.CIDR.IsValid():
		return p.CIDR.Contains(a)
	case p.PrefixList != "":
		for _, l := range k.t.PrefixLists {
			if l.ID == p.PrefixList {
				return slices.ContainsFunc(l.Entries, func(e PrefixListEntry) bool { return e.CIDR.Contains(a) })
			}
		}
		return false
	case p.Self:
		p.Group = g.ID
	}
	named := k.group(p.Group)
	if via.Appliance || named == nil || p.Account != "" && named.Account != "" && named.Account != p.Account {
		return false
	}
	if p.Peering != "" && !slices.ContainsFunc(k.t.Peerings, func(q Peering) bool {
		between := g.used(q.Requester) && named.used(q.Accepter) || g.used(q.Accepter) && named.used(q.Requester)
		return q.Status == "active" && (q.ID == p.Peering || between) // REF-14
	}) {
		return false
	}
	for i := range k.t.ENIs {
		m := &k.t.ENIs[i]
		owns := slices.Contains(m.Addrs, a) || slices.ContainsFunc(m.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
		if owns && slices.Contains(m.Groups, named.ID) && k.reach(e.VPC, m.VPC, named) {
			return true
		}
	}
	return false
}

// used reports whether a group's ENIs may be in the VPC.
func (g *Group) used(v VPCID) bool {
	return g.VPC != "" && (g.VPC == v || slices.Contains(g.Associations, v))
}

func (k walker) reach(a, b VPCID, g *Group) bool {
	if a == b || a == "" || b == "" || g.VPC == "" {
		return true
	}
	for _, p := range k.t.Peerings {
		if p.Status == "active" && (p.Requester == a && p.Accepter == b || p.Requester == b && p.Accepter == a) {
			return true
		}
	}
	return g.used(a) && g.used(b)
}

func (k walker) untracked(e *ENI, dir Direction, h *packet.Header) bool {
	if h.Protocol != packet.TCP && h.Protocol != packet.UDP || h.FragOffset > 0 {
		return false
	}
	open := func(dir Direction, first, last uint16) bool {
		for _, id := range e.Groups {
			for _, r := range k.group(id).rulesFor(dir) {
				any := netip.MustParsePrefix("0.0.0.0/0")
				if h.Family == packet.IPv6 {
					any = netip.MustParsePrefix("::/0")
				}
				if r.Peer.CIDR.IsValid() && r.Peer.CIDR.Masked() == any && (r.Protocol == AllProtocols ||
					int(r.Protocol) == int(h.Protocol) && r.Ports.First() <= int(first) && int(last) <= r.Ports.Last()) {
					return true
				}
			}
		}
		return false
	}
	other := dir.Opposite()
	opens := open(dir, h.DstPort, h.DstPort) && open(other, 0, 65535)
	syn := h.Protocol == packet.TCP && h.TCPFlags&packet.SYN != 0 && h.TCPFlags&packet.ACK == 0
	return opens || !syn && open(other, h.SrcPort, h.SrcPort) && open(dir, 0, 65535)
}

// A draw makes topologies and packets of few values, so that they meet.
type draw struct{ *rand.Rand }

func (d draw) oneOf(s ...string) string { return s[d.IntN(len(s))] }

func (d draw) addr() netip.Addr {
	if d.IntN(3) == 0 {
		return netip.MustParseAddr(d.oneOf("2001:db8::", "2001:db8:0:1::", "fd00::") + fmt.Sprintf("%x", d.IntN(20)))
	}
	return netip.AddrFrom4([4]byte{10, byte(d.IntN(5) / 4), byte(d.IntN(3)), byte(d.IntN(20))})
}

func (d draw) prefix(a netip.Addr) netip.Prefix {
	bits := [...]int{0, 1, 8, 15, 16, 22, 24, 28, 30, 31, 32}[d.IntN(11)]
	if a.Is6() {
		bits *= 4
	}
	return netip.PrefixFrom(a, bits)
}

func (d draw) port() int {
	return [...]int{0, 1, 22, 23, 80, 443, 446, 1023, 1024, 5392, 5393, 8080, 9215, 65535}[d.IntN(14)]
}

func (d draw) rule() Rule {
	var r Rule
	switch d.IntN(8) {
	case 0:
		r.Protocol = AllProtocols
	case 1:
		r.Protocol, r.ICMP = ICMP, ICMPTypeCode([...]int{-1, 0, 3, 8}[d.IntN(4)], -1)
		if r.ICMP.Type() == 3 {
			r.ICMP = ICMPTypeCode(3, d.IntN(5)-1)
		}
	case 2:
		r.Protocol = ICMPv6
		if d.IntN(2) == 0 {
			r.ICMP = ICMPTypeCode(128, 0)
		}
	case 3:
		r.Protocol = ProtocolNumber(uint8([...]int{0, 47, 132}[d.IntN(3)]))
	default:
		r.Protocol = [...]Protocol{TCP, TCP, UDP}[d.IntN(3)]
		a, b := d.port(), d.port()
		switch d.IntN(4) {
		case 0:
			a, b = 0, 65535
		case 1:
			b = a
		}
		r.Ports = Ports(min(a, b), max(a, b))
	}
	switch d.IntN(8) {
	case 0:
		r.Peer = FromPrefixList(PrefixListID(d.oneOf("pl-0", "pl-1", "pl-2", "pl-4", "pl-64", "pl-66", "pl-gone")))
	case 1, 2:
		r.Peer = FromGroup(GroupID(d.oneOf("sg-0", "sg-1", "sg-2", "sg-3", "sg-gone")))
		if d.IntN(4) == 0 {
			r.Peer.Account = AccountID(d.oneOf("1", "2"))
		}
		if d.IntN(4) == 0 {
			r.Peer.Peering = PeeringID(d.oneOf("pcx-1", "pcx-2", "pcx-gone"))
		}
	case 3:
		r.Peer = Self
	case 4:
		r.Peer = [...]Peer{AnyIPv4, AnyIPv6}[d.IntN(2)]
	default:
		r.Peer = Peer{CIDR: d.prefix(d.addr())}
	}
	return r
}

func (d draw) rules(n int) []Rule {
	var rs []Rule
	for range n {
		if r := d.rule(); !slices.ContainsFunc(rs, sameIn("", r)) {
			rs = append(rs, r)
		}
	}
	return rs
}

// sameIn tells the rules of a group that are the same as r, of any where id is empty.
func sameIn(id GroupID, r Rule) func(Rule) bool {
	return func(o Rule) bool { return o.Same(r, id) }
}

func (d draw) vpc() VPCID { return VPCID(d.oneOf("", "vpc-1", "vpc-2", "vpc-3")) }

// topology draws one with groups of up to n rules for each direction.
func (d draw) topology(n int) *Topology {
	t := &Topology{Peerings: []Peering{
		{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: "active"},
		{ID: "pcx-2", Requester: "vpc-2", Accepter: "vpc-3", Status: "deleted"},
	}}
	for i := range 67 {
		l := PrefixList{ID: PrefixListID(fmt.Sprint("pl-", i)), Family: packet.IPv4 + packet.Family(2*(i%2))}
		for range d.IntN(12) {
			if a := d.addr(); a.Is6() == (l.Family == packet.IPv6) {
				l.Entries = append(l.Entries, PrefixListEntry{CIDR: d.prefix(a)})
			}
		}
		t.PrefixLists = append(t.PrefixLists, l)
	}
	for i := range 4 {
		g := Group{ID: GroupID(fmt.Sprint("sg-", i)), VPC: d.vpc(), Ingress: d.rules(d.IntN(n + 1)), Egress: d.rules(d.IntN(n + 1))}
		if d.IntN(3) == 0 {
			g.Account = AccountID(d.oneOf("1", "2"))
		}
		if d.IntN(3) == 0 {
			g.Associations = []VPCID{"vpc-3"}
		}
		t.Groups = append(t.Groups, g)
	}
	taken := map[VPCID][]netip.Prefix{} // no two interfaces of a VPC share addresses
	for i := range 5 {
		e := ENI{ID: ENIID(fmt.Sprint("eni-", i)), VPC: d.vpc()}
		free := func(p netip.Prefix) bool { return !slices.ContainsFunc(taken[e.VPC], p.Overlaps) }
		var own []netip.Prefix
		for range 1 + d.IntN(3) {
			a := d.addr()
			if p := netip.PrefixFrom(a, a.BitLen()); free(p) {
				e.Addrs, own = append(e.Addrs, a), append(own, p)
			}
		}
		if d.IntN(2) == 0 {
			a := d.addr()
			if p, _ := a.Prefix(a.BitLen() - d.IntN(5)); free(p) {
				e.Prefixes, own = append(e.Prefixes, p), append(own, p)
			}
		}
		taken[e.VPC] = append(taken[e.VPC], own...)
		for range d.IntN(4) {
			e.Groups = append(e.Groups, GroupID(d.oneOf("sg-0", "sg-1", "sg-2", "sg-3")))
		}
		t.ENIs = append(t.ENIs, e)
	}
	return t
}

func (d draw) header() packet.Header {
	src, dst := d.addr(), d.addr()
	for src.Is6() != dst.Is6() {
		dst = d.addr()
	}
	from, to := netip.AddrPortFrom(src, uint16(d.port())), netip.AddrPortFrom(dst, uint16(d.port()))
	var h packet.Header
	switch d.IntN(8) {
	case 0:
		h = packet.ICMPHeader(src, dst, [...]uint8{0, 3, 8, 128, 129}[d.IntN(5)], uint8(d.IntN(4)), uint16(d.IntN(3)))
	case 1:
		h = packet.IPHeader(src, dst, [...]packet.Protocol{0, 47, 132, 1, 58}[d.IntN(5)])
	case 2, 3:
		h = packet.UDPHeader(from, to)
	default:
		h = packet.TCPHeader(from, to, [...]packet.TCPFlags{packet.SYN, packet.SYN | packet.ACK, packet.ACK}[d.IntN(3)])
	}
	if d.IntN(10) == 0 {
		h.FragOffset = 1480
		h.SrcPort, h.DstPort, h.ICMPType, h.ICMPCode, h.TCPFlags = 0, 0, 0, 0, 0
	}
	return h
}

// agree compares the compiled rules with a walk of the topology.
func agree(t *testing.T, d draw, w *world, topo *Topology, packets int, format string, args ...any) {
	t.Helper()
	k := walker{topo}
	for range packets {
		h := d.header()
		dir := Ingress + Direction(d.IntN(2))
		var via Via
		if d.IntN(4) == 0 {
			via = Via{Appliance: d.IntN(2) == 0, Tracked: d.IntN(2) == 0}
		}
		id := topo.ENIs[d.IntN(len(topo.ENIs))].ID
		want, wantUntracked := k.match(id, dir, &h, via)
		got := w.match(&w.enis[w.eniByID[id]], dir, &h, via)
		if got.unknown != NoReason { // the walker knows no answer between
			got.rule = nil
		}
		require.Equal(t, want, RuleRef{got.rule}.String(), "%s: %s %s via %q: %+v", fmt.Sprintf(format, args...), id, dir, via, h)
		require.Equal(t, wantUntracked, got.untracked, "%s: %s %s via %q: %+v", fmt.Sprintf(format, args...), id, dir, via, h)
	}
}

var long = flag.Bool("long", false, "three times as many drawn topologies")

// seeds is how many of n topologies are drawn: a third, or all with -long.
func seeds(n uint64) uint64 {
	if *long {
		return n
	}
	return n / 3
}

// Match names the rule that a walk of the topology finds first, for groups of a
// few rules and for those of many.
func TestMatchAgainstWalk(t *testing.T) {
	for seed := range seeds(300) {
		d := draw{rand.New(rand.NewPCG(seed, 1))}
		topo := d.topology([...]int{0, 3, 10, 60, 200}[seed%5])
		p, err := Compile(topo)
		require.NoError(t, err, "seed %d", seed)
		agree(t, d, p.w, topo, 150, "seed %d", seed)
	}
}

// The same for more groups than an ENI holds in place.
func TestMatchManyGroups(t *testing.T) {
	for seed := range seeds(60) {
		d := draw{rand.New(rand.NewPCG(seed, 3))}
		topo := d.topology(2)
		for i := range 20 {
			topo.Groups = append(topo.Groups, Group{ID: GroupID(fmt.Sprint("sg-", 4+i)), Ingress: d.rules(2), Egress: d.rules(2)})
		}
		for i := range topo.ENIs {
			for n := range d.IntN(24) {
				topo.ENIs[i].Groups = append(topo.ENIs[i].Groups, topo.Groups[(n*7+i)%24].ID)
			}
		}
		p, err := Compile(topo)
		require.NoError(t, err, "seed %d", seed)
		agree(t, d, p.w, topo, 100, "seed %d", seed)
		f := NewFirewall(p, nil)
		for i, e := range topo.ENIs {
			require.NoError(t, f.SetGroups(e.ID, topo.ENIs[(i+1)%len(topo.ENIs)].Groups, time.Unix(0, 0)))
		}
		before := slices.Clone(topo.ENIs)
		for i := range topo.ENIs {
			topo.ENIs[i].Groups = before[(i+1)%len(before)].Groups
		}
		agree(t, d, f.w, topo, 100, "seed %d, after SetGroups", seed)
	}
}

// A group of many more rules than AWS allows.
func TestMatchManyRules(t *testing.T) {
	topo := &Topology{ENIs: []ENI{{ID: "eni-e", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Groups: []GroupID{"sg-a"}}}}
	g := Group{ID: "sg-a"}
	const n = 5000
	for i := range n {
		g.Ingress = append(g.Ingress, Rule{Protocol: TCP, Ports: Port(443), Peer: Peer{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 32)}})
	}
	topo.Groups = []Group{g}
	p, err := Compile(topo)
	require.NoError(t, err)
	for _, i := range []int{0, 1, 63, 2500, n - 1} {
		h := packet.TCPHeader(netip.AddrPortFrom(g.Ingress[i].Peer.CIDR.Addr(), 1), netip.MustParseAddrPort("10.0.0.1:443"), packet.SYN)
		m, ok := p.Match("eni-e", Ingress, &h)
		require.True(t, ok, i)
		require.Equal(t, i, m.Rule.Index())
	}
}

// After each of many changes a firewall has the policy that Compile makes of the
// changed topology, and the policy it came from is as it was.
func TestChangesAgainstCompile(t *testing.T) {
	now := time.Unix(0, 0)
	for seed := range seeds(60) {
		d := draw{rand.New(rand.NewPCG(seed, 2))}
		topo := d.topology(8)
		first := d.topology(0)
		*first = *topo
		first.Groups, first.ENIs, first.PrefixLists = slices.Clone(topo.Groups), slices.Clone(topo.ENIs), slices.Clone(topo.PrefixLists)
		p, err := Compile(topo)
		require.NoError(t, err)
		f := NewFirewall(p, nil)
		for step := range 40 {
			d.change(t, f, topo, now)
			agree(t, d, f.w, topo, 20, "seed %d step %d", seed, step)
			if step == 20 {
				f = f.Clone()
			}
		}
		agree(t, d, p.w, first, 100, "seed %d, the first policy", seed)
		require.Equal(t, names(&Policy{f.w}), names(mustCompile(t, topo)), "seed %d", seed)
		require.Equal(t, names(p), names(mustCompile(t, first)), "seed %d, the first policy", seed)
	}
}

func mustCompile(t *testing.T, topo *Topology) *Policy {
	p, err := Compile(topo)
	require.NoError(t, err)
	return p
}

// names returns every rule with its place.
func names(p *Policy) (s []string) {
	for r := range p.Rules() {
		s = append(s, r.String()+": "+r.Rule().String())
	}
	return s
}

// change makes one change to both. Slices of topo are copied before.
func (d draw) change(t *testing.T, f *Firewall, topo *Topology, now time.Time) {
	e := &topo.ENIs[d.IntN(len(topo.ENIs))]
	g := &topo.Groups[d.IntN(len(topo.Groups))]
	l := &topo.PrefixLists[d.IntN(len(topo.PrefixLists))]
	dir, rules := Ingress, &g.Ingress
	if d.IntN(2) == 0 {
		dir, rules = Egress, &g.Egress
	}
	switch d.IntN(7) {
	case 0:
		require.NoError(t, f.Attach(e.ID, g.ID, now))
		e.Groups = append(slices.Clone(e.Groups), g.ID)
	case 1:
		err := f.Detach(e.ID, g.ID, now)
		if !slices.Contains(e.Groups, g.ID) {
			require.ErrorIs(t, err, errNotAttached)
			return
		}
		require.NoError(t, err)
		e.Groups = slices.DeleteFunc(slices.Clone(e.Groups), func(id GroupID) bool { return id == g.ID })
	case 2:
		e.Groups = []GroupID{g.ID, "sg-1"}
		require.NoError(t, f.SetGroups(e.ID, e.Groups, now))
	case 3:
		r := d.rule()
		err := f.Authorize(g.ID, dir, r, now)
		if slices.ContainsFunc(*rules, sameIn(g.ID, r)) {
			require.ErrorIs(t, err, errDuplicateRule)
			return
		}
		require.NoError(t, err)
		*rules = append(slices.Clone(*rules), r)
	case 4:
		if len(*rules) == 0 {
			return
		}
		r := (*rules)[d.IntN(len(*rules))]
		require.NoError(t, f.Revoke(g.ID, dir, r, now))
		i := slices.IndexFunc(*rules, sameIn(g.ID, r))
		*rules = slices.Delete(slices.Clone(*rules), i, i+1)
	case 5:
		a := d.addr()
		p := d.prefix(a).Masked()
		err := f.AddEntry(l.ID, p, now)
		switch {
		case a.Is6() != (l.Family == packet.IPv6):
			if !errors.Is(err, errFamily) {
				require.ErrorIs(t, err, errEntryExists)
			}
			return
		case slices.ContainsFunc(l.Entries, func(e PrefixListEntry) bool { return e.CIDR.Masked() == p }):
			require.ErrorIs(t, err, errEntryExists)
			return
		}
		require.NoError(t, err)
		l.Entries = append(slices.Clone(l.Entries), PrefixListEntry{CIDR: p})
	case 6:
		if len(l.Entries) == 0 {
			return
		}
		p := l.Entries[d.IntN(len(l.Entries))].CIDR.Masked()
		require.NoError(t, f.RemoveEntry(l.ID, p, now))
		l.Entries = slices.DeleteFunc(slices.Clone(l.Entries), func(e PrefixListEntry) bool { return e.CIDR.Masked() == p })
	}
}

// Equal topologies behave equally whatever the order of their parts.
func TestOrderHasNoEffect(t *testing.T) {
	for seed := range seeds(40) {
		d := draw{rand.New(rand.NewPCG(seed, 3))}
		topo := d.topology(6)
		p, err := Compile(topo)
		require.NoError(t, err)
		mixed := *topo
		mixed.Groups, mixed.ENIs, mixed.PrefixLists = slices.Clone(topo.Groups), slices.Clone(topo.ENIs), slices.Clone(topo.PrefixLists)
		d.Shuffle(len(mixed.Groups), func(i, j int) { mixed.Groups[i], mixed.Groups[j] = mixed.Groups[j], mixed.Groups[i] })
		d.Shuffle(len(mixed.ENIs), func(i, j int) { mixed.ENIs[i], mixed.ENIs[j] = mixed.ENIs[j], mixed.ENIs[i] })
		d.Shuffle(len(mixed.PrefixLists), func(i, j int) {
			mixed.PrefixLists[i], mixed.PrefixLists[j] = mixed.PrefixLists[j], mixed.PrefixLists[i]
		})
		for i := range mixed.Groups {
			g := &mixed.Groups[i]
			g.Ingress = slices.Clone(g.Ingress)
			slices.Reverse(g.Ingress)
		}
		q, err := Compile(&mixed)
		require.NoError(t, err)
		a, b := NewFirewall(p, nil), NewFirewall(q, nil)
		for i := range 200 {
			h, now := d.header(), time.Unix(int64(i), 0)
			oa, ob := a.Forward(Packet{Header: &h, Time: now}), b.Forward(Packet{Header: &h, Time: now})
			require.Equal(t, oa.Verdict, ob.Verdict, "seed %d packet %d: %+v", seed, i, h)
			require.Equal(t, oa.Reason, ob.Reason, "seed %d packet %d: %+v", seed, i, h)
		}
	}
}

// ends removes the connections that it should and no others, whatever the mode.
func TestChangeModes(t *testing.T) {
	topo := &Topology{
		Groups: []Group{
			{ID: "sg-narrow", Ingress: []Rule{{Protocol: TCP, Ports: Port(22), Peer: MustCIDR("203.0.113.0/24")}}},
			{ID: "sg-open", Ingress: []Rule{{Protocol: AllProtocols, Peer: AnyIPv4}}, Egress: []Rule{{Protocol: AllProtocols, Peer: AnyIPv4}}},
			{ID: "sg-empty"},
		},
		ENIs: []ENI{{ID: "eni-e", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Groups: []GroupID{"sg-narrow"}}},
	}
	p, err := Compile(topo)
	require.NoError(t, err)
	now := time.Unix(0, 0)
	for mode, want := range map[OnChange][2]Reason{ // after sg-open, then after sg-empty
		ChangeAWS:        {Untracked, NoRule},
		ChangeKeep:       {Tracked, Tracked},
		ChangeRevalidate: {Tracked, NoRule},
		ChangeFlush:      {Untracked, NoRule},
	} {
		for _, via := range []Via{{}, {Tracked: true}} {
			f := NewFirewall(p, &Options{OnChange: mode})
			e := f.ENI("eni-e")
			syn := packet.TCPHeader(netip.MustParseAddrPort("203.0.113.9:5000"), netip.MustParseAddrPort("10.0.0.1:22"), packet.SYN)
			more := syn
			more.TCPFlags = packet.ACK
			require.Equal(t, ByRule, e.Evaluate(Ingress, Packet{Header: &syn, Time: now, Via: via}).Reason)
			want := want
			if via.Tracked && mode == ChangeAWS {
				want = [2]Reason{Tracked, Tracked} // CT-14
			}
			if via.Tracked && mode == ChangeFlush {
				want[0] = OutOfState // it is tracked there, and its entry is gone
			}
			require.NoError(t, f.SetGroups("eni-e", []GroupID{"sg-open"}, now))
			require.Equal(t, want[0], e.Evaluate(Ingress, Packet{Header: &more, Time: now, Via: via}).Reason, "%v via %q, open", mode, via)
			require.NoError(t, f.SetGroups("eni-e", []GroupID{"sg-empty"}, now))
			require.Equal(t, want[1], e.Evaluate(Ingress, Packet{Header: &more, Time: now, Via: via}).Reason, "%v via %q, empty", mode, via)
		}
	}
}

// What packets read of an ENI is one cache line, of a matcher three of eleven.
func TestSizes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) < 8 {
		t.Skip("sizes of 64 bits")
	}
	require.EqualValues(t, 64, unsafe.Sizeof(eni{}))
	require.EqualValues(t, 11*64, unsafe.Sizeof(matcher{}))
}
