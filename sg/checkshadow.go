package sg

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
)

// shadows finds, among the rules of a group for one direction, one that admits all
// that another does, as far as the two alone tell: CIDR blocks are compared, lists
// and groups only for equality. It takes little more time for each rule of many
// than of few, which comparing them two by two would not.
type shadows struct {
	peers   map[Peer]*peerRules
	lengths [2][]int // of the CIDR blocks, IPv4 and IPv6
}

// peerRules are the rules with one peer.
type peerRules struct {
	plain map[Rule]int // the place of those without ports, by identity without peer
	ports [2][]portRule
}

// A portRule is a rule with ports. Those that admit all of its ports, and others,
// are before it.
type portRule struct {
	first, last int32
	place       int
	widest      int // which of those up to this one has the largest last port
}

func comparePorts(a, b portRule) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last))
}

// newShadows takes the places of the rules by their identities.
func newShadows(placeOf map[Rule]int) *shadows {
	s := &shadows{peers: map[Peer]*peerRules{}}
	for id, place := range placeOf {
		p := s.peers[id.Peer]
		if p == nil {
			p = &peerRules{plain: map[Rule]int{}}
			s.peers[id.Peer] = p
			if c := id.Peer.CIDR; c.IsValid() {
				lengths := &s.lengths[familyIndex(c)]
				if !slices.Contains(*lengths, c.Bits()) {
					*lengths = append(*lengths, c.Bits())
				}
			}
		}
		id.Peer = Peer{}
		if id.Protocol != TCP && id.Protocol != UDP {
			p.plain[id] = place
		} else if id.Ports.set {
			rules := p.portsOf(id.Protocol)
			*rules = append(*rules, portRule{id.Ports.first, id.Ports.last, place, 0})
		}
	}
	for _, p := range s.peers {
		for _, rules := range p.ports {
			slices.SortFunc(rules, comparePorts)
			for i := range rules {
				rules[i].widest = i
				if i > 0 && rules[rules[i-1].widest].last >= rules[i].last {
					rules[i].widest = rules[i-1].widest
				}
			}
		}
	}
	return s
}

func familyIndex(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 0
	}
	return 1
}

func (p *peerRules) portsOf(proto Protocol) *[]portRule {
	if proto == TCP {
		return &p.ports[0]
	}
	return &p.ports[1]
}

// of returns the place of a rule that admits all that the one with this identity
// does, and is another; the first one where several peers have such a rule.
func (s *shadows) of(id Rule) (place int, ok bool) {
	try := func(peer Peer) {
		p := s.peers[peer]
		if p == nil {
			return
		}
		if n, found := p.covering(id, peer == id.Peer); found && (!ok || n < place) {
			place, ok = n, true
		}
	}
	c := id.Peer.CIDR
	if !c.IsValid() {
		try(id.Peer)
		return place, ok
	}
	for _, bits := range s.lengths[familyIndex(c)] {
		if bits <= c.Bits() {
			try(Peer{CIDR: netip.PrefixFrom(c.Addr(), bits).Masked()})
		}
	}
	return place, ok
}

// covering returns the place of a rule that covers protocol and ports. If the peer
// is the rule's own it must be another rule.
func (p *peerRules) covering(id Rule, own bool) (place int, ok bool) {
	id.Peer = Peer{}
	try := func(r Rule) {
		if n, found := p.plain[r]; found && (!own || r != id) && (!ok || n < place) {
			place, ok = n, true
		}
	}
	try(Rule{Protocol: AllProtocols})
	switch id.Protocol {
	case ICMP, ICMPv6:
		if id.ICMP.set {
			try(Rule{Protocol: id.Protocol, ICMP: allICMP})
			try(Rule{Protocol: id.Protocol, ICMP: ICMPMatch{id.ICMP.typ, -1, true}})
			try(id)
		}
	case TCP, UDP:
		rules := *p.portsOf(id.Protocol)
		want := portRule{first: id.Ports.first, last: id.Ports.last}
		n, _ := slices.BinarySearchFunc(rules, want, comparePorts)
		if !own {
			n = sort.Search(len(rules), func(i int) bool { return rules[i].first > want.first })
		}
		if n > 0 && id.Ports.set {
			if w := rules[rules[n-1].widest]; w.last >= want.last && (!ok || w.place < place) {
				place, ok = w.place, true
			}
		}
	default:
		try(id)
	}
	return place, ok
}
