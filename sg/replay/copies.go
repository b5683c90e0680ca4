package replay

import (
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// maxTunnels is how many tunnels are opened around a packet: a Gateway Load Balancer
// that is the target of a mirror session makes two, and what is mirrored may be a
// tunnel's own datagram.
const maxTunnels = 4

// Copies counts packets in the tunnels in which AWS hands out copies and redirected
// packets.
type Copies struct {
	// Unwrapped are the packets that were taken out of tunnels, and Placed those of
	// them that were judged at one interface, which sent the copy.
	Unwrapped uint64 `json:"unwrapped"`
	Placed    uint64 `json:"placed"`

	// Strangers are mirrored packets whose sender, the outer source, is no interface of
	// the topology. They are judged as packets of any other capture are, at both ends.
	Strangers uint64 `json:"strangers"`

	// Closed are datagrams to the port of a tunnel that hold no tunnel's header, or
	// whose header the capture cut, or with more tunnels in each other than are
	// opened. The first and the last are judged as they are.
	Closed uint64 `json:"closed"`

	// Doubles are copies of packets that were there already: from another interface
	// where the topology does not know which one sent this copy, else in another
	// capture. They are in no other count but Unwrapped.
	Doubles Count `json:"doubles"`

	// Inbound are the copies of what came in at their interfaces, by what the replay
	// says. AWS makes none of what a group or a network ACL dropped there, so that
	// each proves that AWS admitted the packet, and those in Dropped disagree: rules
	// that changed since, a model that lacks some, or one that is wrong. An
	// outbound copy proves nothing. (Amazon VPC Traffic Mirroring guide, "Understand
	// traffic mirror target concepts", read 2026-08.)
	Inbound Inbound `json:"inbound"`
}

// Inbound are the inbound copies by verdict.
type Inbound struct {
	Accepted uint64 `json:"accepted"`
	Dropped  uint64 `json:"dropped"`
	Unknown  uint64 `json:"unknown"`
}

// unwrap takes the packet out of its tunnels, if it is in any.
func (r *run) unwrap(p *Packet) {
	f := p.Frame
	if len(p.Tunnels) > 0 { // of a packet before
		p.Tunnels, p.place = p.Tunnels[:0], Place{}
	}
	if f.Header.Tunnel() == 0 || r.KeepTunnels || f.Err != nil {
		return
	}
	if cap(p.Tunnels) < maxTunnels {
		p.Tunnels = make([]packet.Tunnel, 0, maxTunnels)
	}
	n, err := packet.Unwrap(f.LinkType, f.Data, &f.Header, p.Tunnels[:maxTunnels])
	p.Tunnels = p.Tunnels[:n]
	switch {
	case err == packet.ErrLinkType || err == packet.ErrTunnel:
		err = nil
		r.copies.Closed++
	case err == packet.ErrCut && f.Header.Family == 0, n == maxTunnels && f.Header.Tunnel() != 0:
		r.copies.Closed++
	}
	f.Err = err
	if n > 0 {
		r.copies.Unwrapped++
		p.place = r.placeCopy(p)
	}
}

// placeCopy returns the interface that sent the copy, and the direction that the
// packet had there; the zero Place where that is not known. A packet that is in a
// tunnel of the interface's own, such as one of an overlay network, is not what the
// groups there saw, but the datagram around it.
func (r *run) placeCopy(p *Packet) Place {
	for i := range p.Tunnels {
		t := &p.Tunnels[i]
		if t.Kind != packet.VXLAN {
			continue
		}
		id, ok := r.policy.ENIByAddr(t.Outer.SrcAddr())
		if !ok {
			return Place{}
		}
		if i+1 < len(p.Tunnels) {
			if at := r.directionAt(id, &p.Tunnels[i+1].Outer); at.ENI != "" {
				p.Frame.Header, p.Frame.Err = p.Tunnels[i+1].Outer, nil
				p.Tunnels = p.Tunnels[:i+1]
				return at
			}
		}
		return r.directionAt(id, &p.Frame.Header)
	}
	return Place{}
}

// fromStranger reports whether no interface of the topology sent the copy.
func (r *run) fromStranger(p *Packet) bool {
	for i := range p.Tunnels {
		if t := &p.Tunnels[i]; t.Kind == packet.VXLAN {
			_, known := r.policy.ENIByAddr(t.Outer.SrcAddr())
			return !known
		}
	}
	return false
}

// directionAt returns the place of a packet that the interface sent or got.
func (r *run) directionAt(id sg.ENIID, h *packet.Header) Place {
	owns := func(a netip.Addr) bool {
		owner, ok := r.policy.ENIByAddr(a)
		return ok && owner == id
	}
	switch src, dst := owns(h.SrcAddr()), owns(h.DstAddr()); {
	case src == dst:
		return Place{}
	case src:
		return Place{ENI: id, Direction: sg.Egress}
	}
	return Place{ENI: id, Direction: sg.Ingress}
}

// Forward lets a firewall judge the packet where the replay judged it. via is
// [Options.Via].
func (p *Packet) Forward(fw *sg.Firewall, via sg.Via) sg.Outcome {
	if p.place.ENI != "" {
		return fw.ENI(p.place.ENI).Forward(p.place.Direction, p.Asked(via))
	}
	return fw.Forward(p.Asked(via))
}

// Explain explains what Forward would say. It changes nothing.
func (p *Packet) Explain(fw *sg.Firewall, via sg.Via) *sg.Explanation {
	if p.place.ENI != "" {
		return fw.ENI(p.place.ENI).ExplainForward(p.place.Direction, p.Asked(via))
	}
	return fw.Explain(p.Asked(via))
}

// Asked returns what a firewall is asked about the packet. via is [Options.Via].
func (p *Packet) Asked(via sg.Via) sg.Packet {
	return sg.Packet{Header: &p.Frame.Header, Time: p.Time, Via: p.via(via), Err: p.Frame.Err}
}

// via adds to what is known of the path of all packets what the packet's tunnels tell:
// what a Gateway Load Balancer sends on goes through an appliance, and no rule that
// names a group matches (REF-12).
func (p *Packet) via(all sg.Via) sg.Via {
	if n := len(p.Tunnels); n > 0 && p.Tunnels[n-1].Kind == packet.Geneve {
		all.Appliance = true
	}
	return all
}
