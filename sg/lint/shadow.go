package lint

import "github.com/sgsim/sgsim/sg"

// A shadow is a rule that may admit everything that another of its group does.
// Rules are compared pairwise: AWS allows a group a thousand.
type shadow struct {
	rule  sg.Rule // canonical
	place int
}

// mostShadowing bounds the rules that all rules of a group are compared with.
const mostShadowing = 1000

// admitsAll reports whether a admits every packet that b admits, as far as the two
// rules alone tell: CIDR blocks are compared, lists and groups only for equality.
// Both are canonical ([sg.Rule.Canonical]).
func admitsAll(a, b *sg.Rule) bool {
	if p, q := a.Peer.CIDR, b.Peer.CIDR; p.IsValid() && q.IsValid() {
		if p.Bits() > q.Bits() || !p.Contains(q.Addr()) {
			return false
		}
	} else if a.Peer != b.Peer {
		return false
	}
	if a.Protocol == sg.AllProtocols {
		return true
	}
	if a.Protocol != b.Protocol || a.Protocol == 0 {
		return false
	}
	switch a.Protocol {
	case sg.TCP, sg.UDP:
		return a.Ports.IsSet() && b.Ports.IsSet() && a.Ports.First() <= b.Ports.First() && a.Ports.Last() >= b.Ports.Last()
	case sg.ICMP, sg.ICMPv6:
		x, y := a.ICMP, b.ICMP
		return x.IsSet() && y.IsSet() && (x.Type() == -1 || x.Type() == y.Type() && (x.Code() == -1 || x.Code() == y.Code()))
	}
	return true
}
