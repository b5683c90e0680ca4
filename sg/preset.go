package sg

import (
	"fmt"
	"strconv"
	"strings"
)

// Traffic is what a rule admits apart from its peer: what the console calls the
// rule's type. Put a peer to it for a rule:
//
//	sg.PostgreSQL.From(sg.FromGroup("sg-app"))
//
// The variables below are the console's types by the console's names. The zero
// Traffic is invalid, as the zero [Rule] is.
type Traffic struct {
	Name     string // as the console writes it; empty for custom traffic
	Protocol Protocol
	Ports    PortRange // TCP and UDP
	ICMP     ICMPMatch // ICMP and ICMPv6
}

// The types of the console's list that stand for more than one port. The two of
// ICMP are separate protocols: All ICMP - IPv4 admits no ping over IPv6 (SG-41).
var (
	AllTraffic = Traffic{Name: "All traffic", Protocol: AllProtocols}
	AllTCP     = Traffic{Name: "All TCP", Protocol: TCP, Ports: AllPorts}
	AllUDP     = Traffic{Name: "All UDP", Protocol: UDP, Ports: AllPorts}
	AllICMPv4  = Traffic{Name: "All ICMP - IPv4", Protocol: ICMP, ICMP: AllICMP}
	AllICMPv6  = Traffic{Name: "All ICMP - IPv6", Protocol: ICMPv6, ICMP: AllICMP}
)

// The types of the console's list that stand for one port.
var (
	SSH         = Traffic{"SSH", TCP, Port(22), ICMPMatch{}}
	SMTP        = Traffic{"SMTP", TCP, Port(25), ICMPMatch{}}
	DNSUDP      = Traffic{"DNS (UDP)", UDP, Port(53), ICMPMatch{}}
	DNSTCP      = Traffic{"DNS (TCP)", TCP, Port(53), ICMPMatch{}}
	HTTP        = Traffic{"HTTP", TCP, Port(80), ICMPMatch{}}
	POP3        = Traffic{"POP3", TCP, Port(110), ICMPMatch{}}
	IMAP        = Traffic{"IMAP", TCP, Port(143), ICMPMatch{}}
	LDAP        = Traffic{"LDAP", TCP, Port(389), ICMPMatch{}}
	HTTPS       = Traffic{"HTTPS", TCP, Port(443), ICMPMatch{}}
	SMB         = Traffic{"SMB", TCP, Port(445), ICMPMatch{}}
	SMTPS       = Traffic{"SMTPS", TCP, Port(465), ICMPMatch{}}
	IMAPS       = Traffic{"IMAPS", TCP, Port(993), ICMPMatch{}}
	POP3S       = Traffic{"POP3S", TCP, Port(995), ICMPMatch{}}
	MSSQL       = Traffic{"MSSQL", TCP, Port(1433), ICMPMatch{}}
	OracleRDS   = Traffic{"Oracle-RDS", TCP, Port(1521), ICMPMatch{}}
	NFS         = Traffic{"NFS", TCP, Port(2049), ICMPMatch{}}
	MySQLAurora = Traffic{"MySQL/Aurora", TCP, Port(3306), ICMPMatch{}}
	RDP         = Traffic{"RDP", TCP, Port(3389), ICMPMatch{}}
	PostgreSQL  = Traffic{"PostgreSQL", TCP, Port(5432), ICMPMatch{}}
	Redshift    = Traffic{"Redshift", TCP, Port(5439), ICMPMatch{}}
	WinRMHTTP   = Traffic{"WinRM-HTTP", TCP, Port(5985), ICMPMatch{}}
	WinRMHTTPS  = Traffic{"WinRM-HTTPS", TCP, Port(5986), ICMPMatch{}}
)

var presets = []*Traffic{
	&AllTraffic, &AllTCP, &AllUDP, &AllICMPv4, &AllICMPv6,
	&SSH, &SMTP, &DNSUDP, &DNSTCP, &HTTP, &POP3, &IMAP, &LDAP, &HTTPS, &SMB, &SMTPS,
	&IMAPS, &POP3S, &MSSQL, &OracleRDS, &NFS, &MySQLAurora, &RDP, &PostgreSQL, &Redshift,
	&WinRMHTTP, &WinRMHTTPS,
}

// CustomTCP returns the traffic to a range of TCP ports.
func CustomTCP(ports PortRange) Traffic { return Traffic{Protocol: TCP, Ports: ports} }

// CustomUDP returns the traffic to a range of UDP ports.
func CustomUDP(ports PortRange) Traffic { return Traffic{Protocol: UDP, Ports: ports} }

// CustomICMP returns the ICMP messages of one type and code; -1 means all.
func CustomICMP(typ, code int) Traffic {
	return Traffic{Protocol: ICMP, ICMP: ICMPTypeCode(typ, code)}
}

// CustomICMPv6 returns the ICMPv6 messages of one type and code; -1 means all.
func CustomICMPv6(typ, code int) Traffic {
	return Traffic{Protocol: ICMPv6, ICMP: ICMPTypeCode(typ, code)}
}

// From returns the rule that admits t from a peer: an ingress rule.
func (t Traffic) From(p Peer) Rule {
	return Rule{Protocol: t.Protocol, Ports: t.Ports, ICMP: t.ICMP, Peer: p}
}

// To returns the rule that admits t to a peer: an egress rule. It is the rule
// that From returns; only the list it is put into makes the difference.
func (t Traffic) To(p Peer) Rule { return t.From(p) }

// String returns the name where there is one, else protocol and ports or ICMP
// type and code: "tcp/8080-8090", "icmp/8/-1". [ParseTraffic] reads both.
func (t Traffic) String() string {
	if t.Name != "" {
		return t.Name
	}
	s := t.Protocol.String()
	if t.Protocol == AllProtocols {
		s = "all"
	}
	for _, part := range []string{t.Ports.String(), t.ICMP.String()} {
		if part != "" {
			s += "/" + part
		}
	}
	return s
}

// ParseTraffic reads one of the console's names, of which only letters and digits
// count and those in either case ("HTTPS", "mysql/aurora", "dns(udp)", "all-tcp"),
// or protocol and ports: "tcp/443", "udp/1024-65535", "icmp/8/0", "icmpv6", "all".
func ParseTraffic(s string) (Traffic, error) {
	if p := preset(s); p != nil {
		return *p, nil
	}
	proto, rest, more := strings.Cut(s, "/")
	t := Traffic{}
	switch proto {
	case "all":
		t = AllTraffic
	case "tcp":
		t = AllTCP
	case "udp":
		t = AllUDP
	case "icmp":
		t = AllICMPv4
	case "icmpv6":
		t = AllICMPv6
	default:
		n, err := strconv.ParseUint(proto, 10, 8)
		if err != nil {
			return Traffic{}, fmt.Errorf("traffic %q: neither a name of the console's nor protocol and ports", s)
		}
		t.Protocol = ProtocolNumber(uint8(n))
	}
	if !more {
		return t, nil
	}
	t.Name = ""
	switch {
	case t.Ports.IsSet():
		first, last, span := strings.Cut(rest, "-")
		if !span {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || a > b {
			return Traffic{}, fmt.Errorf("traffic %q: %q is not a range of ports", s, rest)
		}
		t.Ports = Ports(int(a), int(b))
	case t.ICMP.IsSet():
		typ, code, both := strings.Cut(rest, "/")
		if !both {
			code = "-1"
		}
		a, err1 := strconv.ParseInt(typ, 10, 16)
		b, err2 := strconv.ParseInt(code, 10, 16)
		if err1 != nil || err2 != nil || a < -1 || a > 255 || b < -1 || b > 255 || a == -1 && b != -1 {
			return Traffic{}, fmt.Errorf("traffic %q: %q is not an ICMP type and code", s, rest)
		}
		t.ICMP = ICMPTypeCode(int(a), int(b))
	default:
		return Traffic{}, fmt.Errorf("traffic %q: %q has no ports", s, proto)
	}
	return t, nil
}

// preset returns the traffic that the console has under a name, nil without one.
func preset(name string) *Traffic {
	key := squeeze(name)
	for _, p := range presets {
		if key == squeeze(p.Name) {
			return p
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
