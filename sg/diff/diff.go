// Package diff says what a change of security groups does before anybody makes it.
//
// [Policies] compares two policies as sets: not packet by packet, but all packets at
// once, so whatever it does not name is the same in both, except at interfaces and groups
// that [Diff] lists as not compared. It names boxes, each a set of addresses by a set of
// services, with the rules behind it and a packet to try:
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
// It compares what may open a connection: packets with known ports or ICMP type that belong
// to no connection and come through no load balancer or middlebox. An interface admits what
// both its groups and the network ACL of its subnet admit, that is, its own side of the
// path, as in [sg.Enforcer.Forward]. ACLs judge answers too, so a connection may open and
// get no answer; that is a separate kind of change. Traffic that groups never filter, such
// as that to the resolver (EX-01), makes no difference, and a box may span such addresses.
// An interface without an address is nobody's peer: [StandIns] gives one to those that a plan
// makes. Whether connections are tracked is not compared. Connections that are already open
// outlive their rules (CT-20); [Replay] says which ones do in captured traffic.
//
// Two policies that admit the same do not differ, however they are written: a CIDR in
// halves, ports in one rule or two, a list or its entries, other entry numbers. The
// exception is a group as against the addresses of its members: they are the same now, but
// not once the group has another member. See [Change.Group].
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
	// depends only on the changes themselves. Two changes with the same interface,
	// direction and family do not overlap, unless their peers are members of several
	// groups.
	Changes []Change

	// Added and Removed are interfaces that one policy lacks, ascending. A missing
	// interface admits nothing, so everything that the other policy admits there is
	// among the changes.
	Added, Removed []sg.ENIID

	// Unjudged are interfaces of both policies, ascending, for whose subnet only one
	// policy knows a network ACL. The other judges nothing there, so a change at such an
	// interface may only mean that input is missing.
	Unjudged []sg.ENIID

	// Unfinished are interfaces, ascending, at which more may differ, since the work of a
	// comparison is bounded. Either their rules, with the members and entries of what they
	// name, overlap too often; 1,000 rules, the most that AWS allows at an interface, do
	// not. Or their network ACL has more than 256 entries for a direction and family, of
	// which AWS allows 40, or comes after ACLs that take a gigabyte. Or the comparison,
	// after minutes, ended before it was done with them.
	Unfinished []sg.ENIID

	// Uncarried are groups, ascending, that no interface carries in either policy and
	// whose rules differ. The Diff says nothing about what they will let pass. Rules are
	// the same if they are written the same, in any order.
	Uncarried []sg.GroupID

	// Unshared are groups of both policies, ascending, whose rules differ and that only
	// interfaces of Added and Removed carry. The changes say what these interfaces gain and
	// lose, but not what differs for one with the group that stays.
	Unshared []sg.GroupID

	// Timeouts are the idle timeouts that differ at interfaces of both policies, by
	// interface. They decide how long a silent connection stays open, not what opens.
	Timeouts []Timeout

	// Pending is what [StandIns] did before the comparison. Policies leaves it nil; whoever
	// sets it has it among what is written.
	Pending *Pending

	before, after *world
}

// A Change is a box of packets that two policies judge differently: all packets of
// a family that pass an interface in a direction, whose other end is one of
// several addresses, and that are for one of several services.
type Change struct {
	Direction sg.Direction
	Family    packet.Family

	// Answers is set if the packets are not first packets but answers, on connections
	// that open in both policies in the other direction: network ACLs let the answers
	// pass in only one policy. For TCP and UDP they go to the ports of clients, from 1024
	// on.
	Answers bool

	// Before and After are the verdicts on the packets: sg.Drop, sg.Accept or
	// sg.Unknown, and never the same.
	Before, After sg.Verdict

	// Group is set if rules name a group in only one policy, and no other rule
	// admits all addresses. Addrs are then its members. They are empty if only
	// future members are affected; then changes without a Group hold what differs
	// for present members, if anything does. Network ACLs may stop some of the
	// future members.
	Group sg.GroupID

	// Addrs are the addresses of the other end, as the fewest prefixes, ascending.
	Addrs []netip.Prefix

	Services []Service // ascending, never empty

	// RulesBefore and RulesAfter are the rules that admit some of the packets in their
	// policy, or may admit them if the verdict is unknown. There are none if nothing
	// filters the packets, or if a group is missing. If network ACLs are the cause, the
	// entries that allow or deny some of the packets come behind the rules. Rules are in
	// the order of groups, then of their text; entries in that of ACLs and numbers.
	RulesBefore, RulesAfter []sg.RuleRef

	// ENIs are the interfaces of the change, ascending and never empty.
	ENIs []sg.ENIID

	// Weight is the size of the change: the number of addresses (for IPv6 the fourth root
	// of that number), times the number of services, times the number of interfaces. It
	// is 0 if only future members are concerned.
	Weight float64

	d       *Diff
	witness num // of Addrs
}

// Future reports whether the change concerns only future members of a group.
func (c *Change) Future() bool { return len(c.Addrs) == 0 }

// Opens reports whether packets that were dropped before pass afterwards.
func (c *Change) Opens() bool { return c.Before == sg.Drop && c.After == sg.Accept }

// Breaks reports whether packets that passed before are dropped afterwards.
func (c *Change) Breaks() bool { return c.Before == sg.Accept && c.After == sg.Drop }

// Policies compares two policies. It does not change them, keeps them as long as the
// Diff lives, and gives the same result for the same policies, whatever the order in
// them. Interfaces, groups and prefix lists are the same if their ids are.
//
// It compares what interfaces with the same groups have in common only once.
func Policies(before, after *sg.Policy) *Diff {
	return policies(before, after, bounds{mostWork, classWork, mostSpans})
}

// bounds are mostWork, classWork and mostSpans.
type bounds struct{ work, class, spans budget }

// policies is Policies with bounds of the caller.
func policies(before, after *sg.Policy, most bounds) *Diff {
	names := newNames()
	names.spans = most.spans
	c := comparer{
		before: newWorld(before, names), after: newWorld(after, names), names: names,
		classes: map[string]*class{}, borderings: map[bordering]*delta{}, boxSets: newSets(), found: map[box][]*class{}, left: most.work, most: most.class,
	}
	c.after.first = c.before
	d := &Diff{before: c.before, after: c.after}
	ids := slices.AppendSeq(slices.Collect(before.ENIs()), after.ENIs())
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		_, was := c.before.sets.Setting(id)
		_, is := c.after.sets.Setting(id)
		switch {
		case !is:
			d.Removed = append(d.Removed, id)
		case !was:
			d.Added = append(d.Added, id)
		default:
			d.Timeouts = append(d.Timeouts, timeouts(id, before.TimeoutsOf(id), after.TimeoutsOf(id))...)
		}
		c.eni(id)
	}
	d.Changes, d.Unjudged = c.changes(d), c.unjudged
	slices.Sort(c.unfinished)
	d.Unfinished = c.unfinished
	d.Uncarried, d.Unshared = uncarried(before, after)
	return d
}
