package sgtest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/overlap"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// A Network is a topology at work: a firewall at every ENI, a wire between any two
// of them and to everything outside, and a clock. Packets reach their destination if
// security groups and network ACLs let them; nothing else stops them, not even
// routes. It is safe for concurrent use.
type Network struct {
	Clock Clock

	mu     sync.Mutex
	topo   *sg.Topology        // as it is now; never shared
	shared map[netip.Addr]bool // what isShared has found
	opts   sg.Options
	filter *sg.Filter
	hosts  map[string][]netip.Addr
	port   uint16 // of the last connection made
	log    history
	stack
}

// NewNetwork makes a network from a copy of a topology. opts is for every ENI;
// nil means the defaults. A topology that does not compile ends the test.
func NewNetwork(t TB, topo *sg.Topology, opts *sg.Options) *Network {
	t.Helper()
	policy, err := sg.Compile(topo)
	if err != nil {
		t.Fatalf("topology does not compile:\n%v", err)
	}
	return NewNetworkOn(t, sg.NewFilter(sg.NewFirewall(policy, opts)), topo, opts)
}

// NewNetworkOn makes a network on a filter that something else uses as well, so that
// both share rules and connections. topo and opts are those of the filter's
// firewall. From here on, change rules only with the network's methods. Both sides
// need the same time, that of [Network.Clock].
func NewNetworkOn(t TB, filter *sg.Filter, topo *sg.Topology, opts *sg.Options) *Network {
	n := &Network{
		topo: topotext.Clone(topo), shared: map[netip.Addr]bool{}, filter: filter, stack: newStack(),
		hosts: map[string][]netip.Addr{}, port: firstPort - 1,
	}
	if opts != nil {
		n.opts = *opts
	}
	n.log = newHistory(n.topo, n.opts)
	if t, ok := t.(cleaner); ok {
		t.Cleanup(func() { n.end(t) })
	}
	return n
}

// Filter returns the network's own firewall, for links that carry frames: the stacks
// behind them and the network's connections meet the same rules. The conditions of
// [NewNetworkOn] apply.
func (n *Network) Filter() *sg.Filter { return n.filter }

// Host names a machine outside the topology, which no group protects. Packets of
// IPv4 and IPv6 use the first address of their family.
func (n *Network) Host(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name] = nil
	for _, a := range addrs {
		n.hosts[name] = append(n.hosts[name], netip.MustParseAddr(a).Unmap())
	}
}

// Send sends one packet from its source address to its destination now, and
// returns what happened to it. h may be anything that package packet can make or
// decode.
func (n *Network) Send(h packet.Header) sg.Outcome { return n.send(h, sg.Via{}) }

func (n *Network) send(h packet.Header, via sg.Via) sg.Outcome {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.Clock.Now()
	out := n.pass(&h, via, nil, now)
	n.log.packet(h, via, out, now)
	return out
}

// Explain says what would happen to a packet, and why, without sending it.
func (n *Network) Explain(h packet.Header) *sg.Explanation {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.explain(&h, sg.Via{}, n.Clock.Now())
}

// Topology returns a copy of the topology as it is now.
func (n *Network) Topology() *sg.Topology {
	n.mu.Lock()
	defer n.mu.Unlock()
	return topotext.Clone(n.topo)
}

// Change edits the topology and puts the new one into force now, in one step.
// Tracked connections survive, as they do in AWS (CT-20); with [sg.ChangeFlush] none
// does, wherever the change is. A topology that does not compile fails the test and
// changes nothing. edit must not call methods of the network.
func (n *Network) Change(t TB, edit func(*sg.Topology)) bool {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	topo := topotext.Clone(n.topo)
	edit(topo)
	policy, err := sg.Compile(topo)
	if err != nil {
		t.Errorf("changed topology does not compile:\n%v", err)
		return false
	}
	now := n.Clock.Now()
	n.topo, n.shared = topotext.Clone(topo), map[netip.Addr]bool{} // edit may have kept a pointer
	n.filter.Do(func(fw *sg.Firewall) { fw.Swap(policy, now) })
	n.log.change(n.topo, now)
	return true
}

// SetGroups replaces the groups of an ENI, which is named by id, name or address.
func (n *Network) SetGroups(t TB, eni string, groups ...sg.GroupID) bool {
	t.Helper()
	return n.Change(t, func(topo *sg.Topology) {
		t.Helper()
		i := findENI(topo, eni)
		if i < 0 {
			t.Fatalf("%q is no ENI of the network, or the address of several", eni)
			return
		}
		for _, g := range groups {
			if !slices.ContainsFunc(topo.Groups, func(o sg.Group) bool { return o.ID == g }) {
				t.Fatalf("no group %q in the network", g)
				return
			}
		}
		topo.ENIs[i].Groups = slices.Clone(groups)
	})
}

// Authorize adds rules to a group. One that the group has already fails the test, since
// AWS refuses it (SG-51).
func (n *Network) Authorize(t TB, group sg.GroupID, dir sg.Direction, rules ...sg.Rule) bool {
	t.Helper()
	ok := true
	return n.Change(t, func(topo *sg.Topology) {
		t.Helper()
		list := ruleList(t, topo, group, dir)
		for _, r := range rules {
			if list == nil {
				return
			}
			if ok = ok && !slices.ContainsFunc(*list, func(o sg.Rule) bool { return o.Same(r, group) }); !ok {
				t.Errorf("%s has %s rule %q already", group, dir, r)
				return
			}
			*list = append(*list, r)
		}
	}) && ok
}

// Revoke removes rules from a group, every one that AWS takes for the same
// (SG-57, [sg.Rule.Same]). A rule that the group lacks fails the test.
func (n *Network) Revoke(t TB, group sg.GroupID, dir sg.Direction, rules ...sg.Rule) bool {
	t.Helper()
	ok := true
	return n.Change(t, func(topo *sg.Topology) {
		t.Helper()
		list := ruleList(t, topo, group, dir)
		for _, r := range rules {
			if list == nil {
				return
			}
			before := len(*list)
			*list = slices.DeleteFunc(*list, func(o sg.Rule) bool { return o.Same(r, group) })
			if len(*list) == before {
				ok = false
				t.Errorf("%s has no %s rule %q to revoke", group, dir, r)
			}
		}
	}) && ok
}

func ruleList(t TB, topo *sg.Topology, group sg.GroupID, dir sg.Direction) *[]sg.Rule {
	t.Helper()
	i := slices.IndexFunc(topo.Groups, func(g sg.Group) bool { return g.ID == group })
	switch {
	case i < 0:
		t.Fatalf("no group %q in the network", group)
	case dir == sg.Ingress:
		return &topo.Groups[i].Ingress
	case dir == sg.Egress:
		return &topo.Groups[i].Egress
	default:
		t.Fatalf("no direction for a rule of %s", group)
	}
	return nil
}

// findENI returns the index of the ENI with this id, else name, else of the only one with
// this address, of this instance, or with this group by id or name; -1 if there is none.
func findENI(topo *sg.Topology, s string) int {
	if s == "" {
		return -1 // what has no name is not meant
	}
	if i := slices.IndexFunc(topo.ENIs, func(e sg.ENI) bool { return string(e.ID) == s }); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(topo.ENIs, func(e sg.ENI) bool { return e.Name == s }); i >= 0 {
		return i
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return sole(topo, func(e sg.ENI) bool { return owns(&e, a) })
	}
	if i := slices.IndexFunc(topo.ENIs, func(e sg.ENI) bool { return string(e.Instance) == s }); i >= 0 {
		return sole(topo, func(e sg.ENI) bool { return string(e.Instance) == s })
	}
	called := func(g sg.Group) bool { return string(g.ID) == s || g.Name == s }
	return sole(topo, func(e sg.ENI) bool {
		return slices.ContainsFunc(topo.Groups, func(g sg.Group) bool { return called(g) && slices.Contains(e.Groups, g.ID) })
	})
}

// sole returns the index of the only such ENI, -1 if there is none or more than one.
func sole(topo *sg.Topology, is func(sg.ENI) bool) int {
	i := slices.IndexFunc(topo.ENIs, is)
	if i >= 0 && slices.ContainsFunc(topo.ENIs[i+1:], is) {
		return -1
	}
	return i
}

// An end is one side of a conversation.
type end struct {
	name string
	addr netip.Addr
	eni  int // in Topology.ENIs; -1 outside, or if it is not known which
}

// at returns the place of a port of an end.
func (n *Network) at(e end, port uint16) place {
	return n.place(netip.AddrPortFrom(e.addr, port), n.vpcOf(e))
}

func (n *Network) vpcOf(e end) sg.VPCID {
	if e.eni < 0 {
		return ""
	}
	return n.topo.ENIs[e.eni].VPC
}

// locate finds the interface of an end that is an address of several VPCs: it is in the
// VPC of the other end.
func (n *Network) locate(e *end, other end) {
	if e.eni < 0 && other.eni >= 0 && n.isShared(e.addr) {
		e.eni = slices.IndexFunc(n.topo.ENIs, func(i sg.ENI) bool {
			return i.VPC == n.vpcOf(other) && owns(&i, e.addr)
		})
	}
}

// ends finds the addresses for traffic between two names, of the first family
// that both and the traffic can have, IPv4 before IPv6.
func (n *Network) ends(from, to string, what sg.Traffic) (a, b end, err error) {
	if err := valid(what); err != nil {
		return a, b, err
	}
	fromAddrs, a, err := n.lookup(from)
	if err != nil {
		return a, b, err
	}
	toAddrs, b, err := n.lookup(to)
	if err != nil {
		return a, b, err
	}
	for _, e := range []end{a, b} {
		if e.eni >= 0 && len(fromAddrs)*len(toAddrs) == 0 && len(n.topo.ENIs[e.eni].Addrs) == 0 {
			return a, b, fmt.Errorf("%s has no address yet: Addrs of its ENI in the topology can give it one", e.name)
		}
	}
	if !n.meet(&a, &b, fromAddrs, toAddrs, what.Protocol != sg.ICMPv6, what.Protocol != sg.ICMP) {
		return a, b, fmt.Errorf("%s and %s have no address of one family for %s", from, to, what)
	}
	if a.eni >= 0 && b.eni >= 0 {
		if _, note := overlap.Between(n.topo, n.named(a), n.named(b)); note != "" {
			return a, b, errors.New("no security group ever sees " + from + " to " + to + ": " + note)
		}
	}
	return a, b, nil
}

// named is an end that is an interface as package overlap knows it.
func (n *Network) named(e end) overlap.End {
	return overlap.End{Name: e.name, ENI: &n.topo.ENIs[e.eni], Addr: e.addr}
}

// valid returns an error for traffic that no rule can admit, such as the zero one.
func valid(what sg.Traffic) error {
	r := what.From(sg.AnyIPv4)
	if !r.Ports.IsSet() {
		r.Ports = sg.Ports(0, 65535)
	}
	if !r.ICMP.IsSet() {
		r.ICMP = sg.ICMPTypeCode(-1, -1)
	}
	_, err := sg.Compile(&sg.Topology{Groups: []sg.Group{{ID: "traffic", Ingress: []sg.Rule{r}}}})
	if at := (*sg.Error)(nil); errors.As(err, &at) {
		return fmt.Errorf("traffic %q: %w", what, at.Err)
	}
	return err
}

// meet gives two ends the first address of each list in a family that both have, IPv4
// before IPv6. v4 and v6 say which families will do.
func (n *Network) meet(a, b *end, as, bs []netip.Addr, v4, v6 bool) (ok bool) {
	a.addr, b.addr, ok = pairUp(as, bs, v4, v6)
	n.locate(a, *b)
	n.locate(b, *a)
	return ok
}

// pairUp returns the first address of each list in a family that both have, IPv4 before
// IPv6. v4 and v6 say which families will do.
func pairUp(as, bs []netip.Addr, v4, v6 bool) (a, b netip.Addr, ok bool) {
	for _, is := range []func(netip.Addr) bool{netip.Addr.Is4, netip.Addr.Is6} {
		i, j := slices.IndexFunc(as, is), slices.IndexFunc(bs, is)
		if i >= 0 && j >= 0 && (as[i].Is4() && v4 || as[i].Is6() && v6) {
			return as[i], bs[j], true
		}
	}
	return a, b, false
}

// mostKnown bounds the names that an error lists.
const mostKnown = 10

func (n *Network) lookup(name string) ([]netip.Addr, end, error) {
	if addrs, ok := n.hosts[name]; ok {
		return addrs, end{name: name, eni: -1}, nil
	}
	i := findENI(n.topo, name)
	addr, err := netip.ParseAddr(name)
	switch {
	case err == nil:
		return []netip.Addr{addr.Unmap()}, end{name: name, eni: i}, nil
	case i >= 0:
		return n.topo.ENIs[i].Addrs, end{name: name, eni: i}, nil
	}
	known := []string{}
	for h := range n.hosts {
		known = append(known, h)
	}
	slices.Sort(known)
	for i := range n.topo.ENIs {
		known = append(known, string(n.topo.ENIs[i].ID))
		if n.topo.ENIs[i].Name != "" {
			known[len(known)-1] = n.topo.ENIs[i].Name
		}
	}
	return nil, end{}, fmt.Errorf("%q is neither an address nor one of %s", name, strings.Join(prose.First(known, mostKnown, ""), ", "))
}

// Ports of the connecting side, as Linux takes them by default.
const (
	firstPort = 32768
	lastPort  = 60999
)

func (n *Network) nextPort() uint16 {
	if n.port++; n.port > lastPort {
		n.port = firstPort
	}
	return n.port
}
