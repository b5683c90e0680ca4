package flowreplay

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/enum"
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

const (
	maxDisagreements = 50
	maxRejected      = 20
)

// A Count is a number of records, and of packets and bytes as they tell.
type Count struct {
	Records uint64 `json:"records"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func (c *Count) add(r *flowlog.Record) {
	c.Records++
	c.Packets += r.Packets
	c.Bytes += r.Bytes
}

func (c *Count) addAll(o Count) {
	c.Records += o.Records
	c.Packets += o.Packets
	c.Bytes += o.Bytes
}

// An UndecidedCount counts records of one cause. Reason is set for NotGiven.
type UndecidedCount struct {
	Undecided Undecided `json:"cause"`
	Reason    sg.Reason `json:"reason,omitempty"`
	Count
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

	// ACLOrRule: AWS rejected what a rule admits: a network ACL does, or the rule is
	// not there.
	ACLOrRule

	// ACLNotGiven: AWS admitted what the network ACL of the topology denies: it has
	// other entries, or the subnet another ACL.
	ACLNotGiven

	// Model: none of the others; a fault of the model is likely.
	Model

	numCauses
)

var causes = [numCauses]string{"", "changed", "older", "unknown_address", "rule_not_given", "acl_or_rule", "acl_not_given", "model"}

// String returns a word such as "rule_not_given".
func (c Cause) String() string { return enum.Text(causes[:], "Cause", c) }

// MarshalText returns the word.
func (c Cause) MarshalText() ([]byte, error) { return enum.Marshal(causes[:], c) }

// A Talker is the sender of packets that AWS rejected at one interface.
type Talker struct {
	First     packet.Header // as a packet that opens a connection
	ENI       sg.ENIID
	Direction sg.Direction
	Count
	SeveralPorts bool
	Position     flowlog.Position // of the first record
	Time         time.Time

	// Verdict, Undecided and Reason are those of the first record. Where the groups or
	// the ACL drop the packets too, it was they; where they do not, an ACL or a rule
	// that is not as given.
	Verdict   sg.Verdict
	Undecided Undecided
	Reason    sg.Reason

	Near []sg.NearRule // where no rule admits First
}

func (t *tally) report(j *Judge, log flowlog.Stats) *Report {
	out := &Report{
		Log: log, Interfaces: len(t.enis), Strangers: len(t.strangers),
		Accepted: t.verdicts[sg.Accept], Dropped: t.verdicts[sg.Drop], Unknown: t.verdicts[sg.Unknown],
		NotApplicable: t.verdicts[sg.NotApplicable],
		Agreeing:      t.agreements[Agree], Disagreeing: t.agreements[Disagree],
		PickedUp: t.pickedUp, NoPkt: t.noPkt, OtherDisagreements: t.others, OtherRejects: t.otherRejects,
	}
	if len(t.over.Slots) > 0 {
		out.Timeline = t.over
	}
	if t.first != 0 || t.last != 0 {
		out.First, out.Last = time.Unix(t.first, 0).UTC(), time.Unix(t.last, 0).UTC()
	}
	for range j.policy.ENIs() {
		out.InPolicy++
	}
	for d, c := range t.undecided {
		out.Undecided = append(out.Undecided, UndecidedCount{d.why, d.reason, *c})
	}
	slices.SortFunc(out.Undecided, func(a, b UndecidedCount) int {
		return cmp.Or(cmp.Compare(a.Undecided, b.Undecided), cmp.Compare(a.Reason, b.Reason))
	})
	for e := range flowlog.ByFlags + 1 {
		if n := t.evidence[e]; n > 0 {
			out.Openings = append(out.Openings, OpeningCount{e, n})
		}
	}
	for ref := range j.policy.Rules() {
		f := RuleCount{Rule: ref}
		if n := t.rules[ref]; n != nil {
			f.Count = *n
		}
		out.Rules = append(out.Rules, f)
	}
	t.reportDisagreements(j, out)
	t.reportTalkers(j, out)
	return out
}

func (t *tally) reportDisagreements(j *Judge, out *Report) {
	type kind struct {
		serviceKey
		cause Cause
	}
	byKind := map[kind]*Disagreement{}
	for key, s := range t.services {
		if s.disagreeing.Records == 0 {
			continue
		}
		d := s.disagreement(j, key)
		k := kind{key, d.Cause}
		k.far = netip.Addr{}
		all := byKind[k]
		if all == nil {
			byKind[k] = &d
			continue
		}
		first, last := all, &d
		if d.First.Before(all.First) || d.First.Equal(all.First) && comparePositions(d.Position, all.Position) < 0 {
			first, last = &d, all
		}
		first.FarEnds += last.FarEnds
		first.addAll(last.Count)
		if last.Last.After(first.Last) {
			first.Last = last.Last
		}
		byKind[k] = first
	}
	for _, d := range byKind {
		out.Disagreements = append(out.Disagreements, *d)
	}
	slices.SortFunc(out.Disagreements, func(a, b Disagreement) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(b.Records, a.Records), a.First.Compare(b.First),
			comparePositions(a.Position, b.Position))
	})
	for _, d := range out.Disagreements[min(len(out.Disagreements), maxDisagreements):] {
		out.OtherDisagreements.addAll(d.Count)
	}
	out.Disagreements = out.Disagreements[:min(len(out.Disagreements), maxDisagreements)]
}

func comparePositions(a, b flowlog.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

func (s *service) disagreement(j *Judge, key serviceKey) Disagreement {
	d := Disagreement{
		ENI: key.eni, Direction: key.dir, Protocol: key.protocol, Port: key.port,
		Verdict: key.verdict, Reason: s.reason, Rule: key.rule, Count: s.disagreeing.Count,
		First: time.Unix(s.disagreeing.first, 0).UTC(), Last: time.Unix(s.disagreeing.last, 0).UTC(),
		Example: headerOf(s.record.Tuple(), 0), Position: s.example.Position,
	}
	if d.Verdict == sg.Drop {
		d.FarEnds = 1
	}
	t := s.record.Tuple()
	if s.example.Direction != key.dir {
		t = t.Reverse()
	}
	d.opening = headerOf(t, packet.SYN)
	if d.Verdict == sg.Drop && d.Reason == sg.NoRule {
		d.Near = j.near(key.eni, key.dir, &d.opening)
	}
	d.Cause = s.cause(j, &d)
	if d.Cause == Changed {
		d.Change = time.Unix(min(s.agreeing.last, s.disagreeing.last), 0).UTC()
	}
	return d
}

func (s *service) cause(j *Judge, d *Disagreement) Cause {
	a, b := &s.agreeing, &s.disagreeing
	switch {
	case a.Records > 0 && (a.last < b.first || b.last < a.first):
		return Changed
	case d.Verdict == sg.Accept:
		return ACLOrRule
	case d.Reason == sg.ACLDeny:
		return ACLNotGiven
	case d.Reason != sg.NoRule:
		return Model
	case !s.opened && s.record.Has(flowlog.FieldTCPFlags):
		return Older
	case s.unknownAddress(j, d):
		return UnknownAddress
	}
	return RuleNotGiven
}

// unknownAddress reports whether a rule that names a group would do but for the far
// end, which the topology does not know.
func (s *service) unknownAddress(j *Judge, d *Disagreement) bool {
	far := s.example.far()
	if j.owner(far, far) != "" || !far.IsPrivate() {
		return false
	}
	for _, n := range d.Near {
		if len(n.Fails) == 1 && n.Rule.Rule().Peer.Group != "" && (n.Fails[0].Field == "source" || n.Fails[0].Field == "destination") {
			return true
		}
	}
	return false
}

// near returns the rules nearest to h; none for ICMP, of which the type is not known.
func (j *Judge) near(id sg.ENIID, dir sg.Direction, h *packet.Header) []sg.NearRule {
	if isICMP(h.Protocol) {
		return nil
	}
	return j.ask.ENI(id).Explain(dir, sg.Packet{Header: h, Time: time.Unix(0, 0)}).Hops[0].Near
}

func (t *tally) reportTalkers(j *Judge, out *Report) {
	all := make([]*Talker, 0, len(t.talkers))
	for _, k := range t.talkers {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *Talker) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(b.Records, a.Records), a.Time.Compare(b.Time),
			comparePositions(a.Position, b.Position))
	})
	for _, k := range all[:min(len(all), maxRejected)] {
		if k.Verdict == sg.Drop && k.Reason == sg.NoRule {
			k.Near = j.near(k.ENI, k.Direction, &k.First)
		}
		out.Rejected = append(out.Rejected, *k)
	}
	for _, k := range all[min(len(all), maxRejected):] {
		out.OtherRejects.addAll(k.Count)
	}
}
