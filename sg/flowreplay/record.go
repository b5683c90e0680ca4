package flowreplay

import (
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/enum"
)

// A Record is a record of a flow log and what the groups do with its packets.
type Record struct {
	*flowlog.Record
	Position flowlog.Position

	// ENI and Direction are where the packets are judged; zero where that is not known.
	ENI       sg.ENIID
	Direction sg.Direction

	// Opening says who opened the connection, and how that is known.
	Opening flowlog.Opening

	// Verdict is Accept or Drop; Unknown where the record cannot be decided, which
	// Undecided explains; NotApplicable for records without traffic and for those of
	// interfaces that the topology lacks.
	Verdict   sg.Verdict
	Undecided Undecided

	// Decision is what the firewall said last of the record's packets, or of those
	// that would have opened their connection, where nothing can have.
	Decision sg.Decision

	// Entry is that of the network ACL of the interface's subnet that decides about the
	// record's packets, or denies what would have opened their connection; zero where no
	// ACL of the topology is asked.
	Entry sg.RuleRef

	// PickedUp says that the record is of a connection of which the log has no
	// opening, and which the groups admit.
	PickedUp bool
}

// Agreement is how the verdict about a record and AWS's own compare.
type Agreement uint8

// The zero Agreement is that of records that one of the two does not decide.
const (
	Agree Agreement = iota + 1
	Disagree
)

// Agreement compares the verdict with the action of the record.
func (r *Record) Agreement() Agreement {
	switch {
	case r.Verdict != sg.Accept && r.Verdict != sg.Drop || r.Action == 0:
		return 0
	case (r.Verdict == sg.Accept) == (r.Action == flowlog.Accept):
		return Agree
	}
	return Disagree
}

// Undecided says why a record cannot be decided. What AWS did tells whether it can
// be, never which way.
type Undecided uint8

// The zero Undecided is a record that was decided, or had nothing to decide.
const (
	// LacksFields: the format has no addresses, ports, protocol, times or action.
	LacksFields Undecided = iota + 1

	// NoPlace: neither flow-direction nor the interface's addresses tell the direction.
	NoPlace

	// NoOpener: who opened the connection is not known, and it matters.
	NoOpener

	// NoICMPType: rules ask for ICMP types, which no field has.
	NoICMPType

	// NoFlags: TCP packets were rejected that the groups admit, and the log has no
	// tcp-flags: it does not tell whether one of them was a SYN. If none was, see
	// NoConnection.
	NoFlags

	// NoConnection: TCP packets without a SYN were rejected that the groups admit in
	// a connection. There may have been none: before its SYN, after its end, or
	// after its idle timeout.
	NoConnection

	// PastTimeout: answers were rejected that the groups admit before the idle timeout.
	// Times of records are up to a minute off.
	PastTimeout

	// NotGroups: AWS says that something else rejected the packets; see
	// flowlog.Record.RejectReason.
	NotGroups

	// Fragments: packets were admitted between ports 0, as which flow logs show later
	// fragments. They go the way of their first.
	Fragments

	// NotGiven: the topology lacks what decides, as Decision.Reason says.
	NotGiven

	numUndecided
)

var undecided = [numUndecided]string{
	"decided", "lacks_fields", "no_place", "no_opener", "no_icmp_type", "no_flags", "no_connection", "past_timeout", "not_groups", "fragments", "not_given",
}

// String returns a word such as "no_opener".
func (u Undecided) String() string { return enum.Text(undecided[:], "Undecided", u) }

// MarshalText returns the word.
func (u Undecided) MarshalText() ([]byte, error) { return enum.Marshal(undecided[:], u) }

// maxTime bounds the times of records, Unix seconds: one far beyond would stop the
// clock of the connections.
const maxTime = 1 << 33 // the year 2242

// timed reports whether the record has a time at which it can be judged.
func (r *Record) timed() bool {
	return r.Has(flowlog.FieldStart) && r.Start >= -maxTime && r.Start <= maxTime
}

// last is when a record ends that is timed: when it starts, if it does not tell.
func (r *Record) last() int64 {
	if r.Has(flowlog.FieldEnd) && r.End > r.Start && r.End <= maxTime {
		return r.End
	}
	return r.Start
}

func (r *Record) undecided(why Undecided) { r.Verdict, r.Undecided = sg.Unknown, why }

func (r *Record) decide(d sg.Decision) {
	r.Decision, r.Verdict = d, d.Verdict
	if d.Verdict == sg.Unknown {
		r.Undecided = NotGiven
	}
}

// certain reports whether the evidence of who opened the connection is enough by
// itself. Of two ports on the same side of the ephemeral ones the smaller one is that
// of the server where it alone is below 1024.
func certain(r *Record) bool {
	if r.Opening.Evidence == flowlog.BySmallerPort {
		return min(r.SrcPort, r.DstPort) < 1024 && max(r.SrcPort, r.DstPort) >= 1024
	}
	return r.Opening.Evidence >= flowlog.ByPorts
}

// answers reports whether the record certainly holds answers.
func (r *Record) answers() bool { return r.Opening.By == flowlog.Destination && certain(r) }

// weigh turns verdicts into unknown ones that the log cannot bear out.
func (r *Record) weigh() {
	if r.Verdict == sg.Drop && r.Action == flowlog.Accept && r.Protocol.HasPorts() && r.SrcPort == 0 && r.DstPort == 0 {
		r.undecided(Fragments)
	}
	if r.Verdict != sg.Accept || r.Action != flowlog.Reject {
		return
	}
	switch {
	case r.RejectReason != "":
		r.undecided(NotGroups)
	case r.Protocol == packet.TCP && !r.Has(flowlog.FieldTCPFlags):
		r.undecided(NoFlags)
	case r.Protocol == packet.TCP && (r.TCPFlags&packet.SYN == 0 || r.answers() && r.PickedUp):
		r.undecided(NoConnection)
	case r.answers() && r.Decision.Reason == sg.Tracked && r.Protocol != packet.TCP:
		r.undecided(PastTimeout)
	}
}

func isICMP(p packet.Protocol) bool { return p == packet.ICMP || p == packet.ICMPv6 }

// far returns the address of the other end.
func (r *Record) far() netip.Addr {
	if r.Direction == sg.Egress {
		return r.Dst()
	}
	return r.Src()
}
