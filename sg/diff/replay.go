package diff

import (
	"cmp"
	"context"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
	"github.com/sgsim/sgsim/sg/replay"
)

// ReplayOptions say how captures or flow logs meet a change. The zero ReplayOptions, like
// nil, mean that both policies are in force from the start.
type ReplayOptions struct {
	// At is when the second policy replaces the first one, on the captures' clock: at the
	// first packet that is not before At. Open connections may live on. The zero Time means
	// before any packet. Until At the start of each connection is remembered, which takes
	// some 100 bytes each. A time in the year 0, as [time.Parse] returns for a time of day,
	// means the first such time, in UTC, from the first packet on.
	At time.Time

	// Then are policies that replace the second one, and each other, in order. All
	// are compared with the first policy, which stays in force for the comparison.
	Then []Step

	// Before and After say how packets are judged; their observers are not used.
	// They differ when two configurations are compared over one policy.
	Before, After sg.Options

	// Via, Workers and Progress are those of [replay.Options]. Workers judge by the
	// first policy; the result is the same for any number of them.
	Via      sg.Via
	Workers  int
	Progress func(packets, bytes uint64)
}

// A Step is a policy that comes into force at a time; see [ReplayOptions.At].
type Step struct {
	At     time.Time
	Policy *sg.Policy
}

// Traffic is the effect of a change on captured traffic, or on the records of flow
// logs.
type Traffic struct {
	// Report and Log are the result under the first policy; one of them is nil.
	Report *replay.Report
	Log    *flowreplay.Report

	// Flows are the connections that fare differently, by sender and peer: those
	// with the most packets first, then the earliest.
	Flows []Flow

	// Kept are the connections that were open at [ReplayOptions.At], or at a later step,
	// although the new policy would not open them, by time, interface and tuple. They pass
	// because they are tracked (CT-20). Ended are those that the change itself ended,
	// directly or because their interface is gone (CT-25). Untracked ones are among Flows,
	// with Died.
	Kept, Ended []Kept

	// Judged is the number of packets, or of records, that at least one policy accepts or
	// drops, and Unjudged the others by cause, most first. Records without traffic are in
	// neither.
	Judged   uint64
	Unjudged []Unjudged

	// Came are the times of the packets at which the policies of [ReplayOptions.At] and
	// later steps came into force. Late are the times of steps after everything that was
	// read, whose policies no packet met.
	Came, Late []time.Time
}

// An Unjudged counts packets or records about which neither policy says anything, for one
// reason of the first policy.
type Unjudged struct {
	Verdict   sg.Verdict // Unknown or NotApplicable
	Reason    sg.Reason
	Undecided flowreplay.Undecided // of a record that is unknown
	Number    uint64
}

// A Flow is the packets between a sender and its peer that only one of the policies lets
// pass, for one rule and one reason. Replies count with the packets that they answer.
type Flow struct {
	Src, Dst netip.Addr
	Protocol packet.Protocol

	// Before and After are the fate of First under the two policies: verdict, reason,
	// and the rule of the last interface that judged it, if a rule was involved.
	Before, After Fate

	// First is the first packet. Number is its number in the replay, Time when it was
	// judged.
	First  packet.Header
	Number uint64
	Time   time.Time

	Packets     uint64
	Connections uint64 // different five-tuples; in flow logs, for each interface

	// For flow logs, Records is the number of records, Position that of the first one,
	// and Number its number. First is then made up from that record.
	Records  uint64
	Position flowlog.Position

	// Died is set if First is not the first packet of its connection: until then,
	// both policies had let the connection pass.
	Died bool
}

// A Fate is what happens to a packet, and where that is decided.
type Fate struct {
	Verdict   sg.Verdict
	Reason    sg.Reason
	Undecided flowreplay.Undecided // of a record that is unknown
	ENI       sg.ENIID             // the last one that judged the packet; "" if none did
	Direction sg.Direction
	Rule      sg.RuleRef
}

// Opens reports whether packets that were dropped before pass afterwards.
func (f *Flow) Opens() bool { return f.Before.Verdict == sg.Drop && f.After.Verdict == sg.Accept }

// Breaks reports whether packets that passed before are dropped afterwards.
func (f *Flow) Breaks() bool { return f.Before.Verdict == sg.Accept && f.After.Verdict == sg.Drop }

// A Kept is a tracked connection at an interface when the policy changes.
type Kept struct {
	ENI       sg.ENIID
	Direction sg.Direction     // of its first packet
	Tuple     packet.FiveTuple // of that packet
	Rule      sg.RuleRef       // that admitted it, in the first policy

	Changed time.Time // when the policy changed
	Since   time.Time // of its first packet; zero if that did not pass on its whole path
	Expires time.Time // dead from then on if nothing more comes, as of the end of the captures; Changed where the change ended it
	Closed  bool      // it was over before the captures ended
}

// until says of the time at which it expires what might move it.
func (k *Kept) until(expires string) string {
	if k.Expires.Equal(k.Changed) {
		return expires
	}
	return expires + " if nothing more comes"
}

// Replay runs captures through two policies in one pass and returns where they differ.
// It ends as [replay.Run] does; the Traffic is never nil and covers the packets up to
// the end or error.
//
// The packets' addresses must tell where they are judged.
func Replay(ctx context.Context, before, after *sg.Policy, o *ReplayOptions, captures ...replay.Source) (*Traffic, error) {
	r, first, opts := newReplayer(before, after, o)
	fw := sg.NewFirewall(first, &opts)
	r.fw, r.swap = func() *sg.Firewall { return fw }, fw.Swap
	report, err := replay.Run(ctx, before, &replay.Options{
		Firewall: r.o.Before, Observer: captured{r, fw}, Workers: r.o.Workers, Via: r.o.Via, Progress: r.o.Progress,
	}, captures...)
	return r.traffic(&Traffic{Report: report}), err
}

// A replayer compares the fate of packets in the second firewall with their fate under
// the first policy.
type replayer struct {
	o     ReplayOptions
	fw    func() *sg.Firewall
	swap  func(*sg.Policy, time.Time)
	steps []Step // to come
	last  time.Time

	flows  map[flowKey]*Flow
	conns  map[connKey]*Flow     // those that fare differently, in both directions
	passed map[connKey]time.Time // first packets of connections before the last step
	kept   []Kept
	ended  []Kept
	came   []time.Time

	judged   uint64
	unjudged map[Unjudged]uint64 // by their causes, without a Number
}

// newReplayer returns a replayer, and with which policy and options its firewall begins.
func newReplayer(before, after *sg.Policy, o *ReplayOptions) (r *replayer, first *sg.Policy, opts sg.Options) {
	r = &replayer{flows: map[flowKey]*Flow{}, conns: map[connKey]*Flow{}, passed: map[connKey]time.Time{}, unjudged: map[Unjudged]uint64{}}
	if o != nil {
		r.o = *o
	}
	r.o.Before.Observer, r.o.After.Observer = nil, nil
	r.steps = append([]Step{{r.o.At, after}}, r.o.Then...)
	first = before
	for len(r.steps) > 0 && r.steps[0].At.IsZero() {
		first, r.steps = r.steps[0].Policy, r.steps[1:]
	}
	return r, first, r.o.After
}

// reach brings into force the steps that are due by a time.
func (r *replayer) reach(now time.Time) {
	if r.last.IsZero() && !now.IsZero() { // the first packet
		from := now
		for i := range r.steps {
			r.steps[i].At = r.steps[i].from(from)
			from = r.steps[i].At
		}
	}
	for r.last = now; len(r.steps) > 0 && !now.Before(r.steps[0].At) && !now.IsZero(); r.steps = r.steps[1:] {
		r.change(r.steps[0].Policy, now)
		r.came = append(r.came, now)
	}
}

// from returns when a step comes. A time of day means its first occurrence from a given
// time on.
func (s Step) from(t time.Time) time.Time {
	if s.At.Year() != 0 {
		return s.At
	}
	t = t.UTC()
	at := time.Date(t.Year(), t.Month(), t.Day(), s.At.Hour(), s.At.Minute(), s.At.Second(), s.At.Nanosecond(), time.UTC)
	if at.Before(t) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// pass records a packet that the second firewall lets pass, as the first of its
// connection if it is; fresh says that it surely is.
func (r *replayer) pass(at connKey, fresh bool, now time.Time) {
	_, again := r.passed[at]
	_, reply := r.passed[at.reverse()]
	if fresh || !again && !reply {
		delete(r.passed, at.reverse())
		r.passed[at] = now
	}
}

// reverse returns the key of the other direction.
func (k connKey) reverse() connKey { return connKey{k.eni, k.tuple.Reverse()} }

// captured makes the replayer an observer of captures.
type captured struct {
	*replayer
	fw *sg.Firewall
}

// Observe implements replay.Observer.
func (r captured) Observe(p *replay.Packet) error {
	f := p.Frame
	r.reach(p.Time)
	outcome := p.Forward(r.fw, r.o.Via)
	r.count(p.Outcome.Verdict, outcome.Verdict, Unjudged{Reason: p.Outcome.Reason})
	at := connKey{tuple: f.Header.Tuple()}
	opens := f.Header.Protocol == packet.TCP && f.Header.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN
	if outcome.Verdict != p.Outcome.Verdict {
		r.parts(at, opens, Flow{
			Src: f.Header.SrcAddr(), Dst: f.Header.DstAddr(), Protocol: f.Header.Protocol,
			Before: fateOf(&p.Outcome), After: fateOf(&outcome), First: f.Header, Number: p.Number, Time: p.Time, Packets: 1,
		})
	}
	if len(r.steps) > 0 && outcome.Verdict == sg.Accept {
		fresh := opens && slices.ContainsFunc(outcome.Hops(), func(h sg.Hop) bool { return h.Decision.Reason == sg.ByRule })
		r.pass(at, fresh, p.Time) // after parts, which looks for packets before this one
	}
	return nil
}

// count counts a packet or record by its verdicts before and after.
func (r *replayer) count(before, after sg.Verdict, why Unjudged) {
	if before == sg.Accept || before == sg.Drop || after == sg.Accept || after == sg.Drop {
		r.judged++
		return
	}
	why.Verdict = before
	r.unjudged[why]++
}

// A connKey is a connection; in flow logs, at one interface.
type connKey struct {
	eni   sg.ENIID
	tuple packet.FiveTuple
}

// parts records packets that fare differently. A packet that opens a connection
// belongs to no earlier one, even if that had the same ports.
func (r *replayer) parts(at connKey, opens bool, p Flow) {
	flow := r.conns[at]
	if flow == nil {
		back := at.reverse()
		_, there := r.passed[at]
		_, answers := r.passed[back]
		p.Died = !opens && (there || answers)
		k := flowKey{p.Src, p.Dst, p.Protocol, p.Before, p.After, p.Died}
		if flow = r.flows[k]; flow == nil {
			flow = new(Flow)
			*flow = p
			flow.Packets, flow.Records = 0, 0
			r.flows[k] = flow
		}
		flow.Connections++
		r.conns[at], r.conns[back] = flow, flow
	}
	flow.Packets += min(p.Packets, math.MaxUint64-flow.Packets) // records may tell any number
	flow.Records += p.Records
}

// A flowKey is what the packets of a [Flow] have in common.
type flowKey struct {
	src, dst      netip.Addr
	protocol      packet.Protocol
	before, after Fate
	died          bool
}

// fateOf returns the fate that an outcome describes.
func fateOf(o *sg.Outcome) Fate {
	f := Fate{Verdict: o.Verdict, Reason: o.Reason}
	if hops := o.Hops(); len(hops) > 0 {
		last := &hops[len(hops)-1]
		f.ENI, f.Direction, f.Rule = last.Enforcer.ID(), last.Direction, last.Decision.Rule
	}
	return f
}

// since returns when a connection began, as far as captures or an interface's log
// tell.
func (r *replayer) since(eni sg.ENIID, tuple packet.FiveTuple) time.Time {
	if t, ok := r.passed[connKey{eni, tuple}]; ok {
		return t
	}
	return r.passed[connKey{tuple: tuple}]
}

// change puts a policy in force, and records what happens to the connections.
func (r *replayer) change(to *sg.Policy, now time.Time) {
	open := slices.Collect(r.fw().Conns(now))
	r.swap(to, now)
	fresh, live := sg.NewFirewall(to, &r.o.After), r.expiries(now)
	for _, c := range open {
		k := Kept{
			ENI: c.Enforcer.ID(), Direction: c.Rule.Direction(), Tuple: c.Tuple, Rule: c.Rule,
			Changed: now, Since: r.since(c.Enforcer.ID(), c.Tuple), Expires: c.Expires,
		}
		if _, lives := live[connKey{k.ENI, k.Tuple}]; !lives {
			k.Expires = now
			r.ended = append(r.ended, k)
			continue
		}
		if c.Rule.IsZero() {
			continue // it was unknown whether it would be admitted
		}
		h := firstOf(k.Tuple)
		if x := fresh.ENI(k.ENI).Explain(k.Direction, sg.Packet{Header: &h, Time: now, Via: r.o.Via}); x.Verdict != sg.Accept {
			r.kept = append(r.kept, k)
		}
	}
}

// expiries returns when the open connections expire.
func (r *replayer) expiries(now time.Time) map[connKey]time.Time {
	all := map[connKey]time.Time{}
	for c := range r.fw().Conns(now) {
		all[connKey{c.Enforcer.ID(), c.Tuple}] = c.Expires
	}
	return all
}

// firstOf returns the first packet of a connection.
func firstOf(t packet.FiveTuple) packet.Header {
	s := Service{Protocol: t.Protocol, First: t.DstPort}
	if typ, code, _ := t.ICMP(); t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6 {
		s.First = uint16(typ)<<8 | uint16(code)
	}
	return s.packet(t.SrcAddr(), t.DstAddr())
}

// traffic fills in what was found.
func (r *replayer) traffic(t *Traffic) *Traffic {
	t.Kept, t.Ended, t.Came, t.Judged = r.kept, r.ended, r.came, r.judged
	for why, n := range r.unjudged {
		why.Number = n
		t.Unjudged = append(t.Unjudged, why)
	}
	slices.SortFunc(t.Unjudged, func(a, b Unjudged) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Undecided, b.Undecided))
	})
	for _, s := range r.steps {
		if !r.last.IsZero() {
			t.Late = append(t.Late, s.At)
		}
	}
	for _, f := range r.flows {
		t.Flows = append(t.Flows, *f)
	}
	slices.SortFunc(t.Flows, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Number, b.Number)) // no two begin with the same packet
	})
	if len(t.Kept) > 0 {
		expires := r.expiries(r.last)
		for i := range t.Kept {
			k := &t.Kept[i]
			at, open := expires[connKey{k.ENI, k.Tuple}]
			if k.Closed = !open; open {
				k.Expires = at
			}
		}
	}
	for _, ks := range [...][]Kept{t.Kept, t.Ended} {
		slices.SortFunc(ks, func(a, b Kept) int {
			return cmp.Or(a.Changed.Compare(b.Changed), cmp.Compare(a.ENI, b.ENI), cmp.Compare(a.Tuple.String(), b.Tuple.String()))
		})
	}
	return t
}
