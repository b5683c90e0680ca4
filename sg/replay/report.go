package replay

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/lint"
)

// A Report says what a replay came to. It is the same for any number of workers.
type Report struct {
	Count // of all packets

	// First and Last are the times of the first packet and the latest one. They
	// are zero without packets.
	First, Last time.Time

	Disorder Disorder

	// Doubles are the packets that another capture held already. They are in no
	// other count.
	Doubles Count

	Copies Copies

	// Reasons are the packets by verdict and reason: unknown, accepted, dropped, not
	// applicable, and in the order of the sg.Reason constants. Those that did not
	// occur are left out.
	Reasons []ReasonCount

	// Connections is the number of tracked connections that were opened. A
	// connection between two ENIs of the topology counts once, and has an entry
	// at each.
	Connections uint64

	// Entries is the number of entries that were made for them.
	Entries uint64

	// Peak is the most live entries that there were at a time, and PeakTime when
	// that was; the zero Time without entries. Those that end within 10 ms of the
	// capture count to the end of it.
	Peak     uint64
	PeakTime time.Time

	// Rules are the hits of every rule of the policy, in topology order, rules
	// without hits included.
	Rules []RuleHits

	// ACLEntries are the hits of every entry of the network ACLs, as [sg.Policy.ACLEntries]
	// yields them: Admitted counts the packets that the entry decided about. Without
	// network ACLs none were judged.
	ACLEntries []RuleHits

	// Fragments is the number of later fragments that passed because the first one
	// of their datagram had; no rule counts them. One that two ENIs judge counts at
	// both, as with rules.
	Fragments uint64

	Midstream Midstream

	// Talkers are those whose packets were dropped, most packets first; there
	// are at most 20. OtherDrops counts the packets of all others.
	Talkers    []Talker
	OtherDrops Count

	otherDrops []graph.Drop // of OtherDrops, what is remembered
	untold     bool         // there are more, whose ends were forgotten

	ambiguous string // why that of the packets with this reason was not judged that came first

	// Timeline are the packets over the time of the captures.
	Timeline Timeline
}

const mostTalkers = 20

// A ReasonCount counts the packets of one verdict and reason.
type ReasonCount struct {
	Verdict sg.Verdict `json:"verdict"`
	Reason  sg.Reason  `json:"reason"`
	Count
}

// RuleHits says what a rule did. Where several rules admit a packet, the hit is
// that of the first in topology order, so a rule without hits may be needed yet:
// it is only never the first.
type RuleHits struct {
	Rule sg.RuleRef

	// Admitted is the number of packets that the rule itself admitted: those
	// that opened connections, and all of the untracked class. A packet that
	// two ENIs judge may count at both.
	Admitted uint64

	// Carried is the number of packets that passed as part of a connection
	// which the rule had opened.
	Carried uint64

	// First is the first packet that the rule itself admitted, judged at Time, with the
	// number Number; that is 0 where there is none.
	First  packet.Header
	Number uint64
	Time   time.Time

	// Never says why the rule could not admit a packet, whatever the capture holds,
	// or why it is not needed for any, which Needless tells. It is empty for a rule
	// that did not match here but might elsewhere, and without [Report.Blame].
	Never    string
	Needless bool // another rule admits all that this one does

	at  sg.ENIID // where First was admitted
	via sg.Via   // of First, by its tunnels
}

// Midstream counts TCP connections of which the capture does not show the SYN.
type Midstream struct {
	// Open is the number of connections that were already open when the capture
	// began: there is no SYN of theirs in it. OpenDropped is what that cost, the
	// packets that were dropped for lack of a connection; OpenPassed counts those
	// that a rule let pass: with sg.MidstreamPass all of them, with sg.MidstreamPickup
	// those that took connections up, and not what followed as tracked.
	Open        uint64 `json:"open"`
	OpenDropped Count  `json:"open_dropped"`
	OpenPassed  uint64 `json:"-"`

	// Swapped is the number of connections whose SYN-ACK was recorded before their
	// SYN, and SwappedDropped what that cost: no host answers what it has not got.
	Swapped        uint64 `json:"swapped"`
	SwappedDropped Count  `json:"swapped_dropped"`

	// RefusedDropped are the packets of connections whose SYN was dropped.
	RefusedDropped Count `json:"refused_dropped"`

	// Ended is the number of connections with packets after their entry had gone:
	// closed, or idle for longer than the timeout. EndedDropped are those packets.
	Ended        uint64 `json:"ended"`
	EndedDropped Count  `json:"ended_dropped"`

	// Incomplete is set where the capture holds more than the 16.8 million
	// connections that can be told apart; the numbers are then estimates.
	Incomplete bool `json:"-"`
}

// A Talker is the sender of dropped packets to one address, of one protocol, for
// one reason at one ENI. Three or more that differ in the sender alone are one Talker;
// to be alike, their first packets also have the same destination port or ICMP type. Of
// others, three or more that each sent to several ports are one Talker.
type Talker struct {
	ENI       sg.ENIID
	Direction sg.Direction
	Reason    sg.Reason
	Refused   bool // as Packet.Refused

	// Entry is that of the network ACL which denied the packets; then ENI is the one on
	// that side of the subnet's border, and may be empty.
	Entry sg.RuleRef
	Count

	// Senders is the number of senders, 1 for most. First has the address of one.
	Senders int

	// First is the first of the packets, judged at Time, with the number Number.
	// SeveralPorts says whether others had another destination port.
	First        packet.Header
	Time         time.Time
	Number       uint64
	SeveralPorts bool

	// Near are the rules that come nearest to admitting First, nearest first,
	// each with what keeps it from that. There are none where no rule is to
	// blame.
	Near []sg.NearRule

	via   sg.Via       // of First, by its tunnels
	drawn []graph.Drop // those of several; nil where the Talker stands for itself
}

// likeness is what talkers that are reported as one have in common; of scans not the port.
type likeness struct {
	eni     sg.ENIID
	dir     sg.Direction
	reason  sg.Reason
	refused bool
	entry   sg.RuleRef
	to      packet.FiveTuple // without what is the sender's
	scan    bool
}

// likeness returns that of the talker; with scan, what stands for several already is none.
func (k *Talker) likeness(scan bool) likeness {
	to := k.First.Tuple()
	to.Src, to.SrcPort = [16]byte{}, 0
	if scan = scan && k.SeveralPorts && k.drawn == nil; scan {
		to.DstPort = 0
	}
	return likeness{k.ENI, k.Direction, k.Reason, k.Refused, k.Entry, to, scan}
}

// sumTalkers returns one Talker for several that are alike, the earliest first. Errors that
// quote different packets may have one sender and be apart.
func sumTalkers(alike []*Talker) *Talker {
	sum := *alike[0]
	sum.Count = Count{}
	for _, k := range alike {
		sum.addCount(k.Count)
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

// Of returns the packets with a verdict.
func (r *Report) Of(v sg.Verdict) Count {
	var c Count
	for _, n := range r.Reasons {
		if n.Verdict == v {
			c.addCount(n.Count)
		}
	}
	return c
}

// Blame tells rules that did not match here from those that could not match
// anywhere: findings are those of [lint.Check] for the topology of the replay.
func (r *Report) Blame(findings []lint.Finding) {
	never := map[lint.Subject]lint.Finding{}
	for _, f := range findings {
		switch f.Kind {
		case lint.NeverMatches, lint.Stale, lint.Dangling, lint.Shadowed, lint.DuplicateRule:
			if at := (lint.Subject{Group: f.Group, Dir: f.Dir, Index: f.Index}); f.Dir != 0 && never[at].Text == "" {
				never[at] = f
			}
		}
	}
	for i := range r.Rules {
		h := &r.Rules[i]
		f := never[lint.Subject{Group: h.Rule.Group(), Dir: h.Rule.Direction(), Index: h.Rule.Index()}]
		h.Never, h.Needless = f.Text, f.Kind == lint.Shadowed || f.Kind == lint.DuplicateRule
	}
}

// report puts together what the workers counted.
func (r *run) report() *Report {
	var live, made int64
	var inbound Slot
	var ambiguous first
	out := &Report{Count: Count{r.packets, r.bytes}, First: r.first, Last: r.now}
	for _, w := range r.workers {
		l, m := w.sample(r.now)
		live, made = live+l, made+m
		w.watch.end(&w.tally)
		out.Timeline.merge(&w.watch.Timeline)
		out.Connections += w.tally.connections
		out.Fragments += w.tally.fragments
		out.Entries += w.fw.Stats().Inserted
		inbound.add(w.tally.inbound)
		ambiguous.or(w.tally.ambiguous)
	}
	r.endTick(live, made, r.now)
	out.Peak, out.PeakTime = uint64(r.peak), r.peakTime
	for _, v := range []sg.Verdict{sg.Unknown, sg.Accept, sg.Drop, sg.NotApplicable} {
		for reason := range sg.Reason(reasons) {
			n := ReasonCount{Verdict: v, Reason: reason}
			for _, w := range r.workers {
				n.addCount(w.tally.counts[v][reason])
			}
			if n.Packets > 0 {
				out.Reasons = append(out.Reasons, n)
			}
		}
	}
	if ambiguous.number > 0 {
		x := sg.NewFirewall(r.policy, nil).Explain(sg.Packet{Header: &ambiguous.header, Via: r.Via})
		out.ambiguous = fmt.Sprintf("packet %d, for one: %s", ambiguous.number, strings.Join(x.Notes, "; "))
	}
	for ref := range r.policy.Rules() {
		out.Rules = append(out.Rules, r.hits(ref))
	}
	for ref := range r.policy.ACLEntries() {
		out.ACLEntries = append(out.ACLEntries, r.hits(ref))
	}
	r.reportMemory(out)
	for i := range r.clocks {
		out.Disorder.addAll(&r.clocks[i].Disorder)
	}
	out.Doubles = r.doubles.Count
	out.Copies = r.copies
	out.Copies.Inbound = Inbound{inbound.Accepted, inbound.Dropped, inbound.Unknown}
	return out
}

// hits adds up what the workers counted for a rule.
func (r *run) hits(ref sg.RuleRef) RuleHits {
	hits := RuleHits{Rule: ref}
	for _, w := range r.workers {
		if n := w.tally.rules.byRule[ref]; n != nil {
			admitted, carried := hits.Admitted+n.Admitted, hits.Carried+n.Carried
			if n.Number > 0 && (hits.Number == 0 || n.Number < hits.Number) {
				hits = *n
			}
			hits.Rule, hits.Admitted, hits.Carried = ref, admitted, carried
		}
	}
	return hits
}

func (r *run) reportMemory(out *Report) {
	var all []*Talker
	for _, w := range r.workers {
		for i := range w.tally.parts {
			m := &w.tally.parts[i]
			out.Midstream.addAll(&m.conns.Midstream)
			out.OtherDrops.addCount(m.talkers.others)
			out.untold = out.untold || m.talkers.others.Packets > 0
			for _, t := range m.talkers.byKey {
				all = append(all, t)
			}
			m.talkers.byKey = nil // grouping needs the room of its keys
		}
	}
	slices.SortFunc(all, func(a, b *Talker) int { return cmp.Compare(a.Number, b.Number) })
	all = report.Together(all, sumTalkers, (*Talker).likeness)
	slices.SortFunc(all, func(a, b *Talker) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Number, b.Number))
	})
	rules := sg.NewFirewall(r.policy, nil)
	for _, t := range all[:min(len(all), mostTalkers)] {
		if t.Reason == sg.NoRule && !t.Refused {
			via := r.Via
			via.Appliance = via.Appliance || t.via.Appliance
			t.Near = rules.ENI(t.ENI).Near(t.Direction, sg.Packet{Header: &t.First, Via: via})
		}
		out.Talkers = append(out.Talkers, *t)
	}
	for _, t := range all[min(len(all), mostTalkers):] {
		out.OtherDrops.addCount(t.Count)
		out.otherDrops = append(out.otherDrops, t.drops()...)
	}
}
