package sg

import "github.com/sgsim/sgsim/packet"

// untracked reports whether the packet, which a rule admits, belongs to a flow
// of the untracked class: as one that its initiator sends (CT-10), or as an
// answer to one (CT-18). A SYN without ACK is never an answer.
//
// Assumption: a UDP packet from a port that is open to everybody is an answer, even
// where nobody asked. An untracked flow leaves nothing behind that would tell.
func (w *world) untracked(n *eni, dir Direction, h *packet.Header) bool {
	if h.Protocol != packet.TCP && h.Protocol != packet.UDP || h.LaterFragment() {
		return false
	}
	if w.untrackedFlow(n, dir, h.Family, h.Protocol, h.DstPort) {
		return true
	}
	if h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN {
		return false
	}
	return w.untrackedFlow(n, opposite(dir), h.Family, h.Protocol, h.SrcPort)
}

// trackedTypes are the types of interfaces all of whose connections AWS tracks
// (CT-14, IN-09). Gateway Load Balancers and transit gateways, which the page named
// until 2023, are no longer among them. EC2 User Guide, "Amazon EC2 security group
// connection tracking", read 2026-11.
var trackedTypes = []string{"lambda", "network_load_balancer", "natGateway", "nat_gateway", "vpc_endpoint", "global_accelerator_managed"}

// untrackedFlow reports whether TCP or UDP flows that are opened in direction dir
// to a port are of the untracked class (CT-10): a rule admits them from or to the
// literal 0.0.0.0/0 or ::/0, and one of the opposite direction admits all ports
// of that protocol so. The rules may be of different groups (CT-15). At an ENI where
// AWS tracks everything there are none (CT-14).
func (w *world) untrackedFlow(n *eni, dir Direction, f packet.Family, p packet.Protocol, port uint16) bool {
	bit := flowBit(f, p)
	var answers flowSet
	for _, g := range n.groups() {
		answers |= w.fronts[dir-1][g].answers
	}
	if answers>>allPortsShift&bit == 0 || n.tracked {
		return false
	}
	for _, g := range n.groups() {
		front := &w.fronts[dir-1][g]
		if front.flows&bit == 0 {
			continue
		}
		if !front.crowded {
			if front.anywhere(f, p, port) {
				return true
			}
			continue
		}
		for b := front.block; b != nil; b = b.next {
			if b.anywhere(f, p, port) {
				return true
			}
		}
	}
	return false
}

// anywhere reports whether a rule of the block admits a port from or to every
// address of the family.
func (b *block) anywhere(f packet.Family, p packet.Protocol, port uint16) bool {
	t := b.ports(p)
	every := b.every[:b.words]
	if f == packet.IPv6 {
		every = b.every[b.words:]
	}
	i := t.find(port)
	if b.words == 1 {
		return t.intervals[i].row&every[0] != 0
	}
	for w, c := range t.row(i, b.words) {
		if c&every[w] != 0 {
			return true
		}
	}
	return false
}

func opposite(dir Direction) Direction { return Ingress + Egress - dir }
