package replay

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/enum"
)

// A FlowRecord is a record of a flow log and what the groups do with its packets.
type FlowRecord struct {
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
func (r *FlowRecord) Agreement() Agreement {
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

	// NotGiven: the topology lacks what decides, as Decision.Reason says.
	NotGiven

	numUndecided
)

var undecided = [numUndecided]string{
	"decided", "lacks_fields", "no_place", "no_opener", "no_icmp_type", "no_connection", "past_timeout", "not_groups", "not_given",
}

// String returns a word such as "no_opener".
func (u Undecided) String() string { return enum.Text(undecided[:], "Undecided", u) }

// MarshalText returns the word.
func (u Undecided) MarshalText() ([]byte, error) { return enum.Marshal(undecided[:], u) }

// maxTime bounds the times of records, Unix seconds: one far beyond would stop the
// clock of the connections.
const maxTime = 1 << 33 // the year 2242

// A FlowJudge judges records in their order, as [RunFlowLog] says. Its packets stand for
// those of the records: the first at the record's start, and the last at its end, when the
// records after it are as far. Make one with [NewFlowJudge]; it is for one goroutine.
type FlowJudge struct {
	policy  *sg.Policy
	options sg.Options
	fw      *sg.Firewall
	openers *flowlog.Openers
	later   refreshes
	ask     *sg.Firewall // without connections
	icmp    map[icmpAsked]bool
	judged  uint64
}

// NewFlowJudge returns a FlowJudge for a policy. The options are those of
// [FlowOptions.Firewall].
func NewFlowJudge(p *sg.Policy, o *sg.Options) *FlowJudge {
	fo := *o
	fo.Midstream = sg.MidstreamDrop // connections are picked up here, from the side that opened them
	return &FlowJudge{
		policy: p, options: fo, fw: sg.NewFirewall(p, &fo), ask: sg.NewFirewall(p, nil),
		openers: flowlog.NewOpeners(0), icmp: map[icmpAsked]bool{},
	}
}

// Swap replaces the policy at the start of a record, as [sg.Firewall.Swap] does.
func (j *FlowJudge) Swap(p *sg.Policy, now time.Time) {
	j.later.run(now.Unix())
	j.policy = p
	j.fw.Swap(p, now)
	j.ask.Swap(p, now)
	clear(j.icmp)
}

// Firewall returns the firewall that judges now. Another one may after the next record.
func (j *FlowJudge) Firewall() *sg.Firewall { return j.fw }

// Judge fills in all but Record and Position.
func (j *FlowJudge) Judge(r *FlowRecord) {
	if j.judged++; j.judged%checkEvery == 0 {
		j.forget()
	}
	r.Verdict = sg.NotApplicable
	if r.Status == flowlog.NoData || r.Status == flowlog.SkipData {
		if id := sg.ENIID(r.InterfaceID); j.fw.ENI(id) != nil {
			r.ENI = id
		}
		return
	}
	t := r.Tuple()
	if t.Family == 0 || r.Action == 0 || !r.Has(flowlog.FieldStart) || r.Start < -maxTime || r.Start > maxTime ||
		t.Protocol.HasPorts() && (!r.Has(flowlog.FieldSrcPort) || !r.Has(flowlog.FieldDstPort)) {
		r.undecided(LacksFields)
		return
	}
	r.Opening = j.openers.Of(r.Record)
	if !j.place(r) {
		return
	}
	j.later.run(r.Start)
	c := flowConn{at: j.fw.ENI(r.ENI), tuple: t, dir: r.Direction, now: time.Unix(r.Start, 0)}
	switch {
	case t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6:
		j.judgeICMP(r, &c)
	case r.Opening.By == flowlog.Source && certain(r):
		c.judgeRequest(r)
	case r.Opening.By == flowlog.Destination && certain(r):
		c.judgeAnswer(r)
	default:
		c.judgeEither(r)
	}
	r.weigh()
	if flags := lastFlags(r.TCPFlags); r.Verdict == sg.Accept && r.Action == flowlog.Accept && r.End <= maxTime &&
		(r.End > r.Start || flags != packet.ACK) {
		j.later.add(refresh{max(r.Start, r.End), c.at, r.Direction, flags, t})
	}
}

// maxFlowConns is how many entries the connection table may hold. Beyond, all are
// forgotten, and picked up again when their records come.
const maxFlowConns = 1 << 20

// forget keeps the connection table within its bound.
func (j *FlowJudge) forget() {
	if j.fw.Stats().Entries > maxFlowConns {
		j.fw, j.later = sg.NewFirewall(j.policy, &j.options), nil
	}
}

func (r *FlowRecord) undecided(why Undecided) { r.Verdict, r.Undecided = sg.Unknown, why }

func (r *FlowRecord) decide(d sg.Decision) {
	r.Decision, r.Verdict = d, d.Verdict
	if d.Verdict == sg.Unknown {
		r.Undecided = NotGiven
	}
}

// place finds the ENI and the direction. An interface that goes by another name in
// the topology, as one given by hand does, is found by its addresses.
func (j *FlowJudge) place(r *FlowRecord) bool {
	src, dst := j.owner(r.Src(), r.SrcAddr), j.owner(r.Dst(), r.DstAddr)
	id := sg.ENIID(r.InterfaceID)
	known := j.fw.ENI(id) != nil
	switch r.Record.Direction {
	case flowlog.Egress:
		r.Direction = sg.Egress
		r.ENI = src
	case flowlog.Ingress:
		r.Direction = sg.Ingress
		r.ENI = dst
	default:
		switch {
		case known && src == id && dst != id, !known && src != "" && dst == "":
			r.Direction, r.ENI = sg.Egress, src
		case known && dst == id && src != id, !known && dst != "" && src == "":
			r.Direction, r.ENI = sg.Ingress, dst
		}
	}
	if known {
		r.ENI = id
	}
	if r.ENI != "" && r.Direction == 0 || !known && r.ENI == "" && src != "" && dst != "" {
		r.undecided(NoPlace)
		return false
	}
	return r.ENI != ""
}

func (j *FlowJudge) owner(of, shown netip.Addr) sg.ENIID {
	for _, a := range [...]netip.Addr{of, shown} {
		if a.IsValid() {
			if id, ok := j.policy.ENIByAddr(a); ok {
				return id
			}
		}
	}
	return ""
}

// certain reports whether the evidence of who opened the connection is enough by
// itself. Of two ports on the same side of the ephemeral ones the smaller one is that
// of the server where it alone is below 1024.
func certain(r *FlowRecord) bool {
	switch e := r.Opening.Evidence; e {
	case flowlog.BySmallerPort:
		return min(r.SrcPort, r.DstPort) < 1024 && max(r.SrcPort, r.DstPort) >= 1024
	default:
		return e >= flowlog.ByPorts
	}
}

// weigh turns verdicts into unknown ones that the log cannot bear out.
func (r *FlowRecord) weigh() {
	if r.Verdict != sg.Accept || r.Action != flowlog.Reject {
		return
	}
	answer := r.Opening.By == flowlog.Destination && certain(r)
	syn := r.Has(flowlog.FieldTCPFlags) && r.TCPFlags&packet.SYN != 0
	switch {
	case r.RejectReason != "":
		r.undecided(NotGroups)
	case r.Protocol == packet.TCP && (!syn || answer && r.PickedUp):
		r.undecided(NoConnection)
	case answer && r.Decision.Reason == sg.Tracked && r.Protocol != packet.TCP:
		r.undecided(PastTimeout)
	}
}

// A flowConn is the connection of a record at an ENI. tuple and dir are the record's.
type flowConn struct {
	at    *sg.Enforcer
	tuple packet.FiveTuple
	dir   sg.Direction
	now   time.Time
}

// send judges a packet like those of the record, and answer one back.
func (c *flowConn) send(flags packet.TCPFlags) sg.Decision {
	return forward(c.at, c.dir, c.tuple, flags, c.now)
}

func (c *flowConn) answer(flags packet.TCPFlags) sg.Decision {
	return forward(c.at, back(c.dir), c.tuple.Reverse(), flags, c.now)
}

func forward(at *sg.Enforcer, dir sg.Direction, t packet.FiveTuple, flags packet.TCPFlags, now time.Time) sg.Decision {
	h := headerOf(t, flags)
	o := at.Forward(dir, sg.Packet{Header: &h, Time: now})
	return decisive(&o)
}

// decisive returns the decision that an outcome is: of the groups, or of the network ACL
// of the interface's subnet, whose denials a flow log does not tell from theirs (NACL-65).
func decisive(o *sg.Outcome) sg.Decision {
	for _, hop := range o.Hops() {
		if d := hop.Decision; d.Verdict == o.Verdict && d.Reason == o.Reason {
			return d
		}
	}
	return sg.Decision{Verdict: o.Verdict, Reason: o.Reason}
}

// back returns the direction of answers.
func back(d sg.Direction) sg.Direction { return sg.Ingress + sg.Egress - d }

// headerOf is the header of a packet without payload.
func headerOf(t packet.FiveTuple, flags packet.TCPFlags) packet.Header {
	var h packet.Header
	src, dst := netip.AddrPortFrom(t.SrcAddr(), t.SrcPort), netip.AddrPortFrom(t.DstAddr(), t.DstPort)
	switch t.Protocol {
	case packet.TCP:
		return packet.TCPHeader(src, dst, flags)
	case packet.UDP:
		return packet.UDPHeader(src, dst)
	}
	h = packet.IPHeader(t.SrcAddr(), t.DstAddr(), t.Protocol)
	h.SrcPort, h.DstPort = t.SrcPort, t.DstPort
	return h
}

// judgeRequest judges what the side sent that opened the connection.
func (c *flowConn) judgeRequest(r *FlowRecord) {
	if c.tuple.Protocol != packet.TCP {
		r.decide(c.send(0))
		return
	}
	if r.TCPFlags&packet.SYN != 0 {
		r.decide(c.send(packet.SYN))
	} else if d := c.send(packet.ACK); d.Verdict == sg.Drop && d.Reason == sg.OutOfState {
		r.PickedUp = r.Has(flowlog.FieldTCPFlags)
		r.decide(c.send(packet.SYN))
	} else {
		r.decide(d)
	}
	if r.Verdict == sg.Accept && underWay(r) {
		c.answer(packet.SYN | packet.ACK)
		c.send(packet.ACK)
	}
}

// underWay reports whether a record of who asked is of a connection that got an
// answer.
func underWay(r *FlowRecord) bool {
	largest := uint64(60) // of a SYN: IPv4 with 20 bytes of options of TCP, and then some
	if r.Src().Is6() {
		largest = 80
	}
	return r.TCPFlags&packet.SYN == 0 || r.TCPFlags&packet.FIN != 0 || r.Opening.Answered || r.Bytes > r.Packets*largest
}

// judgeAnswer judges what the other side sent. Without a connection nothing would be
// an answer, so the log's beginning is made up for: its opener is asked for first.
func (c *flowConn) judgeAnswer(r *FlowRecord) {
	flags := packet.ACK
	if c.tuple.Protocol == packet.TCP && r.TCPFlags&packet.SYN != 0 {
		flags |= packet.SYN
	}
	d := c.send(flags)
	if d.Verdict == sg.Drop {
		opened := c.answer(packet.SYN)
		if opened.Verdict == sg.Drop {
			r.decide(opened)
			return
		}
		r.PickedUp = true
		d = c.send(packet.SYN | packet.ACK)
		if c.tuple.Protocol == packet.TCP {
			c.answer(packet.ACK)
		}
	}
	r.decide(d)
}

// judgeEither judges a record of which either side may have opened the connection:
// there is a verdict where it is the same for both.
func (c *flowConn) judgeEither(r *FlowRecord) {
	request, other := headerOf(c.tuple, packet.SYN), headerOf(c.tuple.Reverse(), packet.SYN)
	_, asking := c.at.Admits(c.dir, &request)
	_, asked := c.at.Admits(back(c.dir), &other)
	if asking != asked {
		d := c.send(packet.ACK)
		if d.Reason == sg.Tracked || d.Verdict == sg.Accept && c.tuple.Protocol != packet.TCP {
			r.decide(d) // a connection that is known, or a packet that is admitted alone
			return
		}
		r.undecided(NoOpener)
		return
	}
	c.judgeRequest(r)
}

// An icmpAsked is a question about ICMP at an ENI.
type icmpAsked struct {
	eni      sg.ENIID
	dir      sg.Direction
	src, dst [16]byte
}

const maxICMPAsked = 1 << 16

// judgeICMP judges a record of ICMP, which tells no type: there is a verdict where
// rules admit all types, or none in either direction.
func (j *FlowJudge) judgeICMP(r *FlowRecord, c *flowConn) {
	h := packet.IPHeader(c.tuple.SrcAddr(), c.tuple.DstAddr(), c.tuple.Protocol)
	h.Missing, h.Length = packet.MissingICMP|packet.MissingICMPID, h.Length+8
	o := c.at.Forward(c.dir, sg.Packet{Header: &h, Time: c.now})
	d := decisive(&o)
	switch {
	case d.Reason != sg.Cut:
		r.decide(d)
	case j.mayPass(r.ENI, c.dir, c.tuple) || j.mayPass(r.ENI, back(c.dir), c.tuple.Reverse()):
		r.undecided(NoICMPType)
	default:
		r.decide(sg.Decision{Verdict: sg.Drop, Reason: sg.NoRule})
	}
}

// mayPass reports whether a rule admits some type of ICMP, as far as can be told.
func (j *FlowJudge) mayPass(id sg.ENIID, dir sg.Direction, t packet.FiveTuple) bool {
	key := icmpAsked{id, dir, t.Src, t.Dst}
	may, ok := j.icmp[key]
	if ok {
		return may
	}
	echo := uint8(8)
	if t.Protocol == packet.ICMPv6 {
		echo = 128
	}
	h := packet.ICMPHeader(t.SrcAddr(), t.DstAddr(), echo, 0, 0)
	x := j.ask.ENI(id).Explain(dir, sg.Packet{Header: &h, Time: time.Unix(0, 0)}).Hops[0]
	may = x.Decision.Verdict != sg.Drop
	complete := len(x.Near) < 5 // the nearest come first: those for another type before those for another protocol
	for _, n := range x.Near {
		others := false
		for _, f := range n.Fails {
			others = others || !strings.HasPrefix(f.Field, "icmp ")
			complete = complete || f.Field == "protocol"
		}
		may = may || !others
	}
	may = may || !complete
	if len(j.icmp) >= maxICMPAsked {
		clear(j.icmp)
	}
	j.icmp[key] = may
	return may
}
