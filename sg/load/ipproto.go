package load

import (
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

var protocols = map[string]sg.Protocol{
	"-1": sg.AllProtocols, "all": sg.AllProtocols, "tcp": sg.TCP, "udp": sg.UDP, "icmp": sg.ICMP, "icmpv6": sg.ICMPv6,
}

// parseProtocol reads IpProtocol or Terraform's protocol: a name, a number or -1
// (SG-20, SG-21), or Terraform's "all" (IN-24).
func parseProtocol(s string) (sg.Protocol, bool) {
	if p, ok := protocols[strings.ToLower(s)]; ok {
		return p, true
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return sg.ProtocolNumber(uint8(n)), err == nil
}

// parseACLProtocol is parseProtocol for an entry of a network ACL, for which the Terraform
// provider takes all of IANA's names (NACL-72).
func parseACLProtocol(s string) (sg.Protocol, bool) {
	if p, ok := packet.ParseProtocol(s); ok {
		return sg.ProtocolNumber(uint8(p)), true
	}
	return parseProtocol(s)
}

// ruleKeys are the names of the three fields in one input format.
type ruleKeys struct{ protocol, from, to string }

var (
	awsKeys      = ruleKeys{"IpProtocol", "FromPort", "ToPort"}
	tfInlineKeys = ruleKeys{"protocol", "from_port", "to_port"}
	tfRuleKeys   = ruleKeys{"ip_protocol", "from_port", "to_port"}
)

// traffic reads a rule's protocol, ports and ICMP type, and reports everything
// that AWS would refuse, so that nothing is left for Compile.
func (c *cursor) traffic(k ruleKeys) (r sg.Rule, ok bool) {
	proto := c.field(k.protocol)
	if !proto.there() || proto.is(str) && proto.raw() == "" {
		proto.fail(codeParameter, "is missing: rules must name their protocol") // SG-56
		return r, false
	}
	if !proto.want(str) {
		return r, false
	}
	r.Protocol, ok = parseProtocol(proto.raw())
	if !ok {
		proto.fail(codeParameter, "unknown protocol %s", quote(proto.raw()))
		return r, false
	}
	switch r.Protocol {
	case sg.TCP, sg.UDP:
		r.Ports, ok = c.ports(k)
	case sg.ICMP, sg.ICMPv6:
		r.ICMP, ok = c.icmp(k, r.Protocol)
	}
	return r, ok // other protocols cover all ports, whatever the input says (SG-22, IN-03, IN-05)
}

// ports reads a required, valid range (SG-24 to SG-26).
func (c *cursor) ports(k ruleKeys) (sg.PortRange, bool) {
	from, hasFrom, okFrom := c.bounded(k.from, 0, 65535, "port")
	to, hasTo, okTo := c.bounded(k.to, 0, 65535, "port")
	switch {
	case !okFrom || !okTo:
		return sg.PortRange{}, false
	case !hasFrom || !hasTo:
		c.fail(codeParameter, "TCP and UDP rules need both %s and %s", k.from, k.to)
		return sg.PortRange{}, false
	case from > to:
		c.fail(codeParameter, "port range %d-%d: first above last", from, to)
		return sg.PortRange{}, false
	}
	return sg.Ports(from, to), true
}

// icmp reads type and code from the fields that hold ports for other protocols (SG-27
// to SG-29).
func (c *cursor) icmp(k ruleKeys, p sg.Protocol) (sg.ICMPMatch, bool) {
	typ, hasType, okType := c.bounded(k.from, -1, 255, "ICMP type")
	code, hasCode, okCode := c.bounded(k.to, -1, 255, "ICMP code")
	switch {
	case !okType || !okCode:
		return sg.ICMPMatch{}, false
	case !hasType && !hasCode && p == sg.ICMPv6:
		return sg.ICMPTypeCode(-1, -1), true
	case !hasType || !hasCode:
		c.fail(codeParameter, "%v rules need both %s, the type, and %s, the code", p, k.from, k.to)
		return sg.ICMPMatch{}, false
	case typ == -1 && code != -1:
		c.fail(codeParameter, "ICMP code %d of every type: with type -1 the code must be -1", code)
		return sg.ICMPMatch{}, false
	}
	return sg.ICMPTypeCode(typ, code), true
}

// bounded reads a number of a rule; ok is false if it is wrong.
func (c *cursor) bounded(key string, least, most int, what string) (n int, has, ok bool) {
	f := c.field(key)
	if !f.there() {
		return 0, false, true
	}
	if n, has = f.integer(); !has {
		return 0, false, false
	}
	if n < least || n > most {
		f.fail(codeParameter, "%s %d is outside %d to %d", what, n, least, most)
		return n, true, false
	}
	return n, true, true
}
