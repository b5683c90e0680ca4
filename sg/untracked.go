package sg

import (
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/match"
)

// untracked reports whether the packet, which a rule admits, belongs to a flow of
// the untracked class: sent by its initiator (CT-10), or as an answer (CT-18). A
// SYN without ACK is never an answer.
//
// Assumption: a UDP packet from a port that is open to everybody is an answer, even
// if nobody asked. An untracked flow leaves no state that would tell.
func (m *matcher) untracked(dir Direction, h *packet.Header) bool {
	if h.Protocol != packet.TCP && h.Protocol != packet.UDP || h.LaterFragment() {
		return false
	}
	if m.untrackedFlow(dir, h.Family, h.Protocol, h.DstPort) {
		return true
	}
	if h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN || m[dir-1].open == 0 {
		return false
	}
	return m.untrackedFlow(dir.Opposite(), h.Family, h.Protocol, h.SrcPort)
}

// alwaysTracks reports whether AWS tracks all flows between the ENI and a remote address,
// since one of the two belongs to an interface of such a type. A flow to or from a load
// balancer is one through it.
func (w *world) alwaysTracks(n *eni, f packet.Family, remote *[16]byte) bool {
	return n.tracked || slices.ContainsFunc(w.members.Lookup(f, remote), func(o uint32) bool {
		other := &w.enis[o]
		return other.tracked && (other.vpc == n.vpc || other.vpc == 0 || n.vpc == 0)
	})
}

// trackedTypes are the types of interfaces all of whose connections AWS tracks, at both
// ends (CT-14, IN-09). Gateway Load Balancers and transit gateways, which the page named
// until 2023, are no longer among them. EC2 User Guide, "Amazon EC2 security group
// connection tracking", read 2026-11.
var trackedTypes = []string{"lambda", "network_load_balancer", "natGateway", "nat_gateway", "vpc_endpoint", "global_accelerator_managed"}

// untrackedFlow reports whether TCP or UDP flows that are opened in direction dir
// to a port are of the untracked class (CT-10): a rule admits them from or to the
// literal 0.0.0.0/0 or ::/0, and a rule of the opposite direction does so for all
// ports of that protocol. The rules may be of different groups (CT-15).
func (m *matcher) untrackedFlow(dir Direction, f packet.Family, p packet.Protocol, port uint16) bool {
	s := &m[dir-1]
	return s.back&flowsOf(f, p) != 0 && s.First(everyAddr(f), match.Ports(p, port, port).First) != match.None
}

// A flowSet says whether something holds for TCP and UDP over IPv4 and IPv6.
type flowSet uint8

// flowsOf returns the set of one kind of flow.
func flowsOf(f packet.Family, p packet.Protocol) flowSet {
	s := flowSet(1)
	if f == packet.IPv6 {
		s <<= 2
	}
	if p == packet.UDP {
		s <<= 1
	}
	return s
}

// opens returns the flows all of whose ports the rule opens to every address.
func (r *ruleInfo) opens() (s flowSet) {
	f := packet.IPv4
	switch r.peer {
	case everyIPv4:
	case everyIPv6:
		f = packet.IPv6
	default:
		return 0
	}
	for _, p := range [...]packet.Protocol{packet.TCP, packet.UDP} {
		if r.rule.Protocol == AllProtocols || r.rule.Protocol == Protocol(p) && r.rule.Ports == allPorts {
			s |= flowsOf(f, p)
		}
	}
	return s
}

// mayUntrack reports whether the rule can make flows untracked: its CIDR is literally
// every address, not a list or two halves (CT-17), and it is for TCP or UDP.
func (r *ruleInfo) mayUntrack() bool {
	if p := r.rule.Protocol; p != AllProtocols && p != TCP && p != UDP {
		return false
	}
	return r.peer == everyIPv4 || r.peer == everyIPv6
}
