package sg

import (
	"fmt"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/reach"
)

// hintsOf holds, for some reasons, a hint that fits every packet.
var hintsOf = map[Reason]string{
	OutOfState: "a TCP segment without SYN opens no connection: its connection expired, was closed, or began before the first packet (CT-41); see Options.Midstream",
	TableFull:  "the tracked-connection maximum is reached; existing connections go on (CT-63)",
	Cut:        "the capture cut off what the decision needs: capture with a longer snap length",
	SourceDest: "the address is another interface's: with the source/destination check on, AWS drops such packets before groups see them",
}

func (hop *HopExplanation) hint(format string, args ...any) {
	hop.Hints = append(hop.Hints, fmt.Sprintf(format, args...))
}

// hints adds what else people may want to know about a hop.
func (e *Enforcer) hints(hop *HopExplanation, x *Explanation, r conntrack.Result) {
	d, h := hop.Decision, x.Header
	if hop.Conn != nil && !hop.Conn.Quoted && d.Verdict == Accept && e.outlived(hop.Conn, x.Via) {
		hop.hint("no rule admits its connection now: it passes only because the connection is tracked, until that expires (CT-20)")
	}
	if d.Verdict != Drop && d.Verdict != Unknown {
		return
	}
	switch d.Reason {
	case OutOfState, TableFull, Cut, SourceDest:
		hop.hint("%s", hintsOf[d.Reason])
	case BadFragment:
		hop.hint("%s", fragmentHint(h))
	case MissingGroup:
		hop.hint("%s", e.missingHint())
	case MissingList:
		hop.hint("%s may admit it: not all entries of %s are known", d.Rule, d.Rule.Rule().Peer.PrefixList)
	case UnknownReference:
		how := "a transit gateway between the VPCs has security group referencing on (REF-11)"
		if d.Rule.Direction() == Egress {
			how = "a peering connects the VPCs: the topology holds none (REF-08)"
		}
		hop.hint("%s may admit it, if %s", d.Rule, how)
	case NoRule:
		if r.Class() == conntrack.Related {
			hop.hint("an ICMP error about a tracked connection, not admitted: it needs a rule, icmp %d/%d (CT-51); see Options.RelatedICMP",
				h.ICMPType, h.ICMPCode)
		}
		e.ruleHints(hop, h)
		e.replyHint(hop, x, r)
		e.throughHint(hop, h, x.Via)
	}
}

// outlived reports whether no rule would admit the first packet of a connection now.
func (e *Enforcer) outlived(c *ConnExplanation, via Via) bool {
	if c.Rule.IsZero() {
		return false // it is not known whether one did
	}
	first := header(&c.Tuple)
	hit := e.f.w.match(e.eni, c.Rule.Direction(), &first, via)
	return hit.rule == nil && hit.unknown == NoReason
}

func fragmentHint(h *packet.Header) string {
	switch {
	case h.FragOffset == 8 && h.Protocol == packet.TCP:
		return "a fragment at offset 8 would overwrite the TCP flags of the first one (RFC 1858)"
	case h.LaterFragment():
		return "a later fragment follows the verdict of its first one, which was dropped or never seen; without it only a rule for all ports admits it (CTS-43)"
	}
	return "the first fragment is too short to hold its ports"
}

// ruleHints looks at why no rule admits a packet.
func (e *Enforcer) ruleHints(hop *HopExplanation, h *packet.Header) {
	w, dir := e.f.w, hop.Direction
	total := 0
	var zeroPort, echoReply, otherICMP, otherFamily *ruleInfo
	for _, g := range e.eni.groups() {
		for _, rule := range w.groups[g].rules[dir-1] {
			total++
			switch p := rule.rule.Protocol; {
			case (p == TCP || p == UDP) && p == Protocol(h.Protocol) && rule.rule.Ports == Port(0):
				zeroPort = rule
			case p == ICMP && h.Protocol == packet.ICMP && rule.rule.ICMP == ICMPTypeCode(0, 0):
				echoReply = rule
			case p == ICMP && h.Protocol == packet.ICMPv6 && h.Family == packet.IPv6,
				p == ICMPv6 && h.Protocol == packet.ICMP && h.Family == packet.IPv4:
				otherICMP = rule
			}
			if rule.covers(h) && (rule.kind == peerCIDR4 && h.Family == packet.IPv6 || rule.kind == peerCIDR6 && h.Family == packet.IPv4) &&
				rule.rule.Peer.CIDR.Bits() == 0 {
				otherFamily = rule
			}
		}
	}
	switch {
	case len(w.known(e.eni)) == 0:
		hop.hint("the interface carries no group, so nothing is admitted")
	case total == 0:
		hop.hint("none of its groups has %s rules, so no new connection is admitted (SG-07)", dir)
	}
	if h.Family == packet.IPv6 && h.Protocol == packet.ICMPv6 && h.ICMPType >= 133 && h.ICMPType <= 137 && h.HopLimit != 255 && !h.LaterFragment() {
		hop.hint("neighbour discovery is exempt where its hop limit is 255 (ttl 255): this has %d (CTS-37)", h.HopLimit)
	}
	if otherFamily != nil {
		other := AnyIPv6
		if h.Family == packet.IPv4 {
			other = AnyIPv4
		}
		hop.hint("%s covers %s only: %s needs a rule of its own, for %s (SG-40)", RuleRef{otherFamily}, family(otherFamily.kind == peerCIDR6),
			family(h.Family == packet.IPv6), other)
	}
	if otherICMP != nil {
		hop.hint("%s is for %s; over %s it is %s (SG-41)", RuleRef{otherICMP}, otherICMP.rule.Protocol, family(h.Family == packet.IPv6), h.Protocol)
	}
	if zeroPort != nil {
		hop.hint("%s is for port 0 only; all ports are 0-65535 (SG-24)", RuleRef{zeroPort})
	}
	if echoReply != nil {
		hop.hint("%s is for the echo reply only; ping is icmp 8/-1, all of ICMP -1/-1 (SG-30)", RuleRef{echoReply})
	}
}

// throughHint checks whether the packet would be admitted if it had come through
// an interface that keeps its client's address.
func (e *Enforcer) throughHint(hop *HopExplanation, h *packet.Header, via Via) {
	dir := hop.Direction
	if dir != Ingress || via.Through != "" {
		return
	}
	w := e.f.w
	for i := range w.enis {
		o := &w.enis[i]
		if !o.keepsClients || w.reach.Member(e.eni.vpc, o.vpc, nil, true) != reach.Yes {
			continue
		}
		via.Through = o.id
		if hit := w.match(e.eni, dir, h, via); hit.rule != nil && hit.unknown == NoReason {
			hop.hint("%s would admit it if it came through %s with its client's address kept: say through=%s", RuleRef{hit.rule}, o.id, o.id)
			return
		}
	}
}

// replyHint checks whether the packet would be the answer on a connection that
// the rules of the other direction admit.
func (e *Enforcer) replyHint(hop *HopExplanation, x *Explanation, r conntrack.Result) {
	dir, h := hop.Direction, x.Header
	if h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN || r.Class() == conntrack.Related {
		return
	}
	first, ok := requestOf(h)
	if !ok {
		return
	}
	hit := e.f.w.match(e.eni, dir.Opposite(), &first, x.Via)
	switch {
	case hit.rule == nil:
	case x.refused != "" && isAnswer(h): // a note says so
	case x.refused != "":
		hop.hint("%s admits the connection that this would answer, but its first packet is dropped at %s", RuleRef{hit.rule}, x.refused)
	case hit.untracked:
		hop.hint("%s admits the connection that this would answer, untracked; its answers need a %s rule (CT-18)", RuleRef{hit.rule}, dir)
	default:
		hop.hint("%s admits the connection that this would answer, but none is tracked: it expired, or it began before the first packet (CT-44, CT-45)", RuleRef{hit.rule})
	}
}

func family(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}

// missingHint says which group leaves a verdict open.
func (e *Enforcer) missingHint() string {
	if len(e.eni.missing) == 0 {
		return "when its connection was opened, the interface carried a group whose rules are not all known"
	}
	g := e.eni.missing[0]
	if _, known := e.f.w.groupByID[g]; known {
		return fmt.Sprintf("it carries %s, and not all of its rules are known: others may admit it", g)
	}
	return fmt.Sprintf("it carries %s, whose rules are not known: they may admit it", g)
}
