package diff

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// String returns the change in one line: "broken: ingress of eni-db: tcp 5432 from
// members of sg-web (10.0.1.10/32)". If there are many interfaces, addresses or
// services, it names the first few.
func (c *Change) String() string {
	return fmt.Sprintf("%s: %s of %s: %s", c.Kind(), c.Direction, few(c.ENIs, 3, "interfaces"), c.what(prose.Names{}))
}

// Kind returns "opened", "broken" or, if a verdict is unknown, "unknown"; for answers
// "answered" or "unanswered".
func (c *Change) Kind() string {
	switch {
	case c.Answers && c.Opens():
		return "answered"
	case c.Answers:
		return "unanswered"
	case c.Opens():
		return "opened"
	case c.Breaks():
		return "broken"
	}
	return "unknown"
}

// what describes the packets.
func (c *Change) what(names prose.Names) string {
	word, family := "from", "IPv4"
	if c.Direction == sg.Egress {
		word = "to"
	}
	if c.Family == packet.IPv6 {
		family = "IPv6"
	}
	whose := whole(c.Addrs, func(p netip.Prefix) string { return c.pending().named(p, names) })
	switch {
	case len(c.Addrs) == 0:
		whose = fmt.Sprintf("future %s members of %s", family, names.Group(c.Group))
	case c.Group != "":
		whose = fmt.Sprintf("members of %s (%s)", names.Group(c.Group), whose)
	}
	services := serviceWords(c.Services)
	if c.Answers {
		services = "answers " + services
	}
	return fmt.Sprintf("%s %s %s", services, word, whose)
}

// whole names addresses. Many addresses become one prefix and the exceptions in it, if
// that takes fewer words.
func whole(addrs []netip.Prefix, text func(netip.Prefix) string) string {
	if len(addrs) > 3 {
		first, last, v4 := addrs[0].Addr(), netipx.PrefixLastIP(addrs[len(addrs)-1]), addrs[0].Addr().Is4()
		around := netip.PrefixFrom(first, first.BitLen())
		for !around.Contains(last) {
			around = netip.PrefixFrom(first, around.Bits()-1).Masked()
		}
		but := addrsOf([]netip.Prefix{around}, v4).minus(addrsOf(addrs, v4)).prefixes(v4)
		if len(but) <= 3 {
			return around.String() + " but " + few(each(but, text), 3, "")
		}
	}
	return few(each(addrs, text), 3, "prefixes")
}

// few names the first items of a list and counts the rest.
func few[T any](all []T, most int, what string) string {
	return strings.Join(prose.First(all, most, what), ", ")
}
