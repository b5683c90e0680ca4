package diff

import (
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// String returns the change in one line: "broken: ingress of eni-db: tcp 5432 from
// members of sg-web (10.0.1.10/32)". Of many interfaces, addresses or services it names
// the first few.
func (c *Change) String() string {
	return fmt.Sprintf("%s: %s of %s: %s", c.Kind(), c.Direction, few(c.ENIs, 3, "interfaces"), c.what())
}

// Kind returns "opened", "broken" or, where a verdict is unknown, "unknown".
func (c *Change) Kind() string {
	switch {
	case c.Opens():
		return "opened"
	case c.Breaks():
		return "broken"
	}
	return "unknown"
}

// what says which packets.
func (c *Change) what() string {
	return few(c.Services, 4, "services") + " " + c.peers()
}

// peers says whose packets.
func (c *Change) peers() string {
	word, family := "from", "IPv4"
	if c.Direction == sg.Egress {
		word = "to"
	}
	if c.Family == packet.IPv6 {
		family = "IPv6"
	}
	switch {
	case len(c.Addrs) == 0:
		return fmt.Sprintf("%s future %s members of %s", word, family, c.Group)
	case c.Group != "":
		return fmt.Sprintf("%s members of %s (%s)", word, c.Group, few(c.Addrs, 3, "prefixes"))
	}
	return word + " " + few(c.Addrs, 3, "prefixes")
}

// few names the first things of a list and counts the rest.
func few[T any](all []T, most int, what string) string {
	var words []string
	for i, x := range all {
		if i == most && len(all) > most+1 {
			words = append(words, fmt.Sprintf("and %d more %s", len(all)-i, what))
			break
		}
		words = append(words, fmt.Sprint(x))
	}
	return strings.Join(words, ", ")
}
