package sg

import (
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// explainACL says what is behind the decision of an ACL.
func (w *world) explainACL(x *Explanation, hop *HopExplanation) {
	h, dir, found := x.Header, hop.Direction, hop.Decision.Rule.r
	if found.entry == 0 {
		hop.hint("a later fragment: it gets the verdict of its first one, see Options.ACLFragments")
		return
	}
	var allow []NearRule
	before := true
	for _, r := range w.acls.all[w.acls.byID[found.acl]].rules[dir-1] {
		if r == found {
			before = false
			continue
		}
		if (r.kind == peerCIDR6) != (h.Family == packet.IPv6) {
			continue
		}
		n := NearRule{RuleRef{r}, w.fails(nil, r, dir, h, x.Via)}
		if before {
			hop.Passed = append(hop.Passed, n)
		}
		if r.allow {
			allow = append(allow, n)
		}
	}
	switch hop.Decision.Reason {
	case ACLDeny:
		hop.Near = nearest(allow)
		x.deniedHints(hop, found, allow)
	case Cut:
		hop.hint("the capture cut off the port or type, and entries before %s decide otherwise for some", hop.Decision.Rule)
	}
}

// deniedHints says what would have to change for an ACL to allow the packet.
func (x *Explanation) deniedHints(hop *HopExplanation, found *ruleInfo, allow []NearRule) {
	h := x.Header
	late := slices.IndexFunc(allow, func(n NearRule) bool { return len(n.Fails) == 0 })
	switch {
	case found.entry <= LastACLEntry && late >= 0:
		hop.hint("%s would allow it, but %d comes first (NACL-30): give it a number below, or change %d", allow[late].Rule, found.entry, found.entry)
	case found.entry <= LastACLEntry:
		hop.hint("%s denies it: allowing it takes an entry with a number below %d", hop.Decision.Rule, found.entry)
	case len(allow) == 0:
		hop.hint("it has no %s entry that allows any %s (NACL-34)", hop.Direction, family(h.Family == packet.IPv6))
	}
	for i := range x.Hops {
		if d := &x.Hops[i].Decision; d.Reason == Tracked && d.Dir == conntrack.Reply {
			x.answerHint(hop)
			return
		}
	}
	if h.Protocol == packet.TCP && !h.LaterFragment() && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN|packet.ACK {
		x.answerHint(hop)
	}
}

func (x *Explanation) answerHint(hop *HopExplanation) {
	if h := x.Header; (h.Protocol == packet.TCP || h.Protocol == packet.UDP) && !h.LaterFragment() {
		hop.hint("it answers a connection that the groups let pass, but network ACLs keep no state: the client's ephemeral port %d needs an entry (NACL-02, NACL-20)", h.DstPort)
	}
}

// noteACLs notes the borders on a packet's path whose network ACL is not known.
func (f *Firewall) noteACLs(x *Explanation, e *ends) {
	if f.w.acls == nil || x.Err != nil {
		return
	}
	src, dst := e.first, e.second
	if e.dir == Ingress {
		src, dst = nil, e.first
	}
	if f.exempted(e.dir, e.first, x.Header) {
		return
	}
	var borders [maxBorders]border
	for i := range f.borders(&x.Packet, src, dst, &borders) {
		b := &borders[i]
		if s := &f.w.acls.subnets[b.subnet]; b.subnet != 0 && s.acl == 0 {
			x.Notes = append(x.Notes, fmt.Sprintf("the network ACL of %s is not known, and not judged", s.id))
		} else if b.subnet == 0 && b.side != nil {
			x.Notes = append(x.Notes, fmt.Sprintf("the subnet of %s is not known, so no network ACL is judged there", b.side.id))
		}
	}
}
