package flowreplay

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// A Judge judges records in their order, as the package says. For each it puts a first
// packet to a firewall at once, at the record's start. A last packet, which keeps the
// connection or ends it, waits for a record that starts after this one's end. Make one with
// [NewJudge]; it is for one goroutine.
type Judge struct {
	policy  *sg.Policy
	options sg.Options
	fw      *sg.Firewall
	openers *flowlog.Openers
	later   refreshes
	ask     *sg.Firewall // without connections
	icmp    map[icmpAsked]bool
	judged  uint64
}

// NewJudge returns a Judge for a policy. The options are those of
// [Options.Firewall].
func NewJudge(p *sg.Policy, o *sg.Options) *Judge {
	fo := *o
	fo.Midstream = sg.MidstreamDrop // connections are picked up here, from the side that opened them
	return &Judge{
		policy: p, options: fo, fw: sg.NewFirewall(p, &fo), ask: sg.NewFirewall(p, nil),
		openers: flowlog.NewOpeners(0), icmp: map[icmpAsked]bool{},
	}
}

// Swap replaces the policy at the start of a record, as [sg.Firewall.Swap] does.
func (j *Judge) Swap(p *sg.Policy, now time.Time) {
	j.later.run(now.Unix())
	j.policy = p
	j.fw.Swap(p, now)
	j.ask.Swap(p, now)
	clear(j.icmp)
}

// Firewall returns the firewall that judges records, with their connections. Ask for it
// anew after each record: where there are too many connections, a new one takes its place.
func (j *Judge) Firewall() *sg.Firewall { return j.fw }

// Judge fills in all but Record and Position.
func (j *Judge) Judge(r *Record) {
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
	if t.Family == 0 || r.Action == 0 || !r.timed() ||
		t.Protocol.HasPorts() && (!r.Has(flowlog.FieldSrcPort) || !r.Has(flowlog.FieldDstPort)) {
		r.undecided(LacksFields)
		return
	}
	r.Opening = j.openers.Of(r.Record)
	if !j.place(r) {
		return
	}
	j.later.run(r.Start)
	c := conn{at: j.fw.ENI(r.ENI), now: r.Start, dir: r.Direction, tuple: t}
	switch {
	case isICMP(t.Protocol):
		j.judgeICMP(r, &c)
	case r.Opening.By == flowlog.Source && certain(r):
		c.judgeRequest(r)
	case r.answers():
		c.judgeAnswer(r)
	default:
		c.judgeEither(r)
	}
	r.Entry = c.entry
	if r.Decision.Rule.ACL() != "" { // which may have denied the request of an answer
		r.Entry = r.Decision.Rule
	}
	r.weigh()
	if flags := lastFlags(r.TCPFlags); r.Verdict == sg.Accept && r.Action == flowlog.Accept && r.End <= maxTime &&
		(r.End > r.Start || flags != packet.ACK) {
		c.now = max(r.Start, r.End)
		j.later.add(refresh{c, flags})
	}
}

// maxConns is how many entries the connection table may hold. Beyond, all are
// forgotten, and picked up again when their records come.
const maxConns = 1 << 20

// forget keeps the connection table within its bound.
func (j *Judge) forget() {
	if j.fw.Stats().Entries > maxConns {
		j.fw, j.later = sg.NewFirewall(j.policy, &j.options), nil
	}
}

// place finds the ENI and the direction. An interface that goes by another name in
// the topology, as one given by hand does, is found by its addresses, unless the record
// contradicts.
func (j *Judge) place(r *Record) bool {
	src, dst := j.owner(r.Src(), r.SrcAddr), j.owner(r.Dst(), r.DstAddr)
	id := sg.ENIID(r.InterfaceID)
	known := j.fw.ENI(id) != nil
	if !known {
		for _, owner := range [...]*sg.ENIID{&src, &dst} {
			if j.another(r, *owner) {
				*owner = ""
			}
		}
	}
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

// another reports whether a record of an interface that the topology lacks cannot be of
// this one, though it has the address: ranges of addresses repeat from VPC to VPC.
func (j *Judge) another(r *Record, owner sg.ENIID) bool {
	if owner == "" {
		return false
	}
	if byAWS("eni-", r.InterfaceID) && byAWS("eni-", string(owner)) { // two interfaces, not one by two names
		return true
	}
	vpc, account := j.policy.OwnerOf(owner)
	return differ(r.VPCID, string(vpc), byAWS("vpc-", r.VPCID) == byAWS("vpc-", string(vpc))) ||
		differ(r.AccountID, string(account), r.AccountID != "unknown") // as at interfaces of AWS services
}

// differ reports whether both are known and of one kind, and are not the same. What was
// made up, such as the address of a resource in a plan, may stand for any id of AWS.
func differ(a, b string, alike bool) bool { return a != "" && b != "" && alike && a != b }

// byAWS reports whether an id is as AWS makes them: a prefix and 8 or 17 hexadecimal digits.
func byAWS(prefix, id string) bool {
	digits, ok := strings.CutPrefix(id, prefix)
	return ok && (len(digits) == 8 || len(digits) == 17) && strings.Trim(digits, "0123456789abcdef") == ""
}

func (j *Judge) owner(of, shown netip.Addr) sg.ENIID {
	for _, a := range [...]netip.Addr{of, shown} {
		if a.IsValid() {
			if id, ok := j.policy.ENIByAddr(a); ok {
				return id
			}
		}
	}
	return ""
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
func (j *Judge) judgeICMP(r *Record, c *conn) {
	h := packet.IPHeader(c.tuple.SrcAddr(), c.tuple.DstAddr(), c.tuple.Protocol)
	h.Missing, h.Length = packet.MissingICMP|packet.MissingICMPID, h.Length+8
	switch d := c.judge(c.dir, h); {
	case d.Reason != sg.Cut:
		r.decide(d)
	case j.mayPass(r.ENI, c.dir, c.tuple) || j.mayPass(r.ENI, c.dir.Opposite(), c.tuple.Reverse()):
		r.undecided(NoICMPType)
	default:
		r.decide(sg.Decision{Verdict: sg.Drop, Reason: sg.NoRule})
	}
}

// mayPass reports whether a rule admits some type of ICMP, as far as can be told.
func (j *Judge) mayPass(id sg.ENIID, dir sg.Direction, t packet.FiveTuple) bool {
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

// near returns the rules nearest to h, none where one admits it, as it may an answer whose
// request none does, and none for ICMP, of which the type is not known.
func (j *Judge) near(id sg.ENIID, dir sg.Direction, h *packet.Header) []sg.NearRule {
	if isICMP(h.Protocol) {
		return nil
	}
	return j.ask.ENI(id).Explain(dir, sg.Packet{Header: h, Time: time.Unix(0, 0)}).Hops[0].Near
}
