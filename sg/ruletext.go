package sg

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// String returns the rule in the form that [ParseRule] reads.
func (r Rule) String() string {
	b := r.appendMatch(nil)
	if p := r.Peer.String(); p != "" {
		b = append(append(b, ' '), p...)
	}
	if r.ID != "" {
		b = append(append(b, " id="...), words.Quote(string(r.ID))...)
	}
	if r.Description != "" {
		b = append(append(b, " desc="...), words.Quote(r.Description)...)
	}
	return string(b)
}

// appendMatch appends protocol, ports and ICMP type and code.
func (r Rule) appendMatch(b []byte) []byte {
	switch r.Protocol {
	case 0:
		b = append(b, "none"...)
	case AllProtocols:
		b = append(b, "all"...)
	default:
		b = append(b, r.Protocol.String()...)
	}
	if r.Ports.IsSet() {
		b = append(append(b, ' '), r.Ports.String()...)
	}
	if r.ICMP.IsSet() {
		b = append(append(b, ' '), r.ICMP.String()...)
	}
	return b
}

// String returns "443", "8000-8080", or "" for the unset range.
func (r PortRange) String() string {
	switch {
	case !r.set:
		return ""
	case r.first == r.last:
		return strconv.Itoa(r.First())
	}
	return strconv.Itoa(r.First()) + "-" + strconv.Itoa(r.Last())
}

// String returns type and code, "8/-1", or "" for the unset match.
func (m ICMPMatch) String() string {
	if !m.set {
		return ""
	}
	return strconv.Itoa(m.Type()) + "/" + strconv.Itoa(m.Code())
}

// String returns the peer in the form that [ParseRule] reads: "10.0.0.0/8",
// "self", "sg-web", "pl-corp", "sg-web account=123456789012". The zero Peer is
// empty.
func (p Peer) String() string {
	var b []byte
	add := func(key, s string) {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(append(b, key...), s...)
	}
	if p.CIDR.IsValid() {
		add("", p.CIDR.String())
	}
	if p.Self {
		add("", "self")
	}
	if p.Group != "" {
		add(id("group=", "sg-", string(p.Group)))
	}
	if p.PrefixList != "" {
		add(id("pl=", "pl-", string(p.PrefixList)))
	}
	if p.Account != "" {
		add("account=", words.Quote(string(p.Account)))
	}
	if p.Peering != "" {
		add("peering=", words.Quote(string(p.Peering)))
	}
	return string(b)
}

// id returns an identifier with its key, or without it if the usual prefix tells.
func id(key, prefix, s string) (string, string) {
	if q := words.Quote(s); q != s || !strings.HasPrefix(s, prefix) {
		return key, q
	}
	return "", s
}

// ParseRule reads a rule: protocol, ports or ICMP type and code, peer, and
// optional fields.
//
//	tcp 443 0.0.0.0/0
//	tcp 8000-8080 sg-web id=sgr-0123 desc="from the web servers"
//	icmp 8/-1 10.0.0.0/8        ping, any code; 8/all is the same
//	icmp all 10.0.0.0/8         every type, as -1/-1
//	icmpv6 ::/0                 every type
//	udp 53 pl-corp
//	all self                    every protocol, from the rule's own group
//	esp 10.0.0.0/8              a protocol by IANA's name, or its number
//	https Anywhere-IPv4         the console's names, which [ParseTraffic] knows as well
//	"All TCP" Anywhere-IPv6
//
// Groups and prefix lists whose ids lack the usual prefix are written group=ID
// and pl=ID; account=ID and peering=ID go with a group of another account or VPC.
//
// Compile may still refuse what it reads: ParseRule asks only that each word
// means something, so that wrong rules can be written down.
func ParseRule(s string) (Rule, error) {
	ws, err := words.Split(s)
	if err != nil {
		return Rule{}, err
	}
	if len(ws) == 0 || ws[0].Key != "" {
		return Rule{}, errors.New("rule without a protocol")
	}
	r := Rule{}
	if p := preset(ws[0].Value); p != nil {
		r = p.From(Peer{})
	} else if r.Protocol, err = parseProtocol(ws[0].Value); err != nil {
		return Rule{}, err
	}
	for _, w := range ws[1:] {
		if err := r.set(w.Key, w.Value); err != nil {
			return Rule{}, err
		}
	}
	return r, nil
}

func parseProtocol(s string) (Protocol, error) {
	switch s {
	case "none":
		return 0, nil
	case "all", "-1":
		return AllProtocols, nil
	}
	p, ok := packet.ParseProtocol(s)
	if !ok {
		return 0, fmt.Errorf("protocol %q: neither a name that rules know nor a number from 0 to 255", s)
	}
	return ProtocolNumber(uint8(p)), nil
}

var (
	anyIPv4 = netip.MustParsePrefix("0.0.0.0/0")
	anyIPv6 = netip.MustParsePrefix("::/0")
)

// set applies one word of a rule's text.
func (r *Rule) set(key, val string) error {
	again := false
	switch key {
	case "id":
		again, r.ID = r.ID != "", RuleID(val)
	case "desc":
		again, r.Description = r.Description != "", val
	case "group":
		again, r.Peer.Group = r.Peer.Group != "", GroupID(val)
	case "pl":
		again, r.Peer.PrefixList = r.Peer.PrefixList != "", PrefixListID(val)
	case "account":
		again, r.Peer.Account = r.Peer.Account != "", AccountID(val)
	case "peering":
		again, r.Peer.Peering = r.Peer.Peering != "", PeeringID(val)
	case "":
		switch {
		case val == "self":
			again, r.Peer.Self = r.Peer.Self, true
		case strings.EqualFold(val, "Anywhere-IPv4"):
			again, r.Peer.CIDR = r.Peer.CIDR.IsValid(), anyIPv4
		case strings.EqualFold(val, "Anywhere-IPv6"):
			again, r.Peer.CIDR = r.Peer.CIDR.IsValid(), anyIPv6
		case val == "all" && (r.Protocol == ICMP || r.Protocol == ICMPv6):
			again, r.ICMP = r.ICMP.set, ICMPTypeCode(-1, -1)
		case strings.HasPrefix(val, "sg-"):
			return r.set("group", val)
		case strings.HasPrefix(val, "pl-"):
			return r.set("pl", val)
		case strings.ContainsAny(val, ".:"):
			p, err := netip.ParsePrefix(val)
			if err != nil {
				return fmt.Errorf("%q: not a CIDR block", val)
			}
			again, r.Peer.CIDR = r.Peer.CIDR.IsValid(), p
		case strings.Contains(val, "/"):
			typ, ofAllCodes := strings.CutSuffix(val, "/all")
			if ofAllCodes {
				typ += "/-1"
			}
			t, c, ok := twoNumbers(typ, '/')
			if !ok {
				return fmt.Errorf("%q: not an ICMP type and code", val)
			}
			again, r.ICMP = r.ICMP.set, ICMPTypeCode(t, c)
		default:
			ports, err := parsePorts(val)
			if err != nil {
				return err
			}
			again, r.Ports = r.Ports.set, ports
		}
	default:
		return fmt.Errorf("%q: a rule has no %q", key+"="+val, key)
	}
	if again {
		return fmt.Errorf("%q: a second one", val)
	}
	return nil
}

func parsePorts(s string) (PortRange, error) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return Port(int(n)), nil
	}
	if a, b, ok := twoNumbers(s, '-'); ok {
		return Ports(a, b), nil
	}
	return PortRange{}, fmt.Errorf("%q: neither ports nor a peer", s)
}

// twoNumbers reads "3/4", or with sep '-' also "-1--1".
func twoNumbers(s string, sep byte) (a, b int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	i := strings.IndexByte(s[1:], sep) + 1 // a sign may come first
	if i == 0 {
		return 0, 0, false
	}
	x, err1 := strconv.ParseInt(s[:i], 10, 32)
	y, err2 := strconv.ParseInt(s[i+1:], 10, 32)
	return int(x), int(y), err1 == nil && err2 == nil
}
