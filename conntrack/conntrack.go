// Package conntrack keeps the connection table of a stateful packet filter.
//
// A [Table] remembers admitted connections so that their replies pass without
// asking the rules, of which it knows nothing. The caller asks it about each
// packet with [Table.Track]; a packet that belongs to a live connection advances
// that connection there and then. For a packet that would open one, the caller
// consults its rules and calls [Table.Commit] if they admit it. A packet that is
// not committed leaves no trace; see [Linux] for the one exception.
//
//	switch r := table.Track(zone, &h, now); r.Class() {
//	case conntrack.Tracked, conntrack.Related:
//		accept()
//	case conntrack.New:
//		if rulesAdmit(&h) && table.Commit(zone, &h, now, tag) {
//			accept()
//		}
//	case conntrack.Untracked: // neighbour discovery, and what leaves no entry
//		if rulesAdmit(&h) {
//			accept()
//		}
//	case conntrack.Fragment: // behind the first one, for which CommitFragment was called
//		if r.Accepted() {
//			accept()
//		}
//	}
//
// Headers come from [packet.Decode] or [packet.ParseHeader]. Numbers such as CTS-12
// are those of statements about AWS and Linux that sg/STATEMENTS.md lists.
//
// Time is an argument and never runs backwards: a time before the latest one
// seen counts as that one. An entry is dead from its expiry on, whether or not
// it was swept. No clock is read, no goroutine started, and two tables that are
// given the same calls give the same answers. Only which of the dead are freed
// first is a matter of chance, and with it what counts them: Len, Stats, and what
// Expire returns.
//
// A Table is for one goroutine at a time; see [Table] for what may run beside it.
//
// # Profiles
//
// [AWS] is what security groups do, as far as AWS documents it. [Linux] is what
// nf_conntrack does, and is tested against the running kernel packet by packet.
// The Linux profile knows neither TCP options, window scaling among them, nor
// checksums nor the keys of GRE, does not put fragments together, does not look into
// redirects of ICMPv6, and treats SCTP as address and port pairs for 210 s.
package conntrack

// A Zone is a connection table of its own inside a [Table]: the same five-tuple
// in two zones is two connections. A filter uses one zone for each ENI, because
// the state of an ENI says nothing about another (CT-04, CTS-07). Zones need not
// be declared; small numbers cost least memory.
type Zone uint32

// A Profile is a set of rules for what a packet does to a connection.
type Profile uint8

const (
	// AWS follows what AWS documents of security groups, and Linux where AWS is
	// silent. A segment that does not fit the state of its connection is
	// admitted and changes nothing (CTS-15); a SYN without ACK on a connection
	// in TimeWait or Close is a new connection (CTS-19).
	AWS Profile = iota

	// Linux follows nf_conntrack of Linux 6.18 with nf_conntrack_tcp_be_liberal
	// and nf_conntrack_tcp_ignore_invalid_rst set, cell by cell (CTS-12). As there, a
	// SYN on a closed connection ends it, whether or not it is committed.
	Linux
)

// A Class says what a packet is to the table.
type Class uint8

const (
	// Invalid packets belong to no connection and cannot open one. [Result.Why]
	// says for what reason. In the Linux profile the class includes segments
	// that do not fit the state of their connection, which they leave as it was.
	Invalid Class = iota

	// New packets may open a connection: if the rules admit, Commit.
	New

	// Tracked packets belong to a live connection, in direction [Result.Dir].
	Tracked

	// Related packets are ICMP errors that quote a live connection. They never
	// change it. [Result.Dir] is the direction of the error: Reply for an error
	// about a packet of the original direction (CTS-32).
	Related

	// Untracked packets leave no entry. They are neighbour and multicast listener
	// discovery, with WhyNone, and in the AWS profile what has nothing to key an
	// entry by, with WhyType: the rules judge such packets one by one (CTS-31,
	// CTS-37).
	Untracked

	// Fragment packets are later fragments. If [Result.Known], the verdict of
	// the first fragment is [Result.Accepted] (CTS-43).
	Fragment
)

// A Direction is seen from the first packet of a connection. The zero Direction
// means that the packet belongs to none.
type Direction uint8

// Directions of a connection.
const (
	Original Direction = 1 + iota
	Reply
)

// Why says what keeps a packet from being New or from changing its connection.
// The AWS profile admits segments that do not fit their connection: they are
// Tracked with WhyFlags or WhyState, and have changed nothing (CTS-15). In both
// profiles a segment whose flags the capture cut off is Tracked with WhyMissing.
type Why uint8

// Reasons.
const (
	WhyNone      Why = iota
	WhyNoSYN         // TCP, not a SYN, and no connection: a capture's middle, or an expired entry (CT-40)
	WhyFlags         // TCP flags that no stack sends together (CTS-10)
	WhyState         // TCP segment that does not fit the state of its connection (CTS-12)
	WhyNoRequest     // ICMP reply without its request (CTS-31)
	WhyNoQuoted      // ICMP error about no live connection
	WhyQuote         // ICMP error whose quotation is too short, or of a later fragment
	WhyType          // ICMP type or IPv6 next header that cannot be tracked (CTS-31, CTS-45)
	WhyFamily        // ICMP in IPv6 or ICMPv6 in IPv4 (CTS-38)
	WhyMissing       // the capture cut off what the decision needs
	WhyIgnored       // TCP segment that passes without effect on state and timeout, in case the table is out of step and not the segment (CTS-17)
)

// A State is where a connection stands. Protocols other than TCP use Unreplied,
// Replied and Stream.
type State uint8

// States. None is that of no connection.
const (
	None State = iota

	// The TCP states, named as in Linux (CTS-11). They describe the connection
	// as seen from the middle, not one end's socket.
	SynSent
	SynRecv
	Established
	FinWait
	CloseWait
	LastAck
	TimeWait
	Close
	SynSent2 // SYN in both directions

	// The states of all other protocols.
	Unreplied
	Replied
	Stream // UDP with more than one request and response (CTS-28)
)
