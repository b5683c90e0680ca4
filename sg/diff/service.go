package diff

import (
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/packet"
)

// A Service is a range of what packets are for: consecutive protocols, or the ports, or
// ICMP types and codes, of one protocol. It is comparable.
type Service struct {
	// Protocol and LastProtocol are the ends of a range of protocols: 0 and 255 for
	// all, or equal for one.
	Protocol, LastProtocol packet.Protocol

	// First and Last are destination ports for TCP and UDP, and type<<8 | code
	// for ICMP, and for ICMPv6 in IPv6. 0 and 65535 mean all.
	First, Last uint16
}

// String returns "all", "tcp 443", "udp 1024-65535", "tcp" for all its ports, "icmp 8" for
// all codes of a type, "icmp 3/4", "gre", or "protocols 7-255 with udp and icmpv6", where
// only these, tcp and icmp are named.
func (s Service) String() string {
	icmp := s.Protocol == packet.ICMP || s.Protocol == packet.ICMPv6
	switch {
	case s.Protocol == 0 && s.LastProtocol == 255:
		return "all"
	case s.Protocol != s.LastProtocol:
		return fmt.Sprintf("protocols %d-%d", s.Protocol, s.LastProtocol) + s.namesInside()
	case s.First == 0 && s.Last == 65535 || !icmp && s.Protocol != packet.TCP && s.Protocol != packet.UDP:
		return s.Protocol.String()
	case icmp:
		return s.Protocol.String() + " " + icmpText(s.First, s.Last)
	case s.First == s.Last:
		return fmt.Sprintf("%s %d", s.Protocol, s.First)
	}
	return fmt.Sprintf("%s %d-%d", s.Protocol, s.First, s.Last)
}

// hasKinds reports whether a protocol has more services than one.
func hasKinds(p packet.Protocol) bool {
	return p == packet.TCP || p == packet.UDP || p == packet.ICMP || p == packet.ICMPv6
}

// namesInside names the protocols of a range that everybody knows by name.
func (s Service) namesInside() string {
	var names []string
	for p := int(s.Protocol); p <= int(s.LastProtocol); p++ {
		if p := packet.Protocol(p); hasKinds(p) {
			names = append(names, p.String())
		}
	}
	switch last := len(names) - 1; last {
	case -1:
		return ""
	case 0:
		return " with " + names[0]
	default:
		return " with " + strings.Join(names[:last], ", ") + " and " + names[last]
	}
}

// serviceWords names services. If they are all but a few, it names these.
func serviceWords(all []Service) string {
	if but := missing(all); 0 < len(but) && len(but) <= 3 {
		return "all but " + few(but, 3, "")
	}
	return few(all, 4, "services")
}

// missing returns what lies between services that begin with the first protocol and end
// with the last one; nothing if they do not, or if that cannot be said in one Service each.
func missing(all []Service) (but []Service) {
	const perProtocol = 1 << 16
	next := 0 // of the line of all protocols with their ports
	for i, s := range all {
		first, last := int(s.Protocol)*perProtocol, int(s.LastProtocol)*perProtocol+perProtocol-1
		if s.Protocol == s.LastProtocol && hasKinds(s.Protocol) {
			first, last = first+int(s.First), last-perProtocol+1+int(s.Last)
		}
		if first > next {
			gap := Service{packet.Protocol(next / perProtocol), packet.Protocol((first - 1) / perProtocol), uint16(next), uint16(first - 1)}
			if i == 0 || gap.Protocol != gap.LastProtocol && (gap.First != 0 || gap.Last != perProtocol-1) {
				return nil
			}
			but = append(but, gap)
		}
		next = last + 1
	}
	if next != 256*perProtocol {
		return nil
	}
	return but
}

func icmpText(first, last uint16) string {
	switch whole := first&255 == 0 && last&255 == 255; {
	case whole && first>>8 == last>>8:
		return fmt.Sprint(first >> 8)
	case whole:
		return fmt.Sprintf("%d-%d", first>>8, last>>8)
	case first == last:
		return fmt.Sprintf("%d/%d", first>>8, first&255)
	}
	return fmt.Sprintf("%d/%d-%d/%d", first>>8, first&255, last>>8, last&255)
}

// services returns the Services that a family's service numbers stand for, in order.
func services(numbers set, f int) (all []Service) {
	for _, s := range numbers {
		joins := false // whether the whole previous protocol is included, in s
		for n, last := uint32(s.first.lo), uint32(s.last.lo); n <= last; {
			p, first, end := spaces[f].Protocol(n)
			one := Service{p, p, uint16(n - first), uint16(min(last, end-1) - first)}
			if whole := n == first && last >= end-1; whole {
				if one.Last == 0 && p == packet.ICMP {
					one.Last = 65535
				}
				if joins {
					one = Service{Protocol: all[len(all)-1].Protocol, LastProtocol: p}
					all = all[:len(all)-1]
				}
				joins = true
			} else {
				joins = false
			}
			all = append(all, one)
			n = end
		}
	}
	return all
}
