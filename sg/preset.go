package sg

import (
	"fmt"
	"strings"
)

// Traffic is what a rule admits apart from its peer: what the console calls the
// rule's type. Add a peer to make a rule:
//
//	sg.PostgreSQL.From(sg.FromGroup("sg-app"))
//
// The variables below are the console types that programs name most often;
// [ParseTraffic] knows the others. The zero Traffic is invalid, as the zero [Rule]
// is.
type Traffic struct {
	Name     string // as the console writes it; empty for custom traffic
	Protocol Protocol
	Ports    PortRange // TCP and UDP
	ICMP     ICMPMatch // ICMP and ICMPv6
}

// Types from the console's list.
var (
	AllTraffic = Traffic{Name: "All traffic", Protocol: AllProtocols}
	SSH        = onePort("SSH", TCP, 22)
	HTTP       = onePort("HTTP", TCP, 80)
	HTTPS      = onePort("HTTPS", TCP, 443)
	PostgreSQL = onePort("PostgreSQL", TCP, 5432)
)

// presets is the console's list. The two types of ICMP are separate protocols: All ICMP
// - IPv4 admits no ping over IPv6 (SG-41).
var presets = []Traffic{
	AllTraffic,
	{Name: "All TCP", Protocol: TCP, Ports: allPorts},
	{Name: "All UDP", Protocol: UDP, Ports: allPorts},
	{Name: "All ICMP - IPv4", Protocol: ICMP, ICMP: allICMP},
	{Name: "All ICMP - IPv6", Protocol: ICMPv6, ICMP: allICMP},
	SSH, HTTP, HTTPS, PostgreSQL,
	onePort("SMTP", TCP, 25), onePort("DNS (UDP)", UDP, 53), onePort("DNS (TCP)", TCP, 53),
	onePort("POP3", TCP, 110), onePort("IMAP", TCP, 143), onePort("LDAP", TCP, 389),
	onePort("SMB", TCP, 445), onePort("SMTPS", TCP, 465), onePort("IMAPS", TCP, 993),
	onePort("POP3S", TCP, 995), onePort("MSSQL", TCP, 1433), onePort("Oracle-RDS", TCP, 1521),
	onePort("NFS", TCP, 2049), onePort("MySQL/Aurora", TCP, 3306), onePort("RDP", TCP, 3389),
	onePort("Redshift", TCP, 5439), onePort("WinRM-HTTP", TCP, 5985), onePort("WinRM-HTTPS", TCP, 5986),
}

func onePort(name string, p Protocol, port int) Traffic {
	return Traffic{Name: name, Protocol: p, Ports: Port(port)}
}

// From returns the rule that admits t from a peer: an ingress rule.
func (t Traffic) From(p Peer) Rule {
	return Rule{Protocol: t.Protocol, Ports: t.Ports, ICMP: t.ICMP, Peer: p}
}

// To returns the rule that admits t to a peer: an egress rule. From returns the
// same rule; only the list that it goes into makes the difference.
func (t Traffic) To(p Peer) Rule { return t.From(p) }

// String returns the name if there is one, else protocol and ports or ICMP type
// and code: "tcp/8080-8090", "icmp/8/-1". [ParseTraffic] reads both.
func (t Traffic) String() string {
	if t.Name != "" {
		return t.Name
	}
	if t.Protocol == 0 {
		return ""
	}
	return strings.ReplaceAll(string(t.From(Peer{}).appendMatch(nil)), " ", "/")
}

// ParseTraffic reads one of the console's names, ignoring case and everything but
// letters and digits ("HTTPS", "mysql/aurora", "dns(udp)", "all-tcp"), or protocol
// and ports: "tcp/443", "udp/1024-65535", "icmp/8/0", "icmpv6", "all". A blank may stand
// for the first slash, as in rules: "tcp 443".
func ParseTraffic(s string) (Traffic, error) {
	if p := preset(s); p != nil {
		return *p, nil
	}
	proto, rest, more := s, "", false
	if i := strings.IndexAny(s, "/ "); i >= 0 {
		proto, rest, more = s[:i], s[i+1:], true
	}
	p, err := parseProtocol(proto)
	if err != nil || p == 0 {
		return Traffic{}, fmt.Errorf("traffic %q: neither a name of the console's nor protocol and ports, as in tcp/443 or udp/1024-65535", s)
	}
	t := Traffic{Protocol: p}
	for i := range presets[:5] { // the ones for a whole protocol
		if presets[i].Protocol == p {
			t = presets[i]
		}
	}
	if !more {
		return t, nil
	}
	t.Name = ""
	switch {
	case t.Ports.IsSet():
		t.Ports, err = parsePorts(rest)
	case t.ICMP.IsSet():
		if !strings.Contains(rest, "/") {
			rest += "/-1"
		}
		typ, code, ok := twoNumbers(rest, '/')
		if !ok {
			err = fmt.Errorf("%q is not an ICMP type and code", rest)
		}
		t.ICMP = ICMPTypeCode(typ, code)
	default:
		err = fmt.Errorf("%q has no ports", proto)
	}
	if r := t.From(Peer{}); err == nil {
		err = r.checkMatch()
	}
	if err != nil {
		return Traffic{}, fmt.Errorf("traffic %q: %w", s, err)
	}
	return t, nil
}

// MustTraffic is [ParseTraffic] for text known to be valid. It panics if it is not.
func MustTraffic(s string) Traffic {
	t, err := ParseTraffic(s)
	if err != nil {
		panic(err)
	}
	return t
}

// preset returns the console's traffic of a name, nil if there is none.
func preset(name string) *Traffic {
	key := squeeze(name)
	for i := range presets {
		if key == squeeze(presets[i].Name) {
			return &presets[i]
		}
	}
	return nil
}

// squeeze keeps the letters and digits of a name, in lower case.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, s)
}
