package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// clients are the ports that clients take for themselves (NACL-66).
var clients = []struct {
	who         string
	first, last int
}{
	{"Linux", 32768, 60999},
	{"Windows", 49152, 65535},
	{"load balancers, NAT gateways and Lambda", 1024, 65535},
}

// A portRange holds the ports from first to last, or the types of ICMP.
type portRange struct{ first, last int }

// pings are the types of echo requests and of their answers, by protocol (NACL-02).
var pings = map[sg.Protocol]struct{ request, answer int }{sg.ICMP: {8, 0}, sg.ICMPv6: {128, 129}}

// answers looks for entries that let connections be opened whose answers the other list
// does not let back (NACL-67). Those for a client's own ports let answers back
// themselves, and what an entry denies is meant to be denied: only what no entry speaks
// of is reported.
func (c *checker) answers(a *sg.NetworkACL, dir sg.Direction, entries, back []sg.ACLEntry) {
	other := sg.Egress
	if dir == sg.Egress {
		other = sg.Ingress
	}
	said := map[string]bool{}
	for _, e := range entries {
		if !e.Allow || ephemeral(e) {
			continue
		}
		for _, p := range []sg.Protocol{sg.TCP, sg.UDP, sg.ICMP, sg.ICMPv6} {
			if !asks(e, p) {
				continue
			}
			part, missing := unspoken(e.CIDR.Masked(), p, back)
			if len(missing) == 0 {
				continue
			}
			text := fmt.Sprintf("%s has no entry for the answers: %s", other, answersText(dir, p, part, missing))
			if !said[text] {
				said[text] = true
				c.add(Finding{Subject: Subject{ACL: a.ID, Dir: dir, Number: e.Number}, Kind: Blocked}, "%s", text)
			}
		}
	}
}

// asks reports whether an entry lets packets of a protocol pass that are to be answered:
// of ICMP, those of ping.
func asks(e sg.ACLEntry, p sg.Protocol) bool {
	if ping, ok := pings[p]; ok {
		return e.CIDR.Addr().Is4() == (p == sg.ICMP) && spoken(e, p).has(ping.request)
	}
	return e.Protocol == p || e.Protocol == sg.AllProtocols
}

// spoken returns the ports, or the types of ICMP with code 0, of a protocol that an entry
// speaks of; none are from 1 to 0.
func spoken(e sg.ACLEntry, p sg.Protocol) portRange {
	_, icmp := pings[p]
	switch {
	case e.Protocol == sg.AllProtocols:
		return portRange{0, 65535}
	case e.Protocol != p || icmp && e.ICMP.Code() > 0:
		return portRange{1, 0}
	case !icmp:
		return portRange{e.Ports.First(), e.Ports.Last()}
	case e.ICMP.Type() == -1:
		return portRange{0, 255}
	}
	return portRange{e.ICMP.Type(), e.ICMP.Type()}
}

func (r portRange) has(n int) bool { return r.first <= n && n <= r.last }

// answersText says which answers of a protocol, to what an entry for dir lets pass, do
// not come back.
func answersText(dir sg.Direction, p sg.Protocol, part netip.Prefix, missing []portRange) string {
	ping, isPing := pings[p]
	switch {
	case isPing && dir == sg.Egress:
		return fmt.Sprintf("%s %d/0 from %s, the echo replies of ping (NACL-02)", p, ping.answer, part)
	case isPing:
		return fmt.Sprintf("%s %d/0 to %s, the echo replies of ping (NACL-02)", p, ping.answer, part)
	case dir == sg.Egress:
		return fmt.Sprintf("%s from %s to ports %s, the clients being %s (NACL-20)", p, part, portsText(missing), clientsOf(missing))
	}
	return fmt.Sprintf("%s to ports %s of %s, the clients being %s (NACL-20)", p, portsText(missing), part, clientsOf(missing))
}

// ephemeral reports whether an entry is for ports that clients take for themselves.
func ephemeral(e sg.ACLEntry) bool {
	if e.Protocol != sg.TCP && e.Protocol != sg.UDP || e.Ports.First() < 1024 {
		return false
	}
	return e.Ports.First() <= 49152 && e.Ports.Last() >= 60999 || e.Ports.First() <= 1025 && e.Ports.Last() >= 5000
}

// unspoken returns the clients' ports that no entry speaks of, or the type of the answers
// to ping, for the first part of a CIDR block for which there are some.
func unspoken(cidr netip.Prefix, p sg.Protocol, entries []sg.ACLEntry) (part netip.Prefix, missing []portRange) {
	for _, e := range entries {
		if m := e.CIDR.Masked(); m.Overlaps(cidr) && m.Bits() > cidr.Bits() {
			low, high := halves(cidr)
			part, missing = unspoken(low, p, entries)
			other, also := unspoken(high, p, entries)
			switch {
			case missing == nil:
				return other, also
			case part == low && other == high && slices.Equal(missing, also):
				return cidr, missing
			}
			return part, missing
		}
	}
	missing = []portRange{{1024, 65535}}
	if ping, ok := pings[p]; ok {
		missing = []portRange{{ping.answer, ping.answer}}
	}
	for _, e := range entries {
		if r := spoken(e, p); r.first <= r.last && e.CIDR.Masked().Overlaps(cidr) {
			missing = without(missing, r)
		}
	}
	return cidr, missing
}

// halves cuts a CIDR block in two.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	top, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(top, p.Bits()+1)
}

// without takes the ports of r from some.
func without(some []portRange, r portRange) (left []portRange) {
	for _, s := range some {
		if s.last < r.first || r.last < s.first {
			left = append(left, s)
			continue
		}
		if s.first < r.first {
			left = append(left, portRange{s.first, r.first - 1})
		}
		if r.last < s.last {
			left = append(left, portRange{r.last + 1, s.last})
		}
	}
	return left
}

func portsText(some []portRange) string {
	var texts []string
	for _, s := range some {
		texts = append(texts, sg.Ports(s.first, s.last).String())
	}
	return strings.Join(texts, ", ")
}

// clientsOf names the clients that some ports are missing for.
func clientsOf(missing []portRange) string {
	var who []string
	for _, c := range clients {
		for _, m := range missing {
			if m.first <= c.last && c.first <= m.last {
				who = append(who, c.who)
				break
			}
		}
	}
	return strings.Join(who, ", ")
}
