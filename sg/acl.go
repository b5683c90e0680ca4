package sg

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/sgsim/sgsim/sg/internal/words"
)

// A NetworkACL judges what leaves and enters its subnets, by a list of numbered entries
// for each direction (NACL-01). It judges each packet alone, answers too (NACL-02). It
// comes after the sender's groups and before the receiver's (NACL-22).
//
// A subnet has the ACL that names it, else its VPC's default ACL. If the topology has
// neither, no ACL judges at that subnet's border. An ACL without entries for a
// direction denies all of it (NACL-34, NACL-36).
type NetworkACL struct {
	ID        NetworkACLID
	Name      string // for people; not compared
	VPC       VPCID
	IsDefault bool       // default ACL of its VPC: for subnets that no ACL names (NACL-37)
	Subnets   []SubnetID // associated with it

	// Ingress and Egress may be in any order; only the numbers count (NACL-31).
	Ingress []ACLEntry
	Egress  []ACLEntry
}

// An ACLEntry is one numbered entry of a network ACL. The matching entry with the
// lowest number decides; if none matches, the packet is denied (NACL-03). The zero
// ACLEntry is an error in Compile.
//
// AWS's own deny-all entries, 32767 for IPv4 and 32768 for IPv6, are always there and
// may be left out (NACL-33).
type ACLEntry struct {
	Number   int  // 1 to 32766 (NACL-32)
	Allow    bool // false: it denies
	Protocol Protocol
	Ports    PortRange    // TCP and UDP, of the destination in both directions (NACL-42); required there
	ICMP     ICMPMatch    // ICMP, and ICMPv6 with an IPv6 CIDR; required there (NACL-44)
	CIDR     netip.Prefix // of the source (ingress) or destination (egress); host bits are cleared
}

// LastACLEntry is the largest number that a user's entry may have; AWS's own entries
// are above it (NACL-32).
const LastACLEntry = 32766

// Numbers of AWS's own entries.
const (
	denyAll4 = LastACLEntry + 1
	denyAll6 = LastACLEntry + 2
)

// Rule returns a group rule that matches what the entry matches: without host bits, and
// over IPv4 without ICMPv6 types, which AWS ignores there (NACL-44).
func (e ACLEntry) Rule() Rule {
	r := e.written()
	r.Peer.CIDR = e.CIDR.Masked()
	if e.Protocol == ICMPv6 && e.CIDR.Addr().Is4() {
		r.ICMP = ICMPMatch{}
	}
	return r
}

// written returns the fields that an entry has in common with a rule, as they are.
func (e ACLEntry) written() Rule {
	return Rule{Protocol: e.Protocol, Ports: e.Ports, ICMP: e.ICMP, Peer: Peer{CIDR: e.CIDR}}
}

// entryOf returns the entry that matches what a rule does, as far as an entry can.
func entryOf(number int, allow bool, r Rule) ACLEntry {
	return ACLEntry{number, allow, r.Protocol, r.Ports, r.ICMP, r.Peer.CIDR}
}

// denyAll returns AWS's own last entry of a family.
func denyAll(v6 bool) ACLEntry {
	if v6 {
		return ACLEntry{Number: denyAll6, Protocol: AllProtocols, CIDR: anyIPv6}
	}
	return ACLEntry{Number: denyAll4, Protocol: AllProtocols, CIDR: anyIPv4}
}

// isDenyAll reports whether the entry is one of AWS's own deny-all entries.
func (e ACLEntry) isDenyAll() bool {
	return e.CIDR.IsValid() && e == denyAll(e.CIDR.Addr().Is6())
}

// check returns what is wrong with an entry on its own.
func (e ACLEntry) check() error {
	if e.Number < 1 || e.Number > LastACLEntry {
		return fmt.Errorf("number %d: %w", e.Number, errEntryNumber)
	}
	if err := checkCIDR(e.CIDR); err != nil {
		return err
	}
	r := e.Rule()
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
	return strconv.Itoa(e.Number) + " " + action + " " + e.written().String()
}

// ParseACLEntry reads a number, "allow" or "deny", and then, as [ParseRule] does,
// protocol, ports or ICMP type and code, and a CIDR block:
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
	allow := ws[1].Value == "allow"
	if !allow && ws[1].Value != "deny" {
		return ACLEntry{}, fmt.Errorf("%q: neither allow nor deny", ws[1].Value)
	}
	number, err := strconv.Atoi(ws[0].Value)
	if err != nil {
		return ACLEntry{}, fmt.Errorf("%q: not the number of an entry", ws[0].Value)
	}
	r, err := ParseRule(s[ws[2].Start:])
	if err != nil {
		return ACLEntry{}, err
	}
	e := entryOf(number, allow, r)
	if e.written() != r {
		return ACLEntry{}, fmt.Errorf("%q: an entry has a CIDR block and nothing else", s) // NACL-06
	}
	return e, nil
}

// ACL returns the network ACL of an entry, "" for a rule of a group.
func (r RuleRef) ACL() NetworkACLID { return r.info().acl }

// Entry returns a copy of the network ACL entry, numbered 32767 or 32768 if it is a
// deny-all one. For a rule of a group it returns the zero ACLEntry.
func (r RuleRef) Entry() ACLEntry {
	if r.r == nil || r.r.acl == "" {
		return ACLEntry{}
	}
	return entryOf(r.r.entry, r.r.allow, r.r.rule)
}

// entryName returns "egress 100", and "egress *" for a deny-all entry.
func (r *ruleInfo) entryName() string {
	number := strconv.Itoa(r.entry)
	switch {
	case r.entry > LastACLEntry:
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
	// ACLFragmentsL3: only entries without ports, or for all ports, match.
	ACLFragmentsL3 ACLFragments = iota // "l3"

	// ACLFragmentsFirst: like the first fragment at that ACL; if its verdict is
	// not known, like ACLFragmentsL3.
	ACLFragmentsFirst // "first"

	// ACLFragmentsPass: they pass without asking any ACL.
	ACLFragmentsPass // "pass"
)
