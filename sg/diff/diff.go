// Package diff says what a change of security groups does before anybody makes it.
//
// [Policies] compares two policies as sets: not packet by packet, but all packets at
// once, so that what it does not name is the same in both. What it names are boxes, a
// set of addresses by a set of services, each with the rules behind it and a packet to
// try:
//
//	before, err := sg.Compile(now)
//	...
//	after, err := sg.Compile(planned)
//	...
//	d := diff.Policies(before, after)
//	for _, c := range d.Changes {
//		fmt.Println(&c) // broken: ingress of eni-db: tcp 5432 from 10.0.0.0/16
//	}
//
// Compared is what may open a connection: packets that tell their ports or their ICMP
// type, which no connection, load balancer or middlebox vouches for. An interface admits
// what its groups do and the network ACL of its subnet: what its own side of the way says,
// as [sg.Enforcer.Forward] does. ACLs are asked about answers too, so that a connection may
// open and get none: that is a change of its own kind. What groups do not filter anyway,
// such as traffic to the resolver (EX-01), is no difference, and a box may span such
// addresses. Not compared are idle timeouts, and whether what passes is tracked.
// Connections that are open already outlive their rules (CT-20); [Replay] says for captured
// traffic which do.
//
// Two policies that admit the same differ in nothing, however they are written: a CIDR
// in halves, ports in one rule or two, a list or its entries, other numbers of entries. A
// group and the addresses of its members are an exception: they are the same now, and will
// not be once the group has another member. See [Change.Group].
package diff

import (
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Diff is what differs between two policies. It never changes.
type Diff struct {
	// Changes are boxes, the biggest first: by [Change.Weight], then in an order that
	// nothing but the changes themselves decides. Two that have the same interface,
	// direction and family do not overlap, save where the peers are members of several
	// groups.
	Changes []Change

	// Added and Removed are interfaces that one policy lacks, ascending. An interface
	// that is not there admits nothing, so that all that the other policy admits at
	// one is among the changes.
	Added, Removed []sg.ENIID

	// Unjudged are interfaces of both policies at whose subnet one alone knows a network
	// ACL, ascending. The other judges nothing there: what seems to be a change may be
	// missing input.
	Unjudged []sg.ENIID

	// Unfinished are interfaces whose rules, with the members and entries of what they
	// name, overlap so often that comparing them ended early, ascending: more may differ
	// there. 1,000 rules, which AWS allows at an interface, stay far below that.
	Unfinished []sg.ENIID

	// Uncarried are groups that no interface carries in either policy and whose rules are
	// not the same, ascending: what these will let pass, nothing is said of. Rules are the
	// same if they are written so, in whatever order.
	Uncarried []sg.GroupID

	before, after *world
}

// A Change is a box of packets that two policies judge differently: all those of a
// family that pass an interface in a direction, whose other end is one of several
// addresses, and that are for one of several services.
type Change struct {
	Direction sg.Direction
	Family    packet.Family

	// Answers is set where the packets are no first ones, but answers on connections that
	// open in both policies in the other direction: network ACLs let them pass in one
	// policy alone. Of TCP and UDP they are for the ports of clients, from 1024 on.
	Answers bool

	// Before and After are what becomes of the packets: sg.Drop, sg.Accept or
	// sg.Unknown, and never the same.
	Before, After sg.Verdict

	// Group is set where rules name a group in one policy alone, and no other rule
	// admits all addresses. Addrs are its members then. They are empty where that is
	// so for future members alone: changes without a Group hold what differs for the
	// present ones, if anything does. Network ACLs may stop some of the future ones.
	Group sg.GroupID

	// Addrs are the addresses of the other end, the fewest prefixes, ascending.
	Addrs []netip.Prefix

	Services []Service // ascending, never empty

	// RulesBefore and RulesAfter admit some of the packets in their policy, or may
	// where the verdict is unknown. There are none where packets pass for want of a
	// filter, or a group is missing. Where network ACLs are why, behind them are the
	// entries that let some of the packets pass, or deny some. The order is that of
	// groups and the text of rules, then of ACLs and numbers.
	RulesBefore, RulesAfter []sg.RuleRef

	// ENIs are the interfaces where this is so, ascending, and never empty.
	ENIs []sg.ENIID

	// Weight is how large the change is: the number of addresses, in IPv6 its fourth
	// root, by that of services and that of interfaces. It is 0 where only future
	// members are concerned.
	Weight float64

	d       *Diff
	witness num // of Addrs
}

// Future reports whether the change is about future members of a group alone.
func (c *Change) Future() bool { return len(c.Addrs) == 0 }

// Opens reports whether what was dropped before passes afterwards.
func (c *Change) Opens() bool { return c.Before == sg.Drop && c.After == sg.Accept }

// Breaks reports whether what passed before is dropped afterwards.
func (c *Change) Breaks() bool { return c.Before == sg.Accept && c.After == sg.Drop }

// Policies compares two policies. It does not change them, keeps them as long as the
// Diff lives, and gives the same result for the same policies, whatever the order in
// them. Interfaces, groups and prefix lists are the same where their ids are.
//
// What interfaces of the same groups have in common is compared once.
func Policies(before, after *sg.Policy) *Diff {
	names := newNames()
	c := comparer{
		before: newWorld(before, names), after: newWorld(after, names), names: names,
		classes: map[string]*class{}, borderings: map[bordering]*delta{}, boxSets: newSets(), found: map[box][]sg.ENIID{},
	}
	c.after.first = c.before
	d := &Diff{before: c.before, after: c.after}
	for id := range before.ENIs() {
		if _, ok := c.after.sets.Setting(id); !ok {
			d.Removed = append(d.Removed, id)
		}
		c.eni(id)
	}
	for id := range after.ENIs() {
		if _, ok := c.before.sets.Setting(id); !ok {
			d.Added = append(d.Added, id)
			c.eni(id)
		}
	}
	slices.Sort(d.Added)
	slices.Sort(d.Removed)
	slices.Sort(c.unjudged)
	d.Changes, d.Unjudged = c.changes(d), c.unjudged
	slices.Sort(c.unfinished)
	d.Unfinished = slices.Compact(c.unfinished)
	d.Uncarried = uncarried(before, after)
	return d
}
