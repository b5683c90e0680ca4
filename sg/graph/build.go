package graph

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// New returns the graph of a topology and keeps nothing of it. It leaves out rules
// without a peer and groups with a repeated id, both of which sg.Compile refuses.
func New(t *sg.Topology, o *Options) *Graph {
	if o == nil {
		o = &Options{}
	}
	b := &builder{
		topo: t, o: o, names: prose.NamesOf(t), shown: map[sg.GroupID]bool{},
		groups: map[sg.GroupID]*sg.Group{}, lists: map[sg.PrefixListID]*sg.PrefixList{},
		members: map[sg.GroupID][]string{}, addrs: map[netip.Addr][]string{},
		nodes: map[key]bool{}, edges: map[pair]*traffic{}, inside: map[key]int{}, blocks: map[key][]string{},
		carries: map[netip.Addr]sg.GroupID{},
	}
	b.index()
	b.show()
	b.rules()
	b.drops()
	return b.graph()
}

// A key is what a node stands for.
type key struct {
	kind Kind
	id   string
	dest bool // a network or list that is a destination
}

// A pair is an edge of one kind of traffic.
type pair struct {
	from, to key
	text     string
	dropped  bool
}

// traffic is what the rules of both ends say about an edge's traffic.
type traffic struct {
	rule           sg.Rule
	ends           Ends
	sent, received uint64
}

type builder struct {
	topo    *sg.Topology
	o       *Options
	names   prose.Names
	groups  map[sg.GroupID]*sg.Group
	lists   map[sg.PrefixListID]*sg.PrefixList
	members map[sg.GroupID][]string
	addrs   map[netip.Addr][]string   // ENIs by address
	carries map[netip.Addr]sg.GroupID // the first group that an address carries

	carried map[sg.GroupID]bool // by the requested ENI; nil for all
	shown   map[sg.GroupID]bool
	vpcs    int // of groups that are shown
	byVPC   bool
	merged  bool // networks are merged into one node per role

	nodes  map[key]bool
	edges  map[pair]*traffic
	inside map[key]int      // rules between groups of one VPC
	blocks map[key][]string // the networks of a merged node
}

func (b *builder) index() {
	for i := range b.topo.Groups {
		if g := &b.topo.Groups[i]; b.groups[g.ID] == nil {
			b.groups[g.ID] = g
		}
	}
	for i := range b.topo.PrefixLists {
		b.lists[b.topo.PrefixLists[i].ID] = &b.topo.PrefixLists[i]
	}
	for i := range b.topo.ENIs {
		e := &b.topo.ENIs[i]
		name := b.names.ENI(e.ID)
		for _, id := range e.Groups {
			b.members[id] = append(b.members[id], name)
		}
		for _, a := range e.Addrs {
			if len(b.addrs[a]) == 0 && len(e.Groups) > 0 {
				b.carries[a] = e.Groups[0]
			}
			b.addrs[a] = append(b.addrs[a], name)
		}
		if e.ID == b.o.ENI && e.ID != "" {
			b.carried = map[sg.GroupID]bool{}
			for _, id := range e.Groups {
				b.carried[id] = true
			}
		}
	}
	if b.o.ENI != "" && b.carried == nil {
		b.carried = map[sg.GroupID]bool{}
	}
}

// show finds the groups that are drawn.
func (b *builder) show() {
	vpcs := map[sg.VPCID]bool{}
	for id, g := range b.groups {
		if b.carried == nil || b.carried[id] {
			b.shown[id] = true
		}
		for _, rules := range both(g) {
			for i := range rules {
				if peer := rules[i].Peer.Group; b.wanted(g, &rules[i]) && peer != "" {
					b.shown[id], b.shown[peer] = true, true
				}
			}
		}
	}
	for id := range b.carried {
		b.shown[id] = true
	}
	for id := range b.shown {
		if g := b.groups[id]; g != nil {
			vpcs[g.VPC] = true
		}
	}
	b.vpcs = len(vpcs)
	b.byVPC = b.o.By == ByVPC || b.o.By == Auto && len(b.shown) > Many && b.vpcs > 1
	for id := range b.shown {
		b.nodes[b.groupKey(id)] = true
	}
	b.merged = b.byVPC && b.networks() > fewNetworks
}

// fewNetworks is the most networks that have nodes of their own next to VPCs.
const fewNetworks = 8

// networks counts the networks that rules name, except those of all addresses.
func (b *builder) networks() int {
	seen := map[netip.Prefix]bool{}
	for _, g := range b.groups {
		for _, rules := range both(g) {
			for i := range rules {
				if p := rules[i].Peer.CIDR; p.Bits() > 0 && b.wanted(g, &rules[i]) {
					seen[p.Masked()] = true
				}
			}
		}
	}
	return len(seen)
}

// both yields the rules of a group by direction.
func both(g *sg.Group) func(func(sg.Direction, []sg.Rule) bool) {
	return func(yield func(sg.Direction, []sg.Rule) bool) {
		_ = yield(sg.Ingress, g.Ingress) && yield(sg.Egress, g.Egress)
	}
}

// wanted reports whether a rule is drawn: the ENI carries its group, or the group it
// names.
func (b *builder) wanted(g *sg.Group, r *sg.Rule) bool {
	return b.carried == nil || b.carried[g.ID] || b.carried[r.Peer.Group]
}

func (b *builder) groupKey(id sg.GroupID) key {
	switch g := b.groups[id]; {
	case g == nil:
		return key{kind: Unknown, id: string(id)}
	case b.byVPC:
		return key{kind: VPC, id: string(g.VPC)}
	}
	return key{kind: Group, id: string(id)}
}

// peerKey returns the node of a rule's peer; false if it has none.
func (b *builder) peerKey(g *sg.Group, dir sg.Direction, p *sg.Peer) (key, bool) {
	switch dest := dir == sg.Egress; {
	case p.Self:
		return b.groupKey(g.ID), true
	case p.Group != "":
		return b.groupKey(p.Group), true
	case p.PrefixList != "":
		return key{List, string(p.PrefixList), dest}, true
	case b.merged && p.CIDR.Bits() > 0:
		k := key{kind: Network, dest: dest}
		b.blocks[k] = append(b.blocks[k], p.CIDR.Masked().String())
		return k, true
	case p.CIDR.IsValid():
		return key{Network, p.CIDR.Masked().String(), dest}, true
	}
	return key{}, false
}

func (b *builder) rules() {
	for _, g := range b.groups {
		for dir, rules := range both(g) {
			for i := range rules {
				if b.wanted(g, &rules[i]) {
					b.rule(g, dir, i, rules[i])
				}
			}
		}
	}
}

func (b *builder) rule(g *sg.Group, dir sg.Direction, index int, r sg.Rule) {
	own := b.groupKey(g.ID)
	peer, ok := b.peerKey(g, dir, &r.Peer)
	if !ok {
		return
	}
	if own.kind == VPC && peer == own {
		b.inside[own]++
		return
	}
	b.nodes[peer] = true
	p := pair{peer, own, prose.Traffic(r), false}
	if dir == sg.Egress {
		p.from, p.to = own, peer
	}
	t := b.edges[p]
	if t == nil {
		t = &traffic{rule: r}
		b.edges[p] = t
	}
	var hits uint64
	if b.o.Hits != nil {
		hits = b.o.Hits(g.ID, dir, index)
	}
	if dir == sg.Egress {
		t.ends |= AtSender
		t.sent += hits
	} else {
		t.ends |= AtReceiver
		t.received += hits
	}
}

// drops adds dropped packets, between existing nodes and one node for all other
// addresses on either side.
func (b *builder) drops() {
	named := b.namedNetworks()
	for i := range b.o.Drops {
		d := &b.o.Drops[i]
		p := pair{b.end(named, d.Src, false), b.end(named, d.Dst, true), d.Text, true}
		b.nodes[p.from], b.nodes[p.to] = true, true
		t := b.edges[p]
		if t == nil {
			t = &traffic{}
			b.edges[p] = t
		}
		t.received += d.Packets
	}
}

// elsewhere is the id of a node for addresses that no rule names.
const elsewhere = "other"

// end returns the node of one end of a packet.
func (b *builder) end(named []netip.Prefix, a netip.Addr, dest bool) key {
	if id, ok := b.carries[a]; ok && b.shown[id] {
		return b.groupKey(id)
	}
	best := key{Network, elsewhere, dest}
	longest := -1
	for _, p := range named {
		if k := (key{Network, p.String(), dest}); p.Contains(a) && p.Bits() > longest && b.nodes[k] {
			best, longest = k, p.Bits()
		}
	}
	return best
}

// namedNetworks are the networks that have nodes.
func (b *builder) namedNetworks() (all []netip.Prefix) {
	for k := range b.nodes {
		if p, err := netip.ParsePrefix(k.id); err == nil && k.kind == Network {
			all = append(all, p)
		}
	}
	return all
}

// graph puts everything in order.
func (b *builder) graph() *Graph {
	keys := slices.Collect(maps.Keys(b.nodes))
	slices.SortFunc(keys, func(x, y key) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(b.title(x), b.title(y)), cmp.Compare(x.id, y.id), compareBool(x.dest, y.dest))
	})
	g := &Graph{Counted: b.o.Hits != nil, MoreDrops: b.o.MoreDrops}
	number := map[key]int{}
	for i, k := range keys {
		number[k] = i
		g.Nodes = append(g.Nodes, Node{k.kind, b.title(k), b.lines(k)})
	}
	type between struct {
		from, to int
		ends     Ends
		unused   bool
		dropped  bool
	}
	edges := map[between][]Traffic{}
	for p, t := range b.edges {
		hits := max(t.sent, t.received)
		at := between{number[p.from], number[p.to], t.ends, g.Counted && hits == 0 && !p.dropped, p.dropped}
		edges[at] = append(edges[at], Traffic{p.text, hits, t.rule})
	}
	for at, ts := range edges {
		slices.SortFunc(ts, compareTraffic)
		if at.dropped { // there may be many: an edge has lines for those that matter
			slices.SortStableFunc(ts, func(x, y Traffic) int { return cmp.Compare(y.Hits, x.Hits) })
		}
		g.Edges = append(g.Edges, Edge{at.from, at.to, at.ends, at.unused, at.dropped, ts})
	}
	slices.SortFunc(g.Edges, func(x, y Edge) int {
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To), cmp.Compare(y.Ends, x.Ends), compareBool(x.Unused, y.Unused), compareBool(x.Dropped, y.Dropped))
	})
	return g
}

func compareBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

func compareTraffic(x, y Traffic) int {
	a, b := &x.rule, &y.rule
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol),
		cmp.Compare(a.Ports.First(), b.Ports.First()), cmp.Compare(a.Ports.Last(), b.Ports.Last()),
		cmp.Compare(a.ICMP.Type(), b.ICMP.Type()), cmp.Compare(a.ICMP.Code(), b.ICMP.Code()), cmp.Compare(x.Text, y.Text))
}

func (b *builder) title(k key) string {
	switch k.kind {
	case Group:
		return escape.Text(cmp.Or(b.groups[sg.GroupID(k.id)].Name, k.id))
	case VPC:
		return escape.Text(cmp.Or(k.id, "no VPC"))
	case Network:
		switch k.id {
		case "":
			return "networks"
		case elsewhere:
			return "other addresses"
		}
		return network(k.id)
	case List:
		if l := b.lists[sg.PrefixListID(k.id)]; l != nil {
			return escape.Text(cmp.Or(l.Name, k.id))
		}
	}
	return escape.Text(k.id)
}

// network is a CIDR with its name, if it has one.
func network(cidr string) string {
	switch cidr {
	case "0.0.0.0/0":
		return "anywhere, IPv4"
	case "::/0":
		return "anywhere, IPv6"
	}
	return cidr
}

func (b *builder) lines(k key) []string {
	var lines []string
	if title := b.title(k); title != escape.Text(k.id) && k.id != "" && k.id != elsewhere {
		lines = append(lines, escape.Text(k.id))
	}
	switch k.kind {
	case Group:
		if g := b.groups[sg.GroupID(k.id)]; b.vpcs > 1 && g.VPC != "" {
			lines = append(lines, escape.Text(string(g.VPC)))
		}
		if len(b.topo.ENIs) > 0 {
			lines = append(lines, few(b.members[sg.GroupID(k.id)], "no interface")...)
		}
	case VPC:
		groups := 0
		enis := map[string]bool{}
		for id := range b.shown {
			if b.groupKey(id) == k {
				groups++
				for _, e := range b.members[id] {
					enis[e] = true
				}
			}
		}
		lines = append(lines, count(groups, "group"))
		if len(b.topo.ENIs) > 0 {
			lines = append(lines, count(len(enis), "interface"))
		}
		if n := b.inside[k]; n > 0 {
			lines = append(lines, count(n, "rule")+" among them")
		}
	case Unknown:
		lines = append(lines, "not in the input")
	case List:
		switch l := b.lists[sg.PrefixListID(k.id)]; {
		case l == nil || len(l.Entries) == 0:
			lines = append(lines, "no entries known")
		case l.Incomplete:
			lines = append(lines, "not all entries known")
		default:
			lines = append(lines, count(len(l.Entries), "entry"))
		}
	case Network:
		lines = append(lines, few(b.blocks[k], "")...)
		if p, err := netip.ParsePrefix(k.id); err == nil && p.IsSingleIP() {
			lines = append(lines, few(b.addrs[p.Addr()], "")...)
		}
	}
	return lines
}

// few returns the first names in order and how many more there are; nothing if
// there are none.
func few(names []string, none string) []string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) == 0 && none != "" {
		return []string{none}
	}
	return prose.First(names, 2, "")
}

// count is "1 group", "1,234 groups".
func count[N ~int | ~uint64](n N, what string) string {
	return prose.Number(uint64(n)) + " " + prose.Noun(n, what)
}
