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
		r.Ports, ok = c.ports(c.field(k.from), c.field(k.to))
	case sg.ICMP, sg.ICMPv6:
		r.ICMP, ok = c.icmp(c.field(k.from), c.field(k.to), r.Protocol)
	}
	return r, ok // other protocols cover all ports, whatever the input says (SG-22, IN-03, IN-05)
}

// ports reads a required, valid range (SG-24 to SG-26).
func (c *cursor) ports(first, last *cursor) (sg.PortRange, bool) {
	from, okFrom := first.bounded(0, 65535, "port")
	to, okTo := last.bounded(0, 65535, "port")
	switch {
	case !okFrom || !okTo:
		return sg.PortRange{}, false
	case !first.there() || !last.there():
		c.fail(codeParameter, "TCP and UDP rules need both %s and %s", first.key, last.key)
		return sg.PortRange{}, false
	case from > to:
		c.fail(codeParameter, "port range %d-%d: first above last", from, to)
		return sg.PortRange{}, false
	}
	return sg.Ports(from, to), true
}

// icmp reads type and code from the fields that hold ports for other protocols (SG-27
// to SG-29).
func (c *cursor) icmp(first, last *cursor, p sg.Protocol) (sg.ICMPMatch, bool) {
	typ, okType := first.bounded(-1, 255, "ICMP type")
	code, okCode := last.bounded(-1, 255, "ICMP code")
	switch {
	case !okType || !okCode:
		return sg.ICMPMatch{}, false
	case !first.there() && !last.there() && p == sg.ICMPv6:
		return sg.ICMPTypeCode(-1, -1), true
	case !first.there() || !last.there():
		c.fail(codeParameter, "%v rules need both %s, the type, and %s, the code", p, first.key, last.key)
		return sg.ICMPMatch{}, false
	case typ == -1 && code != -1:
		c.fail(codeParameter, "ICMP code %d of every type: with type -1 the code must be -1", code)
		return sg.ICMPMatch{}, false
	}
	return sg.ICMPTypeCode(typ, code), true
}

// bounded reads a number of a rule; ok is false if it is wrong, not if it is absent.
func (c *cursor) bounded(least, most int, what string) (n int, ok bool) {
	if !c.there() {
		return 0, true
	}
	n, ok = c.integer()
	if ok && (n < least || n > most) {
		c.fail(codeParameter, "%s %d is outside %d to %d", what, n, least, most)
		ok = false
	}
	return n, ok
}
