package sg

import (
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/packet"
)

// What explanations say of the packet before one, which it answers, and of the one after
// it, which answers it.

// tryRequest finds out whether the packet that a dropped one would answer is dropped too.
// forward lets it pass, at some of the given ENIs.
func (f *Firewall) tryRequest(x *Explanation, forward func(Packet) Outcome, at ...*Enforcer) {
	if x.Verdict != Drop || x.Err != nil {
		return
	}
	first, ok := requestOf(x.Header)
	if !ok {
		return
	}
	p := Packet{Header: &first, Time: x.Time, Via: x.Via}
	var o Outcome
	f.try(&p, func() { o = forward(p) }, at...)
	x.refused = o.droppedAt()
}

// droppedAt says where a packet is dropped, and why; "" if it is not, or at no ENI.
func (o *Outcome) droppedAt() string {
	hops := o.Hops()
	if o.Verdict != Drop || len(hops) == 0 {
		return ""
	}
	last := hops[len(hops)-1]
	at := last.Place() + " " + last.Direction.String()
	if last.Decision.Rule.ACL() != "" {
		at = last.Decision.Rule.String() // with its entry
	}
	return at + ", " + o.Reason.String()
}

// requestOf returns the packet that opens the connection on which h would be an answer;
// false if h can be none.
func requestOf(h *packet.Header) (packet.Header, bool) {
	back := h.Tuple().Reverse()
	if h.Fragment() || h.Missing&(packet.MissingPorts|packet.MissingICMP) != 0 || back == h.Tuple() ||
		isICMP(h) && !packet.IsQuery(h.Protocol, uint8(back.DstPort>>8)) {
		return packet.Header{}, false
	}
	first := header(&back)
	if h.Protocol == packet.TCP {
		first.TCPFlags = packet.SYN
	}
	return first, true
}

func isICMP(h *packet.Header) bool { return h.Protocol == packet.ICMP || h.Protocol == packet.ICMPv6 }

// isAnswer reports whether a packet shows by its header that it answers another, as
// requestOf returns it.
func isAnswer(h *packet.Header) bool {
	const answer = packet.SYN | packet.ACK
	return isICMP(h) || h.Protocol == packet.TCP && h.TCPFlags&answer == answer
}

// noteRefused notes that a packet answers one that is dropped: no host ever sends it.
func (x *Explanation) noteRefused() {
	if x.refused == "" || !isAnswer(x.Header) {
		return
	}
	first := "a request"
	if x.Header.Protocol == packet.TCP {
		first = "a SYN"
	}
	x.Notes = append(x.Notes, fmt.Sprintf("it answers %s that is dropped at %s: no host sends it", first, x.refused))
}

// tryAnswer says, and notes before all else, that the answer to a packet that opens a
// connection would be dropped: network ACLs keep no state, nor do untracked flows, so rules
// for answers may be missing.
func (f *Firewall) tryAnswer(x *Explanation, e *ends) {
	back, ok := answerOf(x.Header)
	if !ok || x.Verdict != Accept || x.Err != nil {
		return
	}
	for i := range x.Hops {
		if x.Hops[i].Conn != nil {
			return // the connection is open
		}
	}
	var o Outcome
	f.try(&x.Packet, func() {
		f.Forward(x.Packet)
		o = f.Forward(Packet{Header: &back, Time: x.Time, Via: x.Via})
	}, e.first, e.second)
	if at := o.droppedAt(); at != "" {
		x.Unanswered = true
		x.Notes = slices.Insert(x.Notes, 0, fmt.Sprintf("its answer is dropped at %s: no connection comes about", at))
	}
}

// answerOf returns the first packet that answers h, if h shows that it may open a
// connection.
func answerOf(h *packet.Header) (packet.Header, bool) {
	opens := h.Protocol == packet.UDP || h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN ||
		isICMP(h) && packet.IsQuery(h.Protocol, h.ICMPType)
	back := h.Tuple().Reverse()
	if !opens || h.Fragment() || h.Missing != 0 || back == h.Tuple() {
		return packet.Header{}, false
	}
	answer := header(&back)
	if h.Protocol == packet.TCP {
		answer.TCPFlags = packet.SYN | packet.ACK
	}
	return answer, true
}
