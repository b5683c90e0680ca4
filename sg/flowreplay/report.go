package flowreplay

import (
	"math"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/enum"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/replay"
)

// A Report says what the records of a flow log came to.
type Report struct {
	Log flowlog.Stats

	// First and Last are the earliest start and the latest end of a record; zero
	// without any.
	First, Last time.Time

	// Interfaces is the number of interfaces of the policy that the log has records
	// of, and InPolicy that of all. Strangers counts those that the policy lacks.
	Interfaces, InPolicy, Strangers int

	// ACLInterfaces are those of Interfaces for whose subnet the policy has a network
	// ACL. At the others none is judged.
	ACLInterfaces int

	// Accepted, Dropped and Unknown are the records by verdict, and NotApplicable
	// those of interfaces that the policy lacks. Records without traffic are in none.
	Accepted, Dropped, Unknown, NotApplicable Count

	// Undecided are the unknown ones by cause, in the order of the constants; those
	// that the topology lacks something for are apart by what it lacks.
	Undecided []UndecidedCount

	// Agreeing are the records of which AWS and the groups say the same, Disagreeing
	// those of which they do not.
	Agreeing, Disagreeing Count

	// Disagreements are kinds of records that disagree, most packets first; there are
	// at most 50, and OtherDisagreements counts the rest.
	Disagreements      []Disagreement
	OtherDisagreements Count

	// Openings are the records by what tells who opened their connection.
	Openings []OpeningCount

	// PickedUp are records that took up connections whose opening the log does not
	// have, or which were forgotten.
	PickedUp Count

	// NoPkt is the number of judged records without both pkt-srcaddr and pkt-dstaddr:
	// behind address translation, their far end is not the one that rules were asked
	// about.
	NoPkt uint64

	// Rules are the hits of all rules of the policy, in topology order.
	Rules []RuleCount

	// Rejected are those whose packets AWS rejected most, by packets; there are at
	// most 20, and OtherRejects counts the rest.
	Rejected     []Talker
	OtherRejects Count

	// Timeline are the records over the time at which they start.
	Timeline replay.Timeline
}

// A Count is a number of records, and of packets and bytes as they tell. Packets and
// bytes that do not fit are the most that does.
type Count struct {
	Records uint64 `json:"records"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func (c *Count) add(r *flowlog.Record) {
	c.addAll(Count{1, r.Packets, r.Bytes})
}

func (c *Count) addAll(o Count) {
	c.Records += o.Records
	c.Packets += min(o.Packets, math.MaxUint64-c.Packets)
	c.Bytes += min(o.Bytes, math.MaxUint64-c.Bytes)
}

// An UndecidedCount counts records of one cause. Reason is set for NotGiven.
type UndecidedCount struct {
	Undecided Undecided
	Reason    sg.Reason
	Count

	// Example is the first of the records, at Position, as its line in the log, but for
	// fields that package flowlog does not know.
	Example  string
	Position flowlog.Position
}

// An OpeningCount counts records by evidence.
type OpeningCount struct {
	Evidence flowlog.Evidence
	Records  uint64
}

// RuleCount says what a rule admitted, itself or as part of connections.
type RuleCount struct {
	Rule sg.RuleRef
	Count
}

// A Disagreement is records of one kind of which AWS and the groups say different
// things: at one interface, to one port, both directions of their connections.
type Disagreement struct {
	ENI       sg.ENIID
	Direction sg.Direction // of who opens the connections
	Protocol  packet.Protocol
	Port      uint16

	// Verdict and Reason are those of the groups, and Rule the one that admits.
	Verdict sg.Verdict
	Reason  sg.Reason
	Rule    sg.RuleRef

	// Entry is that of the network ACL which decides about Example, zero where none is
	// asked.
	Entry sg.RuleRef

	Count
	FarEnds     int       // addresses, where Verdict is Drop
	First, Last time.Time // of the records

	Cause  Cause
	Change time.Time // for Changed: the latest time before it

	// Example is the first of the records, at Position, as a packet in its direction.
	Example  packet.Header
	Position flowlog.Position

	// Near are the rules that come nearest to admitting what opened the connection.
	Near []sg.NearRule

	opening packet.Header
}

// A Cause is what a disagreement is likely to come from.
type Cause uint8

// Causes. The zero Cause is none.
const (
	// Changed: before or after these records, AWS did what the groups say.
	Changed Cause = iota + 1

	// Older: AWS admitted packets of connections that nobody can have opened, and of
	// which the log has no opening. They live by tracking: rules were changed, and
	// such connections end for good when they end.
	Older

	// UnknownAddress: a rule names a group, and the far end has a private address that
	// no interface of the topology has.
	UnknownAddress

	// RuleNotGiven: AWS admitted openings that no rule admits: the interface has a
	// group or a rule that the topology lacks.
	RuleNotGiven

	// ACLOrRule: AWS rejected what a rule admits: a network ACL does, of which the
	// topology has none there, or the rule is not there.
	ACLOrRule

	// ACLNotGiven: AWS admitted what the network ACL of the topology denies: it has
	// other entries, or the subnet another ACL.
	ACLNotGiven

	// RuleNotInAWS: AWS rejected what a rule admits and the network ACL of the topology
	// does not deny: the rule is not there, or the subnet has another ACL.
	RuleNotInAWS

	// Model: none of the others; a fault of the model is likely.
	Model

	numCauses
)

var causes = [numCauses]string{"", "changed", "older", "unknown_address", "rule_not_given", "acl_or_rule", "acl_not_given", "rule_not_in_aws", "model"}

// String returns a word such as "rule_not_given".
func (c Cause) String() string { return enum.Text(causes[:], "Cause", c) }

// MarshalText returns the word.
func (c Cause) MarshalText() ([]byte, error) { return enum.Marshal(causes[:], c) }

// A Talker is the sender of packets that AWS rejected at one interface. Three or more whose
// first records differ in the sender alone are one Talker: those have the same receiver,
// protocol, destination port and verdict. Of others, three or more that each sent to several
// ports of one receiver are one Talker.
type Talker struct {
	First     packet.Header // as a packet that opens a connection
	ENI       sg.ENIID
	Direction sg.Direction
	Count
	Senders      int // 1 for most; First has the address of one
	SeveralPorts bool
	Position     flowlog.Position // of the first record
	Time         time.Time

	// Verdict, Undecided, Reason and Entry are those of the first record. Where the groups or
	// the ACL drop the packets too, it was they; where they do not, an ACL or a rule
	// that is not as given.
	Verdict   sg.Verdict
	Undecided Undecided
	Reason    sg.Reason
	Entry     sg.RuleRef

	Near []sg.NearRule // where no rule admits First

	acl   bool         // the policy has the network ACL of the ENI's subnet
	drawn []graph.Drop // those of several; nil where the Talker stands for itself
}

// likeness is what talkers that are reported as one have in common; of scans not the port.
type likeness struct {
	eni       sg.ENIID
	dir       sg.Direction
	verdict   sg.Verdict
	undecided Undecided
	reason    sg.Reason
	entry     sg.RuleRef
	to        packet.FiveTuple // without what is the sender's
	scan      bool
}

// likeness returns that of the talker; with scan, what stands for several already is none.
func (k *Talker) likeness(scan bool) likeness {
	to := k.First.Tuple()
	to.Src, to.SrcPort = [16]byte{}, 0
	if scan = scan && k.SeveralPorts && k.drawn == nil; scan {
		to.DstPort = 0
	}
	return likeness{k.ENI, k.Direction, k.Verdict, k.Undecided, k.Reason, k.Entry, to, scan}
}

// sumTalkers returns one Talker for several that are alike, the earliest first.
func sumTalkers(alike []*Talker) *Talker {
	sum := *alike[0]
	sum.Count = Count{}
	for _, k := range alike {
		sum.addAll(k.Count)
	}
	sum.Senders, sum.SeveralPorts, sum.drawn = report.Sum(alike, func(k *Talker) (netip.Addr, bool, []graph.Drop) {
		return k.First.SrcAddr(), k.SeveralPorts, k.drops()
	})
	return &sum
}

// drops are the packets as drawings show them, of each sender.
func (k *Talker) drops() []graph.Drop {
	return report.Drops(k.drawn, &k.First, k.SeveralPorts, k.Packets)
}
