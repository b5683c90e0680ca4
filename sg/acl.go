package sg

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/sgsim/sgsim/sg/internal/words"
)

// A NetworkACL is a list of numbered entries for each direction that judges what leaves
// and enters its subnets (NACL-01): each packet alone, answers as well (NACL-02). It
// comes after the sender's groups and before the receiver's (NACL-22).
//
// A subnet has the ACL that names it, else its VPC's default one. Where the topology
// has neither, nothing is judged at that subnet's border. An ACL without entries for a
// direction denies all of it (NACL-34, NACL-36).
type NetworkACL struct {
	ID        NetworkACLID
	Name      string // for people; not compared
	VPC       VPCID
	IsDefault bool       // of its VPC: for the subnets that no ACL names (NACL-37)
	Subnets   []SubnetID // associated with it

	// Ingress and Egress are in any order: numbers alone count (NACL-31).
	Ingress []ACLEntry
	Egress  []ACLEntry
}

// An ACLEntry is one numbered entry of a network ACL. The entry with the lowest number
// that matches decides; where none does, the packet is denied (NACL-03). The zero
// ACLEntry is an error in Compile.
//
// AWS's own deny-all entries, 32767 for IPv4 and 32768 for IPv6, are always there and
// may be left out (NACL-33).
type ACLEntry struct {
	Number   int  // 1 to 32766 (NACL-32)
	Allow    bool // else it denies
	Protocol Protocol
	Ports    PortRange    // TCP and UDP, of the destination in both directions (NACL-42); required there
	ICMP     ICMPMatch    // ICMP, and ICMPv6 with an IPv6 CIDR; required there (NACL-44)
	CIDR     netip.Prefix // of the source (ingress) or destination (egress); host bits are cleared
}

// Numbers of entries.
const (
	lastACLEntry = 32766
	denyAll4     = 32767
	denyAll6     = 32768
)

// rule returns what the entry matches as a rule.
func (e ACLEntry) rule() Rule {
	r := Rule{Protocol: e.Protocol, Ports: e.Ports, ICMP: e.ICMP, Peer: Peer{CIDR: e.CIDR.Masked()}}
	if e.Protocol == ICMPv6 && e.CIDR.Addr().Is4() {
		r.ICMP = ICMPMatch{} // NACL-44
	}
	return r
}

// denyAll returns AWS's own last entry of a family.
func denyAll(v6 bool) ACLEntry {
	if v6 {
		return ACLEntry{Number: denyAll6, Protocol: AllProtocols, CIDR: anyIPv6}
	}
	return ACLEntry{Number: denyAll4, Protocol: AllProtocols, CIDR: anyIPv4}
}

// isDenyAll reports whether the entry is one of AWS's own.
func (e ACLEntry) isDenyAll() bool {
	return e.CIDR.IsValid() && e == denyAll(e.CIDR.Addr().Is6())
}

// check returns what is wrong with an entry on its own.
func (e ACLEntry) check() error {
	if e.Number < 1 || e.Number > lastACLEntry {
		return fmt.Errorf("number %d: %w", e.Number, errEntryNumber)
	}
	if err := checkCIDR(e.CIDR); err != nil {
		return err
	}
	r := e.rule()
	if err := r.checkMatch(); err != nil {
		return err
	}
	if e.Protocol == ICMPv6 && e.CIDR.Addr().Is6() && !e.ICMP.set {
		return errNoICMPv6
	}
	return nil
}

// String returns the entry in the form that [ParseACLEntry] reads.
func (e ACLEntry) String() string {
	action := "deny"
	if e.Allow {
		action = "allow"
	}
	r := Rule{Protocol: e.Protocol, Ports: e.Ports, ICMP: e.ICMP, Peer: Peer{CIDR: e.CIDR}}
	return strconv.Itoa(e.Number) + " " + action + " " + r.String()
}

// ParseACLEntry reads a number, "allow" or "deny", and what [ParseRule] reads of protocol,
// ports or ICMP type and code, and CIDR block:
//
//	100 allow tcp 443 0.0.0.0/0
//	90 deny all 198.51.100.0/24
//	110 allow icmp 3/4 0.0.0.0/0
//
// What it reads may still be refused by Compile.
func ParseACLEntry(s string) (ACLEntry, error) {
	ws, err := words.Split(s)
	if err != nil {
		return ACLEntry{}, err
	}
	if len(ws) < 3 || ws[0].Key != "" || ws[1].Key != "" {
		return ACLEntry{}, fmt.Errorf("entry %q: want a number, allow or deny, and what it matches", s)
	}
	e := ACLEntry{Allow: ws[1].Value == "allow"}
	if !e.Allow && ws[1].Value != "deny" {
		return ACLEntry{}, fmt.Errorf("%q: neither allow nor deny", ws[1].Value)
	}
	if e.Number, err = strconv.Atoi(ws[0].Value); err != nil {
		return ACLEntry{}, fmt.Errorf("%q: not the number of an entry", ws[0].Value)
	}
	r, err := ParseRule(s[ws[2].Start:])
	if err != nil {
		return ACLEntry{}, err
	}
	if other := (Rule{Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP, Peer: Peer{CIDR: r.Peer.CIDR}}); other != r {
		return ACLEntry{}, fmt.Errorf("%q: an entry has a CIDR block and nothing else", s) // NACL-06
	}
	e.Protocol, e.Ports, e.ICMP, e.CIDR = r.Protocol, r.Ports, r.ICMP, r.Peer.CIDR
	return e, nil
}

// ACL returns the network ACL that the rule is an entry of, "" for a rule of a group.
func (r RuleRef) ACL() NetworkACLID { return r.info().acl }

// Entry returns a copy of the entry where the rule is one of a network ACL: of those
// that deny all, 32767 or 32768. Else it is the zero ACLEntry.
func (r RuleRef) Entry() ACLEntry {
	if r.r == nil || r.r.acl == "" {
		return ACLEntry{}
	}
	m := &r.r.rule
	return ACLEntry{r.r.entry, r.r.allow, m.Protocol, m.Ports, m.ICMP, m.Peer.CIDR}
}

// entryName returns "egress 100", and "egress *" for those that deny all.
func (r *ruleInfo) entryName() string {
	number := strconv.Itoa(r.entry)
	switch {
	case r.entry > lastACLEntry:
		number = "*"
	case r.entry == 0:
		number = "fragments"
	}
	return r.dir.String() + " " + number
}

// entriesOf returns the entries of a direction.
func (a *NetworkACL) entriesOf(dir Direction) []ACLEntry {
	if dir == Ingress {
		return a.Ingress
	}
	return a.Egress
}

// ACLFragments says how network ACLs judge later fragments, which have no ports. AWS
// does not say (NACL-49). The zero ACLFragments is ACLFragmentsL3.
type ACLFragments uint8

const (
	// ACLFragmentsL3: only entries match that look at no ports, or are for all.
	ACLFragmentsL3 ACLFragments = iota // "l3"

	// ACLFragmentsFirst: as the first fragment was judged there; where that is not
	// known, as ACLFragmentsL3.
	ACLFragmentsFirst // "first"

	// ACLFragmentsPass: they pass, and no ACL is asked.
	ACLFragmentsPass // "pass"
)
