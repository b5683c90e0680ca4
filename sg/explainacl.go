package sg

import (
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// addACL explains what a network ACL decided.
func (f *Firewall) addACL(x *Explanation, hop *Hop) {
	said := HopExplanation{Hop: *hop}
	x.explainACL(&said, f.w.acls.all[f.w.acls.byID[hop.Decision.Rule.ACL()]])
	x.Hops = append(x.Hops, said)
}

// explainACL says what is behind the decision of an ACL.
func (x *Explanation) explainACL(hop *HopExplanation, a *acl) {
	h, dir, found := x.Header, hop.Direction, hop.Decision.Rule.r
	add := func(format string, args ...any) { hop.Hints = append(hop.Hints, fmt.Sprintf(format, args...)) }
	if found.entry == 0 {
		add("a later fragment: its first one was judged so, see Options.ACLFragments")
		return
	}
	var allow []NearRule
	before := true
	for _, r := range a.rules[dir-1] {
		if r == found {
			before = false
			continue
		}
		if (r.kind == peerCIDR6) != (h.Family == packet.IPv6) {
			continue
		}
		n := NearRule{RuleRef{r}, r.failedEntry(dir, h)}
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
		x.deniedHints(hop, found, allow, add)
	case Cut:
		add("the capture cut off the port or type, and entries before %s decide otherwise for some", hop.Decision.Rule)
	}
}

// deniedHints says what would have to change for an ACL to allow the packet.
func (x *Explanation) deniedHints(hop *HopExplanation, found *ruleInfo, allow []NearRule, add func(string, ...any)) {
	h := x.Header
	late := slices.IndexFunc(allow, func(n NearRule) bool { return len(n.Fails) == 0 })
	switch {
	case found.entry <= LastACLEntry && late >= 0:
		add("%s would allow it, but %d comes first (NACL-30): give it a number below, or change %d", allow[late].Rule, found.entry, found.entry)
	case found.entry <= LastACLEntry:
		add("%s denies it: it takes an allow entry with a number below %d", hop.Decision.Rule, found.entry)
	case len(allow) == 0:
		add("it has no %s entry that allows anything of %s (NACL-34)", hop.Direction, family(h.Family == packet.IPv6))
	}
	for i := range x.Hops {
		if d := &x.Hops[i].Decision; d.Reason == Tracked && d.Dir == conntrack.Reply {
			x.answerHint(add)
			return
		}
	}
	if h.Protocol == packet.TCP && !h.LaterFragment() && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN|packet.ACK {
		x.answerHint(add)
	}
}

func (x *Explanation) answerHint(add func(string, ...any)) {
	if h := x.Header; (h.Protocol == packet.TCP || h.Protocol == packet.UDP) && !h.LaterFragment() {
		add("it answers a connection that the groups let pass, and network ACLs keep none: the client's ephemeral port %d needs an entry (NACL-02, NACL-20)", h.DstPort)
	}
}

// failedEntry returns the fields of an entry that the packet does not fit.
func (r *ruleInfo) failedEntry(dir Direction, h *packet.Header) []Fail {
	fs := r.failedMatch(h)
	if remote := remoteAddr(dir, h); !r.rule.Peer.CIDR.Contains(remote) {
		f := Fail{Field: "source", Want: r.rule.Peer.CIDR.String(), Got: remote.String()}
		if dir == Egress {
			f.Field = "destination"
		}
		fs = append(fs, f)
	}
	return fs
}

// noteACLs says at which borders on a packet's way the network ACL is not known.
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
			x.Notes = append(x.Notes, fmt.Sprintf("the subnet of %s is not known, so that no network ACL is judged there", b.side.id))
		}
	}
}

// writeACL writes what an ACL decided.
func (hop *HopExplanation) writeACL(line func(string, string, ...any)) {
	for _, n := range hop.Passed {
		line("passed", "%s", n.entryString())
	}
	if r := hop.Decision.Rule; r.r.entry != 0 {
		line("entry", "%s: %s", r, r.Entry())
	}
	for _, n := range hop.Near {
		if len(n.Fails) > 0 {
			line("nearest", "%s", n.entryString())
		}
	}
	for _, h := range hop.Hints {
		line("hint", "%s", h)
	}
}

// entryString returns the entry and its failed fields: "acl-1 egress 100: deny, port
// 443, packet had 40000".
func (n NearRule) entryString() string {
	s := n.String()
	if !n.Rule.r.allow {
		s += " (it would deny)"
	}
	return s
}
