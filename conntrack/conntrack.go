// Package conntrack keeps the connection table of a stateful packet filter.
//
// A [Table] remembers admitted connections, so that their replies pass without
// asking the rules. It knows nothing of rules itself. The caller asks it about
// each packet with [Table.Track], which also advances the connection that the
// packet belongs to. For a packet that would open a connection, the caller
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
//	case conntrack.Untracked: // neighbour discovery, and other packets without an entry
//		if rulesAdmit(&h) {
//			accept()
//		}
//	case conntrack.Fragment: // after the first one, for which CommitFragment was called
//		if r.Accepted() {
//			accept()
//		}
//	}
//
// Headers come from [packet.Decode] or [packet.ParseHeader]. Numbers such as CTS-12
// refer to the statements about AWS and Linux in sg/STATEMENTS.md.
//
// Time is an argument and never runs backwards: a time before the latest one seen
// counts as that one. An entry is dead from its expiry on, whether or not it was
// swept. The package reads no clock and starts no goroutine, and two tables that
// get the same calls give the same answers. Only which of the dead are freed
// first is random, and so are the numbers that count them: Len, Stats, and what
// Expire returns.
//
// A Table is for one goroutine at a time; see [Table] for what may run beside it.
//
// # Profiles
//
// [AWS] does what security groups do, as far as AWS documents it. [Linux] does what
// nf_conntrack does, and is tested against the running kernel packet by packet. The
// Linux profile ignores TCP options (including window scaling), checksums and GRE
// keys. It does not reassemble fragments or look into ICMPv6 redirects, and it keeps
// SCTP as address and port pairs for 210 s.
package conntrack

// A Zone is a separate connection table inside a [Table]: the same five-tuple in
// two zones is two connections. A filter uses one zone for each ENI, because the
// state of an ENI says nothing about another (CT-04, CTS-07). Zones need not be
// declared; small numbers take the least memory.
type Zone uint32

// A Profile says what packets do to connections.
type Profile uint8

const (
	// AWS follows what AWS documents about security groups, and Linux where AWS
	// documents nothing. A segment that does not fit the state of its connection
	// is admitted and changes nothing (CTS-15); a SYN without ACK on a connection
	// in TimeWait or Close is a new connection (CTS-19).
	AWS Profile = iota

	// Linux follows nf_conntrack of Linux 6.18 with nf_conntrack_tcp_be_liberal and
	// nf_conntrack_tcp_ignore_invalid_rst set, cell by cell (CTS-12). As in the
	// kernel, a SYN on a closed connection ends it, whether or not it is committed.
	Linux
)

// A Class says how a packet relates to the table's connections.
type Class uint8

const (
	// Invalid packets belong to no connection and cannot open one; [Result.Why]
	// says why. In the Linux profile they include segments that do not fit the
	// state of their connection, and leave it unchanged.
	Invalid Class = iota

	// New packets may open a connection: call Commit if the rules admit them.
	New

	// Tracked packets belong to a live connection, in direction [Result.Dir].
	Tracked

	// Related packets are ICMP errors that quote a live connection. They never
	// change it. [Result.Dir] is the direction of the error: Reply for an error
	// about a packet of the original direction (CTS-32).
	Related

	// Untracked packets leave no entry. They are neighbour and multicast listener
	// discovery, with WhyNone, and in the AWS profile packets without anything to
	// key an entry by, with WhyType. The rules judge each such packet (CTS-31,
	// CTS-37).
	Untracked

	// Fragment packets are later fragments. If [Result.Known] is true,
	// [Result.Accepted] is the verdict on the first fragment (CTS-43).
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
// Tracked with WhyFlags or WhyState, and change nothing (CTS-15). In both
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
	WhyQuote         // ICMP error whose quote is too short, or of a later fragment
	WhyType          // ICMP type or IPv6 next header that cannot be tracked (CTS-31, CTS-45)
	WhyFamily        // ICMP in IPv6 or ICMPv6 in IPv4 (CTS-38)
	WhyMissing       // the capture cut off what the decision needs
	WhyIgnored       // TCP segment that passes without effect on state and timeout, because the table may be out of step (CTS-17)
)

// A State is where a connection stands. Protocols other than TCP use Unreplied,
// Replied and Stream.
type State uint8

// States. None means that there is no connection.
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
