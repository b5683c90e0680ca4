package lint

import (
	"fmt"
	"net/netip"
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

// A portRange holds the ports from first to last.
type portRange struct{ first, last int }

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
		for _, p := range []sg.Protocol{sg.TCP, sg.UDP} {
			if e.Protocol != p && e.Protocol != sg.AllProtocols {
				continue
			}
			part, missing := unspoken(e.CIDR.Masked(), p, back)
			if len(missing) == 0 {
				continue
			}
			text := fmt.Sprintf("%s has no entry for the answers: %s to ports %s of %s, the clients being %s (NACL-20)",
				other, p, portsText(missing), part, clientsOf(missing))
			if dir == sg.Egress {
				text = fmt.Sprintf("%s has no entry for the answers: %s from %s to ports %s, the clients being %s (NACL-20)",
					other, p, part, portsText(missing), clientsOf(missing))
			}
			if !said[text] {
				said[text] = true
				c.add(Finding{Subject: Subject{ACL: a.ID, Dir: dir, Number: e.Number}, Kind: Blocked}, "%s", text)
			}
		}
	}
}

// ephemeral reports whether an entry is for ports that clients take for themselves.
func ephemeral(e sg.ACLEntry) bool {
	if e.Protocol != sg.TCP && e.Protocol != sg.UDP || e.Ports.First() < 1024 {
		return false
	}
	return e.Ports.First() <= 49152 && e.Ports.Last() >= 60999 || e.Ports.First() <= 1025 && e.Ports.Last() >= 5000
}

// unspoken returns the clients' ports that no entry speaks of, for the first part of a
// CIDR block for which there are some.
func unspoken(cidr netip.Prefix, p sg.Protocol, entries []sg.ACLEntry) (part netip.Prefix, missing []portRange) {
	for _, e := range entries {
		if m := e.CIDR.Masked(); m.Overlaps(cidr) && m.Bits() > cidr.Bits() {
			low, high := halves(cidr)
			if part, missing = unspoken(low, p, entries); missing == nil {
				part, missing = unspoken(high, p, entries)
			} else if _, also := unspoken(high, p, entries); equal(missing, also) {
				part = cidr
			}
			return part, missing
		}
	}
	missing = []portRange{{1024, 65535}}
	for _, e := range entries {
		switch {
		case !e.CIDR.Masked().Overlaps(cidr):
		case e.Protocol == sg.AllProtocols:
			return cidr, nil
		case e.Protocol == p:
			missing = without(missing, portRange{e.Ports.First(), e.Ports.Last()})
		}
	}
	return cidr, missing
}

func equal(a, b []portRange) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

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
