package corpus

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/bench/walk"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// WorldSpec says how large a topology is. Half of the rules name a CIDR, a fifth
// one of the prefix lists, the rest another group; a tenth of the CIDRs and of
// the lists are IPv6.
type WorldSpec struct {
	ENIs         int
	Groups       int
	Rules        int // ingress rules of each group
	GroupsPerENI int
	Lists        int
	Entries      int // of each list
	Seed         uint64
}

// Large is a large account: 5,000 groups, five of them on each ENI.
func Large(enis int) WorldSpec {
	return WorldSpec{ENIs: enis, Groups: 5000, Rules: 60, GroupsPerENI: 5, Lists: 50, Entries: 1000, Seed: 1}
}

// Ruled is a world of one group with rules rules, carried by a few ENIs.
func Ruled(rules int) WorldSpec {
	return WorldSpec{ENIs: 100, Groups: 1, Rules: rules, GroupsPerENI: 1, Lists: 5, Entries: 1000, Seed: 2}
}

// A World is a topology and what is needed to draw packets for it. One goroutine
// at a time may draw.
type World struct {
	Topology *sg.Topology

	spec    WorldSpec
	members [][]int // ENIs of group i
	groups  [][]int // groups of ENI i
	lists   [][]netip.Prefix
	walker  *walk.Walker // of the topology, made when it is first asked for
}

// closedPort draws a port that no rule of a world covers.
func closedPort(rng *rand.Rand) int {
	for {
		if port := 1 + rng.IntN(1023); !slices.Contains(knownPorts, port) {
			return port
		}
	}
}

// knownPorts are what most rules of a world name.
var knownPorts = []int{22, 53, 80, 123, 389, 443, 636, 1433, 2049, 3306, 3389, 5432, 6379, 8080, 8443, 9092, 9200, 11211, 27017}

// NewWorld draws a topology. Every group has the same number of members, give or
// take one, as far as there are ENIs.
func NewWorld(s WorldSpec) *World {
	w := &World{Topology: &sg.Topology{}, spec: s, members: make([][]int, s.Groups)}
	rng := rand.New(rand.NewPCG(s.Seed, 4))
	for i := range s.Lists {
		w.addList(i, rng)
	}
	for i := range s.Groups {
		g := sg.Group{ID: GroupID(i), Name: fmt.Sprint("group-", i)}
		for j := range s.Rules {
			g.Ingress = append(g.Ingress, w.rule(j, rng))
		}
		w.Topology.Groups = append(w.Topology.Groups, g)
	}
	for i := range s.ENIs {
		e := sg.ENI{ID: ENIID(i), Addrs: []netip.Addr{ENIAddr4(i), ENIAddr6(i)}}
		carried := map[int]bool{}
		var groups []int
		for len(groups) < s.GroupsPerENI {
			g := rng.IntN(s.Groups)
			if carried[g] {
				continue
			}
			carried[g] = true
			groups = append(groups, g)
			e.Groups = append(e.Groups, GroupID(g))
			w.members[g] = append(w.members[g], i)
		}
		w.groups = append(w.groups, groups)
		w.Topology.ENIs = append(w.Topology.ENIs, e)
	}
	return w
}

// Walker returns a naive walk of the world's rules as they were drawn. It is made once.
func (w *World) Walker() *walk.Walker {
	if w.walker == nil {
		w.walker = walk.New(w.Topology)
	}
	return w.walker
}

// GroupID returns the id of group i of every world.
func GroupID(i int) sg.GroupID { return sg.GroupID(fmt.Sprintf("sg-%08x", i)) }

// ENIID returns the id of ENI i of every world.
func ENIID(i int) sg.ENIID { return sg.ENIID(fmt.Sprintf("eni-%08x", i)) }

// ListID returns the id of prefix list i of every world.
func ListID(i int) sg.PrefixListID { return sg.PrefixListID(fmt.Sprintf("pl-%08x", i)) }

// ENIAddr4 returns the IPv4 address of ENI i.
func ENIAddr4(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// ENIAddr6 returns the IPv6 address of ENI i.
func ENIAddr6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfd, 0, 0, 0xc, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
}

func (w *World) addList(i int, rng *rand.Rand) {
	l := sg.PrefixList{ID: ListID(i), MaxEntries: w.spec.Entries, Family: packet.IPv4}
	v6 := i%10 == 9
	if v6 {
		l.Family = packet.IPv6
	}
	seen := map[netip.Prefix]bool{}
	var ps []netip.Prefix
	for len(ps) < w.spec.Entries {
		p := randomPrefix(v6, rng)
		if seen[p] {
			continue
		}
		seen[p] = true
		ps = append(ps, p)
		l.Entries = append(l.Entries, sg.PrefixListEntry{CIDR: p})
	}
	w.lists = append(w.lists, ps)
	w.Topology.PrefixLists = append(w.Topology.PrefixLists, l)
}

// randomPrefix draws a prefix of public length outside 10.0.0.0/8 and fd00::/8,
// where the ENIs live.
func randomPrefix(v6 bool, rng *rand.Rand) netip.Prefix {
	if v6 {
		a := [16]byte{0x20, byte(rng.IntN(4)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))}
		return netip.PrefixFrom(netip.AddrFrom16(a), 32+rng.IntN(33)).Masked()
	}
	a := [4]byte{byte(11 + rng.IntN(200)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))}
	return netip.PrefixFrom(netip.AddrFrom4(a), 16+rng.IntN(17)).Masked()
}

// rule draws rule j of a group. The kinds follow a fixed cycle of ten, so that
// every group has its share of each.
func (w *World) rule(j int, rng *rand.Rand) sg.Rule {
	r := sg.Rule{Protocol: sg.TCP, Ports: rulePorts(rng)}
	if rng.IntN(8) == 0 {
		r.Protocol = sg.UDP
	}
	switch k := j % 10; {
	case k < 5:
		r.Peer = sg.Peer{CIDR: randomPrefix(rng.IntN(10) == 0, rng)}
	case k < 7:
		r.Peer = sg.FromPrefixList(ListID(rng.IntN(w.spec.Lists)))
	default:
		r.Peer = sg.FromGroup(GroupID(rng.IntN(w.spec.Groups)))
	}
	return r
}

// rulePorts draws what rules name: mostly one of few well-known ports, now and
// then a range from 1,024 on.
func rulePorts(rng *rand.Rand) sg.PortRange {
	switch rng.IntN(10) {
	case 0:
		return sg.Ports(1024, 65535)
	case 1:
		n := 1024 + rng.IntN(60000)
		return sg.Ports(n, n+rng.IntN(1000))
	}
	return sg.Port(knownPorts[rng.IntN(len(knownPorts))])
}
