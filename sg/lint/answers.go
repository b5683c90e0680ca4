package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
)

// clients are the ephemeral ports of clients (NACL-66).
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

// answers looks for entries that let connections open whose answers the other list does
// not let back (NACL-67). Entries for client ports let answers back themselves, and
// what an entry denies is denied on purpose: only ports that no entry mentions are
// reported.
func (c *checker) answers(a *sg.NetworkACL, dir sg.Direction, entries, back []sg.ACLEntry) {
	other := dir.Opposite()
	if max(len(entries), len(back)) > mostEntries {
		return
	}
	type question struct {
		cidr netip.Prefix
		p    sg.Protocol
	}
	asked, said := map[question]bool{}, map[string]bool{}
	for _, e := range entries {
		if !e.Allow || ephemeral(e) {
			continue
		}
		for _, p := range []sg.Protocol{sg.TCP, sg.UDP, sg.ICMP, sg.ICMPv6} {
			if !asks(e, p) {
				continue
			}
			q := question{e.CIDR.Masked(), p}
			if asked[q] {
				continue
			}
			asked[q] = true
			answers := portRange{1024, 65535}
			types, ping := pings[p]
			if ping {
				answers = portRange{types.answer, types.answer}
			}
			part, missing := c.unmentioned(q.cidr, p, back, []portRange{answers})
			if len(missing) == 0 {
				continue
			}
			which := "the answers:"
			if part != q.cidr {
				which = "some answers, such as"
			}
			text := fmt.Sprintf("%s has no entry for %s %s", other, which, answersText(dir, p, part, missing))
			if !said[text] {
				said[text] = true
				f := c.add(Subject{ACL: a.ID, Dir: dir, Number: e.Number}, Blocked, "%s", text)
				if !ping && missing[len(missing)-1].last < clients[0].first { // ordinary clients get their answers, and there may be no others
					f.Severity = Note
				}
			}
		}
	}
}

// asks reports whether an entry lets packets of a protocol pass that expect an answer;
// for ICMP, pings.
func asks(e sg.ACLEntry, p sg.Protocol) bool {
	if ping, ok := pings[p]; ok {
		return e.CIDR.Addr().Is4() == (p == sg.ICMP) && mentioned(e, p).has(ping.request)
	}
	return e.Protocol == p || e.Protocol == sg.AllProtocols
}

// mentioned returns the ports of a protocol that an entry mentions, or its ICMP types with
// code 0. None is the range from 1 to 0.
func mentioned(e sg.ACLEntry, p sg.Protocol) portRange {
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

// answersText says which answers of a protocol do not come back, to what an entry for
// dir lets pass.
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

// ephemeral reports whether an entry is for client ports.
func ephemeral(e sg.ACLEntry) bool {
	if e.Protocol != sg.TCP && e.Protocol != sg.UDP || e.Ports.First() < 1024 {
		return false
	}
	return e.Ports.First() <= 49152 && e.Ports.Last() >= 60999 || e.Ports.First() <= 1025 && e.Ports.Last() >= 5000
}

// unmentioned returns those of the given ports or ICMP types that no entry mentions, for
// the first part of a CIDR block that has any.
func (c *checker) unmentioned(cidr netip.Prefix, p sg.Protocol, entries []sg.ACLEntry, ports []portRange) (part netip.Prefix, missing []portRange) {
	var inside []sg.ACLEntry // those about a part of the block: the halves need no others
	for _, e := range entries {
		c.compared++
		m, r := e.CIDR.Masked(), mentioned(e, p)
		switch {
		case r.first > r.last || !m.Overlaps(cidr):
		case m.Bits() > cidr.Bits():
			inside = append(inside, e)
		default:
			ports = without(ports, r)
		}
	}
	if len(inside) == 0 || len(ports) == 0 {
		return cidr, ports
	}
	low, high := halves(cidr)
	part, missing = c.unmentioned(low, p, inside, ports)
	other, also := c.unmentioned(high, p, inside, ports)
	switch {
	case len(missing) == 0:
		return other, also
	case part == low && other == high && slices.Equal(missing, also):
		return cidr, missing
	}
	return part, missing
}

// halves cuts a CIDR block in two.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	top, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(top, p.Bits()+1)
}

// without removes the ports of r from a list.
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

// clientsOf names the clients that the missing ports belong to.
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
