package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/overlap"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/replay"
)

// A Judge explains packets and lets them pass: a [sg.Firewall], or what [At] returns.
type Judge interface {
	Explain(sg.Packet) *sg.Explanation
	Forward(sg.Packet) sg.Outcome
}

// At returns a Judge of packets known to pass only one interface, whatever their
// addresses say.
func At(e *sg.Enforcer, dir sg.Direction) Judge { return place{e, dir} }

type place struct {
	*sg.Enforcer
	dir sg.Direction
}

func (p place) Explain(x sg.Packet) *sg.Explanation { return p.ExplainForward(p.dir, x) }
func (p place) Forward(x sg.Packet) sg.Outcome      { return p.Enforcer.Forward(p.dir, x) }

// Explain explains packets one after the other, all at the same time. Each meets the
// connections that earlier ones opened. A source port that was left out is not one that a
// question before has between the same ends.
func Explain(j Judge, via sg.Via, questions []Question) []*sg.Explanation {
	var said []*sg.Explanation
	refused := map[packet.FiveTuple]int{} // positions of dropped SYNs
	asked := map[packet.FiveTuple]bool{}
	for i := range questions {
		q := &questions[i]
		h := q.Header
		for n := 0; q.anyPort && asked[h.Tuple()] && n < 1<<14; n++ {
			h.SrcPort++
		}
		asked[h.Tuple()] = true
		p := sg.Packet{Header: &h, Time: time.Unix(0, 0), Via: via}
		p.Via.VPC = cmp.Or(via.VPC, q.VPC)
		x := j.Explain(p)
		x.Via = via
		if _, tapped := j.(place); !tapped {
			if note := q.others(x); note != "" {
				said = append(said, &sg.Explanation{Packet: x.Packet, Verdict: sg.NotApplicable, Reason: sg.Ambiguous, Notes: []string{note}})
				continue
			}
		}
		j.Forward(p)
		said = append(said, x)
		if q.Pasted != "" && x.Verdict == sg.Drop && !opensTCP(&h) {
			x.Notes = append(x.Notes, "without the connections of the packets before it: -packet "+q.Pasted+" and the capture tell more")
		}
		if other := otherICMP(&h); other != "" {
			x.Notes = append(x.Notes, other)
		}
		if h.Protocol != packet.TCP || h.LaterFragment() {
			continue
		}
		t := h.Tuple()
		syn, known := refused[t]
		if !known {
			syn, known = refused[t.Reverse()]
		}
		switch opens := opensTCP(&h); {
		case opens && x.Verdict == sg.Drop:
			refused[t] = i + 1
		case opens:
			delete(refused, t)
		case known && x.Verdict == sg.Drop && h.TCPFlags&packet.SYN == 0: // for SYN-ACKs there is a note already
			x.Notes = append(x.Notes, fmt.Sprintf(prose.Refused+": packet %d", syn))
		}
	}
	return said
}

// others says why a packet is not judged at the interfaces that are named as its ends; "" if
// it is.
func (q *Question) others(x *sg.Explanation) string {
	if q.overlap != "" {
		return q.overlap
	}
	if from, to := q.named[sg.Egress-1], q.named[sg.Ingress-1]; x.Reason == sg.Ambiguous && from != nil && to != nil {
		return fmt.Sprintf("%s is in %s, %s in %s, and interfaces of further VPCs have both addresses: -tap %s:egress or -tap %s:ingress judges it at one of them",
			from.name, overlap.VPC(from.eni.VPC), to.name, overlap.VPC(to.eni.VPC), from.name, to.name)
	}
	hops := x.Hops
	if x.Beyond != nil {
		hops = append(slices.Clip(hops), *x.Beyond)
	}
	for i := range hops {
		hop := &hops[i]
		if hop.Decision.Rule.ACL() != "" || hop.Direction != sg.Ingress && hop.Direction != sg.Egress {
			continue
		}
		if e := q.named[hop.Direction-1]; e != nil && e.eni.ID != hop.Enforcer.ID() {
			return fmt.Sprintf("%s is in %s, and the packet would be judged at %s instead, which has the same address: -tap %s:%s judges it there",
				e.name, overlap.VPC(e.eni.VPC), hop.Enforcer.ID(), e.name, hop.Direction)
		}
	}
	return ""
}

// otherICMP says that a packet is of the ICMP of the other IP version, which has no
// meaning in its own; "" if it is not.
func otherICMP(h *packet.Header) string {
	switch {
	case h.Protocol == packet.ICMP && h.Family == packet.IPv6:
		return "icmp is that of IPv4, and these addresses are of IPv6: there ping is icmpv6 128/0"
	case h.Protocol == packet.ICMPv6 && h.Family == packet.IPv4:
		return "icmpv6 is that of IPv6, and these addresses are of IPv4: there ping is icmp 8/0"
	}
	return ""
}

func opensTCP(h *packet.Header) bool {
	return h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN
}

// Captured explains the packet with a number, as in [replay.Packet], of captures that
// [replay.Run] reads with o, whose Observer is not used. If the captures end before that
// packet, the explanation is nil and packets is the number of packets in them.
func Captured(ctx context.Context, p *sg.Policy, o replay.Options, number uint64, captures ...replay.Source) (x *sg.Explanation, packets uint64, err error) {
	to := &upTo{fw: sg.NewFirewall(p, &o.Firewall), number: number, via: o.Via}
	o.Observer = to
	report, err := replay.Run(ctx, p, &o, captures...)
	if to.said != nil {
		err = nil
	}
	return to.said, report.Packets, err
}

// An upTo observes a replay up to a packet, with a firewall that is one packet behind, so
// that it can explain that packet.
type upTo struct {
	fw     *sg.Firewall
	number uint64
	via    sg.Via
	said   *sg.Explanation
}

var errFound = errors.New("the packet was found")

// Observe implements [replay.Observer].
func (u *upTo) Observe(p *replay.Packet) error {
	if p.Number < u.number {
		p.Forward(u.fw, u.via)
		return nil
	}
	u.said = p.Explain(u.fw, u.via)
	if p.Refused && u.said.Verdict == sg.Drop && p.Frame.Header.TCPFlags&packet.SYN == 0 {
		u.said.Notes = append(u.said.Notes, prose.Refused)
	}
	return errFound
}
