// Package reach says which VPCs reach each other, so that rules at interfaces in one may
// name groups whose members are in the other (REF-08 to REF-19).
//
// VPCs go by numbers that a [Map] gives. Number 0 stands for "not said", which reaches
// all. The VPCs of a group are its own and those that it is associated with; a group
// without any is one whose VPC is not said.
package reach

import "slices"

// A Map knows VPCs and the peerings between them. Make one with [New]. It may be read
// by several goroutines once all VPCs have their numbers.
type Map struct {
	numbers  map[string]uint32
	gateways []Answer
	attached map[uint32]map[int]Answer // by VPC and transit gateway: whether references cross
	peered   map[[2]uint32]bool        // both orders, active ones; true: within a Region (REF-10)
	peers    map[uint32][]uint32       // the other VPCs of those in peered
	parted   map[[2]uint32]bool        // both orders: an inactive peering is all that is known
	peerings map[string]bool           // true: active and within a Region
}

// New returns a Map without VPCs.
func New() *Map {
	return &Map{
		numbers: map[string]uint32{}, attached: map[uint32]map[int]Answer{},
		peered: map[[2]uint32]bool{}, parted: map[[2]uint32]bool{}, peerings: map[string]bool{},
		peers: map[uint32][]uint32{},
	}
}

// VPC returns the number of a VPC, 0 for an empty id.
func (m *Map) VPC(id string) uint32 {
	if id == "" {
		return 0
	}
	n, ok := m.numbers[id]
	if !ok {
		n = uint32(len(m.numbers)) + 1
		m.numbers[id] = n
	}
	return n
}

// Find returns the number of a VPC that has one.
func (m *Map) Find(id string) (uint32, bool) {
	n, ok := m.numbers[id]
	return n, ok
}

// Len returns the number above those of all VPCs.
func (m *Map) Len() int { return len(m.numbers) + 1 }

// VPCs returns the VPCs of a group that is in the first of these and associated with
// the others; none where the first is empty, to which associations add nothing.
func VPCs[ID ~string](m *Map, id ID, associations []ID) []uint32 {
	if id == "" {
		return nil
	}
	vpcs := []uint32{m.VPC(string(id))}
	for _, a := range associations {
		vpcs = append(vpcs, m.VPC(string(a)))
	}
	return vpcs
}

// Peer enters a peering.
func (m *Map) Peer(id, requester, accepter string, active, sameRegion bool) {
	m.peerings[id] = active && sameRegion
	a, b := m.VPC(requester), m.VPC(accepter)
	if !active {
		m.parted[[2]uint32{a, b}], m.parted[[2]uint32{b, a}] = true, true
		return
	}
	if a != b && !m.Peered(a, b) {
		m.peers[a], m.peers[b] = append(m.peers[a], b), append(m.peers[b], a)
	}
	within := sameRegion || m.peered[[2]uint32{a, b}]
	m.peered[[2]uint32{a, b}], m.peered[[2]uint32{b, a}] = within, within
}

// Peered reports whether an active peering connects two VPCs, of whatever Regions.
func (m *Map) Peered(a, b uint32) bool {
	_, active := m.peered[[2]uint32{a, b}]
	return active
}

// Peers returns the VPCs that an active peering connects with one, of whatever Regions,
// each once and never itself. The caller must not change the slice.
func (m *Map) Peers(vpc uint32) []uint32 { return m.peers[vpc] }

// An Answer is to a question that the input may leave open.
type Answer uint8

const (
	No Answer = iota
	Maybe
	Yes
)

// option returns the answer that the text of an option gives: "enable", "disable", or
// something else where it is not known.
func option(text string) Answer {
	switch text {
	case "enable":
		return Yes
	case "disable":
		return No
	}
	return Maybe
}

// Gateway enters a transit gateway and returns its number. referencing says whether groups
// may be named across it (REF-11).
func (m *Map) Gateway(referencing string) int {
	m.gateways = append(m.gateways, option(referencing))
	return len(m.gateways) - 1
}

// Attach enters that a VPC is attached to a gateway. referencing says the same for it
// alone.
func (m *Map) Attach(gateway int, vpc, referencing string) {
	v := m.VPC(vpc)
	if m.attached[v] == nil {
		m.attached[v] = map[int]Answer{}
	}
	m.attached[v][gateway] = min(m.gateways[gateway], option(referencing))
}

// Member says whether rules at an interface in VPC a that name a group of these VPCs
// match its members in VPC b.
func (m *Map) Member(a, b uint32, group []uint32, ingress bool) Answer {
	if a == b || a == 0 || b == 0 || len(group) == 0 || m.peered[[2]uint32{a, b}] {
		return Yes
	}
	// REF-19: a group with associations connects the VPCs it is used in.
	if slices.Contains(group, a) && slices.Contains(group, b) {
		return Yes
	}
	switch {
	case !slices.Contains(group, b):
		return No
	case ingress:
		return m.throughGateway(a, b)
	case len(m.gateways)+len(m.peerings) > 0:
		return No // egress rules may name groups behind a peering only (REF-11)
	}
	return Maybe // nothing tells what connects the VPCs
}

// throughGateway says whether ingress rules in one VPC may name groups of another through a
// transit gateway. Where nothing is known of gateways, nor of a peering that could be
// meant, one may be there.
func (m *Map) throughGateway(a, b uint32) Answer {
	if len(m.gateways) == 0 && !m.Peered(a, b) && !m.parted[[2]uint32{a, b}] {
		return Maybe
	}
	best := No
	for gateway, answer := range m.attached[a] {
		best = max(best, min(answer, m.attached[b][gateway]))
	}
	return best
}

// A Gap is why a rule that names a group can match none of its members.
type Gap uint8

const (
	NoGap     Gap = iota
	NoPeering     // the peering that the rule names is not active (REF-13)
	Region        // a peering leads there, into another Region (REF-10)
	Apart         // no active peering connects the VPCs (REF-08)
)

// Names says what the peering that a rule of a group names makes of the rule: Region
// or NoPeering where neither it nor another between the VPCs is active within the
// Region (REF-14). peering is empty where the rule names none.
func (m *Map) Names(own, named []uint32, peering string) Gap {
	if peering == "" || m.peerings[peering] {
		return NoGap
	}
	return m.between(own, named, NoPeering)
}

// Reference says why a rule of a group can match no members of the one that it names,
// NoGap where it may.
func (m *Map) Reference(own, named []uint32, peering string, ingress bool) Gap {
	if gap := m.Names(own, named, peering); gap != NoGap {
		return gap
	}
	if len(own) == 0 || len(named) == 0 {
		return NoGap
	}
	for _, a := range own {
		for _, b := range named {
			if m.Member(a, b, named, ingress) != No {
				return NoGap
			}
		}
	}
	return m.between(own, named, Apart)
}

// between returns NoGap where a peering within a Region connects VPCs of two groups,
// Region where only others do, and otherwise none.
func (m *Map) between(own, named []uint32, none Gap) Gap {
	for _, a := range own {
		for _, b := range named {
			switch within, active := m.peered[[2]uint32{a, b}]; {
			case within:
				return NoGap
			case active:
				none = Region
			}
		}
	}
	return none
}
